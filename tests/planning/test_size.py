"""A plan without a stack file."""

from __future__ import annotations

from typing import Any

import pytest

from inferstack import planning
from inferstack.errors import InputError
from inferstack.planning.size import Size, size

MODEL = "Qwen/Qwen2.5-7B-Instruct"


def sized(cloud: str | None = None, region: str | None = None, **changes: Any) -> Size:
    asked = {"model": MODEL, "traffic": {"requestsPerSecond": 1, "isl": 500, "osl": 200}, "slo": {"tpotP95Ms": 60}, **changes}
    return size(asked, cloud, region)


def test_the_plan_is_the_chosen_row() -> None:
    """Exactly one row is chosen, and it is the placement of the plan."""
    found = sized()
    (row,) = (row for row in found.table if row.verdict == "chosen")
    (service,) = found.plan.services
    assert (row.cloud, row.region) == (found.plan.cloud, found.plan.region)
    assert (row.machine_type, row.gpu, row.quantization) == (service.machine_type, service.gpu, service.quantization)
    assert row.performance == service.replica.performance


def test_every_cloud_that_sells_machines_is_looked_at() -> None:
    """Without a cloud the table has rows of each, the plan is on the cheapest, and no row that could be chosen ranks before it."""
    found = sized()
    assert {row.cloud for row in found.table} == {"eks", "gke"}
    costs = [
        row.monthly_usd.expected for row in found.table if row.verdict in ("chosen", "works") and row.engine == "vllm" and row.monthly_usd
    ]
    (chosen,) = (row for row in found.table if row.verdict == "chosen")
    assert chosen.monthly_usd is not None
    assert chosen.monthly_usd.expected == min(costs)


@pytest.mark.parametrize(("cloud", "region"), [("gke", "europe-west4"), (None, "europe-west4")])
def test_a_region_says_which_cloud(cloud: str | None, region: str) -> None:
    """With a region only its own cloud is looked at, named or not."""
    assert {(row.cloud, row.region) for row in sized(cloud, region).table} == {("gke", "europe-west4")}


def test_a_pinned_gpu_is_looked_for_where_it_is_sold() -> None:
    """Without a region, a GPU is planned in one that sells it as asked, though most machine types are sold elsewhere."""
    found = sized("gke", gpu="h200-141", capacityType="spot")
    assert found.plan.services[0].gpu == "h200-141"
    assert found.plan.region is not None


def test_a_gpu_that_no_cloud_sells_stands_on_machines_of_ones_own() -> None:
    """An RTX 4090 is planned without a price, on the smallest machine that works, and the assumption is said."""
    found = sized(gpu="rtx-4090")
    assert (found.plan.cloud, found.plan.services[0].resources.gpus) == ("existing", 1)
    assert not any(row.monthly_usd for row in found.table)
    assert "machines of your own with 1 x rtx-4090" in found.notes[0]


def test_a_cloud_on_which_it_cannot_run_is_noted() -> None:
    """Where one cloud has a plan and the other has none, the plan stands and the note says why the other has none."""
    found = sized(gpu="t4", quantization="bf16", model="Qwen/Qwen2.5-1.5B-Instruct")
    assert found.plan.services
    assert all(note.startswith(("eks ", "gke ")) for note in found.notes)


def test_problems_of_all_clouds_are_told_once() -> None:
    """What is wrong with the service itself is one problem, not one for each cloud."""
    with pytest.raises(InputError) as raised:
        sized(model="Qwen/Qwen3-14", traffic={"requestsPerSecond": 0, "isl": 500, "osl": 200})
    assert [problem.path.rpartition("].")[2] for problem in raised.value.problems] == ["model", "traffic.requestsPerSecond"]


def test_ways_out_that_differ_by_cloud_say_on_which() -> None:
    """One problem of all clouds is one line, whose plans name where they are; a problem of one cloud names it too."""
    with pytest.raises(InputError) as raised:
        sized(model="BAAI/bge-m3", slo={}, traffic={"requestsPerSecond": 1, "isl": 500, "osl": 10})
    (problem,) = raised.value.problems
    assert problem.nearest is not None
    assert problem.nearest.startswith("remove it; on eks us-east-1 without traffic.osl it works: ")
    assert "; on gke " in problem.nearest
    with pytest.raises(InputError) as raised:
        sized(slo={"tpotP95Ms": 1})
    assert [str(problem.nearest).partition(" ")[0] for problem in raised.value.problems] == ["on", "on"]


def test_the_document_has_a_row_for_every_combination() -> None:
    """Rows of the JSON have the verdict in words and in flags, money as numbers and latencies with their bands."""
    found = sized("gke")
    document = planning.size_document(found)
    assert sorted(document) == ["notes", "plan", "table"]
    assert len(document["table"]) == len(found.table)
    first = document["table"][0]
    assert first["fits"]
    assert first["keepsSlo"]
    assert first["monthlyUsd"].keys() == {"min", "expected", "max"}
    assert first["performance"]["ttftP95Ms"].keys() == {"low", "expected", "high", "provenance", "source"}
