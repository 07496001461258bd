"""What a pod gets where Google's own transport over TCP joins the GPUs of its replica, and the networks that it is put into.

The daemon starts before the server, because the plugin finds nobody to receive for it otherwise, and goes after it: a sidecar container.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..clouds.gpudirect import INTERFACE, interfaces, networks
from ..clouds.types import GpuDirect, NodeFolder, ReceiveDaemon

NETWORKING = "networking.gke.io"
READY_SECONDS, READY_TRIES = 5, 120
"""A new node has its plugin after the image of the add-on has come; initialising takes half a minute (best practice of the plugin)."""


def accelerator_network(name: str, vpc: Any, subnet: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """One card of each node as GKE knows it: its VPC and subnet by name, and that a pod takes the card itself."""
    parameters = {"group": NETWORKING, "kind": "GKENetworkParamSet", "name": name}
    return (
        {
            "apiVersion": f"{NETWORKING}/v1",
            "kind": "GKENetworkParamSet",
            "metadata": {"name": name},
            "spec": {"vpc": vpc, "vpcSubnet": subnet, "deviceMode": "NetDevice"},
        },
        {
            "apiVersion": f"{NETWORKING}/v1",
            "kind": "Network",
            "metadata": {"name": name},
            "spec": {"type": "Device", "parametersRef": parameters},
        },
    )


def pod_annotations(direct: GpuDirect) -> dict[str, str]:
    """The cards that a pod takes, and the devices that its daemon is given."""
    cards = zip((INTERFACE, *interfaces(direct.networks)), ("default", *networks(direct.networks)), strict=True)
    devices = [{"path": path} for path in direct.daemon.devices]  # read as YAML
    return {
        f"{NETWORKING}/default-interface": INTERFACE,
        f"{NETWORKING}/interfaces": json.dumps([{"interfaceName": card, "network": network} for card, network in cards]),
        f"devices.gke.io/container.{direct.daemon.name}": json.dumps(devices),
    }


def daemon(direct: GpuDirect) -> dict[str, Any]:
    """The sidecar. It keeps what a container has by default, root among it, because Google runs it so: it is the node's part of the
    transport."""
    made = direct.daemon
    return {
        "name": made.name,
        "image": made.image,
        "restartPolicy": "Always",
        "command": list(made.command),
        "env": [{"name": name, "value": value} for name, value in made.env],
        **_startup(made),
        # Without limits: what it takes at most is not known, and a server whose daemon is killed hangs.
        "resources": {"requests": {"cpu": f"{made.cpu_millicores}m", "memory": f"{made.memory_mib}Mi"}},
        "securityContext": {
            "runAsNonRoot": False,
            "runAsUser": 0,
            "runAsGroup": 0,
            "allowPrivilegeEscalation": False,
            "capabilities": {"add": list(made.capabilities)},
        },
        "volumeMounts": [*_mounts(made.folders), *_shared_mounts(direct)],
    }


def server_mounts(direct: GpuDirect) -> list[dict[str, Any]]:
    return [*_mounts(direct.folders), *_shared_mounts(direct)]


def server_security(direct: GpuDirect, context: dict[str, Any]) -> dict[str, Any]:
    """`context` with the capabilities that the transport asks of the server."""
    if not direct.capabilities:
        return context
    return {**context, "capabilities": {**context["capabilities"], "add": list(direct.capabilities)}}


def pod_volumes(direct: GpuDirect) -> list[dict[str, Any]]:
    """Folders of the node, and those of the pod that server and daemon share."""
    of_node = [{"name": one.name, "hostPath": {"path": one.on_node}} for one in (*direct.daemon.folders, *direct.folders)]
    return [*of_node, *({"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}} for name, _ in direct.shared)]


def _startup(made: ReceiveDaemon) -> dict[str, Any]:
    if made.ready_file is None:
        return {}
    tried = {"exec": {"command": ["cat", made.ready_file]}, "periodSeconds": READY_SECONDS, "failureThreshold": READY_TRIES}
    return {"startupProbe": tried}


def _mounts(folders: Sequence[NodeFolder]) -> list[dict[str, Any]]:
    return [{"name": one.name, "mountPath": one.path, **({"readOnly": True} if one.read_only else {})} for one in folders]


def _shared_mounts(direct: GpuDirect) -> list[dict[str, Any]]:
    return [{"name": name, "mountPath": path} for name, path in direct.shared]
