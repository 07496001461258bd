"""From what people wrote to a `StackFile`, or to every problem of the file at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..errors import InputError, Problem, nearest_name
from .document import parse, read_text
from .finding import shown_path, stack_name
from .keys import SECRETS, SETTINGS, children, mend
from .lock import digests, read_lock
from .names import unknown_names
from .paths import NAMESPACE, canonical, key_path
from .prices import Prices
from .problems import PRICES, in_file_order, in_price_file, translate
from .schema import StackFile
from .secrets import SECRET, is_secure, looks_like
from .settings import Findings, settings
from .untyped import is_mapping

PULUMI_KEYS = ("config", "encryptionsalt", "secretsprovider", "encryptedkey", "environment")
"""Top-level keys of a stack file that Pulumi itself reads."""
BEGINNING = f"a stack file begins with `config:`, and below it `{NAMESPACE}:target:`"


def load(path: Path) -> StackFile:
    """The stack file at `path`, named after its stem. Raises InputError with all its problems."""
    source = shown_path(path)
    document = parse(read_text(path, source), source)
    findings = Findings(list(document.problems))
    config = _config(document.root, source, findings)
    return _checked(config, stack_name(path), source, (), findings)


def read(config: Mapping[str, Any], *, stack: str, source: str, secret_keys: Collection[str] = ()) -> StackFile:
    """The stack file whose settings Pulumi has read already.

    `config` maps full keys such as `inferstack:target` to values, or to JSON text, the form in which Pulumi hands objects to a program.
    Keys in `secret_keys`, and those whose value is `SECRET`, are secrets; their values are not looked at. Raises InputError with all
    problems.
    """
    return _checked(config, stack, source, secret_keys, Findings())


def read_prices(given: Mapping[str, Any]) -> Prices:
    """Prices as a price file holds them. Raises `InputError` with every problem, each at its key below `inferstack:prices`."""
    problems: list[Problem] = []
    mended = mend(given, Prices, [PRICES], problems)
    try:
        found = Prices.model_validate(mended)
    except ValidationError as failed:
        raise InputError(in_file_order([*problems, *translate(failed, ("prices",))])) from failed
    if problems:
        raise InputError(in_file_order(problems))
    return found


def _config(root: Any, source: str, findings: Findings) -> dict[str, Any]:
    """What stands under `config` in a file, secrets replaced by `SECRET`."""
    if not is_mapping(root):
        raise InputError([Problem(source, "is empty" if root is None else "is not a mapping of keys", nearest=BEGINNING)])
    for key in root:
        if key not in PULUMI_KEYS:
            findings.add(key_path([key]), "is not a key of a stack file", _top_level_way_out(key))
    config = root.get("config")
    if config is None:
        return {}
    if not is_mapping(config):
        findings.add("config", "is not a mapping of keys", BEGINNING)
        return {}
    return {key: SECRET if is_secure(value) and not looks_like(value["secure"]) else value for key, value in config.items()}


def _top_level_way_out(key: str) -> str:
    if ":" in key or key in (*SETTINGS, *SECRETS):
        return "put it under `config:`"
    nearest = nearest_name(key, PULUMI_KEYS)
    return f"use {nearest}" if nearest else "settings stand under `config:`"


def _checked(config: Mapping[str, Any], stack: str, source: str, secret_keys: Collection[str], findings: Findings) -> StackFile:
    config, price_file = _with_price_file(config, Path(source).parent, findings)
    fields = settings(config, secret_keys, findings)
    mended = {"stack": stack, "source": source, "priceFile": price_file, "imageDigests": _image_digests(source, findings)} | _mended(
        fields, findings
    )
    try:
        stack_file = StackFile.model_validate(mended)
    except ValidationError as failed:
        findings.problems += [problem for problem in translate(failed) if not findings.hides(problem.path)]
    else:
        if not findings.problems:
            return stack_file
    said = {problem.path for problem in findings.problems}
    findings.problems += [problem for problem in unknown_names(mended) if problem.path not in said and not findings.hides(problem.path)]
    raise InputError([in_price_file(problem, price_file) for problem in in_file_order(findings.problems)], source)


def _image_digests(source: str, findings: Findings) -> dict[str, str] | None:
    """What the lock beside the stack file says of images; None where there is none."""
    try:
        return digests(read_lock(Path(source)))
    except InputError as wrong:
        findings.problems += wrong.problems
        return None


def _with_price_file(config: Mapping[str, Any], folder: Path, findings: Findings) -> tuple[Mapping[str, Any], str | None]:
    """`config` with what the price file holds in place of its path, and that path; None where the stack file names none."""
    read: dict[str, Any] = dict(config)
    shown: str | None = None
    for key, value in config.items():
        if canonical(key) == PRICES and value == "":
            del read[key]  # the default in Pulumi.yaml
        elif canonical(key) == PRICES and isinstance(value, str) and value.lstrip()[:1] not in ("{", "["):
            shown = shown_path(folder / value)
            try:
                document = parse(read_text(folder / value, shown), shown)
            except InputError as unreadable:
                findings.problems += [replace(problem, path=PRICES, value=value) for problem in unreadable.problems]
                del read[key]
                continue
            findings.problems += document.problems
            read[key] = {} if document.root is None else document.root
    return read, shown


def _mended(fields: dict[str, Any], findings: Findings) -> dict[str, Any]:
    """`fields` with every key one that the schema knows; the others are reported."""
    unknown: list[Problem] = []
    mended: dict[str, Any] = {}
    for key, value in fields.items():
        section = children(StackFile)[key]
        mended[key] = value if section is None else mend(value, section, [f"{NAMESPACE}:{key}"], unknown)
    findings.problems += [problem for problem in unknown if not findings.hides(problem.path)]
    return mended
