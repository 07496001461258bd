"""A cluster that is there already."""

from __future__ import annotations

from pathlib import Path

from inferstack.offline import SECRET
from tests.clusters.programs import named, of_type, previewed


def test_the_kubeconfig_at_hand_is_used(tmp_path: Path) -> None:
    """Without arguments the provider uses what kubectl would use, and nothing else is made."""
    preview = previewed(tmp_path, "from inferstack.clusters import ExistingCluster\nExistingCluster('home', {})")
    assert [resource.name for resource in preview.resources[1:]] == ["home", "home-kubernetes"]
    assert named(preview, "home-kubernetes").inputs == {"clusterIdentifier": "home"}


def test_a_context_is_the_clusters_identity(tmp_path: Path) -> None:
    """Another context is another cluster, on which everything is made anew."""
    preview = previewed(tmp_path, "from inferstack.clusters import ExistingCluster\nExistingCluster('home', {'context': 'kind-a'})")
    assert named(preview, "home-kubernetes").inputs == {"context": "kind-a", "clusterIdentifier": "kind-a"}


def test_a_kubeconfig_is_a_secret(tmp_path: Path) -> None:
    """A kubeconfig that was passed as plain text is a secret from there on; a new token in it replaces nothing."""
    program = """
    from inferstack.clusters import ExistingCluster
    import pulumi
    cluster = ExistingCluster("home", {"kubeconfig": "users: [{token: t0ken}]", "cluster_name": "lab"})
    pulumi.export("kubeconfig", cluster.kubeconfig)
    pulumi.export("cloud", cluster.reference["cloud"])
    """
    preview = previewed(tmp_path, program)
    (provider,) = of_type(preview, "pulumi:providers:kubernetes")
    assert provider.inputs == {"kubeconfig": SECRET, "clusterIdentifier": "lab"}
    assert preview.outputs == {"kubeconfig": SECRET, "cloud": "existing"}
