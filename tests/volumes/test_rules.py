"""What the arguments of a SharedVolume become, and why some cannot be a volume."""

from __future__ import annotations

from typing import Any, get_args

import pulumi
import pytest

from inferstack import catalog
from inferstack.clusters.eks.addons import VOLUME_DRIVERS
from inferstack.errors import InputError
from inferstack.manifests.volumes import FACTS
from inferstack.stackfile import volumes as stackfile
from inferstack.volumes import SharedVolume
from inferstack.volumes.component import MAKERS
from inferstack.volumes.rules import NEEDED, volume_plan
from tests.services.test_inference_service import graph

EKS = {"cloud": "eks", "name": "c", "vpc_id": "vpc-1", "security_group_id": "sg-1", "subnet_ids": {"us-east-1b": "b", "us-east-1a": "a"}}
GKE = {"cloud": "gke", "name": "c", "region": "us-central1", "network": "n", "zones": ["us-central1-c", "us-central1-a"]}
EXISTING = {"cloud": "existing", "name": "c"}


def arguments(cluster: dict[str, Any], **args: Any) -> dict[str, Any]:
    return {"cluster": cluster, "claim": "weights", "namespace": "inference", **args}


def refused(cluster: dict[str, Any], **args: Any) -> str:
    with pytest.raises(InputError) as error:
        volume_plan(arguments(cluster, **args))
    return str(error.value)


@pytest.mark.parametrize(
    ("cluster", "args", "size", "throughput", "zone"),
    [
        (EKS, {"kind": "efs"}, None, None, None),
        (EKS, {"kind": "fsx"}, 1200, 500, "us-east-1a"),
        (EKS, {"kind": "fsx", "size_gib": 4800, "throughput": 125, "zone": "us-east-1b"}, 4800, 125, "us-east-1b"),
        (GKE, {"kind": "filestore"}, 1024, None, "us-central1-c"),
        (GKE, {"kind": "gcs-fuse"}, None, None, None),
        (EXISTING, {"storage_class": "nfs"}, 10, None, None),
        (EXISTING, {"storage_class": "nfs", "size_gib": 333}, 333, None, None),
    ],
)
def test_what_is_left_out_is_the_least_that_is_sold(
    cluster: dict[str, Any], args: dict[str, Any], size: int | None, throughput: int | None, zone: str | None
) -> None:
    """Size, throughput and zone are those that are said, or the smallest, the usual and the first."""
    made = volume_plan(arguments(cluster, **args))
    assert (made.size_gib, made.throughput, made.zone) == (size, throughput, zone)


@pytest.mark.parametrize(
    ("cluster", "args", "expected"),
    [
        (EKS, {"kind": "filestore"}, "kind: filestore is not a kind of volume of eks; use efs or fsx"),
        (EKS, {"kind": "efs", "size_gib": 100}, "size_gib: 100 is for volumes of a size, and efs grows with what it holds; leave it out"),
        (EKS, {"kind": "fsx", "size_gib": 1300}, "size_gib: 1300 is no size in which fsx is sold; use 2400"),
        (EKS, {"kind": "fsx", "throughput": 300}, "throughput: 300 is not sold with fsx; use 125, 250, 500 or 1000"),
        (EKS, {"kind": "efs", "throughput": 125}, "throughput: 125 is not sold with efs; leave it out"),
        (EKS, {"kind": "fsx", "zone": "us-east-1f"}, "zone: us-east-1f is no zone of the cluster; use us-east-1a or us-east-1b"),
        (EKS, {"kind": "efs", "zone": "us-east-1a"}, "zone: us-east-1a is for volumes that lie in one, and efs is in all of them"),
        (EKS, {"kind": "efs", "storage_class": "gp3"}, "storage_class: gp3 is for existing clusters; on eks the volume is made"),
        ({"cloud": "gke", "name": "c"}, {"kind": "gcs-fuse"}, "cluster.region: is missing, and gcs-fuse asks for it"),
        (EXISTING, {"kind": "efs"}, "kind: efs is what a cloud sells; an existing cluster has storage classes; use storage_class"),
        (EXISTING, {}, "storage_class: is missing, and an existing cluster makes volumes by it"),
        (EXISTING, {"storage_class": "nfs", "zone": "a"}, "zone: a is for volumes that a cloud sells; leave it out"),
    ],
)
def test_what_cannot_be_says_what_can(cluster: dict[str, Any], args: dict[str, Any], expected: str) -> None:
    """The argument, its value, why not, and what to write."""
    assert expected in refused(cluster, **args)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    """Nothing is registered then, so that no file system stays behind."""
    wrong: Any = arguments(EKS, kind="fsx", size_gib=1300, zone="us-east-1f", storage_class="gp3")
    with pytest.raises(pulumi.RunError) as error:
        graph(lambda opts: SharedVolume("weights", wrong, opts))
    assert str(error.value).startswith("SharedVolume weights: ")
    assert all(f"{key}: " in str(error.value) for key in ("size_gib", "zone", "storage_class"))


def test_every_kind_is_made_mounted_and_known_everywhere() -> None:
    """What a cloud sells has a maker, the facts of its mount, what it asks of a cluster, and a name in the stack file."""
    sold = {kind.name for kind in catalog.volume_kinds().values() if kind.is_sold}
    for table in (MAKERS, NEEDED, FACTS.keys() - {"claim"}):
        assert set(table) == sold
    assert set(VOLUME_DRIVERS) == set(catalog.volume_kinds_of("eks"))
    (named, _) = get_args(stackfile.SharedVolume.model_fields["kind"].annotation)
    assert set(get_args(named)) == sold
