"""Engines behind one protocol. A new one is a module with one class, and a line here; no other room knows any engine by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..catalog.names import UnknownName, folded, index, nearest
from .llamacpp import LlamaCpp
from .neuron import Neuron
from .ollama import Ollama
from .ray import RayServe
from .serving import Elasticity, ServingIdentity, Tuning
from .sglang import Sglang
from .spec import Drain, EngineSpec, HeadPod, HttpProbe, InitContainer, Metrics, Port, Probes, SecretEnv, ServedModel, Volume
from .tgi import Tgi
from .transformers import Transformers
from .triton import Triton
from .triton_ensemble import TritonEnsemble
from .trtllm import TensorRtLlm
from .types import Engine, EngineRegistry, FlagRules, Overrides, Refusal, Superseded, Traits
from .vllm import Vllm

__all__ = [
    "Drain",
    "Elasticity",
    "Engine",
    "EngineRegistry",
    "EngineSpec",
    "FlagRules",
    "HeadPod",
    "HttpProbe",
    "InitContainer",
    "Metrics",
    "Overrides",
    "Port",
    "Probes",
    "Refusal",
    "SecretEnv",
    "ServedModel",
    "ServingIdentity",
    "Superseded",
    "Traits",
    "Tuning",
    "Volume",
    "engine",
    "engines",
]

_BUILT_IN: tuple[Engine, ...] = (
    Vllm(),
    LlamaCpp(),
    Sglang(),
    TensorRtLlm(),
    Triton(),
    TritonEnsemble(),
    RayServe(),
    Ollama(),
    Neuron(),
    Tgi(),
    Transformers(),
)
_ENGINES: Mapping[str, Engine] = MappingProxyType({built_in.name: built_in for built_in in _BUILT_IN})


def engines() -> Mapping[str, Engine]:
    """Every engine by its name, the general one first."""
    return _ENGINES


def engine(name: str, registry: EngineRegistry | None = None) -> Engine:
    """The engine that `name` means, whatever its case, dots and dashes. Raises `UnknownName` with the nearest names, or all of them."""
    known = engines() if registry is None else registry()
    spellings = index(known, {found.name: found.aliases for found in known.values()})
    key = folded(name)
    if key not in spellings:
        close = nearest(key, spellings)
        raise UnknownName("engine", name, close if close else tuple(known))
    return known[spellings[key]]
