"""Validates custom resources against the CRD schemas in `data/crds` as an API server with strict field validation would.

Adapted from the project's own validator. Structural-schema rules beyond JSON Schema that are honoured: defaults before validation,
int-or-string, nullable, preserve-unknown-fields, embedded resources, unknown fields refused, unique keys of list maps and sets.
Not evaluated: CEL rules (`x-kubernetes-validations`), for which `test_api_server.py` asks a real server.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema

CRDS = Path(__file__).parent / "data" / "crds"
TYPE_META: dict[str, Any] = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
KEPT = (
    *("type", "enum", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "required", "uniqueItems"),
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
)


def records() -> tuple[dict[str, Any], ...]:
    """The schema records, one per custom resource."""
    return tuple(json.loads(path.read_text()) for path in sorted(CRDS.glob("*.json")))


def known(api_version: str, kind: str) -> bool:
    return (api_version, kind) in _schemas()


def problems(item: Mapping[str, Any]) -> list[str]:
    """What an API server would refuse about a custom resource; empty where it would take it."""
    raw, validator = _schemas()[item["apiVersion"], item["kind"]]
    found = validator.iter_errors(_defaulted(raw, item))
    return [f"{'/'.join(map(str, error.absolute_path)) or '.'}: {error.message[:300]}" for error in found]


@functools.cache
def _schemas() -> dict[tuple[str, str], tuple[dict[str, Any], Any]]:
    validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"x-map-keys": _unique_keys})
    return {
        (record["apiVersion"], record["kind"]): (record["openAPIV3Schema"], validator(_converted(record["openAPIV3Schema"], root=True)))
        for record in records()
    }


def _converted(schema: Any, *, closed: bool = True, root: bool = False) -> Any:
    """A structural schema as JSON Schema; inside logical operators objects stay open, because they only constrain values."""
    if not isinstance(schema, dict):
        return schema
    result = {key: schema[key] for key in KEPT if key in schema}
    if "properties" in schema:
        result["properties"] = {name: _converted(part, closed=closed) for name, part in schema["properties"].items()}
    for key in ("items", "additionalProperties", "not"):
        if key in schema:
            result[key] = _converted(schema[key], closed=closed and key != "not")
    for key in ("allOf", "anyOf", "oneOf"):
        if key in schema:
            result[key] = [_converted(part, closed=False) for part in schema[key]]
    _mark_required(schema, result)
    _mark_type(schema, result)
    if root or schema.get("x-kubernetes-embedded-resource"):
        result["properties"] = {**TYPE_META, **{k: v for k, v in result.get("properties", {}).items() if k not in TYPE_META}}
    open_ended = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
    if closed and "properties" in result and not open_ended:
        result["additionalProperties"] = False
    return result


def _mark_required(schema: dict[str, Any], result: dict[str, Any]) -> None:
    if "required" in schema:
        parts = schema.get("properties", {})
        result["required"] = [name for name in schema["required"] if "default" not in parts.get(name, {})]


def _mark_type(schema: dict[str, Any], result: dict[str, Any]) -> None:
    if schema.get("x-kubernetes-int-or-string"):
        result.pop("anyOf", None)
        result["type"] = ["integer", "string"]
    if schema.get("nullable") and "type" in result:
        kinds = result["type"]
        result["type"] = [*(kinds if isinstance(kinds, list) else [kinds]), "null"]
    list_type = schema.get("x-kubernetes-list-type")
    if list_type == "set":
        result["uniqueItems"] = True
    if list_type == "map":
        parts = schema.get("items", {}).get("properties", {})
        result["x-map-keys"] = {key: parts.get(key, {}).get("default") for key in schema.get("x-kubernetes-list-map-keys", [])}


def _unique_keys(validator: Any, keys: dict[str, Any], instance: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    seen: set[str] = set()
    for item in instance if isinstance(instance, list) else []:
        mark = json.dumps([item.get(key, default) for key, default in keys.items()])
        if mark in seen:
            yield jsonschema.ValidationError(f"two entries with {', '.join(keys)} = {mark}")
        seen.add(mark)


def _defaulted(schema: Any, item: Any) -> Any:
    """`item` with the schema's defaults filled in, as the server does before it validates."""
    if isinstance(item, Mapping) and isinstance(schema, dict):
        parts = schema.get("properties", {})
        filled = {name: part["default"] for name, part in parts.items() if isinstance(part, dict) and "default" in part}
        return {name: _defaulted(parts.get(name, schema.get("additionalProperties")), value) for name, value in {**filled, **item}.items()}
    if isinstance(item, list) and isinstance(schema, dict):
        return [_defaulted(schema.get("items"), part) for part in item]
    return item
