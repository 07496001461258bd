"""`inferstack size` as a process, and its text."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from typer.testing import CliRunner

from inferstack.cli.app import app
from inferstack.cli.render.size import size_report
from inferstack.errors import InputError
from tests.cli import documents
from tests.cli.command import inferstack
from tests.cli.test_render import TextFile

MODEL = "Qwen/Qwen2.5-7B-Instruct"


@pytest.mark.golden
@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_report_folds_to_its_width(snapshot: SnapshotAssertion, width: int) -> None:
    """Plan, costs, table with chosen row and front, cheaper coarse weights, what nothing works on, and notes."""
    assert documents.text(size_report(documents.size()), width) == snapshot.use_extension(TextFile)


def test_json_has_plan_and_table() -> None:
    """`--json` prints one document with the plan and more rows than the text shows."""
    done = inferstack("size", MODEL, "--cloud", "gke", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["plan"]["services"][0]["model"] == MODEL
    assert sum(row["verdict"] == "chosen" for row in document["table"]) == 1


def test_explain_adds_every_term() -> None:
    """`--explain` shows memory, latency and value for money with numbered sources, and its JSON has the same terms."""
    shown = inferstack("size", MODEL, "--cloud", "gke", "--explain").stdout
    part = shown[shown.index("\nExplained") : shown.index("\nWhat if")]
    for words in ("Memory", "KV cache per token", "decode step", "MBU", "prefill MFU", "tok/s per $/h", "[1] "):
        assert words in part
    document = json.loads(inferstack("size", MODEL, "--cloud", "gke", "--explain", "--json").stdout)
    assert {"weights", "KV cache"} <= {term["name"] for term in document["explained"]["memory"]}


def test_text_in_a_pipe_is_plain() -> None:
    """Piped text is at most 100 columns wide and has no colour."""
    shown = inferstack("size", MODEL, "--cloud", "gke", "--tpot-p95", "60", TERM="xterm-256color").stdout
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 100
    assert "Pareto front" in shown


def test_a_config_file_is_a_model(tmp_path: Path) -> None:
    """The path of a Hugging Face config.json, or of its folder, is as good as a name."""
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "max_position_embeddings": 131072,
        "torch_dtype": "bfloat16",
    }
    folder = tmp_path / "chat-8b"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    for path in (folder, folder / "config.json"):
        done = inferstack("size", str(path), "--cloud", "gke", "--json")
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["plan"]["services"][0]["model"] == "local/chat-8b"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["Qwen/Qwen3-14"], ["MODEL: Qwen/Qwen3-14 is not a known model; did you mean Qwen/Qwen3-14B"]),
        (["./nowhere/config.json"], ["MODEL: ", "is not there"]),
        ([MODEL, "--gpu", "h10"], ["--gpu: h10 is not a known GPU; did you mean h100-80"]),
        ([MODEL, "--rate", "0", "--osl", "-3"], ["--rate: 0.0 must be at least", "--osl: -3 must be at least 1"]),
        ([MODEL, "--tpot-p95", "nan"], ["--tpot-p95: nan is not a finite number"]),
        ([MODEL, "--gpu", "cpu", "--engine", "vllm"], ["--engine: vllm cannot work", "without --engine it works"]),
        ([MODEL, "--context", "100"], ["--context: 100 is shorter than one request", "use at least 1300"]),
        ([MODEL, "--cloud", "azure"], ["--cloud: azure is not eks, gke or existing"]),
        ([MODEL, "--cloud", "existing"], ["--gpu: is needed for machines of your own"]),
        ([MODEL, "--cloud", "existing", "--gpu", "none"], ["--gpu: none is no GPU, and machines of your own are planned by theirs; name"]),
        ([MODEL, "--region", "us-cental1"], ["--region: us-cental1 is not a known region of gke; did you mean us-central1?"]),
        ([MODEL, "--cloud", "eks", "--region", "us-central1"], ["--region: us-central1 is not a known region of eks"]),
        ([MODEL, "--tensor-parallel", "3"], ["--tensor-parallel: 3"]),
    ],
)
def test_bad_input_names_the_option(arguments: list[str], told: list[str]) -> None:
    """Each problem is a line that begins with what the user wrote, and says what would work; keys of stack files are not mentioned."""
    done = CliRunner().invoke(app, ["size", *arguments])
    assert isinstance(done.exception, InputError)
    assert done.exception.exit_code == 2
    assert "inferstack:" not in str(done.exception)
    for words in told:
        assert words in str(done.exception)


@pytest.mark.parametrize("arguments", [["--rate", "0"], ["--rate", "many"], ["--gpus", "l4"]])
def test_bad_input_ends_the_process_with_2(arguments: list[str]) -> None:
    """Nothing is printed on standard output, and no traceback on standard error."""
    done = inferstack("size", MODEL, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert arguments[0] in done.stderr
    assert "Traceback" not in done.stderr


HOSTILE = (
    ["--latency-p95", "1"], ["--ttft-p95", "1"], ["--tpot-p95", "0.5"], ["--ttft-p95", "1", "--tpot-p95", "0.1"], ["--isl", "900000"],
    ["--osl", "-3"], ["--rate", "0"], ["--rate", "1e12"], ["--gpu", "cpu"], ["--gpu", "l4"], ["--gpu", "RTX 4090"], ["--gpu", "h100x"],
    ["--engine", "neuron"], ["--engine", "custom"], ["--engine", "transformers"], ["--engine", "tensorrt-llm"], ["--engine", "vlm"],
    ["--quantization", "nvfp4"], ["--quantization", "int4"], ["--tensor-parallel", "3"], ["--tensor-parallel", "16"], ["--context", "600"],
    ["--context", "500000"], ["--capacity-type", "reserved"], ["--capacity-type", "sopt"], ["--cloud", "aws"], ["--cloud", "existing"],
    ["--cloud", "eks", "--region", "us-east-9"], ["--cloud", "eks", "--region", "ca-west-1"],
)  # fmt: skip


@pytest.mark.parametrize("model", ["meta-llama/Llama-3.1-405B-Instruct", "BAAI/bge-m3"])
def test_errors_speak_of_options(model: str) -> None:
    """Every error names an option, or a key that it says stands in a stack file; none speaks of keys that nobody wrote here."""
    told = 0
    for options in HOSTILE:
        error = CliRunner().invoke(app, ["size", model, *options]).exception
        if not isinstance(error, InputError):
            continue
        for problem in error.problems:
            told += 1
            sentence = str(problem).replace(model, "")
            assert problem.path.startswith(("--", "MODEL")), sentence
            assert "inferstack:" not in sentence
            foreign = re.findall(r"(?<![\w.-])[a-z]+[A-Z]\w*(?! \(stack file\))\b", sentence.replace("vLLM", ""))
            assert not foreign, sentence
            assert not re.search(r"with(?:out)? (?:gpu|engine|context|quantization|slo|model|traffic)\b[^;]* it works", sentence), sentence
    assert told > len(HOSTILE) / 2


def test_notes_speak_of_options_too() -> None:
    """Where one of the clouds is left out, the note names the option that it has no plan for."""
    shown = inferstack("size", "Qwen/Qwen3-8B", "--gpu", "l40s", "--json")
    (note,) = [note for note in json.loads(shown.stdout)["notes"] if note.startswith("gke")]
    assert "--gpu: l40s" in note
    assert "without --gpu it works" in note
