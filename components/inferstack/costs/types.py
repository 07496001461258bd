"""The nouns of cost: a tree of named, unit-bearing lines over the autoscaling range. Money is USD as Decimal; a month is 730 hours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import TypeAlias

from ..catalog.types import Machine, Offering

HOURS_PER_MONTH = Decimal(730)


@dataclass(frozen=True, slots=True)
class Columns:
    """One figure at the lowest, the expected and the highest point of the autoscaling range."""

    min: Decimal
    expected: Decimal
    max: Decimal

    @classmethod
    def same(cls, value: Decimal | int) -> Columns:
        return cls(Decimal(value), Decimal(value), Decimal(value))

    def __add__(self, other: Columns) -> Columns:
        return Columns(self.min + other.min, self.expected + other.expected, self.max + other.max)

    def __mul__(self, other: Columns) -> Columns:
        return Columns(self.min * other.min, self.expected * other.expected, self.max * other.max)

    def over(self, whole: Columns) -> Columns:
        """The part of `whole` that this is; where there is nothing of it, the part at the top of the range."""
        top = self.max / whole.max
        return Columns(self.min / whole.min if whole.min else top, self.expected / whole.expected if whole.expected else top, top)

    def map(self, change: Callable[[Decimal], Decimal]) -> Columns:
        return Columns(change(self.min), change(self.expected), change(self.max))


NOTHING = Columns.same(0)


def together(columns: Iterable[Columns]) -> Columns:
    """Their sum."""
    return reduce(Columns.__add__, columns, NOTHING)


Shares: TypeAlias = tuple[tuple[str, Columns], ...]
"""Services by name, each with its part of something, in any unit that is the same for all."""


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of an estimate: a leaf has a monthly quantity and a unit price, a branch has children.

    Two kinds of leaves count as nothing in sums, and every total above them says so: `unit_price_usd` None has no known price
    (`unpriced`), `quantity` None has a known rate but is billed by use that a plan does not know (`usage_based`).
    """

    name: str
    unit: str = ""
    """What the quantity counts per month: node-hour, GB-month, ..."""
    quantity: Columns | None = NOTHING
    """None: depends on use."""
    unit_price_usd: Decimal | None = None
    source: str = ""
    as_of: str | None = None
    basis: str = "listed"
    """listed, derived, belief, or user."""
    note: str | None = None
    children: tuple[CostLine, ...] = ()
    low_unit_price_usd: Decimal | None = None
    """Bottom of a spot range; `unit_price_usd` is its top."""
    low_quantity: Columns | None = None
    """Bottom of the band of a quantity that is estimated; None where it is counted."""
    high_quantity: Columns | None = None
    """Top of it."""

    @property
    def monthly_usd(self) -> Columns:
        """What is known of the monthly sum; a lower bound where `unpriced` is not empty."""
        if self.children:
            total = NOTHING
            for child in self.children:
                total = total + child.monthly_usd
            return total
        return self._sum_at(self.unit_price_usd)

    @property
    def low_monthly_usd(self) -> Columns:
        """`monthly_usd` at the bottom of every known spot range and of every estimated quantity."""
        if self.children:
            total = NOTHING
            for child in self.children:
                total = total + child.low_monthly_usd
            return total
        return self._sum_at(self.unit_price_usd if self.low_unit_price_usd is None else self.low_unit_price_usd, self.low_quantity)

    @property
    def high_monthly_usd(self) -> Columns:
        """`monthly_usd` at the top of every estimated quantity."""
        if self.children:
            total = NOTHING
            for child in self.children:
                total = total + child.high_monthly_usd
            return total
        return self._sum_at(self.unit_price_usd, self.high_quantity)

    def _sum_at(self, price: Decimal | None, quantity: Columns | None = None) -> Columns:
        counted = self.quantity if quantity is None else quantity
        return NOTHING if price is None or self.quantity is None or counted is None else counted.map(lambda amount: amount * price)

    @property
    def hourly_usd(self) -> Columns:
        return self.monthly_usd.map(lambda value: value / HOURS_PER_MONTH)

    def walk(self, depth: int = 0) -> Iterator[tuple[int, CostLine]]:
        """This line and all below it, parents first, with their depth."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)

    @property
    def leaves(self) -> tuple[CostLine, ...]:
        return tuple(line for _, line in self.walk() if not line.children)

    @property
    def priced(self) -> bool:
        """True for a line whose sum is known: price and quantity of a leaf, or of every leaf below."""
        return all(leaf.unit_price_usd is not None and leaf.quantity is not None for leaf in self.leaves)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Names of the leaves whose price is not known: the total lacks them and is a lower bound."""
        return tuple(leaf.name for leaf in self.leaves if leaf.unit_price_usd is None)

    @property
    def usage_based(self) -> tuple[str, ...]:
        """Names of the leaves that are billed by use: their rate is known, the total lacks them."""
        return tuple(leaf.name for leaf in self.leaves if leaf.unit_price_usd is not None and leaf.quantity is None)


@dataclass(frozen=True, slots=True)
class Charge:
    """A quantity of something that has a fee in the catalog, over the autoscaling range."""

    part: str
    """Branch of the tree: control plane, disks, network, ..."""
    line: str
    """Name of the cost line."""
    fee: str
    """`Fee.name` in the catalog."""
    monthly_quantity: Columns | None
    """None: depends on use, so that only the rate is shown."""
    note: str | None = None
    """In place of the fee's own note."""
    group: str | None = None
    """`NodeGroup.name` whose occupants pay for it; None where it is for the stack."""
    shares: Shares = ()
    """What each service causes of it, where no group pays; empty where it is fixed for the stack, so that all pay evenly."""
    low: Columns | None = None
    """Bottom of the band of an estimated quantity."""
    high: Columns | None = None


@dataclass(frozen=True, slots=True)
class Extra:
    """A line that is about machines and has no fee: cold starts, interruptions, people."""

    part: str
    line: CostLine
    group: str | None = None
    """`NodeGroup.name` whose occupants pay for it; None where it is for the stack."""
    shares: Shares = ()
    """As of a `Charge`."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A quantity per month that is estimated: low, expected and high, each over the autoscaling range."""

    low: Columns
    expected: Columns
    high: Columns
    shares: Shares = ()
    """What each service causes of the expected one."""


@dataclass(frozen=True, slots=True)
class Use:
    """What a stack's traffic and rollouts move in a month, in GB; what is None depends on use that nobody stated."""

    pulled: Amount
    """Weights and images that come from outside the cloud."""
    pulled_inside: Amount
    """Weights that come from the cloud's own object store."""
    between_zones: Amount
    """In one direction."""
    egress: Amount
    logs: Amount | None
    assumed: str
    """How often weights are pulled, as a clause for notes."""


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """Nodes of one kind that are paid for together, and who occupies them."""

    name: str
    machine: Machine
    offering: Offering | None
    """None where the machine has no offering of that kind: the line is not priced."""
    nodes: Columns
    disk_gib: int
    """Root disk of each node; 0 where the disk is not ours to pay."""
    shares: tuple[tuple[str, Columns], ...] = ()
    """Part of the group that each service occupies over the range; the rest to 1 is idle and spread in the same proportion. Empty: system
    nodes."""

    zones: int = 0
    """Zones that its nodes are spread over evenly; 0 where that is left to the cloud."""

    @property
    def is_system(self) -> bool:
        """True for nodes that carry controllers and no service: all services pay for them evenly."""
        return not self.shares


@dataclass(frozen=True, slots=True)
class Demand:
    """The traffic of one service, for unit economics."""

    service: str
    input_tokens_per_month: float
    output_tokens_per_month: float
    output_to_input_ratio: float
    """Cost of one output token over one input token, from the replica's own prefill and decode times; 0 where nothing is generated."""
    requests_per_month: float = 0
    capacity_rps: float = 0
    """What one replica serves within the SLO."""
    devices: int = 1
    """Accelerators of one replica; 1 where it takes a node."""
    daily_users: float | None = None


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """What a million tokens cost at the expected load, from the service's share of the machines it is billed for."""

    input_usd: Decimal
    output_usd: Decimal | None
    """None where nothing is generated."""
    blended_usd: Decimal
    """Per million tokens of input and output together, in the service's own mix."""
    output_to_input_ratio: Decimal | None
    """How many input tokens are taken to cost as much as one output token; None where nothing is generated."""
    tokens_per_month: Decimal
    low_blended_usd: Decimal
    """At the bottom of known spot ranges."""
    complete: bool
    """False where a machine of the service has no known price, so that these are lower bounds."""


@dataclass(frozen=True, slots=True)
class UnitEconomics:
    """What a service costs per thing that people count, and how much of what it pays for it uses."""

    utilisation: Decimal
    """Mean load over what the billed machines can serve within the SLO, at the expected load, 0..1."""
    allocated_monthly_usd: Decimal
    """What is paid for its machines."""
    used_monthly_usd: Decimal
    """The part of it that the traffic uses: allocated x utilisation. The rest is headroom and idle devices."""
    usd_per_request: Decimal
    """The whole part of the stack, fixed costs included, over the requests of a month."""
    usd_per_user_month: Decimal | None
    """The same over daily users; None where the traffic is not stated in users."""
    saturated: TokenPrice | None
    """Per million tokens with every machine of the range full around the clock: the least that these machines can reach."""
    output_tps_per_usd_hour: Decimal | None
    """Output tokens per second at saturation for a dollar an hour of machines; input tokens where nothing is generated."""


@dataclass(frozen=True, slots=True)
class ServiceCost:
    """A service's share of the stack's cost: machines and disks by the part that it occupies, and an even share of what is fixed."""

    service: str
    monthly_usd: Columns
    tokens: TokenPrice | None
    """None where no traffic is stated, or no machine of the service has a known price."""
    economics: UnitEconomics | None = None
    """None where traffic or capacity is not stated."""


@dataclass(frozen=True, slots=True)
class StackCost:
    """The whole estimate: the tree, and what it means per service."""

    lines: CostLine
    services: tuple[ServiceCost, ...]
    prices_as_of: str
    """Oldest date among the prices that were used; `undated` where none has one."""

    @property
    def monthly_usd(self) -> Columns:
        return self.lines.monthly_usd

    @property
    def hourly_usd(self) -> Columns:
        return self.lines.hourly_usd

    @property
    def unpriced(self) -> tuple[str, ...]:
        return self.lines.unpriced

    @property
    def usage_based(self) -> tuple[str, ...]:
        return self.lines.usage_based

    @property
    def complete(self) -> bool:
        """True where every price is known; what is billed by use is never part of the total."""
        return not self.unpriced
