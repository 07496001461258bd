"""Pure physics: bytes of weights and KV cache, times of prefill and decode, latencies under load. No clouds, no prices, no engine by name.

Every constant is data (`constants.json`) with its provenance; every figure for users is an `Estimate` with a band.
"""

from .additions import adapter_bytes, file_bytes
from .capacity import size_replica
from .coldstart import ColdStart, cold_start, copy_seconds
from .constants import KvRules, MemoryConstants, memory_constants
from .devices import cpu_device, device_for
from .efficiency import Efficiency, efficiency_of
from .explain_memory import explain_memory
from .host_weights import host_read_ms
from .kv import kv_bytes_per_token, sequence_bytes
from .layout import Limits, batched_tokens, concurrency, default_share, layout, limits, reported_tokens, sequence_bytes_of
from .memory import activation_bytes, graph_bytes, runtime_bytes
from .network import TCP, network_of, over_tcp, spread_factor
from .parallelism import Indivisible, legal_tensor_degrees, refuse_tensor_degree
from .performance import step_times
from .queueing import Latency, latency_at, output_to_input_ratio
from .times import StepTimes
from .weights import (
    checkpoint_bytes,
    fetched_bytes,
    file_width,
    gguf_bytes,
    stored_bytes,
    weight_bytes,
    weight_bytes_per_device,
    weight_error,
)
from .work import generates

__all__ = [
    "TCP",
    "ColdStart",
    "Efficiency",
    "Indivisible",
    "KvRules",
    "Latency",
    "Limits",
    "MemoryConstants",
    "StepTimes",
    "activation_bytes",
    "adapter_bytes",
    "batched_tokens",
    "checkpoint_bytes",
    "cold_start",
    "concurrency",
    "copy_seconds",
    "cpu_device",
    "default_share",
    "device_for",
    "efficiency_of",
    "explain_memory",
    "fetched_bytes",
    "file_bytes",
    "file_width",
    "generates",
    "gguf_bytes",
    "graph_bytes",
    "host_read_ms",
    "kv_bytes_per_token",
    "latency_at",
    "layout",
    "legal_tensor_degrees",
    "limits",
    "memory_constants",
    "network_of",
    "output_to_input_ratio",
    "over_tcp",
    "refuse_tensor_degree",
    "reported_tokens",
    "runtime_bytes",
    "sequence_bytes",
    "sequence_bytes_of",
    "size_replica",
    "spread_factor",
    "step_times",
    "stored_bytes",
    "weight_bytes",
    "weight_bytes_per_device",
    "weight_error",
]
