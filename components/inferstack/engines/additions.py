"""What an engine is told of beside a model: LoRA adapters, and how tokens are proposed ahead of it."""

from __future__ import annotations

from dataclasses import dataclass

from .weights import HUB

ADAPTERS = "/mnt/adapters"
"""Where KServe puts adapters that the engine does not download itself."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter beside the model's own weights, with a name of its own at the endpoint."""

    name: str
    uri: str
    """hf://owner/repository, or what KServe mounts: s3://..., gs://..., pvc://claim/path."""
    rank: int

    @property
    def path(self) -> str:
        """What the engine is told: a repository that it downloads itself, or the folder where KServe puts it."""
        return self.uri.removeprefix(HUB) if self.uri.startswith(HUB) else f"{ADAPTERS}/{self.name}"


@dataclass(frozen=True, slots=True)
class Speculation:
    """How tokens are proposed ahead of the model."""

    method: str
    """draft (a small model), eagle3 (a head that was trained for the model), ngram (the prompt itself), mtp (layers of the checkpoint)."""
    tokens: int
    """Proposed in each step."""
    repository: str | None = None
    """Hugging Face repository of what proposes, where it has one; of GGUF weights for engines that load GGUF."""


@dataclass(frozen=True, slots=True)
class LoraRules:
    """How an engine takes LoRA adapters."""

    schemes: frozenset[str]
    """Schemes of quantization that adapters are known to work on."""
    ranks: tuple[int, ...] = ()
    """Ranks that it has kernels for; () where any will do."""
    by_base: bool = False
    """True where an adapter is asked for as `service:adapter`, and not by its name alone."""

    def room_for(self, rank: int) -> int | None:
        """The rank that is allotted for `rank`; None where there is none."""
        return min((legal for legal in self.ranks if legal >= rank), default=None) if self.ranks else rank
