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
    from . import freshness, output

    file = stackfile.load(stackfile.find(stack, Path.cwd()))
    made = planning.plan(file)
    document = planning.document(made)
    if json:
        output.print_json(document)
    else:
        from .render.plan import plan_report

        output.print_report(plan_report(document, planning.levers_document(planning.levers(file))))
    output.say_if(freshness.stale(document["costs"], freshness.today()))
    output.guard(made.objections)
