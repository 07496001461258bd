"""Everything that can go wrong by what a user wrote.

    InferstackError            base; carries the exit code of the command line
    ├── InputError             the input cannot become a plan (exit 2): one or more `Problem`s, all of a file at once
    └── GuardError             a plan exists, a guard such as the budget says no (exit 3)

Anything else that is raised is a bug of ours and may show a traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one key: which key, what stands there, why it cannot work, and the nearest thing that does."""

    path: str
    """Key path in the stack file, such as `inferstack:services[0].quantization`."""
    reason: str
    """A clause that follows the value: `does not run on llama.cpp`."""
    value: object = None
    """What stands there; None where the key is missing. Never a secret."""
    nearest: str | None = None
    """The nearest thing that works, as a clause: `use gguf-q4_k_m`."""
    change: Mapping[str, object] = field(default_factory=dict[str, object], compare=False)
    """The same as a change of the stack file: key path -> value, None where the key goes. Empty where only the user can know."""

    def __str__(self) -> str:
        shown = "" if self.value is None else f"{_shown(self.value)} "
        nearest = f"; {self.nearest}" if self.nearest else ""
        return f"{self.path}: {shown}{self.reason}{nearest}"


class InferstackError(Exception):
    """Base of every error that a user can cause."""

    exit_code = 1


class InputError(InferstackError):
    """The input cannot become a plan. Holds every problem found, so that a file is mended in one go."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem], source: str | None = None) -> None:
        self.problems = tuple(problems)
        self.source = source
        super().__init__(str(self))

    def __str__(self) -> str:
        prefix = f"{self.source}: " if self.source else ""
        return "\n".join(f"{prefix}{problem}" for problem in self.problems)


class GuardError(InferstackError):
    """The plan stands, but a guard refuses it; the message says what would satisfy the guard."""

    exit_code = 3


def nearest_name(name: str, known: Iterable[str], cutoff: float = 0.5) -> str | None:
    """The known name closest to `name`, ignoring case, or None where nothing is close."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=cutoff)
    return by_folded[found[0]] if found else None


def join_names(names: Sequence[str], last: str = "or") -> str:
    """`a, b or c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def _shown(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
