"""How weights get onto a volume of the stack: what the Job copies that fills a service's folder, and how long that takes."""

from __future__ import annotations

import math
import re

from .. import sizing
from ..catalog.types import Checkpoint
from ..clouds.addons import storage_initializer
from ..engines.weights import HUB
from . import ways
from .placement import Placement
from .pools import POOL_LABEL, SYSTEM_POOL
from .site import Site
from .types import WeightCopy

GIB = 2**30
DUPLICATES = ("original/*", "metal/*", "*.pth", "*.gguf")
"""Files of a repository that hold the same weights in another form, which no engine here loads beside safetensors."""
COPIES_IN_DEADLINE = 3
"""So often may a copy take what the top of its band says, before the Job is given up."""
BEFORE_POD_SECONDS = 600
"""A node, an image and a mount before the first byte; believed."""


def weight_copy(placement: Placement, site: Site, *, uses_token: bool) -> WeightCopy | None:
    """The Job for the weights of `placement`; None where they are not on a volume of the stack."""
    checkpoint, replica = placement.sized.checkpoint, placement.sized.replica
    volume = ways.volume_of(checkpoint, site)
    if volume is None:
        return None
    assert replica is not None, "what is planned fits"
    assert checkpoint.origin is not None, "what lies on a volume is a copy"
    seconds = ways.copy_seconds(checkpoint, volume, replica.shape)
    on_system = site.cloud.system_pool(site.target) is not None
    return WeightCopy(
        volume=volume.name,
        kind=volume.sold_as.name,
        folder=checkpoint.uri.rpartition("/")[2],
        source=_source(checkpoint.origin),
        image=storage_initializer(site.target.versions.kserve),
        allow=_parts(checkpoint.file),
        ignore=() if checkpoint.file is not None else DUPLICATES,
        uses_token=uses_token,
        size_gib=sizing.checkpoint_bytes(replica.shape) / GIB,
        seconds=seconds,
        deadline_seconds=BEFORE_POD_SECONDS + math.ceil(COPIES_IN_DEADLINE * seconds.high),
        node_selector=((POOL_LABEL, SYSTEM_POOL),) if on_system else (),
    )


def _source(origin: Checkpoint) -> str:
    """As KServe's storage initializer takes it: the revision after a colon, and no file in a repository."""
    if not origin.uri.startswith(HUB):
        return origin.uri
    owner, repository = origin.uri.removeprefix(HUB).split("/")[:2]
    return f"{HUB}{owner}/{repository}" + (f":{origin.revision}" if origin.revision else "")


def _parts(file: str | None) -> tuple[str, ...]:
    """Pattern of the one file that is loaded, or of all of its parts."""
    return () if file is None else (re.sub(r"-0*1-of-(\d+)(?=\.gguf$)", r"-*-of-\1", file),)
