"""`inferstack plan`: the plan without any resources, and without Pulumi."""

from __future__ import annotations

from .options import JsonOption, StackOption


def plan(stack: StackOption = None, json: JsonOption = False) -> None:
    """Size and price a stack: services, machines, costs and the reasons. Needs no Pulumi.

    \b
    Example:
      inferstack plan -s prod
    """
    from pathlib import Path

    from .. import planning, stackfile
    from . import output

    document = planning.document(planning.plan(stackfile.load(stackfile.find(stack, Path.cwd()))))
    if json:
        output.print_json(document)
    else:
        from .render.plan import plan_report

        output.print_report(plan_report(document))
    output.guard(document["overBudget"])
