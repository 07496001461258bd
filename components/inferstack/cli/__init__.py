"""The `inferstack` command: reads plans, cost trees and resource lists, computes nothing."""

from __future__ import annotations


def main() -> None:
    """Entry point of the console script; ends the process with the documented exit code."""
    from .app import run

    run()
