"""The times of the steps of one replica, whatever they were computed from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Times of one replica at one input and output length, in seconds: all that queueing needs to know of the hardware."""

    prefill_s: float
    """One prompt, alone."""
    prefill_busy_s: float
    """Time of the replica that one prompt takes; below `prefill_s` where pipeline stages work on several."""
    fixed_s: float
    """Part of a decode step that does not depend on the batch: dense weights, launches, latency of links."""
    sequence_s: float
    """Added to a decode step by each sequence: compute, its KV cache, its share of all-reduces."""
    experts_s: float
    """Reading all routed experts; kernels for all adapters."""
    expert_miss: float
    """Chance that a sequence does not use a given expert, 1 - k/E, or adapter."""
    http_s: float = 0.0
    """Added to TTFT by the way to the engine and back."""

    def decode_s(self, batch: float) -> float:
        """Seconds of one decode step of `batch` sequences, per token; experts are read as far as they are expected to be hit."""
        return self.fixed_s + self.sequence_s * batch + self.experts_s * (1 - self.expert_miss**batch)
