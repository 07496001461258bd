"""Which parser an engine needs to tell a model's tool calls, or its reasoning, from its answer."""

from __future__ import annotations

from .tables import table

TOOLS, REASONING = "tools", "reasoning"


def parser(engine: str, model: str, kind: str) -> str | None:
    """Name of the parser of `kind` that `engine` has for the model of that id; None where it is not known."""
    rows = table("parsers")["rows"]
    fitting = [beginning for beginning in rows if model.startswith(beginning)]
    return rows[max(fitting, key=len)].get(engine, {}).get(kind) if fitting else None


def parsed(model: str, kind: str) -> tuple[str, ...]:
    """Engines whose parser of `kind` for that model is known."""
    return tuple(engine for engine in table("parsers")["sources"] if parser(engine, model, kind) is not None)
