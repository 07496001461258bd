"""Kubeconfigs: complete, and free of secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inferstack.clusters.kubeconfig import eks_kubeconfig, gke_dns_kubeconfig, gke_ip_kubeconfig

EKS = eks_kubeconfig("serving", "us-east-1", "https://example.eks", "Q0E=", None)
GKE_DNS = gke_dns_kubeconfig("serving", "gke-1.us-central1.gke.goog")
GKE_IP = gke_ip_kubeconfig("serving", "203.0.113.9", "Q0E=")


@pytest.mark.parametrize("text", [EKS, GKE_DNS, GKE_IP])
def test_context_leads_to_cluster_and_user(text: str) -> None:
    """The current context names a cluster and a user that are both there."""
    config = json.loads(text)
    (context,) = [item for item in config["contexts"] if item["name"] == config["current-context"]]
    assert context["context"]["cluster"] in {item["name"] for item in config["clusters"]}
    assert context["context"]["user"] in {item["name"] for item in config["users"]}


@pytest.mark.parametrize("text", [EKS, GKE_DNS, GKE_IP])
def test_there_is_no_secret(text: str) -> None:
    """The user is a program that asks the cloud for a token; no token, key or password is written down."""
    (user,) = json.loads(text)["users"]
    assert set(user["user"]) == {"exec"}
    assert user["user"]["exec"]["apiVersion"] == "client.authentication.k8s.io/v1beta1"


def test_eks_asks_for_its_own_cluster_and_region() -> None:
    """The AWS CLI is told region and cluster, so that it does not depend on the user's defaults."""
    command = _command(EKS)
    assert command["command"] == "aws"
    assert command["args"] == ["--region", "us-east-1", "eks", "get-token", "--cluster-name", "serving", "--output", "json"]
    assert "env" not in command


def test_eks_uses_the_named_profile() -> None:
    """With a profile the token is that profile's, as the cluster's creator is its first administrator."""
    command = _command(eks_kubeconfig("serving", "us-east-1", "https://example.eks", "Q0E=", "work"))
    assert command["env"] == [{"name": "AWS_PROFILE", "value": "work"}]


def test_dns_endpoint_is_verified_by_public_authorities() -> None:
    """The DNS endpoint of GKE has a public certificate: with the cluster's own authority it would not verify."""
    (cluster,) = json.loads(GKE_DNS)["clusters"]
    assert cluster["cluster"] == {"server": "https://gke-1.us-central1.gke.goog"}


def test_ip_endpoint_is_verified_by_the_clusters_authority() -> None:
    """The IP endpoint of GKE has a certificate of the cluster's own authority."""
    (cluster,) = json.loads(GKE_IP)["clusters"]
    assert cluster["cluster"] == {"server": "https://203.0.113.9", "certificate-authority-data": "Q0E="}


def test_gke_plugin_is_told_of_the_cluster() -> None:
    """gke-gcloud-auth-plugin needs the cluster's information."""
    assert _command(GKE_DNS)["provideClusterInfo"] is True


def _command(text: str) -> dict[str, Any]:
    (user,) = json.loads(text)["users"]
    return user["user"]["exec"]
