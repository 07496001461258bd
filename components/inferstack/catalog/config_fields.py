"""Reading single fields of a `config.json`: numbers that are numbers, and the kind of each layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from ..errors import InferstackError


class BadConfig(InferstackError):
    """A config that does not make a model. As text: a clause that follows the file or the model."""

    exit_code = 2


def number(facts: Mapping[str, Any], *keys: str, default: int | None = None) -> int:
    """The first of `keys` that is set. Raises `BadConfig` where it is no whole number, and where it is missing or 0 without a default."""
    for key in keys:
        value = facts.get(key)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < (1 if default is None else 0):
            raise BadConfig(f"has {key} {value!r}, which is not a {'whole' if default is not None else 'positive whole'} number")
        return value
    if default is None:
        raise BadConfig(f"lacks `{keys[0]}`")
    return default


def listed(facts: Mapping[str, Any], key: str) -> tuple[Any, ...]:
    """The list under `key`; () where there is none."""
    value = facts.get(key)
    return tuple(cast("Sequence[Any]", value)) if isinstance(value, Sequence) and not isinstance(value, str) else ()


def layer_types(facts: Mapping[str, Any], layers: int) -> tuple[str, ...]:
    """The kind of each layer where the config says it: as a list, as an interval of full-attention layers, or as layers without rope."""
    if kinds := listed(facts, "layer_types"):
        return kinds
    if interval := number(facts, "full_attention_interval", default=0):
        return tuple("linear_attention" if (layer + 1) % interval else "full_attention" for layer in range(layers))
    return tuple("chunked_attention" if rotary else "full_attention" for rotary in listed(facts, "no_rope_layers"))
