"""Which accelerator a free text means, where the catalog does not have it letter by letter.

`8x NVIDIA H100 80GB HBM3` is the part `h100` with 80 GB: vendor, count, memory and form are taken off the name, and only tell apart the
accelerators that share the rest.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import NamedTuple

from .. import catalog
from ..catalog.types import Accelerator
from .spellings import spellings


class Part(NamedTuple):
    """A name taken apart."""

    core: str
    """Letters and digits of the part itself: `h100`, `rtx4090`, `mi300x`."""
    gb: int | None
    form: str
    """sxm, pcie, nvl or "" where the name does not say."""


def accelerator_named(name: str) -> Accelerator | None:
    """The accelerator with the same part; of several the one with the stated memory and form, else the most common. None without one."""
    part = part_of(name)
    found = _by_core().get(part.core, ())
    if not found:
        return None
    return min(found, key=lambda pair: (_apart(part, pair[1]), _rank(pair[0])))[0]


def visible_gib(name: str) -> float | None:
    """Memory of a GPU of which the catalog knows no more, as software prints it; None where that is not known either."""
    return spellings()["gpus"]["visible_gib"].get(part_of(name).core)


def part_of(name: str) -> Part:
    """The name taken apart."""
    noise, sizes = frozenset(spellings()["gpus"]["noise"]), spellings()["gpus"]["sizes_gb"]
    core: list[str] = []
    gb, form = None, ""
    for token in re.findall(r"[a-z0-9]+", re.sub(r"\(.*?\)", "", name.casefold())):
        if size := re.fullmatch(r"(\d+)(?:gb|gib)", token):
            gb = int(size.group(1))
        elif shape := re.fullmatch(r"(sxm|pcie|nvl)\d?", token):
            form = shape.group(1)
        elif token not in noise and not re.fullmatch(r"\d+x|x\d+|hbm\d?e?", token):
            core.append(re.sub(r"^\d+x(?=[a-z])", "", token))
    if len(core) > 1 and gb is None and core[-1].isdigit() and int(core[-1]) in sizes:
        gb = int(core.pop())
    return Part("".join(core), gb, form)


@functools.cache
def _by_core() -> Mapping[str, tuple[tuple[Accelerator, Part], ...]]:
    found: dict[str, dict[str, tuple[Accelerator, Part]]] = {}
    for accelerator in catalog.accelerators().values():
        for spelling in (accelerator.id, accelerator.name, *accelerator.aliases):
            part = part_of(spelling)
            known = found.setdefault(part.core, {})
            if accelerator.id not in known or known[accelerator.id][1].gb is None:
                known[accelerator.id] = (accelerator, part)
    return {core: tuple(rows.values()) for core, rows in found.items()}


def _apart(wanted: Part, other: Part) -> tuple[int, bool]:
    """How far the memory is off, in steps of 8 GB, and whether the form is another; SXM where none is said."""
    memory = 0 if wanted.gb is None or other.gb is None else abs(wanted.gb - other.gb) // 8
    return memory, (wanted.form or "sxm") != (other.form or "sxm")


def _rank(accelerator: Accelerator) -> tuple[bool, int]:
    """The most common of those that share a name first, then in the order of the catalog."""
    return accelerator.id not in spellings()["gpus"]["common"], tuple(catalog.accelerators()).index(accelerator.id)
