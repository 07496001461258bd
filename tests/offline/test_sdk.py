"""The contract with Pulumi's SDK: what we ask of it beyond its public API is there, and if not, the message says so."""

from __future__ import annotations

import contextlib
import gc
import json
import subprocess
import sys
import time
import weakref
from pathlib import Path

import pulumi
import pytest
from packaging.version import Version
from pulumi.runtime.proto import resource_pb2, resource_pb2_grpc

from inferstack import offline
from inferstack.offline import engine, sdk, wire
from inferstack.offline.shortcuts import patient_collector
from tests.offline.previews import PROJECTS, preview

ROOT = Path(__file__).parents[2]


def test_the_sdk_has_everything_that_we_use() -> None:
    """If this fails after an update of pulumi, the names listed have moved: see `offline/sdk.py`."""
    assert sdk.missing() == []


def test_the_sdk_is_new_enough() -> None:
    """GetDeploymentInfo, in-process monitors and the names above are those of 3.272."""
    from importlib.metadata import version

    assert Version(version("pulumi")) >= Version("3.272")


def test_the_engine_answers_every_request_of_the_sdk() -> None:
    """Every method of the resource monitor's service is there; if this fails, the SDK has learnt to ask for something new."""
    asked = {name for name in vars(resource_pb2_grpc.ResourceMonitorServicer) if name[0].isupper()}
    assert asked - set(vars(engine.Engine)) <= {"SupportsFeature"}, (
        "the SDK probes features one by one only on engines without GetDeploymentInfo"
    )


def test_every_feature_that_we_announce_is_one() -> None:
    """A feature that the SDK no longer knows would be announced to no effect."""
    assert [name for name in engine.FEATURES if not hasattr(resource_pb2, f"RESOURCE_MONITOR_FEATURE_{name}")] == []


def test_signatures_are_those_of_the_sdk() -> None:
    """Values are recognised by signatures; if they change, secrets would no longer be."""
    from pulumi.runtime import rpc

    ours = [wire.SIGNATURE, wire.SECRET_VALUE, wire.OUTPUT_VALUE, wire.RESOURCE_REFERENCE, wire.ASSET, wire.ARCHIVE, wire.UNKNOWN_VALUE]
    theirs = [
        rpc._special_sig_key,
        rpc._special_secret_sig,
        rpc._special_output_value_sig,
        rpc._special_resource_sig,
        rpc._special_asset_sig,
        rpc._special_archive_sig,
        rpc.UNKNOWN,
    ]
    assert ours == theirs


def test_a_name_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """An SDK that has moved something stops the preview with the name of what moved."""
    monkeypatch.delattr(pulumi.runtime.stack, "run_in_stack")
    with pytest.raises(engine.SdkMismatch, match=r"has no pulumi\.runtime\.stack\.run_in_stack; install the version"):
        preview("graph")


def test_an_unknown_request_is_said() -> None:
    """An SDK that asks for something new gets an answer that says what to do."""
    with pytest.raises(engine.SdkMismatch, match="asks the engine for Teleport, which the offline preview does not know"):
        engine.Engine("p", "s").Teleport({})


def test_calls_to_the_engine_stay_in_the_thread() -> None:
    """The SDK hands its calls to a thread pool; ours makes them at once, and leaves every other function to threads."""
    import threading

    from pulumi.runtime._context import wrap_with_context

    pool = sdk._Inline()
    assert pool.submit(wrap_with_context(threading.get_ident)).result() == threading.get_ident()
    assert pool.submit(threading.get_ident).result() != threading.get_ident()
    pool.shutdown()


@pytest.mark.parametrize("name", ["graph", "values", "reads", "unknown-provider", "configured"])
def test_shortcuts_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without the shortcuts through the SDK, a preview lists the same."""
    quick = preview(name)
    monkeypatch.setattr(sdk, "taken", contextlib.nullcontext)
    slow = preview(name)
    by_urn = [{item["urn"]: item for item in shown.document()["resources"]} for shown in (quick, slow)]
    assert by_urn[0] == by_urn[1]
    assert {item.urn: item.property_dependencies for item in quick.resources} == {
        item.urn: item.property_dependencies for item in slow.resources
    }


def test_circles_are_still_found(tmp_path: Path) -> None:
    """A resource that depends on the component it is in would wait for itself for ever; the SDK refuses it."""
    (tmp_path / "Pulumi.yaml").write_text("name: x\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    (tmp_path / "__main__.py").write_text(
        "import pulumi\n"
        "whole = pulumi.ComponentResource('a:b:Whole', 'whole')\n"
        "pulumi.CustomResource('a:b:Part', 'part', {}, pulumi.ResourceOptions(parent=whole, depends_on=[whole]))\n"
    )
    with pytest.raises(offline.ProgramError, match="circular dependency involving a resource of type a:b:Part named part"):
        offline.preview(tmp_path, tmp_path / "Pulumi.dev.yaml")


def test_a_thousand_resources_cost_little(tmp_path: Path) -> None:
    """Our own share of a preview (requests, URNs, records) stays below 0.3 ms per resource."""
    from google.protobuf import struct_pb2

    monitor = engine.Engine("p", "s")
    inputs = struct_pb2.Struct()
    inputs.update({"spec": {"containers": [{"name": "c", "args": ["a", "b"] * 10}], "replicas": 3}})
    requests = [resource_pb2.RegisterResourceRequest(type="a:b:C", name=str(number), custom=True, object=inputs) for number in range(1000)]
    started = time.process_time()
    for request in requests:
        monitor.RegisterResource(request)
    assert time.process_time() - started < 0.3


def test_transforms_are_warned_of(tmp_path: Path) -> None:
    """A transform would change what is listed; it does not run here, and the preview says so."""
    (tmp_path / "Pulumi.yaml").write_text("name: x\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    (tmp_path / "__main__.py").write_text(
        "import pulumi\n"
        "pulumi.CustomResource('a:b:C', 'c', {}, pulumi.ResourceOptions(transforms=[lambda args: None]))\n"
        "pulumi.CustomResource('a:b:C', 'd', {}, pulumi.ResourceOptions(transforms=[lambda args: None]))\n"
    )
    shown = offline.preview(tmp_path, tmp_path / "Pulumi.dev.yaml")
    assert [str(item) for item in shown.diagnostics] == ["warning: transforms are not applied in an offline preview"]


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_order_does_not_depend_on_chance(seed: str) -> None:
    """Two processes with different hash seeds list the same resources in the same order."""
    code = (
        "import sys, json; from pathlib import Path; from inferstack import offline; p = Path(sys.argv[1]);"
        "print(json.dumps([offline.preview(p / n, p / n / 'Pulumi.dev.yaml').document() for n in ('graph', 'values', 'reads')]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(PROJECTS)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "components"), "PYTHONHASHSEED": seed},
    )
    assert json.loads(ran.stdout) == [preview(name).document() for name in ("graph", "values", "reads")]


def test_pulumi_is_imported_by_a_preview_only() -> None:
    """Importing the room costs nothing of Pulumi, so that help and plans start fast."""
    code = (
        "import sys, inferstack.offline; print([name for name in ('pulumi', 'grpc', 'google.protobuf', 'pydantic') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT / "components")}
    )
    assert ran.stdout.strip() == "[]"


def test_what_a_run_leaves_is_garbage_from_the_next_on() -> None:
    """Between two runs their remains are left alone; they do not pile up, and the collector is as patient as before."""

    class Part:
        whole: Part

    before = gc.get_threshold()
    with patient_collector():
        assert gc.get_threshold() > before
        part = Part()
        part.whole = part
        alive = weakref.ref(part)
        del part
    gc.collect()
    assert alive() is not None
    with patient_collector():
        gc.collect()
    assert alive() is None
    assert gc.get_threshold() == before
    gc.unfreeze()
