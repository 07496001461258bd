"""Secrets in a stack file: what stands for one, and what must not stand there in plain text."""

from __future__ import annotations

import re
from typing import Any, Final, final

from .untyped import is_mapping


@final
class Secret:
    """Stands where a secret is; its text is never read."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "[secret]"


SECRET: Final = Secret()
"""The value of every secret config key."""

_TOKENS: tuple[tuple[str, str], ...] = (
    ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{10,}"),
    ("an AWS access key", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    ("a Google API key", r"\bAIza[A-Za-z0-9_-]{30,}"),
    ("a GitHub token", r"\b(?:gh[oprsu]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{16,}"),
    ("a Pulumi token", r"\bpul-[a-f0-9]{32,}"),
    ("a Slack token", r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    ("an API key", r"\bsk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_]{20,}"),
    ("a signed token", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\."),
    ("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    ("a URL with a password", r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@"),
)
_ANY_TOKEN = re.compile("|".join(f"({pattern})" for _, pattern in _TOKENS))


def looks_like(text: str) -> str | None:
    """What kind of credential `text` holds, such as `a Hugging Face token`; None where it looks like none."""
    found = _ANY_TOKEN.search(text)
    if found is None or found.lastindex is None:
        return None
    return _TOKENS[found.lastindex - 1][0]


def is_secure(value: Any) -> bool:
    """True for `{secure: ...}`, the form in which Pulumi keeps an encrypted value."""
    return is_mapping(value) and list(value) == ["secure"] and isinstance(value["secure"], str)
