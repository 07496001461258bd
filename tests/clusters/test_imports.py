"""A cloud's SDK is imported with that cloud, and no other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import inferstack
import inferstack.clusters

SDKS = ("pulumi_aws", "pulumi_gcp", "pulumi_kubernetes")


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import inferstack.clusters", ("pulumi", *SDKS)),
        ("from inferstack.clusters import EksCluster", ("pulumi_gcp",)),
        ("from inferstack.clusters import GkeCluster", ("pulumi_aws",)),
        ("from inferstack.clusters import ExistingCluster", ("pulumi_aws", "pulumi_gcp")),
        ("from inferstack.nodepools import GpuNodePool", SDKS),
        ("from inferstack.nodepools import eks, gke, rules", ("pulumi_aws", "pulumi_gcp")),
    ],
)
def test_only_what_is_used_is_imported(statement: str, absent: tuple[str, ...]) -> None:
    """Naming a cluster imports its own SDK at most: the others take seconds and hundreds of megabytes."""
    check = f"{statement}\nimport sys\nprint(sorted(name for name in {absent!r} if name in sys.modules))"
    library = str(Path(inferstack.__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, env={"PYTHONPATH": library})
    assert done.stdout.strip() == "[]"


def test_a_cluster_that_does_not_exist_is_no_attribute() -> None:
    """A misspelt cluster is an AttributeError, as with any module."""
    with pytest.raises(AttributeError, match="AksCluster"):
        inferstack.clusters.AksCluster  # noqa: B018
