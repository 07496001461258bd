"""Provider SDKs load member by member during a preview, and are the same SDKs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(code: str) -> str:
    """What `code` prints in a new process in which nothing of the provider SDKs is loaded yet."""
    start = "import sys, types\nfrom inferstack.offline.provider_sdks import loaded_when_used\n"
    ran = subprocess.run(
        [sys.executable, "-c", start + code], capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT / "components")}
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_only_what_is_used_is_loaded() -> None:
    """One resource of a large module loads its own file and what that imports, not its two hundred neighbours."""
    code = """
with loaded_when_used():
    import pulumi_aws as aws
    aws.ec2.Vpc
loaded = [name for name in sys.modules if name.startswith("pulumi_aws.ec2.")]
print("pulumi_aws.ec2.vpc" in loaded, len(loaded) < 10)
"""
    assert run(code) == "True True"


@pytest.mark.parametrize(
    "names",
    [
        ["pulumi_aws.ec2.Vpc", "pulumi_aws.ec2.VpcArgs", "pulumi_aws.ec2.get_vpc", "pulumi_aws.ec2.LaunchTemplateTagSpecificationArgs"],
        ["pulumi_aws.eks.NodeGroup", "pulumi_aws.eks.ClusterVpcConfigArgsDict", "pulumi_aws.iam.RolePolicyAttachment"],
        ["pulumi_kubernetes.core.v1.ConfigMap", "pulumi_kubernetes.core.v1.Namespace", "pulumi_kubernetes.helm.v3.Release"],
        ["pulumi_kubernetes.helm.v3.RepositoryOptsArgs", "pulumi_kubernetes.meta.v1.ObjectMetaArgs"],
        ["pulumi_gcp.compute.Network", "pulumi_gcp.container.NodePool", "pulumi_gcp.container.ClusterNodeConfigArgs"],
    ],
)
def test_members_are_what_they_are_otherwise(names: list[str]) -> None:
    """Resources, their arguments and functions are found by name, in any order, and are the very objects of their modules."""
    code = f"""
import importlib
with loaded_when_used():
    found = []
    for name in {names!r}:
        package, _, member = name.rpartition(".")
        found.append(getattr(importlib.import_module(package), member))
print([one.__name__ for one in found], all(not isinstance(one, types.ModuleType) for one in found))
"""
    assert run(code) == f"{[name.rpartition('.')[2] for name in names]} True"


def test_a_submodule_does_not_hide_its_member() -> None:
    """In pulumi_kubernetes the file and the class have one name; importing the file first leaves the class where it is expected."""
    code = """
with loaded_when_used():
    import pulumi_kubernetes.core.v1.ConfigMap
    import pulumi_kubernetes as k8s
    import pulumi_aws.ec2.vpc
    import pulumi_aws as aws
print(isinstance(k8s.core.v1.ConfigMap, type), isinstance(aws.ec2.vpc, types.ModuleType), isinstance(aws.ec2.Vpc, type))
"""
    assert run(code) == "True True True"


def test_what_is_not_found_by_name_is_found_by_loading_all() -> None:
    """Names that no file has, star imports and names that do not exist behave as they always do, also after the preview."""
    code = """
with loaded_when_used():
    import pulumi_kubernetes.apps.v1 as apps
from pulumi_kubernetes.apps.v1 import *
print(isinstance(Deployment, type), hasattr(apps, "StatefulSetPatch"), type(apps) is types.ModuleType)
try:
    apps.NoSuchThing
except AttributeError as error:
    print(error)
"""
    assert run(code) == "True True True\nmodule 'pulumi_kubernetes.apps.v1' has no attribute 'NoSuchThing'"


def test_everything_else_is_imported_as_always() -> None:
    """Outside of a preview, and for packages that are no provider SDKs, nothing changes."""
    code = """
before = list(sys.meta_path)
with loaded_when_used():
    import pulumi_aws
    import email.mime.text
assert sys.meta_path == before
print(type(pulumi_aws).__name__, type(email.mime).__name__, len(sys.meta_path) == len(before))
"""
    assert run(code) == "module module True"
