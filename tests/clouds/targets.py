"""Targets that cloud tests ask about."""

from __future__ import annotations

from typing import Any

from inferstack.stackfile.schema import Target


def eks(**keys: Any) -> Target:
    return Target.model_validate({"cloud": "eks", "region": "us-east-1", **keys}, strict=False)


def gke(**keys: Any) -> Target:
    return Target.model_validate({"cloud": "gke", "region": "us-central1", **keys}, strict=False)


def existing(*nodes: dict[str, Any], **keys: Any) -> Target:
    return Target.model_validate({"cloud": "existing", "nodes": nodes if nodes else [{"cpu": 8, "memoryGib": 32}], **keys}, strict=False)


ALL = {"eks": eks(), "gke": gke(), "existing": existing({"gpu": "l4", "gpusPerNode": 1, "cpu": 16, "memoryGib": 64})}
