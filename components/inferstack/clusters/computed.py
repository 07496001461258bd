"""Outputs that providers fill into a block which the program wrote itself."""

from __future__ import annotations

from typing import Any

import pulumi


def filled_in(made: pulumi.Output[str], value: pulumi.Output[Any]) -> pulumi.Output[Any]:
    """`value`, unknown for as long as `made` is.

    A preview answers a block with what the program put into it, so that a field which only the cloud can fill in looks like None, and
    what is made of it would go wrong. `made` is an output of the same resource that only the cloud can know.
    """
    return pulumi.Output.all(made, value).apply(lambda values: values[1])
