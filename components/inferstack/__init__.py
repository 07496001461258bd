"""inferstack: serve this model, for this traffic, within this latency and budget, as a running and priced LLM endpoint."""

from __future__ import annotations
