"""`inferstack size`: a plan without a stack file, and what it would be on other silicon."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import InputError, Problem
from .options import JsonOption

ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="Name of a model in the catalog, or path of a Hugging Face config.json.")
]
RateOption = Annotated[float, typer.Option("--rate", metavar="N", help="Requests per second, mean; the peak is twice that.")]
IslOption = Annotated[int, typer.Option("--isl", metavar="TOKENS", help="Input tokens per request.")]
OslOption = Annotated[
    int | None, typer.Option("--osl", metavar="TOKENS", help="Output tokens per request; 300 where the model generates any.")
]
TtftOption = Annotated[float | None, typer.Option("--ttft-p95", metavar="MS", help="Target for the time to first token.")]
TpotOption = Annotated[float | None, typer.Option("--tpot-p95", metavar="MS", help="Target for the time per output token.")]
LatencyOption = Annotated[
    float | None, typer.Option("--latency-p95", metavar="MS", help="Target for the whole answer of an embedding, rerank or reward model.")
]
GpuOption = Annotated[str | None, typer.Option("--gpu", metavar="GPU", help="GPU as in the catalog, or cpu.")]
EngineOption = Annotated[str | None, typer.Option("--engine", metavar="ENGINE", help="Inference engine.")]
QuantizationOption = Annotated[
    str | None, typer.Option("--quantization", metavar="FORMAT", help="How the weights are stored: fp8, awq, ...")
]
TensorOption = Annotated[int | None, typer.Option("--tensor-parallel", metavar="N", help="GPUs that share one replica.")]
ContextOption = Annotated[int | None, typer.Option("--context", metavar="TOKENS", help="Longest request, input and output.")]
CapacityOption = Annotated[str | None, typer.Option("--capacity-type", metavar="HOW", help="on-demand or spot.")]
CloudOption = Annotated[str | None, typer.Option("--cloud", metavar="CLOUD", help="eks, gke, or existing for machines of your own.")]
RegionOption = Annotated[str | None, typer.Option("--region", metavar="REGION", help="Region of the cloud.")]

ExplainOption = Annotated[bool, typer.Option("--explain", help="Add every term of memory and latency.")]


def size(
    model: ModelArgument,
    rate: RateOption = 1.0,
    isl: IslOption = 1000,
    osl: OslOption = None,
    ttft_p95: TtftOption = None,
    tpot_p95: TpotOption = None,
    latency_p95: LatencyOption = None,
    gpu: GpuOption = None,
    engine: EngineOption = None,
    quantization: QuantizationOption = None,
    tensor_parallel: TensorOption = None,
    context: ContextOption = None,
    capacity_type: CapacityOption = None,
    cloud: CloudOption = None,
    region: RegionOption = None,
    explain: ExplainOption = False,
    json: JsonOption = False,
) -> None:
    """Plan one model without a stack file, and show what it would be on other GPUs, quantizations and parallelisms.

    \b
    Example:
      inferstack size Qwen/Qwen3-14B --rate 5 --tpot-p95 60
    """
    from .. import planning
    from . import output
    from .size_options import in_options, named

    asked = {
        "model": _model(model),
        "traffic": {"requestsPerSecond": rate, "isl": isl, **_given(osl=osl)},
        "slo": _given(ttftP95Ms=ttft_p95, tpotP95Ms=tpot_p95, latencyP95Ms=latency_p95),
        **_given(gpu=gpu, engine=engine, quantization=quantization, tensorParallel=tensor_parallel),
        **_given(context=context, capacityType=capacity_type),
    }
    try:
        made = planning.size(asked, cloud, region)
    except InputError as error:
        raise InputError(dict.fromkeys(map(named, error.problems))) from None
    document = planning.size_document(made)
    document["notes"] = [in_options(note) for note in document["notes"]]
    if explain:
        document["explained"] = planning.explanation(made)
    if json:
        output.print_json(document)
    else:
        from .render.size import size_report

        output.print_report(size_report(document))


def _given(**values: object) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _model(name: str) -> str | Mapping[str, str]:
    """A name for the catalog, or the model of a config file or of the folder that holds one."""
    path = Path(name).expanduser()
    if path.suffix != ".json" and not name.startswith((".", "/", "~")):
        return name
    file = (path if path.suffix == ".json" else path / "config.json").absolute()
    if not file.is_file():
        raise InputError([Problem("MODEL", "is not there", file, "give the path of a config.json, or the name of a model")])
    return {"id": f"local/{file.parent.name or 'model'}", "config": str(file)}
