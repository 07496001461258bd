"""The script that puts a model into Ollama's store, against a registry that is a dictionary."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from inferstack.engines import ollama_fetch

WEIGHTS, CONFIG = b"GGUF weights", b"{}"


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


MANIFEST = json.dumps(
    {
        "config": {"digest": digest(CONFIG), "size": len(CONFIG)},
        "layers": [{"digest": digest(WEIGHTS), "size": len(WEIGHTS), "mediaType": "application/vnd.ollama.image.model"}],
    }
).encode()


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, bytes], list[Any]]:
    """What the registry serves by URL, and the requests that it was asked."""
    base = "https://hub.example/v2/o/r"
    served = {f"{base}/manifests/Q4_K_M": MANIFEST, **{f"{base}/blobs/{digest(blob)}": blob for blob in (CONFIG, WEIGHTS)}}
    asked: list[Any] = []

    def urlopen(request: Any, timeout: float) -> io.BytesIO:
        asked.append(request)
        return io.BytesIO(served[request.full_url])

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    return served, asked


def fetch(store: Path) -> None:
    ollama_fetch.main("https://hub.example", "o/r", "Q4_K_M", "chat", str(store))


def test_the_model_lies_where_the_server_looks(registry: tuple[dict[str, bytes], list[Any]], tmp_path: Path) -> None:
    """Blobs are named by their digest, and the manifest by the service, as the newest of its library."""
    fetch(tmp_path)
    assert (tmp_path / "blobs" / digest(WEIGHTS).replace(":", "-")).read_bytes() == WEIGHTS
    assert (tmp_path / "manifests" / "registry.ollama.ai" / "library" / "chat" / "latest").read_bytes() == MANIFEST


def test_what_is_there_is_not_fetched_again(registry: tuple[dict[str, bytes], list[Any]], tmp_path: Path) -> None:
    """A container that starts over only asks for the manifest."""
    fetch(tmp_path)
    registry[1].clear()
    fetch(tmp_path)
    assert [request.full_url.rsplit("/", 2)[-2] for request in registry[1]] == ["manifests"]


def test_damaged_weights_are_no_model(registry: tuple[dict[str, bytes], list[Any]], tmp_path: Path) -> None:
    """Bytes that do not match their digest end the download, and nothing of it is left to be served."""
    url = f"https://hub.example/v2/o/r/blobs/{digest(WEIGHTS)}"
    registry[0][url] = b"something else"
    with pytest.raises(SystemExit, match="digest"):
        fetch(tmp_path)
    assert not list(tmp_path.rglob("latest"))
    assert not (tmp_path / "blobs" / digest(WEIGHTS).replace(":", "-")).exists()


def test_the_token_stays_with_the_registry(
    registry: tuple[dict[str, bytes], list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token goes to the registry and is not sent on where that redirects to."""
    monkeypatch.setenv("HF_TOKEN", "a-token")
    fetch(tmp_path)
    assert all(request.unredirected_hdrs["Authorization"] == "Bearer a-token" for request in registry[1])
    assert not any("Authorization" in request.headers for request in registry[1])
