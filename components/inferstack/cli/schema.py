"""`inferstack schema`: the stack file's JSON Schema."""

from __future__ import annotations


def schema() -> None:
    """Print the JSON Schema of the stack file, for editors and checks."""
    from .. import stackfile
    from .output import print_json

    print_json(stackfile.json_schema())
