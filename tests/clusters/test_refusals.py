"""Arguments that cannot be a cluster: everything that is wrong at once, as sentences, and nothing created."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from inferstack import boundary
from inferstack.clusters.args import EksClusterArgs, ExistingClusterArgs, GkeClusterArgs
from inferstack.clusters.eks.spec import eks_spec
from inferstack.clusters.gke.spec import account_id, gke_spec
from inferstack.errors import InputError
from inferstack.offline import ProgramError
from tests.clusters.programs import of_type, previewed

EKS: dict[str, Any] = {"cluster_name": "serving", "region": "us-east-1"}
GKE: dict[str, Any] = {"cluster_name": "serving", "region": "us-central1"}


def _said_eks(**args: Any) -> list[str]:
    return _said(lambda: eks_spec(boundary.read({**EKS, **args}, EksClusterArgs)))


def _said_gke(**args: Any) -> list[str]:
    return _said(lambda: gke_spec(boundary.read({**GKE, **args}, GkeClusterArgs)))


def _said(build: Any) -> list[str]:
    try:
        build()
    except InputError as error:
        return str(error).splitlines()
    return []


def test_the_smallest_clusters_are_fine() -> None:
    """A name and a region are enough for either cloud."""
    assert _said_eks() == []
    assert _said_gke() == []


def test_everything_wrong_is_said_at_once() -> None:
    """One run names every problem of the arguments, each with its key, its value and the nearest thing that works."""
    said = _said_eks(
        zones=["us-east-1a"],
        network_cidr="10.0.0.0/8",
        api_access_cidrs=["office"],
        kubernetes_version="1.35.2",
        log_retention_days=31,
        admin_role_arns=["admin"],
        system_pool={"machine_type": "m7i.huge"},
    )
    assert said[:-1] == [
        "zones: us-east-1a are fewer than 2, which the control plane needs; add a zone",
        "network_cidr: 10.0.0.0/8 cannot be a VPC, which is between /16 and /22; use 10.0.0.0/16",
        "api_access_cidrs[0]: office is not an IPv4 range; such as 10.0.0.0/16",
        "kubernetes_version: 1.35.2 is not a minor version of Kubernetes; such as 1.35",
        "log_retention_days: 31 is not a number of days that CloudWatch Logs keeps; use 30",
        "admin_role_arns: admin is not the ARN of an IAM role; such as arn:aws:iam::123456789012:role/admin",
    ]
    assert said[-1].startswith("system_pool.machine_type: m7i.huge is not a known machine type on eks; use m7i.")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"region": "us-east-11"}, "region: us-east-11 is not a known region of eks; use us-east-1"),
        (
            {"cluster_name": "My Cluster"},
            "cluster_name: My Cluster is not a DNS name of at most 40 characters (a-z, 0-9 and -, a letter first); use my-cluster",
        ),
        ({"zones": ["us-east-1a", "eu-west-1a"]}, "zones: eu-west-1a is not a zone of us-east-1"),
        ({"zones": ["us-east-1a", "us-east-1b", "us-east-1a"]}, "zones: us-east-1a is listed twice; keep one"),
        ({"nat_gateways": "per-zones"}, "nat_gateways: per-zones is not one of single or per-zone; use per-zone"),
        ({"clustername": "x"}, "clustername: is not a known key; use cluster_name"),
        (
            {"system_pool": {"machine_type": "g6.xlarge"}},
            "system_pool.machine_type: g6.xlarge has l4, for which system nodes have no use; use a machine type without GPUs",
        ),
        (
            {"system_pool": {"nodes": 0}},
            "system_pool.nodes: 0 is below 1; a pool has to be able to have a node; leave the pool out, or use 1",
        ),
        ({"system_pool": {"node": 2}}, "system_pool.node: is not a known key; use nodes"),
    ],
)
def test_eks_refusals(args: Mapping[str, Any], said: str) -> None:
    """Each argument that cannot be says which key, which value, why, and what would work."""
    assert said in _said_eks(**args)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"zones": ["us-central1-a", "us-east1-b"]}, "zones: us-east1-b is not a zone of us-central1"),
        (
            {"network_cidr": "100.64.0.0/16"},
            "network_cidr: 100.64.0.0/16 overlaps 100.64.0.0/14, which pods and Services use; use a range of 10.0.0.0/8",
        ),
        ({"nat_gateways": "single"}, "nat_gateways: is not a known key"),
        ({"deletion_protection": "yes"}, 'deletion_protection: "yes" is not true or false'),
    ],
)
def test_gke_refusals(args: Mapping[str, Any], said: str) -> None:
    """Each argument that cannot be says which key, which value, why, and what would work."""
    assert any(line.startswith(said) for line in _said_gke(**args)), _said_gke(**args)


def test_a_program_ends_without_a_traceback(tmp_path: Path) -> None:
    """In a program the problems come as one error that names the component, and nothing was registered."""
    program = """
    from inferstack.clusters import EksCluster
    EksCluster("serving", {"cluster_name": "serving", "region": "us-east-11", "zone": []})
    """
    with pytest.raises(ProgramError) as caught:
        previewed(tmp_path, program)
    assert str(caught.value) == "EksCluster serving: zone: is not a known key; use zones"
    assert caught.value.exit_code == InputError.exit_code
    assert len(caught.value.partial.resources) <= 1


def test_an_output_cannot_be_planned_with(tmp_path: Path) -> None:
    """A value that is known only after deployment is refused where planning needs it, not turned into text."""
    program = """
    import pulumi
    from inferstack.clusters import GkeCluster
    GkeCluster("serving", {"cluster_name": "serving", "region": pulumi.Output.from_input("us-central1")})
    """
    with pytest.raises(ProgramError, match="region: is an output, known only after deployment; it is planned with"):
        previewed(tmp_path, program)


UNREACHABLE = """
from inferstack.clusters import EksCluster
EksCluster("serving", {"cluster_name": "serving", "region": "us-east-1"})
"""


def test_an_unreachable_api_is_said_in_a_preview(tmp_path: Path) -> None:
    """A cluster that nobody outside could reach can be previewed, with a warning that says what to write."""
    preview = previewed(tmp_path, UNREACHABLE)
    (warning,) = preview.diagnostics
    assert warning.severity == "warning"
    assert "api_access_cidrs is empty" in warning.message.replace(":", "")
    assert "203.0.113.7/32" in warning.message
    (cluster,) = of_type(preview, "aws:eks/cluster:Cluster")
    assert cluster.inputs["vpcConfig"]["endpointPublicAccess"] is False


def test_an_unreachable_api_is_refused_in_a_deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it comes to deploying, it is refused before anything is made: the deployment would stop at the first Kubernetes object."""
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: False)
    with pytest.raises(ProgramError, match="api_access_cidrs: is empty") as caught:
        previewed(tmp_path, UNREACHABLE)
    assert len(caught.value.partial.resources) <= 1


def test_account_ids_fit_and_differ() -> None:
    """The nodes' account id has 6 to 30 characters, and long names with the same start get different ones."""
    short, long = account_id("a"), account_id("a-very-long-cluster-name-of-forty-chars-1")
    other = account_id("a-very-long-cluster-name-of-forty-chars-2")
    assert all(6 <= len(found) <= 30 for found in (short, long, other))
    assert short == "a-nodes"
    assert long != other


def test_existing_clusters_take_no_more_than_they_use() -> None:
    """A key that an existing cluster does not know is refused with the nearest one."""
    assert _said(lambda: boundary.read({"kube_config": "x"}, ExistingClusterArgs)) == ["kube_config: is not a known key; use kubeconfig"]
