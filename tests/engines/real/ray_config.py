"""Runs inside an environment that holds Ray: the Serve configs of standard input through the classes that read them."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from ray import serve

# What `ray.serve.llm` offers is the same class, and asks for vLLM when it is imported.
from ray.llm._internal.serve.core.configs.llm_config import LLMConfig
from ray.serve.config import AutoscalingConfig
from ray.serve.schema import HTTPOptionsSchema, ServeApplicationSchema, ServeDeploySchema

DEPLOYMENT_OPTIONS = tuple(inspect.signature(serve.deployment).parameters)


class Nothing:
    """Stands for the deployments whose options are read."""


def refusal(text: str) -> str | None:
    try:
        check(yaml.safe_load(text))
    except (ValueError, TypeError) as error:
        return " ".join(str(error).split())
    return None


def check(given: dict[str, Any]) -> None:
    """Ray's schemas check values and pass over keys that they do not know, which are looked for here."""
    ServeDeploySchema.model_validate(given)
    known(given, ServeDeploySchema.model_fields)
    known(given["http_options"], HTTPOptionsSchema.model_fields)
    for application in given["applications"]:
        known(application, ServeApplicationSchema.model_fields)
        check_args(application["args"])


def check_args(args: dict[str, Any]) -> None:
    models = [LLMConfig.model_validate(model) for model in args["llm_configs"]]
    if len({model.model_id for model in models}) != len(models):
        raise ValueError("two models have the same id")
    for options in (args["ingress_deployment_config"], *(model.deployment_config for model in models)):
        known(options, DEPLOYMENT_OPTIONS)
        known(options.get("autoscaling_config", {}), AutoscalingConfig.model_fields)
        serve.deployment(Nothing, **options)


def known(given: Mapping[str, Any], fields: Iterable[str]) -> None:
    if strange := given.keys() - set(fields):
        raise ValueError(f"not known to Ray: {', '.join(sorted(strange))}")


def main() -> None:
    refusals = [refusal(text) for text in json.load(sys.stdin)]
    # Imports print what they like.
    Path(sys.argv[1]).write_text(json.dumps(refusals), encoding="utf-8")


if __name__ == "__main__":
    main()
