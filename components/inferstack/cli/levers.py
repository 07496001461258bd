"""`inferstack levers`: what would make each service of a stack cheaper."""

from __future__ import annotations

from .options import JsonOption, StackOption


def levers(stack: StackOption = None, json: JsonOption = False) -> None:
    """What would cut the cost of each service: one change at a time, each planned anew, largest saving first.

    \b
    Example:
      inferstack levers -s prod
    """
    from pathlib import Path

    from .. import planning, stackfile
    from . import output

    document = planning.levers_document(planning.levers(stackfile.load(stackfile.find(stack, Path.cwd()))))
    if json:
        output.print_json(document)
    else:
        from .render.levers import levers_report

        output.print_report(levers_report(document))
