"""Published claims put to the model: those that hold do so to the cent, and of the others the page says what is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs import published
from docs.published import CLAIMS, Claim

PAGE = Path(__file__).parents[2] / "docs" / "costs.md"


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.text)
def test_a_claim_holds_or_does_not(claim: Claim) -> None:
    """The model's own figure is the published one where the page says that the claim holds, and another where it says that it does not."""
    assert (claim.ours() == claim.published) is claim.holds, claim.ours()


def test_figures_that_were_worked_out_by_hand_are_the_findings() -> None:
    """The right figures of claims that do not hold, as they follow from prices and sizes without this code."""
    findings = {claim.text: claim.finding() for claim in CLAIMS}
    for part, figure in {
        "Q4_K_M of a 70B": "42.4 GB",
        "Q4_K_M of a 405B": "245.5 GB",
        "hosting for $17,280": "655k tokens per request",
        "8,000 tokens per second on four A100": "$0.48 per million",
        "15,000 tokens per second on four H100": "$0.51 per million",
        "four A100 pay": "$333.94 per million",
        "1,737 GPUs:": "$5,657,061.60",
        "17,362 GPUs:": "$56,544,561.60",
        "a 70B model pays": "7.0 billion tokens on against $0.72 per million, from 1.1 billion",
        "an 8B model pays": "5.9 billion",
    }.items():
        (text,) = [text for text in findings if text.startswith(part)]
        assert figure in findings[text], findings[text]


def test_the_page_lists_the_claims_of_today() -> None:
    """docs/costs.md has the table that the model makes now."""
    text = PAGE.read_text(encoding="utf-8")
    assert published.page(text) == text
