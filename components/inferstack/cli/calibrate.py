"""`inferstack calibrate`: a user's own benchmark runs, checked and made into a file that a stack refers to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import JsonOption

FilesArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        help="Rows in the calibration format, or JSON of vllm bench serve, sglang.bench_serving, GuideLLM, inference-perf, AIPerf.",
    ),
]
OutOption = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="Calibration file to write; a service names it as `calibration`.")
]
ModelOption = Annotated[str | None, typer.Option("--model", help="What was served, where a file does not say so.")]
EngineOption = Annotated[str | None, typer.Option("--engine", help="What served it.")]
VersionOption = Annotated[str | None, typer.Option("--engine-version", metavar="VERSION", help="Its version.")]
GpuOption = Annotated[str | None, typer.Option("--gpu", help="GPU as in the catalog; benchmark tools do not write it down.")]
QuantizationOption = Annotated[str | None, typer.Option("--quantization", help="How the weights are stored.")]
TensorOption = Annotated[int | None, typer.Option("--tensor-parallel", min=1, help="GPUs that shared one replica.", show_default="1")]


def calibrate(
    files: FilesArgument,
    output_file: OutOption = None,
    model: ModelOption = None,
    engine: EngineOption = None,
    engine_version: VersionOption = None,
    gpu: GpuOption = None,
    quantization: QuantizationOption = None,
    tensor_parallel: TensorOption = None,
    json: JsonOption = False,
) -> None:
    """Check your own measurements against physics and themselves, and show by how much they correct the estimates.

    \b
    Example:
      inferstack calibrate bench.json --gpu h100 --quantization fp8 -o calibration.json
    """
    from json import dumps

    from .. import measurements
    from . import output

    setup = measurements.Setup(model, engine, engine_version, gpu, quantization, tensor_parallel)
    rows = [row for file in files for row in measurements.read_measurements(file, setup)]
    name = output_file.name if output_file else files[0].name
    found = measurements.calibration_of(measurements.check(rows, name), name)
    if output_file is not None:
        output.write_text(output_file, dumps(rows, indent=1, ensure_ascii=False) + "\n", "--output")
    document = measurements.document(found)
    if json:
        output.print_json(document)
    else:
        from .render.calibration import calibration_report

        output.print_report(calibration_report(document, None if output_file is None else str(output_file)))
