"""docs/accuracy.md as text: tables of error, plots, and what they do not cover."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from . import techniques
from .aiconfigurator import comparison as aiconfigurator_comparison
from .choice import NEAR, choices
from .claims import verdicts
from .data import Memory, Throughput, below_knee, memory, observed, pairs_by, throughput
from .errors import Errors, Pair, errors
from .left_out import GROUPS, coverage, fits, sampler_pairs
from .peers import GIB, THROUGHPUT, Load, kaito_kv_gib_per_gpu, llm_d_kv_gib_per_gpu

LEAST = 4
"""Groups of fewer measurements are left out of tables: a median of three says nothing."""

REGIMES = ("offline, dense", "offline, mixture of experts", "batch 1", "closed loop", "request rate", "burst of requests")
QUANTITIES = (("output_tps", "output tokens per second"), ("tpot_ms", "TPOT"), ("ttft_ms", "TTFT below the knee"))
MEMORY_KEYS = (
    ("weights_gib_per_gpu", "weights"),
    ("kv_gib_per_gpu", "KV cache"),
    ("activation_gib", "activation peak"),
    ("non_torch_gib", "outside the allocator"),
    ("cuda_graph_gib", "CUDA graphs"),
    ("kv_tokens", "KV tokens"),
    ("max_concurrency", "concurrency at full length"),
)
LAYOUTS = (("engine", lambda case: case.shape.engine), ("GPU", lambda case: case.shape.device.id), ("family", lambda case: case.family))

HEAD = ("n", "median", "95th percentile", "within x2", "bias", "in band")
INTRO = """# Accuracy

What this library predicts beside what was measured and published. `make accuracy` writes this page from `calibration/data`; every row
there names its source. Errors are |predicted / measured - 1|; *bias* is the median of predicted / measured - 1; *in band* is the part of
the measurements inside the band that is printed with each figure, an 80 % interval. Groups of fewer than {least} measurements are left out.

Constants were fitted on these rows, so these are errors of fit. What to expect of a model, a GPU or an engine that the fit has not seen
stands under [Left out](#left-out): there the whole group was kept from the fit that predicts it.
"""
BANDS = """### Inside the band

Part of the left-out measurements that is inside the 80 % interval printed with each figure. For a new family the interval, too, is made
from the other families alone; for a new GPU, engine or quantization it is as wide as for one that has never been measured (engines that ran
on one GPU alone do not count as new GPUs). *overload* is a request rate that cannot be sustained.

"""
PEERS = """## Beside other tools

Median error of output tokens per second, on those of the rows above that each tool covers, and their number. The tools take a batch and no
request rate, so loads that are given as rates are not in the table.
"""
CHOOSING = """## Choosing

Groups of measured configurations of one model at one input and output length. Right is a choice that measured within {near} of the
cheapest per million tokens, at on-demand list prices; regret is what the choice costs above the cheapest, on average.
"""


TECHNIQUES = """## LoRA adapters, speculation, images, one pass

Runs of one setup with and without the technique. A step's length with it over that without is predicted and measured, so that how well
the setup itself is predicted does not enter. *Left out* is the median error by a fit that has not seen the group, *in band* the part of
these predictions within the spread that widens the band of a plan with the technique.
"""
LORA = """### LoRA adapters

{source}: {added} off in what adapters add to a step, {left} for a publication that the fit has not seen, because one alone
varies how many adapters a batch mixes. Prefills take {share} longer with adapters, *believed*: {prefills}.
"""
SPECULATION = """### Speculation

{source}, chains of EAGLE-3 drafts with SGLang. The measured acceptance is given; the length of a step over that without drafts is
predicted. Mixtures are only checked: it is not published how many GPUs served them, and the degree is inferred from the run without drafts.
"""
VISION = """### Images

{source}: Gemma 4 with SGLang, each model as a lone request and as a run at full load, and one trace of vLLM. Beside the encoder's
work an image takes {latency:.0f} ms per megapixel before the first token and {busy:.0f} ms of the engine's time, *believed* for all else
than that release and family. *Request* is the time with images over that without. Bands widen by {spread} for a first token and
by {busy_spread} for the rest.
"""
ONE_PASS = """### Models that answer after one pass

*Believed*: no published run was found that names its GPU, saturates it and is of an engine that is planned. With vLLM and SGLang a request
of one text costs the process in front of the engine {request:.1f} ms, which bounds small models:
{pair}.
Other servers stand beside what is predicted for vLLM; the fastest of them, with kernels of its own, reaches {best} of that, so that what
is planned on such GPUs may be too high.
"""
UNITS = {"input_tps": "tokens/s", "images_ps": "images/s"}
KEPT = """Published too, but not fitted:
"""
ALONE = """Published without the other half of a pair:
"""


def page() -> str:
    """The whole page."""
    sections = (
        INTRO.format(least=LEAST),
        _throughput_section(),
        _left_out_section(),
        _peers_section(),
        _choice_section(),
        techniques_section(),
        _memory_section(),
        _claims_section(),
    )
    return "\n".join(sections)


def plots() -> Mapping[str, tuple[Mapping[str, Sequence[Pair]], str]]:
    """File name -> groups of pairs and their unit."""
    drawn: dict[str, tuple[Mapping[str, Sequence[Pair]], str]] = {
        f"{key}.svg": (_by_regime(key), "tok/s" if key == "output_tps" else "ms") for key, _ in QUANTITIES
    }
    drawn["kv_gib_per_gpu.svg"] = (
        pairs_by(memory(), lambda case: case.row.engine, lambda case: case.pair("kv_gib_per_gpu")),
        "GiB per GPU",
    )
    return drawn


def _throughput_section() -> str:
    parts = [f"## Throughput and latency\n\n{len(throughput())} measurements that their source lets stand as clean.\n"]
    for key, title in QUANTITIES:
        groups = _by_regime(key)
        parts += [
            f"### {title[0].upper()}{title[1:]}\n",
            f"![measured against predicted](accuracy/{key}.svg)\n",
            _error_table("regime", groups),
        ]
    for label, group in LAYOUTS:
        pairs = pairs_by(throughput(), group, lambda case: _pair(case, "output_tps"))
        parts += [f"### Output tokens per second by {label}\n", _error_table(label, pairs)]
    return "\n".join(parts)


LEFT_OUT = ("default", "fitted", "without_family", "without_device", "without_engine")
"""Columns of errors that a fit records."""


def _left_out_section() -> str:
    from inferstack.sizing.constants import constants

    recorded = constants("performance")["errors"]
    rows = [
        (name, str(figures["n"]), *(_percent(figures[key]) for key in LEFT_OUT))
        for name, figures in recorded.items()
        if isinstance(figures, dict)
    ]
    note = recorded.get("note", "")
    errors_table = _table(("load and quantity", "n", "not fitted", "fitted", "new family", "new GPU", "new engine"), rows)
    return f"## Left out\n\nRecorded by the fit with the constants themselves: {note}.\n\n{errors_table}\n{_inside_section()}"


INSIDE = (("family", "new family"), ("device", "new GPU"), ("engine", "new engine"), ("quantization", "new quantization"))
"""Kind of group that was left out -> column of the part inside its band."""


def _inside_section() -> str:
    from inferstack.sizing.constants import constants

    rows = [
        (f"{row['load']}, {row['quantity']}", str(row["n"]), *(_percent(row[kind]) for kind, _ in INSIDE))
        for row in constants("performance")["bands"]["inside"]
    ]
    return BANDS + _table(("load and quantity", "n", *(title for _, title in INSIDE)), rows)


def _peers_section() -> str:
    """The same rows with the formulas of others: throughput only where each of them says something."""
    header = ("regime", "inferstack", *THROUGHPUT)
    rows: list[tuple[str, ...]] = []
    for regime in REGIMES[:4]:
        cases = [case for case in throughput() if case.regime == regime]
        ours = errors([pair for case in cases if (pair := _pair(case, "output_tps"))])
        theirs = [errors([pair for case in cases if (pair := _peer_pair(case, tool))]) for tool in THROUGHPUT]
        rows.append((regime, *(_median_of(found) for found in (ours, *theirs))))
    return "\n".join((PEERS, _table(header, rows), aiconfigurator_comparison()))


def _choice_section() -> str:
    rows = [(one.rule, str(one.groups), _percent(one.right), _percent(one.regret)) for one in choices()]
    return CHOOSING.format(near=f"{NEAR - 1:.0%}") + "\n" + _table(("choosing by", "groups", "right", "regret"), rows)


def techniques_section() -> str:
    """Errors of what techniques add, and what is published beside the fit."""
    from inferstack.sizing.constants import constants

    data = constants("techniques")
    adapters, errors_of, share = data["lora"], data["lora"]["errors"], data["lora"]["prefill_share"]
    intro = LORA.format(
        source=adapters["source"].capitalize(),
        added=_percent(errors_of["added"]),
        left=_percent(errors_of["added_left_out"]),
        share=_percent(share["expected"]),
        prefills=share["source"],
    )
    parts = [TECHNIQUES]
    images = data["vision"]
    texts = {
        "lora": intro,
        "speculation": SPECULATION.format(source=data["speculation"]["source"].capitalize()),
        "vision": VISION.format(
            source=images["source"].capitalize(),
            latency=1000 * images["latency_s"],
            busy=1000 * images["busy_s"],
            spread=f"x{images['spread']}",
            busy_spread=f"x{images['busy_spread']}",
        ),
    }
    for name, problem in techniques.problems().items():
        label = "publication" if name == "lora" else "model"
        rows = [
            (one.name, str(one.n), f"x{one.measured:.2f}", f"x{one.predicted:.2f}", *_technique_errors(one))
            for one in techniques.groups(problem, name)
        ]
        header = (
            label,
            "n",
            "request, measured" if name == "vision" else "step, measured",
            "predicted",
            "median error",
            "left out",
            "in band",
        )
        parts += [texts[name], _table(header, rows), *_beside(name)]
    one_pass = data["one_pass"]
    best = max(one.value / predicted for one, predicted in techniques.measured_alone("one-pass") if predicted)
    parts += [ONE_PASS.format(request=1000 * one_pass["request_s"], pair=one_pass["source"], best=_percent(best)), *_beside("one-pass")]
    return "\n".join(parts)


def _beside(name: str) -> list[str]:
    """Tables of what nothing is fitted to; none where there is nothing."""
    pairs = [(one.origin, one.engine, one.model, str(one.n), f"x{one.slowdown:.2f}", one.why) for one in techniques.kept(name)]
    lone = [
        (
            _link(one.source), " ".join(filter(None, (one.engine, one.version))), one.model, one.gpu or "not stated",
            f"{one.value:,.0f} {UNITS[one.quantity]}", "" if predicted is None else f"{predicted:,.0f}", one.notes,
        )
        for one, predicted in techniques.measured_alone(name)
    ]  # fmt: skip
    parts: list[str] = []
    if pairs:
        parts += [KEPT, _table(("publication", "engine", "model", "n", "time, with over without", "why not"), pairs)]
    if lone:
        parts += [ALONE, _table(("publication", "engine", "model", "GPU", "measured", "predicted", "setup"), lone)]
    return parts


def _link(source: str) -> str:
    """A link named by repository and number, or by repository."""
    owner, name, *rest = source.removeprefix("https://github.com/").split("/")
    number = f" {rest[1]}" if rest[0] in ("pull", "issues") else ""
    return f"[{owner}/{name}{number}]({source})"


def _technique_errors(group: techniques.Group) -> tuple[str, ...]:
    """Of a group that is only checked, the error of the fit is that of something left out."""
    return (_percent(group.fitted) if group.seen else "", _percent(group.left_out), _percent(group.in_band))


def _memory_section() -> str:
    parts = [
        f"## Memory\n\n{len(memory())} rows of engine logs and checkpoint files.\n",
        "![measured against predicted](accuracy/kv_gib_per_gpu.svg)\n",
    ]
    for key, title in MEMORY_KEYS:
        groups = pairs_by(memory(), lambda case: case.row.engine, lambda case, key=key: case.pair(key))
        if any(len(pairs) >= LEAST for pairs in groups.values()):
            parts += [f"### {title[0].upper()}{title[1:]}\n", _error_table("engine", groups)]
    rows = [(name, *_cells(errors(pairs))[:5]) for name, pairs in _memory_peers().items()]
    parts += ["### KV cache beside other tools\n", _table(("tool", *HEAD[:5]), rows), _memory_left_out()]
    return "\n".join(parts)


MEMORY_LEFT_OUT = """### Memory, left out

Few constants of memory are fitted: most follow from the model, the engine's own rules and the GPU. Bands are. *As printed* is the part of
measurements inside the band; in the other columns the widths were found again without the engine, the GPU or the family of the
measurement, so that four in five hold them. Where settings are not stated in a row, its band allows for what people choose.
"""
SAMPLER = """The bytes per logit of vLLM's sampler are the constant that moves most. Taken from the other families of the same release, the
activation peak is off by {left} in the median of {n} logs and {left_p95} at the 95th percentile; fitted on all, by {fitted} and {p95}.
"""
FITS = """Of {found.n} logs that show whether a sequence of the admitted length fits, {found.wrong} came out otherwise than predicted,
{found.beyond} of them although both ends of the band agreed.
"""


def _memory_left_out() -> str:
    rows: list[tuple[str, ...]] = []
    for key, title in MEMORY_KEYS:
        found = coverage(memory(), key)
        if found is not None and found.n >= LEAST:
            left = (found.left_out[kind] for kind in GROUPS)
            rows.append((title, str(found.n), _percent(found.in_band), *("" if part is None else _percent(part) for part in left)))
    header = ("figure", "n", "as printed", *(f"new {kind}" for kind in GROUPS))
    found = fits(memory())
    return "\n".join((MEMORY_LEFT_OUT, _table(header, rows), _sampler_left_out(), FITS.format(found=found)))


def _sampler_left_out() -> str:
    fitted, others = (errors(pairs) for pairs in sampler_pairs(memory()))
    if fitted is None or others is None:
        return ""
    return SAMPLER.format(
        n=others.n, left=_percent(others.median), left_p95=_percent(others.p95), fitted=_percent(fitted.median), p95=_percent(fitted.p95)
    )


def _claims_section() -> str:
    rows = [(verdict.claim, verdict.ours, verdict.holds, verdict.source) for verdict in verdicts()]
    return "## Rules of thumb\n\n" + _table(("claim", "computed here", "does it hold", "source"), rows)


def _memory_peers() -> Mapping[str, Sequence[Pair]]:
    cases = [case for case in memory() if case.shape is not None and case.row.engine == "vllm" and case.pair("kv_gib_per_gpu") is not None]
    ours = [pair for case in cases if (pair := case.pair("kv_gib_per_gpu"))]
    return {
        "inferstack": ours,
        "llm-d-planner": [pair for case in cases if (pair := _memory_peer(case, "llm-d"))],
        "KAITO": [pair for case in cases if (pair := _memory_peer(case, "kaito"))],
    }


def _memory_peer(case: Memory, tool: str) -> Pair | None:
    shape, seen = case.shape, case.row.observed["kv_gib_per_gpu"]
    assert shape is not None, "chosen for having one"
    marketed = _marketed_gb(case.row.gpu)
    if marketed is None:
        return None
    if tool == "kaito":
        from inferstack.sizing.weights import weight_bytes

        predicted = kaito_kv_gib_per_gpu(shape, marketed, weight_bytes(shape.model, shape.checkpoint))
    else:
        predicted = llm_d_kv_gib_per_gpu(shape, marketed, case.row.gpu_memory_utilization or 0.9)
    return Pair(max(predicted, 1 / GIB), seen)


def _marketed_gb(gpu: str | None) -> float | None:
    """`H100-SXM-80GB` -> 80: what the peers take as memory."""
    import re

    found = re.search(r"(\d+)GB", gpu or "")
    return None if found is None else float(found.group(1))


def _by_regime(key: str) -> Mapping[str, Sequence[Pair]]:
    cases = [case for case in throughput() if key != "ttft_ms" or below_knee(case)]
    grouped = pairs_by(cases, lambda case: case.regime, lambda case: _pair(case, key))
    return {regime: grouped[regime] for regime in REGIMES if regime in grouped}


def _pair(case: Throughput, key: str) -> Pair | None:
    return case.pair(key, observed(case.row, key))


def _peer_pair(case: Throughput, tool: str) -> Pair | None:
    if not case.row.isl or not case.row.osl:
        return None
    batch = 1.0 if case.regime == "batch 1" else float(case.row.concurrency or 0)
    if batch <= 0:
        batch = float(case.shape.max_sequences)
    figures = THROUGHPUT[tool](case.shape, Load(batch, round(case.row.isl), round(case.row.osl)))
    seen = observed(case.row, "output_tps")
    return None if figures is None or not seen else Pair(figures.output_tps * case.shape.parallel.data, seen)


def _error_table(label: str, groups: Mapping[str, Sequence[Pair]]) -> str:
    return _table((label, *HEAD), [(name, *_cells(errors(pairs))) for name, pairs in groups.items() if len(pairs) >= LEAST])


def _cells(found: Errors | None) -> tuple[str, ...]:
    if found is None:
        return ("0", *("",) * 5)
    band = "" if found.in_band is None else _percent(found.in_band)
    return str(found.n), _percent(found.median), _percent(found.p95), _percent(found.within_2), f"{found.bias:+.0%}", band


def _median_of(found: Errors | None) -> str:
    return "" if found is None else f"{_percent(found.median)} ({found.n})"


def _percent(share: float) -> str:
    return f"{share:.1%}" if share < 0.1 else f"{share:.0%}"


def _table(header: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    names = list(header)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
