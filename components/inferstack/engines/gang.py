"""How the pods of one replica find one another: a LeaderWorkerSet tells each its place in the group and where the first one is."""

from __future__ import annotations

from .spec import Drain, Workers

LEADER_ADDRESS = "$(LWS_LEADER_ADDRESS)"
"""DNS name of the first pod, which LWS puts into every container of the group."""
WORKER_INDEX = "$(LWS_WORKER_INDEX)"
"""Place of a pod in its group; the first is 0."""


INTERFACE = "eth0"
"""Network interface of a pod that Kubernetes gives it; those between accelerators have names of their own."""


def sockets(machines: int) -> tuple[tuple[str, str], ...]:
    """Variables that keep what processes of several machines first say to one another on the pods' own network."""
    return (("GLOO_SOCKET_IFNAME", INTERFACE), ("NCCL_SOCKET_IFNAME", INTERFACE)) if machines > 1 else ()


def workers(machines: int, args: tuple[str, ...], port: int, drain: Drain, command: tuple[str, ...] | None = None) -> Workers | None:
    """The pods beside the first, which meet at its `port`; None where a replica is one pod. `command` is in place of that of the first.

    A worker stays while the first pod still answers at that port, for its last responses need every stage, and goes with it.
    """
    if machines == 1:
        return None
    listening = f"(exec 3<>/dev/tcp/$LWS_LEADER_ADDRESS/{port}) 2>/dev/null"
    wait = ("timeout", str(drain.grace), "bash", "-c", f"while {listening}; do sleep 1; done")
    return Workers(machines - 1, args, port, Drain(drain.grace, drain.grace, wait), command)
