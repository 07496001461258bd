"""What benchmark tools write, as rows of the calibration format: one function per tool, told apart by the keys that only it has.

vLLM (`vllm bench serve --save-result`), SGLang (`sglang.bench_serving --output-file`), GuideLLM (`benchmarks.json`), inference-perf
(`*_lifecycle_metrics.json`), AIPerf and GenAI-Perf (`profile_export_aiperf.json`), and rows that are in the calibration format already.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..errors import InputError, Problem

Row = dict[str, Any]
MS = {"ms": 1.0, "s": 1e3, "sec": 1e3, "seconds": 1e3, "us": 1e-3, "µs": 1e-3, "ns": 1e-6}
"""Milliseconds in a unit that AIPerf writes."""
TOOLS = "vllm bench serve, sglang.bench_serving, GuideLLM, inference-perf and AIPerf"


@dataclass(frozen=True, slots=True)
class Setup:
    """What was measured, where a file does not say it itself; what is stated here stands over what is in the file."""

    model: str | None = None
    engine: str | None = None
    version: str | None = None
    gpu: str | None = None
    quantization: str | None = None
    tp: int | None = None


def read_measurements(path: Path, setup: Setup) -> list[Row]:
    """The rows of one file. Raises `InputError` where it cannot be read, or is of no tool that is known."""
    documents = _documents(path)
    rows = [row for document in documents for row in _rows(document, path)]
    if not rows:
        raise InputError([Problem(str(path), "holds no benchmark runs")])
    stated = {key: getattr(setup, key) for key in Setup.__slots__ if getattr(setup, key) is not None}
    for index, row in enumerate(rows):
        row.setdefault("id", path.stem if len(rows) == 1 else f"{path.stem}#{index}")
        row.setdefault("source", path.name)
        row.update(stated)
        if "gpu" in stated:
            row.pop("gpu_norm", None)
    return rows


def _documents(path: Path) -> list[Any]:
    """The JSON values of a file: one, or one a line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError([Problem(str(path), f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise InputError([Problem(str(path), "is not UTF-8 text")]) from None
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError) as error:
        whole = error
    found: list[Any] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                found.append(json.loads(line))
            except (ValueError, RecursionError):
                where = f"is neither JSON ({whole}) nor JSON lines (line {number})"
                raise InputError([Problem(str(path), where, nearest=f"give what {TOOLS} write")]) from None
    return found


def _rows(document: Any, path: Path) -> Iterator[Row]:
    if isinstance(document, list):
        for item in cast("list[Any]", document):
            yield from _rows(item, path)
        return
    if not isinstance(document, dict):
        raise InputError([Problem(str(path), "holds something that is not a benchmark run", nearest=f"give what {TOOLS} write")])
    facts = cast("Row", document)
    for key, read in _READERS.items():
        if key in facts:
            yield from read(facts)
            return
    raise InputError([Problem(str(path), f"is of no tool that is known: {', '.join(list(facts)[:5])}", nearest=f"give what {TOOLS} write")])


def _row(**values: Any) -> Row:
    return {key: value for key, value in values.items() if value is not None}


def _calibration(facts: Row) -> Iterator[Row]:
    yield dict(facts)


def _serving(facts: Row) -> Iterator[Row]:
    """vLLM and SGLang share their names of results. What `--metadata` adds to vLLM's stands at the top."""
    completed, info = facts.get("completed"), _mapping(facts.get("server_info"))
    sglang = "sharegpt_output_len" in facts or bool(info)
    rate = facts.get("request_rate")
    finite = _number(rate) if rate not in ("inf", "trace") else None
    limit = _number(facts.get("max_concurrency"))
    yield _row(
        model=facts.get("model") or facts.get("model_id") or info.get("model_path"),
        engine=facts.get("engine") or ("sglang" if sglang else "vllm"),
        version=facts.get("version") or info.get("version"),
        gpu=facts.get("gpu"),
        quantization=facts.get("quantization") or info.get("quantization"),
        tp=_whole(facts.get("tp") or info.get("tp_size")),
        isl=_per(facts.get("total_input_tokens"), completed),
        osl=_per(facts.get("total_output_tokens"), completed),
        **_load(finite, limit),
        output_tps=facts.get("output_throughput"),
        **_latencies(lambda metric, share: facts.get(f"{share}_{metric}_ms"), "ttft", "tpot", ("mean", "median", "p99")),
    )


def _guidellm(facts: Row) -> Iterator[Row]:
    """One row per benchmark of the report; a sweep holds several."""
    for benchmark in cast("Sequence[Row]", facts["benchmarks"]):
        metrics, config = _mapping(benchmark.get("metrics")), _mapping(benchmark.get("config"))
        strategy = _mapping(config.get("strategy"))
        kind = strategy.get("type_")
        limit = 1 if kind == "synchronous" else strategy.get("streams") if kind == "concurrent" else None
        rate = _number(strategy.get("rate")) if kind in ("constant", "poisson") else None

        def figure(name: str, share: str, metrics: Row = metrics) -> Any:
            done = _mapping(_mapping(metrics.get(name)).get("successful"))
            return done.get(share) if share == "mean" else _mapping(done.get("percentiles")).get(share)

        yield _row(
            model=_first(
                facts, ("args", "model"), ("config", "model"), ("config", "backend_kwargs", "model"), ("config", "backend", "model")
            ),
            engine="vllm",
            isl=figure("prompt_token_count", "mean"),
            osl=figure("output_token_count", "mean"),
            **_load(rate, _number(limit)),
            output_tps=figure("output_tokens_per_second", "mean"),
            **_latencies(figure, "time_to_first_token_ms", "inter_token_latency_ms", ("mean", "p50", "p99")),
        )


def _inference_perf(facts: Row) -> Iterator[Row]:
    """One stage, or the summary of all. Seconds become milliseconds."""
    done, load = _mapping(facts["successes"]), _mapping(facts.get("load_summary"))
    latency = _mapping(done.get("latency"))

    def mean(*names: str) -> Any:
        return next((found for name in names if (found := _mapping(done.get(name)).get("mean")) is not None), None)

    def ms(name: str, share: str) -> float | None:
        seconds = _number(_mapping(latency.get(name)).get(share))
        return None if seconds is None else seconds * 1e3

    yield _row(
        engine="vllm",
        isl=mean("prompt_len", "prompt_tokens"),
        osl=mean("output_len", "output_tokens"),
        **_load(_number(load.get("requested_rate") or load.get("achieved_rate")), _number(load.get("concurrency"))),
        output_tps=_mapping(done.get("throughput")).get("output_tokens_per_sec"),
        **_latencies(ms, "time_to_first_token", "time_per_output_token", ("mean", "median", "p99")),
    )


def _aiperf(facts: Row) -> Iterator[Row]:
    """One profile; each metric names its unit."""
    config = _mapping(facts.get("input_config"))
    loadgen, endpoint = _mapping(config.get("loadgen")), _mapping(config.get("endpoint"))
    names = endpoint.get("model_names")

    def ms(name: str, share: str) -> float | None:
        metric = _mapping(facts.get(name))
        value = _number(metric.get(share))
        return None if value is None else value * MS.get(str(metric.get("unit", "ms")), math.nan)

    yield _row(
        model=cast("Sequence[Any]", names)[0] if isinstance(names, list) and names else None,
        engine="vllm",
        isl=_mapping(facts.get("input_sequence_length")).get("avg"),
        osl=_mapping(facts.get("output_sequence_length")).get("avg"),
        **_load(_number(loadgen.get("request_rate")), _number(loadgen.get("concurrency"))),
        output_tps=_mapping(facts.get("output_token_throughput")).get("avg"),
        **_latencies(ms, "time_to_first_token", "inter_token_latency", ("avg", "p50", "p99")),
    )


_READERS: Mapping[str, Callable[[Row], Iterator[Row]]] = {
    "benchmarks": _guidellm,
    "successes": _inference_perf,
    "mean_ttft_ms": _serving,
    "time_to_first_token": _aiperf,
    "engine": _calibration,
}


def _latencies(read: Callable[[str, str], Any], first: str, each: str, shares: tuple[str, str, str]) -> Row:
    """Latencies of the first token and of each further one: what `read` finds at a tool's names of the two and of mean, median and 99th
    percentile."""
    ours = ("ms", "p50_ms", "p99_ms")
    return {
        f"{metric}_{unit}": read(name, share)
        for metric, name in (("ttft", first), ("tpot", each))
        for unit, share in zip(ours, shares, strict=True)
    }


def _load(rate: float | None, limit: float | None) -> Row:
    """How the server was driven: a finite request rate, a number of clients, or all requests at once."""
    if rate is not None and math.isfinite(rate):
        return {"load": "poisson", "request_rate": rate}
    if limit is None:
        return {"load": "burst (request rate inf)"}
    return {"load": "batch-1" if limit == 1 else "closed-loop", "concurrency": int(limit) if math.isfinite(limit) else limit}


def _mapping(value: Any) -> Row:
    return cast("Row", value) if isinstance(value, dict) else {}


def _first(facts: Row, *paths: tuple[str, ...]) -> Any:
    """What stands at the first of `paths` that leads somewhere."""
    for path in paths:
        value: Any = facts
        for key in path:
            value = _mapping(value).get(key)
        if value is not None:
            return value
    return None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: Any) -> Any:
    """A number also where it is written as text, as `--metadata tp=2` does."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _per(total: Any, count: Any) -> float | None:
    number, of = _number(total), _number(count)
    return number / of if number is not None and of else None
