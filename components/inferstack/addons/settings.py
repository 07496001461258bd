"""What a chart's values may depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, slots=True)
class Settings:
    """One add-on in one cluster."""

    version: str
    """Chart version, as the chart spells it."""
    node_selector: Mapping[str, str]
    """Nodes that controllers run on; {} leaves it to taints."""
    cluster_name: pulumi.Input[str] | None = None
    """Physical name; None where no add-on asks for it."""
    region: pulumi.Input[str] | None = None
    images: tuple[str, ...] = ()
    """Images that values name: repository, tag and, where known, digest."""

    def image(self) -> dict[str, str]:
        """The one image, as charts take it: what stands behind the repository is the tag, a digest with it."""
        (image,) = self.images
        name, at, digest = image.partition("@")
        repository, _, tag = name.rpartition(":")
        return {"repository": repository, "tag": f"{tag}{at}{digest}", "pullPolicy": "IfNotPresent"}
