"""The stack file: its schema, its reader and its errors.

`load` reads a file, `read` takes what Pulumi has read; both give a `StackFile` or raise one `errors.InputError` with every problem of the
file. `find` says which file is meant. Nothing here costs the import of pydantic or YAML before one of them is called.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .secrets import SECRET, Secret

if TYPE_CHECKING:
    from .finding import current, find, in_use, project_file, shown_path, stack_name, stacks
    from .lock import lock_path, read_lock
    from .reader import load, read, read_prices
    from .reference import json_schema, markdown
    from .schema import (
        Budget,
        CustomModel,
        ExistingNodes,
        OwnedHardware,
        Prices,
        ReplicaRange,
        Service,
        SloTargets,
        StackFile,
        Target,
        Traffic,
    )

__all__ = [
    "SECRET",
    "Budget",
    "CustomModel",
    "ExistingNodes",
    "OwnedHardware",
    "Prices",
    "ReplicaRange",
    "Secret",
    "Service",
    "SloTargets",
    "StackFile",
    "Target",
    "Traffic",
    "current",
    "find",
    "in_use",
    "json_schema",
    "load",
    "lock_path",
    "markdown",
    "project_file",
    "read",
    "read_lock",
    "read_prices",
    "shown_path",
    "stack_name",
    "stacks",
]

_ROOMS = {
    "finding": ("current", "find", "in_use", "project_file", "shown_path", "stack_name", "stacks"),
    "lock": ("lock_path", "read_lock"),
    "reader": ("load", "read", "read_prices"),
    "reference": ("json_schema", "markdown"),
    "schema": (
        "Budget",
        "CustomModel",
        "ExistingNodes",
        "OwnedHardware",
        "Prices",
        "ReplicaRange",
        "Service",
        "SloTargets",
        "StackFile",
        "Target",
        "Traffic",
    ),
}
_MODULE_OF = {name: module for module, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> Any:
    if (module := _MODULE_OF.get(name)) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{module}", __name__), name)
