"""Every term of a replica's latency with its numbers put in, for people who check it; and MBU and MFU, what they make of the peaks."""

from __future__ import annotations

from .. import catalog
from . import performance
from .devices import peak_flops
from .kv import kv_read_bytes
from .performance import Efficiency, efficiency_of, step_times
from .types import Shape, Term
from .weights import expert_share, weight_bytes

MS = 1000.0
GB = 1e9


def latency_terms(shape: Shape, isl: float, osl: float, batch: float) -> list[Term]:
    """Terms of prefill and of one decode step of `batch` sequences at `isl` and `osl` tokens, then their sums, MFU and MBU."""
    reached = efficiency_of(shape)
    return [*_prefill(shape, round(isl), round(osl), reached), *_decode(shape, round(isl), round(osl), batch, reached)]


def mbu(shape: Shape, isl: float, osl: float, batch: float) -> float:
    """Predicted memory-bandwidth utilisation: (weights + live KV) / TPOT / peak bandwidth; weights as far as a batch reads them."""
    return _read_bytes(shape, isl, osl, batch) / step_times(shape, round(isl), round(osl)).decode_s(batch) / _bandwidth(shape)


def prefill_mfu(shape: Shape, isl: float, osl: float) -> float:
    """Predicted model-FLOPS utilisation of one prompt: its products and attention at peak rates over the time it takes."""
    return _flop(shape, round(isl)) / step_times(shape, round(isl), round(osl)).prefill_s / _peak(shape)


def _prefill(shape: Shape, isl: int, osl: int, reached: Efficiency) -> list[Term]:
    total = step_times(shape, isl, osl).prefill_s
    compute = performance.prefill_compute_s(shape, isl, reached)
    links = performance.all_reduce_s(shape.model, shape.device, shape.parallel.tensor, isl)
    work = f"{_flop(shape, isl) / 1e12:,.1f} TFLOP / {_peak(shape) / 1e12:,.0f} TFLOPS / {reached.prefill:.2f}"
    terms = [
        _term("prefill products and attention", work, compute, reached),
        _term("prefill all-reduces", f"2 x {shape.model.num_layers} layers, {isl:,} tokens", links, reached),
    ]
    mfu = prefill_mfu(shape, isl, osl)
    return [
        *(term for term in terms if term.value),
        Term("prefill", "sum of the above", total * MS, "ms", reached.provenance, reached.source),
        Term("prefill MFU", "TFLOP / prefill / peak", mfu, "", reached.provenance, reached.source),
    ]


def _decode(shape: Shape, isl: int, osl: int, batch: float, reached: Efficiency) -> list[Term]:
    model, device, parallel = shape.model, shape.device, shape.parallel
    share = expert_share(model, shape.checkpoint)
    times = step_times(shape, isl, osl)
    hit = 1 - times.expert_miss**batch if share else 1.0
    read, per = performance.weight_read_s(shape, reached), f"{batch:,.1f} sequences x "
    link = performance.all_reduce_s(model, device, parallel.tensor, batch / parallel.pipeline, latency=False)
    weights = f"{weight_bytes(model, shape.checkpoint) / GB:,.1f} GB / {_bandwidth(shape) / GB:,.0f} GB/s / {reached.bandwidth:.2f}"
    kept = kv_read_bytes(model, isl + osl / 2, shape.kv_dtype, parallel.tensor)
    kv = f"{per}{kept / GB:.3f} GB / {device.bandwidth_bytes_s / GB:,.0f} GB/s"
    terms = [
        _term("weights read", weights if not share else f"{1 - share:.0%} of {weights}", read * (1 - share), reached),
        _term("experts read", f"{share:.0%} of the weights, {hit:.0%} of them hit", read * share * hit, reached),
        _term("KV cache read", f"{kv} / {reached.bandwidth:.2f}", batch * performance.kv_read_s(shape, isl + osl / 2, reached), reached),
        _term(
            "decode products",
            f"{per}2 x {model.params_active / 1e9:,.2f} GFLOP",
            batch * performance.decode_compute_s(shape, reached),
            reached,
        ),
        _term("all-reduces", f"{per}2 x {model.num_layers} layers", link, reached),
        _term(
            "all-reduce latency", f"2 x {model.num_layers} messages", performance.link_latency_s(model, device, parallel.tensor), reached
        ),
        _term(
            "launches",
            f"{model.num_layers} layers x {reached.layer_s * 1e6:.1f} us + {parallel.pipeline} x {reached.step_s * MS:.2f} ms",
            performance.launch_s(model, parallel.pipeline, reached),
            reached,
        ),
    ]
    total = times.decode_s(batch)
    gigabytes = _read_bytes(shape, isl, osl, batch) / GB
    utilisation = f"{gigabytes:,.1f} GB of weights and live KV / {total * MS:.1f} ms / {_bandwidth(shape) / GB:,.0f} GB/s"
    return [
        *(term for term in terms if term.value),
        Term("decode step", "sum of the above since prefill", total * MS, "ms", reached.provenance, reached.source),
        Term("MBU", utilisation, mbu(shape, isl, osl, batch), "", reached.provenance, reached.source),
    ]


def _term(name: str, formula: str, seconds: float, reached: Efficiency) -> Term:
    """A term at the part of the peak that is reached, divided by the factor for engine, quantization and silicon."""
    by = "" if reached.factor == 1 else f" / {reached.factor:.2f}"
    return Term(name, f"{formula}{by}", seconds / reached.factor * MS, "ms", reached.provenance, reached.source)


def _read_bytes(shape: Shape, isl: float, osl: float, batch: float) -> float:
    """Bytes of weights and of live KV cache that one step of all devices reads."""
    share = expert_share(shape.model, shape.checkpoint)
    hit = 1 - step_times(shape, round(isl), round(osl)).expert_miss ** batch if share else 1.0
    kept = kv_read_bytes(shape.model, isl + osl / 2, shape.kv_dtype, shape.parallel.tensor) * shape.parallel.tensor
    return weight_bytes(shape.model, shape.checkpoint) * (1 - share + share * hit) + batch * kept


def _bandwidth(shape: Shape) -> float:
    """Peak bytes per second of the devices that read at once; pipeline stages read one after the other."""
    return shape.device.bandwidth_bytes_s * shape.parallel.tensor


def _flop(shape: Shape, isl: int) -> float:
    return isl * (2 * shape.model.params_active + performance.attention_flop_per_token(shape.model, isl))


def _peak(shape: Shape) -> float:
    dtype = catalog.quantization(shape.checkpoint.quantization).compute_dtype
    return peak_flops(shape.device, dtype) * shape.parallel.tensor
