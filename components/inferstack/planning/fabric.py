"""What joins the machines of one replica: whether nodes and image have it, what the server is told for it, and what the plan says of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..catalog.types import Machine
from ..clouds import gpudirect
from ..clouds.types import Fabric
from ..engines.spec import EngineSpec
from ..errors import Problem, join_names
from ..stackfile.schema import Target
from .placement import Placement
from .replica import Sized, reaches_network
from .requirement import Requirement
from .site import Site, pinned_plugin
from .types import ServicePlan


def fabric_of(requirement: Requirement, sized: Sized, machine: Machine, site: Site) -> Fabric | None:
    """The network between the machines of a replica that its nodes get. A daemon with rights on the node stays out where the image is not
    known to make something of it."""
    found = site.fabric(machine) if sized.machines > 1 else None
    if found is None or found.gpudirect is None:
        return found
    return found if reaches_network(requirement, sized.engine, found.name) else None


def accelerator_networks(target: Target, services: Sequence[ServicePlan]) -> int | None:
    """VPCs beside the nodes' own that a new cluster gets: as many as the service with the most asks for; None where none may."""
    if not target.network.gpu_direct:
        return None
    return max((service.fabric.card_networks for service in services if service.fabric is not None), default=0)


def plugin_problems(target: Target) -> Iterator[Problem]:
    """Pinned versions of plugins whose daemon is not known."""
    for addon, direct in gpudirect.by_addon():
        said, known = pinned_plugin(target, addon), [version for version, _ in direct.releases]
        if said is not None and said not in known:
            first, second = addon.split("-")
            path = f"inferstack:target.versions.{first}{second.capitalize()}"
            yield Problem(path, "is no version whose daemon is known here", said, f"use {join_names(known)}")


def joined(spec: EngineSpec, fabric: Fabric | None, requirement: Requirement) -> EngineSpec:
    """`spec` with what NCCL is told of `fabric`; the user's own variables stand."""
    if fabric is None or fabric.gpudirect is None:
        return spec
    own = {name for name, _ in requirement.overrides.env}
    told = {name: value for name, value in fabric.gpudirect.env if name not in own}
    return replace(spec, env=(*((name, value) for name, value in spec.env if name not in told), *told.items()))


def between_machines(requirement: Requirement, placement: Placement, fabric: Fabric | None, site: Site) -> tuple[str, ...]:
    """What joins the machines of a replica, as warnings of the plan."""
    if placement.sized.machines == 1:
        return ()
    machine, sized = placement.machine.name, placement.sized
    could = site.fabric(placement.machine)
    if fabric is not None:
        return (f"{fabric.note}{_reached(requirement, sized, fabric)}",)
    if could is not None:
        return (f"{could.name} could be had{_reached(requirement, sized, could)}",)
    if (why := site.beyond(placement.machine)) is not None:
        return (f"{why}; transfers between machines take TCP, and are planned so",)
    return (f"what joins {machine} to {machine} is not known here, and nothing is requested for it: the band of TPOT may be too narrow",)


def _reached(requirement: Requirement, sized: Sized, fabric: Fabric) -> str:
    """Whether the image makes something of it, as the end of a sentence."""
    release, own = sized.engine.release, requirement.overrides.image
    if own is not None:
        return f"; NCCL uses it where {own} holds {fabric.takes}"
    held = release.networks.get(fabric.name)
    if held is None and fabric.gpudirect is None:
        return f"; NCCL uses it where the image holds {fabric.takes}, which is not known of {release.image}: otherwise transfers take TCP"
    if held:
        return ""
    lacks = f"{release.image} does not hold {fabric.takes} ({release.networks_sources.get(fabric.name)})"
    if held is None:
        lacks = f"whether {release.image} holds {fabric.takes} is not known"
    return f", but {lacks}: transfers take TCP, and are planned so; an `image` of yours that holds them uses {fabric.name}"
