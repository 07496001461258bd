"""The node pool component. No `from __future__ import annotations` here: Pulumi reads these types at run time."""

from importlib import import_module
from typing import Any

import pulumi

from ..boundary import read, refusals
from ..planning import cost_document
from ..planning.pools import POOL_LABEL
from .args import GpuNodePoolArgs
from .document import pool_cost, pool_document
from .rules import pool_spec, pool_warnings

MAKERS = {"eks": (".eks_group", "create_eks_group"), "gke": (".gke_pool", "create_gke_pool")}
"""Cloud -> module and function that make its nodes."""


class GpuNodePool(pulumi.ComponentResource):
    """Nodes of one machine type in an EKS or GKE cluster, labelled, tainted where they have GPUs, scaled from zero where asked.

    On EKS a change of `max_nodes` also writes the number of nodes that Pulumi last saw: deploy with `pulumi up --refresh`, or with
    `options: {refresh: always}` in Pulumi.yaml, so that it is the number that runs.
    """

    pool: pulumi.Output[str]
    """Value of the node label `inferstack.dev/pool`, to select these nodes with."""
    plan: pulumi.Output[dict[str, Any]]
    """Machine type, GPUs, capacity type, zones, range of nodes, disk and labels."""
    cost: pulumi.Output[dict[str, Any]]
    """Cost of nodes and disks over the range: the same tree as a stack's `costs`."""

    def __init__(self, name: str, args: GpuNodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Raises `pulumi.RunError` with every reason why `args` cannot be a pool; nothing is registered then."""
        with refusals("GpuNodePool", name):
            spec = pool_spec(name, read(args, GpuNodePoolArgs))
        super().__init__("inferstack:index:GpuNodePool", name, None, opts)
        cluster = args["cluster"]
        for warning in pool_warnings(spec, cluster["cloud"]):
            pulumi.log.warn(warning, self)
        child = pulumi.ResourceOptions(parent=self)
        # The other cloud's SDK is never imported: each costs hundreds of megabytes.
        module, create = MAKERS[cluster["cloud"]]
        getattr(import_module(module, __package__), create)(name, spec, cluster, child)
        region = cluster.get("region", "")
        self.pool = pulumi.Output.from_input(spec.node_labels[POOL_LABEL])
        self.plan = pulumi.Output.from_input(pool_document(spec))
        self.cost = pulumi.Output.from_input(cost_document(pool_cost(spec, cluster["cloud"], region)))
        self.register_outputs({"pool": self.pool, "plan": self.plan, "cost": self.cost})
