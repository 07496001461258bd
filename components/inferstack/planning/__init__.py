"""Pure search over catalog, sizing, engines, clouds and costs: from a stack file to a plan with its reasons."""

from __future__ import annotations

from .document import cost_document, document, explanation, levers_document, service_document, size_document
from .endpoints import predictor_name, service_url
from .guard import plan
from .levers import levers, plan_with_levers
from .pricing import own_fees, own_machines
from .rehearsal import simulation_document
from .size import size
from .types import StackPlan

__all__ = [
    "StackPlan",
    "cost_document",
    "document",
    "explanation",
    "levers",
    "levers_document",
    "own_fees",
    "own_machines",
    "plan",
    "plan_with_levers",
    "predictor_name",
    "service_document",
    "service_url",
    "simulation_document",
    "size",
    "size_document",
]
