"""A server of the user's own, as the stack file says it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .section import Section
from .values import Many, PortNumber, Text, UrlPath


class OwnMetrics(Section):
    """Its names for the signals that scaling and dashboards read. What is left out it does not tell."""

    path: UrlPath = "/metrics"
    """Where Prometheus scrapes."""
    requests_waiting: Text | None = None
    """Gauge of requests that wait; without it all replicas stand."""
    requests_running: Text | None = None
    """Gauge of requests that run."""
    kv_usage: Text | None = None
    """Gauge of KV cache use, 0 to 1."""
    ttft: Text | None = None
    """Histogram of times to first token, seconds."""
    tpot: Text | None = None
    """Histogram of times per output token, seconds."""


class OwnServer(Section):
    """A server of your own, with `engine: custom` and `image`.

    The plan is told to it by variables, to which arguments may refer: $(MODEL), $(SERVED_MODEL_NAME), $(PORT), $(TENSOR_PARALLEL_SIZE),
    $(MAX_MODEL_LEN) and $(MAX_NUM_SEQS).
    """

    like: Text = Field(default="vllm", examples=["vllm"])
    """The engine that it is most like: what it runs, its memory and its speed are taken to be that engine's."""
    command: tuple[Text, ...] = Many
    """In place of the image's entry point."""
    args: tuple[Text, ...] = Many
    """Arguments, one word each. They may refer to the plan: $(MODEL), $(MODEL_FILE), $(MODEL_REVISION), $(SERVED_MODEL_NAME), $(PORT),
    $(TENSOR_PARALLEL_SIZE), $(MAX_MODEL_LEN), $(MAX_NUM_SEQS); the container has them as variables."""
    port: PortNumber = 8000
    """Port of its OpenAI API."""
    startup_path: UrlPath = "/health"
    """Answers 200 once the model is loaded."""
    readiness_path: UrlPath | None = None
    """Answers 200 while it takes requests; left out: `startupPath`."""
    metrics: OwnMetrics | None = None
    drains: bool = False
    """True where it finishes running requests after SIGTERM; otherwise a pod that leaves waits for the longest response first."""
    api_key_env: Text | None = None
    """Variable that it reads the callers' key from. Without one it asks nobody for a key and is reached from its own namespace only."""
    cache: UrlPath = "/cache"
    """Folder that it downloads weights to; HF_HOME points there."""
    run_as_user: Annotated[int, Field(ge=1, le=65535)] | None = None
    """User that the container runs as; left out: the image's own."""
