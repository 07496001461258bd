"""The shared volume component. No `from __future__ import annotations` here: Pulumi reads these types at run time."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, cast

import pulumi

from .. import manifests
from ..boundary import read, refusals
from ..plain import plain
from ..planning.types import VolumePlan
from ..services import KubernetesObject
from .args import SharedVolumeArgs
from .rules import volume_plan

MAKERS = {"efs": (".aws", "efs"), "fsx": (".aws", "fsx"), "filestore": (".google", "filestore"), "gcs-fuse": (".google", "bucket")}
"""Kind -> module and function that make its file system."""


class SharedVolume(pulumi.ComponentResource):
    """A file system or bucket in the network of a cluster, and the claim that pods mount it by. It is deleted with all that is on it.

    Needs a Kubernetes provider in `opts`, and the provider of the cluster's cloud. What `opts.depends_on` names is there before the claim.
    """

    claim: pulumi.Output[str]
    """Name of the claim, for `pvc://claim/path`."""
    plan: pulumi.Output[dict[str, Any]]
    """Kind, size, throughput and zone."""

    def __init__(self, name: str, args: SharedVolumeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Raises `pulumi.RunError` with every reason why `args` cannot be a volume; nothing is registered then."""
        with refusals("SharedVolume", name):
            plan = volume_plan(read(args, SharedVolumeArgs))
        super().__init__("inferstack:index:SharedVolume", name, None, opts)
        facts, made = self._file_system(name, args, plan)
        handle = pulumi.Output.all(**facts).apply(lambda known: manifests.handle_of(plan.kind, known)) if facts else None
        after = [*made, *_as_list(None if opts is None else opts.depends_on)]
        volume = manifests.persistent_volume(plan, facts, handle)
        if volume is not None:
            after = [KubernetesObject(f"{name}-volume", volume, pulumi.ResourceOptions(parent=self, depends_on=after))]
        bound = KubernetesObject(f"{name}-claim", manifests.claim(plan), pulumi.ResourceOptions(parent=self, depends_on=after))
        self.ready: list[pulumi.Resource] = [bound]
        """What pods that mount it wait for."""
        self.claim = pulumi.Output.from_input(plan.name)
        self.plan = pulumi.Output.from_input(plain(plan))
        self.register_outputs({"claim": self.claim, "plan": self.plan})

    def _file_system(
        self, name: str, args: SharedVolumeArgs, plan: VolumePlan
    ) -> tuple[dict[str, pulumi.Output[Any]], list[pulumi.Resource]]:
        """What the cloud says of it, and what must stand before it is mounted and until it is mounted no more."""
        if plan.kind not in MAKERS:
            return {}, []
        # The other cloud's SDK is never imported: each costs hundreds of megabytes.
        module, create = MAKERS[plan.kind]
        return getattr(import_module(module, __package__), create)(name, plan, args["cluster"], pulumi.ResourceOptions(parent=self))


def _as_list(depends_on: Any) -> list[Any]:
    if depends_on is None:
        return []
    return [*cast("Sequence[Any]", depends_on)] if isinstance(depends_on, list | tuple) else [depends_on]
