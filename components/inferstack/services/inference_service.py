"""One model behind one endpoint, as a Pulumi component. Without `from __future__ import annotations`: Pulumi reads the annotations."""

import math
from collections.abc import Mapping
from typing import Any

import pulumi

from .. import manifests, planning
from ..boundary import refusals
from ..planning.types import ServicePlan
from .args import InferenceServiceArgs
from .kubernetes import KubernetesObject, add, known, require_provider, suffix
from .wanted import secret_values, wanted, warnings

MODE_ANNOTATION = 'metadata.annotations["serving.kserve.io/deploymentMode"]'
RAY_PODS = "spec.rayClusterConfig"
JOB_MARGIN_SECONDS = 60
"""After its deadline a Job says that it has failed, which is the better message."""
LEAST_AWAIT_SECONDS = 600
"""What Pulumi waits by itself."""


class InferenceService(pulumi.ComponentResource):
    """A model behind an OpenAI-compatible endpoint: its pods, by KServe or KubeRay, its scaler, its secrets and what watches over it.

    Needs a Kubernetes provider in `opts`, a namespace, and KServe or KubeRay in the cluster (`Addons`). What `opts.depends_on` names is
    there before any object, and goes after every object.
    """

    plan: pulumi.Output[dict[str, Any]]
    """The plan, as `inferstack plan --json` prints it for one service."""
    cost: pulumi.Output[dict[str, Any] | None]
    """The service's part of its stack's cost; None where only a plan was given."""
    url: pulumi.Output[str]
    """Base URL of the API: inside the cluster, or of the internal load balancer."""

    def __init__(self, name: str, args: InferenceServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        with refusals("InferenceService", name):
            service = wanted(name, args)
            super().__init__("inferstack:index:InferenceService", name, None, opts)
            require_provider(self)
        plan = service.plan
        for warning in warnings(plan, args):
            pulumi.log.warn(warning, resource=self)
        before = self._copied(name, plan, self._prepare(name, plan, args, opts))
        pods = manifests.workload(plan)
        main = add(self, f"{name}-{suffix(pods)}", pods, before, workload_options(plan))
        after = {
            item["kind"]: add(self, f"{name}-{suffix(item)}", item, main, _service_options(item, plan))
            for item in manifests.dependents(plan)
        }
        document = planning.service_document(plan)
        self.plan = known(document)
        self.cost = known(service.cost)
        self.url = _url(plan, after)
        self.register_outputs({"plan": document, "cost": service.cost, "url": self.url})

    def _prepare(
        self, name: str, plan: ServicePlan, args: InferenceServiceArgs, opts: pulumi.ResourceOptions | None
    ) -> list[KubernetesObject]:
        """What must stand before the workload. The first of it waits for what the caller names, the others for the first."""
        first, *others = manifests.prerequisites(plan)
        account = add(self, f"{name}-{suffix(first)}", first, opts.depends_on if opts else None)
        made = [add(self, f"{name}-{_leaders(item)}{suffix(item)}", item, account) for item in others]
        secrets = [(kind, manifests.secret(plan, kind, value)) for kind, value in secret_values(plan, args)]
        return [account, *made, *(add(self, f"{name}-{kind}", item, account) for kind, item in secrets)]

    def _copied(self, name: str, plan: ServicePlan, before: list[KubernetesObject]) -> list[KubernetesObject]:
        """`before`, and the Job that copies the weights: Pulumi waits until it is complete."""
        job = manifests.copy_job(plan)
        if job is None or plan.copy is None:
            return before
        options = pulumi.ResourceOptions(
            custom_timeouts=pulumi.CustomTimeouts(create=_seconds(plan.copy.deadline_seconds + JOB_MARGIN_SECONDS))
        )
        return [*before, add(self, f"{name}-weights", job, before, options)]


def _leaders(manifest: dict[str, Any]) -> str:
    """Told apart from the Service of a load balancer, which has the plain name."""
    return "leader-" if manifest["kind"] == "Service" else ""


def workload_options(plan: ServicePlan) -> pulumi.ResourceOptions:
    """When what runs the pods of a service, or of the services that share its server, is made anew, and how long it may take to go."""
    return pulumi.ResourceOptions(
        replace_on_changes=_replacing(plan),
        # Pulumi deletes in the foreground: it waits for the last pod, which may finish the longest response first.
        custom_timeouts=pulumi.CustomTimeouts(delete=_seconds(plan.spec.drain.grace + LEAST_AWAIT_SECONDS)),
    )


def _replacing(plan: ServicePlan) -> list[str]:
    """What cannot change in place: KServe keeps the mode of an InferenceService, and KubeRay leaves the pods of a cluster alone that has no
    room for a second one beside it. Objects of a fixed name go before their successor comes."""
    if plan.machines > 1:
        return []
    if plan.spec.served is None:
        return [MODE_ANNOTATION]
    return [RAY_PODS] if plan.rollout == "recreate" else []


def _service_options(manifest: dict[str, Any], plan: ServicePlan) -> pulumi.ResourceOptions | None:
    """Pulumi waits until a Service has endpoints, which takes a cold start; for other kinds it does not wait."""
    if manifest["kind"] != "Service" or manifest["spec"]["type"] == "ExternalName":
        return None
    return pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create=_seconds(2 * plan.cold_start_seconds.high)))


def _seconds(least: float) -> str:
    return f"{max(LEAST_AWAIT_SECONDS, math.ceil(least))}s"


def _url(plan: ServicePlan, dependents: Mapping[str, KubernetesObject]) -> pulumi.Output[str]:
    """Where the API answers. The address of a load balancer is only known once it exists."""
    if plan.endpoint == "cluster":
        return known(planning.service_url(plan))
    return dependents["Service"].status.apply(_address)


def _address(status: Any) -> str:
    ingress = status["loadBalancer"]["ingress"][0]
    return f"http://{ingress.get('hostname') or ingress['ip']}/v1"
