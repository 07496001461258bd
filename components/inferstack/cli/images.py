"""`inferstack images`: the images of a stack by tag and digest, and the lock that keeps what their tags mean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import JsonOption, StackOption

if TYPE_CHECKING:
    from ..images import Locked
    from ..planning.image_digests import Image

CheckOption = Annotated[bool, typer.Option("--check", help="Write nothing; end with 3 where a tag has moved, or is not in the lock.")]

HELP = "The images of a stack: list them, or lock their digests."
app = typer.Typer(add_completion=False, rich_markup_mode=None, invoke_without_command=True, help=HELP)


@app.callback()
def images(context: typer.Context, stack: StackOption = None, json: JsonOption = False) -> None:
    """List the images of a stack with tag and digest: of services, of what runs before them, and of add-ons whose images are named here.

    \b
    Examples:
      inferstack images -s prod
      inferstack images lock -s prod
    """
    from ..planning.image_digests import images_document
    from . import output

    if context.invoked_subcommand is not None:
        context.obj = stack
        return
    path, _, found = _of_stack(stack)
    document = images_document(found, _shown(path))
    if json:
        output.print_json(document)
    else:
        from .render.images import image_table

        output.print_report(image_table(document))


@app.command(short_help="Ask the registries what the tags mean, and write it down.")
def lock(context: typer.Context, stack: StackOption = None, check: CheckOption = False) -> None:
    """Resolve every tag of a stack to its digest, and write the lock beside the stack file; plans then name images by both.

    This asks registries over the network, and public ones only. What the stack file names by digest stays as it is; rows of images that
    are gone are dropped.

    \b
    Examples:
      inferstack images lock -s prod
      inferstack images lock -s prod --check
    """
    from .. import images as registries
    from .. import stackfile
    from ..errors import GuardError
    from . import freshness, output
    from .render.figures import plural

    path, rows, found = _of_stack(stack if stack is not None else context.obj)
    made = registries.lock(found, rows, freshness.today(), registries.Registries())
    name = stackfile.shown_path(stackfile.lock_path(path))
    for moved in made.moved:
        print(f"{moved.image}\n    was {moved.was}\n    is  {moved.now}")
    if check:
        if made.is_current:
            output.say(f"{name} is what its tags mean" if len(made.rows) != 1 else f"{name} is what its tag means")
            return
        raise GuardError(
            f"{name} is not what its tags mean: {_changes(made)}; `inferstack images lock -s {_called(stack, path)}` writes it anew"
        )
    output.write_text(stackfile.lock_path(path), registries.text(made.rows), "--stack")
    output.say(f"{name}: {plural(len(made.rows), 'image')}, {_changes(made)}")


def _of_stack(stack: str | None) -> tuple[Path, dict[str, dict[str, str]] | None, tuple[Image, ...]]:
    """The stack file, the rows of its lock, and the images of its plan."""
    from .. import planning, stackfile
    from ..planning.image_digests import images as images_of

    path = stackfile.find(stack, Path.cwd())
    file = stackfile.load(path)
    return path, stackfile.read_lock(path), images_of(planning.plan(file), file.image_digests)


def _shown(path: Path) -> str | None:
    from .. import stackfile

    lock = stackfile.lock_path(path)
    return stackfile.shown_path(lock) if lock.is_file() else None


def _changes(made: Locked) -> str:
    counts = ((made.added, "added"), (made.moved, "moved"), (made.dropped, "dropped"))
    return ", ".join(f"{len(names)} {what}" for names, what in counts if names) or "none of them another than before"


def _called(stack: str | None, path: Path) -> str:
    from .. import stackfile

    return stack if stack is not None else stackfile.shown_path(path)
