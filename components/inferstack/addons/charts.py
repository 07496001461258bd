"""Which values each Helm release gets, and which add-ons must stand before others. One row per chart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from . import (
    cert_manager,
    cluster_autoscaler,
    device_plugin,
    efa_plugin,
    gpudirect,
    keda,
    keda_http,
    kserve,
    kuberay,
    lws,
    neuron_plugin,
    prometheus,
)
from .settings import Settings

VALUES: Mapping[str, Callable[[Settings], dict[str, Any]]] = MappingProxyType(
    {
        "cert-manager": cert_manager.values,
        "kserve-crd": kserve.crd_values,
        "kserve-resources": kserve.values,
        "kuberay-operator": kuberay.values,
        "keda": keda.values,
        "keda-add-ons-http": keda_http.values,
        "kube-prometheus-stack": prometheus.values,
        "nvidia-device-plugin": device_plugin.values,
        "neuron-helm-chart": neuron_plugin.values,
        "lws": lws.values,
        "aws-efa-k8s-device-plugin": efa_plugin.values,
        "cluster-autoscaler": cluster_autoscaler.values,
    }
)
"""Name of the Helm release -> its values."""

OBJECTS: Mapping[str, Callable[[Settings], tuple[dict[str, Any], ...]]] = MappingProxyType(
    {name: partial(gpudirect.objects, name) for name in ("gpudirect-tcpx", "gpudirect-tcpxo")}
)
"""Add-on without a chart -> the objects that it is."""

REQUIRES: Mapping[str, tuple[str, ...]] = MappingProxyType({"kserve": ("cert-manager",), "keda-http": ("keda",)})
"""Add-on -> add-ons that are installed before it and removed after it."""
EXTRA_OBJECTS: Mapping[str, Callable[[str], dict[str, Any]]] = MappingProxyType({"nvidia-device-plugin": device_plugin.critical_quota})
"""Add-on -> the object that its namespace needs before its pods are admitted."""
NEEDS_AWS_IDENTITY = frozenset({"cluster-autoscaler"})
SHARED_NAMESPACES = frozenset({"kube-system"})
"""Namespaces that are there already and stay."""
GUESTS = frozenset({"keda-http"})
"""Add-ons in the namespace of one that they require, which makes it; switched off, it is there already."""
