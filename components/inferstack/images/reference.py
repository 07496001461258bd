"""Where an image lives, from its name: what Docker calls a normalized reference."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

DOCKER_HUB = "registry-1.docker.io"
DOCKER_HUB_NAMES = frozenset({"docker.io", "index.docker.io"})
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that are asked over plain HTTP, as Docker does."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One tag of one repository."""

    registry: str
    """Host, and port where it has one."""
    repository: str
    tag: str

    @property
    def base(self) -> str:
        """Where the registry answers."""
        return f"{scheme(self.registry)}://{self.registry}"


def reference(name: str) -> Reference:
    """What `name` means, a repository with a tag: `python:3.13` is library/python on Docker Hub."""
    path, _, tag = name.rpartition(":")
    first, slash, rest = path.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        return Reference(DOCKER_HUB, path if slash else f"library/{path}", tag)
    if first in DOCKER_HUB_NAMES:
        return Reference(DOCKER_HUB, rest if "/" in rest else f"library/{rest}", tag)
    return Reference(first, rest, tag)


def scheme(host: str) -> str:
    return "http" if urlsplit(f"//{host}").hostname in LOCAL else "https"
