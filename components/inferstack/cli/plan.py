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
    if json:
        made = planning.plan(file)
        document = planning.document(made)
        output.print_json(document)
    else:
        from .render.plan import plan_report

        made, found = planning.plan_with_levers(file)
        document = planning.document(made)
        output.print_report(plan_report(document, planning.levers_document(found)))
    output.say_if(freshness.stale(document["costs"], freshness.today()))
    output.guard(made.objections)
