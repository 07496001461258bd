"""One model behind one endpoint, as a Pulumi component. Without `from __future__ import annotations`: Pulumi reads the annotations."""

import math
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi

from .. import manifests, planning
from ..planning.types import ServicePlan
from .args import secret_values, wanted, warnings
from .kubernetes import KubernetesObject, suffix

MODE_ANNOTATION = 'metadata.annotations["serving.kserve.io/deploymentMode"]'
LEAST_AWAIT_SECONDS = 600


class InferenceServiceArgs(TypedDict):
    """What to serve: either a plan, or a service and a target that are planned here."""

    plan: NotRequired[Any]
    """A `ServicePlan` of `inferstack.plan(...)`. Programs in other languages than Python give `service` and `target`."""
    cost: NotRequired[dict[str, Any]]
    """With `plan`: the service's part of its stack's cost, returned as the output `cost`."""
    service: NotRequired[dict[str, Any]]
    """The service as a stack file writes it below `inferstack:services`."""
    target: NotRequired[dict[str, Any]]
    """Where it runs, as a stack file writes it below `inferstack:target`."""
    hugging_face_token: NotRequired[pulumi.Input[str]]
    """Token for weights behind a licence. Kept in a Kubernetes secret, nowhere else."""
    api_key: NotRequired[pulumi.Input[str]]
    """Key that an internal endpoint asks for."""


class InferenceService(pulumi.ComponentResource):
    """A model behind an OpenAI-compatible endpoint: KServe's runtime and service, its scaler, its secrets and what watches over it.

    Needs a Kubernetes provider in `opts`, a namespace, and KServe in the cluster (`Addons`). What `opts.depends_on` names is there
    before any object, and goes after every object.
    """

    plan: pulumi.Output[dict[str, Any]]
    """The plan, as `inferstack plan --json` prints it for one service."""
    cost: pulumi.Output[dict[str, Any] | None]
    """The service's part of its stack's cost; None where only a plan was given."""
    url: pulumi.Output[str]
    """Base URL of the API: inside the cluster, or of the internal load balancer."""

    def __init__(self, name: str, args: InferenceServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        service = wanted(name, args)
        plan = service.plan
        super().__init__("inferstack:index:InferenceService", name, None, opts)
        self._require_provider(name)
        for warning in warnings(plan, args):
            pulumi.log.warn(warning, resource=self)
        first = opts.depends_on if opts else None
        before = [self._add(f"{name}-{suffix(manifest)}", manifest, first) for manifest in manifests.prerequisites(plan)]
        before += [self._add(f"{name}-{kind}", manifests.secret(plan, kind, value), first) for kind, value in secret_values(plan, args)]
        main = self._add(f"{name}-inference-service", manifests.inference_service(plan), before, replace_on_changes=[MODE_ANNOTATION])
        after = {item["kind"]: self._add_dependent(f"{name}-{suffix(item)}", item, main, plan) for item in manifests.dependents(plan)}
        document = planning.service_document(plan)
        self.plan = _known(document)
        self.cost = _known(service.cost)
        self.url = _url(plan, after)
        self.register_outputs({"plan": document, "cost": service.cost, "url": self.url})

    def _require_provider(self, name: str) -> None:
        if self.get_provider("kubernetes:core/v1:Secret") is None:
            # Without one Pulumi would take whatever cluster the kubeconfig of the moment points to.
            raise pulumi.RunError(
                f"InferenceService {name}: opts has no Kubernetes provider; pass ResourceOptions(provider=cluster.provider)"
            )

    def _add(self, name: str, manifest: dict[str, Any], depends_on: Any, **options: Any) -> KubernetesObject:
        return KubernetesObject(name, manifest, pulumi.ResourceOptions(parent=self, depends_on=depends_on, **options))

    def _add_dependent(self, name: str, manifest: dict[str, Any], main: pulumi.Resource, plan: ServicePlan) -> KubernetesObject:
        if manifest["kind"] != "Service":
            return self._add(name, manifest, main)
        # Pulumi waits until a Service has endpoints, which takes a cold start; for other kinds it does not wait.
        patience = pulumi.CustomTimeouts(create=f"{max(LEAST_AWAIT_SECONDS, 2 * math.ceil(plan.cold_start_seconds.high))}s")
        opts = pulumi.ResourceOptions(parent=self, depends_on=main, custom_timeouts=patience)
        return KubernetesObject(name, manifest, opts, with_status=True)


def _url(plan: ServicePlan, dependents: Mapping[str, KubernetesObject]) -> pulumi.Output[str]:
    """Where the API answers. The address of a load balancer is only known once it exists."""
    if plan.endpoint == "cluster":
        return _known(planning.service_url(plan.name, plan.namespace))
    return dependents["Service"].status.apply(_address)


def _address(status: Any) -> str:
    ingress = status["loadBalancer"]["ingress"][0]
    return f"http://{ingress.get('hostname') or ingress['ip']}/v1"


def _known(value: Any) -> pulumi.Output[Any]:
    """`value` as an Output. `Output.from_input` would make an Output of every leaf of a plan, which takes longer than to register it."""
    return pulumi.Output.from_input(None).apply(lambda _: value)
