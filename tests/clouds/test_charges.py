"""What clouds bill beside machines."""

from __future__ import annotations

from decimal import Decimal

import pytest

from inferstack import catalog, clouds
from inferstack.catalog import Machine
from inferstack.costs import Charge, Columns, NodeGroup, StackCost, estimate
from inferstack.costs.types import Amount, Use
from inferstack.stackfile.schema import Target

from .targets import eks, existing, gke


def group(name: str, machine: Machine, nodes: Columns, disk_gib: int = 100) -> NodeGroup:
    return NodeGroup(name, machine, None, nodes, disk_gib, (("chat", Columns.same(1)),))


def charges(target: Target, endpoints: int = 0, nodes: Columns | None = None) -> dict[str, Charge]:
    machine = catalog.machines(target.cloud)[0]
    pools = [group("gpu", machine, Columns.same(2) if nodes is None else nodes)]
    return {charge.line: charge for charge in clouds.cloud(target.cloud).charges(target, pools, [f"service-{n}" for n in range(endpoints)])}


def monthly(target: Target, line: str, endpoints: int = 0, nodes: Columns | None = None) -> Columns:
    found = charges(target, endpoints, nodes)[line]
    cost: StackCost = estimate(
        [], [Charge(found.part, found.line, found.fee, found.monthly_quantity)], clouds.cloud(target.cloud).fees(target), []
    )
    return cost.monthly_usd


@pytest.mark.parametrize(("target", "line"), [(eks(), "EKS control plane"), (gke(), "GKE cluster")])
def test_a_control_plane_costs_73_dollars_a_month(target: Target, line: str) -> None:
    """$0.10 an hour on both clouds."""
    assert monthly(target, line) == Columns.same(73)


def test_nat_gateways_are_one_or_one_per_zone() -> None:
    """$32.85 a month each, and each has a public IPv4 of $3.65."""
    assert monthly(eks(), "NAT gateways (1)") == Columns.same(Decimal("32.85"))
    per_zone = eks(network={"natGateways": "per-zone"})
    assert monthly(per_zone, "NAT gateways (3)") == Columns.same(Decimal("98.55"))
    assert monthly(per_zone, "public IPv4 of NAT gateways (3)") == Columns.same(Decimal("10.95"))


def test_cloud_nat_is_billed_per_node_up_to_32() -> None:
    """$0.0014 an hour for each node behind it, capped at 32 nodes."""
    assert monthly(gke(), "Cloud NAT", nodes=Columns.same(2)) == Columns.same(Decimal("2.044"))
    many = monthly(gke(), "Cloud NAT", nodes=Columns(Decimal(0), Decimal(31), Decimal(500)))
    assert many == Columns(Decimal(0), Decimal("31.682"), Decimal("32.704"))


@pytest.mark.parametrize(("target", "usd_per_gb"), [(eks(), "0.08"), (gke(), "0.10")])
def test_disks_follow_their_nodes(target: Target, usd_per_gb: str) -> None:
    """Each pool has a line for its root disks over the pool's own range; a pool whose disks are not ours has none."""
    machine = catalog.machines(target.cloud)[0]
    scaling = Columns(Decimal(0), Decimal("1.5"), Decimal(4))
    cloud = clouds.cloud(target.cloud)
    found = cloud.charges(target, [group("a", machine, scaling, 200), group("b", machine, Columns.same(1), 0)], [])
    (disks,) = [charge for charge in found if charge.part == "disks"]
    assert (disks.group, disks.monthly_quantity) == ("a", Columns(Decimal(0), Decimal(300), Decimal(800)))
    assert cloud.fees(target)[disks.fee].usd == Decimal(usd_per_gb)


@pytest.mark.parametrize(("target", "per_month"), [(eks(), "16.425"), (gke(), "7.30")])
def test_internal_endpoints_are_load_balancers(target: Target, per_month: str) -> None:
    """Each internal endpoint has one; without any there is no line, neither fixed nor by use."""
    assert monthly(target, "internal load balancers (2)", endpoints=2) == Columns.same(Decimal(per_month) * 2)
    assert not [line for line in charges(target) if "load balancer" in line]


@pytest.mark.parametrize("target", [eks(), gke()])
def test_what_depends_on_use_has_a_rate_and_no_quantity(target: Target) -> None:
    """NAT data, traffic between zones, egress and logs are shown with their rates."""
    used = [charge for charge in charges(target).values() if charge.monthly_quantity is None]
    assert {"NAT data", "traffic between zones", "egress to the internet"} < {charge.line for charge in used}
    assert all(clouds.cloud(target.cloud).fees(target)[charge.fee].usd for charge in used)


def unknown(target: Target) -> set[str]:
    fees = clouds.cloud(target.cloud).fees(target)
    return {line for line, charge in charges(target).items() if fees[charge.fee].usd is None}


@pytest.mark.parametrize(
    ("region", "lines"),
    [
        ("us-east-1", set()),
        (
            "eu-west-1",
            {"gpu disks", "NAT gateways (1)", "NAT data", "traffic between zones", "control plane and container logs"},
        ),
    ],
)
def test_what_is_not_known_in_a_region_is_unknown_there(region: str, lines: set[str]) -> None:
    """Another region's price is no price: such lines have none, and say where it is known and how to give one."""
    assert unknown(eks(region=region)) == lines
    for name, fee in catalog.fees("eks", region).items():
        if fee.usd is None:
            assert fee.note is not None
            assert f"not known in {region} ($" in fee.note, name
            assert "price file" in fee.note


def test_prices_of_other_regions_are_their_own() -> None:
    """Disks of Google and egress of both clouds have prices per region; what is the same everywhere is known everywhere."""
    disks = {region: catalog.fees("gke", region)["pd_balanced_gb_month"].usd for region in ("us-central1", "europe-west4", "europe-west10")}
    assert disks == {"us-central1": Decimal("0.1"), "europe-west4": Decimal("0.11"), "europe-west10": Decimal("0.154")}
    egress = {region: catalog.fees("eks", region)["egress_internet_0"].usd for region in ("eu-west-1", "ap-northeast-1", "sa-east-1")}
    assert egress == {"eu-west-1": Decimal("0.09"), "ap-northeast-1": Decimal("0.114"), "sa-east-1": None}
    assert unknown(gke(region="europe-west4")) == {"traffic between zones", "container logs"}


@pytest.mark.parametrize(
    ("target", "gb", "usd"),
    [
        (eks(), 1_000, "90"),
        (eks(), 60_000, "5019.20"),  # 10,240 x 0.09 + 40,960 x 0.085 + 8,800 x 0.07
        (gke(), 20_000, "1917.44"),  # 1,024 x 0.12 + 9,216 x 0.11 + 9,760 x 0.08
    ],
)
def test_egress_is_billed_by_tiers(target: Target, gb: int, usd: str) -> None:
    """Each tier that the amount reaches is a line, and together they are the whole amount."""
    amount = Amount(*(Columns.same(gb),) * 3)
    nothing = Amount(*(Columns.same(0),) * 3)
    cloud = clouds.cloud(target.cloud)
    found = cloud.charges(target, [], [], Use(nothing, nothing, nothing, amount, None, ""))
    tiers = [charge for charge in found if charge.line.startswith("egress")]
    cost = estimate([], tiers, cloud.fees(target), [])
    assert sum(charge.monthly_quantity.max for charge in tiers if charge.monthly_quantity) == gb
    assert cost.monthly_usd.max == Decimal(usd)


def test_an_existing_cluster_charges_nothing_beside_its_nodes() -> None:
    """Whatever runs there, its control plane, disks and network are paid elsewhere."""
    assert clouds.cloud("existing").charges(existing(), [], ["a", "b"]) == ()
    assert not clouds.cloud("existing").fees(existing())
