"""Probes of an engine that answers one health path: how long it may take to start, and when it counts as stuck."""

from __future__ import annotations

import math

from .spec import HttpProbe, Probes

STARTUP_PERIOD = 10
STARTUP_MARGIN = 1.5
"""Over the upper end of the cold start: a probe that is too short kills the pod in the middle of its load, for ever."""
SHORTEST_STARTUP = 300
"""Seconds that every engine gets, so that a small model on a busy disk is not killed either."""


def probes(path: str, port: int, startup_seconds: int, *, readiness_path: str | None = None, timeout: int = 10) -> Probes:
    """Startup, readiness and liveness on `path`; `startup_seconds` is the upper end of the cold start after the image is there.

    Liveness waits a minute: engines share one event loop between health and traffic, and a restart costs a cold start.
    """
    allowed = max(SHORTEST_STARTUP, STARTUP_MARGIN * startup_seconds)
    return Probes(
        startup=HttpProbe(path, port, period=STARTUP_PERIOD, failures=math.ceil(allowed / STARTUP_PERIOD), timeout=timeout),
        readiness=HttpProbe(path if readiness_path is None else readiness_path, port, period=5, failures=3, timeout=timeout),
        liveness=HttpProbe(path, port, period=10, failures=6, timeout=timeout),
    )


def startup_limit_seconds(probes: Probes) -> int:
    """Seconds after which Kubernetes gives a start up; an engine's own limit must not be shorter."""
    return probes.startup.period * probes.startup.failures
