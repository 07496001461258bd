"""`inferstack evaluate`: predictions for files of measurements and their error, for people who check this library."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .options import JsonOption


class Kind(StrEnum):
    """What the rows of the file measure."""

    MEMORY = "memory"
    THROUGHPUT = "throughput"


def evaluate(
    kind: Annotated[Kind, typer.Argument(help="What the rows measure.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON list of rows.")],
    json: JsonOption = False,
) -> None:
    """Predict each row of a file of measurements and compare where it holds an observation. Predictions never read observations.

    \b
    Example:
      inferstack evaluate memory rows.json --json
    """
    from .. import evaluation
    from . import output

    document = evaluation.evaluate(kind.value, evaluation.read_rows(file))
    if json:
        output.print_json(document)
    else:
        from .render.evaluation import evaluation_report

        output.print_report(evaluation_report(document))
