"""Weights on volumes that the stack makes: which way is taken, what is copied, what it costs, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from inferstack import manifests
from inferstack.errors import InputError
from tests.planning.stacks import EKS, GKE, plan, service

WEIGHTS = {"name": "weights", "kind": "efs"}
ON_EFS = {**EKS, "volumes": [WEIGHTS]}


def refused(target: dict[str, Any], **changes: Any) -> str:
    with pytest.raises(InputError) as error:
        plan(service(**changes), target=target)
    return str(error.value)


def test_weights_are_copied_once_and_read_in_place() -> None:
    """The server reads a folder of the claim that names service and revision; the Job copies the very revision from the hub."""
    made = plan(service(volume="weights"), target=ON_EFS).services[0]
    assert made.copy is not None
    assert made.spec.storage_uri == f"pvc://weights/{made.copy.folder}"
    assert made.copy.folder.startswith("chat.")
    assert made.copy.source.startswith("hf://")
    assert made.spec.args[0] == "/mnt/models"
    assert not any(volume.size_gib > made.copy.size_gib for volume in made.spec.volumes if volume.path == "/cache")


def test_other_weights_are_another_folder_and_another_job() -> None:
    """Both are named by content, so that a changed model is copied anew and the same one is not."""
    one, same, other = (plan(service(volume="weights", quantization=kind), target=ON_EFS).services[0] for kind in ("bf16", "bf16", "awq"))
    names = [job["metadata"]["name"] for job in map(manifests.copy_job, (one, same, other)) if job is not None]
    assert names[0] == names[1] != names[2]
    assert one.copy is not None
    assert other.copy is not None
    assert one.copy.folder != other.copy.folder


def test_a_volume_of_the_stack_is_taken_where_it_is_sooner() -> None:
    """Without a pin the soonest way is taken, with the reason; `none` keeps the weights where they are."""
    taken = plan(service(gpu="l4"), target=ON_EFS).services[0]
    soonest = min(option.cold_start_seconds.expected for option in taken.sources if option.volume or option.place == "hf")
    assert taken.cold_start_seconds.expected == soonest
    (told,) = [decision for decision in taken.decisions if decision.key == "volume"]
    assert "the soonest way" in told.reason
    assert plan(service(gpu="l4", volume="none"), target=ON_EFS).services[0].copy is None


def test_a_target_takes_the_cheapest_way_that_keeps_it() -> None:
    """The hub costs nothing and is taken while it is soon enough."""
    free = plan(service(gpu="l4", volume="none"), target=ON_EFS).services[0].cold_start_seconds.expected
    slo = {"ttftP95Ms": 3000, "tpotP95Ms": 100, "coldStartSeconds": free + 1}
    assert plan(service(gpu="l4", slo=slo), target=ON_EFS).services[0].copy is None


def test_a_cold_start_that_nothing_keeps_is_refused() -> None:
    """As any target that cannot be kept, and the best that there is is named; or the volume that would keep it, with its price."""
    said = refused(ON_EFS, slo={"ttftP95Ms": 3000, "tpotP95Ms": 100, "coldStartSeconds": 5})
    assert "slo.coldStartSeconds: 5" in said
    assert "use at least " in said
    large: dict[str, Any] = {"model": "Qwen/Qwen2.5-72B-Instruct", "quantization": "bf16", "machineType": "p5.48xlarge", "slo": None}
    free = plan(service(**large), target=EKS).services[0]
    with_fsx = next(option.cold_start_seconds.expected for option in free.sources if option.place in ("efs", "fsx"))
    target = (with_fsx + free.cold_start_seconds.expected) / 2
    assert with_fsx < target
    said = refused(EKS, **{**large, "slo": {"coldStartSeconds": target}})
    assert "in target.volumes: " in said
    assert "a month more" in said


def test_volumes_cost_what_they_hold_or_what_is_bought() -> None:
    """EFS by the GB that lie on it, FSx by its size at the fee of its throughput; Filestore has no known price."""
    lines = {line.name: line for line in plan(service(volume="weights"), target=ON_EFS).costs.lines.leaves}
    assert lines["volume weights (EFS)"].unit_price_usd == Decimal("0.3")
    bought = {**EKS, "volumes": [{"name": "weights", "kind": "fsx", "throughput": 1000}]}
    lines = {line.name: line for line in plan(service(volume="weights"), target=bought).costs.lines.leaves}
    assert lines["volume weights (FSx for Lustre)"].monthly_usd.expected == 1200 * Decimal("0.6")
    shared = {**GKE, "volumes": [{"name": "weights", "kind": "filestore"}]}
    assert "volume weights (Filestore (zonal))" in plan(service(volume="weights"), target=shared).costs.unpriced


def test_a_sidecar_takes_its_part_of_the_node() -> None:
    """Cloud Storage FUSE runs beside the server, in a container that the pod's node has to hold too."""
    shared = {**GKE, "volumes": [{"name": "weights", "kind": "gcs-fuse"}]}
    beside, alone = (plan(service(gpu="l4", volume=volume), target=shared).services[0] for volume in ("weights", "none"))
    assert alone.resources.cpu_millicores - beside.resources.cpu_millicores == 250


@pytest.mark.parametrize(
    ("target", "changes", "said"),
    [
        (EKS, {"volume": "weights"}, "volume: weights is not a volume of target.volumes; add it to target.volumes"),
        ({**EKS, "volumes": [{"name": "a", "kind": "filestore"}]}, {}, "kind: filestore is not a kind of volume of eks; use efs or fsx"),
        ({**EKS, "volumes": [{"name": "a"}]}, {}, "kind: is needed on cloud eks; use efs or fsx"),
        ({**EKS, "volumes": [{**WEIGHTS, "sizeGib": 5}]}, {}, "sizeGib: 5 is for volumes of a size"),
        (
            {**EKS, "volumes": [{"name": "a", "kind": "fsx", "sizeGib": 1300}]},
            {},
            "sizeGib: 1300 is no size in which fsx is sold; use 2400",
        ),
        ({**EKS, "volumes": [{"name": "none", "kind": "efs"}]}, {}, "name: none is what a service says that is on no volume"),
        ({**EKS, "volumes": [WEIGHTS, WEIGHTS]}, {}, "name: weights is also the name of volumes[0]"),
        (ON_EFS, {"volume": "weights", "modelUri": "pvc://mine/a", "quantization": "bf16"}, "stands beside a `modelUri`"),
        (ON_EFS, {"volume": "weights", "engine": "ray-serve"}, "is not read from a volume claim by Ray Serve"),
    ],
)
def test_volumes_that_cannot_be(target: dict[str, Any], changes: dict[str, Any], said: str) -> None:
    """Each names the key, the value, the reason and what works."""
    assert said in refused(target, **changes)


def test_a_copy_costs_what_its_files_weigh_and_its_origin_stays() -> None:
    """The same GB on the volume and in the bucket that they were copied from, which is billed as before."""
    changes = {"volume": "weights", "modelUri": "s3://bucket/model", "quantization": "bf16"}
    made = plan(service(**changes), target=ON_EFS)
    disks = next(line for line in made.costs.lines.children if line.name == "disks").children
    (bucket,) = [line for line in disks if line.name.startswith("weights in")]
    (held,) = [line for line in disks if line.name == "volume weights (EFS)"]
    assert bucket.quantity == held.quantity
    assert made.volumes[0].stored_gib == pytest.approx(float(held.quantity.expected) * 1e9 / 2**30, abs=0.1)
