"""Names that the catalog does not know, in a file that is wrong already.

The planner looks every name up and says which it does not know, but it never sees a file that the schema refuses. So that all problems of
such a file come together, its names are looked up here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .. import catalog
from ..errors import Problem, join_names, nearest_name
from .paths import NAMESPACE
from .service import OWN_ENGINE
from .untyped import is_list, is_mapping
from .values import means_no_gpu

_LOOKUPS: Mapping[str, Callable[[str], object]] = {
    "model": catalog.model,
    "engine": catalog.engine_release,
    "quantization": catalog.quantization,
    "gpu": catalog.accelerator,
}
OWN_NAMES = {"gpu": "cpu", "engine": OWN_ENGINE}
"""What these keys may say beside the catalog's names."""


def unknown_names(fields: Mapping[str, Any]) -> Iterator[Problem]:
    """One problem for each name in `fields` (the fields of a stack file, of any type) that the catalog does not know."""
    target = fields.get("target")
    cloud = target.get("cloud") if is_mapping(target) else None
    if is_mapping(target) and isinstance(cloud, str):
        yield from _unknown_region(cloud, target.get("region"))
    services = fields.get("services")
    for index, service in enumerate(services if is_list(services) else []):
        if is_mapping(service):
            yield from _unknown_in_service(service, f"{NAMESPACE}:services[{index}]", cloud)


def _unknown_region(cloud: str, region: Any) -> Iterator[Problem]:
    known = catalog.regions(cloud) if cloud in ("eks", "gke") else ()
    if isinstance(region, str) and known and region not in known:
        near = nearest_name(region, known)
        yield Problem(f"{NAMESPACE}:target.region", f"is not a known region of {cloud}", region, f"did you mean {near}?" if near else None)


def _unknown_in_service(service: Mapping[str, Any], path: str, cloud: Any) -> Iterator[Problem]:
    for key, find in _LOOKUPS.items():
        if service.get(key) is None or service.get(key) != OWN_NAMES.get(key):
            yield from _unknown(f"{path}.{key}", service.get(key), find)
    if cloud in ("eks", "gke"):
        yield from _unknown(f"{path}.machineType", service.get("machineType"), lambda name: catalog.machine(cloud, name))


def _unknown(path: str, name: Any, find: Callable[[str], object]) -> Iterator[Problem]:
    if not isinstance(name, str) or not name.strip():
        return
    try:
        find(name)
    except catalog.UnknownName as unknown:
        otherwise = "write cpu where none is meant" if unknown.kind == "GPU" and means_no_gpu(name) else None
        nearest = f"did you mean {join_names(unknown.nearest)}?" if unknown.nearest else otherwise
        yield Problem(path, unknown.reason, name, nearest)
