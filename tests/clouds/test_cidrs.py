"""Address ranges: what is cut out of a VPC, and what is refused."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack.clouds.cidrs import (
    PODS,
    SERVICES,
    accelerator_problems,
    accelerator_subnets,
    is_private,
    subnet_problems,
    vpc_problems,
    vpc_subnets,
)
from inferstack.clusters.access import access_problems, api_access

ZONES = st.lists(st.sampled_from([f"eu-west-1{letter}" for letter in "abcdefg"]), min_size=1, unique=True)
VPCS = st.builds(
    lambda prefix, start: str(IPv4Network((start, prefix), strict=False)),
    st.integers(min_value=16, max_value=22),
    st.integers(min_value=int(IPv4Network("10.0.0.0/8")[0]), max_value=int(IPv4Network("10.0.0.0/8")[-1])),
)


def test_known_layout() -> None:
    """A /16 gives each zone a /19 for nodes and a /22 for what is public."""
    found = vpc_subnets("10.0.0.0/16", ["us-east-1a", "us-east-1c"])
    assert (found["us-east-1a"].private, found["us-east-1a"].public) == ("10.0.0.0/19", "10.0.224.0/22")
    assert (found["us-east-1c"].private, found["us-east-1c"].public) == ("10.0.64.0/19", "10.0.232.0/22")


@given(cidr=VPCS, zones=ZONES)
def test_subnets_lie_apart_within_the_vpc(cidr: str, zones: list[str]) -> None:
    """No two subnets overlap, all lie within the VPC, and none is smaller than EC2 allows."""
    assert list(vpc_problems(cidr, zones)) == []
    subnets = [IPv4Network(cut) for pair in vpc_subnets(cidr, zones).values() for cut in (pair.private, pair.public)]
    assert not any(one.overlaps(other) for one, other in combinations(subnets, 2))
    assert all(subnet.subnet_of(IPv4Network(cidr)) for subnet in subnets)
    assert all(subnet.prefixlen <= 28 for subnet in subnets)


@given(cidr=VPCS, zones=ZONES, others=ZONES)
def test_a_zone_keeps_its_subnets(cidr: str, zones: list[str], others: list[str]) -> None:
    """Adding, removing or reordering zones moves no subnet: a moved subnet would be replaced, with all that is in it."""
    one, other = vpc_subnets(cidr, zones), vpc_subnets(cidr, others)
    assert all(one[zone] == other[zone] for zone in one.keys() & other.keys())


@pytest.mark.parametrize(
    ("cidr", "said"),
    [
        ("10.0.0.0", "network_cidr: 10.0.0.0 cannot be a VPC, which is between /16 and /22; use 10.0.0.0/22"),
        ("10.0.0.0/8", "network_cidr: 10.0.0.0/8 cannot be a VPC, which is between /16 and /22; use 10.0.0.0/16"),
        ("10.0.0.1/16", "network_cidr: 10.0.0.1/16 has bits beyond its mask; use 10.0.0.0/16"),
        ("ten", "network_cidr: ten is not an IPv4 range; such as 10.0.0.0/16"),
        ("10.0.0.0/16", None),
    ],
)
def test_refused_vpcs(cidr: str, said: str | None) -> None:
    """Each range that cannot be a VPC is refused with the nearest one that can."""
    assert [str(problem) for problem in vpc_problems(cidr, ["us-east-1a"])] == ([] if said is None else [said])


def test_local_zones_are_refused() -> None:
    """A zone that is no availability zone has no block and is refused."""
    (problem,) = vpc_problems("10.0.0.0/16", ["us-west-2-lax-1z"])
    assert "is not an availability zone" in str(problem)


@pytest.mark.parametrize("cidr", ["100.64.0.0/16", "100.68.0.0/20", "100.0.0.0/8"])
def test_nodes_of_gke_do_not_sit_on_pods(cidr: str) -> None:
    """A node subnet that overlaps the ranges of pods or Services is refused."""
    (problem,) = subnet_problems(cidr)
    assert "overlaps" in str(problem)


def test_pods_and_services_lie_apart() -> None:
    """The two fixed ranges of GKE do not overlap, and neither touches RFC 1918."""
    assert not PODS.overlaps(SERVICES)
    assert list(subnet_problems("10.0.0.0/16")) == []


def test_cards_lie_apart_from_everything_else() -> None:
    """The ranges of networks between accelerators overlap neither one another nor what pods, Services and nodes use."""
    cards = [IPv4Network(cidr) for cidr in accelerator_subnets(8)]
    assert len(cards) == 8
    assert not any(one.overlaps(other) for one, other in combinations([*cards, PODS, SERVICES], 2))
    assert list(accelerator_problems("10.0.0.0/16", 8)) == []
    assert list(accelerator_problems("100.72.0.0/16", None)) == []


@pytest.mark.parametrize(
    ("cidr", "count", "said"), [("100.72.0.0/20", 0, "overlaps 100.72.0.0/16"), ("10.0.0.0/16", 9, "is not between 0 and 8; use 8")]
)
def test_networks_of_cards_that_cannot_be_are_refused(cidr: str, count: int, said: str) -> None:
    """Nodes among the cards, and more networks than a machine has cards."""
    (problem,) = accelerator_problems(cidr, count)
    assert said in str(problem)


def test_the_whole_internet_is_public() -> None:
    """0.0.0.0/0 contains private ranges but is not one."""
    assert not is_private("0.0.0.0/0")
    assert api_access(["0.0.0.0/0"]).public == ("0.0.0.0/0",)


def test_ranges_are_sorted_by_where_they_are() -> None:
    """Public ranges are for the public endpoint, private and shared ones for the private one; none is lost."""
    access = api_access(["203.0.113.7/32", "10.1.0.0/16", "100.64.0.0/10", "198.51.100.0/24"])
    assert access.public == ("203.0.113.7/32", "198.51.100.0/24")
    assert access.private == ("10.1.0.0/16", "100.64.0.0/10")
    assert access.any
    assert not api_access([]).any


def test_each_wrong_range_is_named() -> None:
    """Wrong ranges are refused by their place in the list, all at once."""
    found = [str(problem) for problem in access_problems(["203.0.113.7/32", "here", "10.0.0.1/8"])]
    assert found == [
        "api_access_cidrs[1]: here is not an IPv4 range; such as 10.0.0.0/16",
        "api_access_cidrs[2]: 10.0.0.1/8 has bits beyond its mask; use 10.0.0.0/8",
    ]
