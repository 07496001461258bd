"""From Pulumi's config to the stack file that it came from."""

from __future__ import annotations

from pathlib import Path

import pulumi
from pulumi.runtime import config

from inferstack import stackfile
from inferstack.stackfile import StackFile


def read_stack_file() -> StackFile:
    """The stack's settings, checked. `pulumi.Config` cannot list keys, and a misspelt one must not go unnoticed: hence the whole map."""
    settings = config.CONFIG.get()
    path = stackfile.current(pulumi.get_stack(), Path.cwd())
    return stackfile.read(
        settings,
        stack=pulumi.get_stack(),
        source=stackfile.shown_path(path),
        secret_keys=[key for key in settings if config.is_config_secret(key)],
    )


def secret(key: str) -> pulumi.Output[str] | None:
    """A secret of the stack, or None where it is not set. It never enters the plan."""
    return pulumi.Config("inferstack").get_secret(key)
