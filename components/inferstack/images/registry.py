"""What a tag means now: the OCI distribution API with the anonymous tokens of public registries.

Sources: opencontainers/distribution-spec spec.md (pulling manifests), distribution/distribution docs/content/spec/auth/token.md.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import urllib.error
import urllib.parse
import urllib.request
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage
from typing import Any

from ..stackfile.lock import DIGEST
from .reference import LOCAL, Reference

TIMEOUT_SECONDS = 20
LARGEST_MANIFEST = 4 << 20
ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
"""The index of an image for several machines comes first: its digest is what every node may pull by."""
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


class Unresolved(Exception):
    """Why a tag could not be resolved, and the way out: two clauses."""

    def __init__(self, reason: str, nearest: str | None = None) -> None:
        self.reason, self.nearest = reason, nearest
        super().__init__(reason)


class Registries:
    """Asks registries, once for a token for each repository."""

    def __init__(self, timeout: float = TIMEOUT_SECONDS) -> None:
        self._timeout = timeout
        self._tokens: dict[tuple[str, str], str] = {}
        self._silent: dict[str, Unresolved] = {}
        self._open = urllib.request.build_opener(_Redirects).open

    def digest(self, wanted: Reference) -> str:
        """The digest of the index, or of the manifest where the image is for one machine. Raises `Unresolved`."""
        if wanted.registry in self._silent:
            raise self._silent[wanted.registry]
        url = f"{wanted.base}/v2/{wanted.repository}/manifests/{urllib.parse.quote(wanted.tag)}"
        headers = self._ask("HEAD", url, wanted)[0]
        stated = headers.get("Docker-Content-Digest", "")
        if DIGEST.fullmatch(stated):
            return stated
        # A registry need not say it; then it is what was hashed.
        _, body = self._ask("GET", url, wanted)
        return f"sha256:{hashlib.sha256(body).hexdigest()}"

    def _ask(self, method: str, url: str, wanted: Reference) -> tuple[HTTPMessage, bytes]:
        key = (wanted.registry, wanted.repository)
        try:
            return self._send(method, url, wanted, self._tokens.get(key))
        except _Refused as refused:
            if refused.code != HTTPStatus.UNAUTHORIZED or key in self._tokens:
                raise self._unresolved(refused, wanted) from None
            challenge = refused.challenge
        self._tokens[key] = self._token(challenge, wanted)
        try:
            return self._send(method, url, wanted, self._tokens[key])
        except _Refused as refused:
            raise self._unresolved(refused, wanted) from None

    def _token(self, challenge: str, wanted: Reference) -> str:
        """An anonymous token to pull, from where the registry says."""
        kind, _, rest = challenge.partition(" ")
        said: dict[str, str] = dict(CHALLENGE.findall(rest))
        realm = urllib.parse.urlsplit(said.get("realm", ""))
        if kind.lower() != "bearer" or not _is_safe(realm, wanted):
            raise Unresolved(f"is not public: {wanted.registry} asks for a login", _own_digest(wanted))
        asked = {"scope": f"repository:{wanted.repository}:pull", **({"service": said["service"]} if said.get("service") else {})}
        query = "&".join(filter(None, (realm.query, urllib.parse.urlencode(asked))))
        try:
            _, body = self._send("GET", realm._replace(query=query).geturl(), wanted, None)
        except _Refused as refused:
            raise self._unresolved(refused, wanted) from None
        try:
            answer: Any = json.loads(body)
            token = answer.get("token") or answer["access_token"]
        except (ValueError, KeyError, AttributeError):
            raise Unresolved(f"cannot be asked for: {wanted.registry} gives no token", "try again later") from None
        return str(token)

    def _send(self, method: str, url: str, wanted: Reference, token: str | None) -> tuple[HTTPMessage, bytes]:
        request = urllib.request.Request(url, method=method, headers={"Accept": ACCEPT, "User-Agent": "inferstack"})
        if token is not None:
            # Not sent on to the storage that a registry redirects to.
            request.add_unredirected_header("Authorization", f"Bearer {token}")
        try:
            with self._open(request, timeout=self._timeout) as answer:
                body = answer.read(LARGEST_MANIFEST + 1)
                if len(body) > LARGEST_MANIFEST:
                    raise Unresolved(f"has an answer of {wanted.registry} that is too large for a manifest")
                return answer.headers, body
        except urllib.error.HTTPError as error:
            with error:
                raise _Refused(error.code, error.headers.get("WWW-Authenticate") or "") from None
        except (OSError, HTTPException) as error:
            # Each of its images would wait as long.
            self._silent[wanted.registry] = Unresolved(
                f"cannot be asked for: {wanted.registry} is not reached ({_cause(error, self._timeout)})", "try again where it is"
            )
            raise self._silent[wanted.registry] from None

    def _unresolved(self, refused: _Refused, wanted: Reference) -> Unresolved:
        if refused.code == HTTPStatus.NOT_FOUND:
            return Unresolved(f"is not in {wanted.registry}: no tag {wanted.tag} of {wanted.repository}", "name a tag that is there")
        if refused.code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return Unresolved(f"is not public: {wanted.registry} asks for a login ({refused.code})", _own_digest(wanted))
        if refused.code == HTTPStatus.TOO_MANY_REQUESTS:
            return Unresolved(f"cannot be asked for now: {wanted.registry} was asked too often ({refused.code})", "try again later")
        return Unresolved(f"cannot be asked for: {wanted.registry} answers {refused.code}", "try again later")


class _Refused(Exception):
    """A registry's answer that is none of the tag."""

    def __init__(self, code: int, challenge: str) -> None:
        self.code, self.challenge = code, challenge
        super().__init__(code)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a HEAD with a HEAD, and nobody from HTTPS to HTTP."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: HTTPMessage, newurl: str) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.startswith("https:"):
            raise urllib.error.URLError("is sent on to an address without TLS")
        sent = super().redirect_request(req, fp, code, msg, headers, newurl)
        if sent is not None:
            sent.method = req.get_method()
        return sent


def _is_safe(realm: urllib.parse.SplitResult, wanted: Reference) -> bool:
    """True for a place of tokens that nobody between can read: TLS, or this machine."""
    is_local = realm.scheme == "http" and realm.hostname in LOCAL and wanted.base.startswith("http:")
    return bool(realm.netloc) and (realm.scheme == "https" or is_local)


def _own_digest(wanted: Reference) -> str:
    return f"give its digest in the stack file, behind the tag: {wanted.tag}@sha256:..."


def _cause(error: Exception, timeout: float) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError | socket.timeout):
        return f"no answer in {timeout:g} s"
    if isinstance(reason, socket.gaierror):
        return "its name is not known"
    return str(getattr(reason, "strerror", None) or reason)
