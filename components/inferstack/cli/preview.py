"""`inferstack preview`: what `pulumi up` would create, from the real program, without account, CLI or network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .options import JsonOption, StackOption


def _project(folder: Path, stack_file: Path) -> Path:
    """The folder whose program is run: this one, or that of the stack file where this one is in no project."""
    from .. import stackfile
    from ..errors import InputError

    try:
        return stackfile.project_file(folder).parent
    except InputError:
        return stack_file.absolute().parent


def _levers(stack_file: Path, plan: Any) -> dict[str, Any] | None:
    """What would make the services cheaper; None where the program did not plan what its stack file says."""
    from .. import planning, stackfile
    from ..errors import InputError

    try:
        return planning.levers_document(planning.levers(stackfile.load(stack_file))) if plan else None
    except InputError:
        return None


def preview(stack: StackOption = None, json: JsonOption = False) -> None:
    """Show what `pulumi up` would create: plan, resources, quota and costs. Needs no cloud account and no Pulumi CLI.

    \b
    Example:
      inferstack preview -s dev
    """
    from .. import offline, stackfile
    from . import freshness, output

    folder = Path.cwd()
    path = stackfile.find(stack, folder)
    shown = offline.preview(_project(folder, path), path)
    for diagnostic in shown.diagnostics:
        output.say(diagnostic)
    document = shown.document()
    if json:
        output.print_json(document)
    else:
        from .render.preview import preview_report

        output.print_report(preview_report(document, _levers(path, document["plan"])))
    if document["costs"] is not None:
        output.say_if(freshness.stale(document["costs"], freshness.today()))
    output.guard([shown.guard] if shown.guard else [])
