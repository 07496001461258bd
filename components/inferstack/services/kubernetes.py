"""Kubernetes objects, as the manifests room makes them, as Pulumi resources."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pulumi

from ..errors import InputError, Problem


class KubernetesObject(pulumi.CustomResource):
    """One manifest, registered with the Kubernetes provider of `opts`; its values may be Outputs.

    Registers the same type and inputs as the SDK's own class of that kind (a test compares them). Those classes are not used because
    they take up to twice as long for each object, and importing `pulumi_kubernetes.core.v1` alone takes 0.4 s and 20 MB.
    """

    status: pulumi.Output[Any]
    """What the cluster says of a Service; other kinds have none here."""

    def __init__(self, name: str, manifest: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        fields = dict(manifest)
        if manifest["kind"] == "Secret":
            fields["stringData"] = pulumi.Output.secret(manifest["stringData"])
            opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=["data", "stringData"]))
        if manifest["kind"] == "Service":
            fields["status"] = None
        super().__init__(type_token(manifest), name, fields, opts)


def add(
    parent: pulumi.ComponentResource, name: str, manifest: Mapping[str, Any], depends_on: Any, options: pulumi.ResourceOptions | None = None
) -> KubernetesObject:
    """`manifest` as a child of `parent`, after what it depends on."""
    own = pulumi.ResourceOptions(parent=parent, depends_on=depends_on)
    return KubernetesObject(name, manifest, pulumi.ResourceOptions.merge(own, options) if options else own)


def require_provider(component: pulumi.ComponentResource) -> None:
    """Raises `InputError` where `component` was given no Kubernetes provider: Pulumi would take whatever cluster the kubeconfig of the
    moment points to."""
    if component.get_provider("kubernetes:core/v1:Secret") is None:
        raise InputError([Problem("opts", "has no Kubernetes provider", nearest="pass ResourceOptions(provider=cluster.provider)")])


def known(value: Any) -> pulumi.Output[Any]:
    """`value` as an Output. `Output.from_input` would make an Output of every leaf of a plan, which takes longer than to register it."""
    return pulumi.Output.from_input(None).apply(lambda _: value)


def type_token(manifest: Mapping[str, Any]) -> str:
    """Pulumi's type of a manifest: `kubernetes:core/v1:Secret`, `kubernetes:keda.sh/v1alpha1:ScaledObject`."""
    version = manifest["apiVersion"]
    return f"kubernetes:{version if '/' in version else f'core/{version}'}:{manifest['kind']}"


def suffix(manifest: Mapping[str, Any]) -> str:
    """What a component appends to its own name for `manifest`: ServingRuntime -> serving-runtime."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", manifest["kind"]).lower()
