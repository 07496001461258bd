"""`inferstack compare`: self-host or API, at today's load and over all loads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import JsonOption, StackOption

ServiceOption = Annotated[str | None, typer.Option("--service", metavar="NAME", help="One service only.", show_default="all")]
CachedOption = Annotated[float, typer.Option("--cached-share", min=0, max=1, help="Part of the input that an API's prompt cache answers.")]
BatchOption = Annotated[float, typer.Option("--batch-share", min=0, max=1, help="Part of the requests that may wait for a batch.")]
UsersOption = Annotated[
    float | None,
    typer.Option(
        "--tokens-per-user", min=1, max=1e9, help="Tokens of a user per day.", show_default="what the stack file says, else 10000"
    ),
]
PricesOption = Annotated[
    str | None,
    typer.Option("--prices-on", metavar="DATE", help="Newer prices: those of the installed package genai-prices on that day."),
]
SvgOption = Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="Also draw the curve of the first service into FILE.")]


def compare(
    stack: StackOption = None,
    service: ServiceOption = None,
    cached_share: CachedOption = 0.0,
    batch_share: BatchOption = 0.0,
    tokens_per_user: UsersOption = None,
    prices_on: PricesOption = None,
    svg: SvgOption = None,
    json: JsonOption = False,
) -> None:
    """Compare self-hosting with APIs of the same, comparable and closed models, from 1,000 to 10 million daily users.

    \b
    Example:
      inferstack compare -s prod --service code --cached-share 0.5
    """
    from decimal import Decimal

    from .. import comparison, stackfile
    from . import api_prices, output

    users = None if tokens_per_user is None else Decimal(str(tokens_per_user))
    assumptions = comparison.Assumptions(Decimal(str(cached_share)), Decimal(str(batch_share)), users)
    read = stackfile.load(stackfile.find(stack, Path.cwd()))
    document = comparison.document(comparison.compare(read, assumptions, api_prices.rows(prices_on), service))
    if svg is not None:
        from .render.svg import curve_svg

        output.write_text(svg, curve_svg(document["services"][0]), "--svg")
    if json:
        output.print_json(document)
    else:
        from .render.compare import comparison_report

        output.print_report(comparison_report(document))
