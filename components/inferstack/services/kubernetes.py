"""Kubernetes objects, as the manifests room makes them, as Pulumi resources."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pulumi


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


def type_token(manifest: Mapping[str, Any]) -> str:
    """Pulumi's type of a manifest: `kubernetes:core/v1:Secret`, `kubernetes:keda.sh/v1alpha1:ScaledObject`."""
    version = manifest["apiVersion"]
    return f"kubernetes:{version if '/' in version else f'core/{version}'}:{manifest['kind']}"


def suffix(manifest: Mapping[str, Any]) -> str:
    """What a component appends to its own name for `manifest`: ServingRuntime -> serving-runtime."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", manifest["kind"]).lower()
