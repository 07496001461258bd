"""What a tag means, asked of a registry over HTTP; the registry is one of this process."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from inferstack.images.reference import Reference, reference
from inferstack.images.registry import Registries, Unresolved
from tests.images import fake_registry
from tests.images.fake_registry import FakeRegistry


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake_registry.running() as started:
        yield started


def refused(name: str, registries: Registries | None = None) -> str:
    with pytest.raises(Unresolved) as caught:
        (registries or Registries(timeout=2)).digest(reference(name))
    return f"{caught.value.reason}; {caught.value.nearest}"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("python:3.13.9-slim", ("registry-1.docker.io", "library/python", "3.13.9-slim")),
        ("vllm/vllm-openai:v0.33.0", ("registry-1.docker.io", "vllm/vllm-openai", "v0.33.0")),
        ("docker.io/vllm/vllm-openai:v1", ("registry-1.docker.io", "vllm/vllm-openai", "v1")),
        ("docker.io/python:3", ("registry-1.docker.io", "library/python", "3")),
        ("nvcr.io/nvidia/tensorrt-llm/release:1.2.1", ("nvcr.io", "nvidia/tensorrt-llm/release", "1.2.1")),
        ("localhost/team/server:1", ("localhost", "team/server", "1")),
        ("registry:5000/team/server:1", ("registry:5000", "team/server", "1")),
    ],
)
def test_names_are_read_as_docker_reads_them(name: str, expected: tuple[str, str, str]) -> None:
    """A first part that is a host is the registry; everything else is on Docker Hub."""
    assert reference(name) == Reference(*expected)


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("localhost", "http://localhost"),
        ("[::1]:5000", "http://[::1]:5000"),
        ("localhost.example.com", "https://localhost.example.com"),
    ],
)
def test_only_this_machine_is_asked_without_tls(host: str, base: str) -> None:
    """Loopback hosts speak HTTP, as for Docker; a name that only begins like one does not."""
    assert Reference(host, "a", "1").base == base


def test_the_digest_of_the_index_is_found_with_an_anonymous_token(registry: FakeRegistry) -> None:
    """The index is asked for before manifests of one machine, by HEAD, with a token to pull that the registry gives to anybody."""
    expected = registry.put("team/server", "1.2.3")
    assert Registries().digest(reference(f"{registry.host}/team/server:1.2.3")) == expected
    assert [(method, path.partition("?")[0]) for method, path, _ in registry.asked] == [
        ("HEAD", "/v2/team/server/manifests/1.2.3"),
        ("GET", "/token"),
        ("HEAD", "/v2/team/server/manifests/1.2.3"),
    ]
    (accepted,) = registry.accepted
    assert accepted.split(", ")[0] == fake_registry.INDEX


def test_a_repository_is_asked_for_one_token(registry: FakeRegistry) -> None:
    """A second tag of a repository is asked with the token of the first."""
    digests = {registry.put("team/server", tag, tag) for tag in ("1", "2")}
    registries = Registries()
    assert {registries.digest(reference(f"{registry.host}/team/server:{tag}")) for tag in ("1", "2")} == digests
    assert sum(path.startswith("/token") for _, path, _ in registry.asked) == 1


def test_a_registry_without_tokens_is_asked_without(registry: FakeRegistry) -> None:
    """Nothing is sent that was not asked for."""
    registry.asks_for_tokens = False
    expected = registry.put("team/server", "1")
    assert Registries().digest(reference(f"{registry.host}/team/server:1")) == expected
    assert [authorization for _, _, authorization in registry.asked] == [None]


def test_a_digest_that_is_not_said_is_computed(registry: FakeRegistry) -> None:
    """Where the header is missing the manifest is read and hashed."""
    registry.says_digests = False
    expected = registry.put("team/server", "1")
    assert Registries().digest(reference(f"{registry.host}/team/server:1")) == expected
    assert registry.asked[-1][0] == "GET"


def test_redirects_are_followed_without_the_token(registry: FakeRegistry) -> None:
    """A registry that keeps its manifests elsewhere is followed by HEAD, and its token is not handed on."""
    with fake_registry.running() as storage:
        storage.asks_for_tokens = False
        expected = storage.put("team/server", "1")
        registry.moved_to = f"http://{storage.host}"
        assert Registries().digest(reference(f"{registry.host}/team/server:1")) == expected
        assert [(method, authorization) for method, _, authorization in storage.asked] == [("HEAD", None)]


def test_a_tag_that_is_not_there_is_named(registry: FakeRegistry) -> None:
    """A registry that knows no such tag."""
    said = refused(f"{registry.host}/team/server:9")
    assert said == f"is not in {registry.host}: no tag 9 of team/server; name a tag that is there"


def test_a_private_image_needs_its_digest_in_the_stack_file(registry: FakeRegistry) -> None:
    """A registry that gives no token to strangers, or asks for a password, leads to the way out."""
    registry.put("team/server", "1")
    way_out = "give its digest in the stack file, behind the tag: 1@sha256:..."
    registry.private = {"team/server"}
    assert refused(f"{registry.host}/team/server:1") == f"is not public: {registry.host} asks for a login (401); {way_out}"
    registry.challenge = 'Basic realm="team"'
    assert refused(f"{registry.host}/team/server:1") == f"is not public: {registry.host} asks for a login; {way_out}"


def test_tokens_may_come_from_this_machine_by_any_of_its_names(registry: FakeRegistry) -> None:
    """A place of tokens on the loopback of IPv6 is asked: here nobody listens there."""
    registry.challenge = 'Bearer realm="http://[::1]:9/token",service="fake"'
    assert "is not reached" in refused(f"{registry.host}/team/server:1")


@pytest.mark.parametrize("realm", ["http://tokens.example/token", "http://localhost:1@tokens.example/token", "file:///etc/passwd", ""])
def test_tokens_are_not_fetched_from_just_anywhere(registry: FakeRegistry, realm: str) -> None:
    """A place of tokens that is neither this machine nor behind TLS is not asked."""
    registry.challenge = f'Bearer realm="{realm}",service="fake"'
    assert refused(f"{registry.host}/team/server:1").startswith("is not public: ")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (429, "cannot be asked for now: {host} was asked too often (429); try again later"),
        (503, "cannot be asked for: {host} answers 503; try again later"),
    ],
)
def test_a_registry_that_cannot_answer_is_to_be_asked_again(registry: FakeRegistry, status: int, reason: str) -> None:
    """Rate limits and failures of the registry are no fault of the image."""
    registry.status = status
    assert refused(f"{registry.host}/team/server:1") == reason.format(host=registry.host)


def test_a_registry_that_is_not_there_is_asked_once() -> None:
    """Nothing listens: said for each of its images, after one attempt."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    registries = Registries()
    said = refused(f"{host}/team/server:1", registries)
    assert said == f"cannot be asked for: {host} is not reached (Connection refused); try again where it is"
    assert refused(f"{host}/team/other:1", registries) == said


def test_a_registry_that_does_not_answer_is_given_up(registry: FakeRegistry) -> None:
    """An answer that takes longer than the timeout is none."""
    registry.delay = 1.0
    said = refused(f"{registry.host}/team/server:1", Registries(timeout=0.2))
    assert said == f"cannot be asked for: {registry.host} is not reached (no answer in 0.2 s); try again where it is"
