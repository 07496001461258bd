"""The SDK's own floor: a bare loop that registers recorded types, names and inputs, against an engine that only echoes.

    python -m bench.floor RECORDED.json [whole]

Nothing of inferstack is imported here: what this process takes is what Pulumi's Python SDK takes, whoever registers these resources.
With `whole` the loop also imports the SDK packages that the program imported, and registers the outputs that it registered.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf import empty_pb2
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import Settings, configure
from pulumi.runtime.stack import run_in_stack


class Echo:
    """Monitor and engine in one: every resource comes out as it went in."""

    def GetDeploymentInfo(self, _: Any) -> Any:
        # What every engine of today supports and what makes inputs what they are: secrets, and outputs with their dependencies.
        return resource_pb2.DeploymentInfo(
            supportedFeatures=[
                resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
                resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
                resource_pb2.RESOURCE_MONITOR_FEATURE_OUTPUT_VALUES,
            ]
        )

    def RegisterResource(self, request: Any) -> Any:
        return resource_pb2.RegisterResourceResponse(urn=f"urn:pulumi:floor::bench::{request.type}::{request.name}", object=request.object)

    def RegisterResourceOutputs(self, _: Any) -> Any:
        return empty_pb2.Empty()

    def SignalAndWaitForShutdown(self, _: Any) -> Any:
        return empty_pb2.Empty()

    def Log(self, _: Any) -> Any:
        return empty_pb2.Empty()


def register(recorded: dict[str, Any], whole: bool) -> None:
    """Register every recorded resource below its recorded parent."""
    for name in recorded["imported"] if whole else ():
        importlib.import_module(name)
    made: dict[str, pulumi.Resource] = {}
    for item in recorded["resources"]:
        options = pulumi.ResourceOptions(parent=made.get(item["parent"]))
        kind = pulumi.CustomResource if item["custom"] else pulumi.ComponentResource
        made[item["urn"]] = resource = kind(item["type"], item["name"], item["inputs"], options)
        if whole and isinstance(resource, pulumi.ComponentResource):
            resource.register_outputs(item["outputs"])
    for name, value in recorded["outputs"].items() if whole else ():
        pulumi.export(name, value)


def main() -> None:
    recorded = json.loads(Path(sys.argv[1]).read_text())
    whole = "whole" in sys.argv[2:]
    echo = Echo()
    configure(Settings(project="bench", stack="floor", monitor=echo, engine=echo, dry_run=True))
    asyncio.new_event_loop().run_until_complete(run_in_stack(lambda: register(recorded, whole)))


if __name__ == "__main__":
    main()
