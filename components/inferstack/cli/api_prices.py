"""Which prices of APIs a comparison is made with."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from ..errors import InputError, Problem

if TYPE_CHECKING:
    from ..catalog import ApiPrice

OPTION = "--prices-on"


def rows(on: str | None) -> tuple[ApiPrice, ...]:
    """The rows of this release, or with a day those of the installed package genai-prices. Raises InputError for what is no day."""
    from .. import catalog
    from ..catalog import genai

    if on is None:
        return catalog.api_prices()
    try:
        return genai.newer_api_prices(date.fromisoformat(on))
    except ValueError:
        raise InputError([Problem(OPTION, "is not a date", on, "write one such as 2026-11-21")]) from None
    except ImportError:
        raise InputError(
            [Problem(OPTION, "needs the package genai-prices", on, "pip install 'inferstack[api-prices]', or leave it out")]
        ) from None
