"""`inferstack preview`: what `pulumi up` would create, from the real program, without account, CLI or network."""

from __future__ import annotations

from .options import JsonOption, StackOption


def preview(stack: StackOption = None, json: JsonOption = False) -> None:
    """Show what `pulumi up` would create: plan, resources, quota and costs. Needs no cloud account and no Pulumi CLI.

    \b
    Example:
      inferstack preview -s dev
    """
    from pathlib import Path

    from .. import offline, stackfile
    from . import output

    project = Path.cwd()
    shown = offline.preview(project, stackfile.find(stack, project))
    for diagnostic in shown.diagnostics:
        output.say(diagnostic)
    document = shown.document()
    if json:
        output.print_json(document)
    else:
        from .render.preview import preview_report

        output.print_report(preview_report(document))
    output.guard([shown.guard] if shown.guard else [])
