"""What stands under `config:`: which of it is ours, what is secret, and the rest as plain data that may be shown."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from ..errors import Problem, nearest_name
from .document import MAX_DEPTH, MAX_VALUES, whole, within_64_bits
from .keys import SECRETS, SETTINGS, unknown_setting
from .paths import NAMESPACE, canonical, key_path
from .secrets import Secret, is_secure, looks_like
from .untyped import is_mapping

PROVIDER_KEYS = ("gcp:project", "gcp:region", "aws:region")
"""Settings of other namespaces that plans read."""
OWN_KEYS = "secrets have keys of their own: inferstack:huggingFaceToken and inferstack:apiKey"


@dataclass(slots=True)
class Findings:
    """What was found wrong so far, and the places whose values must not be shown."""

    problems: list[Problem] = field(default_factory=list[Problem])
    hidden: list[str] = field(default_factory=list[str])
    values: int = 0

    def add(self, path: str, reason: str, nearest: str | None = None, value: object = None) -> None:
        self.problems.append(Problem(path, reason, value, nearest))

    def hide(self, path: str, reason: str, nearest: str) -> None:
        """Adds a problem with a value that is never shown; whatever else is wrong with it stays unsaid."""
        self.add(path, reason, nearest)
        self.hidden.append(path)

    def hides(self, path: str) -> bool:
        return any(path == hidden or path.startswith((f"{hidden}.", f"{hidden}[")) for hidden in self.hidden)


def settings(config: Mapping[str, Any], secret_keys: Collection[str], findings: Findings) -> dict[str, Any]:
    """The fields of a `StackFile` that `config` gives, by their camelCase keys, as plain data."""
    secret = {canonical(key) for key in secret_keys} | {canonical(key) for key, value in config.items() if isinstance(value, Secret)}
    own = _own(config, findings)
    fields: dict[str, Any] = {"provider": _provider(config, secret)}
    for name in SECRETS:
        is_set = name in own and (f"{NAMESPACE}:{name}" in secret or _is_plain_secret(name, own[name], findings))
        fields[f"has{name[0].upper()}{name[1:]}"] = is_set
    for name in SETTINGS:
        if name in own:
            fields[name] = _setting(name, own[name], f"{NAMESPACE}:{name}" in secret, findings)
    return fields


def _own(config: Mapping[str, Any], findings: Findings) -> dict[str, Any]:
    own: dict[str, Any] = {}
    written: dict[str, str] = {}
    for key, value in config.items():
        namespace, _, name = canonical(key).partition(":")
        if namespace != NAMESPACE:
            if name in SETTINGS and nearest_name(namespace, [NAMESPACE], 0.8):
                findings.add(key_path([key]), "is of another namespace", f"use {NAMESPACE}:{name}")
        elif name not in (*SETTINGS, *SECRETS):
            findings.add(f"{NAMESPACE}:{_safe(name)}", "is not a key of the stack file", unknown_setting(name))
        elif name in own:
            findings.add(f"{NAMESPACE}:{name}", f"is written twice, as {written[name]} and as {key}", "keep one")
        else:
            own[name], written[name] = value, key
    return own


def _safe(key: str) -> str:
    return repr(Secret()) if looks_like(key) else key_path([key])


def _provider(config: Mapping[str, Any], secret: Collection[str]) -> dict[str, str]:
    known = {canonical(key): value for key, value in config.items()}
    return {key: str(known[key]) for key in PROVIDER_KEYS if key not in secret and isinstance(known.get(key), str | int)}


def _is_plain_secret(name: str, value: Any, findings: Findings) -> bool:
    """False, after saying why: the value of this key is no secret, so it may be anything."""
    path = f"{NAMESPACE}:{name}"
    command = f"set it with `pulumi config set --secret {path}`"
    if value is None or value == "":
        findings.add(path, "is empty", f"{command}, or remove the key")
    elif is_mapping(value):
        findings.hide(path, "is not in the form in which Pulumi keeps a secret", command)
    else:
        findings.hide(path, "stands in plain text", command)
    return False


def _setting(name: str, value: Any, is_secret: bool, findings: Findings) -> Any:
    path = f"{NAMESPACE}:{name}"
    if is_secret or is_secure(value):
        findings.hide(path, "is secret as a whole, or holds a secret, which makes it so", OWN_KEYS)
        return None
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            value = json.loads(value, parse_int=whole)
        except (ValueError, RecursionError):
            findings.hide(path, "is text that is not JSON", "write it as YAML")
            return None
    return _plain(value, [path], findings)


def _plain(value: Any, path: list[str | int], findings: Findings) -> Any:
    """`value` as JSON data; whatever looks like a credential is reported and gone."""
    findings.values += 1
    if findings.values > MAX_VALUES or len(path) > MAX_DEPTH:
        if findings.values == MAX_VALUES + 1 or len(path) > MAX_DEPTH:
            findings.hide(key_path(path), f"nests deeper than {MAX_DEPTH} levels, or holds more than {MAX_VALUES} values", "write less")
        return None
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return within_64_bits(value)
    if isinstance(value, str):
        return _text(value, path, findings)
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() else math.nan
    if isinstance(value, Mapping):
        return _mapping(cast("Mapping[Any, Any]", value), path, findings)
    if isinstance(value, list | tuple):
        return [_plain(item, [*path, index], findings) for index, item in enumerate(cast("Sequence[Any]", value))]
    findings.hide(
        key_path(path), f"is a Python {type(value).__name__}, which no stack file can hold", "use text, numbers, lists and mappings"
    )
    return None


def _mapping(value: Mapping[Any, Any], path: list[str | int], findings: Findings) -> Any:
    if is_secure(value):
        findings.hide(key_path(path), f"is a secret, which makes all of {path[0]} secret", OWN_KEYS)
        return None
    plain: dict[str, Any] = {}
    for key, item in value.items():
        if looks_like(str(key)):
            findings.hide(
                key_path([*path, repr(Secret())]), "is a key that looks like a credential", "remove it, and revoke the credential"
            )
        else:
            plain[str(key)] = _plain(item, [*path, str(key)], findings)
    return plain


def _text(value: str, path: list[str | int], findings: Findings) -> str | None:
    kind = looks_like(value)
    if kind is None:
        return value
    command = f"set it with `pulumi config set --secret {NAMESPACE}:huggingFaceToken`" if "Hugging Face" in kind else "remove it"
    findings.hide(key_path(path), f"holds {kind} in plain text", f"{command}, and revoke this one")
    return None
