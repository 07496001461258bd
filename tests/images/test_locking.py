"""From a plan's images to the lock, and back into the plan."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from inferstack import images, manifests, planning, stackfile
from inferstack.errors import InputError
from inferstack.images.reference import Reference
from inferstack.images.registry import Registries, Unresolved
from inferstack.planning import StackPlan
from inferstack.planning.image_digests import Image
from inferstack.planning.image_digests import images as images_of

FIRST, LATER = datetime.date(2026, 11, 1), datetime.date(2026, 12, 1)
ROOT = Path(__file__).parents[2]
OLLAMA, PYTHON, VLLM = "ollama/ollama:0.32.15", "python:3.13.9-slim-bookworm", "vllm/vllm-openai:v0.33.0"


def sha(digit: str) -> str:
    return f"sha256:{digit * 64}"


class Known(Registries):
    """Registries that say what they are told to."""

    def __init__(self, **digests: str) -> None:
        super().__init__()
        self.digests = digests

    def digest(self, wanted: Reference) -> str:
        name = wanted.repository.rpartition("/")[2]
        if name not in self.digests:
            raise Unresolved("is not public", "give its digest")
        return self.digests[name]


def tags(*names: str) -> list[Image]:
    return [Image(name, None, None, ("chat",)) for name in names]


def test_rows_say_digest_registry_and_day() -> None:
    """A first lock holds every tag, with the registry that was asked and the day."""
    made = images.lock(tags("team/a:1"), None, FIRST, Known(a=sha("1")))
    assert made.rows == {"team/a:1": {"digest": sha("1"), "registry": "registry-1.docker.io", "resolved": "2026-11-01"}}
    assert (made.added, made.moved, made.dropped) == (("team/a:1",), (), ())


def test_a_later_lock_keeps_what_has_not_moved_and_drops_what_is_gone() -> None:
    """A tag that means the same keeps its day, one that moved has a new one, and an image that left the plan leaves the lock."""
    first = images.lock(tags("team/a:1", "team/b:1", "team/c:1"), None, FIRST, Known(a=sha("1"), b=sha("2"), c=sha("3")))
    later = images.lock(tags("team/a:1", "team/b:1", "team/d:1"), first.rows, LATER, Known(a=sha("1"), b=sha("9"), d=sha("4")))
    assert {name: row["resolved"] for name, row in later.rows.items()} == {
        "team/a:1": "2026-11-01",
        "team/b:1": "2026-12-01",
        "team/d:1": "2026-12-01",
    }
    assert [(one.image, one.was, one.now) for one in later.moved] == [("team/b:1", sha("2"), sha("9"))]
    assert (later.added, later.dropped, later.is_current) == (("team/d:1",), ("team/c:1",), False)
    assert images.lock(tags("team/a:1"), {"team/a:1": first.rows["team/a:1"]}, LATER, Known(a=sha("1"))).is_current


def test_what_the_stack_file_says_is_not_asked_for() -> None:
    """A digest of the stack file stays out of the lock; one that this release ships may be overruled."""
    said = [Image("team/a:1", sha("1"), "stack file", ("chat",)), Image("team/b:1", sha("2"), "release", ("chat",))]
    assert list(images.lock(said, None, FIRST, Known(b=sha("3"))).rows) == ["team/b:1"]


def test_every_image_that_cannot_be_resolved_is_named() -> None:
    """All of them at once, and nothing of the others."""
    with pytest.raises(InputError) as caught:
        images.lock(tags("team/a:1", "team/b:1", "team/c:1"), None, FIRST, Known(b=sha("1")))
    assert str(caught.value).splitlines() == [f"team/{name}:1: is not public; give its digest" for name in ("a", "c")]


def stack(folder: Path, service: dict[str, Any], lock: dict[str, str] | str | None = None, **changes: Any) -> Path:
    """A stack file with one service on a GPU of GKE, beside a lock of those digests or of that text."""
    target = {"cloud": "gke", "region": "us-central1", **changes}
    traffic = {"requestsPerSecond": 0.2, "isl": 512, "osl": 128}
    config = {"target": target, "services": [{"name": "chat", "model": "Qwen/Qwen3-8B", "traffic": traffic, **service}]}
    path = folder / "chat.yaml"
    path.write_text(yaml.safe_dump({"config": {f"inferstack:{key}": value for key, value in config.items()}}))
    if isinstance(lock, str):
        stackfile.lock_path(path).write_text(lock)
    elif lock is not None:
        rows = {name: {"digest": digest, "registry": "a", "resolved": "2026-11-01"} for name, digest in lock.items()}
        stackfile.lock_path(path).write_text(images.text(rows))
    return path


def planned(path: Path) -> StackPlan:
    return planning.plan(stackfile.load(path))


def rendered(plan: StackPlan) -> set[str]:
    """Every image in the manifests."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            found.update(item for key, item in value.items() if key == "image" and isinstance(item, str))
            [walk(item) for item in value.values()]
        elif isinstance(value, list):
            [walk(item) for item in value]

    walk(list(manifests.stack_objects(plan)))
    return found


def lock_warnings(plan: StackPlan) -> list[str]:
    return [warning for warning in plan.warnings if "lock of images" in warning]


def test_manifests_name_images_by_tag_and_digest(tmp_path: Path) -> None:
    """What the lock holds stands in the plan and in every manifest behind the tag, and nothing is warned of."""
    plan = planned(stack(tmp_path, {"engine": "vllm"}, {VLLM: sha("1")}))
    assert plan.services[0].spec.image == f"{VLLM}@{sha('1')}"
    assert rendered(plan) == {f"{VLLM}@{sha('1')}"}
    assert lock_warnings(plan) == []


def test_a_lock_overrules_what_this_release_ships(tmp_path: Path) -> None:
    """Containers that run before the server are locked too; a digest of the catalog goes only where the lock has none."""
    plan = planned(stack(tmp_path, {"engine": "ollama"}, {OLLAMA: sha("1")}))
    shipped = planned(stack(tmp_path, {"engine": "ollama"})).services[0].spec.init[0].image.partition("@")[2]
    assert shipped
    assert rendered(plan) == {f"{OLLAMA}@{sha('1')}", f"{PYTHON}@{shipped}"}
    said = {image.name: image.said_by for image in images_of(plan, {OLLAMA: sha("1")})}
    assert said == {PYTHON: "release", OLLAMA: "lock"}


def test_a_lock_never_overrules_the_stack_file(tmp_path: Path) -> None:
    """A digest that the user wrote stands, whatever an old lock says."""
    own = f"registry.example/team/vllm:1@{sha('2')}"
    plan = planned(stack(tmp_path, {"engine": "vllm", "image": own}, {"registry.example/team/vllm:1": sha("1")}))
    assert plan.services[0].spec.image == own
    assert [image.said_by for image in images_of(plan, {"registry.example/team/vllm:1": sha("1")})] == ["stack file"]


def test_a_tag_that_the_lock_does_not_hold_is_warned_of(tmp_path: Path) -> None:
    """The warning names the image and the command; a stack without a lock is not told to have one."""
    path = stack(tmp_path, {"engine": "vllm"}, {"vllm/vllm-openai:v0.1.0": sha("1")})
    (warning,) = lock_warnings(planned(path))
    source = stackfile.load(path).source
    assert warning == f"the lock of images does not hold {VLLM}: run `inferstack images lock -s {source}`"
    stackfile.lock_path(path).unlink()
    assert lock_warnings(planned(path)) == []


def test_weights_that_come_as_an_image_are_locked_too(tmp_path: Path) -> None:
    """KServe is told the digest of an `oci://` image behind its tag."""
    weights = "registry.example/team/qwen3-8b:1"
    service = {"engine": "vllm", "modelUri": f"oci://{weights}", "quantization": "bf16"}
    plan = planned(stack(tmp_path, service, {VLLM: sha("1"), weights: sha("2")}))
    (serving,) = [item for item in manifests.stack_objects(plan) if item["kind"] == "InferenceService"]
    assert serving["spec"]["predictor"]["model"]["storageUri"] == f"oci://{weights}@{sha('2')}"
    assert {image.name: image.said_by for image in images_of(plan, {VLLM: sha("1"), weights: sha("2")})} == {VLLM: "lock", weights: "lock"}


def test_what_copies_weights_is_locked_too(tmp_path: Path) -> None:
    """The Job that fills a volume of the stack names its image by the digest, as the server does."""
    copier = "docker.io/kserve/storage-initializer:v0.20.0"
    path = stack(
        tmp_path,
        {"engine": "vllm", "volume": "weights"},
        {VLLM: sha("1"), copier: sha("2")},
        volumes=[{"name": "weights", "kind": "gcs-fuse"}],
    )
    assert rendered(planned(path)) == {f"{VLLM}@{sha('1')}", f"{copier}@{sha('2')}"}
    assert lock_warnings(planned(path)) == []


def test_addons_are_locked_where_their_images_are_named(tmp_path: Path) -> None:
    """KubeRay's operator is listed with its version, takes its digest from the lock, and charts get it behind the tag."""
    operator = "quay.io/kuberay/operator:v1.7.0"
    path = stack(tmp_path, {"engine": "ray-serve"}, {operator: sha("1")})
    (addon,) = [addon for addon in planned(path).addons if addon.name == "kuberay"]
    assert addon.images == (f"{operator}@{sha('1')}",)
    assert {image.used_by for image in images_of(planned(path), None) if image.name == operator} == {("kuberay",)}


def test_addons_that_are_not_installed_have_no_images(tmp_path: Path) -> None:
    """What is not installed is neither listed nor asked for."""
    assert {image.name for image in images_of(planned(stack(tmp_path, {"engine": "vllm"})), None)} == {VLLM}


def test_each_stack_of_a_folder_has_its_own_lock() -> None:
    """The lock is found by the stack's name beside its file, and is no stack file itself."""
    assert stackfile.lock_path(ROOT / "Pulumi.dev.yaml").name == "images.dev.lock.yaml"
    assert stackfile.lock_path(Path("examples/chat.yaml")) == Path("examples/images.chat.lock.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no lock of images; run `inferstack images lock`, or remove the file"),
        ("images: [a]", "is no lock of images"),
        ("images: {}\nmore: 1", "is no lock of images"),
        ("images: {a: {digest: x}}", "images.a: is not an image with a tag"),
        ("images: {'a:1': {digest: x}}", "images.a:1: does not have digest, registry and resolved, and nothing else"),
        (
            "images: {'a:1': {digest: x, registry: r, resolved: d}}",
            "images.a:1.digest: x is not a digest, sha256: and 64 hexadecimal digits",
        ),
        ("images: {'a:1': ", "is not YAML"),
    ],
)
def test_a_lock_that_is_none_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """A damaged lock is an error of its file with a way out, and no plan is made past it."""
    with pytest.raises(InputError) as caught:
        stackfile.load(stack(tmp_path, {"engine": "vllm"}, text))
    assert "images.chat.lock.yaml" in str(caught.value)
    assert said in str(caught.value)
