"""The JSON Schemas of docs/schemas: each is closed, so that a document with a key more or a key less does not fit it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from inferstack import catalog, comparison, planning, stackfile
from inferstack.catalog.price_checks import check_book
from inferstack.catalog.prices import price_book
from inferstack.diff import Revision, difference, infracost
from inferstack.plain import plain
from inferstack.planning import image_digests
from tests.comparison import stacks

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "docs" / "schemas"


@cache
def stack(name: str) -> Any:
    return stackfile.load(ROOT / f"Pulumi.{name}.yaml")


@cache
def plan(name: str) -> dict[str, Any]:
    return planning.document(planning.plan(stack(name)))


def ollama() -> Any:
    return stackfile.load(ROOT / "examples" / "engines" / "ollama.yaml")


def sides() -> tuple[Revision, Revision]:
    return Revision("base", plan("dev")), Revision("head", plan("prod"))


def prices() -> dict[str, Any]:
    rows = list(price_book("gke", "us-central1"))
    return {
        "cloud": "gke",
        "region": "us-central1",
        "currency": "USD",
        "prices": plain(rows),
        "fees": plain(tuple(catalog.fees("gke").values())),
    }


def price_check() -> dict[str, Any]:
    rows = list(price_book("gke"))
    return {"cloud": "gke", "rows": len(rows), "findings": plain(check_book("gke", rows))}


DOCUMENTS: dict[str, Callable[[], Any]] = {
    "compare": lambda: comparison.document(stacks.shipped("dev")),
    "costs": lambda: plan("prod")["costs"],
    "diff": lambda: difference(*sides()),
    "images": lambda: image_digests.images_document(image_digests.images(planning.plan(ollama()), None), None),
    "infracost": lambda: infracost(*sides(), "2026-11-21T00:00:00+00:00"),
    "levers": lambda: planning.levers_document(planning.levers(stack("prod"))),
    "price-check": price_check,
    "prices": prices,
}
OPEN = {"infracost": {"metadata"}}
"""Objects of a foreign shape that its makers leave open, by the key that they stand at."""


def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text()))


def objects(value: Any, key: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a document with the key that it stands at."""
    if isinstance(value, dict):
        yield key, value
        for name, item in value.items():
            yield from objects(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from objects(item, key)


def test_every_schema_has_a_document() -> None:
    """No schema stands without a test, and none is missing for a shape that is tested."""
    assert {path.name.removesuffix(".schema.json") for path in SCHEMAS.glob("*.schema.json")} == set(DOCUMENTS)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_real_document_fits(name: str) -> None:
    """What the commands print is what the schema says, and the schema is one itself."""
    checked = validator(name)
    jsonschema.Draft202012Validator.check_schema(checked.schema)
    checked.validate(json.loads(json.dumps(DOCUMENTS[name]())))


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_key_more_or_less_does_not_fit(name: str) -> None:
    """Of each kind of object, one with an unknown key and one without any of its keys are refused."""
    document, checked = json.loads(json.dumps(DOCUMENTS[name]())), validator(name)
    seen: set[tuple[str, ...]] = set()
    for key, found in objects(document):
        kind = (key, *sorted(found))
        if kind in seen or not found or key in OPEN.get(name, set()):
            continue
        seen.add(kind)
        whole = copy.deepcopy(found)
        found["more"] = 1
        assert not checked.is_valid(document), f"{key}: a key more fits"
        found.clear()
        assert not checked.is_valid(document), f"{key}: an object without keys fits"
        found.update(whole)
