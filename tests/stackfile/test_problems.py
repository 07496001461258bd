"""What is said about keys and values that cannot work: key, value, reason, nearest thing that does."""

from __future__ import annotations

from typing import Any

import pytest

from inferstack.errors import InputError, join_names
from inferstack.stackfile.keys import children
from inferstack.stackfile.schema import Service
from tests.stackfile import files
from tests.stackfile.files import config, problems, problems_of, service


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gpuu": "l4"}, "services[0].gpuu: is not a key of the stack file; use gpu"),
        ({"gpuType": "l4"}, "services[0].gpuType: is not a key of the stack file; use gpu"),
        ({"machine_type": "g2-standard-4"}, "services[0].machine_type: is not a key of the stack file; use machineType"),
        ({"spot": True}, "services[0].spot: is not a key of the stack file; use capacityType: spot"),
        ({"isl": 5}, "services[0].isl: is not a key of the stack file; it belongs under inferstack:services[].traffic"),
        ({"region": "x"}, "services[0].region: is not a key of the stack file; it belongs under inferstack:target"),
        (
            {"password": "x"},
            "services[0].password: is not a key of the stack file; "
            "secrets have keys of their own: inferstack:huggingFaceToken and inferstack:apiKey",
        ),
        ({"gpu": 4}, 'services[0].gpu: 4 is a number, not text; write it in quotes: gpu: "4"'),
        ({"gpu": True}, 'services[0].gpu: true is true or false, not text; write it in quotes: gpu: "true"'),
        ({"gpu": ["l4"]}, "services[0].gpu: is a list, not text"),
        ({"gpu": ""}, 'services[0].gpu: "" is blank'),
        ({"gpu": " l4"}, "services[0].gpu:  l4 has blanks around it; write l4"),
        ({"context": "8k"}, "services[0].context: 8k is text, not a whole number; write 8 without quotes and unit"),
        ({"context": "8192"}, "services[0].context: 8192 is text, not a whole number; write 8192 without quotes"),
        ({"context": 8192.5}, "services[0].context: 8192.5 is not a whole number; write 8192"),
        ({"context": float("inf")}, "services[0].context: inf is not a finite number"),
        ({"tensorParallel": 0}, "services[0].tensorParallel: 0 must be at least 1"),
        ({"tensorParallel": -2}, "services[0].tensorParallel: -2 must be at least 1"),
        ({"tensorParallel": 10**30}, "services[0].tensorParallel: 1e+30 is not a whole number"),
        ({"replicas": 0}, "services[0].replicas: 0 must be at least 1"),
        ({"replicas": "two"}, "services[0].replicas: two is text, not a whole number; such as 2 or {min: 1, max: 4}"),
        ({"replicas": {"min": 3, "max": 1}}, "services[0].replicas.min: 3 is above max 1; swap them"),
        ({"model": 8}, 'services[0].model: 8 is a number, not text; write it in quotes: model: "8"'),
        ({"capacityType": "spott"}, "services[0].capacityType: spott is not on-demand, spot or reserved; use spot"),
        (
            {"capacityType": "reserved"},
            "services[0].reservationId: is needed with capacity type reserved; give the id of the capacity reservation",
        ),
        (
            {"reservationId": "cr-1"},
            "services[0].reservationId: cr-1 goes with capacity type reserved; add `capacityType: reserved`, or remove it",
        ),
        ({"endpoint": "public"}, "services[0].endpoint: public is refused until there is a gateway with TLS and keys; use internal"),
        ({"endpoint": "clstr"}, "services[0].endpoint: clstr is not cluster or internal; use cluster"),
        (
            {"endpoint": "internal"},
            "services[0].endpoint: internal needs a key that callers present, `inferstack:apiKey`; "
            "run `pulumi config set --secret inferstack:apiKey`, or use cluster",
        ),
        ({"modelUri": "hf://a/b"}, "services[0].quantization: is needed with `modelUri`; say how those weights are stored, such as bf16"),
        (
            {"modelUri": "a/b", "quantization": "bf16"},
            "services[0].modelUri: a/b is not a place of weights that can be loaded; use hf://a/b",
        ),
        (
            {"modelUri": "s3://a/b", "quantization": "bf16", "revision": "abc"},
            "services[0].revision: abc stands beside a `modelUri` that is not hf://; remove it: a revision is a commit on Hugging Face",
        ),
        (
            {"revision": "abc"},
            "services[0].modelUri: is needed beside `revision`, which is a commit of one repository; such as hf://owner/repository",
        ),
        ({"slo": {"ttft": 4}}, "services[0].slo.ttft: is not a key of the stack file; use ttftP95Ms"),
        ({"slo": {"ttftP95Ms": 0}}, "services[0].slo.ttftP95Ms: 0 must be above 0"),
        ({"slo": 5}, "services[0].slo: 5 is a number, not a mapping; its keys are ttftP95Ms, tpotP95Ms, latencyP95Ms and coldStartSeconds"),
        (
            {"name": "My Chat"},
            "services[0].name: My Chat is not a DNS name of at most 40 characters (a-z, 0-9 and -, a letter first); use my-chat",
        ),
        ({"name": "3b"}, "services[0].name: 3b is not a DNS name of at most 40 characters (a-z, 0-9 and -, a letter first); use b"),
        (
            {"name": "x" * 41},
            f"services[0].name: {'x' * 41} is not a DNS name of at most 40 characters (a-z, 0-9 and -, a letter first); use {'x' * 40}",
        ),
        (
            {"name": "chat\n"},
            'services[0].name: "chat\\n" is not a DNS name of at most 40 characters (a-z, 0-9 and -, a letter first); use chat',
        ),
    ],
)
def test_a_service_that_cannot_work(changes: dict[str, Any], said: str) -> None:
    """One wrong key of a service gives one problem, with the nearest way out."""
    assert problems_of(service(**changes)) == [said]


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (0, "0 must be at least 1e-06"),
        (-1, "-1 must be at least 1e-06"),
        (float("nan"), "nan is not a finite number"),
        (float("inf"), "inf is not a finite number"),
        (2e6, "2000000.0 must be at most 1,000,000"),
        (10**400, "inf is not a finite number"),
        (True, "true is true or false, not a number"),
        ("2", "2 is text, not a number; write 2 without quotes"),
        ("2 req/s", "2 req/s is text, not a number; write 2 without quotes and unit"),
        ("two", "two is text, not a number"),
    ],
)
def test_traffic_must_be_a_sane_number(rate: Any, said: str) -> None:
    """Zero, negative, not finite, absurd, yes or no, text: each is refused with its key."""
    assert problems_of(service(traffic={"requestsPerSecond": rate, "isl": 5, "osl": 5})) == [
        f"services[0].traffic.requestsPerSecond: {said}"
    ]


@pytest.mark.parametrize(
    ("traffic", "said"),
    [
        ({}, ["traffic: does not say how much is asked; give `requestsPerSecond`, or `dailyUsers` with `tokensPerUser`"]),
        ({"requestsPerSecond": 1, "osl": 5}, ["traffic.isl: is needed with `requestsPerSecond`; input tokens per request, such as 512"]),
        (
            {"requestsPerSecond": 1, "isl": 5, "osl": 5, "outputShare": 0.2},
            ["traffic.outputShare: 0.2 stands beside `requestsPerSecond`; remove it: it goes with `dailyUsers`"],
        ),
        (
            {"requestsPerSecond": 1, "dailyUsers": 5, "isl": 5, "osl": 5},
            ["traffic.dailyUsers: 5 stands beside `requestsPerSecond`; keep the one that you know"],
        ),
        (
            {"dailyUsers": 5, "isl": 5, "osl": 5},
            ["traffic.tokensPerUser: is needed with `dailyUsers`; tokens of one user per day; or `wordsPerUser`"],
        ),
        (
            {"dailyUsers": 5, "tokensPerUser": 100, "osl": 5},
            ["traffic: with `dailyUsers` needs two of `isl`, `osl` and `outputShare`; add `isl` or `outputShare`; the third follows"],
        ),
        (
            {"dailyUsers": 5, "tokensPerUser": 100, "osl": 5, "isl": 5, "outputShare": 0.5},
            ["traffic.outputShare: 0.5 stands beside `isl` and `osl`, from which it follows; remove it"],
        ),
        (
            {"dailyUsers": 1e12, "tokensPerUser": 1e6, "osl": 5, "isl": 5},
            [
                "traffic.dailyUsers: 1000000000000.0 makes 1.16e+12 requests per second of these users, above 1,000,000; "
                "check users, tokens per user and lengths"
            ],
        ),
        (
            {"requests_per_second": 1, "input_tokens": 5, "osl": 5},
            [
                "traffic.input_tokens: is not a key of the stack file; use isl",
                "traffic.requests_per_second: is not a key of the stack file; use requestsPerSecond",
            ],
        ),
    ],
)
def test_traffic_is_said_in_one_way(traffic: dict[str, Any], said: list[str]) -> None:
    """Requests with their lengths, or users with what each of them uses; a key in another tool's spelling is not reported twice."""
    assert problems_of(service(traffic=traffic)) == [f"services[0].{line}" for line in said]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"cloud": "gke"}, ["target.region: is needed on cloud gke; such as us-central1"]),
        ({"cloud": "aws", "region": "us-east-1"}, ["target.cloud: aws is not eks, gke or existing; use eks"]),
        ({"region": "us-east-1"}, ["target.cloud: is missing; such as gke"]),
        (
            {
                "cloud": "eks",
                "region": "us-east-1",
                "volumes": [{"name": "w", "kind": "fsx", "throughput": said} for said in (300, "500", True)],
            },
            [
                "target.volumes[0].throughput: 300 is not 125, 250, 500 or 1000; use 250",
                "target.volumes[1].name: w is also the name of volumes[0]; give each its own",
                "target.volumes[1].throughput: 500 is text, not a whole number; write 500 without quotes",
                "target.volumes[2].name: w is also the name of volumes[0]; give each its own",
                "target.volumes[2].throughput: true is not 125, 250, 500 or 1000",
            ],
        ),
        (
            {"cloud": "existing"},
            ["target.nodes: is needed on cloud existing; list what the cluster has, such as [{cpu: 8, memoryGib: 32}]"],
        ),
        (
            {"cloud": "eks", "region": "us-east-1", "nodes": [{"cpu": 1, "memoryGib": 1}]},
            ["target.nodes: is for cloud existing only; on eks the cluster and its nodes are planned; remove it, or use cloud existing"],
        ),
        (
            {"cloud": "eks", "region": "us-east-1", "zones": ["us-east-1a", "us-west-2a", "us-east-1a"]},
            [
                "target.zones[1]: us-west-2a is not a zone of us-east-1; such as us-east-1a",
                "target.zones[2]: us-east-1a is listed twice; keep one",
            ],
        ),
        (
            {"cloud": "gke", "region": "us-central1", "zones": "us-central1-a"},
            ["target.zones: us-central1-a is text, not a list; write [us-central1-a]"],
        ),
        (
            {"cloud": "gke", "region": "us-central1", "versions": {"kubernetes": 1.34}},
            ['target.versions.kubernetes: 1.34 is a number, not text; write it in quotes: kubernetes: "1.34"'],
        ),
        (
            {"cloud": "gke", "region": "us-central1", "versions": {"kubernetes": "1.34.2", "keda": "latest"}},
            [
                "target.versions.keda: latest is not a version; write one such as 1.19.2, or leave the key out for the one that was tested",
                'target.versions.kubernetes: 1.34.2 is not a minor version of Kubernetes; write "1.34"',
            ],
        ),
        (
            {"cloud": "gke", "region": "us-central1", "network": {"cidr": "10.0.0.1/16"}},
            ["target.network.cidr: 10.0.0.1/16 is not an IPv4 address range in its usual form; use 10.0.0.0/16"],
        ),
        (
            {"cloud": "gke", "region": "us-central1", "deletionProtection": "yes"},
            ["target.deletionProtection: yes is neither true nor false; write true, without quotes"],
        ),
        (
            {"cloud": "existing", "nodes": [{"cpu": 8, "memoryGib": 32, "gpu": "none"}, {"cpu": 8, "memoryGib": 32, "gpu": "CPU"}]},
            [
                f"target.nodes[{n}].gpu: {name} is no GPU; leave it out for CPU nodes, and `gpusPerNode` too"
                for n, name in ((0, "none"), (1, "CPU"))
            ],
        ),
        (
            {"cloud": "existing", "nodes": [{"cpu": 8, "memoryGib": 32, "gpu": "l4"}, {"cpu": 8, "memoryGib": 32, "gpusPerNode": 2}]},
            [
                "target.nodes[0].gpusPerNode: is needed beside `gpu`; such as 1",
                "target.nodes[1].gpu: is needed beside `gpusPerNode`; name the GPU, such as l4",
            ],
        ),
        (
            {"cloud": "existing", "nodes": [{"cpu": 8, "memoryGib": 32, "labels": {"tier": 1}}]},
            ['target.nodes[0].labels.tier: 1 is a number, not text; write it in quotes: tier: "1"'],
        ),
        (
            "gke",
            [
                "target: gke is text, not a mapping; its keys are cloud, region, zones, clusterName, network, versions, addons, "
                "nodeScaling, namespace, nodes, kubeconfigContext, volumes and deletionProtection"
            ],
        ),
        (None, ["target: is empty; such as {cloud: gke, region: us-central1}"]),
    ],
)
def test_a_target_that_cannot_work(target: Any, said: list[str]) -> None:
    """Each wrong key of the target gives one problem."""
    made = config()
    made["inferstack:target"] = target
    assert problems(made) == said


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ({"maxMonthlyUsd": "$1,500"}, "budget.maxMonthlyUsd: $1,500 is not a number of US dollars; write a plain number such as 1500"),
        ({"maxMonthlyUsd": 0}, "budget.maxMonthlyUsd: 0 must be above 0"),
        ({"maxHourlyUsd": float("nan")}, "budget.maxHourlyUsd: nan is not a finite number"),
        ({"maxHourlyUsd": True}, "budget.maxHourlyUsd: true is not a number of US dollars; write a plain number such as 1500"),
        ({"monthly": 3}, "budget.monthly: is not a key of the stack file; use maxMonthlyUsd"),
    ],
)
def test_a_budget_that_cannot_work(budget: dict[str, Any], said: str) -> None:
    """Money is a positive, finite number without currency sign."""
    assert problems(config(budget=budget)) == [said]


def test_all_problems_of_a_file_are_reported_at_once() -> None:
    """Wrong fields, unknown keys, broken rules and rules across services come together, in the order of their places."""
    wrong = [service(name="a", gpu=4, engne="vllm"), service(name="a", replicas={"min": 2, "max": 1}), "chat"]
    said = problems(config(*wrong, target={"cloud": "gke"}, budgt={}))
    assert said == [
        "budgt: is not a key of the stack file; use inferstack:budget",
        "services[0].engne: is not a key of the stack file; use engine",
        'services[0].gpu: 4 is a number, not text; write it in quotes: gpu: "4"',
        "services[1].name: a is also the name of services[0]; use a-2",
        "services[1].replicas.min: 2 is above max 1; swap them",
        f"services[2]: chat is text, not a mapping; its keys are {join_names(list(children(Service)), 'and')}",
        "target.region: is needed on cloud gke; such as us-central1",
    ]


def test_names_that_the_catalog_lacks_come_with_the_rest() -> None:
    """A file that the planner never gets to see has its unknown models, GPUs, machines, engines and regions reported all the same."""
    wrong = service(model="Qwen/Qwen3-9B-Nonexistent", gpu="h1000", quantization="fp9", engine="vlm", tensorParallel=0, slo=3)
    said = problems(config(wrong, target={"cloud": "gke", "region": "us-central9"}))
    assert [line.partition(";")[0] for line in said if "known" in line] == [
        "services[0].engine: vlm is not a known engine",
        "services[0].gpu: h1000 is not a known GPU",
        "services[0].model: Qwen/Qwen3-9B-Nonexistent is not a known model",
        "services[0].quantization: fp9 is not a known quantization",
        "target.region: us-central9 is not a known region of gke",
    ]
    assert "did you mean vllm" in said[0]
    (none, *_) = [line for line in problems(config({**wrong, "gpu": "none"})) if ".gpu: " in line]
    assert none == "services[0].gpu: none is not a known GPU; write cpu where none is meant"
    assert "services[0].tensorParallel: 0 must be at least 1" in said


def test_names_are_left_to_the_planner_in_a_good_file() -> None:
    """A file that is right by itself is read whatever it names; the planner says what it does not know, with what would do instead."""
    assert files.read(config(service(model="no-such/model"))).services[0].model == "no-such/model"


def test_missing_settings_are_named() -> None:
    """A stack without target and services says which keys it lacks."""
    assert problems({}) == [
        "services: is missing; such as [{name: chat, model: Qwen/Qwen3-8B, traffic: {requestsPerSecond: 2, isl: 512, osl: 256}}]",
        "target: is missing; such as {cloud: gke, region: us-central1}",
    ]
    assert problems(config() | {"inferstack:services": []}) == [
        "services: is an empty list; such as [{name: chat, model: Qwen/Qwen3-8B, traffic: {requestsPerSecond: 2, isl: 512, osl: 256}}]"
    ]


def test_names_of_services_differ() -> None:
    """Two services of one name would be one Kubernetes object; the suggestion is free."""
    named = [service(name=name) for name in ("a", "a", "a-2")]
    assert problems_of(*named) == ["services[1].name: a is also the name of services[0]; use a-3"]


def test_servers_have_names_of_their_own() -> None:
    """Objects of a server bear its name, those of a service on it both names: neither may be that of something else."""
    taken = [service(name="a", server="b", engine="ray-serve"), service(name="b"), service(name="b-2-a")]
    assert problems_of(*taken) == [
        "services[0].server: b gives an object the name b, which is that of services[1]; use b-3",
    ]
    both = [service(name="a", server="b"), service(name="b-a")]
    assert problems_of(*both) == ["services[0].server: b gives an object the name b-a, which is that of services[1]; use b-2"]
    twice = [service(name="c", server="a-b"), service(name="b-c", server="a")]
    assert [line.partition(";")[0] for line in problems_of(*twice)] == [
        "services[0].server: a-b gives an object the name a-b-c, which is that of two services",
        "services[1].server: a gives an object the name a-b-c, which is that of two services",
    ]


def test_services_of_one_server_have_one_endpoint() -> None:
    """One server answers at one endpoint, whatever the order in which its services say which."""
    first, second = service(name="a", server="s"), service(name="b", server="s", endpoint="internal")
    asked = "which the same server serves: {}; say the same for both, or another `server`"
    assert f"services[1].endpoint: internal is not that of services[0], {asked.format('cluster')}" in problems_of(first, second)
    assert f"services[1].endpoint: is not that of services[0], {asked.format('internal')}" in problems_of(second, first)


def test_regions_agree_with_the_provider() -> None:
    """A provider's own region that differs from the target's would put half of the stack elsewhere."""
    made = config(target={"cloud": "eks", "region": "us-east-1"}) | {"aws:region": "us-west-2"}
    said = "us-east-1 contradicts `aws:region`, which is us-west-2; give both the same region, or leave aws:region out"
    assert problems(made) == [f"target.region: {said}"]
    assert files.read(config(target={"cloud": "eks", "region": "us-east-1"}) | {"aws:region": "us-east-1", "gcp:region": "x"})


def test_a_setting_written_in_two_forms() -> None:
    """`target` and `inferstack:target` are one key, so only one of them may be there."""
    said = "target: is written twice, as inferstack:target and as target; keep one"
    assert problems(config() | {"target": {}}) == [said]


def test_a_misspelt_namespace_is_seen() -> None:
    """A key of ours in a namespace that differs by a slip would be ignored by Pulumi without a word."""
    made = config()
    made["inferstak:budget"] = {}
    assert problems(made) == ["inferstak:budget: is of another namespace; use inferstack:budget"]


def test_json_text_that_is_none() -> None:
    """`pulumi config set` keeps JSON as text; text that only begins like JSON is refused as such."""
    made = config()
    made["inferstack:budget"] = '{"maxMonthlyUsd": 5'
    assert problems(made) == ["budget: is text that is not JSON; write it as YAML"]


def test_python_values_that_no_file_can_hold() -> None:
    """A library caller that passes objects gets the key and the type, not a traceback."""
    assert problems_of(service(gpu={1, 2})) == [
        "services[0].gpu: is a Python set, which no stack file can hold; use text, numbers, lists and mappings"
    ]


def test_a_structure_without_end_is_refused() -> None:
    """A Python structure that holds itself ends in a problem and not in a recursion error."""
    endless: list[Any] = []
    endless.append(endless)
    assert any("nests deeper than 64 levels" in said for said in problems_of(service(gpu=endless)))


def test_control_characters_of_a_file_do_not_reach_the_terminal() -> None:
    """Keys and values are quoted where they hold anything that a terminal would obey."""
    (unknown, value) = problems_of(service(**{"\x1b[31mred": 1, "gpu": 5, "engine": "x\x1b[0m "}))[:2]
    assert "\x1b" not in unknown + value


def test_an_existing_cluster_is_not_bought_from() -> None:
    """A region, and spot or reserved capacity, mean nothing where the nodes are there."""
    target = {"cloud": "existing", "region": "us-east-1", "nodes": [{"cpu": 8, "memoryGib": 32}]}
    with pytest.raises(InputError) as caught:
        files.read(files.config(files.service(capacityType="spot"), target=target))
    assert [problem.path for problem in caught.value.problems] == ["inferstack:services[0].capacityType", "inferstack:target.region"]


def test_a_custom_model_without_repository_needs_its_weights() -> None:
    """A bare name is no repository; with `modelUri` any name will do."""
    dimensions = {"architecture": "llama", "hiddenSize": 4096, "numLayers": 32, "numAttentionHeads": 32, "numKvHeads": 8}
    model = {"id": "mine", **dimensions, "intermediateSize": 14336, "vocabSize": 128256, "maxContext": 8192}
    with pytest.raises(InputError, match="is no repository on Hugging Face"):
        files.read(files.config(files.service(model=model)))
    assert files.read(files.config(files.service(model=model, modelUri="pvc://claim/mine", quantization="bf16"))).services


def test_services_of_one_name_on_one_server_are_told_of_the_name_alone() -> None:
    """Another server would not part them, and is not proposed."""
    twice = [service(name="chat", engine="ray-serve", server="shared") for _ in range(2)]
    assert problems_of(*twice) == ["services[1].name: chat is also the name of services[0]; use chat-2"]
