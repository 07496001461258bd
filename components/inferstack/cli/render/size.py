"""A plan without a stack file: what was chosen, what it costs, and the table of what else it could be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from ...errors import join_names
from . import figures, layout, stack
from .service import devices, service_section

SHOWN = 16
"""Rows that are shown beside the front and the chosen one; JSON has all."""
COARSER_SHOWN = 3
ABLE = ("chosen", "works")
OWN = "existing"
COARSER, REFUSED = "quality", "unsupported"
FRONT, CHOSEN = "◆", "▶"
COLUMNS = ("", "placement", "machine type", "replicas", "$/month", "$/1M tok", "TTFT ms", "TPOT ms", "tok/s/$h")
RIGHT = (3, 4, 5, 6, 7, 8)


def size_report(size: Mapping[str, Any]) -> RenderableType:
    """The report of a size document."""
    plan, table = size["plan"], size["table"]
    (service,) = plan["services"]
    place = " ".join(part for part in (plan["cloud"], plan["region"]) if part)
    return Group(
        Text.assemble(("inferstack", layout.STRONG), f"  {service['model']} on {place}"),
        stack.cost(plan["costs"]).append(", cluster included"),
        # The table below has all that was turned down.
        service_section({**service, "alternatives": []}),
        *_economics(table, plan["costs"]),
        *_explained(size.get("explained")),
        layout.heading("What if", "machines alone, at the expected load; latencies at p95"),
        _table(table),
        *_coarser(table),
        *_impossible(table),
        *_notes(size["notes"]),
    )


def _explained(explained: Mapping[str, Any] | None) -> Iterator[RenderableType]:
    """Every term with its formula, value and source; sources are numbered."""
    if explained is None:
        return
    sources = list(dict.fromkeys(term["source"] for terms in explained.values() for term in terms))
    yield layout.heading("Explained", "memory of one device, latency of one replica at the planned peak")
    for name, terms in explained.items():
        if terms:
            yield layout.subheading(name.capitalize())
            yield layout.table(
                ("", "value", "", "formula", "", ""), (_term(term, sources) for term in terms), right=(1,), fixed=(0, 2, 4, 5)
            )
    yield Text()
    yield from (layout.indented(Text(f"[{number}] {source}", style=layout.LABEL)) for number, source in enumerate(sources, 1))


def _term(term: Mapping[str, Any], sources: Sequence[str]) -> list[RenderableType]:
    value = (
        figures.percent(term["value"]) if not term["unit"] else f"{term['value']:,.4g}" if term["value"] < 1000 else f"{term['value']:,.0f}"
    )
    source = Text(f"[{sources.index(term['source']) + 1}]", style=layout.LABEL)
    return [term["name"], Text(value, style=layout.STRONG), term["unit"], term["formula"], layout.provenance(term["provenance"]), source]


def _economics(table: Sequence[Mapping[str, Any]], costs: Mapping[str, Any]) -> Iterator[RenderableType]:
    """What the chosen machines cost for what they do."""
    (chosen,) = (row for row in table if row["verdict"] == "chosen")
    if chosen["monthlyUsd"] is None:
        return
    (service,) = costs["services"]
    blended = f"{figures.money(chosen['usdPerMillionTokens'])} a million tokens at the expected load"
    tokens = service["tokens"]
    written = f", {figures.money(tokens['outputUsd'])} out" if tokens and tokens["outputUsd"] is not None else ""
    apart = f"; with the cluster {figures.money(tokens['inputUsd'])} in{written}" if tokens else ""
    kind = "output" if not tokens or tokens["outputUsd"] is not None else "input"
    yield layout.subheading("What it costs")
    yield layout.facts(
        [
            (
                "Machines",
                f"{figures.money(chosen['monthlyUsd']['expected'])} a month, {figures.money(chosen['monthlyUsd']['max'])} at most",
            ),
            ("Tokens", f"{blended}{apart}"),
            ("At capacity", f"{chosen['tokensPerSecondPerUsdHour']:,.0f} {kind} tokens a second for each dollar an hour"),
        ]
    )


def _table(table: Sequence[Mapping[str, Any]]) -> RenderableType:
    able = _cheapest_of_each([row for row in table if row["verdict"] in ABLE])
    shown = [row for index, row in enumerate(able) if index < SHOWN or row["pareto"] or row["verdict"] == "chosen"]
    legend = (
        f"{CHOSEN} chosen  {FRONT} Pareto front: nothing is cheaper without answering later  tok/s/$h: output at capacity for $1 an hour"
    )
    parts = [_rows(shown), layout.indented(Text(legend, style=layout.LABEL))]
    if len(able) > len(shown):
        parts.append(layout.indented(Text(f"{figures.plural(len(able) - len(shown), 'row')} more with --json", style=layout.LABEL)))
    return Group(*parts)


def _cheapest_of_each(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of the same placement on several clouds the cheapest, and those on the front."""
    seen: set[tuple[str, ...]] = set()
    kept: list[Mapping[str, Any]] = []
    for row in rows:
        kind = tuple(str(row[key]) for key in ("engine", "quantization", "gpu", "gpusPerReplica"))
        if kind not in seen or row["pareto"] or row["verdict"] == "chosen":
            kept.append(row)
        seen.add(kind)
    return kept


def _rows(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    return layout.table(COLUMNS, map(_row, rows), right=RIGHT, fixed=(0, 2))


def _row(row: Mapping[str, Any]) -> list[RenderableType]:
    is_chosen, performance, price = row["verdict"] == "chosen", row["performance"], row["usdPerMillionTokens"]
    per_usd = row["tokensPerSecondPerUsdHour"]
    return [
        Text(f"{CHOSEN if is_chosen else ' '}{FRONT if row['pareto'] else ' '}", style=layout.GOOD),
        Text(_placement(row), style=layout.STRONG if is_chosen else ""),
        "your own" if row["cloud"] == OWN else row["machineType"],
        str(row["replicas"]),
        "-" if row["monthlyUsd"] is None else f"${row['monthlyUsd']['expected']:,.0f}",
        "-" if price is None else figures.money(price),
        _milliseconds(performance["ttftP95Ms"]["expected"]),
        _milliseconds(performance["tpotP95Ms"]["expected"]),
        "-" if per_usd is None else figures.count(round(per_usd)),
    ]


def _milliseconds(value: float) -> str:
    return figures.milliseconds(value).removesuffix(" ms")


def _placement(row: Mapping[str, Any]) -> str:
    """`vllm fp8, 4×l40s`: where the column is narrow it folds between weights and GPUs."""
    return f"{row['engine']} {row['quantization']}, {devices(row).replace(' x ', '×')}"


def _coarser(table: Sequence[Mapping[str, Any]]) -> Iterator[RenderableType]:
    """What weights below the quality bound would cost, where that is less: the finest at each cost."""
    (chosen,) = (row for row in table if row["verdict"] == "chosen")
    limit = chosen["monthlyUsd"]["expected"] if chosen["monthlyUsd"] else 0
    cheaper = [row for row in table if row["verdict"] == COARSER and row["monthlyUsd"] and row["monthlyUsd"]["expected"] < limit]
    found: list[Mapping[str, Any]] = []
    for row in sorted(cheaper, key=lambda row: (row["monthlyUsd"]["expected"], -row["bits"])):
        if not found or row["bits"] > found[-1]["bits"]:
            found.append(row)
    if found:
        yield layout.subheading("Cheaper with coarser weights, whose loss of quality is not known here; --quantization accepts them")
        yield _rows(found[:COARSER_SHOWN])


def _impossible(table: Sequence[Mapping[str, Any]]) -> Iterator[RenderableType]:
    """For each GPU that nothing works on, the reason of what came nearest; those that no engine runs on in one line."""
    working = {row["gpu"] for row in table if row["keepsSlo"]}
    nearest: dict[str, Mapping[str, Any]] = {}
    for row in table:
        if row["gpu"] not in working and row["verdict"] != REFUSED:
            nearest.setdefault(row["gpu"], row)
    if nearest:
        yield layout.subheading("Not on")
        yield layout.table(
            ("GPU", "nearest", "why not"), ([gpu, _placement(row), row["reason"]] for gpu, row in sorted(nearest.items())), fixed=(0,)
        )
    refused = sorted({row["gpu"] for row in table} - working - nearest.keys())
    if refused:
        yield Text()
        yield layout.indented(
            Text(f"Refused on {join_names(refused, 'and')}: no engine here serves these weights there.", style=layout.LABEL)
        )


def _notes(notes: Sequence[str]) -> Iterator[RenderableType]:
    if notes:
        yield Text()
        yield layout.notes(notes)
