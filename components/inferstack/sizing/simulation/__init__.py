"""Continuous batching, request by request: arrivals, chunked prefill, KV blocks, preemption, and a balancer before several replicas.

The closed form in `queueing.py` is for the search; this confirms what it chose. Deterministic by seed; the standard library is enough.
"""

from .arrivals import Lengths, Requests, generate
from .balancing import POLICIES, simulate
from .outcome import Distribution, Outcome
from .steps import StepCosts, step_costs
from .trace import parse_trace, read_trace

__all__ = [
    "POLICIES",
    "Distribution",
    "Lengths",
    "Outcome",
    "Requests",
    "StepCosts",
    "generate",
    "parse_trace",
    "read_trace",
    "simulate",
    "step_costs",
]
