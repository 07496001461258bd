"""The page says how wrong techniques are, and keeps what it does not fit."""

from __future__ import annotations

from accuracy import techniques
from accuracy.report import techniques_section


def test_every_pair_is_in_one_table() -> None:
    """A pair is fitted or stands beside the fit with its reason."""
    from calibration.pairs import pairs

    for name, problem in techniques.problems().items():
        fitted = sum(group.n for group in techniques.groups(problem, name))
        beside = sum(one.n for one in techniques.kept(name))
        prefills = sum(row.technique == name and row.fitted and row.quantity == "prefill_s" for row in pairs())
        assert fitted + beside + prefills == sum(row.technique == name for row in pairs())


def test_the_section_names_publications_and_reasons() -> None:
    """What is not fitted is shown with why."""
    text = techniques_section()
    assert "FerranAgulloLopez/GPULLMAdapterOptimization" in text
    assert "V0 engine" in text
    assert "meta-llama/Llama-3.3-70B-Instruct" in text


def test_what_has_no_pair_stands_beside_what_is_predicted() -> None:
    """Each measurement alone is in a table; one whose GPU is not stated has no prediction."""
    text = techniques_section()
    for technique in ("vision", "one-pass"):
        for row, predicted in techniques.measured_alone(technique):
            assert row.notes in text
            assert (predicted is None) == (row.gpu is None)
