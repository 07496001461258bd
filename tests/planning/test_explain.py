"""The terms behind a plan: they add up to what the plan says."""

from __future__ import annotations

from typing import Any

import pytest

from inferstack import planning
from inferstack.planning.explain import Explained, explain
from inferstack.planning.size import Size, size
from inferstack.sizing.types import Term


def made(**changes: Any) -> tuple[Size, Explained]:
    asked = {"model": "Qwen/Qwen2.5-7B-Instruct", "traffic": {"requestsPerSecond": 2, "isl": 1000, "osl": 300}, "slo": {"tpotP95Ms": 60}}
    found = size({**asked, **changes}, "gke")
    return found, explain(found.plan.services[0], next(row for row in found.table if row.verdict == "chosen"))


def value(terms: tuple[Term, ...], name: str) -> float:
    return next(term.value for term in terms if term.name == name)


MODELS = pytest.mark.parametrize("model", ["Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen3-30B-A3B", "Qwen/Qwen2.5-72B-Instruct"])


@MODELS
def test_memory_adds_up(model: str) -> None:
    """What may be used, less weights, activations and runtime, is the KV cache of the plan."""
    found, explained = made(model=model)
    parts = [value(explained.memory, name) for name in ("weights", "activations", "runtime", "KV cache")]
    assert sum(parts) == pytest.approx(value(explained.memory, "usable"))
    assert value(explained.memory, "KV tokens") == found.plan.services[0].replica.memory.kv_tokens


@MODELS
@pytest.mark.parametrize(("first", "total"), [("prefill", "prefill"), ("prefill MFU", "decode step")])
def test_latency_adds_up(model: str, first: str, total: str) -> None:
    """The terms of a prefill are its time, and so are those of a decode step."""
    _, explained = made(model=model)
    names = [term.name for term in explained.latency]
    begin = 0 if total == first else names.index(first) + 1
    terms = explained.latency[begin : names.index(total)]
    assert sum(term.value for term in terms) == pytest.approx(value(explained.latency, total))
    assert all(term.unit == "ms" for term in terms)


@MODELS
def test_parts_of_the_peaks_are_below_one(model: str) -> None:
    """No plan is faster than the silicon's memory bandwidth or its FLOPS."""
    _, explained = made(model=model)
    for name in ("MBU", "prefill MFU"):
        assert 0 < value(explained.latency, name) < 1


def test_mbu_of_a_dense_model_is_what_is_read_over_time_and_bandwidth() -> None:
    """(weights + live KV) / decode step / peak bandwidth, recomputed from the plan's own figures."""
    found, explained = made(quantization="bf16")
    replica = found.plan.services[0].replica
    shape, tensor = replica.shape, replica.shape.parallel.tensor
    batch = max(1.0, replica.performance.sequences)
    live = batch * (1000 + 300 / 2) * 2 * shape.model.num_layers * shape.model.num_kv_heads * shape.model.head_dim * 2
    read = shape.model.params_total * 2 + live
    seconds = value(explained.latency, "decode step") / 1000
    assert value(explained.latency, "MBU") == pytest.approx(read / seconds / (shape.device.bandwidth_bytes_s * tensor), rel=0.12)


def test_every_term_says_where_it_is_from() -> None:
    """Each term has a formula, a provenance and a source, also in the document."""
    found, explained = made()
    for term in (*explained.memory, *explained.latency, *explained.value):
        assert term.formula
        assert term.source
    document = planning.explanation(found)
    assert sorted(document) == ["latency", "memory", "value"]
    assert document["memory"][0].keys() == {"name", "formula", "value", "unit", "provenance", "source"}


def test_value_is_output_over_the_price_of_whole_machines() -> None:
    """tok/s per $/h is the output of all replicas at capacity over what their machines cost in an hour."""
    found, explained = made()
    service, pool = found.plan.services[0], found.plan.pools[0]
    (nodes,) = (line for line in found.plan.costs.lines.children if line.name == "GPU nodes")
    per_hour = nodes.monthly_usd.max / 730
    assert pool.nodes.max > 0
    output = service.replica.performance.output_tps.expected * service.replicas.max
    assert value(explained.value, "tok/s per $/h") == pytest.approx(output / float(per_hour))


def test_without_a_price_there_is_no_value_for_money() -> None:
    """Machines of one's own have every other term."""
    found = size({"model": "Qwen/Qwen2.5-7B-Instruct", "traffic": {"requestsPerSecond": 1, "isl": 100, "osl": 100}, "gpu": "rtx-4090"})
    explained = planning.explanation(found)
    assert explained["value"] == []
    assert explained["memory"]
    assert explained["latency"]
