"""Triton with TensorRT-LLM behind its OpenAI front end: an ensemble of three models, written by the plan.

A request runs through preprocessing, tensorrt_llm and postprocessing in one graph. The front end sends what TensorRT-LLM's older models
took, each value in a batch of one; its present model has other names and no batches. The first step turns one into the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .. import catalog
from ..sizing.types import Replica, Shape
from . import memory, trtllm
from .gpu import TOWER_UNUSED
from .hosts import HostMemory
from .spec import Metrics
from .triton_server import TritonServer
from .types import Traits
from .weights import WeightSource

NAME = "triton-tensorrt-llm"
FIRST, MODEL, LAST = "preprocessing", "tensorrt_llm", "postprocessing"
COMPILED_GIB = 4
"""Room for compiled kernels beside the weights; believed."""
IMAGE_MODEL = "/app/all_models/llmapi/tensorrt_llm/1"
"""Where the image keeps the model that runs TensorRT-LLM (TensorRT-LLM: triton_backend/all_models/llmapi)."""

Tensor = tuple[str, str, str]
"""Name, data type and dimensions, as config.pbtxt writes them."""
ASKED: tuple[Tensor, ...] = (
    ("text_input", "TYPE_STRING", "1, 1"),
    ("stream", "TYPE_BOOL", "1, 1"),
    ("max_tokens", "TYPE_INT32", "1, 1"),
    ("stop_words", "TYPE_STRING", "1, -1"),
    ("temperature", "TYPE_FP32", "1, 1"),
    ("top_p", "TYPE_FP32", "1, 1"),
    ("frequency_penalty", "TYPE_FP32", "1, 1"),
    ("presence_penalty", "TYPE_FP32", "1, 1"),
    ("seed", "TYPE_UINT64", "1, 1"),
)
"""What the front end sends (triton-inference-server/server: openai_frontend/engine/utils/triton.py)."""
RENAMED = {"text_input": "text_input", "stream": "streaming", "stop_words": "sampling_param_stop"}
"""Its names -> those of the model; the others get a prefix."""
ANSWERED: tuple[Tensor, ...] = (("text_output", "TYPE_STRING", "-1"),)

PREPROCESS = '''\
"""Gives each value of a request the name and shape that TensorRT-LLM's model takes."""

import triton_python_backend_utils as pb_utils

NAMES = {names}


class TritonPythonModel:
    def execute(self, requests):
        return [pb_utils.InferenceResponse(output_tensors=list(renamed(request))) for request in requests]


def renamed(request):
    for name, becomes in NAMES.items():
        tensor = pb_utils.get_input_tensor_by_name(request, name)
        if tensor is not None:
            yield pb_utils.Tensor(becomes, tensor.as_numpy().reshape(-1))
'''
POSTPROCESS = '''\
"""Hands the text on, one string to each response, without the marks that end a sequence."""

import numpy
import triton_python_backend_utils as pb_utils

MARKS = (b"</s>", b"<|im_end|>", b"<|eot_id|>", b"<|endoftext|>")


class TritonPythonModel:
    def execute(self, requests):
        return [pb_utils.InferenceResponse(output_tensors=[plain(request)]) for request in requests]


def plain(request):
    text = b"".join(pb_utils.get_input_tensor_by_name(request, "text").as_numpy().reshape(-1))
    for mark in MARKS:
        text = text.removesuffix(mark)
    return pb_utils.Tensor("text_output", numpy.array([text], dtype=numpy.object_))
'''
RUN_MODEL = f'''\
"""The model of the image, with the model.yaml beside this file."""

import importlib.util
import sys

HOME = "{IMAGE_MODEL}"
sys.path.insert(0, HOME)
found = importlib.util.spec_from_file_location("tensorrt_llm_of_the_image", HOME + "/model.py")
module = importlib.util.module_from_spec(found)
sys.modules[found.name] = module
found.loader.exec_module(module)
TritonPythonModel = module.TritonPythonModel
'''

HOST = HostMemory(base_gib=8, per_device_gib=6, source="believed: Triton's core, three Python stubs, its front end, an MPI rank per GPU")
METRICS = Metrics(path="/metrics", requests_waiting=None, requests_running=None, kv_usage=None)


class TritonEnsemble(TritonServer):
    """An ensemble on one or several NVIDIA GPUs of a machine; its silicon and its size are TensorRT-LLM's."""

    name = NAME
    title = "Triton with TensorRT-LLM"
    matrix = trtllm.NAME
    aliases = ("triton-trtllm", "triton-ensemble")
    backend = "tensorrtllm"
    metrics = METRICS
    host = HOST
    compiled_gib = COMPILED_GIB

    @property
    def traits(self) -> Traits:
        return Traits(open_api=True, sized_as=(trtllm.NAME, catalog.engine_release(trtllm.NAME).version))

    def remarks(self, shape: Shape) -> tuple[tuple[bool, str], ...]:
        bundled = f"which TensorRT-LLM Triton {self.release.version} brings is not known here: what it runs and how fast is taken from"
        return (
            (True, f"{bundled} {trtllm.NAME} {catalog.engine_release(trtllm.NAME).version}"),
            (True, f"its parts {FIRST}, {MODEL} and {LAST} are listed beside the service's own model, which is the one to ask"),
            (shape.model.params_vision > 0, TOWER_UNUSED),
        )

    def repository(self, replica: Replica, service: str, source: WeightSource) -> dict[str, str]:
        names = {name: _renamed(name) for name, _, _ in ASKED}
        return {
            f"{service}/config.pbtxt": _ensemble(service),
            # A version is a folder, and this one has nothing to hold.
            f"{service}/1/version": "1\n",
            f"{FIRST}/config.pbtxt": _python_model(FIRST, ASKED, _flattened(ASKED)),
            f"{FIRST}/1/model.py": PREPROCESS.replace("{names}", repr(names)),
            f"{MODEL}/config.pbtxt": _python_model(MODEL, _flattened(ASKED), ANSWERED, decoupled=True),
            f"{MODEL}/1/model.py": RUN_MODEL,
            f"{MODEL}/1/model.yaml": _model(replica, source),
            f"{LAST}/config.pbtxt": _python_model(LAST, (("text", "TYPE_STRING", "-1"),), ANSWERED),
            f"{LAST}/1/model.py": POSTPROCESS,
        }


def _renamed(name: str) -> str:
    return RENAMED.get(name, f"sampling_param_{name}")


def _flattened(tensors: Iterable[Tensor]) -> tuple[Tensor, ...]:
    """The same values without their batch, by the names of TensorRT-LLM's model."""
    return tuple((_renamed(name), kind, "-1" if dims.endswith("-1") or name == "text_input" else "1") for name, kind, dims in tensors)


def _python_model(name: str, inputs: Iterable[Tensor], outputs: Iterable[Tensor], *, decoupled: bool = False) -> str:
    """`config.pbtxt` of a model in Python. Only the text is always there. What model.yaml decides is not said here."""
    first = [f'name: "{name}"', 'backend: "python"', "max_batch_size: 0"]
    if decoupled:
        first = first[:2]
    return "\n".join([*first, "instance_group [ { count: 1 kind: KIND_CPU } ]", *_tensors(inputs, outputs)]) + "\n"


def _ensemble(service: str) -> str:
    """`config.pbtxt` of the graph."""
    renamed = {name: _renamed(name) for name, _, _ in ASKED}
    steps = (
        _step(FIRST, {name: name for name in renamed}, {after: f"_{after}" for after in renamed.values()}),
        _step(MODEL, {after: f"_{after}" for after in renamed.values()}, {"text_output": "_text"}),
        _step(LAST, {"text": "_text"}, {"text_output": "text_output"}),
    )
    first = [f'name: "{service}"', 'platform: "ensemble"', "max_batch_size: 0"]
    return "\n".join([*first, *_tensors(ASKED, ANSWERED), "ensemble_scheduling {", *steps, "}"]) + "\n"


def _step(model: str, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> str:
    maps = [("input_map", inputs), ("output_map", outputs)]
    lines = [f'    {kind} {{ key: "{name}" value: "{tensor}" }}' for kind, pairs in maps for name, tensor in pairs.items()]
    return "\n".join(["  step {", f'    model_name: "{model}"', "    model_version: -1", *lines, "  }"])


def _tensors(inputs: Iterable[Tensor], outputs: Iterable[Tensor]) -> list[str]:
    asked = [(name, kind, dims, "" if name.startswith("text") else " optional: true") for name, kind, dims in inputs]
    return [
        *(f'input {{ name: "{name}" data_type: {kind} dims: [ {dims} ]{optional} }}' for name, kind, dims, optional in asked),
        *(f'output {{ name: "{name}" data_type: {kind} dims: [ {dims} ] }}' for name, kind, dims in outputs),
    ]


def _model(replica: Replica, source: WeightSource) -> str:
    """`model.yaml`: arguments of TensorRT-LLM's `LLM`, and how Triton runs it."""
    import yaml  # only where a container is rendered

    shape = replica.shape
    cache: dict[str, object] = {"enable_block_reuse": True, "free_gpu_memory_fraction": trtllm.free_fraction(replica.memory)}
    if shape.kv_dtype == "fp8":
        cache["dtype"] = "fp8"
    arguments: dict[str, object] = {
        "model": source.location,
        "backend": "pytorch",
        "tensor_parallel_size": shape.parallel.tensor,
        "max_batch_size": shape.max_sequences,
        "max_num_tokens": memory.batched_tokens(shape),
        "max_seq_len": shape.context,
        "kv_cache_config": cache,
        "triton_config": {"max_batch_size": 0, "decoupled": True},
    }
    if source.revision is not None:
        arguments["revision"] = source.revision
    return yaml.safe_dump(arguments, sort_keys=False)
