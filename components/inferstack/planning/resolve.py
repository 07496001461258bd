"""From a service as written to a requirement: every name looked up, every pin held against what there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .. import catalog, clouds, engines
from ..catalog.types import CapacityType, Machine
from ..engines import overrides as engine_overrides
from ..engines.own import OwnEngine, OwnServer
from ..engines.spec import Metrics
from ..engines.types import Engine, Overrides
from ..errors import InputError, Problem, join_names
from ..stackfile.editing import to_engine
from ..stackfile.own import OwnServer as OwnServerSection
from ..stackfile.schema import AUTO, NO_VOLUME, ReplicaRange, Service
from ..stackfile.values import means_no_gpu
from .additions import NOTHING_BESIDE, beside, speaks_for, unmet
from .problems import Problems
from .requirement import CPU, NO_OVERRIDES, Requirement
from .served import check_model, known_checkpoints, pinned_checkpoint, served_model
from .servers import check_engine as check_sharing
from .site import Site
from .sources import check_loading
from .spread import SpreadPins
from .task import check_task, targets, with_task
from .traffic import workload
from .vision import images_of, longest_excess

if TYPE_CHECKING:
    from ..measurements import Calibration


def resolve(service: Service, path: str, site: Site | None, base: Path, has_token: bool, problems: Problems) -> Requirement | None:
    """The requirement of `service`; None where its problems (added to `problems`) leave none."""
    before = len(problems.found)
    model = served_model(service, path, base, problems)
    engine = _engine(service, path, problems)
    quantization = problems.lookup(f"{path}.quantization", service.named_quantization, catalog.quantization)
    gpu = _gpu(service, path, problems)
    machine = _machine(service, path, site, gpu, problems) if site else None
    images = None if model is None else images_of(service, model, path, problems)
    load = workload(service.traffic, images)
    calibration = _calibration(service, path, base, problems)
    if model is not None:
        model = with_task(model, service, path, problems)
        check_task(model, service, engine, path, problems)
        check_model(model, service, load, longest_excess(images), path, problems)
    added = NOTHING_BESIDE if model is None else beside(service, model, images, path, problems)
    _check_words(service, path, problems)
    overrides = _overrides(service, engine, path, problems)
    checkpoint = pinned_checkpoint(service, model, quantization.name if quantization else None)
    if site is not None:
        _check_site(service, path, site, problems)
    check_loading(service, engine, path, problems)
    if site is not None:
        _check_volume(service, path, site, problems)
    check_sharing(engine, service, path, problems)
    if engine is not None:
        _check_engine(engine, service, path, problems)
        problems.found += unmet(engine, service, path)
    elif len(problems.found) == before:
        problems.found += _unmet_by_all(service, path)
    if model is None or len(problems.found) > before:
        return None
    return Requirement(
        path=path,
        service=service,
        model=model,
        workload=load,
        slo=targets(model, service),
        engine=engine,
        quantization=quantization.name if quantization else None,
        checkpoint=checkpoint,
        known=known_checkpoints(model),
        gpu=gpu,
        machine=machine,
        spread=SpreadPins(service.tensor_parallel, service.pipeline_parallel, service.data_parallel, service.expert_parallel),
        replicas=service.replicas,
        spare=service.spare_replicas,
        context=service.context,
        capacity=service.capacity_type if service.capacity_type is not None else CapacityType.ON_DEMAND,
        commitment=service.commitment,
        calibration=calibration,
        has_token=has_token,
        quality=service.quality,
        compares=service.engine == AUTO,
        overrides=overrides,
        beside=added,
    )


def _check_site(service: Service, path: str, site: Site, problems: Problems) -> None:
    """What the cloud does not have."""
    if service.capacity_block and not site.cloud.sells_capacity_blocks:
        selling = join_names([cloud.name for cloud in clouds.clouds().values() if cloud.sells_capacity_blocks], "and")
        reason = f"is sold on {selling}, not on {site.cloud.name}"
        problems.add(f"{path}.capacityBlock", True, reason, "leave it out", {f"{path}.capacityBlock": None})
    if service.endpoint == "internal" and site.cloud.internal_balancer() is None:
        reason = f"is not known how to make on cloud {site.cloud.name}: nothing says what keeps its load balancer off the internet"
        problems.add(f"{path}.endpoint", "internal", reason, "use cluster, and your own ingress", {f"{path}.endpoint": "cluster"})


def _check_volume(service: Service, path: str, site: Site, problems: Problems) -> None:
    names = [volume.name for volume in site.target.volumes]
    if service.volume in (None, NO_VOLUME, *names):
        return
    nearest = f"use {join_names(names)}" if names else "add it to target.volumes"
    problems.add(f"{path}.volume", service.volume, "is not a volume of target.volumes", nearest)


def _engine(service: Service, path: str, problems: Problems) -> Engine | None:
    """The engine that is named, or what the user's own server amounts to."""
    if service.custom is None or service.image is None:
        return problems.lookup(f"{path}.engine", service.named_engine, engines.engine)
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
        problems.add(
            f"{path}.endpoint",
            service.endpoint,
            reason,
            "use cluster, or an engine that does, such as vllm",
            to_engine(service, path, "vllm"),
        )
    if isinstance(service.replicas, ReplicaRange) and service.replicas.min == 0 and engine.traits.open_api:
        reason = f"is not for {engine.name}, which asks nobody for a key: what wakes it lets in the whole cluster"
        problems.add(f"{path}.replicas.min", 0, reason, "use 1, or an engine that does, such as vllm", {f"{path}.replicas.min": 1})
    elif isinstance(service.replicas, ReplicaRange) and service.replicas.min == 0 and engine.traits.scales_itself:
        one = {f"{path}.replicas.min": 1}
        problems.add(f"{path}.replicas.min", 0, f"is not for {engine.name}, which scales its replicas itself", "use 1", one)
    if service.schedule is not None and engine.traits.scales_itself:
        reason = f"is not for {engine.name}, which starts its replicas by the requests in flight and by no clock"
        nearest = "remove it, or use an engine that is scaled from outside, such as vllm"
        problems.add(f"{path}.schedule", None, reason, nearest, to_engine(service, path, "vllm"))
    if service.image is None and engine.traits.own_image is not None:
        problems.add(f"{path}.image", None, f"is needed: nobody publishes one of {engine.name}", engine.traits.own_image)


def _overrides(service: Service, engine: Engine | None, path: str, problems: Problems) -> Overrides:
    """What the service says in its engine's words. Variables alone need no engine: every one that might be chosen must take them."""
    asked = engine is not None or (bool(service.env) and not service.engine_args)
    known = (engine,) if engine is not None else tuple(found for found in engines.engines().values() if _may_be_chosen(found, service))
    made = [engine_overrides.read(one, service.engine_args, service.env, service.image) for one in known] if asked else []
    found = dict.fromkeys(problem for _, wrong in made for problem in wrong)
    problems.found += [
        replace(problem, path=f"{path}.{problem.path}", change={f"{path}.{key}": value for key, value in problem.change.items()})
        for problem in found
    ]
    return made[0][0] if made else NO_OVERRIDES


def _check_words(service: Service, path: str, problems: Problems) -> None:
    """What is said in one engine's own words says which engine."""
    if service.named_engine is not None:
        return
    flags = service.engine_args
    if flags or service.image is not None:
        known = [found for found in engines.engines().values() if found.traits.is_comparable]
        speaks = (found for found in known if not engine_overrides.read(found, flags, service.env, service.image)[1])
        first = next(speaks, known[0]).name
        key, value = ("engineArgs", join_names(list(flags), "and")) if flags else ("image", service.image)
        problems.add(f"{path}.{key}", value, "is one engine's own", f"say which with `engine`, such as {first}", {f"{path}.engine": first})


def _may_be_chosen(engine: Engine, service: Service) -> bool:
    return engine.traits.is_comparable if service.engine == AUTO else engine.traits.unasked


def _unmet_by_all(service: Service, path: str) -> Iterator[Problem]:
    """Where no engine that may be chosen has all that the service asks for: what the preferred one lacks."""
    able = [found for found in engines.engines().values() if _may_be_chosen(found, service)]
    return iter(()) if any(speaks_for(found, service) for found in able) else unmet(able[0], service, path)


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


def _gpu(service: Service, path: str, problems: Problems) -> str | None:
    if service.gpu is None or service.gpu.casefold() == CPU:
        return None if service.gpu is None else CPU
    key = f"{path}.gpu"
    if means_no_gpu(service.gpu):
        problems.add(key, service.gpu, "is not a known GPU", "write cpu where none is meant", change={key: CPU})
        return None
    found = problems.lookup(key, service.gpu, catalog.accelerator, otherwise="leave it out for the cheapest one")
    return found.id if found else None


def _machine(service: Service, path: str, site: Site, gpu: str | None, problems: Problems) -> Machine | None:
    if service.machine_type is None:
        return None
    machine = problems.lookup(f"{path}.machineType", service.machine_type, site.machine)
    if machine is None:
        return None
    if not site.sells(machine):
        where = join_names(sorted(machine.regions)[:6]) if machine.regions else None
        nearest = f"{where} sell it" if where else None
        problems.add(f"{path}.machineType", machine.name, f"is not sold in {site.region}", nearest, {f"{path}.machineType": None})
    elif gpu is not None and (machine.accelerator or CPU) != gpu:
        has = f"{machine.accelerator_count} x {machine.accelerator}" if machine.accelerator else "no GPU"
        problems.add(
            f"{path}.machineType", machine.name, f"has {has}, while `gpu` says {gpu}", "drop one of the two keys", {f"{path}.gpu": None}
        )
    return machine
