"""How a place in a stack file is written: `inferstack:services[0].traffic.isl`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

NAMESPACE = "inferstack"

_PLAIN_KEY = re.compile(r"[\w$@/<:-][\w.$@/<:-]{0,59}")


def key_path(parts: Iterable[str | int]) -> str:
    """The path of nested keys; `config`, under which Pulumi keeps them, is not said, and our namespace always is."""
    path = list(parts)
    if path[:1] == ["config"] and len(path) > 1:
        path = [canonical(str(path[1])), *path[2:]]
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f"{'.' if text else ''}{shown_key(part)}"
    return text


def canonical(key: str) -> str:
    """The full form of a config key: without a namespace it belongs to the project, and `a:config:b` is an old form of `a:b`."""
    namespace, *rest = key.split(":")
    if not rest:
        return f"{NAMESPACE}:{key}"
    if len(rest) == 2 and rest[0] == "config":
        return f"{namespace}:{rest[1]}"
    return key


def shown_key(key: str) -> str:
    """`key` as it may stand in a message: quoted where it holds blanks or control characters, cut where it is long."""
    if _PLAIN_KEY.fullmatch(key):
        return key
    quoted = json.dumps(key)
    return quoted if len(quoted) <= 60 else f'{quoted[:56]}..."'


def printable(text: str) -> str:
    """`text` with everything that a terminal would obey written out."""
    return "".join(character if character.isprintable() else json.dumps(character)[1:-1] for character in text)
