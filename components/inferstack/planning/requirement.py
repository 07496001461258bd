"""A service as the search understands it: names resolved, traffic turned into a workload, pins checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..catalog.types import CapacityType, Checkpoint, Machine, Model
from ..engines.sharing import POD
from ..engines.types import Engine, Overrides
from ..sizing.performance import PLAIN
from ..sizing.types import Slo, Techniques, Workload
from ..stackfile.schema import QualityFloor, Service
from ..stackfile.schema import ReplicaRange as ReplicaBounds
from .additions import NOTHING_BESIDE, Beside
from .spread import SpreadPins

if TYPE_CHECKING:
    from ..measurements import Calibration

CPU = "cpu"
"""What `gpu` says for a service without an accelerator."""
NO_OVERRIDES = Overrides()


@dataclass(frozen=True, slots=True)
class Requirement:
    """One service, resolved. None is "the planner decides"."""

    path: str
    """Key path of the service in the stack file."""
    service: Service
    model: Model
    workload: Workload
    slo: Slo
    engine: Engine | None
    quantization: str | None
    checkpoint: Checkpoint | None
    """The weights that `modelUri` names."""
    known: tuple[Checkpoint, ...]
    """The checkpoints of the model that the catalog knows; the reference repository of a model that it does not."""
    gpu: str | None
    machine: Machine | None
    spread: SpreadPins
    """How the stack file spreads one replica over GPUs."""
    replicas: ReplicaBounds | int | None
    spare: int
    """Replicas beyond what the traffic needs."""
    context: int | None
    capacity: CapacityType
    calibration: Calibration | None
    """The user's own measurements."""
    has_token: bool
    """True where the stack brings a Hugging Face token."""
    commitment: str | None = None
    """Term for which machines that always stand are bought; None: as all others."""
    beside: Beside = NOTHING_BESIDE
    """Adapters, proposed tokens and hits in the prefix cache."""
    quality: QualityFloor | None = None
    """How coarse weights may be that nobody named."""
    compares: bool = False
    """True where the engine is the one with the cheapest placement, and not the first that has one."""
    overrides: Overrides = NO_OVERRIDES
    """Flags, variables and image that the stack file gives the engine."""
    techniques: Techniques = PLAIN
    """What makes serving faster than its plain physics: nothing, unless a what-if asks for it."""

    @property
    def shares_pods(self) -> bool:
        """True where other services are in its pods, so that its machines are theirs too."""
        shares = self.engine.traits.shares if self.engine else None
        return self.service.server is not None and shares is not None and shares.scope == POD
