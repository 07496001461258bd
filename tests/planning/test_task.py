"""Services that answer after one pass: embedding, rerank and reward models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inferstack import planning
from inferstack.errors import InputError
from tests.planning.stacks import plan, plan_one, service, stack

EMBEDDER: dict[str, Any] = {
    "model": "BAAI/bge-m3",
    "traffic": {"requestsPerSecond": 20, "isl": 400},
    "slo": {"latencyP95Ms": 300},
}


def refused(**changes: object) -> list[str]:
    with pytest.raises(InputError) as error:
        plan_one(**changes)
    return [str(problem).removeprefix("inferstack:services[0].") for problem in error.value.problems]


def test_the_target_is_the_whole_answer() -> None:
    """Replicas are counted so that an answer is within `latencyP95Ms` at the peak, and a tighter target never costs less."""
    made = [plan(service(**{**EMBEDDER, "slo": {"latencyP95Ms": target}})) for target in (300, 90)]
    for one, target in zip(made, (300, 90), strict=True):
        assert one.services[0].task == "embed"
        assert one.services[0].replica.performance.ttft_p95_ms.expected <= target
    assert made[0].costs.monthly_usd.expected <= made[1].costs.monthly_usd.expected
    assert refused(**{**EMBEDDER, "slo": {"latencyP95Ms": 1}})[0].startswith("slo.latencyP95Ms: 1")


def test_a_model_that_generates_nothing_has_no_output_and_no_tpot() -> None:
    """Output tokens and targets for generated tokens are refused with what to say instead."""
    found = refused(**{**EMBEDDER, "traffic": {"requestsPerSecond": 20, "isl": 400, "osl": 10}, "slo": {"ttftP95Ms": 100, "tpotP95Ms": 5}})
    wanted = [
        "traffic.osl: 10 is for output, and BAAI/bge-m3 (embed) writes none; remove it",
        "slo.ttftP95Ms: 100.0 is for tokens that are generated, and BAAI/bge-m3 generates none; use latencyP95Ms, for the whole answer",
        "slo.tpotP95Ms: 5.0 is for tokens that are generated, and BAAI/bge-m3 generates none; use latencyP95Ms, for the whole answer",
    ]
    mended = "with slo.latencyP95Ms 100.0 and without traffic.osl, slo.ttftP95Ms and slo.tpotP95Ms it works: vllm, 1 x bf16 on 1 x "
    for sentence, beginning in zip(found, wanted, strict=True):
        assert sentence.startswith(f"{beginning}; {mended}")


def test_a_model_that_generates_needs_output_tokens() -> None:
    """Without `osl` its load is not known, and the latency of a whole answer is no target."""
    assert refused(traffic={"requestsPerSecond": 1, "isl": 5}) == [
        "traffic.osl: is needed with `requestsPerSecond`; output tokens per request, such as 256"
    ]
    assert refused(traffic={"dailyUsers": 5, "tokensPerUser": 100, "isl": 5}) == [
        "traffic: with `dailyUsers` needs two of `isl`, `osl` and `outputShare`; add `osl` or `outputShare`; the third follows"
    ]
    assert "use ttftP95Ms and tpotP95Ms" in refused(slo={"latencyP95Ms": 500})[0]


def test_daily_users_need_no_output_share() -> None:
    """With users, a model that generates nothing needs the input tokens alone."""
    made = plan_one(**{**EMBEDDER, "traffic": {"dailyUsers": 86400, "tokensPerUser": 400, "isl": 400}})
    assert made.workload.mean_rps == pytest.approx(1)
    assert made.workload.osl == 0


def test_an_engine_that_cannot_is_refused_with_one_that_can() -> None:
    """TensorRT-LLM is not known to serve such models here; the refusal names vLLM, and what is asked of it."""
    (problem,) = refused(**EMBEDDER, engine="tensorrt-llm")
    said = "engine: tensorrt-llm is known to generate only, and BAAI/bge-m3 is to embed; use vllm; with engine vllm it works: vllm, "
    assert problem.startswith(said)


def test_an_embedding_model_cannot_be_told_to_generate() -> None:
    """The task of a model that the catalog knows for another one is refused; one that generates may be asked to embed."""
    (problem, *_) = refused(**{**EMBEDDER, "task": "rerank"})
    said = "task: rerank is not what BAAI/bge-m3 is made for, a model of kind embedding; use embed, or leave it out"
    assert problem.startswith(f"{said}; with task embed it works: ")
    made = plan_one(task="embed", traffic={"requestsPerSecond": 1, "isl": 400}, slo={"latencyP95Ms": 2000})
    assert "--runner=pooling" in made.spec.args
    assert made.spec.routes == ("/v1/embeddings",)


def test_a_batch_holds_the_longest_input() -> None:
    """An input is computed at once: the token budget of a step is never below the context."""
    made = plan_one(**{**EMBEDDER, "traffic": {"requestsPerSecond": 1, "isl": 6000}, "slo": None, "context": 8192})
    budget = next(word for word in made.spec.args if word.startswith("--max-num-batched-tokens="))
    assert int(budget.partition("=")[2]) >= made.replica.shape.context


def test_an_encoder_keeps_nothing() -> None:
    """No KV cache is sized, and nothing scales on its use."""
    made = plan_one(**{**EMBEDDER, "traffic": {"requestsPerSecond": 300, "isl": 400}, "gpu": "l4"})
    assert not any("kv-cache" in word for word in made.spec.args)
    assert made.replica.memory.kv_tokens == 0
    assert made.scaling.signal == "queue"
    assert made.scaling.kv_usage_per_replica is None


@pytest.mark.parametrize(
    ("engine", "task", "words", "routes"),
    [
        ("llama.cpp", "embed", "--embedding --batch-size 2048 --ubatch-size 2048", ("/v1/embeddings",)),
        ("llama.cpp", "rerank", "--rerank --batch-size 2048 --ubatch-size 2048", ("/v1/rerank",)),
        ("sglang", "embed", "--enable-metrics --is-embedding", ("/v1/embeddings",)),
        ("sglang", "reward", "--enable-metrics --is-embedding", ("/classify",)),
    ],
)
def test_each_engine_is_told_in_its_words(engine: str, task: str, words: str, routes: tuple[str, ...]) -> None:
    """The switch of the task stands on the command line, and the plan says the paths that callers ask."""
    quantization = {"quantization": "gguf-q8_0"} if engine == "llama.cpp" else {}
    made = plan_one(
        engine=engine, task=task, gpu="l4", context=2048, traffic={"requestsPerSecond": 0.1, "isl": 400}, slo=None, **quantization
    )
    assert words in " ".join(made.spec.args)
    assert made.spec.routes == routes


def test_ollama_loads_an_embedder_with_some_text() -> None:
    """An empty prompt loads only models that generate."""
    made = plan_one(
        engine="ollama", task="embed", quantization="gguf-q8_0", gpu="l4", traffic={"requestsPerSecond": 0.1, "isl": 400}, slo=None
    )
    assert made.spec.post_start[-1].endswith("ollama run chat 'ready'")


def test_one_pass_is_simulated_beside_what_generates() -> None:
    """An embedder is played through in batches of prompts: its one promise is the whole answer, and nothing is written."""
    both = plan(service(), service(**EMBEDDER, name="search"))
    done = planning.simulation_document(both, None, None, requests=400, seed=1)
    chat, search = done["services"]
    assert [promise["metric"] for promise in chat["promises"]] == ["ttft", "tpot"]
    (promise,) = search["promises"]
    assert promise["targetMs"] == EMBEDDER["slo"]["latencyP95Ms"]
    assert promise["simulatedMs"] == search["e2eMs"]["p95"]
    assert (search["task"], search["osl"], search["outputTps"], search["tpotMs"]["p95"]) == ("embed", 0, 0, 0)
    assert search["inputTps"] == pytest.approx(400 * search["rps"], rel=0.1)


def test_an_embedder_that_is_overrun_says_so(tmp_path: Path) -> None:
    """A trace beyond the plan misses the target of the answer, in its own words; what a trace has written is not decoded."""
    made = plan(service(**EMBEDDER, name="search"))
    rows = "\n".join(f"{n / 4000},400,50" for n in range(4000))
    (tmp_path / "trace.csv").write_text(f"arrival_s,input_tokens,output_tokens\n{rows}\n", encoding="utf-8")
    done = planning.simulation_document(made, None, tmp_path / "trace.csv", requests=0, seed=1)
    (broken,) = done["broken"]
    assert broken.startswith("search: latency p95 is")
    assert done["services"][0]["osl"] == 0


def test_no_lever_caches_prefixes_of_an_embedder() -> None:
    """What is computed once in one pass is not looked up in a prefix cache."""
    embedder = service(model="intfloat/e5-mistral-7b-instruct", traffic={"requestsPerSecond": 20, "isl": 900}, slo=None)
    (found,) = planning.levers(stack(embedder))
    assert "prefix-cache" not in [lever.name for lever in found.levers]
