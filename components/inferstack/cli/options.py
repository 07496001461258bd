"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

StackOption = Annotated[
    str | None,
    typer.Option(
        "-s", "--stack", metavar="STACK", help="Stack of the project in this folder, or the path of a stack file.", show_default="dev"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print stable JSON in place of text.")]
