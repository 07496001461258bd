"""The images of a stack as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from . import figures, layout

BY_TAG = "by tag only"
SAID_BY = {"lock": "lock", "release": "this release", "stack file": "stack file"}


def image_table(document: Mapping[str, Any]) -> RenderableType:
    """Each image with its digest below it, who says that and who uses it; then how to lock those that have none."""
    images = document["images"]
    loose = sum(image["digest"] is None for image in images)
    kept = f"lock {document['lock']}" if document["lock"] else "no lock"
    note = f"{figures.plural(loose, 'image')} {BY_TAG}: `inferstack images lock` asks the registries" if loose else ""
    rows = [[_name(image), _origin(image), ", ".join(image["usedBy"])] for image in images]
    table = layout.table(("image", "digest from", "used by"), rows, fixed=(1,))
    return Group(layout.heading("Images", kept), table, layout.notes([note] if note else []))


def _name(image: Mapping[str, Any]) -> RenderableType:
    name = Text(image["name"], style=layout.STRONG)
    return name if image["digest"] is None else Text.assemble(name, "\n", (image["digest"], layout.LABEL))


def _origin(image: Mapping[str, Any]) -> RenderableType:
    return Text(BY_TAG, style=layout.CAUTION) if image["saidBy"] is None else SAID_BY[image["saidBy"]]
