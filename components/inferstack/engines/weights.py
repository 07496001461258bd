"""Where an engine finds its weights: on the Hugging Face hub by itself, or where KServe has put them."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace

from ..catalog.types import Checkpoint

HUB = "hf://"
CLAIM = "pvc://"
IMAGE = "oci://"
MOUNT = "/mnt/models"
"""Where KServe's storage initializer puts what a storage URI names."""


@dataclass(frozen=True, slots=True)
class WeightSource:
    """One of the two ways: `repository` (the engine downloads it) or `storage_uri` (KServe mounts it)."""

    repository: str | None
    """Hugging Face `owner/repository`; None where KServe mounts the weights."""
    file: str | None
    """The one file inside the repository or the mount; None where all of it is meant."""
    revision: str | None
    storage_uri: str | None
    streamed: bool = False
    """True where `repository` is a bucket that the engine reads past the disk."""

    @property
    def downloads(self) -> bool:
        """True where the engine puts files on its own volume."""
        return self.repository is not None and not self.streamed

    @property
    def mounted_path(self) -> str:
        return MOUNT if self.file is None else posixpath.join(MOUNT, self.file)

    @property
    def location(self) -> str:
        """What an engine that takes either is told: the repository, or where the weights are mounted."""
        return self.mounted_path if self.repository is None else self.repository


def weight_source(checkpoint: Checkpoint) -> WeightSource:
    """Where `checkpoint` comes from. `hf://owner/repository/some.gguf` and `pvc://claim/folder/some.gguf` name one file as well."""
    if checkpoint.uri.startswith(HUB):
        owner, repository, *inner = checkpoint.uri.removeprefix(HUB).split("/")
        named = "/".join(inner) if inner else None
        return WeightSource(f"{owner}/{repository}", named if checkpoint.file is None else checkpoint.file, checkpoint.revision, None)
    if checkpoint.streamed:
        return WeightSource(checkpoint.uri, None, None, None, streamed=True)
    folder, name = posixpath.split(checkpoint.uri)
    if checkpoint.file is not None or not name.endswith(".gguf"):
        return WeightSource(None, checkpoint.file, None, checkpoint.uri)
    # A claim is mounted as a folder, so it must be named without the file; object stores copy the one object instead.
    return WeightSource(None, name, None, folder if checkpoint.uri.startswith(CLAIM) else checkpoint.uri)


def claim_of(checkpoint: Checkpoint) -> str | None:
    """The claim of the stack that a copy lies on; None where the weights are where their owner has put them."""
    return None if checkpoint.origin is None else checkpoint.uri.removeprefix(CLAIM).partition("/")[0]


def on_claim(checkpoint: Checkpoint, claim: str, folder: str) -> Checkpoint:
    """`checkpoint` as a copy of its files in a folder of a claim."""
    whole = replace(checkpoint, streamed=False)
    return replace(whole, uri=f"{CLAIM}{claim}/{folder}", revision=None, file=weight_source(whole).file, origin=checkpoint)
