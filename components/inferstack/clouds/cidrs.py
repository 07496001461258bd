"""Address ranges: what people write, checked, and what is cut out of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from types import MappingProxyType

from ..errors import Problem

PRIVATE = tuple(IPv4Network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
"""Ranges that are not routed on the internet (RFC 1918, RFC 6598)."""

ZONE_LETTERS = "abcdefg"
"""Letters that zones end with; each has a block of its own, so that no zone's subnets move when zones are added, removed or reordered."""
PUBLIC_BLOCK = len(ZONE_LETTERS)
"""The last eighth of a VPC is cut once more, for the public subnets."""
CUT = 3
"""A VPC is cut into 2^3 blocks, and the last of them again."""

LARGEST_VPC, SMALLEST_VPC = 16, 22
"""EC2 allows no VPC above /16 and no subnet below /28; from /22 on, the public subnets would be smaller."""

PODS = IPv4Network("100.64.0.0/14")
SERVICES = IPv4Network("100.68.0.0/20")
"""GKE: ranges of pods (1,024 nodes at a /24 each) and Services, from the shared address space: nobody's RFC 1918 plan is touched."""
ACCELERATORS = IPv4Network("100.72.0.0/16")
"""GKE: range of the networks between accelerators, from the same space; each has a sixteenth, which holds 4,092 nodes."""
MOST_ACCELERATOR_NETWORKS = 8
LARGEST_SUBNET, SMALLEST_SUBNET = 8, 26
"""GKE: a /26 holds 60 nodes."""


@dataclass(frozen=True, slots=True)
class ZoneSubnets:
    """The two subnets of one zone of a VPC."""

    private: str
    """For nodes and pods."""
    public: str
    """For NAT gateways and internet-facing load balancers."""


def vpc_subnets(cidr: str, zones: Iterable[str]) -> Mapping[str, ZoneSubnets]:
    """Private and public subnet of each zone: an eighth of the VPC, and an eighth of an eighth, chosen by the zone's letter."""
    blocks = list(IPv4Network(cidr).subnets(prefixlen_diff=CUT))
    public = list(blocks[PUBLIC_BLOCK].subnets(prefixlen_diff=CUT))
    places = {zone: ZONE_LETTERS.index(zone[-1]) for zone in zones}
    return MappingProxyType({zone: ZoneSubnets(str(blocks[place]), str(public[place])) for zone, place in places.items()})


def vpc_problems(cidr: str, zones: Iterable[str]) -> Iterator[Problem]:
    """Why `vpc_subnets` cannot be had."""
    yield from _range_problems("network_cidr", cidr, LARGEST_VPC, SMALLEST_VPC, "a VPC")
    for zone in zones:
        if zone[-1:] not in ZONE_LETTERS:
            yield Problem("zones", f"is not an availability zone (they end in {ZONE_LETTERS[0]} to {ZONE_LETTERS[-1]})", zone)


def subnet_problems(cidr: str) -> Iterator[Problem]:
    """Why `cidr` cannot be the node subnet of a GKE cluster."""
    found = list(_range_problems("network_cidr", cidr, LARGEST_SUBNET, SMALLEST_SUBNET, "a node subnet"))
    yield from found
    taken = None if found else next((used for used in (PODS, SERVICES) if used.overlaps(IPv4Network(cidr))), None)
    if taken is not None:
        yield Problem("network_cidr", f"overlaps {taken}, which pods and Services use", cidr, "use a range of 10.0.0.0/8")


def accelerator_subnets(count: int) -> tuple[str, ...]:
    """The range of each network between accelerators."""
    return tuple(str(subnet) for subnet, _ in zip(ACCELERATORS.subnets(prefixlen_diff=4), range(count), strict=False))


def accelerator_problems(cidr: str, count: int | None) -> Iterator[Problem]:
    """Why a GKE cluster with that node subnet cannot have so many networks between accelerators."""
    if count is None:
        return
    if not 0 <= count <= MOST_ACCELERATOR_NETWORKS:
        near = "use 8, which A3 Mega machines take; A3 High ones take 4"
        yield Problem("accelerator_networks", f"is not between 0 and {MOST_ACCELERATOR_NETWORKS}", count, near)
    if cidr_problem("network_cidr", cidr) is None and ACCELERATORS.overlaps(IPv4Network(cidr)):
        reason = f"overlaps {ACCELERATORS}, which networks between accelerators use"
        yield Problem("network_cidr", reason, cidr, "use a range of 10.0.0.0/8")


def cidr_problem(path: str, cidr: str) -> Problem | None:
    """What is wrong with a range as such."""
    try:
        IPv4Network(cidr)
    except (AddressValueError, NetmaskValueError):
        return Problem(path, "is not an IPv4 range", cidr, "such as 10.0.0.0/16")
    except ValueError:
        return Problem(path, "has bits beyond its mask", cidr, f"use {IPv4Network(cidr, strict=False)}")
    return None


def is_private(cidr: str) -> bool:
    """True where no address of the range is on the internet."""
    return any(IPv4Network(cidr).subnet_of(private) for private in PRIVATE)


def _range_problems(path: str, cidr: str, largest: int, smallest: int, what: str) -> Iterator[Problem]:
    problem = cidr_problem(path, cidr)
    if problem is not None:
        yield problem
    elif not largest <= IPv4Network(cidr).prefixlen <= smallest:
        base = IPv4Network(cidr).network_address
        nearest = largest if IPv4Network(cidr).prefixlen < largest else smallest
        near = IPv4Network(f"{base}/{nearest}", strict=False)
        yield Problem(path, f"cannot be {what}, which is between /{largest} and /{smallest}", cidr, f"use {near}")
