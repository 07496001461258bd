"""The stack file described: its JSON Schema for editors, and its page in the docs. Both are made from the schema's classes."""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from ..catalog.types import CapacityType
from .keys import LISTS, SECRETS, SETTINGS, children
from .paths import NAMESPACE
from .schema import ApiPriceRow, Budget, Constraints, Prices, Service, Target, Usage
from .section import Section

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "Stack file of inferstack (Pulumi.<stack>.yaml)"
SECRET_MEANINGS = {
    "huggingFaceToken": "Token of Hugging Face, for models whose licence asks for one. Set with `pulumi config set --secret`.",
    "apiKey": "Key that callers of the endpoints present; required by `endpoint: internal`. Set with `pulumi config set --secret`.",
}
SETTING_SECTIONS = {
    "target": Target,
    "services": Service,
    "budget": Budget,
    "prices": Prices,
    "usage": Usage,
    "constraints": Constraints,
    "apiPrices": ApiPriceRow,
}
_FORMS = {"prices": "path of a file"}
"""What a setting is where it is neither a mapping nor a list in the stack file itself."""
SANITY = 1e8
"""Upper bounds from here on only keep nonsense out; they are in the JSON Schema and not on the page."""
_ENUMS = {"CapacityType": tuple(member.value for member in CapacityType)}
_SECURE = {"type": "object", "properties": {"secure": {"type": "string"}}, "required": ["secure"], "additionalProperties": False}


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a whole stack file, for editors and for validation without this library.

    It says what every key may hold. Rules across keys and what needs the catalog are checked by the reader and the planner only.
    """
    models: list[tuple[type[Section], str]] = [(model, "validation") for model in SETTING_SECTIONS.values()]
    _, made = models_json_schema(models, by_alias=True)  # pyright: ignore[reportArgumentType] -- the mode is a Literal
    sections = {section.__name__: section for section in _sections()}
    definitions = {name: _described(sections[name], body) if name in sections else body for name, body in made["$defs"].items()}
    settings: dict[str, Any] = {
        "target": {"$ref": "#/$defs/Target"},
        "services": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Service"}, "description": "The services, one model each."},
        "budget": {"$ref": "#/$defs/Budget"},
        "prices": {"type": "string", "description": "Path of a file of `Prices`, relative to the stack file."},
        "usage": {"$ref": "#/$defs/Usage"},
        "constraints": {"$ref": "#/$defs/Constraints"},
        "apiPrices": {"type": "array", "items": {"$ref": "#/$defs/ApiPriceRow"}, "description": "Prices of APIs to compare with."},
    }
    settings |= {name: {**_SECURE, "description": SECRET_MEANINGS[name]} for name in SECRETS}
    return {
        "$schema": DIALECT,
        "title": TITLE,
        "type": "object",
        "properties": {"config": _config_schema(settings), **_pulumi_schema()},
        "required": ["config"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _config_schema(settings: Mapping[str, Any]) -> dict[str, Any]:
    both = {f"{NAMESPACE}:{name}": body for name, body in settings.items()} | dict(settings)
    required = [{"oneOf": [{"required": [f"{NAMESPACE}:{name}"]}, {"required": [name]}]} for name in ("target", "services")]
    return {
        "type": "object",
        "description": "Keys without a namespace are ours too; other namespaces, such as aws:region, go to their providers.",
        "properties": both,
        "patternProperties": {f"^(?!{NAMESPACE}:)[^:]+:.+$": True},
        "additionalProperties": False,
        "allOf": required,
    }


def _pulumi_schema() -> dict[str, Any]:
    return {
        "encryptionsalt": {"type": "string", "description": "Pulumi: salt of the passphrase that encrypts secrets."},
        "secretsprovider": {"type": "string", "description": "Pulumi: who encrypts secrets."},
        "encryptedkey": {"type": "string", "description": "Pulumi: data key, encrypted by the secrets provider."},
        "environment": {"description": "Pulumi: environments whose settings lie below these."},
    }


def _described(section: type[Section], body: dict[str, Any]) -> dict[str, Any]:
    """`body` with the docstrings of the class and its fields, and without the titles that only repeat names."""
    meanings = _meanings(section)
    properties = {
        name: {word: value for word, value in described.items() if word != "title"}
        | ({"description": meanings[name]} if name in meanings else {})
        for name, described in body["properties"].items()
    }
    return body | {"properties": properties, "description": _first_paragraph(section)}


def markdown() -> str:
    """The page `docs/stack-file.md`: every key with its type, its default and its meaning."""
    parts = [_INTRODUCTION, _settings_table()]
    definitions = json_schema()["$defs"]
    for section, path in _sections().items():
        parts.append(f"## `{path}`\n\n{_first_paragraph(section)}\n\n{_table(section, definitions[section.__name__])}")
    return "\n\n".join(parts) + "\n"


_INTRODUCTION = f"""# The stack file

`Pulumi.<stack>.yaml` says what is wanted; everything that is left out is decided by the planner, and the plan says why.
This page is generated from the schema; `inferstack schema` prints the same as JSON Schema for editors.

```yaml
config:
  {NAMESPACE}:target:
    cloud: gke
    region: us-central1
  {NAMESPACE}:services:
    - name: chat
      model: Qwen/Qwen3-8B
      traffic: {{requestsPerSecond: 2, isl: 512, osl: 256}}
      slo: {{ttftP95Ms: 1000, tpotP95Ms: 50}}
  {NAMESPACE}:budget:
    maxMonthlyUsd: 1500
```

Settings of other namespaces (`aws:region`, `gcp:project`, `kubernetes:...`) and Pulumi's own keys (`encryptionsalt`, `secretsprovider`,
`encryptedkey`, `environment`) stand beside these and are left alone. An unknown key is an error that names the closest known one. Every
problem of a file is reported at once, and nothing is created while there is one.

Beside it may stand `images.<stack>.lock.yaml`, which `inferstack images lock` writes: the digests of the stack's images. It is found by its
name and needs no key ([pull requests](pull-requests.md#images))."""


def _settings_table() -> str:
    rows: list[tuple[str, str, str]] = []
    for name in SETTINGS:
        form = _FORMS.get(name, "list" if name in LISTS else "mapping")
        rows.append((f"`{NAMESPACE}:{name}`", form, _first_paragraph(SETTING_SECTIONS[name])))
    rows += [(f"`{NAMESPACE}:{name}`", "secret", SECRET_MEANINGS[name]) for name in SECRETS]
    return "\n".join(["## Keys", "", "| key | type | meaning |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)])


@functools.cache
def _sections() -> Mapping[type[Section], str]:
    """Every section of the stack file and where it stands first."""
    seen: dict[type[Section], str] = {}
    for name, section in SETTING_SECTIONS.items():
        _collect(section, f"{NAMESPACE}:{name}{'[]' if name in LISTS else ''}", seen)
    return seen


def _collect(section: type[Section], path: str, seen: dict[type[Section], str]) -> None:
    seen.setdefault(section, path)
    for key, child in children(section).items():
        if child is not None and child not in seen:
            _collect(child, f"{path}.{key}{'[]' if key in LISTS else ''}", seen)


def _table(section: type[Section], body: Mapping[str, Any]) -> str:
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    required = body.get("required", [])
    for key, described in body["properties"].items():
        default = "required" if key in required else _default(described)
        child = children(section)[key]
        meaning = described.get("description") or ("" if child is None else _first_paragraph(child))
        lines.append(f"| `{key}` | {_type(described).replace('|', chr(92) + '|')} | {default} | {meaning} |")
    return "\n".join(lines)


def _default(described: Mapping[str, Any]) -> str:
    default = described.get("default")
    if default is None or default in ({}, []):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else _number(default) if isinstance(default, float) else default}`"


def _type(described: Mapping[str, Any]) -> str:
    if "$ref" in described:
        name = described["$ref"].rsplit("/", 1)[-1]
        return (
            "mapping" if any(section.__name__ == name for section in _sections()) else ", ".join(f"`{member}`" for member in _ENUMS[name])
        )
    for many in ("anyOf", "oneOf"):
        if many in described:
            return " or ".join(_type(part) for part in described[many] if part.get("type") != "null")
    if "enum" in described:
        return ", ".join(f"`{value}`" for value in described["enum"])
    if described.get("type") == "array":
        return f"list of {_type(described['items'])}"
    if described.get("type") == "object":
        return "mapping of text"
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
    return f"{words[described['type']]}{_bounds(described)}"


def _bounds(described: Mapping[str, Any]) -> str:
    words = {"exclusiveMinimum": "> ", "minimum": "≥ ", "exclusiveMaximum": "< ", "maximum": "≤ "}
    bounds = [f"{sign}{_number(described[name])}" for name, sign in words.items() if name in described and described[name] < SANITY]
    return f" ({', '.join(bounds)})" if bounds else ""


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"


def _meanings(section: type[Section]) -> dict[str, str]:
    """What each key means: attribute docstrings, read from the source, as Python itself throws them away."""
    documented: dict[str, str] = {}
    for base in reversed(section.__mro__):
        if issubclass(base, Section) and base is not Section:
            (node,) = ast.parse(inspect.getsource(base)).body
            documented |= dict(_attribute_docs(node)) if isinstance(node, ast.ClassDef) else {}
    return {str(field.alias): documented[name] for name, field in section.model_fields.items() if name in documented}


def _attribute_docs(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, after in zip(node.body, node.body[1:], strict=False):
        match field, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, " ".join(text.split())
            case _:
                pass


def _first_paragraph(section: type[Section]) -> str:
    return " ".join((inspect.getdoc(section) or "").split("\n\n")[0].split())
