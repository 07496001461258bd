"""What prepares nodes for GPUDirect-TCPX and -TCPXO: NCCL with Google's plugin beside the driver, and devices for the daemon in each pod.

Both are privileged DaemonSets in kube-system, as Google's own are, on the nodes of pools whose machines are joined and nowhere else.
"""

from __future__ import annotations

from typing import Any

from ..clouds.addons import ADDONS
from ..clouds.gpudirect import by_addon
from ..planning.pools import FABRIC_LABEL
from .pods import requests
from .settings import Settings

SHELL = ("/bin/sh", "-c")
PREPARED = """\
set -eu
iptables -C INPUT -p tcp -j ACCEPT 2>/dev/null || iptables -I INPUT -p tcp -j ACCEPT
modprobe import-helper
for device in /sys/bus/pci/devices/*; do
  [ "$(cat "$device/vendor") $(cat "$device/device")" = "0x1ae0 0x0084" ] || continue
  shown="/dev/aperture_devices/${device##*/}"
  mkdir -p "$shown"
  grep -q " $shown " /proc/mounts || mount --bind "$(readlink -f "$device")" "$shown"
done
chmod -R a+r /dev/aperture_devices
chmod a+rw /dev/aperture_devices/*/resource*
"""
"""On the node, for TCPXO: its daemon lets in what it is sent, imports memory of GPUs, and servers map the cards' own memory without being
privileged. Written after what nccl-tcpxo-installer.yaml does."""
INSTALLED = """\
set -eu
chmod 755 /scripts/container_entry.sh
/scripts/container_entry.sh install --install-nccl
mkdir -p /usr/local/nvidia/lib64
cp -r /var/lib/{folder}/lib64/. /usr/local/nvidia/lib64
"""
"""`libnccl-net.so`, which daemons wait for, comes with the rest of the plugin."""


def objects(addon: str, settings: Settings) -> tuple[dict[str, Any], ...]:
    """The two DaemonSets of one of them."""
    plugin, shell, pause, injector = settings.images
    transport = addon.removeprefix("gpudirect-")
    selector = {FABRIC_LABEL: "true", "cloud.google.com/gke-accelerator": dict(by_addon())[addon].accelerator}
    install = {
        "name": "plugin",
        "image": plugin,
        "command": list(SHELL),
        "args": [INSTALLED.format(folder=transport)],
        "securityContext": {"privileged": True},
        "resources": {"requests": requests("nccl-installer")},
        "volumeMounts": [{"name": "var-lib", "mountPath": "/var/lib"}, {"name": "node-programs", "mountPath": "/usr/local"}],
    }
    prepare = {
        "name": "node",
        "image": shell,
        "command": ["nsenter", "--all", "--target=1", "--", *SHELL, PREPARED],
        "securityContext": {"privileged": True},
        "resources": {"requests": requests("nccl-installer")},
    }
    installer: dict[str, Any] = {
        # What is done for the whole node comes first: once the plugin is there, daemons start.
        "initContainers": [*([prepare] if transport == "tcpxo" else []), install],
        "containers": [{"name": "pause", "image": pause, "resources": {"requests": {"cpu": "1m", "memory": "4Mi"}}}],
        "volumes": [
            {"name": "var-lib", "hostPath": {"path": "/var/lib"}},
            {"name": "node-programs", "hostPath": {"path": "/home/kubernetes/bin"}},
        ],
    }
    devices = {
        "containers": [
            {
                "name": "injector",
                "image": injector,
                "securityContext": {"privileged": True},
                "resources": {"requests": requests("device-injector")},
                "volumeMounts": [{"name": "dev", "mountPath": "/dev"}, {"name": "nri", "mountPath": "/var/run/nri"}],
            }
        ],
        "volumes": [{"name": "dev", "hostPath": {"path": "/dev"}}, {"name": "nri", "hostPath": {"path": "/var/run/nri"}}],
    }
    namespace = ADDONS[addon].namespace
    return (
        _daemon_set(f"{transport}-nccl-installer", namespace, selector, installer),
        _daemon_set(f"{transport}-device-injector", namespace, selector, devices),
    )


def _daemon_set(name: str, namespace: str, selector: dict[str, str], pod: dict[str, Any]) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": "inferstack"}
    spec = {
        "priorityClassName": "system-node-critical",
        "nodeSelector": selector,
        "tolerations": [{"operator": "Exists"}],
        "hostNetwork": True,
        "hostPID": True,
        **pod,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }
