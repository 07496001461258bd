"""The examples, as a stranger would use them: installed by their requirement line, and previewed without an account."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import inferstack
from inferstack import offline
from inferstack.offline import Preview, Resource

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
STACKS = {"import-python": "dev", "adopt-cluster": "lab"}
SDKS = {"pulumi": "pulumi", "pulumi_kubernetes": "pulumi", "pulumi_aws": "aws", "pulumi_gcp": "gcp"}
"""Import name -> extra of the library that brings it."""


@pytest.fixture(scope="module")
def previews() -> dict[str, Preview]:
    return {name: offline.preview(EXAMPLES / name, EXAMPLES / name / f"Pulumi.{stack}.yaml") for name, stack in STACKS.items()}


def _of_kind(preview: Preview, type_: str) -> Resource:
    (found,) = [resource for resource in preview.resources if resource.type == type_]
    return found


@pytest.mark.parametrize("name", STACKS)
def test_previewed_without_complaint(previews: dict[str, Preview], name: str) -> None:
    """The preview has no warning, and exports where the model answers and what was planned."""
    preview = previews[name]
    assert preview.diagnostics == ()
    assert preview.guard is None
    assert preview.outputs["chatUrl"] == "http://chat-predictor.inference.svc.cluster.local/v1"
    assert preview.outputs["chatPlan"]["meetsSlo"] is True


@pytest.mark.parametrize("name", STACKS)
def test_kubernetes_objects_go_to_the_named_cluster(previews: dict[str, Preview], name: str) -> None:
    """Every Kubernetes object has an explicit provider: nothing lands on whatever cluster a kubeconfig points to."""
    preview = previews[name]
    objects = [resource for resource in preview.resources if resource.type.startswith("kubernetes:")]
    assert len(objects) >= 4
    assert all(resource.provider is not None for resource in objects)


def test_the_model_finds_the_new_nodes(previews: dict[str, Preview]) -> None:
    """Pods select the label of the imported pool, tolerate its taint, and wait for the pool to be there."""
    preview = previews["import-python"]
    pool = next(resource for resource in preview.resources if resource.name == "g2-standard-8-spot-nodes")
    service = _of_kind(preview, "kubernetes:serving.kserve.io/v1beta1:InferenceService")
    predictor: dict[str, Any] = service.inputs["spec"]["predictor"]
    labels = pool.inputs["nodeConfig"]["labels"]
    assert predictor["nodeSelector"].items() <= labels.items()
    (taint,) = pool.inputs["nodeConfig"]["taints"]
    assert any(item["key"] == taint["key"] and item["operator"] == "Exists" for item in predictor["tolerations"])
    assert pool.urn in _of_kind(preview, "inferstack:index:InferenceService").dependencies


def test_the_pool_holds_what_was_planned(previews: dict[str, Preview]) -> None:
    """The replicas at their maximum fit on the pool at its maximum."""
    preview = previews["import-python"]
    plan = preview.outputs["chatPlan"]
    pool = next(resource for resource in preview.resources if resource.name == "g2-standard-8-spot-nodes").inputs
    gpus = pool["autoscaling"]["totalMaxNodeCount"] * pool["nodeConfig"]["guestAccelerators"][0]["count"]
    assert plan["machineType"] == pool["nodeConfig"]["machineType"]
    assert plan["replicas"]["max"] * plan["gpusPerReplica"] <= gpus


def test_an_adopted_cluster_is_left_alone(previews: dict[str, Preview]) -> None:
    """On a cluster that is there nothing is made in any cloud, and the provider takes the context that was named."""
    preview = previews["adopt-cluster"]
    packages = {resource.type.split(":")[0] for resource in preview.resources}
    assert packages == {"pulumi", "inferstack", "kubernetes"}
    assert _of_kind(preview, "pulumi:providers:kubernetes").inputs == {"context": "kind-lab", "clusterIdentifier": "kind-lab"}


@pytest.mark.parametrize("name", STACKS)
def test_requirement_line_brings_what_the_program_imports(name: str) -> None:
    """The one requirement is the library with the extra that brings every SDK of the program's imports."""
    lines = [line for line in (EXAMPLES / name / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    (line,) = lines
    match = re.fullmatch(r"(?P<path>[./a-z]+)\[(?P<extra>[a-z]+)\]", line)
    assert match is not None
    library = (EXAMPLES / name / match["path"]).resolve()
    assert library == Path(inferstack.__file__).parents[1]
    extras = tomllib.loads((library / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    brought = {match["extra"], *(found for item in extras[match["extra"]] for found in re.findall(r"inferstack\[(\w+)\]", item))}
    program = ast.parse((EXAMPLES / name / "__main__.py").read_text())
    imported = {alias.name for node in ast.walk(program) if isinstance(node, ast.Import) for alias in node.names}
    assert {SDKS[module] for module in imported if module in SDKS} <= brought


@pytest.mark.parametrize("name", STACKS)
def test_readme_names_a_stack_that_exists(name: str) -> None:
    """Every stack that the README's commands name has a file, so that they work as they stand."""
    named = set(re.findall(r" -s (\w+)", (EXAMPLES / name / "README.md").read_text()))
    assert named == {STACKS[name]}
    assert all((EXAMPLES / name / f"Pulumi.{stack}.yaml").is_file() for stack in named)


@pytest.mark.parametrize("name", STACKS)
def test_the_readmes_command_works(name: str) -> None:
    """`inferstack preview -s <stack>` in the example's folder shows the model and ends well."""
    library = str(Path(inferstack.__file__).parents[1])
    command = [sys.executable, "-c", "from inferstack.cli import main; main()", "preview", "-s", STACKS[name]]
    done = subprocess.run(
        command, cwd=EXAMPLES / name, capture_output=True, text=True, check=False, env={"PYTHONPATH": library, "PATH": "/usr/bin:/bin"}
    )
    assert done.returncode == 0, done.stderr
    assert "chat" in done.stdout


@pytest.mark.e2e
@pytest.mark.parametrize("name", STACKS)
def test_requirement_line_installs(name: str, tmp_path: Path) -> None:
    """pip builds and installs the library from the example's own requirement line. Needs the package index for the build."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path), "-r", "requirements.txt"]
    subprocess.run(command, cwd=EXAMPLES / name, check=True)
    assert (tmp_path / "inferstack" / "py.typed").is_file()
    assert (tmp_path / "inferstack" / "catalog" / "data" / "gke.json").is_file()
