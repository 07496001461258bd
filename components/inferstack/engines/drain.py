"""How a pod leaves without cutting off the responses that it is writing."""

from __future__ import annotations

from .spec import Drain

FORGET = 10
"""Seconds until every proxy has dropped the pod from its endpoints."""
MARGIN = 30
"""Seconds for the process to stop after its last response."""


def drains_on_sigterm(longest_response_seconds: int) -> Drain:
    """For an engine that finishes its running requests after SIGTERM: a short sleep, then as long as the longest response."""
    return Drain(pre_stop=FORGET, grace=FORGET + longest_response_seconds + MARGIN)


def stops_on_sigterm(longest_response_seconds: int, idle: str | None = None) -> Drain:
    """For an engine that does not finish running requests after SIGTERM: the longest response is waited for before the signal.

    `idle` is a shell command that succeeds once no request runs: the wait ends there. A server too busy to answer counts as running.
    """
    wait = FORGET + longest_response_seconds
    command = () if idle is None else ("timeout", str(wait), "sh", "-c", f"sleep {FORGET}; until {idle}; do sleep 1; done")
    return Drain(wait, wait + MARGIN, command)
