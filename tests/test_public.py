"""The library's public face: what `from inferstack import ...` offers, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import inferstack

PUBLIC = [
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


def test_what_is_public_is_deliberate() -> None:
    """A name comes or goes only together with this list."""
    assert inferstack.__all__ == PUBLIC


def test_every_public_name_can_be_imported_and_is_documented() -> None:
    """Each name leads to something with a docstring, and no other name does."""
    for name in PUBLIC:
        assert getattr(inferstack, name).__doc__, name
    assert not hasattr(inferstack, "Cluster")


def test_importing_the_library_imports_no_sdk() -> None:
    """`import inferstack`, and planning, work where Pulumi is not installed."""
    code = "import sys, inferstack; inferstack.plan, inferstack.load_stack_file; print([m for m in sys.modules if m.startswith('pulumi')])"
    folder = Path(inferstack.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder)
    assert done.stdout.strip() == "[]"


def test_the_package_says_that_it_is_typed() -> None:
    """Type checkers of other projects read our annotations."""
    assert (Path(inferstack.__file__).parent / "py.typed").is_file()
