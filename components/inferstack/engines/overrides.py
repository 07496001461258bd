"""The escape hatch: flags, variables and an image of the user's own, checked against what the engine's program really takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from .. import catalog
from ..catalog import Flag, FlagTable
from ..errors import Problem, join_names, nearest_name
from .flag_values import HERE, Bad, bad_value, number, one_value, switch, text_of, values
from .serving import Tuning
from .spec import EngineSpec
from .types import Engine, FlagRules, Overrides

ARGS = "engineArgs"
ENV = "env"
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SECRET_WORDS = re.compile(
    r"(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|(API|ACCESS|PRIVATE|AUTH)_?KEY|KEY)(_|$)", re.IGNORECASE
)
SECRET_KEYS = "secrets have keys of their own, inferstack:huggingFaceToken and inferstack:apiKey, and never stand in a plan"
HIDES, RANKS, FILES = (
    "would hide devices that the plan counts",
    "would make ranks that the plan does not count",
    "would keep files outside of the volume that the plan sizes",
)
FORBIDDEN = {
    "PYTHONPATH": "is refused by KServe",
    "NVIDIA_VISIBLE_DEVICES": "would show the container GPUs that it was not given",
    **dict.fromkeys(("CUDA_VISIBLE_DEVICES", "NEURON_RT_VISIBLE_CORES", "NEURON_RT_NUM_CORES"), HIDES),
    **dict.fromkeys(("WORLD_SIZE", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"), RANKS),
    **dict.fromkeys(
        (
            "HF_HUB_CACHE",
            "HUGGINGFACE_HUB_CACHE",
            "TRANSFORMERS_CACHE",
            "XDG_CACHE_HOME",
            "TRITON_CACHE_DIR",
            "CUDA_CACHE_PATH",
            "TORCHINDUCTOR_CACHE_DIR",
        ),
        FILES,
    ),
    "NCCL_BUFFSIZE": "takes memory of every GPU that the plan does not count",
}
NEAR = 0.7
"""How much of a variable's name must be alike for it to be the one that was meant."""
HOST_FIELDS = "host_"
"""What fields of `Tuning` about main memory begin with."""
KEY = re.compile(r"use (context|tensorParallel|pipelineParallel|dataParallel) of the service")
"""The key that a clause names, where a flag's number means the same there."""


def read(engine: Engine, args: Mapping[str, Any], env: Mapping[str, Any], image: str | None) -> tuple[Overrides, tuple[Problem, ...]]:
    """What `engineArgs`, `env` and `image` of a service mean to `engine`, and every problem with them, by the key under the service."""
    problems: list[Problem] = []
    words: list[str] = []
    keywords: dict[str, Any] = {}
    tuning: dict[str, Any] = {}
    seen: set[str] = set()
    rules = engine.flags
    table = None if rules.program is None else catalog.engine_flags(rules.program)
    warned: list[str] = []
    for written, value in args.items():
        try:
            if table is None:
                raise Bad(f"is not known to be an option of {engine.name}", "remove it", {f"{ARGS}.{written}": None})
            _check_whole(rules, written, value)
            if written in rules.options:
                tuning[rules.options[written]] = _amount(written, number(text_of(value)), rules)
                continue
            flag = _find(table, written, value)
            if flag.name in seen:
                raise Bad(f"is {flag.name} once more", "keep one")
            seen.add(flag.name)
            _check_left(table, flag, written, value, rules)
            if value is not False and flag.name in table.warned:
                warned.append(f"{ARGS}.{written} {table.warned[flag.name]}")
            if table.style == "keywords":
                keywords |= _keyword(flag, value, rules, tuning)
            else:
                words += _flag(table, flag, written, value, rules, tuning)
        except Bad as bad:
            hidden = SECRET_WORDS.search(written.replace("-", "_")) is not None
            at = f"{ARGS}.{written}"
            problems.append(Problem(at, bad.reason, None if hidden else _shown(value), bad.nearest, _at(bad, at)))
    problems += _lonely(seen, rules)
    problems += _env_problems(table, rules, env)
    variables = tuple((name, text_of(value)) for name, value in env.items())
    return Overrides(tuple(words), tuple(keywords.items()), variables, image, Tuning(**tuning), tuple(warned)), tuple(problems)


def apply(spec: EngineSpec, overrides: Overrides) -> EngineSpec:
    """`spec` with the user's words behind the planned ones, keywords and variables beside the planned ones, and the user's image."""
    workers = spec.workers
    return replace(
        spec,
        args=(*spec.args, *overrides.args),
        workers=workers if workers is None or workers.command else replace(workers, args=(*workers.args, *overrides.args)),
        env=(*spec.env, *overrides.env),
        image=spec.image if overrides.image is None else overrides.image,
        served=None if spec.served is None else spec.served.told(dict(overrides.keywords)),
    )


# --- flags ------------------------------------------------------------------------------------------------------------------


def _check_whole(rules: FlagRules, written: str, value: Any) -> None:
    """Passes what is no mapping of options that stand by their dotted names, such as `kv_cache_config: {host_cache_size: ...}`."""
    dotted = [option for option in rules.options if option.startswith(f"{written}.")]
    if dotted and isinstance(value, dict):
        inner: dict[str, Any] = {f"{written}.{name}": one for name, one in value.items()}  # pyright: ignore[reportUnknownVariableType]
        moved = {f"{ARGS}.{name}": one for name, one in inner.items()} if inner.keys() <= set(dotted) else {}
        raise Bad(
            "is written by the name of each option in it",
            f"use {join_names(dotted)}",
            {f"{ARGS}.{written}": None, **moved} if moved else {},
        )


def _find(table: FlagTable, written: str, value: Any) -> Flag:
    """The option that `written` means."""
    engine = table.engine
    if table.style == "environment":
        raise Bad(f"is no flag: {engine} is set by variables only", "use env", {f"{ARGS}.{written}": None})
    flag = table.find(written)
    if (successor := table.successor(written)) is not None and (flag is None or written not in _all_spellings(flag)):
        raise Bad(f"is no option of {table.title}", successor, _instead(written, successor, value))
    if flag is None:
        if (newer := _newer(table, written)) is not None:
            raise Bad(f"is not an option of {table.title}", f"use engine {newer.title}, which has it", {"engine": newer.engine})
        near = table.nearest(written)
        raise Bad(f"is not an option of {table.title}", f"did you mean {_plain(near)}?" if near else None)
    return flag


def _check_left(table: FlagTable, flag: Flag, written: str, value: Any, rules: FlagRules) -> None:
    """Passes what is the user's to say: an option that enters the plan, or one that is known to leave it as it is."""
    instead = _planned(flag.name, rules) or table.refused.get(flag.name)
    if instead is not None:
        raise Bad("is for the plan to decide", instead, _instead(written, instead, value))
    if flag.name not in rules.tunes and flag.name not in table.passes and flag.name not in table.warned:
        raise Bad("is not known to leave the plan as it is", "remove it", _instead(written, "", value))


def _newer(table: FlagTable, written: str) -> FlagTable | None:
    """The engine that the program brings at another release, where that one has the option."""
    if table.brings is None:
        return None
    own = catalog.engine_flags(table.brings.partition(" ")[0].lower())
    return own if own.find(written) is not None else None


def _flag(table: FlagTable, flag: Flag, written: str, value: Any, rules: FlagRules, tuning: dict[str, Any]) -> list[str]:
    """The words of one flag; [] where it enters the plan, which then says it."""
    return [] if _enters_plan(flag, value, rules, tuning) else _words(table, flag, written, value)


def _keyword(flag: Flag, value: Any, rules: FlagRules, tuning: dict[str, Any]) -> dict[str, Any]:
    """One keyword argument as it is written; {} where it enters the plan, which then says it."""
    if _enters_plan(flag, value, rules, tuning):
        return {}
    if flag.type == "bool":
        if not isinstance(value, bool):
            raise bad_value("is not true or false", "write true or false")
    elif flag.type != "json" or not isinstance(value, dict | list):
        one_value(flag, value)
    return {flag.name: value}


def _enters_plan(flag: Flag, value: Any, rules: FlagRules, tuning: dict[str, Any]) -> bool:
    """True where the plan says the flag from now on, by what is noted in `tuning`."""
    if (field := rules.tunes.get(flag.name)) is not None:
        tuning[field] = _tuned(field, flag, value, rules)
        # Main memory is only counted; the flag itself still has to be said.
        return not field.startswith(HOST_FIELDS)
    return False


def _instead(written: str, clause: str, value: Any) -> dict[str, object]:
    """`clause` as a change: the flag goes, and a number stands at the key of the service that is named."""
    named = KEY.match(clause)
    moved: dict[str, object] = {named[1]: value} if named is not None and type(value) is int else {}
    return {f"{ARGS}.{written}": None, **moved}


def _planned(name: str, rules: FlagRules) -> str | None:
    return next((clause for pattern, clause in rules.planned.items() if fnmatchcase(name, pattern)), None)


def _all_spellings(flag: Flag) -> set[str]:
    return {word for name in (flag.name, *flag.aliases) for word in (name, _plain(name))}


def _tuned(field: str, flag: Flag, value: Any, rules: FlagRules) -> Any:
    if field == "kv_dtype":
        if value not in rules.kv_dtypes:
            raise bad_value("is a KV cache that the plan cannot size", f"use {join_names(list(rules.kv_dtypes))}")
        return rules.kv_dtypes[value]
    amount = number(one_value(flag, value))
    return _amount(flag.name, amount, rules) if field.startswith(HOST_FIELDS) else int(amount)


def _amount(name: str, amount: float, rules: FlagRules) -> float:
    """Main memory in GiB, or the bare number where that is what is meant."""
    return amount * rules.gib.get(name, 1.0)


def _lonely(seen: set[str], rules: FlagRules) -> Iterator[Problem]:
    """Flags that do nothing, or nothing that can be planned, without exactly one of others."""
    for name in sorted(seen & rules.needs.keys()):
        others = rules.needs[name]
        given = [other for other in others if other in seen]
        if len(given) != 1:
            names = join_names([_plain(other) for other in others])
            reason = "is given with more than one that says how much" if given else "says nothing that can be planned alone"
            yield Problem(f"{ARGS}.{_plain(name)}", reason, None, f"give {'one of ' if len(others) > 1 else ''}{names} with it")


def _words(table: FlagTable, flag: Flag, written: str, value: Any) -> list[str]:
    spelling = flag.name
    if flag.type == "bool":
        return [switch(flag, written, value)]
    texts = values(flag, value)
    if table.style == "equals" and not flag.many:
        return [f"{spelling}={texts[0]}"]
    return [spelling, *texts]


# --- variables --------------------------------------------------------------------------------------------------------------


def _env_problems(table: FlagTable | None, rules: FlagRules, env: Mapping[str, Any]) -> Iterator[Problem]:
    for name, value in env.items():
        try:
            _check_variable(table, rules, name, value)
        except Bad as bad:
            hidden = SECRET_WORDS.search(name) is not None
            yield Problem(f"{ENV}.{name}", bad.reason, None if hidden else _shown(value), bad.nearest, _at(bad, f"{ENV}.{name}"))


def _check_variable(table: FlagTable | None, rules: FlagRules, name: str, value: Any) -> None:
    if VARIABLE.fullmatch(name) is None:
        raise Bad("is not a name of a variable", "use letters, digits and _")
    if isinstance(value, dict | list) or value is None or not text_of(value).isprintable():
        raise Bad("is not text of one line", "write text, a number, true or false")
    if name in FORBIDDEN:
        raise Bad(FORBIDDEN[name], "remove it", {f"{ENV}.{name}": None})
    if SECRET_WORDS.search(name):
        raise Bad("holds a secret", SECRET_KEYS)
    if name in rules.planned_env:
        raise Bad("is set by the plan", "remove it", {f"{ENV}.{name}": None})
    if table is None:
        return
    if table.style == "environment":
        _check_option(table, rules, name, text_of(value))
    elif (flag := next((flag for flag in table.flags.values() if flag.env == name), None)) is not None:
        raise Bad(f"is another spelling of {flag.name}", f"use {ARGS}.{_plain(flag.name)}", {f"{ENV}.{name}": None})
    else:
        _check_listed(table, name)


def _check_listed(table: FlagTable, name: str) -> None:
    """A variable of a program whose options are flags: some are such options in disguise."""
    known = table.variables
    if (instead := known.refused.get(name)) is not None:
        raise Bad("is for the plan to decide", instead, {f"{ENV}.{name}": None})
    prefix = known.prefix_of(name)
    if prefix is not None and name not in known.passes:
        # The prefix, which all have in common, makes none of them near.
        own = [each.removeprefix(prefix) for each in (*known.passes, *known.refused) if each.startswith(prefix)]
        near = nearest_name(name.removeprefix(prefix), own, NEAR)
        reason = f"is not a variable of {table.title}" if known.complete else "is not known to leave the plan as it is"
        if (instead := known.refused.get(f"{prefix}{near}")) is not None:
            raise Bad(reason, f"did you mean {prefix}{near}? {instead}", {f"{ENV}.{name}": None})
        raise Bad(reason, *_meant(name, near and f"{prefix}{near}"))


def _meant(name: str, near: str | None) -> tuple[str, dict[str, object]]:
    """The way out of a variable that is none: the one that was meant, or, where nothing is like it, none."""
    return (f"did you mean {near}?", {}) if near else ("remove it", {f"{ENV}.{name}": None})


def _check_option(table: FlagTable, rules: FlagRules, name: str, value: str) -> None:
    """A variable of a program whose options are variables."""
    if (instead := _planned(name, rules) or table.refused.get(name)) is not None:
        raise Bad("is for the plan to decide", instead, {f"{ENV}.{name}": None})
    prefixes = {known.partition("_")[0] for known in table.flags}
    if name in table.flags:
        if name not in table.passes:
            raise Bad("is not known to leave the plan as it is", "remove it", {f"{ENV}.{name}": None})
        if table.flags[name].type != "bool":
            one_value(table.flags[name], value)
    elif name.partition("_")[0] in prefixes:
        near = table.nearest(name)
        raise Bad(f"is not a variable of {table.engine} {table.version}", f"did you mean {near}?" if near else None)


def _plain(flag: str) -> str:
    return flag.lstrip("-")


def _at(bad: Bad, key: str) -> dict[str, object]:
    """The change of what stands at `key`."""
    return {key if at == HERE else at: to for at, to in bad.change.items()}


def _shown(value: Any) -> Any:
    """A scalar as it stands; of anything else only that it is there."""
    return value if isinstance(value, str | int | float) else None
