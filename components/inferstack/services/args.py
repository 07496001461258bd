"""Arguments of services and servers. Without `from __future__ import annotations`: Pulumi reads the annotations."""

from typing import Any, NotRequired, TypedDict

import pulumi


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
    prices: NotRequired[dict[str, Any]]
    """Your own prices, with the keys of a price file; the service is planned at these. Left out: listed ones."""
    hugging_face_token: NotRequired[pulumi.Input[str]]
    """Token for weights behind a licence. Kept in a Kubernetes secret, nowhere else."""
    api_key: NotRequired[pulumi.Input[str]]
    """Key that an internal endpoint asks for."""


class SharedServerArgs(TypedDict):
    """What one server serves: either plans, or services and a target that are planned here."""

    plans: NotRequired[list[Any]]
    """The `ServicePlan`s of one server of `inferstack.plan(...)`. Programs in other languages than Python give `services` and `target`."""
    costs: NotRequired[list[dict[str, Any]]]
    """With `plans`: each service's part of its stack's cost, in the same order, returned as the output `costs`."""
    services: NotRequired[list[dict[str, Any]]]
    """The services as a stack file writes them below `inferstack:services`; their `server` is the name of the component."""
    target: NotRequired[dict[str, Any]]
    """Where they run, as a stack file writes it below `inferstack:target`."""
    prices: NotRequired[dict[str, Any]]
    """Your own prices, with the keys of a price file; the services are planned at these. Left out: listed ones."""
    hugging_face_token: NotRequired[pulumi.Input[str]]
    """Token for weights behind a licence. Kept in a Kubernetes secret for each service, nowhere else."""
    api_key: NotRequired[pulumi.Input[str]]
    """Key that an internal endpoint asks for."""
