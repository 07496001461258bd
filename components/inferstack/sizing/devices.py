"""From catalog silicon to the `Device` that physics needs."""

from __future__ import annotations

from ..catalog.types import Accelerator, Cpu
from .constants import GB, GIB, constants
from .types import Device, Provenance

TERA = 10**12
GIGA = 10**9


def device_for(
    accelerator: Accelerator, count: int, link: str, machines: int = 1, network_gbps: float | None = None, network: str = ""
) -> Device | None:
    """`count` GPUs of one or several machines as a device; None where memory, bandwidth or 16-bit FLOPS are unknown.

    `link` is nvlink, pcie or none; bytes per second of the link are None where the catalog does not know them. `network_gbps` is what
    one machine's network carries, which its GPUs share, and `network` its name.
    """
    flops = {dtype: tflops * TERA for dtype, tflops in accelerator.dense_tflops.items() if tflops is not None}
    if accelerator.memory_gib is None or accelerator.bandwidth_gb_s is None or not flops.keys() & {"bf16", "fp16"}:
        return None
    link_gb_s = accelerator.nvlink_gb_s if link == "nvlink" else accelerator.pcie_gb_s
    return Device(
        id=accelerator.id,
        kind="gpu",
        count=count,
        memory_bytes=round(accelerator.memory_gib * GIB),
        bandwidth_bytes_s=accelerator.bandwidth_gb_s * GB,
        flops=flops,
        link=link,
        link_bytes_s=None if link_gb_s is None else link_gb_s * GB,
        compute_capability=accelerator.compute_capability,
        provenance=Provenance.MEASURED if accelerator.verified else Provenance.BELIEVED,
        source=accelerator.source,
        generation=accelerator.compute_capability or accelerator.architecture,
        machines=machines,
        network_bytes_s=None if network_gbps is None else network_gbps * GIGA / 8 / (count // machines),
        network=network,
        host_bytes_s=None if accelerator.pcie_gb_s is None else accelerator.pcie_gb_s * GB,
    )


def cpu_device(vcpus: float, memory_gib: float, cpu: Cpu | None, share: float | None) -> Device:
    """`vcpus` of a machine's processor as a device; `share` is the part of a socket's bandwidth that they own.

    Where processor or share is unknown, bandwidth is a believed low figure per vCPU. FLOPS are always believed.
    """
    data = constants("cpu")
    per_vcpu, gflops = data["bandwidth_gb_s_per_vcpu"], data["gflops_per_vcpu"]
    known = cpu is not None and share is not None
    bandwidth_gb_s = cpu.bandwidth_gb_s * share if cpu is not None and share is not None else vcpus * per_vcpu["value"]
    return Device(
        id="cpu",
        kind="cpu",
        count=1,
        memory_bytes=round(memory_gib * GIB),
        bandwidth_bytes_s=bandwidth_gb_s * GB,
        flops={"bf16": vcpus * gflops["value"] * GIGA},
        link="none",
        link_bytes_s=None,
        compute_capability=None,
        provenance=Provenance.BELIEVED,
        source=cpu.source if known and cpu is not None else per_vcpu["source"],
    )


def link_kind(device: Device) -> str:
    """Key of the constants of a device's link: nvlink, pcie, pcie-host where devices reach each other only by way of the host, or none."""
    by_host = device.link == "pcie" and is_geforce(device)
    return "pcie-host" if by_host else device.link


def is_geforce(device: Device) -> bool:
    """True for cards that are held back from what their silicon can."""
    return device.id in constants("performance")["geforce"]["accelerators"]


def peak_flops(device: Device, dtype: str) -> float:
    """Peak dense FLOPS of one device at `dtype`; a type that it lacks runs at 16 bit."""
    for name in (dtype, "bf16", "fp16"):
        if name in device.flops:
            return device.flops[name]
    raise ValueError(f"{device.id} has no 16-bit FLOPS")
