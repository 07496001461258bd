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


def test_only_mentioned_types_are_defined() -> None:
    """A resource brings the nested types that its own file mentions, not the seven hundred of its module."""
    code = """
with loaded_when_used():
    import pulumi_aws as aws
    aws.ec2.LaunchTemplate, aws.ec2.InternetGateway
    defined = [name for name in vars(sys.modules["pulumi_aws.ec2._inputs"]) if name.endswith("Args")]
print(10 < len(defined) < 100, "LaunchTemplateMetadataOptionsArgs" in defined, all("LaunchTemplate" in name for name in defined))
"""
    assert run(code) == "True True True"


TYPED = [
    "pulumi_aws.ec2.LaunchTemplate",
    "pulumi_aws.ec2.RouteTable",
    "pulumi_aws.eks.NodeGroup",
    "pulumi_aws.iam.Role",
    "pulumi_aws.autoscaling.Tag",
    "pulumi_gcp.container.NodePool",
]


def test_types_are_what_they_are_otherwise() -> None:
    """What the SDK finds in the annotations of resources, arguments and nested types is the same, down to the last of them."""
    code = f"""
import contextlib, importlib, typing
from pulumi import _types

def shown(kind, seen):
    known = {{}}
    if isinstance(kind, type) and kind not in seen:
        seen.add(kind)
        if _types.is_input_type(kind):
            known = _types.input_type_types(kind)
        elif _types.is_output_type(kind):
            known = _types.output_type_types(kind)
    inside = [shown(item, seen) for item in (*known.values(), *typing.get_args(kind)) if item is not kind]
    return f"{{getattr(kind, '__module__', '')}}.{{getattr(kind, '__qualname__', kind)}} {{sorted(known)}} {{inside}}"

with LOADING:
    for name in {TYPED!r}:
        package, _, member = name.rpartition(".")
        module = importlib.import_module(package)
        own = importlib.import_module(getattr(module, member).__module__)
        arguments = getattr(own, member + "InitArgs", None) or getattr(own, member + "Args")
        print(name, shown(arguments, set()))
        for key, kind in sorted(_types.resource_types(getattr(module, member)).items()):
            print(key, shown(kind, set()))
"""
    piecemeal, whole = (run(code.replace("LOADING", manner)) for manner in ("loaded_when_used()", "contextlib.nullcontext()"))
    assert len(piecemeal) > 100_000
    assert piecemeal == whole


def test_a_star_import_of_types_brings_all() -> None:
    """A program that imports all types of a module has all of them, as always."""
    code = """
with loaded_when_used():
    import pulumi_aws.ec2 as ec2
    from pulumi_aws.ec2.outputs import *
    names = ec2.outputs.__all__
print(len(names) > 500, all(name in globals() for name in names), set(names) <= set(dir(ec2.outputs)))
try:
    ec2.outputs.NoSuchThing
except AttributeError as error:
    print(error)
"""
    assert run(code) == "True True True\nmodule 'pulumi_aws.ec2.outputs' has no attribute 'NoSuchThing'"
