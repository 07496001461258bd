"""Kubeconfigs without secrets in them: who uses one brings credentials for the cloud, and the cloud's own program makes a token of them."""

from __future__ import annotations

import json
from typing import Any

EXEC_API = "client.authentication.k8s.io/v1beta1"


def eks_kubeconfig(name: str, region: str, endpoint: str, authority: str, profile: str | None) -> str:
    """For `aws eks get-token`; with `profile`, the credentials are those of that AWS profile."""
    command: dict[str, Any] = {
        "apiVersion": EXEC_API,
        "command": "aws",
        "args": ["--region", region, "eks", "get-token", "--cluster-name", name, "--output", "json"],
        "interactiveMode": "IfAvailable",
    }
    if profile is not None:
        command["env"] = [{"name": "AWS_PROFILE", "value": profile}]
    return _kubeconfig(name, {"server": endpoint, "certificate-authority-data": authority}, command)


def gke_dns_kubeconfig(name: str, host: str) -> str:
    """For the DNS endpoint, whose certificate comes from a public authority: with the cluster's own authority it would not verify."""
    return _kubeconfig(name, {"server": f"https://{host}"}, _gke_command())


def gke_ip_kubeconfig(name: str, address: str, authority: str) -> str:
    """For an IP endpoint, whose certificate comes from the cluster's own authority."""
    return _kubeconfig(name, {"server": f"https://{address}", "certificate-authority-data": authority}, _gke_command())


def _gke_command() -> dict[str, Any]:
    return {
        "apiVersion": EXEC_API,
        "command": "gke-gcloud-auth-plugin",
        "installHint": "gcloud components install gke-gcloud-auth-plugin",
        "provideClusterInfo": True,
        "interactiveMode": "IfAvailable",
    }


def _kubeconfig(name: str, cluster: dict[str, Any], command: dict[str, Any]) -> str:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
        "users": [{"name": name, "user": {"exec": command}}],
    }
    return json.dumps(config, separators=(",", ":"))
