"""Every term of a replica's latency with its numbers put in, for people who check it; and MBU and MFU, what they make of the peaks."""

from __future__ import annotations

from .efficiency import Fitted, efficiency_of
from .host_weights import host_part, host_read_s, prompt_chunks
from .network import Network, network_of
from .performance import (
    EXPERT_OF_LAYER,
    in_place,
    launch_s,
    layer_s,
    own_prompt_s,
    prompt_launch_s,
    provenance_of,
    times_of,
)
from .times import StepTimes
from .types import Estimate, Provenance, Shape, Term
from .work import Work, generates, work_of

MS = 1000.0


def latency_terms(shape: Shape, isl: float, osl: float, batch: float) -> list[Term]:
    """Terms of prefill and of one decode step of `batch` sequences at `isl` and `osl` tokens, then their sums, MFU and MBU.

    A model that generates nothing has no decode.
    """
    work, fitted = work_of(shape, isl, osl), efficiency_of(shape)
    prefill = _prefill(shape, work, fitted)
    return [*prefill, *_decode(shape, work, fitted, batch)] if generates(shape.model) else prefill


def mbu(shape: Shape, isl: float, osl: float, batch: float) -> float:
    """Predicted memory-bandwidth utilisation: (weights + live KV) / TPOT / peak bandwidth; weights as far as a batch reads them."""
    work = work_of(shape, isl, osl)
    return _read_s(work, batch) / _times(shape, work, efficiency_of(shape)).decode_s(batch)


def prefill_mfu(shape: Shape, isl: float, osl: float) -> float:
    """Predicted model-FLOPS utilisation of one prompt: its products and attention at peak rates over the time it takes."""
    work = work_of(shape, isl, osl)
    return _multiplied_s(work) / _times(shape, work, efficiency_of(shape)).prefill_s


def _times(shape: Shape, work: Work, fitted: Fitted) -> StepTimes:
    return in_place(times_of(work, fitted.efficiency), shape, work, fitted.efficiency)


def _between_machines(network: Network | None, estimate: Estimate | None, tokens: str) -> list[Term]:
    if network is None or estimate is None:
        return []
    each = f"{network.transfer_s.expected * 1e6:.0f} us + {tokens} x {network.token_s.expected * 1e6:.2f} us"
    formula = f"{network.transfers} transfers x ({each})"
    return [Term("network between machines", formula, estimate.expected * MS, "ms", estimate.provenance, estimate.source)]


def _from_host(read: Estimate | None, part: float) -> list[Term]:
    """What reading weights from main memory takes, where some wait there."""
    if read is None:
        return []
    formula = f"{part:.0%} of the weights over PCIe"
    return [Term("weights in main memory", formula, read.expected * MS, "ms", read.provenance, read.source)]


def _prefill(shape: Shape, work: Work, fitted: Fitted) -> list[Term]:
    reached = fitted.efficiency
    terms = [
        _over("prefill products", work.prefill_dense_s, reached.prefill, fitted),
        _over("prefill experts", work.prefill_expert_s, reached.expert_prefill, fitted),
        _over("prefill attention", work.prefill_attention_s, reached.attention, fitted),
        _over("prefill all-reduces", work.isl * work.link_token_s, reached.link, fitted),
        Term(
            "prefill launches",
            f"{work.layers} layers x {reached.prompt_layer_s * 1e6:.0f} us + {work.expert_layers} with experts x"
            f" {reached.prompt_expert_layer_s * 1e6:.0f} us",
            prompt_launch_s(work, reached) * MS,
            "ms",
            fitted.provenance,
            fitted.source,
        ),
    ]
    own, formula = own_prompt_s(shape, work, reached), f"{work.ranks - 1} x (products + attention) that other groups do not share"
    at_once = host_read_s(shape, work, 1.0)
    terms += _from_host(at_once.scaled(prompt_chunks(shape, work)) if at_once else None, host_part(shape))
    terms.append(Term("prefill of one group alone", formula, own * MS, "ms", Provenance.BELIEVED, "each group computes its own prompts"))
    total = _times(shape, work, fitted).prefill_s
    network = network_of(shape)
    return [
        *(term for term in terms if term.value),
        *_between_machines(network, network.prefill_s(work.isl) if network else None, f"{work.isl:,.0f} tokens"),
        _sum("prefill", "products + experts + attention + all-reduces + launches", total, shape, fitted),
        Term("prefill MFU", f"{_ms(_multiplied_s(work))} at peak / {_ms(total)}", _multiplied_s(work) / total, "", *_fit(shape, fitted)),
    ]


def _decode(shape: Shape, work: Work, fitted: Fitted, batch: float) -> list[Term]:
    reached, stages = fitted.efficiency, work.stages
    hit, here = 1 - work.expert_miss ** (batch / stages), 1 - host_part(shape)
    per = f"{batch:,.0f} sequences x "
    terms = [
        _over("weights read", work.dense_read_s * here, reached.weight_read, fitted),
        _over("experts read", work.expert_read_s * hit * here, reached.expert_read, fitted, f"{hit:.0%} of them hit, "),
        *_from_host(host_read_s(shape, work, hit), 1 - here),
        _over("KV cache read", work.kv_read_s * batch / stages, reached.kv_read, fitted, per),
        _over("decode products", work.token_dense_s * batch / stages, reached.decode, fitted, per),
        _over("decode experts", work.token_expert_s * batch / stages, reached.expert_decode, fitted, per),
        _over("decode attention", work.token_attention_s * batch / stages, reached.attention, fitted, per),
        _over("all-reduces", work.link_token_s * batch / stages, reached.link, fitted, per),
        _count("all-reduce latency", work.messages + work.hops, reached.message_s, "messages", fitted),
        Term(
            "launches",
            f"{work.layers} layers{_loops(work)} x {layer_s(work, reached) * 1e6:.1f} us + {work.expert_layers} with experts x"
            f" {reached.expert_layer_s * 1e6:.1f} us + {stages} x {_ms(reached.step_s)}",
            launch_s(work, reached) * MS,
            "ms",
            fitted.provenance,
            fitted.source,
        ),
        _count("host per sequence", batch / work.ranks, reached.sequence_s, "sequences", fitted),
    ]
    total = _times(shape, work, fitted).decode_s(batch)
    read = _read_s(work, batch)
    network = network_of(shape)
    return [
        *(term for term in terms if term.value),
        *_between_machines(network, network.decode_s(batch) if network else None, f"{batch / stages:,.0f} sequences"),
        _sum("decode step", "all of the above since prefill", total, shape, fitted),
        Term("MBU", f"(weights + live KV) {_ms(read)} at peak / {_ms(total)}", read / total, "", *_fit(shape, fitted)),
    ]


def _loops(work: Work) -> str:
    return f" and {work.loops:,.0f} experts x {EXPERT_OF_LAYER:.2f}" if work.loops else ""


def _read_s(work: Work, batch: float) -> float:
    experts = work.expert_read_s * (1 - work.expert_miss ** (batch / work.stages))
    return work.dense_read_s + experts + work.kv_read_s * batch / work.stages


def _multiplied_s(work: Work) -> float:
    return work.prefill_dense_s + work.prefill_expert_s + work.prefill_attention_s


def _over(name: str, at_peak_s: float, part: float, fitted: Fitted, lead: str = "") -> Term:
    """Seconds at a peak rate over the part of it that is reached."""
    return Term(name, f"{lead}{_ms(at_peak_s)} at peak / {part:.2f}", at_peak_s / part * MS, "ms", fitted.provenance, fitted.source)


def _count(name: str, count: float, each_s: float, unit: str, fitted: Fitted) -> Term:
    return Term(name, f"{count:,.0f} {unit} x {each_s * 1e6:.1f} us", count * each_s * MS, "ms", fitted.provenance, fitted.source)


def _sum(name: str, formula: str, seconds: float, shape: Shape, fitted: Fitted) -> Term:
    return Term(name, formula, seconds * MS, "ms", *_fit(shape, fitted))


def _fit(shape: Shape, fitted: Fitted) -> tuple[Provenance, str]:
    return provenance_of(shape), fitted.source


def _ms(seconds: float) -> str:
    return f"{seconds * MS:,.2f} ms"
