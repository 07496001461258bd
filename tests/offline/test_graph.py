"""URNs, parents, dependencies, providers and options are those that Pulumi's engine would record."""

from __future__ import annotations

import pytest

from inferstack import offline
from tests.offline.previews import names, preview, resource


@pytest.fixture(scope="module")
def graph() -> offline.Preview:
    return preview("graph")


def test_urns_hold_the_chain_of_parent_types(graph: offline.Preview) -> None:
    """A URN names stack, project, the types of all parents but the stack, and the resource."""
    assert [item.urn for item in graph.resources][:2] == [
        "urn:pulumi:dev::graph::pulumi:pulumi:Stack::graph-dev",
        "urn:pulumi:dev::graph::pulumi:providers:cloud::account",
    ]
    assert resource(graph, "outer").urn == "urn:pulumi:dev::graph::graph:index:Outer::outer"
    assert resource(graph, "outer-inner").urn == "urn:pulumi:dev::graph::graph:index:Outer$graph:index:Inner::outer-inner"
    assert resource(graph, "outer-inner-first").urn == (
        "urn:pulumi:dev::graph::graph:index:Outer$graph:index:Inner$cloud:net:Vpc::outer-inner-first"
    )


def test_parents_come_before_their_children(graph: offline.Preview) -> None:
    """Every parent but the root's is in the list, and stands before its children; the root stack is first and has none."""
    seen: set[str | None] = {None}
    for item in graph.resources:
        assert item.parent in seen
        seen.add(item.urn)
    assert graph.resources[0].type == "pulumi:pulumi:Stack"
    assert [item.name for item in graph.resources if item.parent is None] == ["graph-dev"]


def test_a_dependency_on_a_component_means_what_is_in_it(graph: offline.Preview) -> None:
    """`depends_on` a component is recorded as dependencies on its resources, at any depth."""
    assert names(resource(graph, "after").dependencies) == ["outer-inner-second", "outer-inner-first"]


def test_dependencies_of_properties(graph: offline.Preview) -> None:
    """An input that comes from another resource is a dependency, and it is known which input it was."""
    second = resource(graph, "outer-inner-second")
    assert names(second.dependencies) == ["outer-inner-first"]
    assert {key: names(urns) for key, urns in second.property_dependencies.items()} == {"vpcId": ["outer-inner-first"], "fixed": []}


def test_providers_are_inherited(graph: offline.Preview) -> None:
    """A provider given to a component serves the resources in it; components keep it for their children, by package."""
    account = resource(graph, "account").urn
    assert resource(graph, "outer-inner-first").provider == account
    assert resource(graph, "after").provider == account
    assert resource(graph, "outer-inner").providers == {"cloud": account}
    assert resource(graph, "outer-inner").provider is None
    assert resource(graph, "optioned").provider is None


def test_options_are_recorded(graph: offline.Preview) -> None:
    """Every option that was set is there, and no other."""
    after = resource(graph, "after").urn
    assert resource(graph, "optioned").options == {
        "protect": True,
        "retainOnDelete": True,
        "version": "1.2.3",
        "deletedWith": after,
        "ignoreChanges": ["image"],
        "replaceOnChanges": ["size"],
        "additionalSecretOutputs": ["password"],
        "deleteBeforeReplace": True,
        "customTimeouts": {"create": "30m"},
        "aliases": [{"name": "before"}, "urn:pulumi:dev::graph::cloud:app:Service::long-ago"],
    }
    assert resource(graph, "after").options == {}


def test_protection_is_inherited(graph: offline.Preview) -> None:
    """`protect` of a component holds for everything in it."""
    assert resource(graph, "outer-inner-first").options == {"protect": True}


def test_components_show_what_they_registered(graph: offline.Preview) -> None:
    """Outputs of components and of the stack are those they registered; those of resources are inputs and an unknown id."""
    assert resource(graph, "outer-inner").outputs == {"vpc": "[unknown]", "size": 3}
    assert resource(graph, "outer-inner-first").outputs == {"id": "[unknown]", "cidr": "10.0.0.0/16"}
    assert graph.outputs == graph.resources[0].outputs == {"vpc": "[unknown]"}
    assert [item.custom for item in graph.resources] == [False, True, False, False, True, True, True, True]


def test_the_document_has_a_stable_shape(graph: offline.Preview) -> None:
    """Plan and costs are the outputs of that name, null where there is none; resources have eight keys."""
    document = graph.document()
    assert list(document) == ["plan", "resources", "costs", "outputs"]
    assert (document["plan"], document["costs"]) == (None, None)
    keys = ["urn", "type", "name", "parent", "dependencies", "provider", "inputs", "outputs"]
    assert all(list(item) == keys for item in document["resources"])


def test_two_previews_are_equal(graph: offline.Preview) -> None:
    """The same program gives the same list in the same order, so that two runs can be compared line by line."""
    assert preview("graph").document() == graph.document()
