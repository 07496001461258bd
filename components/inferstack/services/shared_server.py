"""Several models behind one endpoint, as a Pulumi component. Without `from __future__ import annotations`: Pulumi reads the annotations."""

from typing import Any

import pulumi

from .. import manifests, planning
from ..boundary import refusals
from .args import SharedServerArgs
from .inference_service import workload_options
from .kubernetes import KubernetesObject, add, known, require_provider, suffix
from .wanted import Wanted, secret_values, wanted_together, warnings


class SharedServer(pulumi.ComponentResource):
    """Services of the same `server`: what serves them all, with the identities, the secrets and what watches over it.

    Needs a Kubernetes provider in `opts`, a namespace, and KubeRay or KServe in the cluster (`Addons`). What `opts.depends_on` names is
    there before any object, and goes after every object.
    """

    plans: pulumi.Output[list[dict[str, Any]]]
    """The plan of each service, as `inferstack plan --json` prints it."""
    costs: pulumi.Output[list[dict[str, Any] | None]]
    """Each service's part of its stack's cost; None where only a plan was given."""
    url: pulumi.Output[str]
    """Base URL of the API inside the cluster; requests name a service as their model."""

    def __init__(self, name: str, args: SharedServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        with refusals("SharedServer", name):
            services = wanted_together(name, args)
            super().__init__("inferstack:index:SharedServer", name, None, opts)
            require_provider(self)
        plans = [service.plan for service in services]
        for warning in dict.fromkeys(warning for plan in plans for warning in warnings(plan, args)):
            pulumi.log.warn(warning, resource=self)
        before = self._prepare(name, services, args, opts)
        pods = manifests.server_workload(plans)
        main = add(self, f"{name}-{suffix(pods)}", pods, before, workload_options(plans[0]))
        for item in manifests.server_dependents(plans):
            add(self, _named(item), item, main)
        documents, costs = [planning.service_document(plan) for plan in plans], [service.cost for service in services]
        self.plans, self.costs = known(documents), known(costs)
        self.url = known(planning.service_url(plans[0]))
        self.register_outputs({"plans": documents, "costs": costs, "url": self.url})

    def _prepare(
        self, name: str, services: list[Wanted], args: SharedServerArgs, opts: pulumi.ResourceOptions | None
    ) -> list[KubernetesObject]:
        """What must stand before the workload. The first of it waits for what the caller names, the others for the first."""
        first, *others = manifests.server_prerequisites([service.plan for service in services])
        account = add(self, _named(first), first, opts.depends_on if opts else None)
        owners = manifests.bearers([service.plan for service in services])
        secrets = [manifests.secret(owner, kind, value) for owner in owners for kind, value in secret_values(owner, args)]
        return [account, *(add(self, _named(item), item, account) for item in (*others, *secrets))]


def _named(manifest: dict[str, Any]) -> str:
    """Name of the resource: objects are of the server and of its services, whose names differ."""
    own = manifest["metadata"]["name"]
    return own if manifest["kind"] == "Secret" else f"{own}-{suffix(manifest)}"
