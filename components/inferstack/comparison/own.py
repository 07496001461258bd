"""What a service costs on machines of its own at any load: the planner's answer, not a price per token drawn out."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from .. import planning
from ..costs.types import ServiceCost
from ..errors import InputError
from ..planning.types import ServicePlan, StackPlan
from ..sizing.types import DAYS_PER_MONTH
from ..stackfile.schema import ReplicaRange, StackFile
from .types import Load

MILLION = 1_000_000
SECONDS_PER_DAY = 86_400
NOTHING = Decimal(0)
NO_PRICE = "no price is known for its machines; for nodes of your own give `usdPerHour` or `owned`"


@dataclass(slots=True)
class OwnCost:
    """The service at `index` of a stack, replanned alone for each load; bounds that the file sets on its replicas are lifted.

    What the service pays less for because it shares its cluster with others is taken off as it is today.
    """

    stack: StackFile
    planned: StackPlan
    index: int
    tokens_per_user: Decimal
    _known: dict[float, Load] = field(default_factory=dict[float, Load])
    _saved_by_sharing: Decimal | None = None

    @property
    def service(self) -> ServicePlan:
        return self.planned.services[self.index]

    @property
    def tokens_per_day(self) -> float:
        """Today's load."""
        workload = self.service.workload
        return workload.requests_per_month * (workload.isl + workload.osl) / DAYS_PER_MONTH

    def present(self) -> Load:
        """The load of the stack file, as it is planned there."""
        return self._load(self.tokens_per_day, self.planned, self.index, NOTHING)

    def at(self, tokens_per_day: float) -> Load:
        """The service at that load."""
        found = self._known.get(tokens_per_day)
        if found is None:
            found = self._known[tokens_per_day] = self._replan(tokens_per_day)
        return found

    def _replan(self, tokens_per_day: float) -> Load:
        try:
            plan = planning.plan(self._alone(tokens_per_day / self.tokens_per_day))
        except InputError as refused:
            problem = refused.problems[0]
            return self._bare(tokens_per_day, f"{problem.reason}; {problem.nearest}" if problem.nearest else problem.reason)
        return self._load(tokens_per_day, plan, 0, self._sharing())

    def _sharing(self) -> Decimal:
        """What the cluster costs the service less today than it would cost it alone."""
        if self._saved_by_sharing is None:
            self._saved_by_sharing = NOTHING
            if len(self.planned.services) > 1:
                alone = planning.plan(self._alone(1.0))
                self._saved_by_sharing = max(NOTHING, _beside_machines(alone.costs.services[0]) - _beside_machines(self._cost()))
        return self._saved_by_sharing

    def _cost(self) -> ServiceCost:
        return next(cost for cost in self.planned.costs.services if cost.service == self.service.name)

    def _alone(self, factor: float) -> StackFile:
        asked, workload = self.stack.services[self.index], self.service.workload
        traffic = asked.traffic.model_copy(
            update={
                "requests_per_second": workload.mean_rps * factor,
                "isl": workload.isl - workload.image_tokens,
                "osl": workload.osl,
                "daily_users": None,
                "tokens_per_user": None,
                "words_per_user": None,
                "output_share": None,
            }
        )
        sleeps = isinstance(asked.replicas, ReplicaRange) and asked.replicas.min == 0
        replicas = ReplicaRange(min=0) if sleeps else None
        return self.stack.model_copy(update={"services": (asked.model_copy(update={"traffic": traffic, "replicas": replicas}),)})

    def _load(self, tokens_per_day: float, plan: StackPlan, index: int, saved: Decimal) -> Load:
        service = plan.services[index]
        cost = next(cost for cost in plan.costs.services if cost.service == service.name)
        bare = self._bare(tokens_per_day)
        carried = service.replicas.expected * service.replica.performance.capacity_rps.expected
        priced = cost.tokens is not None and cost.tokens.complete
        return Load(
            daily_users=bare.daily_users,
            requests_per_day=bare.requests_per_day,
            tokens_per_day=tokens_per_day,
            monthly_usd=cost.monthly_usd.expected - saved if priced else None,
            machine_type=service.machine_type,
            gpu=service.gpu,
            gpus_per_replica=service.gpus_per_replica,
            replicas=service.replicas.max,
            utilisation=bare.requests_per_day / SECONDS_PER_DAY / carried,
            problem=None if priced else NO_PRICE,
        )

    def _bare(self, tokens_per_day: float, problem: str | None = None) -> Load:
        request = self.service.workload.isl + self.service.workload.osl
        return Load(tokens_per_day / float(self.tokens_per_user), tokens_per_day / request, tokens_per_day, None, problem=problem)


def _beside_machines(cost: ServiceCost) -> Decimal:
    """Its share of disks, cluster, system nodes and network."""
    tokens = cost.tokens
    machines = NOTHING if tokens is None else tokens.blended_usd * tokens.tokens_per_month / MILLION
    return cost.monthly_usd.expected - machines
