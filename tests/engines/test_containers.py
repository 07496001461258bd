"""What a container is given besides its arguments: volumes, probes, memory, identity, weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack.catalog.types import EngineRelease
from inferstack.engines import EngineSpec, engine, engines
from inferstack.engines.drain import drains_on_sigterm, stops_on_sigterm
from inferstack.engines.hosts import image_reference
from inferstack.engines.probes import probes, startup_limit_seconds
from inferstack.engines.weights import weight_source
from tests.engines import shapes

GIB = 2**30
CASES = [
    ("vllm", "bf16", "h100-80", 4),
    ("vllm", "awq", "l4", 1),
    ("llama.cpp", "gguf-q4_k_m", "l4", 2),
    ("llama.cpp", "gguf-q4_k_m", None, 1),
    ("sglang", "fp8", "h100-80", 4),
    ("tensorrt-llm", "bf16", "h100-80", 1),
    ("triton", "bf16", "l4", 1),
    ("triton-tensorrt-llm", "fp8", "h100-80", 2),
    ("transformers", "bf16", "l4", 1),
]


def container(name: str, quantization: str, gpu: str | None, count: int, uri: str | None = None) -> EngineSpec:
    device = shapes.cpus() if gpu is None else shapes.gpus(gpu, count)
    shape = shapes.shape_of(name, shapes.checkpoint(shapes.SMALL, quantization, uri), device)
    return engine(name).spec(shapes.replica_of(shape), shapes.SERVICE)


@pytest.mark.parametrize("case", CASES)
def test_every_path_that_is_written_lies_on_a_volume(case: tuple[str, str, str | None, int]) -> None:
    """With a read-only root every directory of the environment is under a mount, and /tmp is one; the process is not root."""
    spec = container(*case)
    mounts = [PurePosixPath(volume.path) for volume in spec.volumes]
    paths = [PurePosixPath(text) for _, text in spec.env if text.startswith("/")]
    assert paths
    assert all(any(mount == path or mount in path.parents for mount in mounts) for path in paths)
    assert PurePosixPath("/tmp") in mounts
    assert not spec.confinement.is_root
    assert spec.confinement.read_only_root


@pytest.mark.parametrize("name", list(engines()))
def test_what_an_image_is_denied_has_its_evidence(name: str) -> None:
    """Every image says where its user and its root file system are known from, and why where it keeps root or a writable root."""
    spec = container(name, shapes.usual(name), shapes.home(name), 1)
    confined = spec.confinement
    assert confined.source
    assert (confined.because is None) is (confined.read_only_root and not confined.is_root)
    assert not confined.read_only_root or "/tmp" in {volume.path for volume in spec.volumes}
    assert confined.is_root is (confined.group is None)


@pytest.mark.parametrize("quantization", ["fp8", "nvfp4"])
def test_triton_keeps_root_where_flashinfer_links_kernels(quantization: str) -> None:
    """Triton's vLLM backend runs as root for weights whose kernels are linked into a package that only root may write, and says so."""
    shape = shapes.shape_of("triton", shapes.checkpoint(shapes.SMALL, quantization), shapes.gpus("b200-180", 1))
    assert engine("triton").spec(shapes.replica_of(shape), shapes.SERVICE).confinement.is_root
    assert any(note.startswith("Triton runs as root: ") for note in engine("triton").notes(shape))


@pytest.mark.parametrize("name", ["vllm", "sglang"])
def test_kernels_may_be_linked_into_the_image(name: str) -> None:
    """The folder of its own package that FlashInfer writes to is a volume on disk, which a process without root may write."""
    volumes = container(name, "bf16", "h100-80", 1).volumes
    assert [volume.memory for volume in volumes if volume.path.endswith("/flashinfer_cubin/cubins/flashinfer")] == [False]


@pytest.mark.parametrize("case", CASES)
def test_names_and_mounts_are_unique(case: tuple[str, str, str | None, int]) -> None:
    """No two volumes, ports or variables share a name."""
    spec = container(*case)
    for names in (
        [volume.name for volume in spec.volumes],
        [volume.path for volume in spec.volumes],
        [port.name for port in spec.ports],
        [key for key, _ in spec.env] + [secret.name for secret in spec.secret_env],
    ):
        assert len(names) == len(set(names))


@pytest.mark.parametrize("case", CASES)
def test_probes_ask_the_port_that_is_served(case: tuple[str, str, str | None, int]) -> None:
    """All three probes use the first port, which is the one of the Service."""
    spec = container(*case)
    assert {probe.port for probe in (spec.probes.startup, spec.probes.readiness, spec.probes.liveness)} == {spec.ports[0].number}


@given(st.integers(0, 100_000))
def test_no_start_within_its_band_is_killed(startup_seconds: int) -> None:
    """The startup probe waits longer than the upper end of the cold start, and five minutes at least."""
    limit = startup_limit_seconds(probes("/health", 8000, startup_seconds))
    assert limit > startup_seconds
    assert limit >= 300


@given(st.integers(0, 7200))
def test_vllm_never_gives_up_before_kubernetes_does(startup_seconds: int) -> None:
    """Its own limit for a start is not shorter than that of the startup probe."""
    shape = shapes.shape_of("vllm", shapes.checkpoint(shapes.SMALL), shapes.gpus("l4"))
    spec = engine("vllm").spec(shapes.replica_of(shape), replace(shapes.SERVICE, startup_seconds=startup_seconds))
    assert int(dict(spec.env)["VLLM_ENGINE_READY_TIMEOUT_S"]) >= startup_limit_seconds(spec.probes)


@given(st.integers(0, 86_400))
def test_both_ways_to_drain_leave_room_for_the_longest_response(longest: int) -> None:
    """Grace covers the sleep, the longest response and a margin; who stops at SIGTERM sleeps through the response first."""
    assert drains_on_sigterm(longest).grace == stops_on_sigterm(longest).grace == 10 + longest + 30
    assert stops_on_sigterm(longest).pre_stop == 10 + longest


def test_ranks_share_memory_that_counts() -> None:
    """Several GPUs get /dev/shm in memory, one does not need it, and its size is part of the container's memory."""
    one, four = container("vllm", "bf16", "h100-80", 1), container("vllm", "bf16", "h100-80", 4)
    shared = [volume for volume in four.volumes if volume.memory]
    assert [volume.path for volume in shared] == ["/dev/shm"]
    assert not [volume for volume in one.volumes if volume.memory]
    assert four.host_memory_bytes > shared[0].size_gib * GIB
    assert shared[0].size_gib >= 2


def test_the_cache_holds_what_is_downloaded() -> None:
    """Weights from the hub fit on the cache volume, at 16 bit where they are quantized at load; mounted weights need no room."""
    sizes = {
        kind: {volume.name: volume.size_gib for volume in container("vllm", *case).volumes}["cache"]
        for kind, case in {
            "bf16": ("bf16", "h100-80", 1, None),
            "mounted": ("bf16", "h100-80", 1, "s3://bucket/qwen"),
        }.items()
    }
    online = shapes.shape_of("vllm", shapes.checkpoint(shapes.SMALL, "fp8", quantized_at_load=True), shapes.gpus("h100-80"))
    cache = {volume.name: volume.size_gib for volume in engine("vllm").spec(shapes.replica_of(online), shapes.SERVICE).volumes}["cache"]
    assert sizes["bf16"] > 2 * shapes.model_of(online.checkpoint).params_total / GIB
    assert cache == sizes["bf16"]
    assert sizes["mounted"] < 10


def test_a_known_digest_decides_the_image() -> None:
    """The digest follows the tag where it is known."""
    release = EngineRelease("x", "1", "registry.example/x:1", None, 1.0, "a test", "2026-11-21")
    assert image_reference(release) == "registry.example/x:1"
    assert image_reference(replace(release, digest="sha256:ab")) == "registry.example/x:1@sha256:ab"


@pytest.mark.parametrize(
    ("uri", "file", "repository", "mounted", "storage"),
    [
        ("hf://owner/repo", None, "owner/repo", None, None),
        ("hf://owner/repo", "a.gguf", "owner/repo", None, None),
        ("hf://owner/repo/sub/a.gguf", None, "owner/repo", None, None),
        ("s3://bucket/path/model", None, None, "/mnt/models", "s3://bucket/path/model"),
        ("gs://bucket/path/a.gguf", None, None, "/mnt/models/a.gguf", "gs://bucket/path/a.gguf"),
        ("s3://bucket/path", "a.gguf", None, "/mnt/models/a.gguf", "s3://bucket/path"),
        ("pvc://claim/path/a.gguf", None, None, "/mnt/models/a.gguf", "pvc://claim/path"),
        ("pvc://claim/a.gguf", None, None, "/mnt/models/a.gguf", "pvc://claim"),
    ],
)
def test_weights_come_from_the_hub_or_from_a_mount(
    uri: str, file: str | None, repository: str | None, mounted: str | None, storage: str | None
) -> None:
    """The engine fetches from the hub itself; everything else KServe mounts, a claim by its folder and an object by itself."""
    source = weight_source(shapes.checkpoint(shapes.SMALL, "gguf-q4_k_m", uri, file=file))
    assert (source.repository, source.storage_uri) == (repository, storage)
    if repository is None:
        assert source.mounted_path == mounted
    else:
        assert source.file == (file if "sub" not in uri else "sub/a.gguf")


def test_llamacpp_names_its_weights_in_the_form_that_fits() -> None:
    """A mount by path, a hub file by name, a pinned commit by address, a bare repository by quantization."""
    forms = {
        "pvc://models/a.gguf": ("--model", "/mnt/models/a.gguf"),
        "hf://o/r/a.gguf": ("--hf-repo", "o/r", "--hf-file", "a.gguf"),
        "hf://o/r": ("--hf-repo", "o/r:Q4_K_M"),
    }
    for uri, words in forms.items():
        assert container("llama.cpp", "gguf-q4_k_m", None, 1, uri).args[: len(words)] == words
    pinned = shapes.checkpoint(shapes.SMALL, "gguf-q4_k_m", "hf://o/r/a.gguf", revision="c0ffee")
    shape = shapes.shape_of("llama.cpp", pinned, shapes.cpus())
    assert engine("llama.cpp").spec(shapes.replica_of(shape), shapes.SERVICE).args[:2] == (
        "--model-url",
        "https://huggingface.co/o/r/resolve/c0ffee/a.gguf",
    )
