"""`inferstack simulate`: the plan's services request by request, and where their knee is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import JsonOption, StackOption


def simulate(
    stack: StackOption = None,
    service: Annotated[str | None, typer.Option("--service", metavar="NAME", help="One service of the stack. Left out: all.")] = None,
    trace: Annotated[
        Path | None,
        typer.Option(
            "--trace", metavar="FILE", help="Requests that were really made: CSV or JSON lines with arrival_s, input_tokens, output_tokens."
        ),
    ] = None,
    requests: Annotated[int, typer.Option("--requests", min=100, max=2_000_000, help="Random requests to make without a trace.")] = 20_000,
    seed: Annotated[int, typer.Option("--seed", help="Of the random requests: the same seed gives the same run.")] = 1,
    balancer: Annotated[
        str | None,
        typer.Option(
            "--balancer",
            metavar="NAME",
            help="How requests find a replica: random, two-choices, round-robin or least-outstanding. Left out: as it is deployed.",
        ),
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page with charts that needs nothing else.")] = None,
    svg: Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="Write the charts alone.")] = None,
    json: JsonOption = False,
) -> None:
    """Confirm a plan by simulating it: continuous batching at the planned peak, latencies against the targets, and the knee.

    \b
    Examples:
      inferstack simulate -s prod --service code
      inferstack simulate --trace yesterday.csv --html knee.html
    """
    from .. import planning, stackfile
    from . import output

    plan = planning.plan(stackfile.load(stackfile.find(stack, Path.cwd())))
    document = planning.simulation_document(plan, service, trace, requests, seed, balancer)
    for path, option, page in ((html, "--html", True), (svg, "--svg", False)):
        if path is not None:
            from .render.drawing import drawing

            output.write_text(path, drawing(document, page), option)
    if json:
        output.print_json(document)
    else:
        from .render.simulation import simulation_report

        output.print_report(simulation_report(document))
    output.guard(document["broken"])
