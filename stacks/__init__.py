"""This repository's compositions, one per kind of target. They put the library's components together and export; they decide nothing."""

from __future__ import annotations

import pulumi

from inferstack import planning
from inferstack.errors import GuardError, InputError
from inferstack.planning import StackPlan

from .compose import compose, export
from .config import read_stack_file


def deploy() -> None:
    """The whole program: read the stack file, plan it, build it, export what came of it.

    Raises `pulumi.RunError`, which Pulumi prints without a traceback, for bad input and where the budget says no. A preview over
    budget still shows everything; a deployment over budget creates nothing.
    """
    try:
        stack = read_stack_file()
        plan = planning.plan(stack)
    except InputError as error:
        raise pulumi.RunError(str(error)) from error
    if not pulumi.runtime.is_dry_run():
        guard(plan)
    for warning in plan.warnings:
        pulumi.log.warn(warning)
    export(plan, *compose(plan, stack))
    guard(plan)


def guard(plan: StackPlan) -> None:
    """Refuse a plan above its budget."""
    if plan.over_budget:
        sentences = "\n".join(plan.objections)
        raise pulumi.RunError(sentences) from GuardError(sentences)
