"""From a service as written to a requirement that the search understands: names resolved, traffic turned into a workload, pins checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .. import catalog, engines
from ..catalog.types import CapacityType, Checkpoint, Machine, Model
from ..engines import overrides as engine_overrides
from ..engines.own import OwnEngine, OwnServer
from ..engines.types import Engine, Metrics, Overrides
from ..errors import InferstackError, InputError, Problem, join_names
from ..sizing.performance import PLAIN
from ..sizing.types import WORDS_TO_TOKENS, Slo, Techniques, Variability, Workload
from ..stackfile.document import whole
from ..stackfile.own import OwnServer as OwnServerSection
from ..stackfile.schema import CustomModel, Service, Traffic
from ..stackfile.schema import ReplicaRange as ReplicaBounds
from .site import Site

if TYPE_CHECKING:
    from ..measurements import Calibration

Found = TypeVar("Found")

CPU = "cpu"
"""What `gpu` says for a service without an accelerator."""
HUB = "hf://"
NO_OVERRIDES = Overrides()


@dataclass(frozen=True, slots=True)
class Requirement:
    """One service, resolved. None is "the planner decides"."""

    path: str
    """Key path of the service in the stack file."""
    service: Service
    model: Model
    workload: Workload
    slo: Slo
    engine: Engine | None
    quantization: str | None
    checkpoint: Checkpoint | None
    """The weights that `modelUri` names."""
    known: tuple[Checkpoint, ...]
    """The checkpoints of the model that the catalog knows; the reference repository of a model that it does not."""
    gpu: str | None
    machine: Machine | None
    tensor: int | None
    replicas: ReplicaBounds | int | None
    spare: int
    """Replicas beyond what the traffic needs."""
    context: int | None
    capacity: CapacityType
    calibration: Calibration | None
    """The user's own measurements."""
    has_token: bool
    """True where the stack brings a Hugging Face token."""
    overrides: Overrides = NO_OVERRIDES
    """Flags, variables and image that the stack file gives the engine."""
    techniques: Techniques = PLAIN
    """What makes serving faster than its plain physics: nothing, unless a what-if asks for it."""


class Problems:
    """Collects what is wrong, so that a file's problems are reported together."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, path: str, value: object, reason: str, nearest: str | None = None) -> None:
        self.found.append(Problem(path=path, value=value, reason=reason, nearest=nearest))

    def lookup(self, path: str, value: str | None, find: Callable[[str], Found]) -> Found | None:
        """`find(value)`, or None after noting why the name is not known."""
        if value is None:
            return None
        try:
            return find(value)
        except catalog.UnknownName as unknown:
            near = join_names(unknown.nearest[:3]) if unknown.nearest else None
            reason = "is the name of several" if near and near in unknown.reason else unknown.reason
            self.add(path, value, reason, f"did you mean {near}?" if near else None)
        return None

    def raise_if_any(self, source: str | None) -> None:
        if self.found:
            raise InputError(self.found, source)


def resolve(service: Service, path: str, site: Site | None, base: Path, has_token: bool, problems: Problems) -> Requirement | None:
    """The requirement of `service`; None where its problems (added to `problems`) leave none."""
    before = len(problems.found)
    model = _model(service, path, base, problems)
    engine = _engine(service, path, problems)
    quantization = problems.lookup(f"{path}.quantization", service.quantization, catalog.quantization)
    gpu = _gpu(service, path, problems)
    machine = _machine(service, path, site, gpu, problems) if site else None
    workload = _workload(service.traffic)
    calibration = _calibration(service, path, base, problems)
    if model is not None:
        _check_model(model, service, workload, path, problems)
    overrides = _overrides(service, engine, path, problems)
    checkpoint = _pinned_checkpoint(service, model, quantization.name if quantization else None)
    if service.endpoint == "internal" and site and site.cloud.internal_balancer() is None:
        reason = f"is not known how to make on cloud {site.cloud.name}: nothing says what keeps its load balancer off the internet"
        problems.add(f"{path}.endpoint", "internal", reason, "use cluster, and your own ingress")
    if engine is not None:
        _check_engine(engine, service, path, problems)
    if model is None or len(problems.found) > before:
        return None
    return Requirement(
        path=path,
        service=service,
        model=model,
        workload=workload,
        slo=Slo(service.slo.ttft_p95_ms, service.slo.tpot_p95_ms),
        engine=engine,
        quantization=quantization.name if quantization else None,
        checkpoint=checkpoint,
        known=_known_checkpoints(model),
        gpu=gpu,
        machine=machine,
        tensor=service.tensor_parallel,
        replicas=service.replicas,
        spare=service.spare_replicas,
        context=service.context,
        capacity=service.capacity_type if service.capacity_type is not None else CapacityType.ON_DEMAND,
        calibration=calibration,
        has_token=has_token,
        overrides=overrides,
    )


def _engine(service: Service, path: str, problems: Problems) -> Engine | None:
    """The engine that is named, or what the user's own server amounts to."""
    if service.custom is None or service.image is None:
        return problems.lookup(f"{path}.engine", service.engine, engines.engine)
    kin = problems.lookup(f"{path}.custom.like", service.custom.like, engines.engine)
    return None if kin is None else OwnEngine(_own_server(service.custom, service.image), kin)


def _own_server(said: OwnServerSection, image: str) -> OwnServer:
    told = said.metrics
    return OwnServer(
        image=image,
        command=said.command,
        args=said.args,
        port=said.port,
        startup_path=said.startup_path,
        readiness_path=said.readiness_path if said.readiness_path is not None else said.startup_path,
        metrics=Metrics(None, None, None, None) if told is None else Metrics(**told.model_dump()),
        drains=said.drains,
        api_key_env=said.api_key_env,
        cache=said.cache,
        run_as_user=said.run_as_user,
    )


def _check_engine(engine: Engine, service: Service, path: str, problems: Problems) -> None:
    """What a pinned engine asks of the service beside its flags."""
    if service.endpoint != "cluster" and engine.traits.open_api:
        reason = f"is not for {engine.name}, which asks nobody for a key"
        problems.add(f"{path}.endpoint", service.endpoint, reason, "use cluster, or an engine that does, such as vllm")
    if service.image is None and engine.traits.own_image is not None:
        problems.add(f"{path}.image", None, f"is needed: nobody publishes one of {engine.name}", engine.traits.own_image)


def _overrides(service: Service, engine: Engine | None, path: str, problems: Problems) -> Overrides:
    """What the service says in its engine's words. Variables alone need no engine: every one that might be chosen must take them."""
    asked = engine is not None or bool(service.env)
    known = (engine,) if engine is not None else tuple(found for found in engines.engines().values() if found.traits.unasked)
    made = [engine_overrides.read(one, service.engine_args, service.env, service.image) for one in known] if asked else []
    found = dict.fromkeys(problem for _, wrong in made for problem in wrong)
    problems.found += [replace(problem, path=f"{path}.{problem.path}") for problem in found]
    return made[0][0] if made else NO_OVERRIDES


def _workload(traffic: Traffic) -> Workload:
    """Requests per second and lengths; with daily users the third of ISL, OSL and output share follows from two."""
    isl, osl, share = traffic.isl, traffic.osl, traffic.output_share
    if isl is None and osl is not None and share is not None:
        isl = max(1, round(osl * (1 - share) / share))
    if osl is None and isl is not None and share is not None:
        osl = max(1, round(isl * share / (1 - share)))
    assert isl is not None, "the stack file's own rules leave no third case"
    assert osl is not None, "the stack file's own rules leave no third case"
    busy = sorted((share for share in traffic.hourly_shares if share > 0), reverse=True)
    hours = float(len(busy)) if busy else traffic.active_hours
    hourly = tuple(share * hours / sum(busy) for share in busy)
    if traffic.requests_per_second is not None:
        mean = traffic.requests_per_second
    else:
        words = traffic.words_per_user
        tokens = traffic.tokens_per_user if words is None else words * WORDS_TO_TOKENS
        assert traffic.daily_users is not None, "the stack file's own rules leave no third case"
        assert tokens is not None, "the stack file's own rules leave no third case"
        mean = traffic.daily_users * tokens / (isl + osl) / (hours * 3600)
    peak = mean * traffic.peak_factor * (hourly[0] if hourly else 1)
    varied = Variability(traffic.burstiness, traffic.length_spread)
    return Workload(mean, peak, isl, osl, active_hours=hours, active_days=traffic.active_days, hourly=hourly, variability=varied)


def _model(service: Service, path: str, base: Path, problems: Problems) -> Model | None:
    if isinstance(service.model, str):
        return problems.lookup(f"{path}.model", service.model, catalog.model)
    return _custom_model(service.model, f"{path}.model", base, problems)


def _custom_model(custom: CustomModel, path: str, base: Path, problems: Problems) -> Model | None:
    try:
        if custom.config is None:
            return catalog.model_from_dimensions(custom.id, custom.model_dump(exclude={"id", "config", "gated"}), gated=custom.gated)
        config = _read_config(base / custom.config)
        return catalog.model_from_config(config, custom.id, source=custom.config, gated=custom.gated)
    except OSError as error:
        problems.add(f"{path}.config", custom.config, f"cannot be read ({error.strerror})", "give a path relative to the stack file")
    except ValueError as error:
        problems.add(f"{path}.config", custom.config, f"is not a Hugging Face config.json ({error})")
    except InferstackError as error:
        if custom.config is None:
            problems.add(path, custom.id, str(error), "mend the dimension, or give `config`, a path to its config.json")
        else:
            problems.add(f"{path}.config", custom.config, str(error))
    return None


def _calibration(service: Service, path: str, base: Path, problems: Problems) -> Calibration | None:
    if service.calibration is None:
        return None
    from ..measurements import read_calibration  # only stacks with measurements pay for what reads them

    try:
        return read_calibration(base / service.calibration)
    except InputError as error:
        for problem in error.problems:
            problems.add(f"{path}.calibration", service.calibration, f"cannot be used: {problem}")
    return None


def _read_config(file: Path) -> dict[str, Any]:
    try:
        config: Any = json.loads(file.read_text(encoding="utf-8"), parse_int=whole)
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except RecursionError:
        raise ValueError("it nests too deeply") from None
    if not isinstance(config, dict):
        raise ValueError("its top level is not an object")
    return cast(dict[str, Any], config)


def _check_model(model: Model, service: Service, workload: Workload, path: str, problems: Problems) -> None:
    if model.kind != "llm":
        problems.add(f"{path}.model", model.id, f"is a model of kind {model.kind}; only text generation is planned yet")
    context = service.context
    longest = model.max_context
    if context is not None and longest is not None and context > longest:
        problems.add(f"{path}.context", context, f"is beyond the {longest:,} tokens that {model.id} was made for", f"use at most {longest}")
    need = workload.isl + workload.osl
    if context is not None and context < need:
        problems.add(
            f"{path}.context", context, f"is shorter than one request ({need:,} tokens of input and output)", f"use at least {need}"
        )
    if longest is not None and need > longest:
        problems.add(
            f"{path}.traffic", need, f"tokens per request are beyond the {longest:,} that {model.id} was made for", "shorten isl or osl"
        )


def _gpu(service: Service, path: str, problems: Problems) -> str | None:
    if service.gpu is None or service.gpu.casefold() == CPU:
        return None if service.gpu is None else CPU
    found = problems.lookup(f"{path}.gpu", service.gpu, catalog.accelerator)
    return found.id if found else None


def _machine(service: Service, path: str, site: Site, gpu: str | None, problems: Problems) -> Machine | None:
    if service.machine_type is None:
        return None
    machine = problems.lookup(f"{path}.machineType", service.machine_type, site.machine)
    if machine is None:
        return None
    if not site.sells(machine):
        where = join_names(sorted(machine.regions)[:6]) if machine.regions else None
        problems.add(f"{path}.machineType", machine.name, f"is not sold in {site.region}", f"{where} sell it" if where else None)
    elif gpu is not None and (machine.accelerator or CPU) != gpu:
        has = f"{machine.accelerator_count} x {machine.accelerator}" if machine.accelerator else "no GPU"
        problems.add(f"{path}.machineType", machine.name, f"has {has}, while `gpu` says {gpu}", "drop one of the two keys")
    return machine


def _known_checkpoints(model: Model) -> tuple[Checkpoint, ...]:
    known = catalog.checkpoints(model.id)
    if known:
        return known
    dtype = "fp16" if model.native_dtype == "float16" else "bf16"
    stored = model.native_quantization if model.native_quantization is not None else dtype
    return (Checkpoint(model.id, stored, f"hf://{model.id}", "stack file", gated=model.gated),)


def _pinned_checkpoint(service: Service, model: Model | None, quantization: str | None) -> Checkpoint | None:
    """The weights that `modelUri` names. Of a repository on the hub the file inside stands apart; engines read other places themselves."""
    uri = service.model_uri
    if uri is None or model is None or quantization is None:
        return None
    repository, file = uri, None
    if uri.startswith(HUB) and uri.endswith(".gguf"):
        owner, name, *inner = uri.removeprefix(HUB).split("/")
        repository, file = f"{HUB}{owner}/{name}", "/".join(inner)
    return Checkpoint(
        model=model.id,
        quantization=quantization,
        uri=repository,
        source="stack file",
        revision=service.revision,
        file=file or None,
        gated=next((known.gated for known in catalog.checkpoints(model.id) if known.uri == repository), None),
    )
