"""The constants in the package are those of today's measurements and formulas."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.measurements import FILES, digest, measurements
from inferstack.evaluation.throughput import served_of
from inferstack.sizing.constants import constants
from inferstack.sizing.efficiency import efficiency_of
from inferstack.sizing.performance import times_of

DRIFT = 0.015
"""How far a median error may move by changes of memory or catalog before `make fit` is due."""


def test_the_constants_were_fitted_to_the_data_that_is_here() -> None:
    """The file names the digests of the measurements behind it."""
    assert constants("performance")["fitted_to"] == {name: digest(name) for name in FILES}


def test_the_constants_are_as_good_as_they_say() -> None:
    """Predicted as the library predicts, the rows of each load have the median errors that the fit recorded."""
    recorded = constants("performance")["errors"]
    found: dict[str, list[float]] = {}
    for row in measurements():
        served = served_of(row.case, times_of(row.case.work, efficiency_of(row.case.shape).efficiency))
        for quantity, predicted, measured in (
            ("output_tps", served.output_tps, row.output_tps),
            ("ttft", served.ttft_s, row.ttft),
            ("tpot", served.tpot_s, row.tpot),
        ):
            if np.isfinite(measured):
                found.setdefault(f"{row.case.load}, {row.groups['kind']}, {quantity}", []).append(abs(predicted / measured - 1))
    cells = {name: figures for name, figures in recorded.items() if isinstance(figures, dict)}
    assert len(cells) > 15
    for name, figures in cells.items():
        assert np.median(found[name]) == pytest.approx(figures["fitted"], abs=DRIFT), name
