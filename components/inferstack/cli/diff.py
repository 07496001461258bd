"""`inferstack diff`: what changes between two stack files, git revisions or saved plans."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from .options import JsonOption, StackOption

BaseArgument = Annotated[str, typer.Argument(metavar="BASE", help="A stack file, REF, REF:PATH, a stack, or a plan saved as JSON.")]
HeadArgument = Annotated[
    str | None, typer.Argument(metavar="HEAD", help="The same; left out: the stack file as it is in this folder.", show_default=False)
]
MarkdownOption = Annotated[bool, typer.Option("--markdown", help="Print Markdown for the comment of a pull request.")]


class Shape(StrEnum):
    """Shapes of the JSON."""

    INFERSTACK = "inferstack"
    INFRACOST = "infracost"


ShapeOption = Annotated[Shape, typer.Option("--shape", help="Shape of the JSON: ours, or infracost's breakdown 0.2.")]


def diff(
    base: BaseArgument,
    head: HeadArgument = None,
    stack: StackOption = None,
    markdown: MarkdownOption = False,
    json: JsonOption = False,
    shape: ShapeOption = Shape.INFERSTACK,
) -> None:
    """Show what changes from BASE to HEAD: costs and why, GPUs, latency, what is replaced. Ends with 3 where HEAD exceeds its budget.

    \b
    Examples:
      inferstack diff main                         the stack file here beside that of branch main
      inferstack diff main:Pulumi.prod.yaml HEAD:Pulumi.prod.yaml --markdown
      inferstack diff old-plan.json Pulumi.prod.yaml --json --shape infracost
    """
    from pathlib import Path

    from .. import diff as differences
    from .. import stackfile
    from ..errors import InputError, Problem
    from . import output

    if markdown and json:
        raise InputError([Problem("--markdown", "stands beside --json", nearest="choose one")])
    folder = Path.cwd()
    newer = head if head is not None else stackfile.shown_path(stackfile.find(stack, folder))
    before, after = differences.read(base, stack, folder), differences.read(newer, stack, folder)
    for side in (before, after):
        if side.plan is None:
            output.say(f"{side.label} does not exist: it counts as nothing")
    document = differences.difference(before, after)
    if json and shape is Shape.INFRACOST:
        from datetime import UTC, datetime

        output.print_json(differences.infracost(before, after, datetime.now(UTC).isoformat(timespec="seconds")))
    elif json:
        output.print_json(document)
    elif markdown:
        from .render.diff_markdown import diff_markdown

        print(diff_markdown(document), end="")
    else:
        from .render.diff import diff_report

        output.print_report(diff_report(document))
    output.guard(document["overBudget"])
