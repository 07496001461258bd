"""Reading single fields of a `config.json`: numbers that are numbers, and the kind of each layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from ..errors import InferstackError


class BadConfig(InferstackError):
    """A config that does not make a model. As text: a clause that follows the file or the model."""

    exit_code = 2


STAND_IN = 1
"""Read in place of a number that is wrong, so that the other fields are read too."""


class Facts(dict[str, Any]):
    """Fields of a config, and what is wrong with those that were read."""

    def __init__(self, fields: Mapping[str, Any], problems: list[str]) -> None:
        super().__init__(fields)
        self.problems = problems


def number(facts: Mapping[str, Any], *keys: str, default: int | None = None) -> int:
    """The first of `keys` that is set. A problem where it is no whole number, and where it is missing or 0 without a default."""
    for key in keys:
        value = facts.get(key)
        if value is None:
            continue
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        if isinstance(whole, bool) or not isinstance(whole, int) or whole < (1 if default is None else 0):
            return refuse(facts, f"has {key} {value!r}, which is not a {'whole' if default is not None else 'positive whole'} number")
        return whole
    if default is None:
        return refuse(facts, f"lacks `{keys[0]}`")
    return default


def refuse(facts: Mapping[str, Any], problem: str) -> int:
    """Note what is wrong and go on with a stand-in. Raises `BadConfig` at once where problems are not collected."""
    if not isinstance(facts, Facts):
        raise BadConfig(problem)
    facts.problems.append(problem)
    return STAND_IN


def listed(facts: Mapping[str, Any], key: str) -> tuple[Any, ...]:
    """The list under `key`; () where there is none."""
    value = facts.get(key)
    return tuple(cast("Sequence[Any]", value)) if isinstance(value, Sequence) and not isinstance(value, str) else ()


def layer_types(facts: Mapping[str, Any], layers: int) -> tuple[str, ...]:
    """The kind of each layer where the config says it: as a list, as an interval of full-attention layers, or as layers without rope."""
    if kinds := listed(facts, "layer_types"):
        if len(kinds) != layers or not all(isinstance(kind, str) for kind in kinds):
            refuse(facts, f"has {len(kinds)} layer_types for {layers} layers, which are to be one name each")
            return ()
        return kinds
    if interval := number(facts, "full_attention_interval", default=0):
        return tuple("linear_attention" if (layer + 1) % interval else "full_attention" for layer in range(layers))
    return tuple("chunked_attention" if rotary else "full_attention" for rotary in listed(facts, "no_rope_layers"))
