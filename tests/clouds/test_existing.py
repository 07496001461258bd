"""Declared nodes as machines."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferstack import catalog, clouds
from inferstack.catalog import CapacityType, Machine

from .targets import existing

CLOUD = clouds.cloud("existing")
GPU_NODE = {"gpu": "l4", "gpusPerNode": 2, "cpu": 16, "memoryGib": 64, "count": 3}


def machine(**nodes: Any) -> Machine:
    return CLOUD.machines(existing(nodes))[0]


def test_a_declared_node_is_a_machine() -> None:
    """Everything that the stack file says of a node is in its machine, its number too; GPUs are linked by PCIe until more is known."""
    found = machine(**GPU_NODE, labels={"pool": "gpu"})
    assert (found.name, found.cloud, found.accelerator, found.accelerator_count) == ("l4-x2-16cpu-64gib", "existing", "l4", 2)
    assert (found.vcpus, found.memory_gib, found.count, found.link) == (16, 64, 3, "pcie")
    assert found.facts["labels"] == {"pool": "gpu"}
    assert CLOUD.region(existing()) in found.regions


def test_names_say_what_a_node_has() -> None:
    """CPU nodes, fractions of cores and GPUs by another name all get readable names."""
    assert machine(cpu=8, memoryGib=32).name == "node-8cpu-32gib"
    assert machine(cpu=7.5, memoryGib=15.5).name == "node-7-5cpu-15-5gib"
    assert machine(**{**GPU_NODE, "gpu": "L4"}).name == "l4-x2-16cpu-64gib"
    assert machine(**{**GPU_NODE, "gpusPerNode": 1}).link == "none"


def test_equal_nodes_get_names_of_their_own() -> None:
    """Entries of the same kind are numbered in order; adding one at the end renames none."""
    two = [found.name for found in CLOUD.machines(existing(GPU_NODE, {**GPU_NODE, "usdPerHour": 2}))]
    three = [found.name for found in CLOUD.machines(existing(GPU_NODE, {**GPU_NODE, "usdPerHour": 2}, GPU_NODE))]
    assert two == ["l4-x2-16cpu-64gib", "l4-x2-16cpu-64gib-2"]
    assert three == [*two, "l4-x2-16cpu-64gib-3"]


@given(st.lists(st.tuples(st.floats(0.1, 512), st.floats(0.1, 4096)), min_size=1, max_size=6))
def test_names_are_unique_dns_names(sizes: list[tuple[float, float]]) -> None:
    """Whatever sizes are declared, names are distinct and fit a Kubernetes label."""
    names = [found.name for found in CLOUD.machines(existing(*({"cpu": cpu, "memoryGib": gib} for cpu, gib in sizes)))]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][-a-z0-9]{0,61}[a-z0-9]", name) for name in names)


def test_an_unknown_gpu_is_named() -> None:
    """A GPU that the catalog does not know is refused by name."""
    with pytest.raises(catalog.UnknownName) as caught:
        machine(**{**GPU_NODE, "gpu": "l5"})
    assert (caught.value.kind, caught.value.name) == ("GPU", "l5")


def test_a_price_that_is_given_is_an_offering() -> None:
    """The price counts per node and is marked as the user's own."""
    offering = machine(**GPU_NODE, usdPerHour=1.5).offering("existing", CapacityType.ON_DEMAND)
    assert offering is not None
    assert (offering.usd_per_hour, offering.basis) == (Decimal("1.5"), "user")


def test_owned_hardware_is_priced_by_amortisation_and_power() -> None:
    """$87,600 over ten years and 2 kW at PUE 1.5 and $0.10 come to $1.30 an hour."""
    owned = {"purchaseUsd": 87600, "years": 10, "watts": 2000, "pue": 1.5, "usdPerKwh": 0.1}
    offering = machine(**GPU_NODE, owned=owned).offering("existing", CapacityType.ON_DEMAND)
    assert offering is not None
    assert (offering.usd_per_hour, offering.basis) == (Decimal("1.30"), "user")


def test_nodes_without_a_price_have_no_offering() -> None:
    """Unknown stays unknown: neither free nor guessed."""
    assert machine(**GPU_NODE).offerings == ()


def test_part_of_a_core_counts() -> None:
    """Half a core of a 7.5-core node is not lost to rounding: pods get what 7.5 cores leave."""
    assert (
        CLOUD.allocatable(machine(cpu=7.5, memoryGib=32)).cpu_millicores - CLOUD.allocatable(machine(cpu=7, memoryGib=32)).cpu_millicores
        >= 490
    )
