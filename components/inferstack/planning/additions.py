"""What a service has beside one model: LoRA adapters, proposed tokens, hits in the prefix cache. What they take, and who has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from .. import catalog, engines
from ..catalog.types import Checkpoint, KvKind, Model
from ..engines import additions as words
from ..engines.kinds import pools
from ..engines.types import Engine
from ..engines.weights import weight_source
from ..errors import Problem, join_names
from ..sizing.constants import constants
from ..sizing.types import NO_ADDITIONS, Adapters, Additions, Draft, Images
from ..sizing.weights import mtp_params
from ..stackfile.editing import removed, to_engine
from ..stackfile.schema import Service
from .problems import Problems

GGUF = "gguf"


@dataclass(frozen=True, slots=True)
class Beside:
    """The additions of one service, for physics and for its engine's command line."""

    physics: Additions = NO_ADDITIONS
    adapters: tuple[words.Adapter, ...] = ()


NOTHING_BESIDE = Beside()


def beside(service: Service, model: Model, images: Images | None, path: str, problems: Problems) -> Beside:
    """What `service` asks for beside `model`, `images` among it; what cannot be is added to `problems`."""
    asked = [
        (key, value)
        for key, value in (("adapters", service.adapters), ("speculation", service.speculation), ("prefixHitRate", service.prefix_hit_rate))
        if value
    ]
    if not asked and images is None:
        return NOTHING_BESIDE
    if pools(model):
        for key, _ in asked:
            change = removed(service, path, key, *(("adapterSlots",) if key == "adapters" else ()))
            problems.add(f"{path}.{key}", None, f"is for models that generate, and {model.id} does not", "remove it", change)
        return NOTHING_BESIDE
    draft = _draft(service, model, path, problems)
    physics = Additions(_adapters(service, model, path, problems), draft, images, service.prefix_hit_rate or 0.0)
    return Beside(physics, tuple(words.Adapter(one.name, one.uri, one.rank) for one in service.adapters))


def unmet(engine: Engine, service: Service, path: str) -> Iterator[Problem]:
    """What `service`, which stands at `path`, asks for and `engine` lacks."""
    traits = engine.traits
    if service.adapters:
        if traits.lora is None:
            reason = f"have no names of their own at the endpoint of {engine.name}"
            yield _elsewhere(service, path, "adapters", len(service.adapters), reason, _able(lambda one: one.traits.lora is not None))
        else:
            yield from _ranks(engine, traits.lora, service, path)
    if service.traffic.images is not None and not traits.images:
        reason = f"is not planned with {engine.name}"
        yield _elsewhere(service, path, "traffic.images", None, reason, _able(lambda one: one.traits.images))
    yield from _parsers(engine, service, path)
    said = service.speculation
    if said is not None and said.method not in traits.speculation:
        able = _able(lambda one: said.method in one.traits.speculation)
        own = f"with {engine.name} {join_names(sorted(traits.speculation))}; " if traits.speculation else ""
        reason, nearest = f"is not a method that {engine.name} has", f"{own}for {said.method} use engine {join_names(able)}"
        yield replace(_elsewhere(service, path, "speculation.method", said.method, reason, able), nearest=nearest)
    elif said is not None and said.method == "draft" and said.model in catalog.models() and _draft_checkpoint(engine, said.model) is None:
        reason, nearest = f"has no known checkpoint that {engine.name} loads", "use engine vllm, or ngram"
        yield Problem(f"{path}.speculation.model", reason, said.model, nearest, _ngram(path))


def _able(has: Callable[[Engine], bool]) -> list[str]:
    return [one.name for one in engines.engines().values() if has(one)]


def _elsewhere(service: Service, path: str, key: str, value: object, reason: str, able: list[str]) -> Problem:
    """What engines `able` have."""
    return Problem(f"{path}.{key}", reason, value, f"use {join_names(able)}", to_engine(service, path, able[0]))


def _ngram(path: str) -> dict[str, object]:
    """The change to the method that needs nothing beside the prompt."""
    return {f"{path}.speculation.method": "ngram", f"{path}.speculation.model": None}


def _parsers(engine: Engine, service: Service, path: str) -> Iterator[Problem]:
    """Tool calls and reasoning that nobody here knows how to parse, or that the user parses already."""
    model = service.model if isinstance(service.model, str) else service.model.id
    for key, wanted, kind, flag in (
        ("toolCalls", service.tool_calls, catalog.TOOLS, "tool-call-parser"),
        ("reasoning", service.reasoning, catalog.REASONING, "reasoning-parser"),
    ):
        if not wanted:
            continue
        able = list(catalog.parsed(model, kind))
        if flag in service.engine_args:
            yield Problem(f"{path}.{key}", f"stands beside engineArgs.{flag}", True, "keep one", {f"{path}.engineArgs.{flag}": None})
        elif engine.name not in able:
            reason = f"needs the parser that {engine.name} has for {model}, which is not known here"
            nearest = f"use engine {join_names(able)}" if able else f"name it yourself, with {flag} in engineArgs"
            yield Problem(f"{path}.{key}", reason, True, nearest, to_engine(service, path, able[0]) if able else {})


def parser_of(engine: Engine, model: Model, kind: str, wanted: bool) -> str | None:
    """What `engine` is told of the parser of `kind`."""
    return catalog.parser(engine.name, model.id, kind) if wanted else None


def _ranks(engine: Engine, rules: words.LoraRules, service: Service, path: str) -> Iterator[Problem]:
    for index, adapter in enumerate(service.adapters):
        if rules.room_for(adapter.rank) is None:
            most, at = max(rules.ranks), f"{path}.adapters[{index}].rank"
            reason = f"is above the {most} that {engine.name} has kernels for"
            yield Problem(at, reason, adapter.rank, f"use at most {most}", {at: most})


def speaks_for(engine: Engine, service: Service) -> bool:
    """True where `engine` has all that `service` asks for beside its model."""
    return not any(True for _ in unmet(engine, service, path=""))


def takes_adapters(engine: Engine, service: Service, quantization: str) -> bool:
    """False where adapters are not known to work on weights of that quantization."""
    rules = engine.traits.lora
    return not service.adapters or (rules is not None and catalog.quantization(quantization).scheme in rules.schemes)


def warnings(service: Service, physics: Additions) -> Iterator[str]:
    """What a plan must say of them."""
    draft = physics.draft
    if draft is not None and draft.acceptance is None:
        yield (
            "speculation: how many proposed tokens are accepted is unknown, so that no gain is counted; measure it and say "
            "`speculation.acceptance`"
        )
    if physics.prefix_hit_rate:
        yield f"{physics.prefix_hit_rate:.0%} of the prompt tokens are planned to be found in the prefix cache, as the stack file says"
    if physics.images is not None and physics.images.tower_columns is None:
        yield "images: what the vision tower takes while it encodes is not known here, and not counted"
    if service.adapters:
        yield "adapters lengthen each step by what was fitted to published runs with and without them; each that a batch mixes costs more"


def _adapters(service: Service, model: Model, path: str, problems: Problems) -> Adapters | None:
    if not service.adapters:
        return None
    if model.kv.kind is KvKind.LATENT:
        reason = f"are not known to work on latent attention (MLA), which {model.id} has"
        nearest = "merge the adapter into the weights, and name them with modelUri"
        problems.add(f"{path}.adapters", len(service.adapters), reason, nearest, removed(service, path, "adapters", "adapterSlots"))
    count = len(service.adapters)
    return Adapters(count, count if service.adapter_slots is None else service.adapter_slots, max(one.rank for one in service.adapters))


def _draft(service: Service, model: Model, path: str, problems: Problems) -> Draft | None:
    said = service.speculation
    if said is None:
        return None
    if said.method == "ngram":
        return Draft(said.tokens, said.acceptance, 0, False, 0, None, "the prompt itself")
    if said.method == "mtp":
        if not model.mtp_layers:
            reason = f"needs layers for multi-token prediction, which the checkpoint of {model.id} does not carry"
            problems.add(f"{path}.speculation.method", said.method, reason, "use eagle3, draft or ngram", _ngram(path))
        return Draft(said.tokens, said.acceptance, mtp_params(model), True, 1, model, "layers of the checkpoint")
    if said.method == "eagle3":
        return Draft(said.tokens, said.acceptance, eagle3_params(model), False, 1, model, said.model or "")
    kin = _of_the_family(model)
    small = problems.lookup(f"{path}.speculation.model", said.model, catalog.model)
    if small is None:
        # A name that is like no other has a way out all the same.
        noted = problems.found[-1]
        if noted.nearest is None:
            problems.found[-1] = replace(noted, nearest=f"use {kin or 'eagle3 or ngram'}", change=_drafted_by(kin, path))
        return None
    if small.vocab_size != model.vocab_size:
        reason = f"has a vocabulary of {small.vocab_size:,}, {model.id} one of {model.vocab_size:,}: what it proposes would not be read"
        problems.add(f"{path}.speculation.model", small.id, reason, f"use {kin or 'eagle3 or ngram'}", _drafted_by(kin, path))
    return Draft(said.tokens, said.acceptance, small.params_total, False, small.num_layers, small, small.id)


def _drafted_by(kin: str | None, path: str) -> dict[str, object]:
    """The change to a draft that can be read; to the prompt itself where none is known."""
    return _ngram(path) if kin is None else {f"{path}.speculation.model": kin}


def _of_the_family(model: Model) -> str | None:
    """The smallest model of the catalog with the same vocabulary and architecture; None where none is much smaller."""
    kin = [one for one in catalog.models().values() if one.vocab_size == model.vocab_size and one.architecture == model.architecture]
    smaller = [one for one in kin if one.params_total < model.params_total / 4]
    return min(smaller, key=lambda one: one.params_total).id if smaller else None


def eagle3_params(model: Model) -> float:
    """One layer over the token and the fused states, the fusion, and a head over the draft's own vocabulary."""
    data, hidden = constants("additions")["eagle3"], model.hidden_size
    heads, kv_heads = model.num_attention_heads * model.head_dim, model.num_kv_heads * model.head_dim
    attention = 2 * hidden * (heads + 2 * kv_heads) + heads * hidden
    width = model.intermediate_size if model.intermediate_size else 4 * hidden
    return attention + 3 * hidden * width + data["inputs"] * hidden * hidden + data["draft_vocabulary"] * hidden


def speculation(engine: Engine, service: Service) -> words.Speculation | None:
    """What `engine` is told of the speculation that `service` asks for."""
    said = service.speculation
    if said is None or said.method != "draft":
        return None if said is None else words.Speculation(said.method, said.tokens, said.model)
    found = _draft_checkpoint(engine, said.model)
    assert found is not None, "an engine without a checkpoint of the draft is refused"
    stored = catalog.quantization(found.quantization)
    kind = f":{stored.name.removeprefix(f'{GGUF}-').upper()}" if stored.format == GGUF else ""
    return words.Speculation(said.method, said.tokens, f"{weight_source(found).repository}{kind}")


def _draft_checkpoint(engine: Engine, name: str | None) -> Checkpoint | None:
    """The weights of a draft model that `engine` loads, the widest first."""
    small = catalog.model(name) if name in catalog.models() else None
    loaded = () if small is None else engine.checkpoints(small, catalog.checkpoints(small.id))
    whole = [one for one in loaded if not one.quantized_at_load]
    return max(whole, key=lambda one: catalog.quantization(one.quantization).bits, default=None)
