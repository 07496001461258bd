"""What clouds ration, in their own names and units."""

from __future__ import annotations

import pytest

from inferstack import catalog, clouds
from inferstack.catalog import CapacityType
from inferstack.clouds import QuotaNeed

from .targets import eks, gke

ON_DEMAND, SPOT, RESERVED = CapacityType.ON_DEMAND, CapacityType.SPOT, CapacityType.RESERVED


def quota(cloud: str, machine_type: str, nodes: int, capacity: CapacityType) -> QuotaNeed:
    target = eks() if cloud == "eks" else gke()
    need = clouds.cloud(cloud).quota(target, catalog.machine(cloud, machine_type), nodes, capacity)
    assert need is not None
    return need


@pytest.mark.parametrize(
    ("machine_type", "capacity", "name", "vcpus"),
    [
        ("g6.xlarge", ON_DEMAND, "Running On-Demand G and VT instances", 4),
        ("g6e.12xlarge", ON_DEMAND, "Running On-Demand G and VT instances", 48),
        ("g6e.12xlarge", SPOT, "All G and VT Spot Instance Requests", 48),
        ("p4d.24xlarge", ON_DEMAND, "Running On-Demand P instances", 96),
        ("p4d.24xlarge", SPOT, "All P4, P3 and P2 Spot Instance Requests", 96),
        ("p5.48xlarge", ON_DEMAND, "Running On-Demand P instances", 192),
        ("p5.48xlarge", SPOT, "All P5 Spot Instance Requests", 192),
        ("inf2.xlarge", ON_DEMAND, "Running On-Demand Inf instances", 4),
        ("trn1.2xlarge", ON_DEMAND, "Running On-Demand Trn instances", 8),
        ("m7i.xlarge", ON_DEMAND, "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 4),
    ],
)
def test_eks_rations_vcpus_by_family(machine_type: str, capacity: CapacityType, name: str, vcpus: int) -> None:
    """Amazon counts the vCPUs of a family, on-demand and spot apart, per region."""
    need = quota("eks", machine_type, 2, capacity)
    assert (need.name, need.amount, need.unit, need.where) == (name, 2 * vcpus, "vCPUs", "us-east-1")


def test_reservations_on_eks_say_where_they_count() -> None:
    """A capacity reservation counts as on-demand; a capacity block does not, and the note says so."""
    need = quota("eks", "p5.48xlarge", 1, RESERVED)
    assert need.name == "Running On-Demand P instances"
    assert need.note is not None
    assert "Capacity Block" in need.note


@pytest.mark.parametrize(
    ("machine_type", "capacity", "name", "gpus"),
    [
        ("g2-standard-4", ON_DEMAND, "NVIDIA_L4_GPUS", 1),
        ("g2-standard-4", SPOT, "PREEMPTIBLE_NVIDIA_L4_GPUS", 1),
        ("g2-standard-96", ON_DEMAND, "NVIDIA_L4_GPUS", 8),
        ("a2-highgpu-2g", ON_DEMAND, "NVIDIA_A100_GPUS", 2),
        ("a2-ultragpu-1g", SPOT, "PREEMPTIBLE_NVIDIA_A100_80GB_GPUS", 1),
        ("a3-highgpu-8g", ON_DEMAND, "GPUS_PER_GPU_FAMILY (NVIDIA_H100)", 8),
        ("a3-highgpu-8g", SPOT, "PREEMPTIBLE_NVIDIA_H100_GPUS", 8),
        ("a3-megagpu-8g", ON_DEMAND, "GPUS_PER_GPU_FAMILY (NVIDIA_H100_MEGA)", 8),
        ("a3-ultragpu-8g", SPOT, "PREEMPTIBLE_NVIDIA_H200_GPUS", 8),
    ],
)
def test_gke_rations_gpus_by_model(machine_type: str, capacity: CapacityType, name: str, gpus: int) -> None:
    """Google counts GPUs of a model per region, spot as preemptible, and all GPUs of the project on top."""
    need = quota("gke", machine_type, 2, capacity)
    assert (need.name, need.amount, need.unit, need.where) == (name, 2 * gpus, "GPUs", "us-central1")
    assert need.note is not None
    assert "GPUS_ALL_REGIONS" in need.note


@pytest.mark.parametrize(
    ("machine_type", "name"), [("e2-standard-4", "CPUS"), ("n2-standard-8", "N2_CPUS"), ("c4-standard-8", "CPUS_PER_VM_FAMILY (C4)")]
)
def test_gke_rations_vcpus_of_cpu_machines_by_series(machine_type: str, name: str) -> None:
    """CPU machines count their vCPUs, newer series by family."""
    need = quota("gke", machine_type, 1, ON_DEMAND)
    assert (need.name, need.unit) == (name, "vCPUs")
