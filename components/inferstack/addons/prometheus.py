"""The least of Prometheus that scaling needs: the operator and one server that scrapes our PodMonitors and forgets after a day."""

from __future__ import annotations

from typing import Any

from .pods import requests
from .settings import Settings

OFF: dict[str, Any] = {"enabled": False}
UNUSED_COMPONENTS = (
    *("alertmanager", "grafana", "nodeExporter", "kubeStateMetrics", "kubernetesServiceMonitors", "kubeApiServer", "kubelet"),
    *("kubeControllerManager", "coreDns", "kubeDns", "kubeEtcd", "kubeScheduler", "kubeProxy"),
)
SELECTORS = ("podMonitor", "serviceMonitor", "rule", "probe", "scrapeConfig")


def values(settings: Settings) -> dict[str, Any]:
    placed = {"nodeSelector": dict(settings.node_selector)}
    return {
        **{component: dict(OFF) for component in UNUSED_COMPONENTS},
        "defaultRules": {"create": False},
        "prometheusOperator": {
            **placed,
            "resources": {"requests": requests("prometheus-operator")},
            # Without rules there is nothing for its webhook to check; without it there is no certificate to make.
            "admissionWebhooks": dict(OFF),
            "tls": dict(OFF),
            # It would otherwise keep a Service in kube-system that outlives the release.
            "kubeletService": dict(OFF),
            "kubeletEndpointsEnabled": False,
        },
        "prometheus": {
            "prometheusSpec": {
                **placed,
                # Every PodMonitor counts, not only those with the label of this release.
                **{f"{kind}SelectorNilUsesHelmValues": False for kind in SELECTORS},
                "retention": "1d",
                "resources": {"requests": requests("prometheus"), "limits": {"memory": "2Gi"}},
            }
        },
    }
