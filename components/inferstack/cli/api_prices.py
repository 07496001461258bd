"""Which prices of APIs a comparison is made with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from ..errors import InputError, Problem

if TYPE_CHECKING:
    from ..catalog import ApiPrice
    from ..catalog.refresh import ApiChange

Found = TypeVar("Found")
OPTION = "--prices-on"


def rows(on: str | None) -> tuple[ApiPrice, ...]:
    """The rows of this release, or with a day those of the installed package genai-prices. Raises InputError for what is no day."""
    from .. import catalog
    from ..catalog import genai

    return catalog.api_prices() if on is None else _on(on, OPTION, genai.newer_api_prices)


def changes(on: str) -> tuple[ApiChange, ...]:
    """What the installed package genai-prices prices otherwise than this release on a day. Raises InputError for what is no day."""
    from ..catalog.refresh import changed_api_prices

    return _on(on, "--on", changed_api_prices)


def source() -> str:
    """The package and its version."""
    from ..catalog import genai

    return f"{genai.DISTRIBUTION} {genai.installed_version()}"


def _on(day: str, option: str, find: Callable[[date], Found]) -> Found:
    try:
        return find(date.fromisoformat(day))
    except ValueError:
        raise InputError([Problem(option, "is not a date", day, "write one such as 2026-11-21")]) from None
    except ImportError:
        raise InputError(
            [Problem(option, "needs the package genai-prices", day, "pip install 'inferstack[api-prices]', or leave it out")]
        ) from None
