"""Values as the SDK sends them, read back as JSON data: secrets masked, unknowns named, everything else as it is."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from .types import SECRET, UNKNOWN, Properties

if TYPE_CHECKING:
    from google.protobuf.struct_pb2 import Struct, Value

# sdk/go/common/resource/properties.go, asset.go and archive.go: an object with the key SIGNATURE is one of these.
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET_VALUE = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT_VALUE = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE_REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
UNKNOWN_VALUE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

NO_TEXT = (SIGNATURE, "dependencies", "urn")
"""Keys of such an object that hold no text of a program, and so no secret."""
SHORTEST_SECRET = 4
"""Shorter texts are masked where they are secret, but not looked for inside other texts, which hold them by chance."""
_EXACT = 2**53


class Wire:
    """Reads properties. What is secret in `structs` or `packed`, or is one of `texts`, is masked in all of them, also within other text."""

    def __init__(self, structs: Sequence[Struct], packed: Sequence[bytes], texts: Iterable[str]) -> None:
        self._structs = structs
        self._packed = packed
        self._texts = texts

    def properties(self, struct: Struct) -> Properties:
        """`struct` as a dict, keys sorted: protobuf keeps no order."""
        fields = struct.fields
        return {self._masked(key): self._value(fields[key]) for key in sorted(fields)}

    def text(self, text: str) -> str:
        """`text` with every known secret masked."""
        return self._masked(text)

    def _value(self, value: Value) -> Any:
        match value.WhichOneof("kind"):
            case "string_value":
                return self._masked(value.string_value)
            case "number_value":
                return _number(value.number_value)
            case "bool_value":
                return value.bool_value
            case "struct_value":
                return self._struct(value.struct_value)
            case "list_value":
                return [self._value(item) for item in value.list_value.values]
            case _:
                return None

    def _struct(self, struct: Struct) -> Any:
        fields = struct.fields
        if SIGNATURE not in fields:
            return self.properties(struct)
        if _is_secret(fields):
            return SECRET
        if _is_output(fields):
            return self._value(fields["value"]) if "value" in fields else UNKNOWN
        if fields[SIGNATURE].string_value == RESOURCE_REFERENCE:
            return self._masked(fields["urn"].string_value)
        return {key: item for key, item in self.properties(struct).items() if key != SIGNATURE}

    def _masked(self, text: str) -> str:
        if UNKNOWN_VALUE in text:
            text = text.replace(UNKNOWN_VALUE, UNKNOWN)
        return self._pattern.sub(SECRET, text) if self._pattern is not None else text

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        """Every known secret in the forms in which other text may hold it."""
        sent = chain((struct.SerializeToString() for struct in self._structs), self._packed)
        telling = (unpacked(raw).fields for raw in sent if _may_hold_secrets(raw))
        found = {text for fields in telling for text in _secret_texts(fields.values(), secret=False)}
        forms = {
            form
            for text in {*self._texts, *found}
            if len(text) >= SHORTEST_SECRET and text not in (SECRET, UNKNOWN_VALUE)
            for form in _forms(text)
        }
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        return re.compile("|".join(map(re.escape, longest_first))) if forms else None


def holds_unknown(struct: Struct) -> bool:
    """True where any value in `struct` is unknown."""
    return UNKNOWN_VALUE.encode() in struct.SerializeToString()


def unpacked(raw: bytes) -> Struct:
    """Properties that were kept as bytes."""
    from google.protobuf import struct_pb2

    return struct_pb2.Struct.FromString(raw)


def _may_hold_secrets(raw: bytes) -> bool:
    return SECRET_VALUE.encode() in raw or OUTPUT_VALUE.encode() in raw


def _secret_texts(values: Iterable[Value], secret: bool) -> Iterator[str]:
    """Texts below secret values."""
    for value in values:
        match value.WhichOneof("kind"):
            case "string_value" if secret:
                yield value.string_value
            case "list_value":
                yield from _secret_texts(value.list_value.values, secret)
            case "struct_value":
                fields = value.struct_value.fields
                own = NO_TEXT if SIGNATURE in fields else ()
                inside = (item for key, item in fields.items() if key not in own)
                yield from _secret_texts(inside, secret or _is_secret(fields))
            case _:
                pass


def _is_output(fields: Mapping[str, Value]) -> bool:
    return SIGNATURE in fields and fields[SIGNATURE].string_value == OUTPUT_VALUE


def _is_secret(fields: Mapping[str, Value]) -> bool:
    if SIGNATURE in fields and fields[SIGNATURE].string_value == SECRET_VALUE:
        return True
    return _is_output(fields) and "secret" in fields and fields["secret"].bool_value


def _forms(text: str) -> Iterator[str]:
    """`text` itself, inside a JSON text, and as Kubernetes keeps it in a Secret's data."""
    yield text
    yield json.dumps(text)[1:-1]
    yield base64.b64encode(text.encode()).decode()


def _number(value: float) -> int | float | str:
    if value.is_integer() and abs(value) < _EXACT:
        return int(value)
    return value if math.isfinite(value) else str(value)
