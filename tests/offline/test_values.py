"""Secrets are masked and unknowns are named, wherever they stand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inferstack import offline
from tests.offline.previews import names, preview, preview_with, resource

TOKEN = "s3cret-token"


@pytest.fixture(scope="module")
def values() -> offline.Preview:
    return preview("values")


def test_secrets_are_masked_everywhere(values: offline.Preview) -> None:
    """A secret is masked as a value, deep in lists, and where other text repeats it: in plain, in JSON and in base64."""
    assert resource(values, "database").inputs == {"password": "[secret]", "size": 3, "share": 0.5}
    service = resource(values, "service").inputs
    assert service["env"][0] == {"name": "TOKEN", "value": "[secret]"}
    assert service["settings"] == "[secret]"
    assert service["plainly"] == "the token is [secret]"
    assert service["encoded"] == "[secret]"
    assert service["document"] == '{"text": "[secret]"}'
    assert TOKEN not in json.dumps(values.document())


def test_unknowns_are_named(values: offline.Preview) -> None:
    """What only a deployment knows is shown as such, and `apply` of it does not run."""
    assert resource(values, "service").inputs["env"][1] == {"name": "URL", "value": "[unknown]"}
    assert values.outputs == {
        "id": "[unknown]",
        "token": "[secret]",
        "size": 3,
        "derived": "[unknown]",
        "mixed": {"secret": "[secret]", "plain": 1, "unknown": "[unknown]"},
        "applied": [],
    }


def test_other_values_are_plain_data(values: offline.Preview) -> None:
    """Whole numbers stay whole, lists keep empty places, assets show what they hold, resources their URN."""
    service = resource(values, "service").inputs
    assert service["nested"] == {"list": [1, 2.5, True, None, "x"]}
    assert isinstance(service["nested"]["list"][0], int)
    assert service["script"] == {"text": "echo hello"}
    assert service["folder"] == {"path": "./folder"}
    assert names([service["database"]]) == ["database"]


def test_components_of_other_languages(values: offline.Preview) -> None:
    """Inputs of a remote component travel in another form, and read the same."""
    remote = resource(values, "remote")
    assert remote.inputs == {"token": "[secret]", "id": "[unknown]", "known": "x", "mixed": "[secret]"}
    assert remote.options["remote"] is True


def test_a_provider_of_unknown_config_answers_nothing() -> None:
    """The engine gives back no inputs for resources of a provider whose kubeconfig is unknown, so no output of theirs is known."""
    shown = preview("unknown-provider")
    assert shown.outputs == {"unknown": "[unknown]", "known": {"a": "b"}}
    assert resource(shown, "map-unknown").inputs == resource(shown, "map-known").inputs == {"data": {"a": "b"}}
    assert resource(shown, "map-unknown").outputs == {"id": "[unknown]"}
    assert names([resource(shown, "map-unknown").provider]) == ["unknown"]


def test_outputs_declared_secret_are_masked(tmp_path: Path) -> None:
    """`additional_secret_outputs` are secret in what the engine answers."""
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "Pulumi.yaml").write_text("name: bare\nruntime: python\n")
    (tmp_path / "bare" / "__main__.py").write_text(
        "import pulumi\n"
        "options = pulumi.ResourceOptions(additional_secret_outputs=['password'])\n"
        "pulumi.CustomResource('a:b:C', 'c', {'password': 'x', 'user': 'y'}, options)\n"
    )
    shown = preview_with(tmp_path, "bare", "config: {}\n")
    assert resource(shown, "c").outputs == {"id": "[unknown]", "password": "[secret]", "user": "y"}


def test_resources_that_are_read() -> None:
    """A resource that exists has its id; what its provider alone could tell is unknown, and so are answers of provider functions."""
    shown = preview("reads")
    existing = resource(shown, "existing")
    assert (existing.read, existing.options, existing.inputs) == (True, {"id": "vpc-123"}, {"name": "main"})
    assert shown.outputs == {"id": "vpc-123", "arn": "[unknown]", "name": "main", "zones": "[unknown]", "subnets": "[unknown]"}
    assert resource(shown, "subnet").inputs == {"vpcId": "vpc-123"}


def test_diagnostics_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    """Messages come as data; what a program prints goes to standard error, so that a JSON document on standard output stays whole."""
    shown = preview("reads")
    assert [str(item) for item in shown.diagnostics if item.severity != "warning" or "unknown" not in item.message] == [
        "info: read what there is",
        "warning: and nothing else",
    ]
    assert shown.diagnostics[-1].urn == resource(shown, "existing").urn
    unknown = [item.message for item in shown.diagnostics if "getZones" in item.message]
    assert unknown == ["the result of cloud:index:getZones is unknown in an offline preview"]
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "to standard output\n")
