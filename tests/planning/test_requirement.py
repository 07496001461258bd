"""From a service as written to what the search is asked."""

from __future__ import annotations

import pytest

from inferstack.planning import requirement
from tests.planning.stacks import plan_one

USERS = {"dailyUsers": 1000, "tokensPerUser": 10_000, "activeHours": 8}


def test_daily_users_become_requests_per_second_over_the_active_hours() -> None:
    """1,000 users with 10,000 tokens each over 8 hours are 347 tokens per second: 0.347 requests of 1,000 tokens."""
    workload = plan_one(traffic={**USERS, "isl": 750, "osl": 250}).workload
    assert workload.mean_rps == pytest.approx(0.3472, abs=1e-4)
    assert workload.requests_per_month == pytest.approx(1000 * 10_000 / 1000 * 730 / 24)


def test_the_third_of_isl_osl_and_output_share_follows_from_two() -> None:
    """A quarter of output beside 250 output tokens is 750 input tokens, and the other way round."""
    by_osl = plan_one(traffic={**USERS, "osl": 250, "outputShare": 0.25}).workload
    by_isl = plan_one(traffic={**USERS, "isl": 750, "outputShare": 0.25}).workload
    assert (by_osl.isl, by_osl.osl) == (by_isl.isl, by_isl.osl) == (750, 250)


def test_a_word_is_one_and_three_tenths_tokens() -> None:
    """22.2 million words a day are 28.86 million tokens a day."""
    workload = plan_one(traffic={"dailyUsers": 22_200, "wordsPerUser": 1000, "isl": 900, "osl": 100}).workload
    assert workload.requests_per_month * 1000 / (730 / 24) == pytest.approx(28.86e6)


def test_replicas_are_sized_for_the_peak() -> None:
    """The peak factor multiplies the mean rate."""
    assert plan_one(traffic={"requestsPerSecond": 2, "isl": 100, "osl": 100, "peakFactor": 3}).workload.peak_rps == 6


def test_the_context_leaves_room_for_requests_four_times_the_mean() -> None:
    """700 tokens ask for 2,800, below the smallest context planned; 5,000 tokens ask for 20,000, the next power of two is 32,768."""
    assert plan_one().replica.shape.context == 4096
    longer = plan_one(traffic={"requestsPerSecond": 0.2, "isl": 4500, "osl": 500})
    assert longer.replica.shape.context == 32_768


def test_a_model_is_never_asked_for_more_context_than_it_was_made_for() -> None:
    """Qwen3 ends at 40,960 tokens, which is less than four times 12,000."""
    found = plan_one(model="Qwen/Qwen3-8B", traffic={"requestsPerSecond": 0.1, "isl": 11_000, "osl": 1000}, slo=None)
    assert found.replica.shape.context == 40_960


def test_names_resolve_kindly() -> None:
    """A model without organisation and in another case, and a GPU by its marketing name, are found."""
    found = plan_one(model="qwen2.5-7b-instruct", gpu="NVIDIA L4")
    assert (found.model, found.gpu) == ("Qwen/Qwen2.5-7B-Instruct", "l4")


def test_a_file_in_a_pinned_uri_is_told_apart_from_its_repository() -> None:
    """`hf://owner/repository/model.gguf` is a repository and a file."""
    checkpoint = plan_one(
        engine="llama.cpp", gpu="l4", quantization="gguf-q4_k_m", modelUri="hf://owner/repository/model.gguf", slo=None
    ).replica.shape.checkpoint
    assert (checkpoint.uri, checkpoint.file) == ("hf://owner/repository", "model.gguf")


def test_a_file_in_a_folder_of_a_repository_keeps_its_folder() -> None:
    """`hf://owner/repository/folder/model.gguf` names `folder/model.gguf` in `owner/repository`."""
    checkpoint = plan_one(quantization="gguf-q4_k_m", modelUri="hf://owner/repository/folder/model.gguf", slo=None).replica.shape.checkpoint
    assert (checkpoint.uri, checkpoint.file) == ("hf://owner/repository", "folder/model.gguf")


def test_a_file_in_an_object_store_is_fetched_alone() -> None:
    """The one object is mounted, not the bucket around it."""
    found = plan_one(quantization="gguf-q4_k_m", modelUri="s3://bucket/folder/model.gguf", slo=None)
    assert found.spec.storage_uri == "s3://bucket/folder/model.gguf"


def test_machine_types_are_found_in_any_case() -> None:
    """`G6.12XLARGE` is g6.12xlarge."""
    assert plan_one(machineType="G6.12XLARGE").machine_type == "g6.12xlarge"


def test_cpu_is_a_wish_of_its_own() -> None:
    """`gpu: cpu` is what a service without an accelerator says."""
    assert requirement.CPU == "cpu"


def test_a_range_of_replicas_is_the_users_own() -> None:
    """Bounds hold on both sides: more than the peak needs may be started, and is what the top of the range costs."""
    found = plan_one(replicas={"min": 2, "max": 9}, gpu="l4")
    assert (found.replicas.min, found.replicas.max) == (2, 9)


GATED = "meta-llama/Llama-3.1-8B-Instruct"


@pytest.mark.parametrize(
    ("pins", "asks"),
    [
        ({"quantization": "bf16", "gpu": "l4"}, True),
        ({"quantization": "gguf-q4_k_m", "modelUri": "hf://somebody/llama-gguf/model.gguf", "engine": "llama.cpp", "gpu": "l4"}, False),
        ({"quantization": "fp8", "modelUri": "hf://RedHatAI/Meta-Llama-3.1-8B-Instruct-FP8", "gpu": "l4"}, False),
        ({"quantization": "bf16", "modelUri": f"hf://{GATED}", "gpu": "l4"}, True),
    ],
)
def test_a_token_is_asked_for_where_the_weights_themselves_are_gated(pins: dict[str, str], asks: bool) -> None:
    """A gate is that of the repository which the weights come from, not of the model that they were made from."""
    assert plan_one(model=GATED, slo=None, **pins).uses_hugging_face_token is asks
