"""What is asked of one service: how many requests, how long, and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from .section import Broken, Section
from .untyped import is_list
from .values import Large, Many, Share, Tokens

MAX_REQUESTS_PER_SECOND = 1e6
MIN_REQUESTS_PER_SECOND = 1e-6
"""One request in eleven days."""
HOURS_PER_DAY = 24
TOKENS_PER_WORD = 1.3
SHARES_TOLERANCE = 0.001
"""How far a day's shares may be from 1: they are written with a few decimals."""


class Images(Section):
    """Images in the requests of a vision-language model. Left out: text only, and the vision tower is switched off."""

    per_request: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] = Field(examples=[1])
    """Mean."""
    most_per_request: Annotated[int, Field(ge=1, le=1000)] | None = None
    """More in one request are refused; left out: the mean, rounded up."""
    width: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Pixels of a usual image, from which its tokens follow where that is known of the model."""
    height: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """The same."""
    tokens: Tokens | None = None
    """Tokens of the language model for one image, in place of its size."""

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        size = [key for key in ("width", "height") if given.get(key) is not None]
        if given.get("tokens") is not None and size:
            yield Broken(f"stands beside `{size[0]}`, from which it follows", "keep one", at=("tokens",))
        elif len(size) == 1:
            missing = "height" if size == ["width"] else "width"
            yield Broken(f"is needed beside `{size[0]}`", "pixels of a usual image", at=(missing,))
        mean, most = given.get("perRequest"), given.get("mostPerRequest")
        if isinstance(mean, int | float) and isinstance(most, int) and most < mean:
            yield Broken(f"is below the mean of {mean:g}", f"use at least {-int(-mean // 1)}", at=("mostPerRequest",))


class Traffic(Section):
    """How much is asked: requests per second, or daily users and what each of them uses."""

    requests_per_second: Annotated[float, Field(ge=MIN_REQUESTS_PER_SECOND, le=MAX_REQUESTS_PER_SECOND, allow_inf_nan=False)] | None = None
    """Mean over the active hours."""
    daily_users: Large | None = None
    """People who use the service on one day."""
    tokens_per_user: Large | None = None
    """Input and output tokens of one user per day."""
    words_per_user: Large | None = None
    """In place of `tokensPerUser`; a word is 1.3 tokens."""
    output_share: Share | None = None
    """With `dailyUsers`: part of a user's tokens that are output. With both `isl` and `osl` it follows from them."""
    active_hours: Annotated[float, Field(gt=0, le=HOURS_PER_DAY, allow_inf_nan=False)] = 24.0
    """Hours per day in which the traffic comes."""
    active_days: Annotated[float, Field(gt=0, le=7, allow_inf_nan=False)] = 7.0
    """Days per week on which it comes; daily users are those of such a day."""
    hourly_shares: tuple[Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)], ...] = Many
    """In place of `activeHours`: the part of a day's requests in each of its 24 hours; they sum to 1."""
    peak_factor: Annotated[float, Field(ge=1, le=100, allow_inf_nan=False)] = 2.0
    """Peak over mean, within the busiest hour where `hourlyShares` are given. Replicas are sized for the peak."""
    isl: Tokens | None = None
    """Input tokens per request, of its text where there are images. Left out with `dailyUsers`: from `osl` and `outputShare`."""
    osl: Tokens | None = None
    """Output tokens per request; a model that generates nothing has none."""
    images: Images | None = None
    burstiness: Annotated[float, Field(ge=0, le=20, allow_inf_nan=False)] = 1.0
    """Of the times between requests, standard deviation over mean: 1 is Poisson, as from many independent users; more comes in bursts."""
    length_spread: Annotated[float, Field(ge=0, le=5, allow_inf_nan=False)] = 0.0
    """Of input and output tokens, standard deviation over mean: 0 where all requests are alike, about 1 in open chat."""

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        stated = {key for key, value in given.items() if value is not None}
        yield from _rules_of_hourly_shares(given)
        if {"requestsPerSecond", "dailyUsers"} <= stated:
            yield Broken("stands beside `requestsPerSecond`", "keep the one that you know", at=("dailyUsers",))
        elif "requestsPerSecond" in stated:
            yield from _rules_of_request_rates(stated)
        elif "dailyUsers" in stated:
            yield from _rules_of_daily_users(stated)
            yield from _rules_of_implied_rate(given)
        else:
            yield Broken("does not say how much is asked", "give `requestsPerSecond`, or `dailyUsers` with `tokensPerUser`")


def _rules_of_hourly_shares(given: Mapping[str, Any]) -> Iterator[Broken]:
    """A day has 24 hours, and all of its requests come in one of them."""
    shares = given.get("hourlyShares")
    if not is_list(shares) or not shares:
        return
    if given.get("activeHours") is not None:
        yield Broken("stands beside `hourlyShares`, from which it follows", "remove it", at=("activeHours",))
    numbers = [share for share in shares if isinstance(share, int | float) and not isinstance(share, bool)]
    if len(shares) != HOURS_PER_DAY:
        yield Broken(f"has {len(shares)} hours, a day has {HOURS_PER_DAY}", "begin with the hour after midnight", at=("hourlyShares",))
    elif len(numbers) == HOURS_PER_DAY and abs(sum(numbers) - 1) > SHARES_TOLERANCE:
        total = sum(numbers)
        way_out = f"divide each by {total:g}" if total > 0 else "give the busy hours their part"
        yield Broken(f"sums to {total:g}, not to 1", way_out, at=("hourlyShares",))


def _rules_of_request_rates(stated: set[str]) -> Iterator[Broken]:
    for key in ("tokensPerUser", "wordsPerUser", "outputShare"):
        if key in stated:
            yield Broken("stands beside `requestsPerSecond`", "remove it: it goes with `dailyUsers`", at=(key,))
    if "isl" not in stated:
        yield Broken("is needed with `requestsPerSecond`", "input tokens per request, such as 512", at=("isl",))


def _rules_of_daily_users(stated: set[str]) -> Iterator[Broken]:
    if not stated & {"tokensPerUser", "wordsPerUser"}:
        yield Broken("is needed with `dailyUsers`", "tokens of one user per day; or `wordsPerUser`", at=("tokensPerUser",))
    if {"tokensPerUser", "wordsPerUser"} <= stated:
        yield Broken("stands beside `tokensPerUser`", "keep the one that you know", at=("wordsPerUser",))
    lengths = ("isl", "osl", "outputShare")
    known = [key for key in lengths if key in stated]
    if len(known) == len(lengths):
        yield Broken("stands beside `isl` and `osl`, from which it follows", "remove it", at=("outputShare",))
    elif len(known) < 2 and known != ["isl"]:
        missing = [f"`{key}`" for key in lengths if key not in stated]
        yield Broken("with `dailyUsers` needs two of `isl`, `osl` and `outputShare`", f"add {' or '.join(missing)}; the third follows")


def _rules_of_implied_rate(given: Mapping[str, Any]) -> Iterator[Broken]:
    names = ("dailyUsers", "tokensPerUser", "wordsPerUser", "outputShare", "isl", "osl")
    users, tokens, words, share, isl, osl = (_positive(given.get(name)) for name in names)
    hours = _positive(given.get("activeHours", HOURS_PER_DAY))
    per_user = tokens if tokens is not None else words * TOKENS_PER_WORD if words is not None else None
    part = share if share is not None and share < 1 else None
    per_request = (
        isl + osl if isl is not None and osl is not None
        else isl / (1 - part) if isl is not None and part is not None
        else osl / part if osl is not None and part is not None
        else None
    )  # fmt: skip
    if users is None or per_user is None or per_request is None or hours is None:
        return
    rate = users * (per_user / per_request) / (hours * 3600)
    if not MIN_REQUESTS_PER_SECOND <= rate <= MAX_REQUESTS_PER_SECOND:
        bound = f"above {MAX_REQUESTS_PER_SECOND:,.0f}" if rate > 1 else f"below {MIN_REQUESTS_PER_SECOND:g}"
        yield Broken(
            f"makes {rate:.3g} requests per second of these users, {bound}", "check users, tokens per user and lengths", at=("dailyUsers",)
        )


def _positive(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < 1e15 else None
