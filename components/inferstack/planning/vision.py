"""Images in requests: how many tokens each becomes, from the model where that is known and from the stack file where it is not."""

from __future__ import annotations

import math

from .. import catalog
from ..catalog.types import TASKS, Model
from ..engines.kinds import pools
from ..sizing.types import Images
from ..stackfile.editing import removed
from ..stackfile.schema import Service
from .problems import Problems


def images_of(service: Service, model: Model, path: str, problems: Problems) -> Images | None:
    """The images of a request of `service`; what is missing of them is added to `problems`."""
    said, at = service.traffic.images, f"{path}.traffic.images"
    if said is None:
        return None
    if not model.params_vision and pools(model):
        # Those that see generate, for which the service says neither the length of an answer nor targets.
        reason = f"is for models with a vision tower that generate, and {model.id} ({TASKS[model.kind]}) does not"
        problems.add(at, None, reason, "remove it", {at: None})
        return None
    if not model.params_vision:
        seeing = _with_eyes(model)
        change = {f"{path}.model": seeing, **removed(service, path, "modelUri", "revision", "quantization", "loading")}
        reason = f"is for models with a vision tower, and none of {model.id} is known here"
        nearest = f"give its config.json as model.config where it has one, or use one that is known, such as {seeing}"
        problems.add(at, None, reason, nearest, change)
        return None
    known = catalog.encoder(model)
    tokens = said.tokens if known is None or said.tokens is not None else known.tokens_of(said.width, said.height)
    if tokens is None:
        by_size = known is not None
        reason = f"is needed: how many tokens {model.id} makes of an image {'depends on its size' if by_size else 'is not known here'}"
        nearest = "give width and height in pixels, or tokens" if by_size else "give the tokens of one image, as its processor makes them"
        problems.add(f"{at}.tokens", None, reason, nearest)
        return None
    most = math.ceil(said.per_request) if said.most_per_request is None else said.most_per_request
    columns = None if known is None else 4 * known.hidden + 3 * known.intermediate
    megapixels = said.width * said.height / 1e6 if said.width and said.height else None
    return Images(said.per_request, most, tokens, None if known is None else known.patches_per_token, columns, megapixels)


def image_tokens(images: Images | None) -> int:
    """Tokens that images add to the input of a mean request."""
    return 0 if images is None else round(images.per_request * images.tokens)


def longest_excess(images: Images | None) -> int:
    """Tokens by which a request with the most images is longer than a mean one."""
    return 0 if images is None else max(0, images.most * images.tokens - image_tokens(images))


def _with_eyes(model: Model) -> str:
    """The model with a vision tower whose size is nearest."""
    seeing = [one for one in catalog.models().values() if one.params_vision and catalog.encoder(one) is not None]
    nearest = min(seeing, key=lambda one: abs(math.log(one.params_total / model.params_total)))
    return nearest.id
