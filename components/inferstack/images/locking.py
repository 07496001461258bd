"""From the images of a plan to the rows of its lock, and to what has moved since it was written."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..errors import InputError, Problem
from ..planning.image_digests import Image
from .reference import reference
from .registry import Registries, Unresolved

Row = Mapping[str, str]
HEAD = """\
# What the tags of this stack's images meant when `inferstack images lock` asked their registries. Commit it: plans name images by these
# digests, and `inferstack images lock --check` says which tag has moved since.
"""


@dataclass(frozen=True, slots=True)
class Locked:
    """What a lock holds, and how it came from the one before."""

    rows: dict[str, Row]
    """Image by name and tag -> digest, registry and the day on which it was first resolved to that."""
    added: tuple[str, ...]
    moved: tuple[Moved, ...]
    dropped: tuple[str, ...]
    """Images that no longer stand in the plan."""

    @property
    def is_current(self) -> bool:
        """True where the lock before was the same."""
        return not (self.added or self.moved or self.dropped)


@dataclass(frozen=True, slots=True)
class Moved:
    """A tag that means another image than it did."""

    image: str
    was: str
    now: str


def lock(images: Iterable[Image], before: Mapping[str, Row] | None, today: datetime.date, registries: Registries) -> Locked:
    """The lock of `images`. Raises InputError with every image that could not be resolved; then nothing is to be written."""
    known = before or {}
    rows: dict[str, Row] = {}
    problems: list[Problem] = []
    for image in images:
        if not image.is_tag:
            continue
        try:
            rows[image.name] = _row(image.name, known.get(image.name), today, registries)
        except Unresolved as unresolved:
            problems.append(Problem(image.name, unresolved.reason, nearest=unresolved.nearest))
    if problems:
        raise InputError(problems)
    return Locked(
        rows=rows,
        added=tuple(name for name in rows if name not in known),
        moved=moved(known, rows),
        dropped=tuple(name for name in known if name not in rows),
    )


def moved(before: Mapping[str, Row], after: Mapping[str, Row]) -> tuple[Moved, ...]:
    """Tags in both whose digests differ."""
    both = [name for name in after if name in before]
    return tuple(
        Moved(name, before[name]["digest"], after[name]["digest"]) for name in both if before[name]["digest"] != after[name]["digest"]
    )


def text(rows: Mapping[str, Row]) -> str:
    """A lock as its file holds it, rows by name."""
    import yaml  # only where a lock is written

    return HEAD + yaml.safe_dump({"images": {name: dict(rows[name]) for name in sorted(rows)}}, sort_keys=False, width=140)


def _row(name: str, before: Row | None, today: datetime.date, registries: Registries) -> Row:
    wanted = reference(name)
    digest = registries.digest(wanted)
    if before is not None and before["digest"] == digest:
        return before
    return {"digest": digest, "registry": wanted.registry, "resolved": today.isoformat()}
