"""What a service has beside one model: LoRA adapters, proposed tokens, hits in the prefix cache."""

from __future__ import annotations

import json

import pytest
import yaml

from inferstack import manifests
from inferstack.errors import InputError
from tests.planning.stacks import plan_one

HUB = {"name": "legal", "uri": "hf://acme/legal-lora", "rank": 16}
BUCKET = {"name": "medical", "uri": "s3://acme/medical", "rank": 64}
MODEL = {"model": "Qwen/Qwen3-8B", "gpu": "l4", "slo": {"tpotP95Ms": 100}}


def refused(**changes: object) -> list[str]:
    with pytest.raises(InputError) as error:
        plan_one(**{**MODEL, **changes})
    return [str(problem).removeprefix("inferstack:services[0].") for problem in error.value.problems]


def after(words: tuple[str, ...], flag: str) -> str | None:
    return next((word.partition("=")[2] for word in words if word.startswith(f"{flag}=")), None)


def test_adapters_have_names_of_their_own() -> None:
    """vLLM serves each adapter under its own name; the largest rank is rounded up to one that it has kernels for."""
    made = plan_one(**MODEL, adapters=[HUB, {**HUB, "name": "support", "rank": 20}])
    words = made.spec.args
    assert words[-3:] == ("--lora-modules", "legal=acme/legal-lora", "support=acme/legal-lora")
    assert (after(words, "--max-loras"), after(words, "--max-lora-rank")) == ("2", "32")
    assert made.spec.adapters == ("legal", "support")


def test_sglang_names_an_adapter_behind_its_base() -> None:
    """Its API asks for `service:adapter`."""
    made = plan_one(**MODEL, engine="sglang", adapters=[HUB])
    assert made.spec.adapters == ("chat:legal",)
    assert made.spec.args[-2:] == ("--lora-paths", "legal=acme/legal-lora")


def test_adapters_take_memory_and_time() -> None:
    """Each slot takes memory from the KV cache, more with more rank, and a decode step takes longer."""
    plain = plan_one(**MODEL)
    two = plan_one(**MODEL, adapters=[HUB, BUCKET])
    one = plan_one(**MODEL, adapters=[HUB, BUCKET], adapterSlots=1)
    small = plan_one(**MODEL, adapters=[HUB, {**HUB, "name": "other"}])
    sizes = [made.replica.memory.added_bytes for made in (plain, one, small, two)]
    assert sizes == sorted(set(sizes), key=sizes.index)
    assert sizes[0] == 0
    assert sizes[3] == 2 * sizes[1]
    assert two.replica.memory.kv_bytes < plain.replica.memory.kv_bytes
    assert two.replica.performance.tpot_p95_ms.expected > plain.replica.performance.tpot_p95_ms.expected


def test_an_adapter_of_rank_16_is_as_large_as_its_matrices() -> None:
    """rank x (inputs + outputs) of the seven matrices of each of 36 layers, at 16 bit: 87 MB for Qwen3-8B at rank 16."""
    made = plan_one(**MODEL, adapters=[HUB])
    hidden, heads, kv, width, layers = 4096, 32 * 128, 8 * 128, 12288, 36
    sides = (hidden + heads) + 2 * (hidden + kv) + (heads + hidden) + 3 * (hidden + width)
    assert made.replica.memory.added_bytes == 16 * sides * layers * 2


def test_adapters_that_fill_the_gpus_are_to_blame() -> None:
    """What stands beside the weights is named where it is what does not fit, with the key that makes it less."""
    many = [{"name": f"a{index}", "uri": f"hf://acme/a{index}", "rank": 512} for index in range(200)]
    (problem,) = refused(model="Qwen/Qwen3-8B", gpu="l4", adapters=many)
    assert "15.3 GiB of weights, 1898.4 GiB beside them and buffers exceed 8 x l4" in problem
    assert "fewer `adapterSlots` take less" in problem
    assert plan_one(model="Qwen/Qwen3-8B", gpu="l4", slo=None, adapters=many, adapterSlots=4).replica.memory.fits


def test_adapters_of_a_bucket_are_mounted() -> None:
    """KServe mounts what the engine does not download, at the path that the engine is told; the hub's are downloaded with the token."""
    made = plan_one(**MODEL, adapters=[HUB, BUCKET])
    (item,) = [item for item in manifests.service_objects(made) if item["kind"] == "InferenceService"]
    assert item["spec"]["predictor"]["storageUris"] == [{"uri": "s3://acme/medical", "mountPath": "/mnt/adapters/medical"}]
    assert made.spec.args[-1] == "medical=/mnt/adapters/medical"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"adapters": [{**HUB, "rank": 1024}]}, "adapters[0].rank: 1024 is above the 512 that vllm has kernels for; use at most 512"),
        (
            {"adapters": [HUB], "engine": "tensorrt-llm"},
            "adapters: 1 have no names of their own at the endpoint of tensorrt-llm",
        ),
        ({"adapters": [HUB], "engine": "sglang", "quantization": "awq"}, "quantization: awq is not known to work with adapters on sglang"),
        ({"adapters": [HUB, HUB]}, "adapters[1].name: legal is also the name of adapters[0]; use legal-3"),
        ({"adapters": [{**HUB, "name": "chat"}]}, "adapters[0].name: chat is also the name of the service; use chat-2"),
        ({"adapters": [HUB], "adapterSlots": 2}, "adapterSlots: 2 is more than the 1 adapters; use at most 1"),
        ({"engineArgs": {"enable-lora": True}, "engine": "vllm"}, "engineArgs.enable-lora: true is for the plan to decide; use adapters"),
    ],
)
def test_adapters_that_cannot_be(changes: dict[str, object], said: str) -> None:
    """Ranks without kernels, engines without names, weights that are not known to work: refused with the nearest that works."""
    engine = {} if "engine" in changes else {"engine": "vllm"}
    (problem,) = refused(**engine, **changes)
    assert problem.startswith(said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"adapters": [{**HUB, "rank": 1024}]}, "adapters[0].rank: 1024 is above the 512 that vllm has kernels for; use at most 512"),
        (
            {"model": "google/gemma-3-12b-it", "gpu": None, "slo": None, "reasoning": True},
            "reasoning: True needs the parser that vllm has for google/gemma-3-12b-it, which is not known here; name it yourself",
        ),
    ],
)
def test_what_no_engine_has_is_refused_at_its_key(changes: dict[str, object], said: str) -> None:
    """Without a pinned engine too: that no engine is left says nothing of the machines that are sold."""
    (problem,) = refused(**changes)
    assert problem.casefold().startswith(said.casefold())


def test_latent_attention_takes_no_adapters() -> None:
    """Nobody here knows that adapters work on it."""
    assert "latent attention" in refused(model="deepseek-ai/DeepSeek-V3", gpu=None, slo=None, adapters=[HUB])[0]


def test_no_gain_without_a_measured_acceptance() -> None:
    """Speculation is planned at the speed of none until somebody says how much is accepted, and the plan says that."""
    plain = plan_one(**MODEL)
    silent = plan_one(**MODEL, speculation={"method": "ngram", "tokens": 4})
    assert silent.replica.performance.tpot_p95_ms.expected == pytest.approx(plain.replica.performance.tpot_p95_ms.expected)
    assert any("no gain is counted" in text for text in silent.warnings)


def test_accepted_tokens_shorten_a_token() -> None:
    """More accepted tokens make a shorter TPOT; a draft's weights and its KV cache come out of the memory for sequences."""
    made = [
        plan_one(**MODEL, speculation={"method": "draft", "model": "Qwen/Qwen3-0.6B", "tokens": 4, "acceptance": share})
        for share in (0.4, 0.8)
    ]
    plain = plan_one(**MODEL)
    slow, fast = (one.replica.performance.tpot_p95_ms.expected for one in made)
    assert fast < slow
    assert fast < plain.replica.performance.tpot_p95_ms.expected
    assert made[0].replica.memory.added_bytes == pytest.approx(596e6 * 2, rel=0.02)
    assert made[0].replica.memory.kv_bytes_per_token > plain.replica.memory.kv_bytes_per_token
    assert made[0].replica.performance.tpot_p95_ms.provenance == "believed"


def test_each_engine_is_told_of_speculation_in_its_words() -> None:
    """One JSON for vLLM, flags for SGLang and llama.cpp, the YAML file for TensorRT-LLM."""
    eagle = {"method": "eagle3", "model": "acme/eagle3", "tokens": 3}
    (config,) = [word for word in plan_one(**MODEL, speculation=eagle).spec.args if word.startswith("--speculative-config=")]
    told = json.loads(config.partition("=")[2])
    assert told == {"method": "eagle3", "num_speculative_tokens": 3, "model": "acme/eagle3", "draft_tensor_parallel_size": 1}
    words = plan_one(**MODEL, engine="sglang", speculation=eagle).spec.args
    assert after(words, "--speculative-algorithm") == "EAGLE3"
    assert after(words, "--speculative-num-draft-tokens") == "4"
    ((_, text),) = plan_one(**MODEL, engine="tensorrt-llm", speculation=eagle).spec.files
    told = yaml.safe_load(text)["speculative_config"]
    assert told == {"decoding_type": "Eagle", "max_draft_len": 3, "speculative_model_dir": "acme/eagle3"}
    draft = {"method": "draft", "model": "Qwen/Qwen3-0.6B", "tokens": 5}
    line = " ".join(plan_one(**MODEL, engine="llama.cpp", quantization="gguf-q4_k_m", speculation=draft).spec.args)
    assert "--spec-draft-hf unsloth/Qwen3-0.6B-GGUF:BF16 --spec-draft-n-max 5" in line


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": "mtp"}, "speculation.method: mtp needs layers for multi-token prediction, which the checkpoint of Qwen/Qwen3-8B"),
        ({"method": "draft"}, "speculation.model: is needed with method draft; a small model of the same family"),
        ({"method": "ngram", "model": "Qwen/Qwen3-0.6B"}, "speculation.model: Qwen/Qwen3-0.6B stands beside method ngram"),
        (
            {"method": "draft", "model": "meta-llama/Llama-3.2-1B-Instruct"},
            "speculation.model: meta-llama/Llama-3.2-1B-Instruct has a vocabulary of 128,256, Qwen/Qwen3-8B one of 151,936: "
            "what it proposes would not be read; use Qwen/Qwen3-0.6B",
        ),
        (
            {"method": "draft", "model": "zzz/0000"},
            "speculation.model: zzz/0000 is not a known model; use Qwen/Qwen3-0.6B; with speculation.model Qwen/Qwen3-0.6B it works",
        ),
    ],
)
def test_speculation_that_cannot_be(changes: dict[str, object], said: str) -> None:
    """A method needs what it works with: layers, a model, its vocabulary."""
    (problem,) = refused(speculation=changes)
    assert problem.startswith(said)


def test_a_method_that_an_engine_lacks_names_those_that_have_it() -> None:
    """llama.cpp has no EAGLE-3, TGI none of these."""
    eagle = {"method": "eagle3", "model": "acme/eagle3"}
    (problem,) = refused(engine="llama.cpp", quantization="gguf-q4_k_m", speculation=eagle)
    assert problem.startswith(
        "speculation.method: eagle3 is not a method that llama.cpp has; with llama.cpp draft or ngram; for eagle3 use engine vllm, sglang "
        "or tensorrt-llm; with engine vllm and without quantization it works: vllm, 1 x "
    )
    assert problem.endswith(" a month")
    (problem,) = refused(engine="tgi", speculation=eagle)
    assert problem.startswith("speculation.method: eagle3 is not a method that tgi has; for eagle3 use engine")


def test_layers_of_the_checkpoint_propose() -> None:
    """A model that carries layers for multi-token prediction needs no other: they are loaded, and nothing is downloaded beside."""
    layers = {"method": "mtp", "tokens": 1, "acceptance": 0.7}
    made = plan_one(model="Qwen/Qwen3.5-27B", gpu="h100-80", slo={"tpotP95Ms": 100}, speculation=layers)
    assert any('"method":"mtp"' in word for word in made.spec.args)
    assert made.replica.memory.added_bytes > 0


def test_stated_hits_shorten_the_prefill() -> None:
    """Hits in the prefix cache count only as the stack file states them, and the plan says so."""
    plain, hits = plan_one(**MODEL), plan_one(**MODEL, prefixHitRate=0.8)
    assert hits.replica.performance.ttft_p95_ms.expected < plain.replica.performance.ttft_p95_ms.expected
    assert any("80% of the prompt tokens" in text for text in hits.warnings)


def test_additions_are_for_models_that_generate() -> None:
    """An embedding model takes neither adapters nor speculation here."""
    embedder = {"model": "BAAI/bge-m3", "traffic": {"requestsPerSecond": 1, "isl": 100}, "slo": None}
    found = refused(**embedder, adapters=[HUB], speculation={"method": "ngram"})
    assert [text.partition(":")[0] for text in found] == ["adapters", "speculation"]


def test_tool_calls_and_reasoning_are_parsed_where_the_parser_is_known() -> None:
    """Each engine is told its own name of the parser."""
    wanted = {"toolCalls": True, "reasoning": True}
    words = plan_one(**MODEL, **wanted).spec.args
    assert {"--enable-auto-tool-choice", "--tool-call-parser=hermes", "--reasoning-parser=qwen3"} <= set(words)
    words = plan_one(**MODEL, **wanted, engine="sglang").spec.args
    assert {"--tool-call-parser=qwen25", "--reasoning-parser=qwen3"} <= set(words)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"engine": "tgi", "toolCalls": True},
            "toolCalls: True needs the parser that tgi has for Qwen/Qwen3-8B, which is not known",
        ),
        (
            {"engine": "vllm", "model": "google/gemma-3-12b-it", "gpu": None, "slo": None, "reasoning": True},
            "reasoning: True needs the parser that vllm has for google/gemma-3-12b-it, which is not known here; name it yourself",
        ),
        (
            {"engine": "vllm", "toolCalls": True, "engineArgs": {"tool-call-parser": "hermes"}},
            "toolCalls: True stands beside engineArgs.tool-call-parser; keep one",
        ),
    ],
)
def test_parsers_that_nobody_here_knows(changes: dict[str, object], said: str) -> None:
    """They are asked for, never guessed."""
    assert refused(**changes)[0].casefold().startswith(said.casefold())
