"""The kinds of values that a stack file holds, each with its check, its message and its JSON Schema."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, WithJsonSchema

from ..catalog.names import folded
from .section import fails

NAME_PATTERN = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
NAME_LENGTH = 40
"""KServe appends `-predictor` and Kubernetes allows 63 characters for a Service; GKE allows a cluster 40."""


NO_NAME = f"is not a DNS name of at most {NAME_LENGTH} characters (a-z, 0-9 and -, a letter first)"


def is_name(name: str) -> bool:
    """True for what Kubernetes and both clouds take as a name."""
    return NAME_PATTERN.fullmatch(name) is not None and len(name) <= NAME_LENGTH


def nearest_dns_name(name: str) -> str:
    """The name that is nearest to `name`; empty where nothing of it is left."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).lstrip("-0123456789")[:NAME_LENGTH].strip("-")


def _dns_name(name: str) -> str:
    if not is_name(name):
        wanted = nearest_dns_name(name)
        raise fails(NO_NAME, f"use {wanted}" if wanted else "use a name such as chat")
    return name


def _money(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        amount = re.fullmatch(r"\$?\s*([0-9][0-9,]*(?:\.[0-9]+)?)\s*(?:\$|USD|usd)?", value) if isinstance(value, str) else None
        raise fails("is not a number of US dollars", f"write a plain number such as {_plain_number(amount[1]) if amount else '1500'}")
    if not math.isfinite(value):
        raise fails("is not a finite number")
    return Decimal(str(value))


def _plain_number(amount: str) -> str:
    """`1,500` as 1500, and `1,5`, which no thousands separator can be, as 1.5."""
    grouped = re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", amount)
    return amount.replace(",", "" if grouped else ".") if amount.count(",") else amount


def _cidr(text: str) -> str:
    import ipaddress  # 5 ms that most stack files never need

    try:
        network = ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        raise fails("is not an IPv4 address range", "use one such as 10.0.0.0/16") from None
    if str(network) != text:
        raise fails("is not an IPv4 address range in its usual form", f"use {network}")
    return text


def _kubernetes_minor(text: str) -> str:
    if not re.fullmatch(r"1\.[0-9]{2}", text):
        minor = re.match(r"v?(1\.[0-9]{2})\b", text)
        raise fails("is not a minor version of Kubernetes", f'write "{minor[1] if minor else "1.34"}"')
    return text


def _release(text: str) -> str:
    if not re.fullmatch(r"v?[0-9]+(\.[0-9]+){1,2}(-[0-9A-Za-z.]+)?", text):
        raise fails("is not a version", "write one such as 1.19.2, or leave the key out for the one that was tested")
    return text


def _weights_uri(text: str) -> str:
    scheme, found, rest = text.partition("://")
    if not found or scheme not in ("hf", "s3", "gs", "pvc", "oci") or not rest.strip("/"):
        looks_like_repository = re.fullmatch(r"[\w.-]+/[\w.-]+", text)
        raise fails(
            "is not a place of weights that can be loaded",
            f"use hf://{text}"
            if looks_like_repository
            else "use hf://owner/repository, s3://..., gs://..., pvc://claim/path or oci://image:tag",
        )
    if scheme == "oci":
        _image(rest)
    if scheme == "hf" and rest.strip("/").count("/") < 1:
        raise fails("names no repository on Hugging Face", "use hf://owner/repository")
    return text


def _one_line(text: str) -> str:
    if text.strip() != text or not text:
        raise fails("is blank" if not text.strip() else "has blanks around it", f"write {text.strip()}" if text.strip() else None)
    if not text.isprintable():
        raise fails("holds a line break or another character that does not print", "write it on one line")
    return text


def _image(text: str) -> str:
    _one_line(text)
    name, _, digest = text.partition("@")
    repository, colon, tag = name.rpartition(":")
    tagged = bool(colon) and "/" not in tag
    if not re.fullmatch(r"[a-z0-9][\w.:/-]*", name) or (digest and not re.fullmatch(r"sha256:[0-9a-f]{64}", digest)):
        raise fails("is not a container image", "use one such as registry.example/team/vllm:1.2.3")
    if tag == "latest" and tagged and not digest:
        raise fails("changes under what runs", f"name a version, such as {repository}:1.2.3")
    if not tagged and not digest:
        raise fails("has neither tag nor digest", f"name a version, such as {name}:1.2.3")
    return text


def _url_path(text: str) -> str:
    if not re.fullmatch(r"/[\w./~-]*", text):
        raise fails("is not a path", f"use /{re.sub(r'[^A-Za-z0-9_./~-]+', '', text).lstrip('/')}")
    return text


_NAME_SCHEMA = {"type": "string", "pattern": f"^{NAME_PATTERN.pattern}$", "maxLength": NAME_LENGTH}

Name = Annotated[str, AfterValidator(_dns_name), WithJsonSchema(_NAME_SCHEMA)]
Text = Annotated[str, AfterValidator(_one_line), WithJsonSchema({"type": "string", "pattern": r"^\S(.*\S)?$"})]
Usd = Annotated[
    Decimal, BeforeValidator(_money), Field(gt=0, le=10**12), WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 10**12})
]
Large = Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=100_000)]
Tokens = Annotated[int, Field(ge=1, le=100_000_000)]
Dimension = Annotated[int, Field(ge=1, le=100_000_000)]
Cidr = Annotated[str, AfterValidator(_cidr), WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$"})]
KubernetesMinor = Annotated[str, AfterValidator(_kubernetes_minor), WithJsonSchema({"type": "string", "pattern": r"^1\.[0-9]{2}$"})]
Release = Annotated[
    str, AfterValidator(_release), WithJsonSchema({"type": "string", "pattern": r"^v?[0-9]+(\.[0-9]+){1,2}(-[0-9A-Za-z.]+)?$"})
]
WeightsUri = Annotated[
    str, AfterValidator(_weights_uri), WithJsonSchema({"type": "string", "pattern": r"^(hf://[^/]+/.+|(s3|gs|pvc|oci)://.+)$"})
]
Image = Annotated[str, AfterValidator(_image), WithJsonSchema({"type": "string", "pattern": r"^[a-z0-9][\w.:/-]*([:@].+)$"})]
UrlPath = Annotated[str, AfterValidator(_url_path), WithJsonSchema({"type": "string", "pattern": r"^/[\w./~-]*$"})]
PortNumber = Annotated[int, Field(ge=1, le=65_535)]
Settings = Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]
"""Names and values of somebody else's, which the planner checks."""
Many = Field(default=(), strict=False)
"""A list in the file, a tuple here."""

SCALAR = "<scalar>"
MAPPING = "<mapping>"


def shape(value: Any) -> str:
    """Which form of a key that takes a scalar or a mapping `value` is."""
    return MAPPING if isinstance(value, dict | BaseModel) else SCALAR


NO_GPU = frozenset(("none", "no", "null", "nil", "off", "nogpu", "cpu", "cpuonly", "without"))
"""What people write where no GPU is meant."""


def means_no_gpu(name: object) -> bool:
    """True for a word in place of the name of a GPU that says that there is none."""
    return isinstance(name, str) and folded(name) in NO_GPU
