"""What a stack file is once a change is made that its refusal offers."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

import pytest

from inferstack.errors import InputError, Problem
from tests.planning.stacks import EKS, plan

SMALL = "Qwen/Qwen3-8B"
ROUTER = {"requestsPerSecond": 1.0, "isl": 500}
LORA = {"name": "legal", "uri": "hf://acme/lora", "rank": 16}
LAPTOP = {"cloud": "existing", "nodes": [{"gpu": "RTX 4090", "gpusPerNode": 2, "cpu": 16, "memoryGib": 64}]}


def refused(wanted: dict[str, Any], target: dict[str, Any] = EKS) -> tuple[Problem, ...]:
    """The problems of a service as it stands in the file."""
    with pytest.raises(InputError) as caught:
        plan(wanted, target=target)
    return caught.value.problems


def applied(change: Mapping[str, object], target: dict[str, Any], wanted: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Target and service with `change` made as a user would: key by key in the file."""
    file = {"inferstack:target": copy.deepcopy(target), "inferstack:services": [copy.deepcopy(wanted)]}
    for path, value in change.items():
        place: Any = file
        *above, last = _parts(path)
        for part in above:
            place = place.setdefault(part, {}) if isinstance(part, str) and isinstance(place, dict) else place[part]
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return file["inferstack:target"], file["inferstack:services"][0]


def _parts(path: str) -> list[str | int]:
    """`inferstack:target.nodes[0].driver` as the keys and places that lead there; a flag may hold dots."""
    root, _, rest = path.partition(".")
    key, _, below = rest.partition(".")
    words = [key, below] if key in ("engineArgs", "env") else rest.split(".")
    pieces = [piece for word in (root, *words) for piece in re.split(r"\[(\d+)\]", word) if piece]
    return [int(piece) if piece.isdecimal() else piece for piece in pieces]
