"""A program gets the config that Pulumi would give it."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from inferstack.errors import InputError
from inferstack.offline import passphrase as passphrases
from inferstack.offline.passphrase import CannotDecrypt, Decrypter
from tests.offline.previews import preview, preview_with

SALT = "v1:fozI5u6B030=:v1:F+6ZduKKd8G0/V7L:PGMFeIzwobWRKmEAzUdaQHqC5mMRIQ=="
"""Of Pulumi's own tests (pkg/secrets/passphrase/manager_test.go); the passphrase is `password`."""


@pytest.fixture(autouse=True)
def _no_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE_FILE", raising=False)


def encrypted(text: str) -> str:
    """`text` as Pulumi would keep it in a stack with SALT."""
    key = hashlib.pbkdf2_hmac("sha256", b"password", base64.b64decode(SALT.split(":")[1]), passphrases.ITERATIONS, 32)
    nonce = b"0123456789ab"
    return f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(AESGCM(key).encrypt(nonce, text.encode(), None)).decode()}"


def test_defaults_namespaces_and_forms() -> None:
    """Defaults of the project fill in, the stack wins, keys get the project's name, scalars stay as written and objects become JSON."""
    shown = preview("configured")
    assert shown.outputs["all"] == {
        "cloud:region": "eu-1",
        "cloud:zone": "eu-1b",
        "configured:count": "3",
        "configured:empty": "",
        "configured:flag": "false",
        "configured:old": "legacy",
        "configured:ratio": "0.5",
        "configured:required": "yes",
        "configured:shape": '{"cpu":8,"list":[1,"two"],"memory":1.5}',
        "configured:shorthand": "short",
        "configured:version": "1.10",
        "configured:zones": '["a","b"]',
    }
    assert (shown.outputs["count"], shown.outputs["flag"]) == (3, False)
    assert shown.outputs["shape"] == {"cpu": 8, "memory": 1.5, "list": [1, "two"]}


def test_the_program_knows_where_it_is() -> None:
    """Stack, project and organisation are set, and it is told that this is a preview."""
    assert preview("configured").outputs["stack"] == ["dev", "configured", "organization", True]


def test_keys_that_are_required(tmp_path: Path) -> None:
    """A key that the project declares without a default must be in every stack; so must its type and its encryption."""
    with pytest.raises(InputError) as refused:
        preview_with(tmp_path, "configured", "config: {configured:count: many, configured:shape: [1], zones: a}\n")
    assert [str(problem) for problem in refused.value.problems] == [
        "configured:count: many is not of type integer, which Pulumi.yaml asks for",
        "configured:required: is missing: Pulumi.yaml asks for it in every stack, and stack dev does not set it",
        "configured:shape: is not of type object, which Pulumi.yaml asks for",
        "configured:zones: a is not of type array, which Pulumi.yaml asks for",
    ]


def test_secrets_without_the_passphrase(tmp_path: Path) -> None:
    """A secret that cannot be decrypted is a placeholder that stays secret; what the program makes of it leaks nothing."""
    value = encrypted("hunter2-hunter2")
    text = f"encryptionsalt: {SALT}\nconfig: {{required: x, token: {{secure: '{value}'}}}}\n"
    shown = preview_with(tmp_path, "configured", text)
    assert shown.outputs["token"] == "[secret]"
    assert shown.outputs["leaked"] == "Bearer [secret]"
    assert shown.outputs["secrets"] == ["configured:token"]
    assert [str(item) for item in shown.diagnostics if item.severity == "info"] == [
        "info: secrets of the stack file stand in as placeholders: PULUMI_CONFIG_PASSPHRASE is not set"
    ]


def test_secrets_with_the_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program gets the decrypted text, and no text of the preview holds it; an object with a secret in it is secret as a whole."""
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "password")
    value = encrypted("hunter2-hunter2")
    secure = f"{{secure: '{value}'}}"
    text = f"encryptionsalt: {SALT}\nconfig:\n  required: x\n  token: {secure}\n  shape: {{inner: {secure}, size: 1}}\n"
    shown = preview_with(tmp_path, "configured", text)
    assert shown.outputs["leaked"] == "Bearer [secret]"
    assert shown.outputs["all"]["configured:token"] == "[secret]"
    assert shown.outputs["all"]["configured:shape"] == '{"inner":"[secret]","size":1}'
    assert shown.outputs["secrets"] == ["configured:shape", "configured:token"]
    assert "hunter2" not in str(shown.document())
    assert not [item for item in shown.diagnostics if item.severity == "info"]


def test_a_passphrase_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PULUMI_CONFIG_PASSPHRASE_FILE works as it does for the CLI, blanks around it aside."""
    (tmp_path / "phrase").write_text("password\n")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(tmp_path / "phrase"))
    assert passphrases.passphrase() == "password"
    assert Decrypter(SALT, "password").decrypt(encrypted("text")) == "text"


@pytest.mark.parametrize(
    ("salt", "phrase", "reason"),
    [
        (SALT, "wrong", "the passphrase is not the stack's"),
        ("fozI5u6B030=:v1:F+6ZduL:PGMF", "password", "the stack's encryptionsalt is not in a known form"),
        ("v1:!!!:v1:a:b", "password", "the value is not base64"),
    ],
)
def test_what_does_not_decrypt(salt: str, phrase: str, reason: str) -> None:
    """A wrong passphrase and a broken salt are told apart."""
    with pytest.raises(CannotDecrypt, match=reason):
        Decrypter(salt, phrase)


def test_a_broken_secret_names_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value of another stack cannot be decrypted, and the key is named."""
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "password")
    with pytest.raises(InputError, match="configured:token: cannot be decrypted: the value was encrypted with another key"):
        preview_with(
            tmp_path,
            "configured",
            f"encryptionsalt: {SALT}\nconfig: {{required: x, token: {{secure: 'v1:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAA'}}}}\n",
        )


def test_other_secrets_providers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets that a cloud's key service encrypts are placeholders, whatever passphrase is set."""
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "password")
    shown = preview_with(
        tmp_path, "configured", "secretsprovider: gcpkms://x\nencryptedkey: abc\nconfig: {required: x, token: {secure: abc}}\n"
    )
    assert shown.outputs["token"] == "[secret]"
    assert "are not encrypted with a passphrase" in shown.diagnostics[0].message


@pytest.mark.parametrize(
    ("project", "said"),
    [
        ("", "name: is missing"),
        ("name: x\nruntime: nodejs\n", "runtime: nodejs is not python"),
        ("name: x\nruntime: python\n", "has no __main__.py"),
        ("name: x\nruntime: {name: python}\nmain: nowhere\n", "nowhere does not exist"),
        ("name: [", "is not YAML"),
    ],
)
def test_projects_that_cannot_be_previewed(tmp_path: Path, project: str, said: str) -> None:
    """A project file that is broken, of another language or without a program is refused with the reason."""
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "Pulumi.yaml").write_text(project)
    with pytest.raises(InputError) as refused:
        preview_with(tmp_path, "bare", "config: {}\n")
    assert said in str(refused.value)


def test_our_own_settings_are_explained_by_their_reader(tmp_path: Path) -> None:
    """In a project named inferstack, all problems of the stack file come before Pulumi's one word about a type."""
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "Pulumi.yaml").write_text("name: inferstack\nruntime: python\nconfig:\n  target: {type: object}\n")
    (tmp_path / "bare" / "__main__.py").write_text("")
    with pytest.raises(InputError) as refused:
        preview_with(tmp_path, "bare", "config: {inferstack:target: gke, bugdet: 3}\n")
    said = [str(problem).partition(";")[0] for problem in refused.value.problems]
    assert said == [
        "inferstack:bugdet: is not a key of the stack file",
        "inferstack:services: is missing",
        "inferstack:target: gke is text, not a mapping",
    ]
