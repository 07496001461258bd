"""Where weights come from: what is possible, how soon a replica answers with it, and what keeping them there costs."""

from __future__ import annotations

import pytest

from inferstack import manifests
from inferstack.errors import InputError
from tests.planning.stacks import EKS, GKE, plan, plan_one, service

BUCKET = {"modelUri": "s3://acme/qwen", "quantization": "bf16", "gpu": "l4"}


def refused(**changes: object) -> list[str]:
    with pytest.raises(InputError) as error:
        plan_one(**changes)
    return [str(problem).removeprefix("inferstack:services[0].") for problem in error.value.problems]


def test_a_bucket_is_streamed_where_the_image_can() -> None:
    """vLLM reads it itself, past the disk: no copy by KServe, no room on its volume, and main memory for what passes through."""
    streamed, copied = plan_one(**BUCKET), plan_one(**BUCKET, loading="copy")
    assert streamed.spec.args[0] == "s3://acme/qwen"
    assert "--load-format=runai_streamer" in streamed.spec.args
    assert streamed.spec.storage_uri is None
    assert copied.spec.storage_uri == "s3://acme/qwen"
    assert copied.spec.args[0] == "/mnt/models"
    assert streamed.spec.host_memory_bytes - copied.spec.host_memory_bytes == 4 * 2**30
    (told,) = [decision for decision in streamed.decisions if decision.key == "loading"]
    assert (told.value, told.pinned) == ("stream", False)


@pytest.mark.parametrize(("engine", "place"), [("vllm", "s3://acme/qwen"), ("vllm", "gs://acme/qwen"), ("sglang", "gs://acme/qwen")])
def test_ranks_share_what_they_stream(engine: str, place: str) -> None:
    """With several GPUs each rank reads its part, in main memory of its own."""
    large = {**BUCKET, "model": "Qwen/Qwen2.5-72B-Instruct", "gpu": "h100-80", "tensorParallel": 4, "engine": engine, "modelUri": place}
    streamed, copied = plan_one(**large), plan_one(**large, loading="copy")
    assert place in " ".join(streamed.spec.args)
    assert any('"distributed":true' in word for word in streamed.spec.args)
    assert streamed.spec.host_memory_bytes - copied.spec.host_memory_bytes == 4 * 4 * 2**30


def test_no_bucket_is_streamed_by_an_image_that_is_not_known_to() -> None:
    """SGLang's has the streamer, and maybe not its part for S3."""
    copied = plan_one(**{**BUCKET, "engine": "sglang"})
    assert copied.spec.storage_uri == BUCKET["modelUri"]
    assert not any(option.way == "stream" for option in copied.sources)


def test_streaming_is_never_later() -> None:
    """What passes no disk answers sooner where the disk is the slowest part."""
    made = plan_one(GKE, **{**BUCKET, "modelUri": "gs://acme/qwen"})
    ways = {(option.place, option.way): option.cold_start_seconds.expected for option in made.sources}
    assert ways["gs", "stream"] < ways["gs", "copy"]


def test_every_place_is_stated_with_its_cold_start_and_price() -> None:
    """The chosen one first, then the sooner first; the hub keeps weights for nothing, and no price of Filestore is known."""
    made = plan_one(GKE, gpu="l4")
    chosen, *others = made.sources
    assert (chosen.place, chosen.way, chosen.monthly_usd) == ("hf", "copy", 0)
    assert chosen.cold_start_seconds == made.cold_start_seconds
    assert {(option.place, option.way) for option in others} == {
        ("gs", "stream"),
        ("gs", "copy"),
        ("filestore", "mount"),
        ("gcs-fuse", "mount"),
        ("oci", "copy"),
    }
    assert [option.cold_start_seconds.expected for option in others] == sorted(option.cold_start_seconds.expected for option in others)
    prices = {option.place: option.monthly_usd for option in others}
    assert prices["filestore"] is None
    assert prices["gs"]
    on_eks = {option.place: option.monthly_usd for option in plan_one(EKS, gpu="l4").sources}
    assert on_eks["efs"]
    assert on_eks["s3"]
    assert on_eks["efs"] > on_eks["s3"]


def test_weights_that_are_kept_are_a_line_of_the_costs() -> None:
    """A bucket has its fee; what the volume of a claim costs is not known, so that the total is a lower bound; the hub is free."""
    lines = {line.name: line for line in plan(service(**BUCKET)).costs.lines.leaves}
    assert lines["weights in S3"].priced
    assert "weights in a shared volume" in plan(service(**{**BUCKET, "modelUri": "pvc://models/qwen"})).costs.unpriced
    kept = {line.name: line for line in plan(service(gpu="l4")).costs.lines.leaves}
    assert "weights in Hugging Face" not in kept


def test_two_services_on_the_same_weights_keep_them_once() -> None:
    """The same place is one line."""
    both = plan(service(**BUCKET), service(**BUCKET, name="second"))
    assert [line.name for line in both.costs.lines.leaves].count("weights in S3") == 1


def test_an_image_is_mounted_as_a_modelcar() -> None:
    """KServe mounts weights that come as an image; the node's disk has room for them."""
    uri = "oci://registry.example/models/qwen:1.0"
    made = plan(service(**{**BUCKET, "modelUri": uri}))
    (item,) = [item for item in manifests.service_objects(made.services[0]) if item["kind"] == "InferenceService"]
    assert item["spec"]["predictor"]["model"]["storageUri"] == uri
    assert made.services[0].spec.args[0] == "/mnt/models"


def test_copies_have_room_on_the_disk() -> None:
    """The node's disk holds weights that KServe copies or that come as an image, and none that are read in place."""
    large = {**BUCKET, "model": "Qwen/Qwen2.5-72B-Instruct", "gpu": "h100-80", "tensorParallel": 4}
    places = ("pvc://models/qwen", "oci://registry.example/qwen:1", "s3://acme/qwen")
    copied = {"s3": "copy"}
    made = [plan(service(**{**large, "modelUri": place}, loading=copied.get(place[:2]))) for place in places]
    mounted, image, bucket = (one.pools[0].disk_gib for one in made)
    assert mounted + 100 < image == bucket


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"loading": "stream"}, "loading: stream is for weights in a bucket, and these come from Hugging Face; remove it"),
        ({**BUCKET, "loading": "stream", "engine": "sglang"}, "loading: stream is not known to work with sglang; use vllm, or copy"),
        ({**BUCKET, "modelUri": "oci://registry.example/qwen"}, "modelUri: oci://registry.example/qwen has neither tag nor digest"),
        ({**BUCKET, "modelUri": "ftp://a/b"}, "modelUri: ftp://a/b is not a place of weights that can be loaded; use hf://"),
        (
            {"modelUri": "oci://registry.example/q:1", "quantization": "gguf-q4_k_m", "engine": "llama.cpp"},
            "quantization: gguf-q4_k_m is in an image, of which nobody tells the GGUF file; use hf://",
        ),
        (
            {"adapters": [{"name": "a", "uri": "oci://registry.example/a:1", "rank": 8}]},
            "adapters[0].uri: oci://registry.example/a:1 is an image, and adapters are files; use hf://",
        ),
        ({"engine": "vllm", "engineArgs": {"load-format": "runai_streamer"}}, "engineArgs.load-format: runai_streamer is for the plan to"),
    ],
)
def test_places_that_cannot_be(changes: dict[str, object], said: str) -> None:
    """What no engine reads that way names the way that works."""
    assert refused(**changes)[0].startswith(said)
