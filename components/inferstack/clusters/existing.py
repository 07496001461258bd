"""A cluster that is there already. No `from __future__ import annotations` here: Pulumi reads these types at run time."""

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from ..boundary import read, refusals
from ..nodepools.reference import ClusterReference
from .args import ExistingClusterArgs


class ExistingCluster(pulumi.ComponentResource):
    """A cluster of which only the kubeconfig is known: makes nothing but the Kubernetes provider for services and add-ons."""

    name: pulumi.Output[str]
    """Name that stands for the cluster's identity."""

    def __init__(self, name: str, args: ExistingClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Raises `pulumi.RunError` with everything that is wrong with `args`; nothing is registered then."""
        with refusals("ExistingCluster", name):
            read(args, ExistingClusterArgs)
        super().__init__("inferstack:index:ExistingCluster", name, None, opts)
        context = args.get("context")
        identity = args.get("cluster_name", context if context is not None else name)
        given = args.get("kubeconfig")
        self.kubeconfig: pulumi.Output[str] | None = None if given is None else pulumi.Output.secret(given)
        """The kubeconfig that was given, as a secret; None where it is the one that kubectl would use."""
        chosen: dict[str, Any] = {"kubeconfig": self.kubeconfig, "context": context}
        self.provider = kubernetes.Provider(
            f"{name}-kubernetes",
            **{key: value for key, value in chosen.items() if value is not None},
            # Tokens and certificates in a kubeconfig come and go: only another identity replaces what runs on the cluster.
            cluster_identifier=identity,
            opts=pulumi.ResourceOptions(parent=self),
        )
        """Kubernetes provider."""
        self.reference: ClusterReference = {"cloud": "existing", "name": identity}
        self.name = pulumi.Output.from_input(identity)
        self.register_outputs({"name": self.name})
