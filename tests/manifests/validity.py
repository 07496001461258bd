"""What an API server would refuse about an object, custom or built in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import kubernetes_validate

from tests.manifests import crd_schema

VERSIONS = ("1.34", "1.35", "1.36")
"""Of Kubernetes."""


def problems(items: Iterable[dict[str, Any]]) -> list[str]:
    """What strict validation finds wrong with them: by the schema of a CRD, or of each version of Kubernetes."""
    return [f"{item['kind']} {item['metadata']['name']}: {problem}" for item in items for problem in _problems(item)]


def _problems(item: dict[str, Any]) -> list[str]:
    if crd_schema.known(item["apiVersion"], item["kind"]):
        return crd_schema.problems(item)
    return [problem for version in VERSIONS for problem in built_in_problems(item, version)]


def built_in_problems(item: dict[str, Any], version: str) -> list[str]:
    """The same for a kind that is Kubernetes' own, in one version."""
    try:
        kubernetes_validate.validate(item, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{version}: {error}"]
    return []
