"""The model repositories that are written for Triton, read by Triton's own schema, and what their Python does."""

from __future__ import annotations

import json
import sys
import types
from dataclasses import replace
from typing import Any

import numpy
import pytest
import yaml
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from inferstack.engines import engine
from inferstack.engines.sharing import Member, Told
from tests.engines import shapes


def repository(name: str) -> dict[str, str]:
    """The files below /models, for four H100."""
    shape = shapes.shape_of(name, shapes.checkpoint(shapes.LARGE, "fp8"), shapes.gpus("h100-80", 4))
    files = dict(engine(name).spec(shapes.replica_of(shape), shapes.SERVICE).files)
    return {path.removeprefix("/models/"): text for path, text in files.items()}


def configs(name: str) -> dict[str, Any]:
    """Model -> its configuration."""
    texts = {path.split("/")[0]: text for path, text in repository(name).items() if path.endswith("config.pbtxt")}
    return {model: text_format.Parse(text, model_config_pb2.ModelConfig()) for model, text in texts.items()}


@pytest.mark.parametrize("name", ["triton", "triton-tensorrt-llm"])
def test_configurations_fit_tritons_schema(name: str) -> None:
    """Every config.pbtxt is read by the protobuf schema of the pinned release, and every model has a version."""
    found = configs(name)
    assert "chat" in found
    for model, config in found.items():
        assert config.name in ("", model)
        assert any(path.startswith(f"{model}/1/") for path in repository(name))


def several(*models: tuple[str, str, str]) -> tuple[Told, ...]:
    """What services of these names, models and quantizations are told that share a Triton, each on one L40S."""
    found, members = engine("triton"), []
    for name, model, quantization in models:
        shape = shapes.shape_of("triton", shapes.checkpoint(model, quantization), shapes.gpus("l40s", 1))
        replica = shapes.replica_of(shape)
        members.append(Member(name, replica, found.spec(replica, replace(shapes.SERVICE, name=name))))
    shares = found.traits.shares
    assert shares is not None
    return shares.together(members)


def test_each_of_several_models_has_a_gpu_of_its_own() -> None:
    """Read by Triton's schema: one instance of KIND_GPU each, on different GPUs, beside a model of vLLM on one GPU."""
    spec = several(("chat", shapes.SMALL, "bf16"), ("titles", shapes.SMALL, "fp8"), ("search", "BAAI/bge-m3", "bf16"))[0].spec
    files = {path.removeprefix("/models/"): text for path, text in spec.files}
    assert set(files) == {f"{name}/{file}" for name in ("chat", "titles", "search") for file in ("config.pbtxt", "1/model.json")}
    gpus: list[int] = []
    for name in ("chat", "titles", "search"):
        config = text_format.Parse(files[f"{name}/config.pbtxt"], model_config_pb2.ModelConfig())
        (group,) = config.instance_group
        assert (config.backend, group.kind, group.count) == ("vllm", model_config_pb2.ModelInstanceGroup.KIND_GPU, 1)
        gpus += group.gpus
        assert json.loads(files[f"{name}/1/model.json"])["tensor_parallel_size"] == 1
    assert gpus == [0, 1, 2]


def test_several_models_have_one_container() -> None:
    """The same spec for all but the paths that they answer at, with room for all: disk, main memory, time to start, the longest drain."""
    told = several(("search", "BAAI/bge-m3", "bf16"), ("chat", shapes.SMALL, "bf16"))
    first, second = (one.spec for one in told)
    assert replace(first, routes=()) == replace(second, routes=())
    apart = [several(one)[0].spec for one in (("search", "BAAI/bge-m3", "bf16"), ("chat", shapes.SMALL, "bf16"))]
    sizes = [{volume.name: volume.size_gib for volume in spec.volumes} for spec in (first, *apart)]
    assert all(sizes[0][name] == sizes[1][name] + sizes[2][name] for name in sizes[0])
    assert first.host_memory_bytes == sum(spec.host_memory_bytes for spec in apart)
    assert first.probes.startup.failures == sum(spec.probes.startup.failures for spec in apart)
    assert first.drain.grace == max(spec.drain.grace for spec in apart)


def test_one_that_needs_root_takes_the_others_along() -> None:
    """FP8 kernels may be linked into the image: the container that serves them beside others runs as their image does."""
    plain, linked = (several(("chat", shapes.SMALL, quantization))[0].spec.confinement for quantization in ("bf16", "fp8"))
    both = several(("chat", shapes.SMALL, "bf16"), ("titles", shapes.SMALL, "fp8"))[0].spec.confinement
    assert (plain.is_root, linked.is_root) == (False, True)
    assert both == linked


def test_the_front_end_has_one_tokenizer() -> None:
    """That of the first model that generates; embedders need none, and models of another answer prompts, not chats."""
    told = several(("search", "BAAI/bge-m3", "bf16"), ("chat", shapes.SMALL, "bf16"), ("large", shapes.LARGE, "fp8"))
    args = told[0].spec.args
    assert args[args.index("--tokenizer") + 1] == shapes.SMALL
    assert args.count("--tokenizer") == 1
    assert [one.spec.routes for one in told] == [("/v1/embeddings",), ("/v1/chat/completions", "/v1/completions"), ("/v1/completions",)]
    assert [bool(one.notes) for one in told] == [False, False, True]


def test_the_graph_is_wired() -> None:
    """Each step of the ensemble takes tensors that were asked for or made before, by names and types that its model declares."""
    found = configs("triton-tensorrt-llm")
    ensemble = found["chat"]
    assert ensemble.platform == "ensemble"
    known = {tensor.name: tensor.data_type for tensor in ensemble.input}
    for step in ensemble.ensemble_scheduling.step:
        inputs, outputs = ({t.name: t.data_type for t in side} for side in (found[step.model_name].input, found[step.model_name].output))
        assert {own: known[tensor] for own, tensor in step.input_map.items()} == inputs
        known |= {tensor: outputs[own] for own, tensor in step.output_map.items()}
    assert [step.model_name for step in ensemble.ensemble_scheduling.step] == ["preprocessing", "tensorrt_llm", "postprocessing"]
    assert {tensor.name for tensor in ensemble.output} <= set(known)


def test_what_need_not_be_sent_is_optional_throughout() -> None:
    """Only the text is required of a caller, and of every step."""
    for config in configs("triton-tensorrt-llm").values():
        assert [tensor.name for tensor in config.input if not tensor.optional] in (["text_input"], ["text"])


def test_model_yaml_says_the_plan() -> None:
    """TensorRT-LLM is given parallelism, batch and context of the plan, and streams."""
    said = yaml.safe_load(repository("triton-tensorrt-llm")["tensorrt_llm/1/model.yaml"])
    assert (said["model"], said["tensor_parallel_size"], said["max_seq_len"]) == (shapes.LARGE, 4, 8192)
    assert said["triton_config"] == {"max_batch_size": 0, "decoupled": True}


class FakeTensor:
    def __init__(self, name: str, values: Any) -> None:
        self.name, self._values = name, values

    def as_numpy(self) -> Any:
        return self._values


def run(part: str, monkeypatch: pytest.MonkeyPatch, **tensors: Any) -> dict[str, Any]:
    """What a Python model of the repository answers to one request."""
    backend = types.ModuleType("triton_python_backend_utils")
    backend.Tensor = FakeTensor  # type: ignore[attr-defined]
    backend.InferenceResponse = lambda output_tensors: output_tensors  # type: ignore[attr-defined]
    backend.get_input_tensor_by_name = lambda request, name: request.get(name)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", backend)
    space: dict[str, Any] = {}
    exec(compile(repository("triton-tensorrt-llm")[f"{part}/1/model.py"], part, "exec"), space)
    (answer,) = space["TritonPythonModel"]().execute([{name: FakeTensor(name, values) for name, values in tensors.items()}])
    return {tensor.name: tensor.as_numpy() for tensor in answer}


def test_preprocessing_renames_and_flattens(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request of the front end becomes one of TensorRT-LLM's model; what was not sent stays out."""
    found = run("preprocessing", monkeypatch, text_input=numpy.array([[b"hello"]], dtype=object), max_tokens=numpy.array([[7]]))
    assert {name: list(values) for name, values in found.items()} == {"text_input": [b"hello"], "sampling_param_max_tokens": [7]}


def test_postprocessing_hands_one_string_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text comes as one string, without the mark of its end."""
    found = run("postprocessing", monkeypatch, text=numpy.array([b"good", b" day</s>"], dtype=object))
    assert list(found["text_output"]) == [b"good day"]
