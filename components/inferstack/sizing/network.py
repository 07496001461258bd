"""What the network between the machines of one replica adds: pipeline stages hand every token's activations on, machine after machine.

    step    += hops x (latency + tokens of the step x H x 2 B x tensors / rate)
    rate     = what one machine's network carries x the part of it that transfers reach

All believed: no published run of several machines is among the measurements that the fit knows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .constants import constants, estimate
from .types import Estimate, Shape

if TYPE_CHECKING:
    from .performance import StepTimes

ACTIVATION_BYTES = 2


@dataclass(frozen=True, slots=True)
class Network:
    """The transfers between the machines of one replica."""

    hops: int
    hop_s: Estimate
    """Latency of one transfer."""
    token_s: Estimate
    """One token's activations over one hop."""
    stages: int

    def decode_s(self, batch: float) -> Estimate:
        """Added to a decode step of `batch` sequences, which stages share out among them."""
        return self.hop_s.scaled(self.hops).plus(self.token_s.scaled(self.hops * batch / self.stages))

    def prefill_s(self, isl: float) -> Estimate:
        """Added to one prompt of `isl` tokens."""
        return self.hop_s.scaled(self.hops).plus(self.token_s.scaled(self.hops * isl))


def network_of(shape: Shape) -> Network | None:
    """None where a replica stays on one machine."""
    device = shape.device
    if device.machines == 1:
        return None
    data = constants("network")
    own = device.network_bytes_s
    nominal = data["assumed_bytes_s"] if own is None else own * device.per_machine
    reached = estimate(data["efficiency"])
    sent = shape.model.hidden_size * ACTIVATION_BYTES * data["tensors"]
    token = Estimate(
        sent / (nominal * reached.high),
        sent / (nominal * reached.expected),
        sent / (nominal * reached.low),
        reached.provenance,
        reached.source,
    )
    return Network(device.machines - 1, estimate(data["latency_s"]), token, shape.parallel.pipeline)


def over_network(times: StepTimes, network: Network | None, isl: float) -> StepTimes:
    """The step times of one replica with what its network adds, as expected."""
    if network is None:
        return times
    prefill, token = network.prefill_s(isl).expected, network.token_s.expected * network.hops
    return replace(
        times,
        prefill_s=times.prefill_s + prefill,
        prefill_busy_s=times.prefill_busy_s + prefill / network.stages,
        fixed_s=times.fixed_s + network.hop_s.expected * network.hops,
        sequence_s=times.sequence_s + token / network.stages,
    )
