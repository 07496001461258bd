"""GPUDirect-TCPX and GPUDirect-TCPXO: what joins the GPUs of A3 High and A3 Mega machines on GKE. Facts only.

Sources: GoogleCloudPlatform/container-engine-accelerators gpudirect-tcpx and gpudirect-tcpxo (installers, test pods without privileges,
best practice, release notes of 2026-06-22); google/nccl-plugin-gpudirect-tcpxo at v1.0.17 (2026-06-26): README and
tcpxo_scripts/nccl-env-profile-simple.sh.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from .types import Fabric, GpuDirect, NodeFolder, ReceiveDaemon

REGISTRY = "us-docker.pkg.dev/gce-ai-infra"
LIBRARIES = "/usr/local/nvidia/lib64"
"""Where GKE mounts the driver of a node into every container that has its GPUs; the installer puts NCCL and the plugin beside it."""
NODE_LIBRARIES = "/home/kubernetes/bin/nvidia/lib64"
"""The same on the node."""
GPUS = (*(f"/dev/nvidia{index}" for index in range(8)), "/dev/nvidiactl", "/dev/nvidia-uvm")
INTERFACE = "eth0"
"""The pod's own; those between accelerators are eth1 and on."""
CARD_GBPS = 200
NETWORK = "accelerator-{}"
"""Name of the GKE Network of each card, from 1."""
OF_NODE = (NodeFolder("node-libraries", NODE_LIBRARIES, LIBRARIES, read_only=True), NodeFolder("sys", "/sys", "/hostsysfs"))
SYSCTLS = NodeFolder("proc-sys", "/proc/sys", "/hostprocsysfs")
CHUNKS = (("NCCL_P2P_NET_CHUNKSIZE", "524288"), ("NCCL_P2P_PCI_CHUNKSIZE", "524288"), ("NCCL_P2P_NVL_CHUNKSIZE", "1048576"))
COMMON = (("NCCL_SOCKET_IFNAME", INTERFACE), ("NCCL_CROSS_NIC", "0"), ("NCCL_NET_GDR_LEVEL", "PIX"), *CHUNKS)
LIBRARY_PATH = ("LD_LIBRARY_PATH", f"{LIBRARIES}:/usr/local/cuda/lib64:/usr/lib/x86_64-linux-gnu")
"""In place of the image's own, which has the first on nodes of GKE and may have the others (NVIDIA's images of CUDA)."""


def interfaces(networks: int) -> tuple[str, ...]:
    """Names in the pod, one for each card."""
    return tuple(f"eth{index}" for index in range(1, networks + 1))


def networks(count: int) -> tuple[str, ...]:
    """Names of the GKE Networks that they are in."""
    return tuple(NETWORK.format(index) for index in range(1, count + 1))


_TCPXO = GpuDirect(
    networks=8,
    network_gbps=8 * CARD_GBPS,
    accelerator="nvidia-h100-mega-80gb",
    # The first is qualified with CUDA 13.2 and driver 595, the others with CUDA 12.8 and driver 580; all with NCCL 2.28.7.
    releases=(("v1.0.17", "v1.0.23"), ("v1.0.16", "v1.0.22"), ("v1.0.15", "v1.0.21")),
    daemon=ReceiveDaemon(
        name="tcpxo-daemon",
        image=f"{REGISTRY}/gpudirect-tcpxo/tcpgpudmarxd-dev:v1.0.23",
        # The plugin comes with the add-on, which may still be at work on a new node.
        command=(
            "/bin/sh",
            "-c",
            f"until [ -e {LIBRARIES}/libnccl-net.so ]; do sleep 2; done; chmod 755 /fts/entrypoint_rxdm_container.sh; "
            "exec /fts/entrypoint_rxdm_container.sh --num_hops=2",
        ),
        env=(("LD_LIBRARY_PATH", LIBRARIES), ("HEALTH_CHECK_LOG_FILE", "/run/health-check")),
        capabilities=("NET_ADMIN", "NET_BIND_SERVICE"),
        devices=(*GPUS, "/dev/dmabuf_import_helper"),
        folders=(*OF_NODE, SYSCTLS),
        ready_file="/run/health-check",
        cpu_millicores=2_000,
        memory_mib=4_096,
    ),
    # The plugin was built for this NCCL and misreads the handles of later ones, of 2.28.9 already (saltysoup/jetski-playground
    # inference/kimi-k3/h100, which served with SGLang on 32 GPUs this way): what is loaded first is what counts. PyTorch 2.12 and later
    # ask it for functions that it lacks, and do not start (symbols of their wheels).
    # NVLink SHARP and LL128 are off, as Google's recipes for vLLM and SGLang on these machines have it (AI-Hypercomputer/gpu-recipes).
    env=(
        LIBRARY_PATH,
        ("LD_PRELOAD", f"{LIBRARIES}/libnccl.so.2"),
        *COMMON,
        ("NCCL_FASTRAK_CTRL_DEV", INTERFACE),
        ("NCCL_FASTRAK_IFNAME", ",".join(interfaces(8))),
        ("NCCL_FASTRAK_LLCM_DEVICE_DIRECTORY", "/dev/aperture_devices"),
        ("NCCL_FASTRAK_NUM_FLOWS", "2"),
        ("NCCL_FASTRAK_ENABLE_CONTROL_CHANNEL", "0"),
        ("NCCL_FASTRAK_USE_SNAP", "1"),
        ("NCCL_FASTRAK_USE_LLCM", "1"),
        ("NCCL_FASTRAK_ENABLE_HOTPATH_LOGGING", "0"),
        ("NCCL_FASTRAK_PLUGIN_ACCEPT_TIMEOUT_MS", "600000"),
        ("NCCL_ALGO", "Ring,Tree"),
        ("NCCL_PROTO", "Simple"),
        ("NCCL_MIN_NCHANNELS", "4"),
        ("NCCL_BUFFSIZE", "8388608"),
        ("NCCL_NVLS_ENABLE", "0"),
        ("NCCL_TUNER_PLUGIN", "libnccl-tuner.so"),
        ("NCCL_TUNER_CONFIG_PATH", f"{LIBRARIES}/a3plus_tuner_config_simple.textproto"),
        ("NCCL_SHIMNET_GUEST_CONFIG_CHECKER_CONFIG_FILE", f"{LIBRARIES}/a3plus_guest_config_simple.textproto"),
    ),
    folders=(NodeFolder("aperture-devices", "/dev/aperture_devices", "/dev/aperture_devices"),),
    shared=(),
    capabilities=(),
    source="release of 2026-06-26; requests of the daemon are believed",
)

_TCPX = GpuDirect(
    networks=4,
    network_gbps=4 * CARD_GBPS,
    accelerator="nvidia-h100-80gb",
    # Both are qualified with NCCL 2.19 alone.
    releases=(("v3.1.12", "v2.0.15"), ("v3.1.9", "v2.0.12")),
    daemon=ReceiveDaemon(
        name="tcpx-daemon",
        image=f"{REGISTRY}/gpudirect-tcpx/tcpgpudmarxd-dev:v2.0.15",
        command=(
            "/bin/sh",
            "-c",
            f"until [ -e {LIBRARIES}/libnccl-net.so ]; do sleep 2; done; "
            "exec /tcpgpudmarxd/build/app/tcpgpudmarxd --gpu_nic_preset a3vm --gpu_shmem_type fd --uds_path /run/tcpx "
            '--setup_param "--verbose 128 2 0"',
        ),
        env=(("LD_LIBRARY_PATH", LIBRARIES),),
        capabilities=("NET_ADMIN",),
        devices=GPUS,
        folders=(*OF_NODE, SYSCTLS),
        ready_file=None,
        cpu_millicores=2_000,
        memory_mib=4_096,
    ),
    env=(
        LIBRARY_PATH,
        *COMMON,
        ("NCCL_GPUDIRECTTCPX_CTRL_DEV", INTERFACE),
        ("NCCL_GPUDIRECTTCPX_SOCKET_IFNAME", ",".join(interfaces(4))),
        ("NCCL_GPUDIRECTTCPX_UNIX_CLIENT_PREFIX", "/run/tcpx"),
        ("NCCL_GPUDIRECTTCPX_TX_BINDINGS", "eth1:8-21,112-125;eth2:8-21,112-125;eth3:60-73,164-177;eth4:60-73,164-177"),
        ("NCCL_GPUDIRECTTCPX_RX_BINDINGS", "eth1:22-35,126-139;eth2:22-35,126-139;eth3:74-87,178-191;eth4:74-87,178-191"),
        ("NCCL_GPUDIRECTTCPX_PROGRAM_FLOW_STEERING_WAIT_MICROS", "500000"),
        ("NCCL_ALGO", "Ring,Tree"),
        ("NCCL_PROTO", "Simple"),
        ("NCCL_P2P_PXN_LEVEL", "0"),
        ("NCCL_DYNAMIC_CHUNK_SIZE", "524288"),
        ("NCCL_BUFFSIZE", "4194304"),
        ("NCCL_NSOCKS_PERTHREAD", "4"),
        ("NCCL_SOCKET_NTHREADS", "1"),
    ),
    folders=(),
    shared=(("tcpx-sockets", "/run/tcpx"),),
    capabilities=("IPC_LOCK",),
    source="release notes of 2026-06-22; requests of the daemon are believed",
)

PRIVILEGES = "the pods get a daemon with NET_ADMIN and folders of the node, so that their namespace enforces no standard"
FABRICS: Mapping[str, Fabric] = MappingProxyType(
    {
        "GPUDirect-TCPXO": Fabric(
            name="GPUDirect-TCPXO",
            resources=(),
            device_class=None,
            addon="gpudirect-tcpxo",
            note=f"{_TCPXO.networks} networks join A3 Mega machines by GPUDirect-TCPXO with Google's own NCCL 2.28.7: {PRIVILEGES}",
            takes="CUDA 13 and a PyTorch that runs on NCCL 2.28.7, of which 2.11 is the last",
            gpudirect=_TCPXO,
        ),
        "GPUDirect-TCPX": Fabric(
            name="GPUDirect-TCPX",
            resources=(),
            device_class=None,
            addon="gpudirect-tcpx",
            note=f"{_TCPX.networks} networks join A3 High machines by GPUDirect-TCPX: {PRIVILEGES}",
            takes="NCCL 2.19, the only one that Google has qualified with the plugin",
            gpudirect=_TCPX,
        ),
    }
)
"""By what the catalog calls them in the facts of a machine."""


def at(fabric: Fabric, plugin: str | None) -> Fabric:
    """`fabric` with the daemon that goes with that version of the plugin; None: the newest that is known here."""
    direct = fabric.gpudirect
    assert direct is not None, "the others have no versions"
    if plugin is None:
        return fabric
    repository = direct.daemon.image.rpartition(":")[0]
    daemon = replace(direct.daemon, image=f"{repository}:{dict(direct.releases)[plugin]}")
    return replace(fabric, gpudirect=replace(direct, daemon=daemon))


def by_addon() -> Iterator[tuple[str, GpuDirect]]:
    """Each with the add-on that brings its plugin to nodes."""
    for fabric in FABRICS.values():
        assert fabric.addon is not None
        assert fabric.gpudirect is not None
        yield fabric.addon, fabric.gpudirect
