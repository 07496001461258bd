"""Secrets in plain text are refused, and never repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from inferstack.stackfile import SECRET
from inferstack.stackfile.secrets import looks_like
from tests.stackfile import files
from tests.stackfile.files import config, problems, problems_in, problems_of, service

TOKEN = "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYz"


@pytest.mark.parametrize("key", ["huggingFaceToken", "apiKey"])
@pytest.mark.parametrize("value", [TOKEN, "correct horse", 12345, ["x"]])
def test_a_secret_in_plain_text(key: str, value: object) -> None:
    """The message says how to set it, and not what it is."""
    said = problems(config(**{key: value}))
    assert said == [f"{key}: stands in plain text; set it with `pulumi config set --secret inferstack:{key}`"]


@pytest.mark.parametrize("value", [None, ""])
def test_an_empty_secret(value: object) -> None:
    """A key without a value is a slip, and would be an empty password."""
    said = "apiKey: is empty; set it with `pulumi config set --secret inferstack:apiKey`, or remove the key"
    assert problems(config(apiKey=value)) == [said]


def test_plain_text_under_secure(tmp_path: Path) -> None:
    """`secure:` in front of the token itself does not make it a secret."""
    (said,) = problems_in(tmp_path, files.GOOD + f"  inferstack:huggingFaceToken: {{secure: {TOKEN}}}\n")
    assert said.startswith("huggingFaceToken: is not in the form in which Pulumi keeps a secret")
    assert TOKEN not in said


def test_a_secret_inside_an_object(tmp_path: Path) -> None:
    """Pulumi makes a whole key secret if anything in it is; the plan could not be shown."""
    text = files.GOOD.replace("name: chat", "name: chat, revision: {secure: v1:a:b}")
    assert problems_in(tmp_path, text) == [
        "services[0].revision: is a secret, which makes all of inferstack:services secret; "
        "secrets have keys of their own: inferstack:huggingFaceToken and inferstack:apiKey"
    ]


def test_a_setting_that_is_secret_as_a_whole() -> None:
    """A running program learns from Pulumi that the whole key is secret, and refuses it the same way."""
    said = "target: is secret as a whole, or holds a secret, which makes it so; secrets have keys of their own: " + (
        "inferstack:huggingFaceToken and inferstack:apiKey"
    )
    assert problems(config(), secret_keys=["inferstack:target"]) == [said]
    assert problems(config() | {"inferstack:target": SECRET}) == [said]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (TOKEN, "a Hugging Face token"),
        ("AKIAIOSFODNN7EXAMPLE", "an AWS access key"),
        ("https://user:hunter2@example.org/model", "a URL with a password"),
        ("ghp_" + "a1" * 18, "a GitHub token"),
        ("sk-" + "a1B2" * 10, "an API key"),
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
    ],
)
def test_credentials_anywhere(value: str, kind: str) -> None:
    """Whatever looks like a credential is refused by its kind wherever it stands, and its text is not in the message."""
    for place in ("engine", "modelUri", "name"):
        (said,) = problems_of(service(**{place: value, "quantization": "bf16"}))
        assert said.startswith(f"services[0].{place}: holds {kind} in plain text; ")
        assert value not in said
    (as_key,) = problems_of(service(**{value: True}))
    assert value not in as_key


@pytest.mark.parametrize(
    "value",
    ["hf://Qwen/Qwen3-8B", "s3://bucket/a@b", "Qwen/Qwen3-8B", "sk-telecom/A.X-4.0", "0123456789abcdef" * 3, "https://example.org:8080/x"],
)
def test_ordinary_values_are_no_credentials(value: str) -> None:
    """Repositories, URIs with a port and commits are not mistaken for credentials."""
    assert looks_like(value) is None
