"""When a service runs: a window of the week, outside of which it is scaled down or away."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeGuard

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from ..errors import nearest_name
from .section import Broken, Section, fails
from .untyped import is_list
from .values import Text

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00"
MINUTES_PER_DAY = 24 * 60


def _time(text: str) -> str:
    if not re.fullmatch(TIME, text):
        raise fails("is not a time of the day", 'write it in quotes, such as "08:00"')
    return text


SPELLED = {"weekdays": "mon-fri", "workdays": "mon-fri", "weekend": "sat-sun", "weekends": "sat-sun", "daily": "mon-sun", "all": "mon-sun"}
"""What people write in place of a list of days."""


def _days(given: Any) -> Any:
    """Days are listed one by one: a range, or a word for several of them, is answered with the list that it means."""
    words = [given] if isinstance(given, str) else given if is_list(given) else []
    meant = [_meant(word) if isinstance(word, str) else () for word in words]
    if not words or not all(meant):
        return given
    days = list(dict.fromkeys(itertools.chain(*meant)))
    if isinstance(given, str) or not all(word in DAYS for word in words):
        said = "is text" if isinstance(given, str) else f"says {', '.join(words)}"
        raise fails(f"{said}, and days are listed one by one", f"write [{', '.join(days)}]")
    return given


def _meant(word: str) -> tuple[str, ...]:
    """The days that `word` stands for; none where that is not known."""
    text = word.strip().casefold()
    named = [day for name in re.split(r"\s*(?:-|–|\.\.|\bto\b)\s*", SPELLED.get(text, text)) for day in DAYS if name[:3] == day]
    if "," in text or len(named) not in (1, 2):
        each = [_meant(part) for part in text.split(",")] if "," in text else []
        return tuple(itertools.chain(*each)) if all(each) else ()
    first, last = DAYS.index(named[0]), DAYS.index(named[-1])
    return tuple(DAYS[at % len(DAYS)] for at in range(first, last + 1 + (len(DAYS) if last < first else 0)))


def _zone(name: str) -> str:
    import zoneinfo  # only for files with a schedule

    known = zoneinfo.available_timezones()
    if known and name not in known:
        near = nearest_name(name, known)
        raise fails("is not the name of a time zone", f"use {near}" if near else "use one such as Europe/Berlin")
    return name


Time = Annotated[str, AfterValidator(_time), WithJsonSchema({"type": "string", "pattern": f"^({TIME})$"})]


class Schedule(Section):
    """A window of the week in which the service runs, kept by a cron trigger of KEDA. Costs count it because it is deployed."""

    start: Time = Field(examples=['"08:00"'])
    """First minute of the window, in quotes."""
    end: Time = Field(examples=['"20:00"'])
    """Last minute of it; "24:00" is midnight."""
    days: Annotated[tuple[Day, ...], Field(min_length=1, strict=False), BeforeValidator(_days)] = ("mon", "tue", "wed", "thu", "fri")
    """Days on which the window opens."""
    timezone: Annotated[Text, AfterValidator(_zone)] = "UTC"
    """Name of the time zone, such as Europe/Berlin."""
    outside_replicas: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Replicas outside the window. 0: none, and requests fail until it opens again."""

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        start, end = given.get("start"), given.get("end")
        if is_time(start) and is_time(end) and minutes(start) >= minutes(end):
            yield Broken(f"is not after `start` {start}", "a window lies within one day", at=("end",))

    @property
    def hours_per_week(self) -> float:
        return len(set(self.days)) * (minutes(self.end) - minutes(self.start)) / 60


def is_time(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and re.fullmatch(TIME, value) is not None


def minutes(time: str) -> int:
    """Minutes since midnight."""
    hours, _, rest = time.partition(":")
    return int(hours) * 60 + int(rest)
