"""What a preview finds: resources, outputs and diagnostics, secrets masked and unknowns shown as such."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from ..errors import InferstackError

SECRET = "[secret]"
"""Stands where a secret is, whole or as a part of a text."""
UNKNOWN = "[unknown]"
"""Stands where a value is that only a deployment can know."""

Properties = dict[str, Any]


class Source(Protocol):
    """What a resource is read from, part by part and only when it is asked for: most readers want names and types only."""

    def inputs(self) -> Properties: ...

    def outputs(self) -> Properties: ...

    def options(self) -> dict[str, Any]: ...

    def property_dependencies(self) -> dict[str, tuple[str, ...]]: ...

    def providers(self) -> dict[str, str]: ...


@dataclass(frozen=True)
class Resource:
    """One resource as Pulumi would be asked for it: the root stack, components, resources, and resources that are only read."""

    urn: str
    type: str
    name: str
    parent: str | None
    """URN; None for the root stack."""
    dependencies: tuple[str, ...]
    """URNs, sorted. A dependency on a component stands for the resources in it."""
    provider: str | None
    """URN of the explicit provider; None where Pulumi would use a default one."""
    custom: bool
    """False for components and the stack."""
    read: bool
    """True for a resource that exists already and is only looked up."""
    source: Source = field(repr=False, compare=False)

    @cached_property
    def inputs(self) -> Properties:
        """Keys as on the wire (camelCase)."""
        return self.source.inputs()

    @cached_property
    def outputs(self) -> Properties:
        """What the program sees of it during a preview; for components and the stack what they registered."""
        return self.source.outputs()

    @cached_property
    def options(self) -> dict[str, Any]:
        """Options that were set, by their camelCase name: protect, ignoreChanges, aliases, customTimeouts, ..."""
        return self.source.options()

    @cached_property
    def property_dependencies(self) -> dict[str, tuple[str, ...]]:
        """URNs that each input comes from."""
        return self.source.property_dependencies()

    @cached_property
    def providers(self) -> dict[str, str]:
        """Components: URNs of the providers that children inherit, by package."""
        return self.source.providers()

    def document(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "urn": self.urn,
            "type": self.type,
            "name": self.name,
            "parent": self.parent,
            "dependencies": list(self.dependencies),
            "provider": self.provider,
            "inputs": self.inputs,
            "outputs": self.outputs,
        }


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A message of the program or of the preview itself."""

    severity: str
    """info, warning or error."""
    message: str
    urn: str | None = None
    """The resource that it is about."""

    def __str__(self) -> str:
        return f"{self.severity}: {self.message}"


@dataclass(frozen=True, slots=True)
class Preview:
    """The desired state of one stack: what `pulumi up` would be asked to create."""

    project: str
    stack: str
    resources: tuple[Resource, ...]
    """In order of registration, the root stack first."""
    diagnostics: tuple[Diagnostic, ...]
    guard: str | None = None
    """What a guard of the program said after everything was registered; None where none objected."""

    @property
    def outputs(self) -> Properties:
        """What the program exports."""
        return self.resources[0].outputs if self.resources else {}

    def document(self) -> dict[str, Any]:
        """As JSON data: `plan`, `resources`, `costs` and `outputs`; plan and costs are the outputs of that name, or null."""
        return {
            "plan": self.outputs.get("plan"),
            "resources": [resource.document() for resource in self.resources],
            "costs": self.outputs.get("costs"),
            "outputs": self.outputs,
        }


class ProgramError(InferstackError):
    """The program ended with an error. `partial` is what it had registered by then."""

    def __init__(self, message: str, partial: Preview, exit_code: int) -> None:
        super().__init__(message)
        self.partial = partial
        self.exit_code = exit_code
