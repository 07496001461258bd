"""What came from a file and has no type yet: lists, mappings with text as keys, and scalars."""

from __future__ import annotations

from typing import Any, TypeGuard


def is_mapping(value: object) -> TypeGuard[dict[str, Any]]:
    """True for a mapping of a file; its keys are text."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """True for a list of a file."""
    return isinstance(value, list)
