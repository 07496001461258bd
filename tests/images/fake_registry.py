"""A registry on a loopback port that speaks the OCI distribution API, with tokens, and does as badly as it is told to."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"


def index_of(*machines: str) -> bytes:
    """The index of an image for several machines."""
    manifests = [
        {"digest": f"sha256:{hashlib.sha256(machine.encode()).hexdigest()}", "platform": {"architecture": machine}} for machine in machines
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()


def digest_of(manifest: bytes) -> str:
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


@dataclass
class FakeRegistry:
    """What it holds, what it does, and what it was asked."""

    host: str = ""
    manifests: dict[tuple[str, str], bytes] = field(default_factory=dict)
    asks_for_tokens: bool = True
    says_digests: bool = True
    private: set[str] = field(default_factory=set)
    challenge: str | None = None
    """In place of its own."""
    status: int | None = None
    """What it answers to everything."""
    delay: float = 0.0
    moved_to: str | None = None
    """Where it redirects to."""
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, path with query, and Authorization."""
    accepted: set[str] = field(default_factory=set)

    def put(self, repository: str, tag: str, *machines: str) -> str:
        """Tag an image, and say its digest."""
        self.manifests[repository, tag] = index_of(*(machines or ("amd64", "arm64")))
        return digest_of(self.manifests[repository, tag])


@contextlib.contextmanager
def running() -> Iterator[FakeRegistry]:
    registry = FakeRegistry()

    class Handler(_Handler):
        fake = registry

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry.host = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    fake: FakeRegistry

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: tests read `asked`."""

    def _answer(self) -> None:
        fake, url = self.fake, urllib.parse.urlsplit(self.path)
        fake.asked.append((self.command, self.path, self.headers.get("Authorization")))
        time.sleep(fake.delay)
        if fake.status is not None:
            self._send(fake.status, b"")
        elif url.path == "/token":
            self._token(urllib.parse.parse_qs(url.query))
        elif fake.moved_to is not None:
            self._send(307, b"", Location=fake.moved_to + self.path)
        else:
            self._manifest(url.path)

    def _token(self, asked: dict[str, list[str]]) -> None:
        (scope,) = asked["scope"]
        assert asked["service"] == ["fake"]
        repository = scope.removeprefix("repository:").removesuffix(":pull")
        self._send(401 if repository in self.fake.private else 200, json.dumps({"token": f"to {scope}"}).encode())

    def _manifest(self, path: str) -> None:
        fake = self.fake
        repository, _, tag = path.removeprefix("/v2/").partition("/manifests/")
        scope = f"repository:{repository}:pull"
        if fake.asks_for_tokens and self.headers.get("Authorization") != f"Bearer to {scope}":
            own = f'Bearer realm="http://{fake.host}/token",service="fake",scope="{scope}"'
            self._send(401, b"", **{"WWW-Authenticate": fake.challenge if fake.challenge is not None else own})
            return
        fake.accepted.add(self.headers.get("Accept", ""))
        manifest = fake.manifests.get((repository, tag))
        if manifest is None:
            self._send(404, b"{}")
        else:
            stated = {"Docker-Content-Digest": digest_of(manifest)} if fake.says_digests else {}
            self._send(200, manifest, **{"Content-Type": INDEX, **stated})

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
