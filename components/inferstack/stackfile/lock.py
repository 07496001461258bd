"""The lock of a stack's images: a file beside the stack file that says which digest each tag was resolved to.

`Pulumi.dev.yaml` has `images.dev.lock.yaml`, and `chat.yaml` has `images.chat.lock.yaml`: each stack is moved to newer images by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError, Problem
from .document import parse, read_text
from .finding import shown_path, stack_name
from .untyped import is_mapping

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
TAGGED = re.compile(r"[a-z0-9][\w./-]*(:[0-9]+)?[\w./-]*:[\w][\w.-]*")
"""Repository, with its registry where it is another than Docker Hub, and tag."""
WAY_OUT = "run `inferstack images lock`, or remove the file"


def lock_path(stack_file: Path) -> Path:
    """Where the lock of `stack_file` is, whether it is there or not."""
    return stack_file.with_name(f"images.{stack_name(stack_file)}.lock.yaml")


def read_lock(stack_file: Path) -> dict[str, dict[str, str]] | None:
    """What the lock of `stack_file` says of each image, by its name and tag: `digest`, `registry` and `resolved`, a date.

    None where there is no lock. Raises InputError with everything that is wrong with it.
    """
    path = lock_path(stack_file)
    if not path.is_file():
        return None
    shown = shown_path(path)
    document = parse(read_text(path, shown), shown, as_text=True)
    problems = [*document.problems]
    rows: Any = document.root.get("images") if is_mapping(document.root) else None
    if not is_mapping(rows) or len(document.root) != 1:
        raise InputError([*problems, Problem(shown, "is no lock of images", nearest=WAY_OUT)])
    problems += [problem for image, row in rows.items() for problem in _problems(f"{shown}: images.{image}", image, row)]
    if problems:
        raise InputError(problems)
    return {image: {key: str(value) for key, value in row.items()} for image, row in rows.items()}


def digests(rows: Mapping[str, Mapping[str, str]] | None) -> dict[str, str] | None:
    """Image by name and tag -> digest; None where there is no lock."""
    return None if rows is None else {image: row["digest"] for image, row in rows.items()}


def _problems(path: str, image: str, row: Any) -> list[Problem]:
    if TAGGED.fullmatch(image) is None:
        return [Problem(path, "is not an image with a tag", nearest=WAY_OUT)]
    if not is_mapping(row) or set(row) != {"digest", "registry", "resolved"}:
        return [Problem(path, "does not have digest, registry and resolved, and nothing else", nearest=WAY_OUT)]
    if DIGEST.fullmatch(str(row["digest"])) is None:
        return [Problem(f"{path}.digest", "is not a digest, sha256: and 64 hexadecimal digits", row["digest"], WAY_OUT)]
    return []
