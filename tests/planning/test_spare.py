"""Spare replicas, bursts, mixed lengths and cold starts: what they change in a plan, and how it says so."""

from __future__ import annotations

import pytest

from inferstack.errors import InputError

from .stacks import plan_one

BUSY = {"requestsPerSecond": 12.0, "isl": 500, "osl": 200}
PINNED = {"traffic": BUSY, "gpu": "l40s", "tensorParallel": 1, "quantization": "bf16", "engine": "vllm", "machineType": "g6e.4xlarge"}


def test_a_spare_replica_stands_beside_what_the_traffic_needs() -> None:
    """N+1 adds one replica at both ends of the range, with its reason, and no replica has more to do."""
    plain, spared = plan_one(**PINNED), plan_one(**PINNED, spareReplicas=1)
    assert (spared.replicas.min, spared.replicas.max) == (2, plain.replicas.max + 1)
    assert spared.replica.performance.load_rps < plain.replica.performance.load_rps
    reason = next(decision.reason for decision in spared.decisions if decision.key == "replicas")
    assert "1 spare, so that the SLO holds while one is lost or replaced" in reason


def test_pinned_replicas_must_hold_the_spare() -> None:
    """As many replicas as the peak takes are too few beside a spare, and the refusal says what it takes."""
    needed = plan_one(**PINNED).replicas.max
    with pytest.raises(InputError, match=f"without the 1 spare.*it takes {needed + 1}"):
        plan_one(**PINNED, replicas=needed, spareReplicas=1)


def test_bursts_and_mixed_lengths_never_need_less() -> None:
    """Traffic in bursts, or of mixed lengths, leaves a replica a smaller share of the same SLO."""
    slo = {"ttftP95Ms": 400, "tpotP95Ms": 60}
    pinned = {"gpu": "l40s", "tensorParallel": 1, "quantization": "bf16", "slo": slo}
    even, bursts, mixed = (
        plan_one(traffic={**BUSY, "requestsPerSecond": 1.0, **more}, **pinned).replica.performance.capacity_rps.expected
        for more in ({}, {"burstiness": 3.0}, {"lengthSpread": 1.0})
    )
    assert bursts < even
    assert mixed < even


def test_the_startup_probe_waits_for_the_container_and_no_longer() -> None:
    """The probe allows one and a half times weights and start at the top of their band; node and image come before it."""
    made = plan_one()
    parts = {part.name: part.seconds for part in made.cold_start_parts}
    allowed = made.spec.probes.startup.period * made.spec.probes.startup.failures
    assert set(parts) == {"node", "image", "weights", "start"}
    assert allowed >= parts["weights"].expected + parts["start"].high
    assert allowed < 1.5 * made.cold_start_seconds.high
