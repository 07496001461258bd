"""The nouns of sizing: what is asked of a service, and what a replica of it can do. No clouds, no prices, no engines by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ..catalog.types import Checkpoint, Model

HOURS_PER_MONTH = 730
DAYS_PER_MONTH = HOURS_PER_MONTH / 24
WORDS_TO_TOKENS = 1.3


class Provenance(StrEnum):
    """Where a figure comes from, from best to worst. What is built from several carries the worst of them."""

    MEASURED = "measured"
    FITTED = "fitted"
    BELIEVED = "believed"


_ORDER = tuple(Provenance)


def worst(*provenances: Provenance) -> Provenance:
    return max(provenances, key=_ORDER.index)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its band (80 % interval) and where it comes from. The unit is in the name of the field that holds it."""

    low: float
    expected: float
    high: float
    provenance: Provenance
    source: str

    def scaled(self, factor: float) -> Estimate:
        return Estimate(self.low * factor, self.expected * factor, self.high * factor, self.provenance, self.source)

    def plus(self, other: Estimate) -> Estimate:
        """The sum; its ends are those of both, which is wide where the two are independent."""
        provenance = worst(self.provenance, other.provenance)
        return Estimate(
            self.low + other.low, self.expected + other.expected, self.high + other.high, provenance, f"{self.source}; {other.source}"
        )


@dataclass(frozen=True, slots=True)
class Term:
    """One term of an estimate, for people who check it."""

    name: str
    formula: str
    """With the numbers put in: `1,024 x 128,256 x 15.4 B`."""
    value: float
    unit: str
    provenance: Provenance
    source: str


@dataclass(frozen=True, slots=True)
class Variability:
    """How unlike requests are. Coefficients of variation: standard deviation over mean."""

    burstiness: float = 1.0
    """Of the times between arrivals: 1 is Poisson, 0 a metronome."""
    length_spread: float = 0.0
    """Of input and of output tokens; 0: all requests are alike."""


POISSON = Variability()


@dataclass(frozen=True, slots=True)
class Workload:
    """Traffic of one service. Tokens are the model's tokens."""

    mean_rps: float
    """Requests per second, mean over the active hours."""
    peak_rps: float
    """What replicas are sized for: mean times the peak factor."""
    isl: int
    """Input tokens per request."""
    osl: int
    """Output tokens per request; 0 where the model generates nothing."""
    active_hours: float = 24.0
    """Hours per day with traffic; none outside them."""
    active_days: float = 7.0
    """Days per week with traffic."""
    hourly: tuple[float, ...] = ()
    """Load of each active hour over their mean, busiest first; () where it is even."""
    variability: Variability = POISSON
    image_tokens: int = 0
    """Of `isl`, those that images make."""

    @property
    def requests_per_month(self) -> float:
        return self.mean_rps * 3600 * self.active_hours * DAYS_PER_MONTH * self.active_days / 7

    @property
    def input_tokens_per_month(self) -> float:
        return self.requests_per_month * self.isl

    @property
    def output_tokens_per_month(self) -> float:
        return self.requests_per_month * self.osl


@dataclass(frozen=True, slots=True)
class Slo:
    """Latency targets at the 95th percentile; None is no target."""

    ttft_p95_ms: float | None = None
    tpot_p95_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """What physics needs to know of the silicon under one replica; `count` of them work together."""

    id: str
    kind: str
    """gpu or cpu."""
    count: int
    memory_bytes: int
    """Visible, per device."""
    bandwidth_bytes_s: float
    """Peak memory bandwidth per device."""
    flops: Mapping[str, float]
    """Peak dense FLOPS per device by dtype: bf16, fp16, fp8, int8, fp4; a dtype that is absent runs at 16 bit."""
    link: str
    """nvlink, pcie or none."""
    link_bytes_s: float | None
    """Per device, one direction."""
    compute_capability: str | None
    provenance: Provenance
    source: str
    generation: str = ""
    """What silicon of one make has in common: the CUDA compute capability, or another vendor's architecture."""
    machines: int = 1
    """Machines that the devices are spread over evenly; the link joins those of one machine."""
    network_bytes_s: float | None = None
    """Of the network between machines, per device, one direction; None where it is not known."""
    network: str = ""
    """What that network is called; "" where nobody says."""
    host_bytes_s: float | None = None
    """From main memory, per device; None where it is not known."""

    @property
    def per_machine(self) -> int:
        return self.count // self.machines


@dataclass(frozen=True, slots=True)
class Parallelism:
    """How one replica is spread over devices. Across machines either `pipeline` stages hold the layers, or `data` groups attend to own
    sequences and all devices share the experts."""

    tensor: int = 1
    """Devices that share each attention layer."""
    pipeline: int = 1
    data: int = 1
    """Groups of `tensor` devices that each hold all of the attention weights and keep the KV cache of their own sequences."""
    expert: int | None = None
    """Devices that the routed experts are spread over as wholes; None: each expert is split over `tensor` devices."""
    context: int = 1
    """Tensor-parallel devices that divide the tokens of one KV cache (decode context parallelism)."""

    @property
    def devices(self) -> int:
        return self.tensor * self.pipeline * self.data


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What an engine is told besides the choices of a plan; None is its own default."""

    memory_share: float | None = None
    """Share of memory that the engine may take, in its own meaning: vLLM of all, SGLang of what is free before weights, TensorRT-LLM of
    what is free after them."""
    batched_tokens: int | None = None
    """Most tokens in one step."""
    block_tokens: int | None = None
    """Tokens in one block of KV cache."""


@dataclass(frozen=True, slots=True)
class Techniques:
    """What makes serving faster than its plain physics; nothing of it is assumed."""

    prefix_hit_rate: float = 0.0
    """Part of the prompt tokens whose KV cache is found, 0..1."""
    draft_tokens: int = 0
    """Tokens that speculative decoding proposes in each step."""
    acceptance: float = 0.0
    """Chance that a proposed token is accepted, below 1."""
    draft_cost: float = 0.0
    """Time of one draft over the time of one step of the model itself."""
    step_s: float = 0.0
    """Seconds that speculation adds to a step beside that."""

    @property
    def tokens_per_step(self) -> float:
        """Mean tokens that a verified step yields: (1 - a^(g+1)) / (1 - a)."""
        return (1 - self.acceptance ** (self.draft_tokens + 1)) / (1 - self.acceptance)


@dataclass(frozen=True, slots=True)
class Adapters:
    """LoRA adapters that are held beside the weights."""

    count: int
    slots: int
    """Adapters on the device at once; each slot has room for the largest rank."""
    rank: int


@dataclass(frozen=True, slots=True)
class Draft:
    """What speculative decoding runs beside the model."""

    tokens: int
    """Proposed in each step."""
    acceptance: float | None
    """Chance that a proposed token is accepted, below 1; None where nobody says: then no gain is counted."""
    params: float
    """Parameters of what proposes; 0 where the prompt itself is searched."""
    own: bool
    """True where they are layers of the model's own checkpoint, stored as it is; otherwise they are at 16 bit."""
    layers: int
    """Of what proposes: each keeps KV cache as a layer of `kv_model` does."""
    kv_model: Model | None
    """Whose heads those layers have; None where none is kept."""
    source: str


@dataclass(frozen=True, slots=True)
class Images:
    """Images in a request."""

    per_request: float
    """Mean."""
    most: int
    """In one request."""
    tokens: int
    """Of the language model, for one image."""
    patches_per_token: float | None = None
    """Patches of the vision tower behind one token; None where unknown."""
    tower_columns: int | None = None
    """Columns of the tower's widest buffers, 4 x hidden + 3 x intermediate; None where unknown."""
    megapixels: float | None = None
    """Of one image as it is sent; None where only its tokens are stated."""


@dataclass(frozen=True, slots=True)
class Additions:
    """What a replica holds and computes beside its model's text."""

    adapters: Adapters | None = None
    draft: Draft | None = None
    images: Images | None = None
    prefix_hit_rate: float = 0.0
    """Part of the prompt tokens whose KV cache is found, 0..1."""


NO_ADDITIONS = Additions()


@dataclass(frozen=True, slots=True)
class Correction:
    """Measurements of one setup, against its prediction."""

    prefill: float
    """Measured over predicted time; 1 where it was not measured."""
    decode: float
    ttft_spread: float | None
    """Factor to either side that holds 80 % of measurements; None where there are none."""
    tpot_spread: float | None
    source: str


@dataclass(frozen=True, slots=True)
class Shape:
    """A replica before it is sized: which weights run on which silicon, and how the engine is asked to run them."""

    engine: str
    engine_version: str
    model: Model
    checkpoint: Checkpoint
    device: Device
    parallel: Parallelism
    context: int
    """Longest sequence admitted, input and output together, in tokens."""
    max_sequences: int
    """Most sequences in one batch; where attention is data-parallel, of each of its ranks."""
    kv_dtype: str = "bf16"
    """bf16, fp8 or q8_0."""
    settings: EngineSettings = EngineSettings()
    measured: Correction | None = None
    """What the user measured of this very setup."""
    additions: Additions = NO_ADDITIONS
    host_weight_bytes: int = 0
    """Weights that wait in main memory, per device."""

    @property
    def devices_per_machine(self) -> int:
        return self.parallel.devices // self.device.machines

    @property
    def experts_span(self) -> bool:
        """True where experts are spread over several machines, which hold no stages."""
        return self.device.machines > 1 and self.parallel.data > 1


@dataclass(frozen=True, slots=True)
class MemoryLayout:
    """How the memory of one device is spent, in bytes, and what fits into the rest."""

    visible_bytes: int
    usable_bytes: int
    """What the engine may take."""
    weight_bytes: int
    activation_bytes: int
    runtime_bytes: int
    """Context, communication buffers and captured graphs."""
    kv_bytes: int
    """Left for the KV cache; negative where nothing is left."""
    kv_bytes_per_token: float
    """Per device, for a token of a sequence of the planned length."""
    kv_tokens: int
    """Tokens that one replica keeps."""
    max_sequences: int
    """Sequences of the longest admitted length that are held at once."""
    provenance: Provenance
    source: str
    graph_bytes: int = 0
    """Captured graphs, as part of `runtime_bytes`."""
    kv_less_bytes: int = 0
    """How far the low end of the 80 % interval is below `kv_bytes`."""
    kv_more_bytes: int = 0
    """How far the high end is above."""
    added_bytes: int = 0
    """Adapters, a draft model, and the cache of encoded images."""

    @property
    def fits(self) -> bool:
        """True where at least one sequence of full length can be held."""
        return self.max_sequences >= 1


@dataclass(frozen=True, slots=True)
class Performance:
    """What one replica does at a load."""

    load_rps: float
    """The load that latencies are given for."""
    ttft_p95_ms: Estimate
    tpot_p95_ms: Estimate
    capacity_rps: Estimate
    """Largest request rate of one replica that keeps the SLO."""
    output_tps: Estimate
    """Output tokens per second at `capacity_rps`."""
    sequences: float
    """Sequences in flight at `load_rps`."""
    limited_by: str
    """What sets `capacity_rps`: ttft (latency where nothing is generated), tpot, kv-cache, max-sequences or throughput."""

    def meets(self, slo: Slo) -> bool:
        """True where the expected latencies are within the targets."""
        ttft_ok = slo.ttft_p95_ms is None or self.ttft_p95_ms.expected <= slo.ttft_p95_ms
        tpot_ok = slo.tpot_p95_ms is None or self.tpot_p95_ms.expected <= slo.tpot_p95_ms
        return ttft_ok and tpot_ok and self.capacity_rps.expected > 0


@dataclass(frozen=True, slots=True)
class Replica:
    """One copy of a service: its shape, its memory and what it does at its share of the load."""

    shape: Shape
    memory: MemoryLayout
    performance: Performance
