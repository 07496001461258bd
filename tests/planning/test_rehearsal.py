"""Plans put to the test: what a rehearsal reports, and when it says that a plan does not hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inferstack import planning
from inferstack.errors import InputError
from inferstack.planning.rehearsal import rehearse
from inferstack.planning.rehearsal_work import check_work
from inferstack.sizing.simulation import Requests

from .stacks import plan, plan_one, service

WIDE = {"model": "Qwen/Qwen3-8B", "gpu": "l4", "traffic": {"requestsPerSecond": 100_000.0, "isl": 500, "osl": 200}}
LONG = {"requestsPerSecond": 0.01, "isl": 500_000, "osl": 200}


def test_a_plan_with_room_holds() -> None:
    """At the planned peak a replica keeps its targets, and the knee lies above that load."""
    done = rehearse(plan_one(traffic={"requestsPerSecond": 0.4, "isl": 500, "osl": 200}), 2000, seed=1)
    assert done.holds
    assert done.rps == pytest.approx(0.8)
    assert done.holds_up_to_rps is not None
    assert done.holds_up_to_rps > done.rps
    assert [point.rps for point in done.knee] == sorted(point.rps for point in done.knee)
    assert max(point.rps for point in done.knee if point.holds) <= done.holds_up_to_rps
    assert done.knee[-1].ttft_ms.p95 > 5 * done.knee[0].ttft_ms.p95


def test_a_trace_beyond_the_plan_breaks_its_targets() -> None:
    """Much more traffic than was planned misses a target, and the sentence names metric, load and replicas."""
    made = plan_one()
    crowd = Requests([n / 200 for n in range(2000)], [500] * 2000, [200] * 2000)
    done = rehearse(made, 0, seed=1, trace=crowd)
    assert not done.holds
    assert done.seed is None


def test_requests_longer_than_the_context_are_counted_and_left_out() -> None:
    """A trace's requests that the engine would refuse do not run."""
    made = plan_one(context=1024)
    trace = Requests([float(n) for n in range(20)], [2000, *[500] * 19], [100] * 20)
    done = rehearse(made, 0, seed=1, trace=trace)
    assert (done.requests, done.refused) == (19, 1)


def test_the_document_is_json_and_says_what_breaks(tmp_path: Path) -> None:
    """The document of a service under too much load holds its figures and one sentence per broken target."""
    trace = tmp_path / "crowd.csv"
    trace.write_text("arrival_s,input_tokens,output_tokens\n" + "".join(f"{n / 200},500,200\n" for n in range(1000)))
    document = planning.simulation_document(plan(service()), None, trace, 0, 1)
    assert json.loads(json.dumps(document)) == document
    assert document["services"][0]["holds"] is False
    assert document["broken"][0].startswith("chat: ")
    assert "in the simulation, above" in document["broken"][0]


def test_what_cannot_be_simulated_is_refused(tmp_path: Path) -> None:
    """An unknown service, a trace for several services, and one without a rate are input errors with a way out."""
    two = plan(service(), service(name="other"))
    flat = tmp_path / "flat.csv"
    flat.write_text("arrival_s,input_tokens,output_tokens\n1,10,10\n1,10,10\n")
    for asked, trace, message in (
        ("chad", None, "--service: chad is not a service of this stack; use chat"),
        (None, flat, "--trace: is the traffic of one service, the stack has 2; add --service chat"),
        ("chat", flat, "spans no time"),
    ):
        with pytest.raises(InputError, match=message):
            planning.simulation_document(two, asked, trace, 100, 1)


def refused(target: float, requests: int, trace: Path | None = None, **changes: object) -> str:
    wanted = {"model": "Qwen/Qwen3-8B", "gpu": "l4", "traffic": {"requestsPerSecond": target, "isl": 500, "osl": 200}, **changes}
    with pytest.raises(InputError) as error:
        planning.simulation_document(plan(service(**wanted)), None, trace, requests, 1, "least-outstanding")
    return str(error.value)


def test_what_would_take_hours_is_refused_before_it_starts(tmp_path: Path) -> None:
    """By the work that it is: replicas that every request looks at, requests, steps of a prompt. What is named is within the bound."""
    many = refused(100_000, 20_000)
    assert many.startswith("--requests: 20,000 requests are too much to play: chat takes ")
    most = int(many.partition("use at most ")[2].partition(",")[0])
    assert 100 <= most < 20_000
    wide = plan(service(**WIDE)).services
    check_work(wide, most, None, "--requests", "least-outstanding")
    check_work(wide, 20_000, None, "--requests")  # a Service looks at none
    long = refused(1, 2_000_000, model="meta-llama/Llama-4-Scout-17B-16E-Instruct", gpu=None, slo=None, traffic=LONG)
    assert "a prompt of chat takes" in long
    trace = tmp_path / "trace.csv"
    trace.write_text("arrival_s,input_tokens,output_tokens\n" + "".join(f"{n},500,200\n" for n in range(9000)))
    assert refused(100_000, 100, trace).startswith("--trace: 9,000 requests are too much to play")


def test_more_replicas_than_any_run_looks_at_are_planned_in_parts() -> None:
    """Where even the fewest requests are too many, fewer of them are no way out."""
    said = refused(0, 100, traffic={"requestsPerSecond": 1_000_000.0, "isl": 500, "osl": 4000})
    assert "use at most" not in said
    assert "plan for a part of the traffic of chat" in said


def test_what_is_played_today_stays_within_the_bound() -> None:
    """A thousand replicas with the usual number of requests, and the most requests on one replica."""
    (large,) = plan(service(model="Qwen/Qwen3-8B", gpu="l4", traffic={"requestsPerSecond": 2000.0, "isl": 500, "osl": 200})).services
    assert large.replicas.max > 1000
    check_work([large], 20_000, None, "--requests")
    check_work([plan_one()], 2_000_000, None, "--requests")


@pytest.mark.parametrize(
    ("last", "said"), [("1e300", "give seconds, not milliseconds"), ("1764000000000", "give seconds"), ("1e-300", "spans no time")]
)
def test_absurd_times_are_refused(tmp_path: Path, last: str, said: str) -> None:
    """Of a trace in milliseconds, or of one that no clock has told."""
    trace = tmp_path / "trace.csv"
    trace.write_text(f"arrival_s,input_tokens,output_tokens\n0,100,10\n{last},100,10\n")
    assert said in refused(1, 100, trace)


@pytest.mark.parametrize("requests_per_second", [1, 4, 12])
def test_several_replicas_of_one_pass_answer_as_the_plan_says(requests_per_second: int) -> None:
    """A judge's latency in the simulation is the plan's within a tenth, on few replicas and many: a Service draws one of them."""
    judge = plan_one(
        model="Skywork/Skywork-Reward-V2-Qwen3-8B", engine="sglang", gpu="l4", slo={"latencyP95Ms": 2000},
        traffic={"requestsPerSecond": requests_per_second, "isl": 1500},
    )  # fmt: skip
    done = rehearse(judge, 10_000, seed=1)
    assert done.policy == "random"
    assert done.replicas > requests_per_second
    assert done.promises[0].simulated_ms == pytest.approx(done.promises[0].closed_form.expected, rel=0.1)


def test_a_balancer_is_the_engines_own_or_the_one_that_is_asked_for() -> None:
    """Ray Serve sends requests to the emptier of two replicas; another balancer is played where it is named, and refused where unknown."""
    assert rehearse(plan_one(engine="ray-serve"), 200, seed=1).policy == "two-choices"
    made = planning.simulation_document(plan(service()), None, None, 200, 1, "least-outstanding")
    assert made["services"][0]["policy"] == "least-outstanding"
    with pytest.raises(InputError, match="--balancer: round is not a way to balance that is simulated; use round-robin"):
        planning.simulation_document(plan(service()), None, None, 200, 1, "round")
