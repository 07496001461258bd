"""Puts a model of a registry into the store of an Ollama server, under a name of our own. Runs in a pod, with Python alone.

usage: fetch.py REGISTRY REPOSITORY TAG NAME STORE
"""

import hashlib
import json
import os
import sys
import urllib.request
from pathlib import Path

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CHUNK = 1 << 20


def ask(url: str, accept: str = "*/*"):
    """The answer to a GET, with the Hugging Face token where there is one."""
    request = urllib.request.Request(url, headers={"Accept": accept, "User-Agent": "inferstack"})
    token = os.environ.get("HF_TOKEN")
    if token:
        # Not sent on to the storage that the registry redirects to.
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    return urllib.request.urlopen(request, timeout=60)


def fetch_blob(url: str, digest: str, folder: Path) -> None:
    """One blob, checked against its digest; whatever is there already stays."""
    target = folder / digest.replace(":", "-")
    if target.exists():
        return
    part, seen = target.with_suffix(".part"), hashlib.sha256()
    with ask(url) as answer, part.open("wb") as file:
        while chunk := answer.read(CHUNK):
            seen.update(chunk)
            file.write(chunk)
    if f"sha256:{seen.hexdigest()}" != digest:
        part.unlink()
        raise SystemExit(f"{url} is not what its digest {digest} says")
    part.rename(target)


def main(registry: str, repository: str, tag: str, name: str, store: str) -> None:
    base = f"{registry}/v2/{repository}"
    blobs = Path(store, "blobs")
    blobs.mkdir(parents=True, exist_ok=True)
    with ask(f"{base}/manifests/{tag}", MANIFEST) as answer:
        text = answer.read()
    manifest = json.loads(text)
    for layer in (manifest["config"], *manifest["layers"]):
        print(f"{layer['digest']} {layer['size']:,} bytes", flush=True)
        fetch_blob(f"{base}/blobs/{layer['digest']}", layer["digest"], blobs)
    # The manifest comes last: a model whose manifest is there is whole.
    target = Path(store, "manifests", "registry.ollama.ai", "library", name, "latest")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
