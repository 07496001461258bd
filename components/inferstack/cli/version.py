"""`inferstack version` and `inferstack --version`."""

from __future__ import annotations

import typer

from .. import __version__


def _print_and_exit(wanted: bool) -> None:
    if wanted:
        version()
        raise typer.Exit


def options(
    show_version: bool = typer.Option(False, "--version", help="Print the version and exit.", callback=_print_and_exit, is_eager=True),
) -> None:
    """Options that come before a command."""


def version() -> None:
    """Print the version of inferstack."""
    print(f"inferstack {__version__}")
