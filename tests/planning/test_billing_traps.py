"""What estimators get wrong, each as a plan that gets it right."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from inferstack import catalog, planning, stackfile
from inferstack.catalog import CapacityType
from inferstack.catalog.prices import CAPACITY_BLOCK, price_book
from inferstack.costs import CostLine, StackCost
from inferstack.planning.types import StackPlan

from .stacks import EKS, GKE, service


def plan(target: dict[str, Any] = EKS, **changes: Any) -> StackPlan:
    config = {"inferstack:target": target, "inferstack:services": [service(**changes)]}
    return planning.plan(stackfile.read(config, stack="test", source="Pulumi.test.yaml"))


def line(cost: StackCost, name: str) -> CostLine:
    return next(found for found in cost.lines.leaves if found.name == name)


TRAPS = {
    "GKE counts the nodes of a pool per zone": "test_system_nodes_are_those_of_all_zones",
    "desired, least and most nodes of a pool are taken for one another": "test_an_autoscaled_pool_is_three_figures",
    "spot pools are priced as on-demand": "test_spot_is_not_priced_as_on_demand_and_never_above_it",
    "CPU credits of burstable machines cost more than the machine": "test_burstable_machines_are_marked",
    "sustained-use discounts are taken off GPU machines": "test_sustained_use_takes_nothing_off_a_gpu_machine",
    "part of an hour is billed as a whole one": "test_machines_are_billed_by_the_second",
    "a Capacity Block is billed by use": "test_a_capacity_block_is_prepaid_and_so_not_planned_unasked",
    "the GPU of an A2, A3 or G2 machine is billed beside it": "test_gpus_of_one_machine_are_not_billed_twice",
    "the GPU of an N1 machine is not billed": "test_machines_whose_gpu_is_sold_apart_are_not_planned",
    "local disks of a machine are billed beside it": "test_local_disks_are_part_of_the_machine",
    "local disks cost nothing while the machine is stopped": "test_nodes_are_taken_away_and_never_stopped",
    "a reservation costs nothing while it idles": "test_a_reservation_is_billed_while_it_idles",
    "extended support is forgotten, or added to the control plane": "test_extended_support_replaces_the_price_of_the_control_plane",
    "free tiers are counted for each stack": "test_free_tiers_are_not_counted",
    "a price that is not known adds nothing": "test_unknown_is_not_zero",
    "root disks have the clouds' default size": "test_disks_hold_image_and_weights",
}
"""What estimators get wrong, and the test that holds it right here."""


def test_every_trap_has_a_test() -> None:
    """The table names the tests of this module, each once and none missing."""
    tests = {name for name in globals() if name.startswith("test_")} - {"test_every_trap_has_a_test"}
    assert sorted(TRAPS.values()) == sorted(tests)


def test_machines_are_billed_by_the_second() -> None:
    """A cold start of minutes costs its part of an hour: not a whole hour. A minute is the least, and every start takes longer."""
    rare = {"requestsPerSecond": 0.00001, "isl": 500, "osl": 200}
    made = plan(GKE, gpu="l4", traffic=rare, replicas={"min": 0})
    starts = line(made.costs, "g2-standard-4 cold starts")
    seconds = made.services[0].cold_start_seconds
    assert seconds.low > 60
    assert starts.quantity is not None
    per_month = starts.quantity.expected * 3600 / Decimal(str(seconds.expected))
    assert 20 < per_month < 27
    assert starts.quantity.expected < per_month / 4


def test_a_capacity_block_is_prepaid_and_so_not_planned_unasked() -> None:
    """Its price is a row of the book and no on-demand price; a plan takes it as a reservation that is billed in every hour."""
    machine = catalog.machine("eks", "p5.48xlarge")
    blocks = [row for row in price_book("eks", "us-east-1", [machine]) if row.capacity_type == CAPACITY_BLOCK]
    assert [row.usd_per_hour for row in blocks] == [Decimal("39.33")]
    assert machine.offering("us-east-1", CapacityType.ON_DEMAND) != blocks[0].usd_per_hour
    own = {"machines": [{"machineType": "p5.48xlarge", "capacityType": "reserved", "usdPerHour": 39.33}]}
    config = {
        "inferstack:target": EKS,
        "inferstack:services": [service(machineType="p5.48xlarge", capacityType="reserved", reservationId="cr-1", replicas=1)],
        "inferstack:prices": own,
    }
    made = planning.plan(stackfile.read(config, stack="test", source="Pulumi.test.yaml"))
    assert line(made.costs, made.pools[0].name).monthly_usd.min == Decimal("39.33") * 730


def test_machines_whose_gpu_is_sold_apart_are_not_planned() -> None:
    """An N1 machine has a price without its GPU: no machine of the catalog has one that is attached."""
    assert not [machine.name for machine in catalog.machines("gke") if machine.name.startswith("n1-") and machine.accelerator]


def test_local_disks_are_part_of_the_machine() -> None:
    """A machine with local NVMe has lines for its hours and its root disk, and none for the NVMe."""
    made = plan(machineType="g6.xlarge", replicas=1)
    assert catalog.machine("eks", "g6.xlarge").local_nvme_gib > 0
    assert [found.name for found in made.costs.lines.leaves if "g6-xlarge" in found.name and found.monthly_usd.max] == [
        "g6-xlarge",
        "g6-xlarge disks",
    ]


def test_nodes_are_taken_away_and_never_stopped() -> None:
    """A stopped machine keeps its local disks on the bill: pools scale by their number of nodes, so that their disks go with them."""
    made = plan(gpu="l4", replicas={"min": 0}, traffic={"requestsPerSecond": 0.00001, "isl": 500, "osl": 200})
    disks = line(made.costs, f"{made.pools[0].name} disks").quantity
    assert disks is not None
    assert (disks.min, disks.expected) == (0, made.pools[0].disk_gib * made.pools[0].nodes.expected)


@pytest.mark.parametrize(("version", "usd", "said"), [("1.32", 438, "extended support since"), ("1.35", 73, "$0.60 an hour after that")])
def test_extended_support_replaces_the_price_of_the_control_plane(version: str, usd: int, said: str) -> None:
    """$0.60 in place of $0.10 an hour where standard support is over, and the day of the cliff where it is not."""
    found = line(plan({**EKS, "versions": {"kubernetes": version}}).costs, "EKS control plane")
    assert (found.monthly_usd.max, said in (found.note or "")) == (usd, True)


def test_system_nodes_are_those_of_all_zones() -> None:
    """GKE counts nodes per zone: the plan's two system nodes are one in each of two zones, and two are billed."""
    made = plan(GKE)
    assert made.system_pool is not None
    assert made.system_pool.nodes % len(made.system_pool.zones) == 0
    nodes = line(made.costs, "system").quantity
    assert nodes is not None
    assert nodes.max == made.system_pool.nodes * 730


def test_an_autoscaled_pool_is_three_figures() -> None:
    """Neither the desired number nor the maximum alone: the range and the mean between."""
    made = plan(gpu="l4", replicas={"min": 1, "max": 6}, traffic={"requestsPerSecond": 6, "isl": 500, "osl": 200, "activeHours": 8})
    cost = made.costs.monthly_usd
    assert cost.min < cost.expected < cost.max


def test_spot_is_not_priced_as_on_demand_and_never_above_it() -> None:
    """A spot pool is at the top of its spot range, which list prices cap."""
    spot, listed = plan(GKE, gpu="l4", capacityType="spot"), plan(GKE, gpu="l4")
    assert spot.costs.monthly_usd.max < listed.costs.monthly_usd.max
    for cloud in ("eks", "gke"):
        for machine in catalog.machines(cloud):
            for offering in machine.offerings:
                on_demand = machine.offering(offering.region, CapacityType.ON_DEMAND)
                if offering.capacity_type is CapacityType.SPOT and on_demand and on_demand.usd_per_hour and offering.usd_per_hour:
                    assert offering.usd_per_hour <= on_demand.usd_per_hour


def test_gpus_of_one_machine_are_not_billed_twice() -> None:
    """On g2 and a2 the GPU is part of the machine's price: one line, and none for the accelerator."""
    made = plan(GKE, machineType="g2-standard-4", replicas=1)
    branch = next(found for found in made.costs.lines.children if found.name == "GPU nodes")
    assert [child.name for child in branch.children] == ["g2-standard-4"]
    assert branch.monthly_usd.max == Decimal("0.706832") * 730


def test_sustained_use_takes_nothing_off_a_gpu_machine() -> None:
    """A whole month costs 730 times the hour on G2 and E2, without the discounts of N1."""
    made = plan(GKE, machineType="g2-standard-4", replicas=1)
    for name in ("g2-standard-4", "system"):
        found = line(made.costs, name)
        assert found.quantity is not None
        assert found.unit_price_usd is not None
        assert found.monthly_usd.max == found.quantity.max * found.unit_price_usd


def test_a_reservation_is_billed_while_it_idles() -> None:
    """Reserved nodes cost the list price in every hour that they stand."""
    made = plan(machineType="g6e.xlarge", capacityType="reserved", reservationId="cr-0123456789abcdef0", replicas=2)
    assert line(made.costs, made.pools[0].name).monthly_usd.min == Decimal("1.861") * 730 * 2


@pytest.mark.parametrize("machine", ["t3.medium", "t3.large"])
def test_burstable_machines_are_marked(machine: str) -> None:
    """CPU credits can cost more than the machine: such machines carry no system nodes of ours."""
    assert catalog.machine("eks", machine).facts.get("burstable")
    made = plan()
    assert made.system_pool is not None
    assert not catalog.machine("eks", made.system_pool.machine_type).facts.get("burstable")


def test_unknown_is_not_zero() -> None:
    """A machine without a list price makes the total a lower bound; some catalogs write 0 for it."""
    made = plan({"cloud": "gke", "region": "us-central1"}, gpu="l4")
    assert made.costs.complete
    unknown = [machine for machine in catalog.machines("eks") if machine.name == "p5e.48xlarge"]
    assert unknown[0].offering("us-east-2", CapacityType.ON_DEMAND) is None


def test_free_tiers_are_not_counted() -> None:
    """They are per account: the cluster fee stands in full, and the line says so."""
    found = line(plan(GKE).costs, "GKE cluster")
    assert (found.monthly_usd.max, found.note) == (73, "free tiers of the billing account are not counted")


def test_disks_hold_image_and_weights() -> None:
    """The root disk of a GPU node is far above the clouds' default of 20 GB, and is billed per node."""
    made = plan(gpu="l4", replicas=3)
    assert made.pools[0].disk_gib >= 100
    disks = line(made.costs, f"{made.pools[0].name} disks").quantity
    assert disks is not None
    assert disks.max == made.pools[0].disk_gib * made.pools[0].nodes.max
