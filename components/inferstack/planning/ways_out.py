"""The ways out of what is wrong with a service before anything is searched: each planned as if it were written, so that it has a price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import Problem, join_names
from ..stackfile.editing import TARGET, edited
from ..stackfile.schema import Service
from .offers import IN_PODS, UNPRICED, works
from .problems import Problems
from .refusal import no_placement
from .requirement import Requirement
from .resolve import resolve
from .search import search
from .site import Site

ROUNDS = 4
"""Changes that may follow from one another, such as flags that another engine does not have."""


def with_ways_out(found: Sequence[Problem], service: Service, path: str, site: Site, base: Path, has_token: bool) -> list[Problem]:
    """`found`, the problems of `service`, each that names a change with what all of these changes lead to: a plan and its price.

    The change of each becomes the whole one, as one file is mended and not one key. What only the user can know, such as a misspelt
    name, has no price, and nothing beside it has.
    """
    if not any(problem.change for problem in found):
        return list(found)
    if not all(problem.change for problem in found):
        return [_saying(problem, f"{UNPRICED} while other keys are wrong") if problem.change else problem for problem in found]
    change, said = _planned(_joined(found), service, path, site, base, has_token)
    return [replace(_saying(problem, said), change=change) for problem in found]


def followed(problem: Problem, requirement: Requirement, site: Site, base: Path) -> Problem:
    """`problem`, which a search left, with all that has to follow its change, such as variables that another engine does not have."""
    if not problem.change:
        return problem
    change, said = _planned(problem.change, requirement.service, requirement.path, site, base, requirement.has_token)
    return problem if change == problem.change else replace(_saying(problem, said), change=change)


def _saying(problem: Problem, said: str) -> Problem:
    return replace(problem, nearest="; ".join(clause for clause in (problem.nearest, said) if clause))


def _planned(
    change: Mapping[str, object], service: Service, path: str, site: Site, base: Path, has_token: bool
) -> tuple[Mapping[str, object], str]:
    """`change` with what else has to follow, and the plan that it leads to as a clause. No change where it leads to none: then the clause
    says what would be in the way next."""
    said = UNPRICED
    for _ in range(ROUNDS):
        wish, target, problems = edited(service, path, change), edited(site.target, TARGET, change), Problems()
        if wish is None or target is None:
            break
        there = site if target is site.target else Site.of(target, site.prices)
        requirement = resolve(wish, path, there, base, has_token, problems)
        if requirement is not None:
            outcome = search(requirement, there)
            if outcome.chosen is not None and requirement.shares_pods:
                return change, IN_PODS
            if outcome.chosen is not None:
                return change, f"{_as_text(change, path)} {works(requirement, outcome.chosen, names_engine=True)}"
            problems.found.append(no_placement(requirement, outcome, there))
        said = f"then {str(problems.found[0]).removeprefix(f'{path}.')}"
        more = {**change, **_joined(problems.found)}
        if more == change or not all(problem.change for problem in problems.found):
            break
        change = more
    return {}, said


def _joined(problems: Iterable[Problem]) -> dict[str, object]:
    """All their changes; of two for one key the first."""
    joined: dict[str, object] = {}
    for problem in problems:
        joined |= {key: value for key, value in problem.change.items() if key not in joined}
    return joined


def _as_text(change: Mapping[str, object], path: str) -> str:
    """`with context 131072 and without engineArgs`."""
    short = {key.removeprefix(f"{path}.").removeprefix("inferstack:"): value for key, value in change.items()}
    sets = [f"{key} {_written(value)}" for key, value in short.items() if value is not None]
    goes = [key for key, value in short.items() if value is None]
    clauses = (f"with {join_names(sets, 'and')}" if sets else "", f"without {join_names(goes, 'and')}" if goes else "")
    return " and ".join(clause for clause in clauses if clause)


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
