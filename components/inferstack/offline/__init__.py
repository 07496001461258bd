"""The desired state of a stack without CLI, credentials or network: the real program against an engine in this process.

`preview` gives the resources that Pulumi would be asked for, with URNs, parents, dependencies, inputs and outputs, secrets masked and
unknowns named. What only providers know (defaults, checks, automatic names) and what only a state knows (diffs, replacements) is not
part of it. Pulumi itself is imported when `preview` is called.
"""

from __future__ import annotations

from .preview import preview
from .types import SECRET, UNKNOWN, Diagnostic, Preview, ProgramError, Resource

__all__ = ["SECRET", "UNKNOWN", "Diagnostic", "Preview", "ProgramError", "Resource", "preview"]
