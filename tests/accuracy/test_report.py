"""The page of errors: what it groups and what it says."""

from __future__ import annotations

from pathlib import Path

from accuracy import claims
from accuracy.choice import choices
from accuracy.data import below_knee, memory, observed, throughput
from accuracy.report import page


def test_every_clean_row_counts_once() -> None:
    """Rows that can be predicted appear once, each in one regime."""
    ids = [case.row.id for case in throughput()]
    assert len(ids) == len(set(ids)) > 900
    assert len(memory()) > 100


def test_queues_are_not_below_the_knee() -> None:
    """A first token after ten seconds, or in a burst, is never compared as a time of prefill."""
    below = [case for case in throughput() if below_knee(case)]
    assert below
    assert all((observed(case.row, "ttft_ms") or 0) < 10_000 and not case.regime.startswith("burst") for case in below)


def test_choosing_beats_counting_gpus() -> None:
    """The predicted cheapest configuration is right more often than the one with the fewest GPUs."""
    predicted, fewest = choices()
    assert predicted.groups == fewest.groups > 50
    assert predicted.right > fewest.right


def test_verdicts_begin_with_an_answer() -> None:
    """Each rule of thumb is answered with yes, no or partly, and names where it comes from."""
    found = claims.verdicts()
    assert len(found) == 4
    assert all(verdict.holds.startswith(("yes", "no", "partly")) and verdict.source for verdict in found)


def test_the_committed_page_is_current() -> None:
    """What `make accuracy` would write is what is there: data, constants and formulas have not moved since."""
    assert (Path(__file__).parents[2] / "docs" / "accuracy.md").read_text(encoding="utf-8") == page()


def test_the_page_has_all_its_sections() -> None:
    """Errors by regime, engine, GPU and family; what was left out; other tools; choices; memory; rules of thumb."""
    text = page()
    for title in (
        "## Throughput and latency",
        "by engine",
        "by GPU",
        "by family",
        "## Left out",
        "### Inside the band",
        "## Beside other tools",
        "## Choosing",
        "## Memory",
        "## Rules of thumb",
    ):
        assert title in text
