"""The options of a registration, as data: only those that were set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .wire import Wire

FLAGS = ("protect", "retainOnDelete", "remote")
TEXTS = ("version", "pluginDownloadURL", "importId", "deletedWith", "packageRef")
LISTS = ("ignoreChanges", "replaceOnChanges", "additionalSecretOutputs", "hideDiffs", "replace_with")
TIMEOUTS = ("create", "update", "delete", "read")
HOOKS = ("before_create", "after_create", "before_update", "after_update", "before_delete", "after_delete", "on_error")
_NAMES = {"replace_with": "replaceWith"}


def options(request: Any, wire: Wire) -> Iterator[tuple[str, Any]]:
    """Name and value of every option that `request` sets. A read has only a few of them."""
    fields = {descriptor.name: value for descriptor, value in request.ListFields()}
    for name in (*FLAGS, *TEXTS):
        if fields.get(name):
            yield name, fields[name]
    for name in LISTS:
        if fields.get(name):
            yield _NAMES.get(name, name), list(fields[name])
    if fields.get("deleteBeforeReplaceDefined"):
        yield "deleteBeforeReplace", fields.get("deleteBeforeReplace", False)
    if "id" in fields:
        yield "id", wire.text(fields["id"])
    if "customTimeouts" in fields:
        given = {key: getattr(fields["customTimeouts"], key) for key in TIMEOUTS}
        yield from _unless_empty("customTimeouts", {key: value for key, value in given.items() if value})
    if "aliases" in fields:
        yield "aliases", [_alias(alias) for alias in fields["aliases"]]
    if "hooks" in fields:
        given = {key: list(getattr(fields["hooks"], key)) for key in HOOKS}
        yield from _unless_empty("hooks", {key: value for key, value in given.items() if value})


def _unless_empty(name: str, value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if value:
        yield name, value


def _alias(alias: Any) -> str | dict[str, Any]:
    """The URN of an alias, or those parts of one that differ."""
    if alias.urn:
        return alias.urn
    return {descriptor.name: value for descriptor, value in alias.spec.ListFields() if value}
