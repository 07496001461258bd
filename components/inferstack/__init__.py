"""inferstack: serve this model, for this traffic, within this latency and budget, as a running and priced LLM endpoint.

The components need Pulumi and the SDK of their cloud (`pip install inferstack[aws]` or `inferstack[gcp]`); planning needs neither.
Every name below is imported when it is first used, so that planning never pays for a cloud's SDK.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .addons import Addons
    from .clusters import EksCluster, ExistingCluster, GkeCluster
    from .errors import GuardError, InferstackError, InputError, Problem
    from .nodepools import GpuNodePool
    from .planning import StackPlan, document, plan
    from .services import InferenceService, SharedServer
    from .stackfile import StackFile
    from .stackfile import load as load_stack_file
    from .volumes import SharedVolume

__all__ = [
    "Addons",
    "EksCluster",
    "ExistingCluster",
    "GkeCluster",
    "GpuNodePool",
    "GuardError",
    "InferenceService",
    "InferstackError",
    "InputError",
    "Problem",
    "SharedServer",
    "SharedVolume",
    "StackFile",
    "StackPlan",
    "document",
    "load_stack_file",
    "plan",
]

__version__ = "0.1.0"

_HOMES = {
    "Addons": ("addons", "Addons"),
    "EksCluster": ("clusters", "EksCluster"),
    "ExistingCluster": ("clusters", "ExistingCluster"),
    "GkeCluster": ("clusters", "GkeCluster"),
    "GpuNodePool": ("nodepools", "GpuNodePool"),
    "GuardError": ("errors", "GuardError"),
    "InferenceService": ("services", "InferenceService"),
    "InferstackError": ("errors", "InferstackError"),
    "InputError": ("errors", "InputError"),
    "Problem": ("errors", "Problem"),
    "SharedServer": ("services", "SharedServer"),
    "SharedVolume": ("volumes", "SharedVolume"),
    "StackFile": ("stackfile", "StackFile"),
    "StackPlan": ("planning", "StackPlan"),
    "document": ("planning", "document"),
    "load_stack_file": ("stackfile", "load"),
    "plan": ("planning", "plan"),
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = home
    return getattr(importlib.import_module(f".{module}", __name__), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
