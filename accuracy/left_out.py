"""How memory predictions hold for what they were not made from: bands and the sampler's constant, found again without a whole group."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from inferstack.sizing import batched_tokens, concurrency, memory_constants
from inferstack.sizing.memory import forward_bytes, logits_bytes

from .data import Memory
from .errors import Pair

LEVEL = 0.8
"""Part of the measurements that a band is made to hold."""
GROUPS: Mapping[str, Callable[[Memory], str]] = {
    "engine": lambda case: case.row.engine.casefold().partition(" ")[0],
    "GPU": lambda case: "" if case.shape is None else case.shape.device.id,
    "family": lambda case: "" if case.shape is None else case.shape.model.architecture,
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """Measurements inside the band of one figure: as it is, and with widths that were found without the measurement's own group."""

    n: int
    in_band: float
    left_out: Mapping[str, float | None]
    """By kind of group; None where there is only one group."""


def coverage(cases: Sequence[Memory], key: str) -> Coverage | None:
    """None where nothing was measured."""
    scored = [(case, score(pair)) for case in cases if (pair := case.pair(key)) is not None]
    if not scored:
        return None
    inside = sum(value <= 1 for _, value in scored) / len(scored)
    return Coverage(len(scored), inside, {kind: _left_out(scored, group) for kind, group in GROUPS.items()})


def score(pair: Pair) -> float:
    """How far off a prediction is, in half-widths of its band on that side."""
    off = abs(pair.measured - pair.predicted)
    assert pair.low is not None
    assert pair.high is not None
    half = pair.high - pair.predicted if pair.measured > pair.predicted else pair.predicted - pair.low
    return 0.0 if not off else off / half if half else math.inf


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Whether one sequence of full length fits, predicted beside what the engine found."""

    n: int
    wrong: int
    beyond: int
    """Wrong although both ends of the band say so: by more than the stated margin."""


def fits(cases: Sequence[Memory]) -> Verdicts:
    """Over the rows whose log says how much cache was left, or that none was."""
    told = [(found, case.prediction) for case in cases if (found := _started(case)) is not None]
    wrong = [(found, one) for found, one in told if one.predicted["fits"] is not found]
    beyond = sum(one.band["fits"].low == one.band["fits"].high for _, one in wrong)
    return Verdicts(len(told), len(wrong), beyond)


def _started(case: Memory) -> bool | None:
    """What the engine found; None where its log does not say, or nothing is predicted."""
    kv = case.row.observed.get("kv_gib_per_gpu")
    if case.shape is None or kv is None or case.prediction.predicted["fits"] is None or case.row.max_model_len is None:
        return None
    if memory_constants(case.shape.engine, case.shape.engine_version).budget == "allotted":
        return None
    return concurrency(case.shape, round(kv * 2**30)) >= 1


def sampler_pairs(cases: Sequence[Memory]) -> tuple[list[Pair], list[Pair]]:
    """Activation peaks of vLLM that the sampler sets: as predicted, and with the bytes per logit of that release's other families."""
    sampled = [case for case in cases if _bytes_per_logit(case) is not None]
    fitted: list[Pair] = []
    others: list[Pair] = []
    for case in sampled:
        pair, shape = case.pair("activation_gib"), case.shape
        assert pair is not None
        assert shape is not None
        kin = [_bytes_per_logit(other) for other in sampled if _release(other) == _release(case) and _family(other) != _family(case)]
        if not kin:
            continue
        expected = memory_constants(shape.engine, shape.engine_version).logit_bytes.expected
        shift = (median(value for value in kin if value is not None) - expected) * shape.max_sequences * shape.model.vocab_size
        fitted.append(pair)
        others.append(Pair(pair.predicted + shift / 2**30, pair.measured))
    return fitted, others


def _left_out(scored: Sequence[tuple[Memory, float]], group: Callable[[Memory], str]) -> float | None:
    names = {group(case) for case, _ in scored}
    if len(names) < 2:
        return None
    held = 0
    for name in names:
        width = _quantile([value for case, value in scored if group(case) != name])
        held += sum(value <= width for case, value in scored if group(case) == name)
    return held / len(scored)


def _quantile(values: Sequence[float]) -> float:
    return sorted(values)[math.ceil(LEVEL * len(values)) - 1]


def _bytes_per_logit(case: Memory) -> float | None:
    """Bytes per row and vocabulary entry that the measured peak amounts to; None where another term sets it or settings are not stated."""
    shape, pair = case.shape, case.pair("activation_gib")
    if shape is None or pair is None or shape.engine != "vllm" or case.row.max_num_seqs is None or shape.parallel.pipeline > 1:
        return None
    rules, tokens = memory_constants(shape.engine, shape.engine_version), batched_tokens(shape)
    sampler = logits_bytes(rules, shape.model, shape.max_sequences, tokens)
    if forward_bytes(rules, shape.model, tokens, shape.parallel).expected > sampler.expected:
        return None
    beside = rules.hidden_bytes.expected * tokens * shape.model.hidden_size
    return (pair.measured * 2**30 - beside) / (shape.max_sequences * shape.model.vocab_size)


def _release(case: Memory) -> str:
    assert case.shape is not None
    return memory_constants(case.shape.engine, case.shape.engine_version).versions


def _family(case: Memory) -> str:
    assert case.shape is not None
    return case.shape.model.architecture
