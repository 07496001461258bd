"""The add-ons of a cluster, as a Pulumi component. Without `from __future__ import annotations`: Pulumi reads the annotations."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi

from ..boundary import read, refusals
from ..clouds.addons import ADDONS, Addon, Chart
from ..errors import InputError, Problem, join_names, nearest_name
from . import cluster_autoscaler
from .charts import EXTRA_OBJECTS, GUESTS, NEEDS_AWS_IDENTITY, OBJECTS, REQUIRES, SHARED_NAMESPACES, VALUES
from .settings import Settings

TIMEOUT_SECONDS = 600
COST = {
    "monthlyUsd": {"min": 0, "expected": 0, "max": 0},
    "note": "their pods run on the nodes of the cluster, which are priced there",
}


class AddonArgs(TypedDict):
    """One add-on."""

    name: str
    """cert-manager, kserve, kuberay, keda, keda-http, prometheus, nvidia-device-plugin, neuron-device-plugin, lws, efa-device-plugin,
    gpudirect-tcpx, gpudirect-tcpxo or cluster-autoscaler."""
    version: NotRequired[str]
    """Chart version. Left out: the one that this release was tested with."""
    installed: NotRequired[bool]
    """False leaves it out, because the cluster has it or does without. Left out: true."""
    reason: NotRequired[str]
    """Why it is installed or not; shown in the output `plan`."""
    images: NotRequired[list[str]]
    """Images that its values name, as `repository:tag` with or without `@sha256:...`. Left out: those of its version, by tag."""


class AddonsArgs(TypedDict):
    """Which add-ons a cluster gets."""

    addons: list[AddonArgs]
    """The add-ons, such as those of a stack's plan."""
    cluster_name: NotRequired[pulumi.Input[str]]
    """Physical name of the cluster. The Cluster Autoscaler needs it."""
    region: NotRequired[pulumi.Input[str]]
    """Region of the cluster. The Cluster Autoscaler needs it."""
    node_selector: NotRequired[dict[str, str]]
    """Labels of the nodes that controllers run on. Left out: taints decide."""


class Addons(pulumi.ComponentResource):
    """What a cluster needs beside the services: Helm releases or objects of each add-on, in the order in which they depend on each other.

    Needs a Kubernetes provider in `opts`, and an AWS provider where the Cluster Autoscaler is installed. Services depend on `ready`:
    then `up` brings the add-ons first, and `destroy` takes the services away while KServe can still clean up after them.
    """

    plan: pulumi.Output[list[Any]]
    """Name, version and reason of every add-on, installed or not."""
    cost: pulumi.Output[dict[str, Any]]
    """Nothing of their own: they run on nodes that are priced elsewhere."""

    def __init__(self, name: str, args: AddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        with refusals("Addons", name):
            wanted = _wanted(args)
            super().__init__("inferstack:index:Addons", name, None, opts)
            self._require_providers(wanted)
        self._prefix, self._args = name, args
        self._first = opts.depends_on if opts else None
        releases: dict[str, list[pulumi.Resource]] = {}
        for addon in ADDONS.values():
            if addon.name in wanted:
                before = [resource for required in REQUIRES.get(addon.name, ()) for resource in releases.get(required, [])]
                releases[addon.name] = self._install(addon, wanted[addon.name], before)
        self.ready: list[pulumi.Resource] = [resource for installed in releases.values() for resource in installed]
        plan = _plan(args)
        self.plan = pulumi.Output.from_input(plan)
        self.cost = pulumi.Output.from_input(COST)
        self.register_outputs({"plan": plan, "cost": COST})

    def _install(self, addon: Addon, version: str, before: list[pulumi.Resource]) -> list[pulumi.Resource]:
        """The Helm releases of one add-on, each after the one before it, or the objects that it is."""
        given = self._args
        settings = Settings(
            version, given.get("node_selector", {}), given.get("cluster_name"), given.get("region"), _images(given, addon, version)
        )
        before = [*before, *self._prepare(addon, settings)]
        made: list[pulumi.Resource] = []
        for chart in addon.charts:
            made.append(self._release(addon, chart, settings, [*before, *made]))
        objects = OBJECTS[addon.name](settings) if addon.name in OBJECTS else ()
        return [*made, *(self._object(manifest["metadata"]["name"], manifest, before or self._first) for manifest in objects)]

    def _prepare(self, addon: Addon, settings: Settings) -> list[pulumi.Resource]:
        """What must stand before the pods of an add-on: its namespace, what that needs, and its rights in the cloud."""
        made: list[pulumi.Resource] = []
        if addon.namespace not in SHARED_NAMESPACES and addon.name not in GUESTS:
            # Not left to Helm, which would leave it behind.
            manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": addon.namespace}}
            made.append(self._object(f"{addon.name}-namespace", manifest, self._first))
        if addon.name in EXTRA_OBJECTS:
            made.append(self._object(f"{addon.name}-quota", EXTRA_OBJECTS[addon.name](addon.namespace), list(made)))
        if addon.name in NEEDS_AWS_IDENTITY and settings.cluster_name is not None:
            opts = pulumi.ResourceOptions(parent=self, depends_on=self._first)
            made.append(cluster_autoscaler.identity(f"{self._prefix}-{addon.name}", settings.cluster_name, opts))
        return made

    def _object(self, name: str, manifest: Mapping[str, Any], depends_on: Any) -> pulumi.Resource:
        opts = pulumi.ResourceOptions(parent=self, depends_on=depends_on)
        group = manifest["apiVersion"] if "/" in manifest["apiVersion"] else f"core/{manifest['apiVersion']}"
        return pulumi.CustomResource(f"kubernetes:{group}:{manifest['kind']}", f"{self._prefix}-{name}", dict(manifest), opts)

    def _release(self, addon: Addon, chart: Chart, settings: Settings, before: list[pulumi.Resource]) -> pulumi.Resource:
        from pulumi_kubernetes.helm.v3 import Release

        return Release(
            f"{self._prefix}-{chart.release}",
            name=chart.release,
            chart=chart.chart,
            version=settings.version,
            namespace=addon.namespace,
            repository_opts={"repo": chart.repository} if chart.repository else None,
            values=VALUES[chart.release](settings),
            timeout=TIMEOUT_SECONDS,
            opts=pulumi.ResourceOptions(parent=self, depends_on=before or self._first),
        )

    def _require_providers(self, wanted: Mapping[str, str]) -> None:
        needed = ["kubernetes", *(["aws"] if NEEDS_AWS_IDENTITY & set(wanted) else [])]
        missing = [package for package in needed if self.get_provider(f"{package}:index:any") is None]
        if missing:
            raise InputError(
                Problem("opts", f"has no provider for {package}", nearest="pass ResourceOptions(providers=[...])") for package in missing
            )


def _wanted(args: AddonsArgs) -> dict[str, str]:
    """Chart version of each add-on to install. Raises `InputError` with every problem of the arguments."""
    read(args, AddonsArgs)
    problems = [_unknown(index, addon["name"]) for index, addon in enumerate(args["addons"]) if addon["name"] not in ADDONS]
    wanted = {addon["name"]: addon for addon in args["addons"] if addon.get("installed", True) and addon["name"] in ADDONS}
    if NEEDS_AWS_IDENTITY & set(wanted):
        missing = [key for key in ("cluster_name", "region") if args.get(key) is None]
        problems += [Problem(key, "is missing, and the cluster-autoscaler asks for it") for key in missing]
    if problems:
        raise InputError(problems)
    return {found: ADDONS[found].chart_version(addon.get("version", ADDONS[found].version)) for found, addon in wanted.items()}


def _images(args: AddonsArgs, addon: Addon, version: str) -> tuple[str, ...]:
    given = next((found.get("images") for found in args["addons"] if found["name"] == addon.name), None)
    return tuple(given) if given else addon.named_images(version)


def _unknown(index: int, addon: str) -> Problem:
    near = nearest_name(addon, ADDONS)
    return Problem(
        f"addons[{index}].name", "is not a known add-on", addon, f"use {near}" if near else f"known are {join_names(list(ADDONS), 'and')}"
    )


def _plan(args: AddonsArgs) -> list[dict[str, Any]]:
    return [
        {
            "name": addon["name"],
            "version": addon.get("version", ADDONS[addon["name"]].version),
            "installed": addon.get("installed", True),
            "reason": addon.get("reason", ""),
        }
        for addon in args["addons"]
    ]
