"""The nouns of a plan: what was decided for each service and for the stack, why, and what was turned down. All that follows reads these."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ..catalog.types import NVIDIA_RESOURCE, CapacityType
from ..clouds.types import Fabric, GpuDirect, QuotaNeed, ReceiveDaemon, SystemPool
from ..costs.money import money
from ..costs.types import Columns, StackCost
from ..engines.spec import EngineSpec
from ..sizing.coldstart import ColdStartPart
from ..sizing.types import Estimate, Replica, Slo, Workload


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that the planner or the user decided."""

    key: str
    """Key of the stack file that would pin it."""
    value: str
    reason: str
    pinned: bool
    """True where the stack file says it."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A placement that was turned down: one of the next best, with the criterion that decided."""

    engine: str
    quantization: str
    gpu: str
    machine_type: str
    gpus_per_replica: int
    replicas: int
    monthly_usd: Columns | None
    """None where no price is known."""
    ttft_p95_ms: float | None
    tpot_p95_ms: float | None
    criterion: str
    """cost, slo, memory, price-unknown."""
    reason: str


@dataclass(frozen=True, slots=True)
class SourceOption:
    """One place of the weights, and one way from there."""

    place: str
    """hf, s3, gs, pvc, oci or a kind of volume: efs, fsx, filestore, gcs-fuse, claim."""
    way: str
    """copy (to the node's disk), stream (past it) or mount (read in place)."""
    cold_start_seconds: Estimate
    monthly_usd: Decimal | None
    """Of keeping the weights there; None where no price is known, 0 on the hub."""
    chosen: bool
    volume: str | None = None
    """Name of the volume of the stack; None where it has none of that kind."""


@dataclass(frozen=True, slots=True)
class WeightCopy:
    """The Job that fills a service's folder on a volume of the stack."""

    volume: str
    """Name of the volume, and of its claim."""
    kind: str
    """`VolumeKind.name`."""
    folder: str
    """At the top of the volume; it is there once it is whole."""
    source: str
    """What is copied: hf://owner/repository, with :revision where one is named, s3://... or gs://..."""
    image: str
    """KServe's storage initializer."""
    allow: tuple[str, ...]
    """Patterns of the files that are copied; () for all."""
    ignore: tuple[str, ...]
    """Patterns of those that are not."""
    uses_token: bool
    """True where the hub may ask for one."""
    size_gib: float
    seconds: Estimate
    """How long it takes once its pod runs."""
    deadline_seconds: int
    """After which it is given up, all its tries together."""
    node_selector: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class VolumePlan:
    """A volume that the stack makes."""

    name: str
    """Also of its claim."""
    kind: str
    """`VolumeKind.name`."""
    namespace: str
    size_gib: int | None
    """None where it grows with what it holds."""
    throughput: int | None
    """MB/s per TiB, where that is bought."""
    storage_class: str | None
    zone: str | None
    """Where it lies; None where it spans zones, or is not ours to say."""
    stored_gib: float
    """Weights that lie on it once each."""
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReplicaRange:
    """Replicas over the autoscaling range."""

    min: int
    expected: float
    """Mean over a month of the stated traffic."""
    max: int

    @property
    def scales(self) -> bool:
        return self.max > self.min


@dataclass(frozen=True, slots=True)
class ScheduledWindow:
    """A window of the week, as cron expressions in a time zone, and the replicas that it keeps at least."""

    start: str
    """When it opens: minute, hour, *, *, days."""
    end: str
    timezone: str
    replicas: int


@dataclass(frozen=True, slots=True)
class Scaling:
    """How the number of replicas follows the load."""

    signal: str
    """none, cpu (utilisation of the container), queue (waiting requests and KV use), schedule (its window alone), requests (those in
    flight, of a service that goes to zero) or own (the engine counts those in flight and starts its own replicas)."""
    cpu_percent: int | None = None
    waiting_per_replica: int | None = None
    """Waiting requests per replica above which one more is started."""
    kv_usage_per_replica: float | None = None
    """Mean KV use above which one more is started, 0..1."""
    in_flight_per_replica: int | None = None
    """Requests in flight per replica above which one more is started."""
    scale_down_seconds: int = 300
    """How long the load must be lower before a replica goes; longer than a cold start."""
    polling_seconds: int = 15
    window: ScheduledWindow | None = None
    """The window of the week in which the service runs; None: always."""

    @property
    def wakes(self) -> bool:
        """True where no replica runs while nobody asks, and a request starts one."""
        return self.signal == "requests"


@dataclass(frozen=True, slots=True)
class Resources:
    """What the serving container requests, each of them where a replica spans machines; limits are the same except for CPU, which may
    burst."""

    cpu_millicores: int
    memory_bytes: int
    gpus: int
    gpu_resource: str = NVIDIA_RESOURCE
    """What the cluster calls them."""


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """One service, decided."""

    name: str
    namespace: str
    model: str
    checkpoint_uri: str
    quantization: str
    gpu: str
    """`Accelerator.id`, or cpu."""
    machine_type: str
    pool: str
    """Name of the `PoolPlan` that carries it."""
    capacity_type: CapacityType
    replica: Replica
    replicas: ReplicaRange
    workload: Workload
    slo: Slo
    meets_slo: bool
    spec: EngineSpec
    resources: Resources
    scaling: Scaling
    cold_start_seconds: Estimate
    rollout: str
    """surge: a spare replica starts first; recreate: one goes before its successor comes."""
    endpoint: str
    """cluster or internal."""
    timeout_seconds: int
    """Longer than the longest planned response."""
    node_selector: tuple[tuple[str, str], ...]
    decisions: tuple[Decision, ...]
    alternatives: tuple[Alternative, ...]
    warnings: tuple[str, ...]
    uses_hugging_face_token: bool
    endpoint_annotations: tuple[tuple[str, str], ...] = ()
    """Annotations that keep the cloud's load balancer inside the network; never empty where the endpoint is internal."""
    sources: tuple[SourceOption, ...] = ()
    """Where its weights come from, and where they could: the chosen one first, then by how soon a replica answers."""
    task: str = "generate"
    """generate, or what answers after one pass: embed, rerank, reward. Then TTFT is the latency of the whole answer, and TPOT is 0."""
    spare_replicas: int = 0
    """Of `replicas`, those that the traffic does not need."""
    cold_start_parts: tuple[ColdStartPart, ...] = ()
    waiting_share: float = 0.0
    """Part of the requests that wait for a cold start because no replica runs, 0..1."""
    server: str | None = None
    """Name of the server that it shares with other services; None for a server of its own."""
    monitored: bool = False
    """True where a Prometheus Operator is in the cluster, ours or the user's: the service's metrics are scraped."""

    copy: WeightCopy | None = None
    """What copies its weights to a volume of the stack; None where they are read from elsewhere."""
    cold_start_target_seconds: float | None = None
    """What `slo.coldStartSeconds` asks for."""
    fabric: Fabric | None = None
    """What joins the machines of one replica, where it spans several that have it."""
    network_tpot_ms: Estimate | None = None
    """What the network between them adds to TPOT at the planned peak; None on one machine."""

    @property
    def gpudirect(self) -> GpuDirect | None:
        """What its pods get where one of Google's own transports joins the machines of a replica."""
        return None if self.fabric is None else self.fabric.gpudirect

    @property
    def receiver(self) -> ReceiveDaemon | None:
        """The container beside the server that receives for its GPUs what other machines send."""
        return None if self.gpudirect is None else self.gpudirect.daemon

    @property
    def server_name(self) -> str:
        """Kubernetes name of what serves it: its own, or that of the server it shares."""
        return self.name if self.server is None else self.server

    @property
    def object_name(self) -> str:
        """Kubernetes name of what is its own: on a server that it shares another than alone, so that moving there takes nothing away."""
        return self.name if self.server is None else f"{self.server}-{self.name}"

    @property
    def machines(self) -> int:
        """Machines of one replica, and pods."""
        return self.replica.shape.device.machines

    @property
    def on_kserve(self) -> bool:
        """False where a replica spans machines, or a Ray cluster serves."""
        return self.machines == 1 and self.spec.served is None

    @property
    def gpus_to_surge(self) -> int:
        """What a rollout needs beside what runs: one replica more, or a second Ray cluster with all replicas that always run."""
        return self.gpus_per_replica * (1 if self.spec.served is None else self.replicas.min)

    @property
    def gpus_per_replica(self) -> int:
        """On all machines of a replica; 0 on CPU."""
        return self.resources.gpus * self.machines


@dataclass(frozen=True, slots=True)
class PoolPlan:
    """Nodes of one machine type and capacity type, shared by the services on them."""

    name: str
    machine_type: str
    gpu: str
    """`Accelerator.id`, or cpu."""
    gpus_per_node: int
    capacity_type: CapacityType
    reservation_id: str | None
    zones: tuple[str, ...]
    nodes: Columns
    """Expected may be a fraction: the mean over a month."""
    disk_gib: int
    """Root disk: images and weights of every service that may land there."""
    autoscaled: bool
    managed: bool
    """False where the nodes exist already."""
    labels: tuple[tuple[str, str], ...]
    services: tuple[str, ...]
    idle_share: float
    """Part of the accelerators of the nodes at maximum that no replica uses."""
    capacity_block: bool = False
    """True where the reservation is a Capacity Block."""
    fabric: str | None = None
    """Network that joins the accelerators of its nodes: EFA, GPUDirect RDMA. None where no replica spans them, or they have none."""


@dataclass(frozen=True, slots=True)
class AddonPlan:
    """One add-on: whether it is installed, which version, and why."""

    name: str
    version: str
    installed: bool
    reason: str
    images: tuple[str, ...] = ()
    """Those that we name: repository, tag and, where known, digest."""


NO_WAY_BELOW = "Nothing that was tried keeps every budget: plan for less traffic or a smaller model, or raise the budget."


@dataclass(frozen=True, slots=True)
class WayBelow:
    """A change of the stack file with which every budget is kept, as planned anew."""

    change: str
    """``chat: `capacityType: spot` ``; several are separated by semicolons."""
    monthly_usd: Decimal
    """Of the whole stack, in the column that the budget looks at."""
    saves_monthly_usd: Decimal
    keeps_slo: bool

    def __str__(self) -> str:
        slo = "" if self.keeps_slo else ", and misses an SLO"
        return f"With {self.change} the stack costs {money(self.monthly_usd)} a month{slo}."


@dataclass(frozen=True, slots=True)
class StackPlan:
    """The whole stack, decided. `inferstack plan --json` prints this; every other reader gets the same object."""

    stack: str
    cloud: str
    region: str | None
    zones: tuple[str, ...]
    kubernetes_version: str
    cluster_name: str
    namespace: str
    services: tuple[ServicePlan, ...]
    pools: tuple[PoolPlan, ...]
    system_pool: SystemPool | None
    addons: tuple[AddonPlan, ...]
    quota: tuple[QuotaNeed, ...]
    costs: StackCost
    driver_note: str
    warnings: tuple[str, ...]
    volumes: tuple[VolumePlan, ...] = ()
    accelerator_networks: int | None = None
    """gke: VPCs beside the nodes' own that join accelerators; None where the cluster is not made for any."""
    over_budget: tuple[str, ...] = ()
    """One sentence per budget that the plan exceeds; empty where it is kept."""
    ways_below: tuple[WayBelow, ...] = ()
    """Where a budget is exceeded: the cheapest plans that keep every budget, cheapest first; empty where none was found."""

    @property
    def servers(self) -> tuple[tuple[ServicePlan, ...], ...]:
        """The services by what serves them, each alone or with those of the same server; in the order of the stack file."""
        found: dict[str, list[ServicePlan]] = {}
        for service in self.services:
            found.setdefault(service.server_name, []).append(service)
        return tuple(map(tuple, found.values()))

    @property
    def objections(self) -> tuple[str, ...]:
        """What a guard says: each budget that is exceeded, then the ways below; empty where all are kept."""
        if not self.over_budget:
            return ()
        ways = tuple(str(way) for way in self.ways_below)
        return (*self.over_budget, *(ways or (NO_WAY_BELOW,)))
