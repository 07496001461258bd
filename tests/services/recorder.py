"""Runs a Pulumi program against an in-process engine and keeps what it registers: the wire form, without CLI, plugins or network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import Settings, configure
from pulumi.runtime.stack import run_in_stack


@dataclass
class Registered:
    """One resource as the engine is asked for it."""

    urn: str
    type: str
    name: str
    parent: str
    """Name of the parent."""
    inputs: dict[str, Any]
    dependencies: frozenset[str]
    """Names of the resources that must be there before."""
    provider: str
    request: Any
    outputs: dict[str, Any] = field(default_factory=dict)


class Engine:
    """What a program sees of Pulumi: it says yes to every resource, and echoes inputs as outputs."""

    def __init__(self) -> None:
        self.resources: dict[str, Registered] = {}
        self.logged: list[str] = []

    def RegisterResource(self, request: Any) -> Any:
        parent = self.resources.get(request.parent)
        chain = f"{parent.urn.split('::')[2]}$" if parent and parent.type != "pulumi:pulumi:Stack" else ""
        urn = f"urn:pulumi:test::test::{chain}{request.type}::{request.name}"
        assert urn not in self.resources, f"registered twice: {urn}"
        self.resources[urn] = Registered(
            urn=urn,
            type=request.type,
            name=request.name,
            parent=parent.name if parent else "",
            inputs=json_format.MessageToDict(request.object),
            dependencies=frozenset(_name(dependency) for dependency in request.dependencies),
            provider=_name(request.provider.rpartition("::")[0]) if request.provider else "",
            request=request,
        )
        return resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        self.resources[request.urn].outputs = json_format.MessageToDict(request.outputs)
        return empty_pb2.Empty()

    def GetDeploymentInfo(self, _: Any) -> Any:
        wanted = ("SECRETS", "RESOURCE_REFERENCES", "ALIAS_SPECS", "OUTPUT_VALUES", "DELETED_WITH")
        return resource_pb2.DeploymentInfo(supportedFeatures=[getattr(resource_pb2, f"RESOURCE_MONITOR_FEATURE_{name}") for name in wanted])

    def SupportsFeature(self, _: Any) -> Any:
        return resource_pb2.SupportsFeatureResponse(hasSupport=True)

    def SignalAndWaitForShutdown(self, _: Any) -> Any:
        return empty_pb2.Empty()

    def Log(self, request: Any) -> Any:
        self.logged.append(request.message)
        return empty_pb2.Empty()


def record(program: Callable[[], Any]) -> dict[str, Registered]:
    """What `program` registers, by name, the stack left out. Raises what the program raises."""
    engine = Engine()
    asyncio.set_event_loop(loop := asyncio.new_event_loop())
    try:
        configure(Settings(monitor=engine, engine=engine, project="test", stack="test", dry_run=True))
        loop.run_until_complete(run_in_stack(program))
    finally:
        loop.close()
        asyncio.set_event_loop(None)
    found = [resource for resource in engine.resources.values() if resource.type != "pulumi:pulumi:Stack"]
    assert len({resource.name for resource in found}) == len(found)
    return {resource.name: resource for resource in found}


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]
