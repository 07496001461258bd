"""What the network between the machines of one replica adds to its step times.

Stages hand every token's activations on, machine after machine. Experts that are spread over machines gather the tokens of all groups of
attention and give back what they made of them, in each layer with experts (all-gather and reduce-scatter: what NCCL does everywhere).

    step     += transfers x (latency + tokens of the step x bytes of one / rate)
    stages    transfers = M - 1                  bytes = H x 2 B x tensors
    experts   transfers = 2 x expert layers      bytes = H x 2 B x (M - 1) / M
    rate      = what one machine's network carries x the part of it that transfers reach

All believed: no published run of several machines is among the measurements that the fit knows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .constants import constants, estimate
from .times import StepTimes
from .types import Device, Estimate, Shape

ACTIVATION_BYTES = 2
DISPATCH_AND_COMBINE = 2
TCP = "TCP"
"""Name of what is left where accelerators' own network is out of reach: sockets over the machine's first interface."""


@dataclass(frozen=True, slots=True)
class Network:
    """The transfers between the machines of one replica, one after the other."""

    transfers: int
    """In one step."""
    transfer_s: Estimate
    """Latency of one."""
    token_s: Estimate
    """One token's part of one."""
    stages: int

    def decode_s(self, batch: float) -> Estimate:
        """Added to a decode step of `batch` sequences, which stages share out among them."""
        return self.transfer_s.scaled(self.transfers).plus(self.token_s.scaled(self.transfers * batch / self.stages))

    def prefill_s(self, isl: float) -> Estimate:
        """Added to one prompt of `isl` tokens."""
        return self.transfer_s.scaled(self.transfers).plus(self.token_s.scaled(self.transfers * isl))


def network_of(shape: Shape) -> Network | None:
    """None where a replica stays on one machine."""
    device, model = shape.device, shape.model
    if device.machines == 1:
        return None
    data = constants("network")
    own = device.network_bytes_s
    nominal = data["assumed_bytes_s"] if own is None else own * device.per_machine
    reached = estimate(data["efficiency"])
    if shape.experts_span:
        transfers = DISPATCH_AND_COMBINE * (model.num_layers - (model.first_k_dense or 0))
        sent = model.hidden_size * ACTIVATION_BYTES * (device.machines - 1) / device.machines
    else:
        transfers, sent = device.machines - 1, model.hidden_size * ACTIVATION_BYTES * data["tensors"]
    token = Estimate(
        sent / (nominal * reached.high),
        sent / (nominal * reached.expected),
        sent / (nominal * reached.low),
        reached.provenance,
        reached.source,
    )
    return Network(transfers, estimate(data["latency_s"]), token, shape.parallel.pipeline)


def over_tcp(device: Device) -> Device:
    """`device` whose machines talk over sockets, whatever else joins them."""
    return replace(device, network=TCP, network_bytes_s=constants("network")["tcp_bytes_s"] / device.per_machine)


def spread_factor(shape: Shape) -> float:
    """How much wider bands are where a replica spans machines; 1 on one."""
    if shape.device.machines == 1:
        return 1.0
    return constants("network")["spread"]["experts" if shape.experts_span else "stages"]


def over_network(times: StepTimes, network: Network | None, isl: float) -> StepTimes:
    """The step times of one replica with what its network adds, as expected."""
    if network is None:
        return times
    prefill, token = network.prefill_s(isl).expected, network.token_s.expected * network.transfers
    return replace(
        times,
        prefill_s=times.prefill_s + prefill,
        prefill_busy_s=times.prefill_busy_s + prefill / network.stages,
        fixed_s=times.fixed_s + network.transfer_s.expected * network.transfers,
        sequence_s=times.sequence_s + token / network.stages,
    )
