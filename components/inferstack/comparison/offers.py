"""Which APIs a service is compared with, and what each asks for its requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from .. import catalog
from ..catalog.apis import ApiPrice, TokenRates
from ..catalog.types import Model
from ..planning.task import KINDS
from ..stackfile.schema import StackFile
from .types import CLOSED, COMPARABLE, SAME

ABOUT_THE_SIZE = 1.5
"""Total and active parameters may differ by this factor for a model to be comparable. It says nothing about quality."""
BY_USER = "stack file"
NOTHING = Decimal(0)
"""What output costs that a model does not write."""


def prices(stack: StackFile, known: Sequence[ApiPrice]) -> tuple[ApiPrice, ...]:
    """`known`, with those of the stack file in place of the rows of the same host and model."""
    own = tuple(_own_prices(stack))
    replaced = {(row.host.casefold(), row.model) for row in own}
    return (*own, *(row for row in known if (row.host.casefold(), row.model) not in replaced))


def _own_prices(stack: StackFile) -> Iterable[ApiPrice]:
    served = {custom if isinstance(custom := service.model, str) else custom.id for service in stack.services}
    for row in stack.api_prices:
        model = _model_id(row.model)
        batch = None
        if row.batch_input_usd is not None:
            batch = TokenRates(row.batch_input_usd, row.batch_output_usd or NOTHING)
        yield ApiPrice(
            host=row.host,
            model=model,
            name=row.model,
            is_open=model in catalog.models() or model in served,
            rates=TokenRates(row.input_usd, row.output_usd or NOTHING, row.cached_input_usd),
            source=BY_USER,
            as_of=row.as_of if row.as_of is not None else "undated",
            batch=batch,
            above=tuple(
                (tier.above_tokens, TokenRates(tier.input_usd, tier.output_usd, tier.cached_input_usd)) for tier in row.long_prompts
            ),
            kind=None if row.task is None else KINDS[row.task],
        )


def _model_id(name: str) -> str:
    """The catalog's id of an open model; any other name as it is."""
    try:
        return catalog.model(name).id
    except catalog.UnknownName:
        return name


def kind(price: ApiPrice, model: Model) -> str | None:
    """How `price`'s model stands to the service's; None where they are not compared."""
    if price.kind is not None and price.kind != model.kind:
        return None
    if price.model == model.id:
        return SAME
    if not price.is_open:
        return CLOSED
    other = catalog.models().get(price.model)
    return COMPARABLE if other is not None and _alike(other, model) else None


def _alike(one: Model, other: Model) -> bool:
    pairs = ((one.params_total, other.params_total), (one.params_active, other.params_active))
    return one.kind == other.kind and all(max(pair) <= ABOUT_THE_SIZE * min(pair) for pair in pairs)
