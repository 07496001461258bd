"""Text for people: pure functions from the public documents (plan, costs, resources) to what a terminal or a pipe shows."""

from __future__ import annotations
