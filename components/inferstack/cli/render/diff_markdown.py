"""A difference as Markdown for the comment of a pull request: one look, and details folded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from . import changes, figures

UNSAFE = re.compile(r"([\\`*_{}\[\]<>|#~!])")
"""What Markdown or GitHub would act upon: names come from the pull request itself."""
MOST_LINES = 60
"""Rows of one folded table; a comment has a limit of 65,536 characters."""


def diff_markdown(document: Mapping[str, Any]) -> str:
    """The comment of one stack."""
    return "\n".join(_parts(document)).rstrip() + "\n"


def _parts(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {_mark(document)} Stack `{_code(changes.stack_name(document))}` {changes.headline(document)}"
    yield ""
    for sentence in document["overBudget"]:
        yield f"> ⛔ **Over budget.** {_safe(sentence)}"
        yield ""
    yield from _table(("", "base", "head", "change"), "lrrr", _totals(document))
    shown = [service for service in document["services"] if service["change"] != "same"]
    names = changes.latencies(shown)
    if shown:
        columns = ("service", "GPUs", "$ / month", "$ / M tokens", *names.values(), "headroom")
        yield from _table(columns, f"llrr{'r' * len(names)}r", (_service(service, names) for service in shown))
    same = len(document["services"]) - len(shown)
    if same:
        yield f"{figures.plural(same, 'service')} as before."
        yield ""
    if document["replaced"]:
        yield from _folded(
            f"Replaced or restarted ({len(document['replaced'])})", _table(("what", "name", "happens", "why"), "llll", _replaced(document))
        )
    if document["causes"]:
        summary = f"What costs more or less ({figures.plural(len(document['causes']), 'line')})"
        yield from _folded(summary, _table(("change", "line", "what moved"), "rll", _causes(document)))
    decisions = [[service["name"], item["key"], item["base"], item["head"]] for service in shown for item in service["decisions"]]
    if decisions:
        yield from _folded(f"Decisions ({len(decisions)})", _table(("service", "key", "base", "head"), "llll", decisions))
    if shown:
        yield from _folded(
            "Bands of the latencies",
            _table(("service", *names.values()), f"l{'r' * len(names)}", (_bands(service, names) for service in shown)),
        )
    if document["warnings"]:
        yield from _folded(
            f"New warnings ({len(document['warnings'])})", [*(f"- {_safe(warning)}" for warning in document["warnings"]), ""]
        )
    yield f"<sub>{_safe(changes.sides(document))}</sub>"


def _mark(document: Mapping[str, Any]) -> str:
    if document["overBudget"] or any(not kept for kept in _kept(document)):
        return "❌"
    direction = changes.direction(document)
    return "📈" if direction > 0 else "📉" if direction < 0 else "➖"


def _kept(document: Mapping[str, Any]) -> Iterator[bool]:
    """Whether each latency target of the newer plan is kept."""
    for service in document["services"]:
        for key in ("ttftP95Ms", "tpotP95Ms"):
            head = service[key]["head"]
            if head is not None and head["kept"] is not None:
                yield head["kept"]


def _totals(document: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    bound = "" if document["complete"]["head"] else ", lower bound"
    for point, name in (("expected", "expected"), ("max", "at most")):
        sides = document["monthlyUsd"][point]
        yield f"$ / month, {name}{bound}", figures.money(sides["base"]), figures.money(sides["head"]), _bold(sides)
    tokens = document["usdPerMillionTokens"]
    if tokens["base"] is not None or tokens["head"] is not None:
        shown = (changes.NONE if tokens[side] is None else figures.money(tokens[side]) for side in ("base", "head"))
        yield "$ / million tokens", *shown, changes.NONE if tokens["delta"] is None else changes.change(tokens)


def _bold(sides: Mapping[str, float | None]) -> str:
    part = changes.share(sides)
    return f"**{changes.change(sides)}**{f' ({part})' if part else ''}"


def _service(service: Mapping[str, Any], names: Iterable[str]) -> Sequence[str]:
    state = "" if service["change"] == "changed" else f" ({service['change']})"
    return (
        f"{service['name']}{state}",
        changes.hardware(service["hardware"]),
        changes.money(service["monthlyUsd"]),
        changes.money(service["usdPerMillionTokens"]),
        *(changes.latency(service[key]) for key in names),
        changes.headroom(service["headroom"]),
    )


def _bands(service: Mapping[str, Any], names: Iterable[str]) -> Sequence[str]:
    return service["name"], *(changes.bands(service[key]) for key in names)


def _replaced(document: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    return ((item["kind"], item["name"], item["happens"], item["why"]) for item in document["replaced"])


def _causes(document: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    return ((changes.signed(cause["deltaUsd"]), cause["line"], changes.why(cause)) for cause in document["causes"])


def _table(columns: Sequence[str], aligned: str, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'|'.join('---:' if side == 'r' else '---' for side in aligned)}|"
    for number, row in enumerate(rows):
        if number == MOST_LINES:
            yield f"| … |{' |' * (len(columns) - 1)}"
            break
        yield f"| {' | '.join(_cell(cell) for cell in row)} |"
    yield ""


def _folded(summary: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"<details><summary>{summary}</summary>"
    yield ""
    yield from lines
    yield "</details>"
    yield ""


def _cell(text: str) -> str:
    """Our own bold stays; everything else of a cell is text."""
    bold = re.fullmatch(r"\*\*(.*?)\*\*(.*)", text)
    return f"**{_safe(bold[1])}** {_safe(bold[2])}".rstrip() if bold else _safe(text)


def _safe(text: str) -> str:
    # A mention is found in the rendered text, where an escape is gone: only a character in between stops it.
    return UNSAFE.sub(r"\\\1", " ".join(text.split())).replace("@", "@\u200b")


def _code(text: str) -> str:
    return text.replace("`", "'")
