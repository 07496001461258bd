"""Collects what is wrong with a stack file, so that its problems are reported together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from .. import catalog
from ..errors import InputError, Problem, join_names

Found = TypeVar("Found")


class Problems:
    """What was found so far."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, path: str, value: object, reason: str, nearest: str | None = None, change: Mapping[str, object] | None = None) -> None:
        self.found.append(Problem(path=path, value=value, reason=reason, nearest=nearest, change=change or {}))

    def lookup(self, path: str, value: str | None, find: Callable[[str], Found], otherwise: str | None = None) -> Found | None:
        """`find(value)`, or None after noting why the name is not known: with the names that are near, or what to do `otherwise`."""
        if value is None:
            return None
        try:
            return find(value)
        except catalog.UnknownName as unknown:
            near = join_names(unknown.nearest[:3]) if unknown.nearest else None
            reason = "is the name of several" if near and near in unknown.reason else unknown.reason
            self.add(path, value, reason, f"did you mean {near}?" if near else otherwise)
        return None

    def raise_if_any(self, source: str | None) -> None:
        if self.found:
            raise InputError(self.found, source)
