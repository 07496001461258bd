"""The plan of a whole stack: every service searched, pools shared, add-ons and quota listed, the bill added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .. import catalog, clouds, costs, sizing
from ..catalog.types import CapacityType
from ..clouds.types import QuotaNeed
from ..costs.types import Columns, Demand, NodeGroup, StackCost
from ..errors import nearest_name
from ..stackfile.schema import StackFile, Target
from .addons import plan_addons
from .pools import Pool, Tenant, build_pools
from .refusal import no_placement
from .requirement import Problems, Requirement, resolve
from .search import search
from .service import plan_requirement
from .site import Site
from .types import AddonPlan, ServicePlan, StackPlan


def plan(stack: StackFile) -> StackPlan:
    """Decide everything that can be decided before anything exists.

    Pure: no network, no clock. Raises `InputError` with every problem of the file.
    """
    problems = Problems()
    site = _site(stack.target, problems)
    if site is None:
        problems.raise_if_any(stack.source)
        raise AssertionError("a target without a site has a problem")
    base = Path(stack.source).parent
    token = stack.has_hugging_face_token
    resolved = [
        resolve(service, f"inferstack:services[{index}]", site, base, token, problems) for index, service in enumerate(stack.services)
    ]
    settled = [_settle(requirement, site, problems) for requirement in resolved if requirement]
    problems.raise_if_any(stack.source)
    tenants = [tenant for tenant in settled if tenant]
    pools, overfull = build_pools(tenants, site)
    problems.found.extend(overfull)
    problems.raise_if_any(stack.source)
    return _stack_plan(stack, site, tenants, pools)


def _site(target: Target, problems: Problems) -> Site | None:
    """Where the stack runs; None where its region or one of its GPUs is not known, which is noted."""
    before = len(problems.found)
    if target.region is not None:
        known = catalog.regions(target.cloud)
        if known and target.region not in known:
            near = nearest_name(target.region, known)
            problems.add(
                "inferstack:target.region",
                target.region,
                f"is not a known region of {target.cloud}",
                f"did you mean {near}?" if near else None,
            )
    for index, nodes in enumerate(target.nodes):
        problems.lookup(f"inferstack:target.nodes[{index}].gpu", nodes.gpu, catalog.accelerator)
    return Site.of(target) if len(problems.found) == before else None


def _settle(requirement: Requirement, site: Site, problems: Problems) -> Tenant | None:
    outcome = search(requirement, site)
    if outcome.chosen is None:
        problems.found.append(no_placement(requirement, outcome, site))
        return None
    return Tenant(requirement, outcome.chosen, plan_requirement(requirement, outcome, outcome.chosen, site))


def _stack_plan(stack: StackFile, site: Site, tenants: Sequence[Tenant], pools: Sequence[Pool]) -> StackPlan:
    target = stack.target
    bill = _bill(site, tenants, pools)
    addons = plan_addons(target, site, [tenant.plan for tenant in tenants])
    budget = stack.budget
    return StackPlan(
        stack=stack.stack,
        cloud=target.cloud,
        region=target.region,
        zones=site.zones,
        kubernetes_version=target.versions.kubernetes if target.versions.kubernetes else site.cloud.kubernetes_version,
        cluster_name=target.cluster_name if target.cluster_name else f"inferstack-{stack.stack}",
        namespace=target.namespace,
        services=_with_shared_state(tenants, pools, addons),
        pools=tuple(pool.plan for pool in pools),
        system_pool=site.cloud.system_pool(target),
        addons=addons,
        quota=_quota(site, pools),
        costs=bill,
        over_budget=costs.over_budget(bill, budget.max_monthly_usd, budget.max_hourly_usd),
        driver_note=site.cloud.driver_note(target),
        warnings=_warnings(stack, tenants),
    )


def _with_shared_state(tenants: Sequence[Tenant], pools: Sequence[Pool], addons: Sequence[AddonPlan]) -> tuple[ServicePlan, ...]:
    """What a service owes to its stack: it surges only into room that others leave, and is monitored where Prometheus is."""
    room = {pool.plan.name: float(pool.plan.nodes.max) * max(1, pool.machine.accelerator_count) * pool.plan.idle_share for pool in pools}
    monitored = any(addon.name == "prometheus" and addon.installed for addon in addons)
    return tuple(
        replace(plan, monitored=monitored, rollout=plan.rollout if plan.resources.gpus <= room[plan.pool] + 1e-9 else "recreate")
        for plan in (tenant.plan for tenant in tenants)
    )


def _bill(site: Site, tenants: Sequence[Tenant], pools: Sequence[Pool]) -> StackCost:
    groups = [NodeGroup(pool.plan.name, pool.machine, pool.offering, pool.plan.nodes, pool.plan.disk_gib, pool.shares) for pool in pools]
    system = site.cloud.system_pool(site.target)
    if system is not None:
        machine = site.machine(system.machine_type)
        offering = site.offering(machine, CapacityType.ON_DEMAND)
        groups.append(NodeGroup("system", machine, offering, Columns.same(system.nodes), system.disk_gib))
    internal = sum(tenant.plan.endpoint == "internal" for tenant in tenants)
    charges = site.cloud.charges(site.target, tuple(groups), internal)
    return costs.estimate(groups, charges, site.cloud.fees(), [_demand(tenant) for tenant in tenants])


def _demand(tenant: Tenant) -> Demand:
    workload = tenant.plan.workload
    return Demand(
        service=tenant.plan.name,
        input_tokens_per_month=workload.input_tokens_per_month,
        output_tokens_per_month=workload.output_tokens_per_month,
        output_to_input_ratio=sizing.output_to_input_ratio(
            tenant.plan.replica.shape, workload.isl, workload.osl, tenant.plan.replica.memory
        ),
    )


def _quota(site: Site, pools: Sequence[Pool]) -> tuple[QuotaNeed, ...]:
    """What the cloud must allow: its accelerator pools and the system pool."""
    needs = [
        site.cloud.quota(site.target, pool.machine, int(pool.plan.nodes.max), pool.plan.capacity_type)
        for pool in pools
        if pool.plan.managed
    ]
    system = site.cloud.system_pool(site.target)
    if system is not None:
        needs.append(site.cloud.quota(site.target, site.machine(system.machine_type), system.nodes, CapacityType.ON_DEMAND))
    return clouds.total_quota(needs)


def _warnings(stack: StackFile, tenants: Sequence[Tenant]) -> tuple[str, ...]:
    found: list[str] = []
    gated = [tenant.plan.name for tenant in tenants if tenant.plan.uses_hugging_face_token]
    if gated and not stack.has_hugging_face_token:
        names = ", ".join(gated)
        way_out = "accept it there and set `pulumi config set --secret huggingFaceToken`"
        found.append(f"{names}: the weights are behind a licence on Hugging Face; {way_out}")
    return tuple(found)
