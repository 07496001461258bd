"""The plan of a whole stack: every service searched, pools shared, add-ons and quota listed, the bill added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .. import catalog, clouds, costs, sizing
from ..catalog.types import CapacityType
from ..clouds.addons import KSERVE_NEEDS_KUBERNETES, NEWEST_KUBERNETES, minor
from ..clouds.nodes import KUBERAY, LWS
from ..clouds.types import Agent, QuotaNeed
from ..costs.types import Columns, Demand, NodeGroup, StackCost
from ..errors import InputError, join_names, nearest_name
from ..stackfile.schema import Service, StackFile, Usage, named_after
from . import volumes
from .addons import driver_note, plan_addons
from .fabric import accelerator_networks, plugin_problems
from .image_digests import with_digests
from .placement import Placement
from .pools import Pool, Tenant, build_pools, look_alikes
from .pricing import check_prices
from .problems import Problems
from .refusal import no_placement
from .requirement import Requirement
from .resolve import resolve
from .search import Outcome, search
from .servers import alone, check_common, counted_by_pods, grouped_by_pods, settle_pods, together
from .service import plan_requirement
from .site import Site
from .sources import kept
from .types import AddonPlan, ServicePlan, StackPlan
from .use import extras, known_free, read_from_volumes, use_of
from .ways_out import followed, with_ways_out


def settle(stack: StackFile, remembers: bool = False) -> tuple[Site, list[tuple[Requirement, Outcome]]]:
    """Where the stack runs, and what the search found for each service. Raises `InputError` with every problem of the file.

    A site that `remembers` keeps the size of every replica for who plans changes of the same services.
    """
    problems = Problems()
    site = _site(stack, problems, remembers)
    base = Path(stack.source).parent
    token = stack.has_hugging_face_token
    resolved = [
        _resolved(service, f"inferstack:services[{index}]", site, base, token, problems) for index, service in enumerate(stack.services)
    ]
    if site is None:
        raise InputError(problems.found, stack.source)
    wishes = [requirement for requirement in resolved if requirement]
    check_common(wishes, problems)
    settled = [_settle(requirement, site, base, problems) for requirement in wishes]
    settled = settle_pods(settled, site, problems)
    problems.raise_if_any(stack.source)
    return site, settled


def finish(stack: StackFile, site: Site, settled: Sequence[tuple[Requirement, Outcome]]) -> StackPlan:
    """The plan of what `settle` found. Raises `InputError` where existing nodes do not hold all services."""
    tenants, pools = share(stack, site, settled)
    return assemble(stack, site, tenants, pools)


def share(stack: StackFile, site: Site, settled: Sequence[tuple[Requirement, Outcome]]) -> tuple[Sequence[Tenant], Sequence[Pool]]:
    """A placement for each service and the pools that carry them all. Raises `InputError` where existing nodes do not hold them."""
    tenants = counted_by_pods([tenant_of(requirement, outcome, outcome.feasible[0], site) for requirement, outcome in settled])
    pools, overfull = build_pools(tenants, site)
    if overfull:
        tenants = _packed(settled, site)
        if not tenants:
            raise InputError(overfull, stack.source)
        pools, _ = build_pools(tenants, site)
    return tenants, pools


def _site(stack: StackFile, problems: Problems, remembers: bool) -> Site | None:
    """Where the stack runs; None where its region, a zone, one of its GPUs or a row of its prices is not known, which is noted."""
    target = stack.target
    problems.found += check_prices(stack.prices, target.cloud, stack.price_file)
    before = len(problems.found)
    if target.region is not None:
        known = catalog.regions(target.cloud)
        if target.region not in known:
            near = nearest_name(target.region, known)
            problems.add(
                "inferstack:target.region",
                target.region,
                f"is not a known region of {target.cloud}",
                f"did you mean {near}?" if near else None,
            )
        for index, zone in enumerate(target.zones):
            zones = catalog.zones(target.cloud, target.region)
            if zones and zone not in zones:
                problems.add(f"inferstack:target.zones[{index}]", zone, "is not a known zone", f"known are {join_names(zones, 'and')}")
    version = target.versions.kubernetes
    if target.addons.kserve and version is not None and minor(version) < minor(KSERVE_NEEDS_KUBERNETES):
        reason = f"is too old for KServe, which needs {KSERVE_NEEDS_KUBERNETES}"
        problems.add(
            "inferstack:target.versions.kubernetes", version, reason, f'leave it out for "{clouds.cloud(target.cloud).kubernetes_version}"'
        )
    problems.found += plugin_problems(target)
    wrong = clouds.cloud(target.cloud).network_problems(target)
    problems.found += (replace(problem, path="inferstack:target.network.cidr") for problem in wrong)
    for index, nodes in enumerate(target.nodes):
        without = "leave it out, and `gpusPerNode`, for nodes without GPUs"
        problems.lookup(f"inferstack:target.nodes[{index}].gpu", nodes.gpu, catalog.accelerator, otherwise=without)
    return Site.of(target, stack.prices, remembers) if len(problems.found) == before else None


def _resolved(service: Service, path: str, site: Site | None, base: Path, has_token: bool, problems: Problems) -> Requirement | None:
    own = Problems()
    requirement = resolve(service, path, site, base, has_token, own)
    problems.found += own.found if site is None else with_ways_out(own.found, service, path, site, base, has_token)
    return requirement


def _settle(requirement: Requirement, site: Site, base: Path, problems: Problems) -> tuple[Requirement, Outcome]:
    outcome = search(requirement, site)
    if outcome.chosen is None:
        problems.found.append(followed(no_placement(requirement, outcome, site), requirement, site, base))
    return requirement, outcome


def tenant_of(requirement: Requirement, outcome: Outcome, placement: Placement, site: Site) -> Tenant:
    """The plan of `placement`. An engine that does not tell how many requests wait cannot be scaled on them: all its replicas stand."""
    made = plan_requirement(requirement, outcome, placement, site)
    if made.scaling.signal == "queue" and made.scaling.window is None and made.spec.metrics.requests_waiting is None:
        placement = placement.standing
        made = plan_requirement(requirement, outcome, placement, site)
        blind = f"{made.spec.engine} does not tell how many requests wait: all {made.replicas.max} replicas stand always"
        made = replace(made, warnings=(*made.warnings, blind))
    return Tenant(requirement, placement, made)


def _packed(settled: Sequence[tuple[Requirement, Outcome]], site: Site) -> list[Tenant]:
    """Services on existing nodes that do not hold the best placement of each: one after the other, or those of the same pods together,
    takes the smallest part of its nodes that still fits. Empty where that does not help either."""
    found: dict[str, Tenant] = {}
    for members in grouped_by_pods(settled):
        ways = zip(*(outcome.feasible for _, outcome in members), strict=True)
        thrifty = sorted(ways, key=lambda way: [(placement.occupied, placement.rank) for placement in way])
        candidates = (
            counted_by_pods([tenant_of(*member, placement, site) for member, placement in zip(members, way, strict=True)])
            for way in thrifty
        )
        fitting = next((tenants for tenants in candidates if not build_pools([*found.values(), *tenants], site)[1]), None)
        if fitting is None:
            return []
        found |= {tenant.plan.name: tenant for tenant in fitting}
    return [found[requirement.service.name] for requirement, _ in settled]


def assemble(stack: StackFile, site: Site, tenants: Sequence[Tenant], pools: Sequence[Pool]) -> StackPlan:
    """The whole plan of services that have their placements, not yet held against a budget."""
    target = stack.target
    addons = plan_addons(target, site, [tenant.plan for tenant in tenants])
    asked = volumes.plan_volumes(target, site, tenants)
    made = StackPlan(
        stack=stack.stack,
        cloud=target.cloud,
        region=target.region,
        zones=site.zones,
        kubernetes_version=target.versions.kubernetes if target.versions.kubernetes else site.cloud.kubernetes_version,
        cluster_name=target.cluster_name if target.cluster_name else named_after(stack.stack),
        namespace=target.namespace,
        services=_with_shared_state(tenants, pools, addons),
        pools=tuple(pool.plan for pool in pools),
        system_pool=site.cloud.system_pool(target, heads(tenants)),
        addons=addons,
        quota=_quota(site, tenants, pools),
        costs=bill(site, tenants, pools, stack.usage),
        driver_note=driver_note(target, site, [tenant.plan for tenant in tenants]),
        volumes=asked,
        accelerator_networks=accelerator_networks(target, [tenant.plan for tenant in tenants]),
        warnings=(*_warnings(stack, tenants), *look_alikes(pools, site), *volumes.warnings(asked)),
    )
    return with_digests(made, stack)


def _with_shared_state(tenants: Sequence[Tenant], pools: Sequence[Pool], addons: Sequence[AddonPlan]) -> tuple[ServicePlan, ...]:
    """What a service owes to its stack: it surges only into room that others leave, and is monitored where Prometheus is."""
    room = {pool.plan.name: float(pool.plan.nodes.max) * max(1, pool.machine.accelerator_count) * pool.plan.idle_share for pool in pools}
    monitored = _monitored(addons)
    plans = [
        replace(plan, monitored=monitored, rollout=plan.rollout if plan.gpus_to_surge <= room[plan.pool] + 1e-9 else "recreate")
        for plan in (tenant.plan for tenant in tenants)
    ]
    return together(tenants, plans, room)


def _monitored(addons: Sequence[AddonPlan]) -> bool:
    return any(addon.name == "prometheus" and addon.installed for addon in addons)


def bill(site: Site, tenants: Sequence[Tenant], pools: Sequence[Pool], usage: Usage) -> StackCost:
    """What the pools and everything beside them cost."""
    groups = [NodeGroup(pool.plan.name, pool.machine, pool.offering, pool.plan.nodes, pool.plan.disk_gib, pool.shares) for pool in pools]
    system = site.cloud.system_pool(site.target, heads(tenants))
    if system is not None:
        machine = site.machine(system.machine_type)
        offering = site.offering(machine, CapacityType.ON_DEMAND)
        groups.append(NodeGroup("system", machine, offering, Columns.same(system.nodes), system.disk_gib, zones=len(system.zones)))
    internal = tuple(tenant.plan.name for tenant in tenants if tenant.plan.endpoint == "internal")
    charges = site.cloud.charges(site.target, tuple(groups), internal, use_of(usage, tenants, len(site.zones)))
    if charges:
        # On a cluster that is there already, what is not charged is paid elsewhere and not free.
        charges = (*charges, *known_free(tenants, _monitored(plan_addons(site.target, site, [tenant.plan for tenant in tenants]))))
    demands = [_demand(tenant) for tenant in tenants]
    made = volumes.plan_volumes(site.target, site, tenants)
    beside = (
        *extras(usage, tenants, pools),
        *kept((tenant.plan for tenant in tenants), site),
        *volumes.lines(made, site, read_from_volumes(usage, tenants)),
    )
    return costs.estimate(groups, charges, site.fees, demands, beside)


def heads(tenants: Sequence[Tenant]) -> tuple[Agent, ...]:
    """The pods that lead Ray clusters, one for each server, and the operators of those and of groups: none of them on a node with
    accelerators."""
    led: dict[str, Agent] = {}
    for tenant in tenants:
        served, server = tenant.plan.spec.served, tenant.plan.server_name
        if served is not None and server not in led:
            image = tenant.placement.sized.engine.release_for(tenant.plan.replica.shape.device.kind).image_gib
            led[server] = Agent(f"{server}-head", served.head.cpu_millicores, served.head.memory_bytes >> 20, image_gib=image)
    found = [*led.values(), KUBERAY] if led else []
    if any(tenant.plan.machines > 1 for tenant in tenants):
        found.append(LWS)
    return tuple(found)


def _demand(tenant: Tenant) -> Demand:
    workload = tenant.plan.workload
    return Demand(
        service=tenant.plan.name,
        input_tokens_per_month=workload.input_tokens_per_month,
        output_tokens_per_month=workload.output_tokens_per_month,
        output_to_input_ratio=sizing.output_to_input_ratio(
            tenant.plan.replica.shape, workload.isl, workload.osl, tenant.plan.replica.memory
        ),
        requests_per_month=workload.requests_per_month,
        capacity_rps=tenant.plan.replica.performance.capacity_rps.expected,
        devices=max(1, tenant.plan.gpus_per_replica),
        daily_users=tenant.requirement.service.traffic.daily_users,
    )


def _quota(site: Site, tenants: Sequence[Tenant], pools: Sequence[Pool]) -> tuple[QuotaNeed, ...]:
    """What the cloud must allow: its accelerator pools and the system pool."""
    needs = [
        site.cloud.quota(site.target, pool.machine, int(pool.plan.nodes.max), pool.plan.capacity_type)
        for pool in pools
        if pool.plan.managed
    ]
    system = site.cloud.system_pool(site.target, heads(tenants))
    if system is not None:
        needs.append(site.cloud.quota(site.target, site.machine(system.machine_type), system.nodes, CapacityType.ON_DEMAND))
    networks = accelerator_networks(site.target, [tenant.plan for tenant in tenants])
    if networks:
        needs.append(clouds.QuotaNeed("NETWORKS", networks + 1, "VPC networks", "global", "projects often begin with 5 (believed)"))
    return clouds.total_quota(needs)


def _warnings(stack: StackFile, tenants: Sequence[Tenant]) -> tuple[str, ...]:
    found = [*alone(tenant.plan for tenant in tenants)]
    gated = [tenant.plan.name for tenant in tenants if tenant.plan.uses_hugging_face_token]
    if gated and not stack.has_hugging_face_token:
        names = ", ".join(gated)
        way_out = "accept it there and run `pulumi config set --secret inferstack:huggingFaceToken`"
        found.append(f"{names}: the weights are behind a licence on Hugging Face; {way_out}")
    version = stack.target.versions.kubernetes
    if version is not None and minor(version) > minor(NEWEST_KUBERNETES):
        found.append(f"Kubernetes {version} is newer than {NEWEST_KUBERNETES}, the newest that this release was checked with")
    return tuple(found)
