"""What a caller gives to an InferenceService, and the plan that it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pulumi

from .. import planning, stackfile
from ..errors import InputError, Problem, join_names, nearest_name
from ..manifests import OPTIONAL_SECRETS, secrets_needed
from ..plain import plain
from ..planning.types import ServicePlan

GIVEN = ("plan", "cost")
ASKED = ("service", "target")
SECRETS = {"hugging-face-token": "hugging_face_token", "api-key": "api_key"}
"""Kind of secret (`SecretEnv.secret`) -> argument that brings its value."""
SETTINGS = {"hugging_face_token": "huggingFaceToken", "api_key": "apiKey"}
"""Argument -> key of the stack file."""

Args = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The service that the arguments mean."""

    plan: ServicePlan
    cost: dict[str, Any] | None
    """The service's part of its stack's cost; None where the caller did not say."""


def wanted(name: str, args: Args) -> Wanted:
    """The planned service. Raises `pulumi.RunError` with every problem of the arguments."""
    _raise_if_any(name, _misspelt(args))
    asked = [key for key in ASKED if args.get(key) is not None]
    if args.get("plan") is not None and not asked:
        service = Wanted(_given_plan(name, args["plan"]), args.get("cost"))
    elif args.get("plan") is None and len(asked) == len(ASKED):
        service = _planned(name, args)
    else:
        raise _error(name, [Problem("plan", "must be given, or `service` and `target` instead of it")])
    _raise_if_any(name, _missing_secrets(service.plan, args))
    return service


def secret_values(plan: ServicePlan, args: Args) -> list[tuple[str, pulumi.Input[str]]]:
    """Each kind of secret that the service uses and the caller gave, and its value."""
    return [(kind, args[SECRETS[kind]]) for kind in secrets_needed(plan) if args.get(SECRETS[kind]) is not None]


def warnings(plan: ServicePlan, args: Args) -> list[str]:
    """What may go wrong for want of a secret that the service can start without."""
    missing = [SECRETS[kind] for kind in secrets_needed(plan) if kind in OPTIONAL_SECRETS and args.get(SECRETS[kind]) is None]
    return [f"{key} is not given: weights of {plan.model} that are behind a licence do not load without it" for key in missing]


def _given_plan(name: str, plan: Any) -> ServicePlan:
    if isinstance(plan, ServicePlan):
        return plan
    raise _error(
        name,
        [Problem("plan", f"is a {type(plan).__name__}, not a ServicePlan", nearest="give `service` and `target`, which are planned here")],
    )


def _planned(name: str, args: Args) -> Wanted:
    config = {"inferstack:target": _whole(args["target"]), "inferstack:services": [_whole(args["service"])]}
    config |= {f"inferstack:{SETTINGS[key]}": stackfile.SECRET for key in SETTINGS if args.get(key) is not None}
    # Paths in the arguments, such as a model's config.json, are relative to the program.
    source = str(Path.cwd() / "Pulumi.yaml")
    try:
        plan = planning.plan(stackfile.read(config, stack=name, source=source))
    except InputError as found:
        raise _error(name, found.problems) from found
    return Wanted(plan.services[0], plain(plan.costs.services[0]))


def _misspelt(args: Args) -> list[Problem]:
    known = (*GIVEN, *ASKED, *SECRETS.values())
    unknown = [key for key in args if key not in known]
    return [Problem(key, "is not an argument", nearest=f"did you mean {nearest_name(key, known) or join_names(known)}?") for key in unknown]


def _missing_secrets(plan: ServicePlan, args: Args) -> list[Problem]:
    required = [SECRETS[kind] for kind in secrets_needed(plan) if kind not in OPTIONAL_SECRETS]
    missing = [key for key in required if args.get(key) is None]
    return [Problem(key, f"must be given: endpoint {plan.endpoint} asks for it", nearest="pass a secret Output") for key in missing]


def _raise_if_any(name: str, problems: list[Problem]) -> None:
    if problems:
        raise _error(name, problems)


def _error(name: str, problems: Any) -> pulumi.RunError:
    """One sentence per problem, under the names of the arguments; without a traceback in a Pulumi program."""
    own = (replace(problem, path=_own_path(problem.path)) for problem in problems)
    return pulumi.RunError("\n".join(f"InferenceService {name}: {problem}" for problem in own))


def _own_path(path: str) -> str:
    for theirs, ours in (("inferstack:services[0]", "service"), ("inferstack:target", "target")):
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
