"""The options that the program of an engine really has, at its pinned release."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

from . import names
from .tables import DATA, table


@dataclass(frozen=True, slots=True)
class Flag:
    """One option of a program."""

    name: str
    """As the program spells it: `--max-num-seqs`, or the variable where options are environment variables."""
    type: str
    """bool (takes no value), int, float, size (a number with k, M or G), json or str."""
    choices: tuple[str, ...] = ()
    """Legal values; () where any is."""
    words: tuple[str, ...] = ()
    """Words that are legal besides numbers."""
    aliases: tuple[str, ...] = ()
    """Other spellings; those of a bool include the one that switches it off."""
    many: bool = False
    """True where it takes several values."""
    optional: bool = False
    """True where it may stand without its value."""
    env: str | None = None
    """Environment variable that sets it as well."""

    @property
    def negations(self) -> tuple[str, ...]:
        """The spellings that switch a bool off, `--no-...` first; () where none does."""
        opposite = "--enable-" if self.name.startswith("--disable-") else "--disable-"
        return tuple(sorted((alias for alias in self.aliases if alias.startswith(("--no-", opposite))), reverse=True))


@dataclass(frozen=True, slots=True)
class Variables:
    """Environment variables of a program whose options are flags, where its source lists them."""

    prefixes: tuple[str, ...]
    """What its own begin with."""
    complete: bool
    """True where all of them are listed, so that another is none; of the others nobody knows what they do to a plan."""
    refused: Mapping[str, str]
    """Variable -> what to do instead, as a clause."""
    passes: frozenset[str]
    """Those that leave a plan as it is."""

    def prefix_of(self, name: str) -> str | None:
        """The prefix that `name` begins with; None for a variable of something else."""
        return next((prefix for prefix in self.prefixes if name.startswith(prefix)), None)


NO_VARIABLES = Variables((), True, MappingProxyType({}), frozenset())


@dataclass(frozen=True, slots=True)
class FlagTable:
    """All options of one program."""

    engine: str
    version: str
    style: str
    """equals: `--flag=value`; words: the value is the next word; environment: there are variables only; keywords: arguments of a function,
    each with a value of its type."""
    flags: Mapping[str, Flag]
    removed: Mapping[str, str]
    """Spellings that people still write and the program refuses -> what to do instead, as a clause."""
    refused: Mapping[str, str]
    """Options that would make another plan, or open what is closed -> what to do instead, as a clause; beside those of `FlagRules`."""
    warned: Mapping[str, str]
    """Options that are passed on with a warning -> what they do, as a clause."""
    passes: frozenset[str]
    """Options that change neither memory, parallelism, context, batch, weights nor who may do what. One that is nowhere is not known to."""
    variables: Variables
    source: str
    license: str
    as_of: str
    brings: str | None = None
    """Another program at its version, whose options these are."""

    @property
    def title(self) -> str:
        return f"{self.engine} {self.version}" + (f", which brings {self.brings}" if self.brings else "")

    def find(self, spelling: str) -> Flag | None:
        """The option that `spelling` means, exactly or but for case, dashes and underscores; None where there is none."""
        exact, loose = _spellings(self.engine)
        name = exact.get(spelling) or exact.get(f"--{spelling}") or exact.get(f"-{spelling}") or loose.get(names.folded(spelling))
        return None if name is None else self.flags[name]

    def successor(self, spelling: str) -> str | None:
        """What stands in for a removed option; None where it was none."""
        removed = {names.folded(name): clause for name, clause in self.removed.items()}
        return removed.get(names.folded(spelling))

    def nearest(self, spelling: str) -> str | None:
        """The option that is spelt most like `spelling`; None where nothing is close."""
        found = names.nearest(names.folded(spelling), _spellings(self.engine)[1])
        return found[0] if found else None


@functools.cache
def engine_flags(engine: str) -> FlagTable:
    """The options of `engine`. Raises `UnknownName` (kind engine) where none are known."""
    known = names.index((path.stem for path in (DATA / "flags").glob("*.json")), {})
    rows = table(f"flags/{names.resolve('engine', engine, known)}")
    flags = {name: Flag(name, **{key: _frozen(value) for key, value in row.items()}) for name, row in rows["flags"].items()}
    return FlagTable(
        engine=rows["engine"],
        version=rows["version"],
        style=rows["style"],
        flags=MappingProxyType(flags),
        removed=MappingProxyType(rows["removed"]),
        refused=_by_name(rows["left"]["refused"]),
        warned=MappingProxyType(rows["left"]["warned"]),
        passes=frozenset(rows["left"]["passes"]),
        variables=_variables(rows["left"].get("variables")),
        source=rows["source"],
        license=rows["license"],
        as_of=rows["as_of"],
        brings=rows.get("brings"),
    )


def _variables(row: Mapping[str, Any] | None) -> Variables:
    """Those of a program, and of the programs that it brings (`of`)."""
    if row is None:
        return NO_VARIABLES
    brought = [engine_flags(engine).variables for engine in row.get("of", ())]
    refused = {name: clause for each in brought for name, clause in each.refused.items()}
    return Variables(
        prefixes=(*row["prefixes"], *(prefix for each in brought for prefix in each.prefixes)),
        complete=row["complete"],
        refused=MappingProxyType({**refused, **_by_name(row["refused"])}),
        passes=frozenset(row["passes"]).union(*(each.passes for each in brought)),
    )


def _by_name(clauses: Mapping[str, list[str]]) -> Mapping[str, str]:
    """Name -> clause, from the names that each clause is for."""
    return MappingProxyType({name: clause for clause, known in clauses.items() for name in known})


@functools.cache
def _spellings(engine: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Spelling -> name of every option and alias, as they are and folded; a name comes before another's alias."""
    flags = engine_flags(engine).flags
    exact = {alias: flag.name for flag in flags.values() for alias in flag.aliases} | {name: name for name in flags}
    loose = names.index(flags, {flag.name: [alias for alias in flag.aliases if alias.startswith("--")] for flag in flags.values()})
    return exact, loose


def _frozen(value: Any) -> Any:
    return tuple(cast("list[str]", value)) if isinstance(value, list) else value
