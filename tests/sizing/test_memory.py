"""What engines take besides weights and KV cache, against their logs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inferstack import catalog
from inferstack.sizing import activation_bytes, default_share, graph_bytes, limits, memory_constants, runtime_bytes
from inferstack.sizing.constants import constants, version_key
from inferstack.sizing.types import Estimate, Parallelism, Provenance

from .cases import GIB, GPT_OSS_120B, H100, L4, LLAMA_8B, device


@pytest.mark.parametrize(
    ("version", "model", "sequences", "tokens", "tensor", "gib"),
    [
        ("0.11.0", "meta-llama/Llama-3.1-8B-Instruct", 1024, 8192, 1, 4.76),
        ("0.11.0", "meta-llama/Llama-3.3-70B-Instruct", 1024, 8192, 2, 4.84),
        ("0.11.0", "Qwen/Qwen3-32B", 1024, 8192, 1, 5.64),
        ("0.11.0", "openai/gpt-oss-120b", 1024, 8192, 1, 7.38),
        ("0.19.0", "meta-llama/Llama-3.1-8B-Instruct", 1024, 8192, 1, 1.89),
        ("0.19.0", "meta-llama/Llama-3.1-8B-Instruct", 1024, 8192, 4, 1.89),
        ("0.19.0", "Qwen/Qwen2.5-7B-Instruct", 1024, 8192, 1, 2.21),
        ("0.19.0", "microsoft/phi-4", 1024, 8192, 1, 1.52),
    ],
)
def test_activation_peak_agrees_with_logs(version: str, model: str, sequences: int, tokens: int, tensor: int, gib: float) -> None:
    """vLLM's profiled activation peak is predicted within 1.5 % by sequences x vocabulary, at any tensor parallelism."""
    peak = activation_bytes(memory_constants("vllm", version), catalog.model(model), sequences, tokens, Parallelism(tensor))
    assert peak.expected / GIB == pytest.approx(gib, rel=0.015)


def test_forward_pass_bounds_models_with_small_vocabulary() -> None:
    """Granite's 49,155 entries make a small sampler: the forward pass is the peak, 0.85 GiB as logged."""
    peak = activation_bytes(
        memory_constants("vllm", "0.19.0"), catalog.model("ibm-granite/granite-3.1-8b-instruct"), 1024, 8192, Parallelism()
    )
    assert peak.expected / GIB == pytest.approx(0.85, rel=0.02)


def test_compute_buffer_of_llama_cpp_follows_the_micro_batch() -> None:
    """llama.cpp keeps fp32 logits of one micro-batch: 796 MiB for gpt-oss-120b at 1,024 tokens, whatever the number of sequences."""
    rules = memory_constants("llama.cpp", "b6000")
    one, many = (activation_bytes(rules, GPT_OSS_120B, sequences, 1024, Parallelism()) for sequences in (1, 64))
    assert one == many
    assert one.expected / 2**20 == pytest.approx(796, rel=0.03)


def test_communication_needs_memory() -> None:
    """Tensor parallelism adds communication buffers outside the allocator."""
    rules = memory_constants("vllm", "0.11.0")
    alone, pair = (runtime_bytes(rules, Parallelism(tensor)).expected / GIB for tensor in (1, 2))
    assert alone == pytest.approx(0.14, abs=0.02)
    assert pair == pytest.approx(0.57, abs=0.05)


def test_version_picks_the_latest_range_that_is_not_newer() -> None:
    """A release gets the constants of its range; one before all ranges gets the oldest."""
    assert memory_constants("vllm", "0.33.1").versions == "0.29 and later"
    assert memory_constants("vllm", "v0.19.2").versions == "0.17 to 0.19"
    assert memory_constants("vllm", "0.16.9").versions == "0.8 to 0.16"
    assert memory_constants("vllm", "0.2.4").versions == "before 0.7"
    assert memory_constants("llama.cpp", "b6210").versions == "before b8000"


def test_versions_compare_as_numbers() -> None:
    """0.9 is older than 0.19, and text without a number is the newest."""
    assert version_key("0.9.2") < version_key("0.19") < version_key("nightly")


def test_unknown_engine_gets_its_nearest_kin_marked_so() -> None:
    """An engine without constants borrows another's, says whose, and is only believed."""
    borrowed = memory_constants("ollama", "0.32")
    assert borrowed.is_kin
    assert borrowed.engine == "llama.cpp"
    assert "nearest kin" in borrowed.source
    assert borrowed.provenance is Provenance.BELIEVED
    assert memory_constants("somebody-elses", "1.0").engine == "vllm"


def test_every_engine_row_is_complete_and_ordered() -> None:
    """Each range parses, its bands enclose the expected value, and newer ranges stand before older ones."""
    last: dict[str, tuple[int, ...]] = {}
    for row in constants("memory")["engines"]:
        found = memory_constants(row["engine"], row["from"])
        assert found.versions == row["label"]
        for name in ("utilisation", "logit_bytes", "forward_factor", "runtime_gib_single", "runtime_gib_tensor", "runtime_gib_pipeline"):
            part = getattr(found, name)
            assert isinstance(part, Estimate)
            assert part.low <= part.expected <= part.high, (row["engine"], name)
            assert part.source
        assert version_key(row["from"]) < last.get(row["engine"], (10**9,))
        last[row["engine"]] = version_key(row["from"])


def test_fewer_sequences_free_memory() -> None:
    """The activation peak falls with the number of sequences until the forward pass is larger."""
    rules = memory_constants("vllm", "0.11.0")
    peaks = [activation_bytes(rules, LLAMA_8B, sequences, 2048, Parallelism()).expected for sequences in (1024, 256, 64, 16)]
    assert peaks == sorted(peaks, reverse=True)
    assert peaks[0] > 3 * peaks[1]
    assert peaks[-1] == activation_bytes(rules, LLAMA_8B, 1, 2048, Parallelism()).expected


def test_graphs_have_a_band() -> None:
    """Captured graphs are a few hundred MiB, never nothing on vLLM, and fewer where fewer batch sizes are captured."""
    rules = memory_constants("vllm", "0.33.0")
    graphs = graph_bytes(rules, LLAMA_8B, 256)
    assert 0 < graphs.low < graphs.expected < graphs.high < 2 * GIB
    assert graph_bytes(rules, LLAMA_8B, 1).expected < graphs.expected / 2


def test_first_stages_do_not_sample() -> None:
    """The stages before the last hold no logits: 1.05 and 1.10 GiB of activations for Llama-3.1-8B on two and four, as logged."""
    rules = memory_constants("vllm", "0.19.0")
    first = activation_bytes(rules, LLAMA_8B, 1024, 8192, Parallelism(pipeline=2), samples=False)
    assert first.expected / GIB == pytest.approx(1.07, rel=0.05)
    assert first.expected < activation_bytes(rules, LLAMA_8B, 1024, 8192, Parallelism(pipeline=2)).expected


def test_defaults_follow_the_gpu() -> None:
    """vLLM admits 1,024 sequences on large GPUs but the A100, and 256 elsewhere; SGLang's share of memory grows with the GPU."""
    h100, l4 = device(), device(L4, 1, "none")
    a100 = replace(h100, id="a100-80")
    assert [limits("vllm", "0.33.0", found).sequences for found in (h100, a100, l4)] == [1024, 256, 256]
    assert limits("vllm", "0.33.0", replace(h100, memory_bytes=178 * GIB)).batched_tokens == 16_384
    assert limits("vllm", "0.11.0", replace(h100, memory_bytes=178 * GIB)).batched_tokens == 8192
    shares = [default_share("sglang", "0.5.4", found, Parallelism(), 8192).expected for found in (l4, h100)]
    assert 0.4 < shares[0] < shares[1] < 0.9
    assert default_share("vllm", "0.11.0", h100, Parallelism(), 8192).expected == 0.9


def test_an_engine_that_does_not_cut_prompts_batches_a_whole_one() -> None:
    """The V0 engine of vLLM profiles with a sequence of full length, up to 32,768 tokens; beyond, and in V1, prompts are cut."""
    h100 = device(H100)
    assert limits("vllm", "0.6.5", h100, 8192).batched_tokens == 8192
    assert limits("vllm", "0.6.5", h100, 131_072).batched_tokens == 2048
    assert limits("vllm", "0.11.0", h100, 32_768).batched_tokens == 8192


@pytest.mark.parametrize(
    ("model", "version", "gib"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", "0.10.1", 0.52),
        ("Qwen/Qwen3-8B", "0.14.0", 0.54),
        ("Qwen/Qwen2.5-7B-Instruct", "0.22.0", 0.53),
        ("Qwen/Qwen2.5-0.5B-Instruct", "0.27.0", 0.40),
        ("google/gemma-3-27b-it", "0.11.0", 1.02),
    ],
)
def test_captured_graphs_take_what_logs_say(model: str, version: str, gib: float) -> None:
    """Graphs of 51 batch sizes take the GiB that public logs of vLLM state, within a fifth."""
    found = graph_bytes(memory_constants("vllm", version), catalog.model(model), 256)
    assert found.expected / GIB == pytest.approx(gib, rel=0.2)
    assert found.low / GIB < gib < found.high / GIB
