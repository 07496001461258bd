"""What a service serves: its model, and the weights that are known or named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from .. import catalog
from ..catalog.types import Checkpoint, Model
from ..engines.weights import HUB
from ..errors import InferstackError
from ..sizing.types import Workload
from ..stackfile.document import whole
from ..stackfile.schema import CustomModel, Service
from .problems import Problems


def served_model(service: Service, path: str, base: Path, problems: Problems) -> Model | None:
    if isinstance(service.model, str):
        return problems.lookup(f"{path}.model", service.model, catalog.model)
    return _custom_model(service.model, f"{path}.model", base, problems)


def _custom_model(custom: CustomModel, path: str, base: Path, problems: Problems) -> Model | None:
    try:
        if custom.config is None:
            return catalog.model_from_dimensions(custom.id, custom.model_dump(exclude={"id", "config", "gated"}), gated=custom.gated)
        config = _read_config(base / custom.config)
        return catalog.model_from_config(config, custom.id, source=custom.config, gated=custom.gated)
    except OSError as error:
        problems.add(f"{path}.config", custom.config, f"cannot be read ({error.strerror})", "give a path relative to the stack file")
    except ValueError as error:
        problems.add(f"{path}.config", custom.config, f"is not a Hugging Face config.json ({error})")
    except InferstackError as error:
        if custom.config is None:
            problems.add(path, custom.id, str(error), "mend the dimension, or give `config`, a path to its config.json")
        else:
            problems.add(f"{path}.config", custom.config, str(error))
    return None


def _read_config(file: Path) -> dict[str, Any]:
    try:
        config: Any = json.loads(file.read_text(encoding="utf-8"), parse_int=whole)
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except RecursionError:
        raise ValueError("it nests too deeply") from None
    if not isinstance(config, dict):
        raise ValueError("its top level is not an object")
    return cast(dict[str, Any], config)


def check_model(model: Model, service: Service, workload: Workload, more_images: int, path: str, problems: Problems) -> None:
    """What its context allows. `more_images` are the tokens by which a request with the most images is longer than a mean one."""
    context = service.context
    longest = model.max_context
    if context is not None and longest is not None and context > longest:
        reason = f"is beyond the {longest:,} tokens that {model.id} was made for"
        problems.add(f"{path}.context", context, reason, f"use at most {longest}", {f"{path}.context": longest})
    need = workload.isl + more_images + workload.osl
    if context is not None and context < need:
        problems.add(
            f"{path}.context",
            context,
            f"is shorter than one request ({need:,} tokens of input and output)",
            f"use at least {need}",
            {f"{path}.context": need},
        )
    if longest is not None and need > longest:
        change = _shorter(service, need - longest, path)
        # Text that is shorter by all of it leaves the images, which are then what is too much.
        nearest = "allow fewer images in a request, or smaller ones" if service.traffic.images and not change else "shorten isl or osl"
        problems.add(
            f"{path}.traffic", need, f"tokens per request are beyond the {longest:,} that {model.id} was made for", nearest, change
        )


def _shorter(service: Service, excess: int, path: str) -> dict[str, object]:
    """Requests that are shorter by `excess`: in their longer part, where that is stated and enough."""
    stated = {key: value for key, value in (("isl", service.traffic.isl), ("osl", service.traffic.osl)) if value is not None}
    longer = max(stated, key=lambda key: stated[key], default=None)
    return {f"{path}.traffic.{longer}": stated[longer] - excess} if longer is not None and stated[longer] > excess else {}


def known_checkpoints(model: Model) -> tuple[Checkpoint, ...]:
    known = catalog.checkpoints(model.id)
    if known:
        return known
    dtype = "fp16" if model.native_dtype == "float16" else "bf16"
    stored = model.native_quantization if model.native_quantization is not None else dtype
    return (Checkpoint(model.id, stored, f"hf://{model.id}", "stack file", gated=model.gated),)


def pinned_checkpoint(service: Service, model: Model | None, quantization: str | None) -> Checkpoint | None:
    """The weights that `modelUri` names. Of a repository on the hub the file inside stands apart; engines read other places themselves."""
    uri = service.model_uri
    if uri is None or model is None or quantization is None:
        return None
    repository, file = uri, None
    if uri.startswith(HUB) and uri.endswith(".gguf"):
        owner, name, *inner = uri.removeprefix(HUB).split("/")
        repository, file = f"{HUB}{owner}/{name}", "/".join(inner)
    return Checkpoint(
        model=model.id,
        quantization=quantization,
        uri=repository,
        source="stack file",
        revision=service.revision,
        file=file or None,
        gated=next((known.gated for known in catalog.checkpoints(model.id) if known.uri == repository), None),
    )
