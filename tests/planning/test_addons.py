"""What a stack installs for the devices that its services run on, and what it says about their drivers."""

from __future__ import annotations

from inferstack.planning.types import StackPlan

from .stacks import EKS, plan, service

CHIP = {"name": "chip", "engine": "neuron", "gpu": "inferentia2", "slo": None, "context": 4096}


def plugins(made: StackPlan) -> set[str]:
    names = {"nvidia-device-plugin", "neuron-device-plugin"}
    return {addon.name for addon in made.addons if addon.installed and addon.name in names}


def test_each_kind_of_device_brings_its_own_plugin() -> None:
    """A plugin is installed where a service runs on its devices, and the note on drivers speaks of no others."""
    gpus, chips = plan(service()), plan(service(**CHIP))
    assert plugins(gpus) == {"nvidia-device-plugin"}
    assert plugins(chips) == {"neuron-device-plugin"}
    assert "NVIDIA" in gpus.driver_note
    assert "NVIDIA" not in chips.driver_note
    assert "Neuron" in chips.driver_note


def test_both_kinds_of_device_stand_side_by_side() -> None:
    """A stack with GPUs and chips has both plugins and a note on each."""
    both = plan(service(), service(**CHIP))
    assert plugins(both) == {"nvidia-device-plugin", "neuron-device-plugin"}
    assert "NVIDIA" in both.driver_note
    assert "Neuron" in both.driver_note


def test_processors_need_neither() -> None:
    """A stack of services on processors installs no device plugin and says so."""
    made = plan(service(model="Qwen/Qwen2.5-1.5B-Instruct", engine="llama.cpp", machineType="m7i.2xlarge", slo=None))
    assert plugins(made) == set()
    assert made.driver_note == "No service runs on GPUs, so that no driver or device plugin is needed."


def test_a_kubernetes_that_nothing_was_checked_with_is_warned_of() -> None:
    """The newest release that manifests were validated against passes without a word; a newer one is taken, with a warning."""
    tried, newer = (plan(service(), target={**EKS, "versions": {"kubernetes": version}}).warnings for version in ("1.36", "1.37"))
    assert not any("Kubernetes" in warning for warning in tried)
    assert "Kubernetes 1.37 is newer than 1.36, the newest that this release was checked with" in newer
