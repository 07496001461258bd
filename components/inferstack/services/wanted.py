"""The services that the arguments of a component mean: plans that were given, or ones that are made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pulumi

from .. import planning, stackfile
from ..boundary import read
from ..errors import InputError, Problem
from ..manifests import OPTIONAL_SECRETS, secrets_needed
from ..plain import plain
from ..planning.types import ServicePlan
from .args import InferenceServiceArgs, SharedServerArgs

SECRETS = {"hugging-face-token": "hugging_face_token", "api-key": "api_key"}
"""Kind of secret (`SecretEnv.secret`) -> argument that brings its value."""
SETTINGS = {"hugging_face_token": "huggingFaceToken", "api_key": "apiKey"}
"""Argument -> key of the stack file."""

UNNAMED = "none"

Args = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A planned service."""

    plan: ServicePlan
    cost: dict[str, Any] | None
    """The service's part of its stack's cost; None where the caller did not say."""


def wanted(name: str, args: Args) -> Wanted:
    """The planned service. Raises `InputError` with every problem of the arguments."""
    given = read(args, InferenceServiceArgs)
    if _is_given(given, "plan", "service"):
        service = Wanted(_given_plan(given["plan"], "plan"), given.get("cost"))
    else:
        (service,) = _planned(name, given, [given["service"]], {"inferstack:services[0]": "service"})
    if service.plan.server is not None:
        reason = f"is served by {service.plan.server}, a server that services share"
        raise InputError([Problem("plan", reason, service.plan.name, "pass all plans of that server to a SharedServer")])
    _refuse_missing_secrets([service.plan], given)
    return service


def wanted_together(name: str, args: Args) -> list[Wanted]:
    """The planned services of the server `name`. Raises `InputError` with every problem of the arguments."""
    given = read(args, SharedServerArgs)
    if _is_given(given, "plans", "services"):
        plans = [_given_plan(plan, f"plans[{index}]") for index, plan in enumerate(given["plans"])]
        costs = given.get("costs")
        _refuse_strangers(name, plans, costs)
        services = [Wanted(plan, None if costs is None else costs[index]) for index, plan in enumerate(plans)]
    else:
        written = [{"server": name, **service} for service in given["services"]]
        _refuse_others(name, written)
        services = _planned(name, given, written, {"inferstack:services": "services"})
    _refuse_missing_secrets([service.plan for service in services], given)
    return services


def secret_values(plan: ServicePlan, args: Args) -> list[tuple[str, pulumi.Input[str]]]:
    """Each kind of secret that the service uses and the caller gave, and its value."""
    return [(kind, args[SECRETS[kind]]) for kind in secrets_needed(plan) if args.get(SECRETS[kind]) is not None]


def warnings(plan: ServicePlan, args: Args) -> list[str]:
    """What may go wrong for want of a secret that the service can start without."""
    missing = [SECRETS[kind] for kind in secrets_needed(plan) if kind in OPTIONAL_SECRETS and args.get(SECRETS[kind]) is None]
    return [f"{key} is not given: weights of {plan.model} that are behind a licence do not load without it" for key in missing]


def _is_given(args: Args, planned: str, described: str) -> bool:
    """True where the caller brings what is planned, False where it describes it. Raises `InputError` for both and for neither."""
    ways = [args.get(key) is not None for key in (planned, described, "target")]
    if ways not in ([True, False, False], [False, True, True]):
        raise InputError([Problem(planned, f"must be given, or `{described}` and `target` instead of it")])
    return ways[0]


def _given_plan(plan: Any, path: str) -> ServicePlan:
    if isinstance(plan, ServicePlan):
        return plan
    ours, theirs = ("plans", "services") if path.startswith("plans") else ("plan", "service")
    way_out = f"give `{theirs}` and `target`, which are planned here"
    raise InputError([Problem(ours, f"is a {type(plan).__name__}, not a ServicePlan", nearest=way_out)])


def _refuse_strangers(name: str, plans: Sequence[ServicePlan], costs: Sequence[Any] | None) -> None:
    problems = [
        Problem(f"plans[{index}]", f"is not of the server {name}", plan.name, f"plan it with `server: {name}`")
        for index, plan in enumerate(plans)
        if plan.server != name
    ]
    if not plans:
        problems.append(Problem("plans", "is an empty list", nearest="give the plan of each service of the server"))
    if costs is not None and len(costs) != len(plans):
        problems.append(Problem("costs", f"has {len(costs)} elements for {len(plans)} plans", nearest="give one for each, or none"))
    if problems:
        raise InputError(problems)


def _refuse_others(name: str, services: Sequence[Args]) -> None:
    reason, nearest = "is not the name of the component", f"use {name}, or leave it out"
    others = [(index, service["server"]) for index, service in enumerate(services) if service["server"] != name]
    if others:
        raise InputError(Problem(f"services[{index}].server", reason, other, nearest) for index, other in others)


def _planned(name: str, args: Args, services: Sequence[Args], paths: Mapping[str, str]) -> list[Wanted]:
    """The services as they stand in a stack file; `paths` are its key paths behind arguments."""
    # A component makes no cluster, so that nothing is named after it.
    target = {"clusterName": UNNAMED, **_whole(args["target"])}
    config = {"inferstack:target": target, "inferstack:services": [_whole(service) for service in services]}
    if args.get("prices") is not None:
        config["inferstack:prices"] = _whole(args["prices"])
    config |= {f"inferstack:{SETTINGS[key]}": stackfile.SECRET for key in SETTINGS if args.get(key) is not None}
    # Paths in the arguments, such as a model's config.json, are relative to the program.
    source = str(Path.cwd() / "Pulumi.yaml")
    known = {**paths, "inferstack:target": "target", "inferstack:prices": "prices"}
    try:
        plan = planning.plan(stackfile.read(config, stack=name, source=source))
    except InputError as error:
        raise InputError(replace(problem, path=_own_path(problem.path, known)) for problem in error.problems) from error
    return [Wanted(service, plain(cost)) for service, cost in zip(plan.services, plan.costs.services, strict=True)]


def _refuse_missing_secrets(plans: Sequence[ServicePlan], args: Args) -> None:
    asked = [(SECRETS[kind], plan) for plan in plans for kind in secrets_needed(plan) if kind not in OPTIONAL_SECRETS]
    missing = {key: plan.endpoint for key, plan in asked if args.get(key) is None}
    if missing:
        raise InputError(
            Problem(key, f"is missing, and endpoint {endpoint} asks for it", nearest="pass a secret Output")
            for key, endpoint in missing.items()
        )


def _own_path(path: str, known: Mapping[str, str]) -> str:
    """The argument behind a key path of a stack file."""
    for theirs, ours in known.items():
        if path.startswith(theirs):
            return ours + path.removeprefix(theirs)
    return path


def _whole(value: Any) -> Any:
    """`value` with 2.0 as 2: other languages send every number as a float, and a stack file tells the two apart."""
    if isinstance(value, Mapping):
        return {key: _whole(item) for key, item in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list):
        return [_whole(item) for item in cast("list[Any]", value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value
