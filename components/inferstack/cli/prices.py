"""`inferstack prices`: the price book as a table, what is wrong with it, and newer prices of APIs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import JsonOption, StackOption

if TYPE_CHECKING:
    from ..catalog.prices import PriceRow
    from ..catalog.types import Fee

    Book = tuple[str, str | None, list[PriceRow], tuple[Fee, ...]]

CloudOption = Annotated[str | None, typer.Option("--cloud", metavar="CLOUD", help="eks or gke, in place of the stack's.")]
RegionOption = Annotated[str | None, typer.Option("--region", metavar="REGION", help="One region. With --cloud: left out, all of them.")]
MachineOption = Annotated[str | None, typer.Option("--machine", metavar="TYPE", help="One machine type.")]

OnOption = Annotated[str, typer.Option("--on", metavar="DATE", help="Day whose prices hold, such as 2026-12-01.")]
OutputOption = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write what changed as rows of a stack file.")]

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, help="The price book: show it, or check it.")


@app.command(short_help="Every price with its source and date.")
def show(
    stack: StackOption = None,
    cloud: CloudOption = None,
    region: RegionOption = None,
    machine: MachineOption = None,
    json: JsonOption = False,
) -> None:
    """Print what machines cost, how, where, and since when; without --cloud at the prices of the stack, its price file included.

    \b
    Example:
      inferstack prices show --cloud eks --region us-east-1 --machine p5.48xlarge
    """
    from .. import catalog
    from ..plain import plain
    from . import output

    place, found, rows, fees = _book(stack, cloud, region)
    if machine is not None:
        name = _known(lambda: catalog.machine(place, machine), "--machine").name
        rows = [row for row in rows if row.machine_type == name]
    document: dict[str, Any] = {"cloud": place, "region": found, "currency": "USD", "prices": plain(rows)}
    document["fees"] = [] if machine is not None else plain(fees)
    if json:
        output.print_json(document)
    else:
        from .render.prices import price_table

        output.print_report(price_table(document))


@app.command(short_help="Prices that cannot be, or that another source denies.")
def check(stack: StackOption = None, cloud: CloudOption = None, json: JsonOption = False) -> None:
    """Check a whole price book: every row complete, above 0, no larger machine cheaper, none missing, two sources within 5 %.

    \b
    Example:
      inferstack prices check --cloud gke
    """
    from ..catalog.price_checks import check_book
    from ..errors import GuardError
    from ..plain import plain
    from . import output

    place, _, rows, _ = _book(stack, cloud, None, whole=True)
    findings = check_book(place, rows)
    document: dict[str, Any] = {"cloud": place, "rows": len(rows), "findings": plain(findings)}
    if json:
        output.print_json(document)
    else:
        from .render.prices import check_report

        output.print_report(check_report(document))
    problems = sum(finding.severity == "problem" for finding in findings)
    if problems:
        raise GuardError(f"{problems} of the prices need a look before plans are made with them")


@app.command(short_help="Newer prices of APIs: what changed, as rows of a stack file.")
def refresh(on: OnOption, output_file: OutputOption = None, json: JsonOption = False) -> None:
    """Hold the shipped prices of APIs against those that the package genai-prices (extra api-prices) has for a day; needs no network.

    \b
    Example:
      inferstack prices refresh --on 2026-12-01 -o api-prices.yaml
    """
    from ..catalog.refresh import stack_file_row
    from ..plain import plain
    from . import api_prices, output

    changes = api_prices.changes(on)
    document: dict[str, Any] = {"on": on, "changes": plain(changes)}
    if json:
        output.print_json(document)
    else:
        from .render.prices import refresh_report

        output.print_report(refresh_report(document))
    if output_file is not None:
        import yaml

        rows = {"inferstack:apiPrices": [stack_file_row(change.after) for change in changes]}
        head = f"# Rows of a stack file: prices of APIs on {on} that are others than the shipped ones, from {api_prices.source()}.\n"
        output_file.write_text(head + yaml.safe_dump(rows, sort_keys=False), encoding="utf-8")
        output.say(f"{len(changes)} rows written to {output_file}")


def _book(stack: str | None, cloud: str | None, region: str | None, whole: bool = False) -> Book:
    """Cloud, region, rows and fees: of the stack with its own prices, or of `cloud` as shipped."""
    from .. import catalog, planning, stackfile
    from ..catalog.prices import price_book
    from ..errors import InputError, Problem

    if cloud is not None:
        if region is not None and region not in _known(lambda: catalog.regions(cloud), "--cloud"):
            raise InputError([Problem("--region", f"is not a known region of {cloud}", region)])
        rows = _known(lambda: list(price_book(cloud, region)), "--cloud")
        return cloud, region, rows, tuple(catalog.fees(cloud, region).values())
    wanted = stackfile.load(stackfile.find(stack, Path.cwd()))
    place = wanted.target.cloud
    if wanted.target.region is None:
        raise InputError([Problem("inferstack:target.cloud", "has no price list", place, "add --cloud eks or --cloud gke")], wanted.source)
    own = planning.own_machines(wanted)
    there = None if whole else region or wanted.target.region
    fees = planning.own_fees(catalog.fees(place, there), wanted.prices, place, there or wanted.target.region)
    return place, there, list(price_book(place, there, own)), tuple(fees.values())


def _known(find: Any, option: str) -> Any:
    """What `find` finds; an unknown name is a problem of `option`."""
    from .. import catalog
    from ..errors import InputError, Problem, join_names

    try:
        return find()
    except catalog.UnknownName as unknown:
        near = f"did you mean {join_names(unknown.nearest)}?" if unknown.nearest else None
        raise InputError([Problem(option, unknown.reason, unknown.name, near)]) from None
