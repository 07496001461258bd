"""The service that the arguments of an InferenceService mean: a plan that was given, or one that is made here."""

from __future__ import annotations

from collections.abc import Mapping
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
from .args import InferenceServiceArgs

DESCRIPTION = ("service", "target")
SECRETS = {"hugging-face-token": "hugging_face_token", "api-key": "api_key"}
"""Kind of secret (`SecretEnv.secret`) -> argument that brings its value."""
SETTINGS = {"hugging_face_token": "huggingFaceToken", "api_key": "apiKey"}
"""Argument -> key of the stack file."""

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
    described = [key for key in DESCRIPTION if given.get(key) is not None]
    if given.get("plan") is not None and not described:
        service = Wanted(_given_plan(given["plan"]), given.get("cost"))
    elif given.get("plan") is None and len(described) == len(DESCRIPTION):
        service = _planned(name, given)
    else:
        raise InputError([Problem("plan", "must be given, or `service` and `target` instead of it")])
    _refuse_missing_secrets(service.plan, given)
    return service


def secret_values(plan: ServicePlan, args: Args) -> list[tuple[str, pulumi.Input[str]]]:
    """Each kind of secret that the service uses and the caller gave, and its value."""
    return [(kind, args[SECRETS[kind]]) for kind in secrets_needed(plan) if args.get(SECRETS[kind]) is not None]


def warnings(plan: ServicePlan, args: Args) -> list[str]:
    """What may go wrong for want of a secret that the service can start without."""
    missing = [SECRETS[kind] for kind in secrets_needed(plan) if kind in OPTIONAL_SECRETS and args.get(SECRETS[kind]) is None]
    return [f"{key} is not given: weights of {plan.model} that are behind a licence do not load without it" for key in missing]


def _given_plan(plan: Any) -> ServicePlan:
    if isinstance(plan, ServicePlan):
        return plan
    way_out = "give `service` and `target`, which are planned here"
    raise InputError([Problem("plan", f"is a {type(plan).__name__}, not a ServicePlan", nearest=way_out)])


def _planned(name: str, args: Args) -> Wanted:
    config = {"inferstack:target": _whole(args["target"]), "inferstack:services": [_whole(args["service"])]}
    if args.get("prices") is not None:
        config["inferstack:prices"] = _whole(args["prices"])
    config |= {f"inferstack:{SETTINGS[key]}": stackfile.SECRET for key in SETTINGS if args.get(key) is not None}
    # Paths in the arguments, such as a model's config.json, are relative to the program.
    source = str(Path.cwd() / "Pulumi.yaml")
    try:
        plan = planning.plan(stackfile.read(config, stack=name, source=source))
    except InputError as error:
        raise InputError(replace(problem, path=_own_path(problem.path)) for problem in error.problems) from error
    return Wanted(plan.services[0], plain(plan.costs.services[0]))


def _refuse_missing_secrets(plan: ServicePlan, args: Args) -> None:
    required = [SECRETS[kind] for kind in secrets_needed(plan) if kind not in OPTIONAL_SECRETS]
    missing = [key for key in required if args.get(key) is None]
    if missing:
        reason = f"is missing, and endpoint {plan.endpoint} asks for it"
        raise InputError(Problem(key, reason, nearest="pass a secret Output") for key in missing)


def _own_path(path: str) -> str:
    """The argument behind a key path of a stack file."""
    for theirs, ours in (("inferstack:services[0]", "service"), ("inferstack:target", "target"), ("inferstack:prices", "prices")):
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
