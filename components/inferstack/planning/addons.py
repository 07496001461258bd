"""Which add-ons a stack gets: what its services need, less what the stack file switches off and what the cloud brings itself."""

from __future__ import annotations

from collections.abc import Sequence

from ..catalog.types import DEVICE_RESOURCES, NVIDIA_RESOURCE
from ..clouds.addons import ADDONS
from ..stackfile.schema import Target
from .site import Site
from .types import AddonPlan, ServicePlan

PLUGIN, SCALER, GROUPS, EFA = "nvidia-device-plugin", "cluster-autoscaler", "lws", "efa-device-plugin"
TCPX, TCPXO = "gpudirect-tcpx", "gpudirect-tcpxo"
NEURON = "neuron-device-plugin"
NEURON_RESOURCE = DEVICE_RESOURCES["aws"]
ASKED_FOR = (PLUGIN, SCALER, GROUPS, EFA, NEURON)
"""Add-ons whose switch is unset by default, so that `true` means: install it although it does not look needed."""


DIRECT, UNDIRECTED = "brings NCCL and its plugin to nodes", "no replica spans A3 {} machines that it joins"


def plan_addons(target: Target, site: Site, services: Sequence[ServicePlan]) -> tuple[AddonPlan, ...]:
    """Every add-on that this release knows, installed or not, with the reason; in order of installation."""
    switches, versions = target.addons, target.versions
    queued = any(service.scaling.signal == "queue" for service in services)
    scheduled = any(service.scaling.window is not None for service in services)
    woken = any(service.scaling.wakes for service in services)
    gpus, chips = _on(NVIDIA_RESOURCE, services), _on(NEURON_RESOURCE, services)
    plugin, scaler = gpus and site.cloud.needs_device_plugin(target), site.cloud.needs_cluster_autoscaler(target)
    unplugged = "pods get GPUs without it" if gpus else "no service runs on NVIDIA GPUs"
    hosted = any(service.on_kserve for service in services)
    spanning = any(service.machines > 1 for service in services)
    joined = {service.fabric.addon for service in services if service.fabric is not None}
    led = any(service.spec.served is not None for service in services)
    bypassed = "no service is served through KServe"
    unscaled = "no service scales on its queue"
    rows = (
        ("cert-manager", switches.cert_manager, hosted, versions.cert_manager, "certificates of KServe's webhooks", bypassed),
        ("kserve", switches.kserve, hosted, versions.kserve, "runs the inference services", bypassed),
        ("kuberay", switches.kuberay, led, versions.kuberay, "makes the Ray clusters of Ray Serve", "no service runs in a Ray cluster"),
        ("keda", switches.keda, queued or scheduled or woken, versions.keda, _keda(queued, scheduled, woken), unscaled),
        ("keda-http", switches.keda_http, woken, versions.keda_http, "holds requests while no replica runs", "no service goes to zero"),
        ("prometheus", switches.prometheus, queued, versions.prometheus, "holds the signals that KEDA reads", unscaled),
        (PLUGIN, switches.nvidia_device_plugin, plugin, versions.nvidia_device_plugin, "offers GPUs to pods", unplugged),
        (
            NEURON,
            switches.neuron_device_plugin,
            chips,
            versions.neuron_device_plugin,
            "offers Neuron chips to pods",
            "no service runs on them",
        ),
        (GROUPS, switches.lws, spanning, versions.lws, "carries replicas that span machines", "no replica spans machines"),
        (
            EFA,
            switches.efa_device_plugin,
            EFA in joined,
            versions.efa_device_plugin,
            "offers EFA to pods",
            "no replica spans machines that have it",
        ),
        (TCPX, switches.gpudirect, TCPX in joined, versions.gpudirect_tcpx, DIRECT, UNDIRECTED.format("High")),
        (TCPXO, switches.gpudirect, TCPXO in joined, versions.gpudirect_tcpxo, DIRECT, UNDIRECTED.format("Mega")),
        (
            SCALER,
            switches.cluster_autoscaler,
            scaler,
            versions.cluster_autoscaler,
            "starts nodes for waiting pods",
            "nodes come without it",
        ),
    )
    return tuple(_addon(*row) for row in rows)


def driver_note(target: Target, site: Site, services: Sequence[ServicePlan]) -> str:
    """Who brings the drivers and device plugins of what the services run on."""
    if not any(service.resources.gpus for service in services):
        return "No service runs on GPUs, so that no driver or device plugin is needed."
    notes = [site.cloud.driver_note(target)] if _on(NVIDIA_RESOURCE, services) else []
    if _on(NEURON_RESOURCE, services):
        plugin = "has to be yours" if target.addons.neuron_device_plugin is False else "is installed by this stack"
        notes.append(f"The Neuron driver comes with the AL2023 Neuron node image; its device plugin {plugin}.")
    others = sorted({service.resources.gpu_resource for service in services} - {NVIDIA_RESOURCE, NEURON_RESOURCE})
    return " ".join([*notes, *(f"Driver and device plugin for {resource} are those of your cluster." for resource in others)])


def _on(resource: str, services: Sequence[ServicePlan]) -> bool:
    """True where one of the services asks for this extended resource."""
    return any(service.resources.gpus and service.resources.gpu_resource == resource for service in services)


def _keda(queued: bool, scheduled: bool, woken: bool) -> str:
    reasons = (
        "scales on waiting requests and KV use" if queued else "",
        "keeps schedules" if scheduled else "",
        "lets services go to zero" if woken else "",
    )
    return " and ".join(reason for reason in reasons if reason)


def _addon(name: str, wish: bool | None, needed: bool | None, version: str | None, why: str, why_not: str) -> AddonPlan:
    """`wish` is the switch of the stack file, `needed` what the planner would do; what is not switched on and not needed stays out."""
    addon = ADDONS[name]
    chosen = addon.version if version is None else addon.chart_version(version)
    if wish is False:
        return AddonPlan(name, chosen, False, "switched off in the stack file")
    if needed is False and not (wish is True and name in ASKED_FOR):
        return AddonPlan(name, chosen, False, why_not)
    return AddonPlan(name, chosen, True, why, addon.named_images(chosen))
