"""Rows of accelerators, machines, prices and fees: what has a source has a date, and what is dearer has a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import permutations

import pytest

from inferstack import catalog
from inferstack.catalog import CapacityType

CLOUDS = ("eks", "gke")
MACHINES = [(cloud, machine) for cloud in CLOUDS for machine in catalog.machines(cloud)]
BASES = {"listed", "derived", "belief"}


def offerings() -> Iterator[tuple[catalog.Machine, catalog.Offering]]:
    for _, machine in MACHINES:
        for offering in machine.offerings:
            yield machine, offering


def test_accelerators_make_sense() -> None:
    """Figures of an accelerator are positive or unknown, and what is marked as verified is complete."""
    for gpu in catalog.accelerators().values():
        assert gpu.source, gpu.id
        for value in (gpu.memory_gib, gpu.bandwidth_gb_s, gpu.nvlink_gb_s, gpu.pcie_gb_s, gpu.tdp_w, *gpu.dense_tflops.values()):
            assert value is None or value > 0, gpu.id
        assert (gpu.compute_capability is not None) == (gpu.vendor == "nvidia"), gpu.id
        assert set(gpu.dense_tflops) == {"fp16", "bf16", "fp8", "int8", "fp4"}, gpu.id
        if gpu.verified:
            assert None not in (gpu.memory_gib, gpu.bandwidth_gb_s, gpu.dense_tflops["fp16"]), gpu.id


def test_spellings_of_accelerators_are_unique() -> None:
    """No spelling belongs to two accelerators."""
    owners: dict[str, str] = {}
    for gpu in catalog.accelerators().values():
        for spelling in (gpu.id, gpu.name, *gpu.aliases):
            assert catalog.accelerator(spelling).id == gpu.id, spelling
            assert owners.setdefault(spelling.casefold(), gpu.id) == gpu.id, spelling


def test_memory_is_what_software_sees() -> None:
    """Visible memory is below the figure on the box: 80 GB are 79.2 GiB to torch, 24 GB of an L4 are 22 GiB."""
    visible = {
        gpu: catalog.accelerator(gpu).memory_gib for gpu in ("h100-80", "a100-80", "h200-141", "b200-180", "l4", "a10g", "t4", "l40s")
    }
    assert visible == {
        "h100-80": 79.18,
        "a100-80": 79.15,
        "h200-141": 139.8,
        "b200-180": 178.36,
        "l4": 22.03,
        "a10g": 22.3,
        "t4": 14.58,
        "l40s": 44.4,
    }


def test_nvlink_is_one_direction() -> None:
    """NVLink figures are for one direction, half of what data sheets print, and only where the part has it."""
    assert catalog.accelerator("h100-80").nvlink_gb_s == 450
    assert catalog.accelerator("a100-80").nvlink_gb_s == 300
    assert catalog.accelerator("b200-180").nvlink_gb_s == 900
    assert catalog.accelerator("l40s").nvlink_gb_s is None


@pytest.mark.parametrize(("cloud", "machine"), MACHINES, ids=lambda value: getattr(value, "name", value))
def test_machine_makes_sense(cloud: str, machine: catalog.Machine) -> None:
    """A machine refers to an accelerator and a CPU that exist, has what a node needs, and is sold wherever it has a price."""
    assert machine.cloud == cloud
    assert machine.vcpus > 0
    assert machine.memory_gib > 0
    assert machine.source
    assert machine.arch in {"x86_64", "arm64"}
    assert machine.link in {"none", "pcie", "nvlink"}
    assert (machine.accelerator is None) == (machine.accelerator_count == 0)
    if machine.accelerator is not None:
        gpu = catalog.accelerators()[machine.accelerator]
        assert isinstance(machine.accelerator_count, int)
        assert machine.accelerator_count > 1 or machine.link == "none"
        assert machine.link != "nvlink" or gpu.nvlink_gb_s is not None
    if machine.cpu is not None:
        assert catalog.cpus()[machine.cpu].bandwidth_gb_s > 0
        assert machine.cpu_share is not None
        assert 0 < machine.cpu_share <= 2
    assert {offering.region for offering in machine.offerings} <= set(machine.regions)
    assert set(machine.regions) <= set(catalog.regions(cloud))


def test_offerings_are_priced_sourced_and_dated() -> None:
    """An offering has a positive price, a source and a basis; a date is a date; nothing is sold twice in one way and place."""
    for machine, offering in offerings():
        assert offering.usd_per_hour is None or offering.usd_per_hour > 0
        assert offering.source
        assert offering.basis in BASES
        if offering.as_of:
            date.fromisoformat(offering.as_of)
        assert machine.offering(offering.region, offering.capacity_type) is offering


def test_spot_is_never_above_on_demand() -> None:
    """Spot is planned at the top of its range, capped at the on-demand price of the same machine and region, and has a bottom below it."""
    for machine, spot in offerings():
        if spot.capacity_type is CapacityType.SPOT:
            assert spot.usd_per_hour is not None
            assert spot.low_usd_per_hour is not None
            assert spot.low_usd_per_hour <= spot.usd_per_hour
            on_demand = machine.offering(spot.region, CapacityType.ON_DEMAND)
            assert on_demand is None or on_demand.usd_per_hour is None or spot.usd_per_hour <= on_demand.usd_per_hour


def test_bigger_costs_more_within_a_family() -> None:
    """Within a family (same prefix, same region, on-demand) a machine that has no less of anything never costs less."""
    families: dict[tuple[str, str], list[tuple[tuple[float, ...], Decimal]]] = {}
    for machine, offering in offerings():
        if offering.capacity_type is CapacityType.ON_DEMAND and offering.usd_per_hour is not None:
            family = re.split(r"\.|-\d+g?$", machine.name)[0]
            size = (machine.accelerator_count, machine.vcpus, machine.memory_gib)
            families.setdefault((family, offering.region), []).append((size, offering.usd_per_hour))
    for key, sizes in families.items():
        for (small, less), (big, more) in permutations(sizes, 2):
            if all(a <= b for a, b in zip(small, big, strict=True)):
                assert less <= more, key


@pytest.mark.parametrize(
    ("cloud", "gpu", "region", "usd"),
    [
        ("eks", "t4", "us-east-1", "0.53"),
        ("eks", "a10g", "eu-west-1", "1.12"),
        ("eks", "a10g", "ap-southeast-1", None),
        ("eks", "l4", "us-east-1", "0.80"),
        ("eks", "l4", "eu-west-1", None),
        ("eks", "l4", "eu-central-1", "1.01"),
        ("eks", "l40s", "us-east-1", "1.86"),
        ("eks", "a100-40", "us-east-1", "2.74"),
        ("eks", "a100-80", "us-west-2", "3.43"),
        ("eks", "h100-80", "us-east-1", "6.88"),
        ("eks", "h100-80", "ap-northeast-1", "8.60"),
        ("eks", "h200-141", "us-east-2", "7.91"),
        ("eks", "b200-180", "us-east-1", "14.24"),
        ("gke", "l4", "us-central1", "0.71"),
        ("gke", "l4", "asia-northeast1", "0.91"),
        ("gke", "a100-80", "us-east4", "5.71"),
        ("gke", "h100-80", "us-central1", "11.06"),
        ("gke", "rtx-pro-6000", "us-central1", "4.50"),
    ],
)
def test_cheapest_gpu_hour(cloud: str, gpu: str, region: str, usd: str | None) -> None:
    """The cheapest on-demand price of one GPU-hour is that of the price lists, and None where the GPU is not sold."""
    prices = [
        offering.usd_per_hour / machine.accelerator_count
        for machine in catalog.machines(cloud)
        if machine.accelerator == gpu
        and (offering := machine.offering(region, CapacityType.ON_DEMAND)) is not None
        and offering.usd_per_hour is not None
    ]
    assert (None if usd is None else Decimal(usd)) == (min(prices).quantize(Decimal("0.01"), "ROUND_HALF_EVEN") if prices else None)


def test_unknown_prices_are_absent_not_zero() -> None:
    """Machines without a list price have no on-demand offering, wherever they are sold."""
    for cloud, name in (("eks", "p5e.48xlarge"), ("eks", "trn2.48xlarge"), ("gke", "a4-highgpu-8g")):
        machine = catalog.machine(cloud, name)
        assert all(offering.capacity_type is not CapacityType.ON_DEMAND for offering in machine.offerings), name
    assert "us-east-2" in catalog.machine("eks", "p5e.48xlarge").regions


def test_what_is_only_sold_reserved_says_so() -> None:
    """Machines that Google does not sell on-demand carry their list price as the price of a reservation."""
    machine = catalog.machine("gke", "a3-highgpu-1g")
    assert machine.offering("us-central1", CapacityType.ON_DEMAND) is None
    reserved = machine.offering("us-central1", CapacityType.RESERVED)
    assert reserved is not None
    assert reserved.usd_per_hour == pytest.approx(Decimal("11.06"), abs=Decimal("0.01"))


def test_machines_that_cannot_be_planned_are_left_out() -> None:
    """Fractions of a GPU, machines without known vCPUs, retired ones and attached GPUs stay in the data but are never offered."""
    names = {machine.name for _, machine in MACHINES}
    assert not names & {"g6f.xlarge", "g4-standard-6", "u-p6e-gb200x72", "p3.2xlarge", "n1-standard-4+1xT4"}


def test_zones_belong_to_their_region() -> None:
    """Zones are full names in their region, and those of a machine type are among them."""
    for cloud in CLOUDS:
        for region in catalog.regions(cloud):
            known = catalog.zones(cloud, region)
            assert all(re.fullmatch(re.escape(region) + "-?[a-z]", zone) for zone in known), region
    for cloud, machine in MACHINES:
        for region in machine.regions:
            assert set(catalog.zones(cloud, region, machine.name)) <= set(catalog.zones(cloud, region)), machine.name
    assert catalog.zones("gke", "us-central1", "g2-standard-8") == ("us-central1-a", "us-central1-b", "us-central1-c")
    assert catalog.zones("eks", "mars-1") == ()


def test_nodes_of_each_cloud_have_what_its_pools_need() -> None:
    """AWS machines name their AMI types and pod capacity, Google's GPU machines their accelerator label."""
    for cloud, machine in MACHINES:
        if cloud == "eks":
            assert machine.facts["ami_types"], machine.name
        if cloud == "gke" and machine.accelerator is not None:
            assert machine.facts["accelerator_label"].startswith("nvidia-"), machine.name


@pytest.mark.parametrize("cloud", CLOUDS)
def test_fees_are_sourced(cloud: str) -> None:
    """A fee has a unit, a source and a basis; what is only believed has no date and says so."""
    for name, fee in catalog.fees(cloud).items():
        assert fee.name == name
        assert fee.unit
        assert fee.source
        assert fee.basis in BASES
        assert fee.usd is not None
        assert fee.usd >= 0
        assert fee.as_of is None or date.fromisoformat(fee.as_of)
        assert (fee.basis == "belief") == (fee.as_of is None), name


def test_well_known_fees() -> None:
    """Control planes, disks and NAT have the list prices that everybody knows."""
    eks, gke = catalog.fees("eks"), catalog.fees("gke")
    assert eks["eks_control_plane_hour"].usd == gke["gke_cluster_hour"].usd == Decimal("0.1")
    assert eks["ebs_gp3_gb_month"].usd == Decimal("0.08")
    assert eks["nat_gateway_hour"].usd == Decimal("0.045")
    assert eks["eks_extended_support_hour"].usd == Decimal("0.6")
