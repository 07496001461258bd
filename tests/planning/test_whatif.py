"""The what-if table: every combination with its verdict, and the front of cost against latency."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inferstack.errors import InputError
from inferstack.planning.placement import Placement
from inferstack.planning.stack import settle
from inferstack.planning.whatif import CHOSEN, COARSER, UNSUPPORTED, WORKS, Combination, joined, what_if
from tests.planning.stacks import EKS, GKE, service, stack

MODELS = st.sampled_from(("Qwen/Qwen2.5-1.5B-Instruct", "Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen3-30B-A3B", "Qwen/Qwen2.5-72B-Instruct"))
TARGETS = st.sampled_from((EKS, GKE))
LENGTHS = st.integers(min_value=16, max_value=4000)
RATES = st.floats(min_value=0.05, max_value=50)


def table(target: dict[str, Any] = EKS, **changes: Any) -> tuple[tuple[Combination, ...], Placement]:
    """The table of `service(**changes)`, and the placement that the search chose."""
    site, ((requirement, outcome),) = settle(stack(service(**changes), target=target))
    assert outcome.chosen is not None
    return joined([what_if(requirement, outcome, site, outcome.chosen)]), outcome.chosen


@settings(max_examples=15)
@given(MODELS, TARGETS, LENGTHS, LENGTHS, RATES)
def test_the_search_that_stops_early_chooses_from_the_whole_table(
    model: str, target: dict[str, str], isl: int, osl: int, rate: float
) -> None:
    """The chosen placement is one row, and of all rows of its engine that could be chosen unasked none ranks before it."""
    try:
        rows, chosen = table(target, model=model, traffic={"requestsPerSecond": rate, "isl": isl, "osl": osl})
    except InputError:
        return
    (row,) = (row for row in rows if row.verdict == CHOSEN)
    assert (row.machine_type, row.replicas, row.monthly_usd) == (chosen.machine.name, chosen.replicas.max, chosen.monthly_usd)
    assert (row.quantization, row.gpus_per_replica) == (chosen.sized.checkpoint.quantization, chosen.sized.devices)
    same_engine = [other for other in rows if other.verdict == WORKS and other.engine == row.engine]
    assert all(other.monthly_usd is None or row.monthly_usd.expected <= other.monthly_usd.expected for other in same_engine)


@settings(max_examples=15)
@given(MODELS, TARGETS, LENGTHS, LENGTHS, RATES)
def test_the_front_is_what_nothing_dominates(model: str, target: dict[str, str], isl: int, osl: int, rate: float) -> None:
    """A row is on the front if and only if it could be chosen, has a price, and no such row is cheaper and no slower or the reverse."""
    try:
        rows, _ = table(target, model=model, traffic={"requestsPerSecond": rate, "isl": isl, "osl": osl})
    except InputError:
        return
    able = {index: (row.monthly_usd.expected, row.latency_ms) for index, row in enumerate(rows) if row.verdict in (CHOSEN, WORKS)}

    def dominated(index: int) -> bool:
        usd, latency = able[index]
        return any(theirs <= usd and other <= latency and (theirs, other) != (usd, latency) for theirs, other in able.values())

    assert {index for index, row in enumerate(rows) if row.pareto} == {index for index in able if not dominated(index)}


def test_every_combination_is_one_row() -> None:
    """No engine, quantization, GPU and degree occurs twice, and what fits has figures while what does not has none."""
    rows, _ = table()
    seen = Counter((row.engine, row.quantization, row.gpu, row.gpus_per_replica) for row in rows)
    assert max(seen.values()) == 1
    assert all((row.performance is None) == (row.verdict in ("memory", UNSUPPORTED)) for row in rows)
    assert all((row.monthly_usd is None) != row.keeps_slo for row in rows)


def test_every_row_says_why_it_was_not_chosen() -> None:
    """Dearer rows name the difference, coarser ones the loss of quality, refused ones the engine's reason, other engines the preference."""
    rows, _ = table()
    reasons = {row.verdict: row.reason for row in rows if row.engine == "vllm"}
    assert "coarser" in reasons[COARSER]
    assert "8 does not divide 28 attention heads" in {row.reason for row in rows if row.verdict == UNSUPPORTED}
    assert any(row.reason.endswith("a month more") for row in rows if row.verdict == WORKS)
    assert {row.reason for row in rows if row.engine == "llama.cpp" and row.verdict == WORKS} == {"vllm is preferred where it works"}


def test_pins_narrow_the_table() -> None:
    """What the stack file pins is the same in every row."""
    rows, _ = table(gpu="l40s", quantization="bf16", engine="vllm")
    assert {(row.engine, row.quantization, row.gpu) for row in rows} == {("vllm", "bf16", "l40s")}


def test_price_of_tokens_is_the_monthly_cost_over_the_months_tokens() -> None:
    """At one request a second of 500 and 200 tokens a month of 730 hours has 1.8396 billion tokens."""
    rows, _ = table()
    chosen = next(row for row in rows if row.verdict == CHOSEN)
    assert chosen.monthly_usd is not None
    assert chosen.usd_per_million_tokens is not None
    assert float(chosen.usd_per_million_tokens) == pytest.approx(float(chosen.monthly_usd.expected) / 1839.6)


def test_machines_without_a_price_have_no_cost_and_are_on_no_front() -> None:
    """Nodes of one's own without `usdPerHour` still get their latencies and verdicts."""
    own = {"cloud": "existing", "nodes": [{"gpu": "l40s", "gpusPerNode": 4, "count": 4, "cpu": 64, "memoryGib": 512}]}
    rows, _ = table(own)
    assert rows[0].performance is not None
    assert not any(row.pareto or row.monthly_usd or row.usd_per_million_tokens for row in rows)
