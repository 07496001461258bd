"""A Pulumi engine within this process: it answers what the SDK asks during a preview and keeps what it is told.

It stands in for the resource monitor and the engine. Methods have the names of their RPCs and take the SDK's own requests. What a
deployment alone can know stays unknown: ids, computed properties, results of provider functions, and everything of resources whose
provider is configured with something unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import InferstackError
from .types import Diagnostic
from .wire import UNKNOWN_VALUE, holds_unknown

if TYPE_CHECKING:
    from google.protobuf.struct_pb2 import Struct

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_TYPE = "pulumi:providers:"
FEATURES = (
    "SECRETS",
    "RESOURCE_REFERENCES",
    "OUTPUT_VALUES",
    "ALIAS_SPECS",
    "REPLACEMENT_TRIGGER",
    "DELETED_WITH",
    "REPLACE_WITH",
    "TRANSFORMS",
    "INVOKE_TRANSFORMS",
    "PARAMETERIZATION",
    "RESOURCE_HOOKS",
    "ERROR_HOOKS",
    "INVOKE_DEPENDS_ON",
    "STATE_MIGRATIONS",
)
"""What an engine of today supports, by the SDK's names. Hooks and migrations do not run in a preview; of transforms it warns."""
WAY_OUT = "install the version of pulumi that inferstack asks for, or a newer inferstack"
_SEVERITIES = {1: "info", 2: "warning", 3: "error"}


class DuplicateUrn(Exception):
    """Two resources with one URN."""


class SdkMismatch(InferstackError):
    """The installed SDK and this engine do not fit together."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One registration or read, as it came."""

    urn: str
    request: Any
    read: bool
    inputs: Struct
    answered: Struct
    """What the program sees as outputs."""
    answered_id: str = UNKNOWN_VALUE


class Answer:
    """An answer with a few fields set; every other has the default of the SDK's own response. Saves a copy of all properties."""

    __slots__ = ("_rest", "id", "object", "urn")

    def __init__(self, rest: Any, urn: str, id: str, properties: Struct) -> None:
        self._rest = rest
        self.urn = urn
        self.id = id
        self.object = properties

    @property
    def properties(self) -> Struct:
        return self.object

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rest, name)


class Engine:
    """Monitor and engine of one preview."""

    def __init__(self, project: str, stack: str) -> None:
        from google.protobuf import empty_pb2, struct_pb2
        from pulumi.runtime.proto import provider_pb2, resource_pb2

        self.resources: dict[str, Recorded] = {}
        self.outputs: dict[str, bytes] = {}
        """Packed: what a stack exports is most of what a preview holds, and as bytes it is a fifth."""
        self.diagnostics: list[Diagnostic] = []
        self._prefix = f"urn:pulumi:{stack}::{project}::"
        self._types: dict[str, str] = {}
        """Qualified type of every URN: the chain of types that its children begin with."""
        self._unknown_providers: set[str] = set()
        self._unanswered: set[str] = set()
        self._proto = resource_pb2
        self._provider_proto = provider_pb2
        self._nothing = empty_pb2.Empty()
        self._empty = struct_pb2.Struct()
        self._registered = resource_pb2.RegisterResourceResponse()
        self._was_read = resource_pb2.ReadResourceResponse()

    def __getattr__(self, name: str) -> Any:
        raise SdkMismatch(f"the installed Pulumi SDK asks the engine for {name}, which the offline preview does not know; {WAY_OUT}")

    # --- resources ----------------------------------------------------------------------------------------------------------

    def RegisterResource(self, request: Any) -> Any:
        urn = self._claim(request)
        if request.transforms:
            self._warn_once("transforms", "transforms are not applied in an offline preview")
        inputs = request.object
        answered = self._empty if request.custom and self._of_unknown_provider(request) else inputs
        if request.type.startswith(PROVIDER_TYPE) and holds_unknown(inputs):
            self._unknown_providers.add(urn)
        self.resources[urn] = Recorded(urn, request, False, inputs, answered)
        return Answer(self._registered, urn, "", answered)

    def ReadResource(self, request: Any) -> Any:
        urn = self._claim(request)
        inputs = request.properties
        answered = self._empty if self._of_unknown_provider(request) else inputs
        self.resources[urn] = Recorded(urn, request, True, inputs, answered, request.id)
        return Answer(self._was_read, urn, "" if request.id == UNKNOWN_VALUE else request.id, answered)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        self.outputs[request.urn] = request.outputs.SerializeToString()
        return self._nothing

    def _claim(self, request: Any) -> str:
        """The URN of a new resource, as `urn.New` of the engine makes it: the chain of parent types without the stack's."""
        chain = self._types.get(request.parent, "")
        qualified = f"{chain}${request.type}" if chain else request.type
        urn = f"{self._prefix}{qualified}::{request.name}"
        if urn in self._types:
            raise DuplicateUrn(f"Duplicate resource URN '{urn}'; try giving it a unique name")
        self._types[urn] = "" if request.type == STACK_TYPE else qualified
        return urn

    def _of_unknown_provider(self, request: Any) -> bool:
        # The engine answers with nothing at all, so that no input passes for an output that the provider might still change:
        # sdk/go/common/resource/plugin/provider_plugin.go, Create.
        return bool(request.provider) and request.provider.rpartition("::")[0] in self._unknown_providers

    # --- questions that only a provider can answer --------------------------------------------------------------------------

    def Invoke(self, request: Any) -> Any:
        if request.tok == "pulumi:pulumi:getResource":
            return self._get_resource(request)
        self._warn_once(request.tok, f"the result of {request.tok} is unknown in an offline preview")
        return self._proto.ResourceInvokeResponse(unknown=True)

    def Call(self, request: Any) -> Any:
        self._warn_once(request.tok, f"the result of {request.tok} is unknown in an offline preview")
        response: Any = self._provider_proto.CallResponse()
        getattr(response, "return").update({"result": UNKNOWN_VALUE})
        return response

    def ExistsResource(self, request: Any) -> Any:
        return self._proto.ExistsResourceResponse(unknown=True)

    def _get_resource(self, request: Any) -> Any:
        urn = request.args.fields["urn"].string_value
        recorded = self.resources.get(urn)
        response: Any = self._proto.ResourceInvokeResponse()
        if recorded is None:
            response.failures.add(property="urn", reason=f"unknown resource {urn}")
        else:
            result = getattr(response, "return")
            result.update({"urn": urn, "id": ""})
            result.fields["state"].struct_value.CopyFrom(recorded.answered)
        return response

    # --- the rest of the protocol -------------------------------------------------------------------------------------------

    def GetDeploymentInfo(self, request: Any) -> Any:
        prefix = "RESOURCE_MONITOR_FEATURE_"
        known = [getattr(self._proto, prefix + name) for name in FEATURES if hasattr(self._proto, prefix + name)]
        return self._proto.DeploymentInfo(supportedFeatures=known)

    def RegisterPackage(self, request: Any) -> Any:
        return self._proto.RegisterPackageResponse(ref=f"{request.name}@{request.version}")

    def RegisterStackTransform(self, request: Any) -> Any:
        self._warn_once("transforms", "transforms are not applied in an offline preview")
        return self._nothing

    def RegisterStackInvokeTransform(self, request: Any) -> Any:
        return self._nothing

    def RegisterResourceHook(self, request: Any) -> Any:
        return self._nothing

    def RegisterErrorHook(self, request: Any) -> Any:
        return self._nothing

    def SignalAndWaitForShutdown(self, request: Any) -> Any:
        return self._nothing

    def RequirePulumiVersion(self, request: Any) -> Any:
        return self._nothing

    def Log(self, request: Any) -> Any:
        severity = _SEVERITIES.get(request.severity)
        if severity is not None:
            self.diagnostics.append(Diagnostic(severity, request.message.rstrip(), request.urn or None))
        return self._nothing

    def _warn_once(self, about: str, message: str) -> None:
        if about not in self._unanswered:
            self._unanswered.add(about)
            self.diagnostics.append(Diagnostic("warning", message))
