"""Pure search over catalog, sizing, engines, clouds and costs: from a stack file to a plan with its reasons."""

from __future__ import annotations

from .document import cost_document, document, explanation, levers_document, service_document, size_document
from .endpoints import predictor_name, service_url
from .levers import levers
from .rehearsal import simulation_document
from .size import size
from .stack import plan
from .types import StackPlan

__all__ = [
    "StackPlan",
    "cost_document",
    "document",
    "explanation",
    "levers",
    "levers_document",
    "plan",
    "predictor_name",
    "service_document",
    "service_url",
    "simulation_document",
    "size",
    "size_document",
]
