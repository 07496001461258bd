"""Checking a program's arguments against a TypedDict."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from inferstack.boundary import check, read, refusals
from inferstack.errors import InputError, Problem
from inferstack.nodepools.args import GpuNodePoolArgs
from inferstack.nodepools.reference import ClusterReference
from tests.nodepools.specs import EKS


def _said(args: Any, spec: type) -> list[str]:
    return [str(problem) for problem in check(args, spec)]


def test_good_arguments_come_back_as_they_are() -> None:
    """What fits is passed on unchanged."""
    args = {"cluster": EKS, "machine_type": "g6.xlarge", "max_nodes": 1}
    assert read(args, GpuNodePoolArgs) is args


def test_missing_and_unknown_keys_are_both_named() -> None:
    """A misspelt key is not ignored: it is named, as is the key that is missing for it."""
    assert _said({"clud": "eks", "name": "c"}, ClusterReference) == ["clud: is not a known key; use cloud", "cloud: is missing"]


def test_keys_of_nested_dicts_carry_their_path() -> None:
    """A problem inside a nested dict is named by its whole path."""
    args = {"cluster": {**EKS, "subnet_ids": {"us-east-1a": 1}}, "machine_type": "g6.xlarge", "max_nodes": 1, "labels": {"a": 2}}
    assert _said(args, GpuNodePoolArgs) == ["cluster.subnet_ids.us-east-1a: 1 is not text", "labels.a: 2 is not text"]


@pytest.fixture
def event_loop() -> Iterator[None]:
    """An Output needs a loop; other tests may have closed the thread's own."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()


@pytest.mark.usefixtures("event_loop")
def test_outputs_are_welcome_where_they_can_be() -> None:
    """A subnet may be known only after deployment; a region may not, because it is planned with."""
    later: pulumi.Output[str] = pulumi.Output.from_input("x")
    assert _said({**EKS, "node_role_arn": later, "subnet_ids": {"us-east-1a": later}, "name": later}, ClusterReference) == []
    assert _said({**EKS, "region": later}, ClusterReference) == [
        "region: is an output, known only after deployment; it is planned with, so write it as a plain value"
    ]


def test_nothing_is_like_not_given() -> None:
    """None stands for a key that was left out, except where the key is required."""
    assert _said({**EKS, "project": None}, ClusterReference) == []
    assert _said({**EKS, "cloud": None}, ClusterReference) == ["cloud: is missing"]


def test_what_is_no_dict_is_said() -> None:
    """Arguments that are no dict are told which keys there are."""
    (said,) = _said(["eks"], ClusterReference)
    assert said.startswith("args: list is not a dict; its keys are accelerator_networks, cloud, kubernetes_version, name")


def test_problems_become_one_run_error() -> None:
    """Pulumi prints a RunError without a traceback: one line for each problem, each naming the component."""
    with pytest.raises(pulumi.RunError) as caught, refusals("GpuNodePool", "gpus"):
        raise InputError([Problem("max_nodes", "is below 1", 0), Problem("zones", "is not a list", "a")])
    assert str(caught.value) == "GpuNodePool gpus: max_nodes: 0 is below 1\nGpuNodePool gpus: zones: a is not a list"
    assert isinstance(caught.value.__cause__, InputError)


def test_bugs_are_not_hidden() -> None:
    """Anything but an InputError passes through as it is."""
    with pytest.raises(ZeroDivisionError), refusals("GpuNodePool", "gpus"):
        _ = 1 / 0
