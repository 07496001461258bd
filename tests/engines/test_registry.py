"""Engines by name, and a new one without edits anywhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from inferstack import catalog
from inferstack.clouds.addons import ADDONS
from inferstack.engines import Engine, engine, engines
from tests.engines import shapes
from tests.engines.fake import FakeEngine

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("vllm", "vllm"),
        ("vLLM", "vllm"),
        ("llama.cpp", "llama.cpp"),
        ("llamacpp", "llama.cpp"),
        ("llama-cpp", "llama.cpp"),
        ("LLaMA_cpp", "llama.cpp"),
        ("llama-server", "llama.cpp"),
    ],
)
def test_names_are_read_kindly(written: str, meant: str) -> None:
    """Case, dots, dashes and the name of the server program do not matter."""
    assert engine(written).name == meant


def test_an_unknown_engine_names_the_nearest() -> None:
    """A typing error is refused with the engine that was probably meant."""
    with pytest.raises(catalog.UnknownName) as refused:
        engine("vlm")
    assert refused.value.kind == "engine"
    assert refused.value.nearest[0] == "vllm"


def test_an_engine_that_resembles_none_is_refused_with_all_of_them() -> None:
    """Where no name is close, every engine is offered."""
    with pytest.raises(catalog.UnknownName) as refused:
        engine("0000")
    assert refused.value.nearest == tuple(engines())


def test_the_registry_cannot_be_changed() -> None:
    """Engines are a read-only mapping by their own names."""
    assert all(name == found.name for name, found in engines().items())
    with pytest.raises(TypeError):
        engines()["other"] = FakeEngine()  # type: ignore[index]


def test_a_new_engine_needs_one_class_and_a_registry_that_names_it() -> None:
    """A class that follows the protocol is found by name and alias, sizes a replica and renders its container through the shared parts."""

    def registry() -> Mapping[str, Engine]:
        return {**engines(), "fake": FakeEngine()}

    fake = engine("Make Believe", registry)
    weights = shapes.checkpoint(shapes.SMALL)
    shape = shapes.shape_of("vllm", weights, shapes.gpus("h100-80"))
    replica = shapes.replica_of(shape, fake)
    assert replica.memory.fits
    assert fake.spec(replica, shapes.SERVICE).args == (shapes.SMALL, "chat")


@pytest.mark.parametrize("name", list(engines()))
def test_releases_are_pinned(name: str) -> None:
    """Every image has a tag that says a version, and one version serves all kinds of device."""
    found = engine(name)
    for kind in ("gpu", "cpu"):
        release = found.release_for(kind)
        assert release.version == found.release.version
        assert ":" in release.image
        assert not release.image.endswith(":latest")


def test_what_is_started_and_asked_for_real_is_the_pinned_release() -> None:
    """`make parsers` and `make smoke` bring the releases that plans name."""
    listed = "".join((ROOT / f"requirements-{kind}.txt").read_text(encoding="utf-8") for kind in ("parsers", "smoke"))
    brought = dict(re.findall(r"^([a-z]+)(?:\[.*\])?==(\S+)$", listed, re.MULTILINE))
    assert f"kserve-storage=={ADDONS['kserve'].version.removeprefix('v')}" in listed
    ollama = re.search(r"^OLLAMA := (\S+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert ollama is not None
    found = {**brought, "ollama": ollama[1], "ray-serve": brought["ray"]}
    pinned = {name: engine(name).release.version for name in ("vllm", "sglang", "transformers", "ollama", "ray-serve")}
    assert {name: found[name] for name in pinned} == pinned
