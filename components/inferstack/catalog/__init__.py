"""Facts as data, each with source and date, behind typed and lazy lookups; nothing else.

The data lies beside this code as JSON in `data/`, one row per line. Nothing is read before it is asked for, and the files of one cloud are
never read for the other. Every lookup by name is kind (case, a missing organisation, marketing names) and raises `UnknownName`, which
carries the nearest names that exist; a name that fits two rows is refused with both.

How to add a row:

* a model: `data/models.json`, under its Hugging Face id, with the columns of `Model`; what has no source is left out, and a row that lacks
  what sizing needs becomes an `IncompleteModel`. Names that cannot be derived from the id go to `data/model_names.json`;
* weights in another quantization: `data/checkpoints.json`, under the model's id; GGUF repositories name the file (or first part) to load;
* a GPU: `data/accelerators.json`, with the memory that software sees and dense TFLOPS; unknown figures are null;
* a machine type or a price: `data/eks.json` or `data/gke.json`; prices stand under the key of their source;
* a fee, a quantization, an engine release: `data/<cloud>_fees.json`, `data/quantizations.json`, `data/engines.json`;
* a price of an API: `data/api_prices.json`, with the source it was read from;
* a kind of shared volume: `data/volumes.json`, with the fees that it is billed by;
* the parsers of a model's tool calls and reasoning: `data/parsers.json`, by the beginning of its id;
* how a model takes images: `data/image_tokens.json`, by id, `model_type` or architecture, with a rule of `image_rules.py`;
* a class of checkpoint that an engine answers after one pass with: `data/pooling.json`;
* the options of an engine's program: `data/flags/<engine>.json`, one per line, with removed spellings and their successors;
* an architecture that `config.json` files may name: a row in `architectures.py`, and a model of it in the test.

`tests/catalog` checks every row: references resolve, sources are there, spot is never above on-demand. `SOURCES.md` says where the data is
from.
"""

from __future__ import annotations

from .apis import ApiPrice, TokenRates, api_prices
from .config_fields import BadConfig
from .custom import model_from_config, model_from_dimensions
from .flags import Flag, FlagTable, engine_flags
from .names import UnknownName
from .parsers import REASONING, TOOLS, parsed, parser
from .places import CLOUDS, fees, machine, machines, regions, twin, zones
from .quality import QualityLoss, quality_losses
from .releases import engine_release, engine_releases, engine_support, pooled_classes
from .silicon import accelerator, accelerators, cpu, cpus
from .types import (
    Accelerator,
    CapacityType,
    Checkpoint,
    Cpu,
    EngineRelease,
    Fee,
    IncompleteModel,
    KvCache,
    KvKind,
    Machine,
    Model,
    Offering,
    Quantization,
)
from .vision import Encoder, encoder
from .volumes import VolumeKind, volume_kinds, volume_kinds_of
from .weights import checkpoints, incomplete_models, missing_dimensions, model, models, quantization, quantizations

__all__ = [
    "CLOUDS",
    "REASONING",
    "TOOLS",
    "Accelerator",
    "ApiPrice",
    "BadConfig",
    "CapacityType",
    "Checkpoint",
    "Cpu",
    "Encoder",
    "EngineRelease",
    "Fee",
    "Flag",
    "FlagTable",
    "IncompleteModel",
    "KvCache",
    "KvKind",
    "Machine",
    "Model",
    "Offering",
    "QualityLoss",
    "Quantization",
    "TokenRates",
    "UnknownName",
    "VolumeKind",
    "accelerator",
    "accelerators",
    "api_prices",
    "checkpoints",
    "cpu",
    "cpus",
    "encoder",
    "engine_flags",
    "engine_release",
    "engine_releases",
    "engine_support",
    "fees",
    "incomplete_models",
    "machine",
    "machines",
    "missing_dimensions",
    "model",
    "model_from_config",
    "model_from_dimensions",
    "models",
    "parsed",
    "parser",
    "pooled_classes",
    "quality_losses",
    "quantization",
    "quantizations",
    "regions",
    "twin",
    "volume_kinds",
    "volume_kinds_of",
    "zones",
]
