"""`inferstack prices`, and what is said of prices that are old."""

from __future__ import annotations

import json
from datetime import date

from inferstack.cli.freshness import stale
from tests.cli.command import inferstack


def leaf(as_of: str | None, usd: float | None = 1.0, basis: str = "listed") -> dict[str, object]:
    return {"name": "line", "asOf": as_of, "unitPriceUsd": usd, "basis": basis, "children": []}


def costs(*leaves: dict[str, object]) -> dict[str, object]:
    return {"lines": {"children": [{"name": "nodes", "children": list(leaves)}]}}


def test_prices_older_than_ninety_days_are_announced() -> None:
    """On the 91st day, with the oldest date and its age; not on the 90th."""
    made = costs(leaf("2026-07-20"), leaf("2026-08-01"))
    assert stale(made, date(2026, 10, 18)) is None
    said = stale(made, date(2026, 10, 19))
    assert said is not None
    assert said.startswith("prices may have changed: older than 90 days are nodes (2026-07-20, 91 days old).")


def test_undated_prices_are_announced() -> None:
    """Nobody knows how old they are."""
    said = stale(costs(leaf(None)), date(2026, 7, 20))
    assert said is not None
    assert "nodes (undated)" in said


def test_what_has_no_price_or_is_the_users_has_no_age() -> None:
    """An unknown price cannot be old, and the user's own needs no date."""
    assert stale(costs(leaf("2020-01-01", usd=None), leaf("2020-01-01", basis="user"), leaf(None, basis="user")), date(2026, 7, 20)) is None


def test_show_prints_every_way_to_buy_a_machine() -> None:
    """Known ones with price and source, the others as unknown."""
    shown = inferstack("prices", "show", "--cloud", "eks", "--region", "us-east-1", "--machine", "p5.48xlarge")
    assert shown.returncode == 0
    assert "p5.48xlarge  us-east-1  spot            $10.2397 – $55.04" in shown.stdout
    assert "committed 3y              unknown" in shown.stdout


def test_show_without_a_cloud_is_about_the_stack() -> None:
    """The region of stack dev, and the fees beside its machines, as data."""
    document = json.loads(inferstack("prices", "show", "-s", "dev", "--json").stdout)
    assert (document["cloud"], document["region"]) == ("gke", "us-central1")
    assert {row["region"] for row in document["prices"]} == {"us-central1"}
    assert "gke_cluster_hour" in {fee["name"] for fee in document["fees"]}


def test_check_of_the_shipped_book_is_fine() -> None:
    """Exit 0, with the known gaps as notes."""
    checked = inferstack("prices", "check", "--cloud", "eks")
    assert checked.returncode == 0
    assert checked.stdout.lstrip().startswith("Price check  0 problems in 2,")
    assert "p5e.48xlarge has no known on-demand price" in checked.stdout


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    """Exit 2 and one line for a cloud, a region or a machine type that is not known."""
    for arguments, said in (
        (["--cloud", "ekx"], "--cloud: ekx is not a known cloud; did you mean eks?"),
        (["--cloud", "eks", "--region", "mars"], "--region: mars is not a known region of eks"),
        (["--cloud", "eks", "--machine", "p5.49xlarge"], "--machine: p5.49xlarge is not a known machine type; did you mean"),
        (["-s", "local"], "Pulumi.local.yaml: inferstack:target.cloud: existing has no price list; add --cloud eks or --cloud gke"),
    ):
        refused = inferstack("prices", "show", *arguments)
        assert refused.returncode == 2
        assert refused.stderr.startswith(said)


def test_newer_prices_of_apis_need_their_package_and_a_day() -> None:
    """Without the extra the error says how to get it; what is no day is named."""
    ended = inferstack("prices", "refresh", "--on", "2026-12-01")
    assert (ended.returncode, "pip install 'inferstack[api-prices]'" in ended.stderr) == (2, True)
    ended = inferstack("prices", "refresh", "--on", "tomorrow")
    assert (ended.returncode, "--on: tomorrow is not a date" in ended.stderr) == (2, True)
