"""Pure physics: bytes of weights and KV cache, times of prefill and decode, latencies under load. No clouds, no prices, no engine by name.

Every constant is data (`constants.json`) with its provenance; every figure for users is an `Estimate` with a band.
"""

from .coldstart import cold_start
from .constants import KvRules, MemoryConstants, memory_constants
from .devices import cpu_device, device_for
from .efficiency import Efficiency, efficiency_of
from .kv import kv_bytes_per_token, sequence_bytes
from .memory import activation_bytes, graph_bytes, runtime_bytes
from .parallelism import Indivisible, legal_tensor_degrees, refuse_tensor_degree
from .performance import StepTimes, step_times
from .queueing import Latency, latency_at, output_to_input_ratio, size_replica
from .weights import weight_bytes, weight_bytes_per_device
from .work import generates

__all__ = [
    "Efficiency",
    "Indivisible",
    "KvRules",
    "Latency",
    "MemoryConstants",
    "StepTimes",
    "activation_bytes",
    "cold_start",
    "cpu_device",
    "device_for",
    "efficiency_of",
    "generates",
    "graph_bytes",
    "kv_bytes_per_token",
    "latency_at",
    "legal_tensor_degrees",
    "memory_constants",
    "output_to_input_ratio",
    "refuse_tensor_degree",
    "runtime_bytes",
    "sequence_bytes",
    "size_replica",
    "step_times",
    "weight_bytes",
    "weight_bytes_per_device",
]
