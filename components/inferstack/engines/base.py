"""What engines have in common whatever they run on: names, a release of the catalog, and the kinds of models that they serve."""

from __future__ import annotations

from typing import ClassVar

from .. import catalog
from ..catalog.types import EngineRelease, Model
from ..sizing.types import Shape
from .hosts import HostMemory
from .kinds import refuse_kind
from .types import FlagRules, Refusal, Traits


class BaseEngine:
    """An engine by its row of the catalog; `gpu.GpuEngine` and `gguf.GgufEngine` are the two kinds."""

    name: ClassVar[str]
    """Row of the catalog's releases, and of its support matrix."""
    title: ClassVar[str]
    """As its makers write it."""
    aliases: tuple[str, ...] = ()
    traits = Traits()
    flags: FlagRules
    host: ClassVar[HostMemory]

    @property
    def release(self) -> EngineRelease:
        return catalog.engine_release(self.name)

    def release_for(self, device_kind: str) -> EngineRelease:
        return self.release

    def refuse_model(self, model: Model) -> Refusal | None:
        """Why models of that kind are none of its own; None where they are."""
        return refuse_kind(self.title, self.name, self.traits.kinds, model)

    def remarks(self, shape: Shape) -> tuple[tuple[bool, str], ...]:
        """Further notes, each with whether it holds."""
        return ()
