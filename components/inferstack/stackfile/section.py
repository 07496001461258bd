"""What every part of the stack file is: strict, closed, and checked by its fields and its rules at once.

A field's own check stops at its field. A rule across fields reads what stands in the file, checked or not, so that it is reported
together with everything else that is wrong and not one run later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import InitErrorDetails, PydanticCustomError

from .untyped import is_list, is_mapping

RULE = "rule"
"""Type of the pydantic errors that carry a broken rule; their context holds `reason` and `nearest`."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that what stands in the file does not keep."""

    reason: str
    """A clause that follows the value."""
    nearest: str | None = None
    at: tuple[str | int, ...] = ()
    """Keys from the section down to the one that is wrong; () for the section as a whole."""


class Section(BaseModel):
    """Base of every part of the stack file: camelCase keys, unknown keys refused, no silent conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, strict=True, defer_build=True)

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        """Rules across keys that `given` breaks: what stands in the file by its camelCase key, of any type. None is not given."""
        return iter(())

    @model_validator(mode="wrap")
    @classmethod
    def _with_rules(cls, data: Any, check: ModelWrapValidatorHandler[Self]) -> Self:
        broken = [_as_error(rule, data) for rule in cls.rules(data)] if is_mapping(data) else []
        try:
            section = check(data)
        except ValidationError as failed:
            raise ValidationError.from_exception_data(cls.__name__, [*broken, *_again(failed)]) from None
        if broken:
            raise ValidationError.from_exception_data(cls.__name__, broken)
        return section


def _as_error(rule: Broken, data: Any) -> InitErrorDetails:
    return InitErrorDetails(type=fails(rule.reason, rule.nearest), loc=rule.at, input=_at(data, rule.at))


def _at(data: Any, path: tuple[str | int, ...]) -> Any:
    """What stands at `path` below `data`; None where nothing does."""
    for key in path:
        if isinstance(key, str) and is_mapping(data):
            data = data.get(key)
        elif isinstance(key, int) and is_list(data) and key < len(data):
            data = data[key]
        else:
            return None
    return data


def _again(failed: ValidationError) -> Iterator[InitErrorDetails]:
    """The errors of `failed`, to be raised once more."""
    for error in failed.errors(include_url=False):
        context = error.get("ctx", {})
        kind = PydanticCustomError(RULE, "{reason}", context) if error["type"] == RULE else error["type"]
        yield InitErrorDetails(type=kind, loc=error["loc"], input=error["input"], ctx=context)


def fails(reason: str, nearest: str | None = None) -> PydanticCustomError:
    """The error of a value that keeps no rule: `reason` as a clause that follows it, `nearest` as the way out."""
    return PydanticCustomError(RULE, "{reason}", {"reason": reason, "nearest": nearest})
