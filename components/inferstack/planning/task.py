"""What a service does with a request: it generates, or it answers after one pass over the input. What follows for traffic and targets."""

from __future__ import annotations

from dataclasses import replace

from ..catalog.types import EMBEDDING, LLM, TASKS, Model
from ..engines.kinds import pools
from ..engines.types import Engine
from ..sizing.types import Slo
from ..stackfile.editing import to_engine
from ..stackfile.schema import Service
from .problems import Problems

GENERATE, EMBED = TASKS[LLM], TASKS[EMBEDDING]
KINDS = {task: kind for kind, task in TASKS.items()}
"""`task` of the stack file -> `Model.kind`."""


def with_task(model: Model, service: Service, path: str, problems: Problems) -> Model:
    """`model` as the service uses it: one that generates may be made to answer after one pass, the others are what they are."""
    if service.task is None or KINDS[service.task] == model.kind:
        return model
    if model.kind != LLM:
        reason = f"is not what {model.id} is made for, a model of kind {model.kind}"
        problems.add(f"{path}.task", service.task, reason, f"use {TASKS[model.kind]}, or leave it out", {f"{path}.task": TASKS[model.kind]})
    return replace(model, kind=KINDS[service.task])


def check_task(model: Model, service: Service, engine: Engine | None, path: str, problems: Problems) -> None:
    """What traffic and targets must say of such a model, and whether a pinned engine serves it."""
    if pools(model):
        _check_pooled(model, service, path, problems)
    else:
        _check_generating(service, path, problems)
    if engine is not None and model.kind not in engine.traits.kinds:
        kinds = " and ".join(sorted(TASKS[kind] for kind in engine.traits.kinds))
        reason = f"is known to {kinds} only, and {model.id} is to {TASKS[model.kind]}"
        problems.add(f"{path}.engine", engine.name, reason, "use vllm", to_engine(service, path, "vllm"))


def targets(model: Model, service: Service) -> Slo:
    """The latency targets. The answer of a model that generates nothing is its first token."""
    slo = service.slo
    return Slo(slo.latency_p95_ms) if pools(model) else Slo(slo.ttft_p95_ms, slo.tpot_p95_ms)


def _check_pooled(model: Model, service: Service, path: str, problems: Problems) -> None:
    traffic, slo = service.traffic, service.slo
    for key, value in (("osl", traffic.osl), ("outputShare", traffic.output_share)):
        if value:
            at = f"{path}.traffic.{key}"
            problems.add(at, value, f"is for output, and {model.id} ({TASKS[model.kind]}) writes none", "remove it", {at: None})
    for key, value in (("ttftP95Ms", slo.ttft_p95_ms), ("tpotP95Ms", slo.tpot_p95_ms)):
        if value is not None:
            reason = f"is for tokens that are generated, and {model.id} generates none"
            whole = {f"{path}.slo.{key}": None, f"{path}.slo.latencyP95Ms": slo.latency_p95_ms or value}
            problems.add(f"{path}.slo.{key}", value, reason, "use latencyP95Ms, for the whole answer", whole)


def _check_generating(service: Service, path: str, problems: Problems) -> None:
    traffic, slo = service.traffic, service.slo
    if traffic.osl is None and traffic.output_share is None:
        if traffic.requests_per_second is not None:
            problems.add(f"{path}.traffic.osl", None, "is needed with `requestsPerSecond`", "output tokens per request, such as 256")
        else:
            reason = "with `dailyUsers` needs two of `isl`, `osl` and `outputShare`"
            problems.add(f"{path}.traffic", None, reason, "add `osl` or `outputShare`; the third follows")
    if slo.latency_p95_ms is not None:
        reason = "is for models that generate nothing: how long an answer takes depends on its length"
        at = f"{path}.slo.latencyP95Ms"
        problems.add(at, slo.latency_p95_ms, reason, "use ttftP95Ms and tpotP95Ms", {at: None})
