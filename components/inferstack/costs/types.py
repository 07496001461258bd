"""The nouns of cost: a tree of named, unit-bearing lines over the autoscaling range. Money is USD as Decimal; a month is 730 hours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

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

    def map(self, change: Callable[[Decimal], Decimal]) -> Columns:
        return Columns(change(self.min), change(self.expected), change(self.max))


NOTHING = Columns.same(0)


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of an estimate: a leaf has a monthly quantity and a unit price, a branch has children.

    `unit_price_usd` None is "not priced": the line counts as nothing in sums, and every total above it says so.
    """

    name: str
    unit: str = ""
    """What the quantity counts per month: node-hour, GB-month, ..."""
    quantity: Columns = NOTHING
    unit_price_usd: Decimal | None = None
    source: str = ""
    as_of: str | None = None
    basis: str = "listed"
    """listed, derived, belief, or user."""
    note: str | None = None
    children: tuple[CostLine, ...] = ()
    low_unit_price_usd: Decimal | None = None
    """Bottom of a spot range; `unit_price_usd` is its top."""

    @property
    def monthly_usd(self) -> Columns:
        """What is known of the monthly sum; a lower bound where `unpriced` is not empty."""
        if self.children:
            total = NOTHING
            for child in self.children:
                total = total + child.monthly_usd
            return total
        price = self.unit_price_usd
        return NOTHING if price is None else self.quantity.map(lambda quantity: quantity * price)

    @property
    def hourly_usd(self) -> Columns:
        return self.monthly_usd.map(lambda value: value / HOURS_PER_MONTH)

    def walk(self, depth: int = 0) -> Iterator[tuple[int, CostLine]]:
        """This line and all below it, parents first, with their depth."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Names of the leaves without a price that the total therefore lacks."""
        return tuple(line.name for _, line in self.walk() if not line.children and line.unit_price_usd is None)

    def with_children(self, *children: CostLine) -> CostLine:
        return replace(self, children=children)


@dataclass(frozen=True, slots=True)
class Charge:
    """A quantity of something that has a fee in the catalog, over the autoscaling range."""

    line: str
    """Name of the cost line."""
    fee: str
    """`Fee.name` in the catalog."""
    monthly_quantity: Columns
    note: str | None = None


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
    shares: tuple[tuple[str, Decimal], ...] = ()
    """Part of the group that each service occupies, summing to at most 1; the rest is idle and spread in the same proportion."""


@dataclass(frozen=True, slots=True)
class Demand:
    """The traffic of one service, for unit economics."""

    service: str
    input_tokens_per_month: float
    output_tokens_per_month: float
    output_to_input_ratio: float
    """Cost of one output token over one input token, from the replica's own prefill and decode times."""


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """What a million tokens cost at the expected load, from the service's share of the machines it is billed for."""

    input_usd: Decimal
    output_usd: Decimal
    blended_usd: Decimal
    """Per million tokens of input and output together, in the service's own mix."""
    output_to_input_ratio: Decimal
    """How many input tokens are taken to cost as much as one output token."""
    tokens_per_month: Decimal
    low_blended_usd: Decimal
    """At the bottom of known spot ranges."""
    complete: bool
    """False where a machine of the service has no known price, so that these are lower bounds."""


@dataclass(frozen=True, slots=True)
class ServiceCost:
    """A service's share of the stack's cost: its machines and disks by the part of them that it occupies, and an even share of what is fixed."""

    service: str
    monthly_usd: Columns
    tokens: TokenPrice | None
    """None where no traffic is stated."""


@dataclass(frozen=True, slots=True)
class StackCost:
    """The whole estimate: the tree, and what it means per service."""

    lines: CostLine
    services: tuple[ServiceCost, ...]
    prices_as_of: str
    """Oldest date among the prices that were used."""

    @property
    def monthly_usd(self) -> Columns:
        return self.lines.monthly_usd

    @property
    def hourly_usd(self) -> Columns:
        return self.lines.hourly_usd

    @property
    def unpriced(self) -> tuple[str, ...]:
        return self.lines.unpriced
