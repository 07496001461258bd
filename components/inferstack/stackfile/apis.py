"""What the stack file says about the APIs that services are compared with."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal, TypeGuard

from pydantic import AfterValidator, Field, WithJsonSchema

from .section import Broken, Section, fails
from .untyped import is_list, is_mapping
from .values import Many, Text, Tokens, Usd

WITHOUT_OUTPUT = ("embed", "rerank", "reward")
"""Tasks that write nothing."""


def _iso_date(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise fails("is not a date", "write one such as 2026-11-21")
    try:
        date.fromisoformat(text)
    except ValueError:
        raise fails("is not a day of the calendar", "write one such as 2026-11-21") from None
    return text


IsoDate = Annotated[str, AfterValidator(_iso_date), WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"})]


class Constraints(Section):
    """What no plan and no advice may do."""

    data_may_leave: bool = True
    """False: prompts and answers stay on machines of your own, so that `inferstack compare` names no API."""


class LongPrompts(Section):
    """Rates of requests with a long prompt; they hold for every token of such a request."""

    above_tokens: Tokens = Field(examples=[200000])
    """Prompt tokens above which these rates hold."""
    input_usd: Usd = Field(examples=[3])
    """USD per million input tokens."""
    output_usd: Usd = Field(examples=[12])
    """USD per million output tokens."""
    cached_input_usd: Usd | None = None
    """USD per million input tokens that a prompt cache answers."""

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        yield from _rules_of_discounts(given, {"cachedInputUsd": "inputUsd"})


class ApiPriceRow(Section):
    """What an API asks for a model, to be compared with; in place of the shipped row of the same host and model."""

    host: Text = Field(examples=["acme"])
    """Who serves it."""
    model: Text = Field(examples=["Qwen/Qwen3-14B"])
    """Model as in the catalog, or the provider's own name of a closed one."""
    input_usd: Usd = Field(examples=[0.12])
    """USD per million input tokens. Where the price follows the time of day: that of its dearest hours."""
    output_usd: Usd | None = Field(default=None, examples=[0.24])
    """USD per million output tokens; none with a `task` that writes none."""
    task: Literal["generate", "embed", "rerank", "reward"] | None = None
    """What the price is for. Left out: compared with whatever its model or its host stands beside."""
    cached_input_usd: Usd | None = None
    """USD per million input tokens that a prompt cache answers. Left out: as other input."""
    batch_input_usd: Usd | None = None
    """USD per million input tokens of requests that may wait. Left out, with `batchOutputUsd`: no batches."""
    batch_output_usd: Usd | None = None
    """USD per million output tokens of requests that may wait."""
    long_prompts: tuple[LongPrompts, ...] = Many
    """Tiers by prompt length, shortest first."""
    as_of: IsoDate | None = None
    """Day on which the price was read, such as 2026-11-21."""

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        silent = given.get("task") in WITHOUT_OUTPUT
        if not silent and given.get("outputUsd") is None:
            yield Broken("is needed", "write it, or the `task` of a model that writes nothing: embed, rerank or reward", at=("outputUsd",))
        for key in ("outputUsd", "batchOutputUsd") if silent else ():
            if given.get(key) is not None:
                yield Broken(f"is for output, and a model that is to {given['task']} writes none", "remove it", at=(key,))
        for key, other in () if silent else (("batchInputUsd", "batchOutputUsd"), ("batchOutputUsd", "batchInputUsd")):
            if given.get(key) is not None and given.get(other) is None:
                yield Broken(f"is needed beside `{key}`", "a batch has a price for input and for output", at=(other,))
        yield from _rules_of_discounts(given, {"cachedInputUsd": "inputUsd", "batchInputUsd": "inputUsd", "batchOutputUsd": "outputUsd"})
        tiers = given.get("longPrompts")
        starts = [tier.get("aboveTokens") if is_mapping(tier) else None for tier in tiers] if is_list(tiers) else []
        for index, (before, start) in enumerate(itertools.pairwise(starts), start=1):
            if isinstance(before, int) and isinstance(start, int) and start <= before:
                yield Broken(
                    f"is not above the {before} of the tier before it", "list tiers by length", at=("longPrompts", index, "aboveTokens")
                )


def rules_of_api_prices(rows: Any) -> Iterator[Broken]:
    """One row per host and model: which of two would hold is not known."""
    seen: dict[tuple[str, str], int] = {}
    for index, row in enumerate(rows if is_list(rows) else ()):
        host, model = (row.get("host"), row.get("model")) if is_mapping(row) else (None, None)
        if not isinstance(host, str) or not isinstance(model, str):
            continue
        first = seen.setdefault((host.casefold(), model.casefold()), index)
        if first != index:
            reason = f"on {host} is priced by apiPrices[{first}] as well"
            yield Broken(reason, "keep one; of prices by the time of day the dearest", at=("apiPrices", index, "model"))


def _rules_of_discounts(given: Mapping[str, Any], below: Mapping[str, str]) -> Iterator[Broken]:
    for key, standard in below.items():
        price, full = given.get(key), given.get(standard)
        if _is_number(price) and _is_number(full) and price > full:
            yield Broken(f"is above `{standard}` {full:g}, of which it is a discount", "swap them, or leave it out", at=(key,))


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
