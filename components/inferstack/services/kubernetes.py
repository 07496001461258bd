"""Kubernetes objects, as the manifests room makes them, as Pulumi resources."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

import pulumi

BUILT_IN = {
    ("v1", "Namespace"): ("core.v1", "Namespace"),
    ("v1", "ServiceAccount"): ("core.v1", "ServiceAccount"),
    ("v1", "ConfigMap"): ("core.v1", "ConfigMap"),
    ("v1", "Secret"): ("core.v1", "Secret"),
    ("v1", "Service"): ("core.v1", "Service"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"): ("autoscaling.v2", "HorizontalPodAutoscaler"),
    ("policy/v1", "PodDisruptionBudget"): ("policy.v1", "PodDisruptionBudget"),
}
"""Kinds that the Kubernetes SDK has a class for; every other is a custom resource."""


def kubernetes_object(name: str, manifest: Mapping[str, Any], opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """The resource of `manifest`, registered as `name`. Its values may be Outputs; its provider comes from `opts`."""
    fields = {_snake(key): value for key, value in manifest.items()}
    place = BUILT_IN.get((manifest["apiVersion"], manifest["kind"]))
    if place is None:
        return _sdk_class("apiextensions", "CustomResource")(name, opts=opts, **fields)
    return _sdk_class(*place)(name, opts=opts, **fields)


def suffix(manifest: Mapping[str, Any]) -> str:
    """What a component appends to its own name for `manifest`: ServingRuntime -> serving-runtime."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", manifest["kind"]).lower()


@functools.cache
def _sdk_class(module: str, name: str) -> Any:
    # A module of the SDK costs up to 0.4 s: it is imported when the first object of it is made.
    import pulumi_kubernetes

    return getattr(functools.reduce(getattr, module.split("."), pulumi_kubernetes), name)


@functools.cache
def _snake(key: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", key).lower()
