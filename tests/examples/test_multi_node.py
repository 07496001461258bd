"""The stack files of replicas on several machines: they plan, and what they render is what a cluster takes."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from inferstack import planning, stackfile
from inferstack.planning import StackPlan
from tests.engines.command_lines import problems

FOLDER = Path(__file__).parents[2] / "examples" / "shapes"
EACH = pytest.mark.parametrize("name", ["multi-node", "multi-node-gke", "multi-node-tcpxo", "expert-parallel", "trtllm-multi-node"])


@functools.cache
def planned(name: str) -> StackPlan:
    return planning.plan(stackfile.load(FOLDER / f"{name}.yaml"))


@EACH
def test_a_replica_is_two_machines(name: str) -> None:
    """Each service keeps its SLO on replicas of two machines, which something joins."""
    for service in planned(name).services:
        assert service.meets_slo
        assert service.machines == 2
        assert service.fabric is not None


@EACH
def test_both_command_lines_are_known(name: str) -> None:
    """Leader and workers are given options that the pinned release has, with legal values once the group's variables are filled in."""
    for service in planned(name).services:
        assert service.spec.workers is not None
        own = () if service.spec.workers.command else (service.spec.workers.args,)
        for args in (service.spec.args, *own):
            filled = [word.replace("$(LWS_WORKER_INDEX)", "1").replace("$(LWS_LEADER_ADDRESS)", "giant-0.giant") for word in args]
            assert problems(service.spec.engine, filled) == []
