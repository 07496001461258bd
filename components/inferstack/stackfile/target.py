"""Where services run, as the stack file says it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from .section import Broken, Section
from .untyped import is_list, is_mapping
from .values import Cidr, Count, KubernetesMinor, Many, Name, Release, Text, Usd, means_no_gpu
from .volumes import SharedVolume, rules_of_volumes


class Network(Section):
    """The network that a new cluster is put into."""

    cidr: Cidr = "10.0.0.0/16"
    """Address range of the VPC (EKS) or of the node subnet (GKE)."""
    nat_gateways: Literal["single", "per-zone"] = "single"
    """EKS: one NAT gateway for all zones (cheaper), or one in each (a lost zone takes no other with it)."""
    api_access_cidrs: tuple[Cidr, ...] = Many
    """Who may reach the Kubernetes API from outside the network.

    Public ranges open the public endpoint to them alone, private ranges the private one. Empty: on GKE everybody whom IAM lets
    through, by its DNS endpoint; on EKS a deployment is refused, because it could not reach the cluster that it makes.
    """
    gpu_direct: bool = False
    """GKE: make the cluster ready for GPUDirect-TCPX and -TCPXO, and use it for replicas that span A3 High or A3 Mega machines.

    Their pods get a daemon with NET_ADMIN and folders of the node, so that no Pod Security Standard is enforced in their namespace.
    A cluster has it from the day it is made: changing this replaces the cluster.
    """


class Versions(Section):
    """Versions of what is installed. Left out: the version that this release was tested with."""

    kubernetes: KubernetesMinor | None = None
    """Minor version in quotes, such as "1.34"."""
    cert_manager: Release | None = None
    """Version of its chart."""
    kserve: Release | None = None
    """Version of its charts and CRDs."""
    kuberay: Release | None = None
    """Version of its operator's chart."""
    keda: Release | None = None
    """Version of its chart."""
    keda_http: Release | None = None
    """Version of the chart keda-add-ons-http."""
    prometheus: Release | None = None
    """Version of the chart kube-prometheus-stack."""
    nvidia_device_plugin: Release | None = None
    """Version of its chart."""
    neuron_device_plugin: Release | None = None
    """Version of the chart neuron-helm-chart."""
    lws: Release | None = None
    """Version of its chart (LeaderWorkerSet)."""
    efa_device_plugin: Release | None = None
    """Version of the chart aws-efa-k8s-device-plugin."""
    gpudirect_tcpx: Release | None = None
    """Version of Google's NCCL plugin for A3 High; its daemon follows from it."""
    gpudirect_tcpxo: Release | None = None
    """Version of Google's NCCL plugin for A3 Mega; its daemon follows from it. 1.0.17 is for images on CUDA 13, 1.0.16 on CUDA 12."""
    cluster_autoscaler: Release | None = None
    """Version of its chart."""


class Addons(Section):
    """What is installed into the cluster. Switch off what your cluster already has."""

    nvidia_device_plugin: bool | None = None
    """Left out: installed on EKS and on existing clusters with GPUs, not on GKE, whose nodes bring it."""
    neuron_device_plugin: bool | None = None
    """EKS only. Left out: installed where a service runs on Inferentia or Trainium."""
    lws: bool | None = None
    """Left out: installed where a replica spans machines."""
    efa_device_plugin: bool | None = None
    """EKS only. Left out: installed where a replica spans machines that have EFA."""
    cluster_autoscaler: bool | None = None
    """EKS only. Left out: installed where `nodeScaling` is autoscaler."""
    cert_manager: bool = True
    """KServe's webhooks need its certificates."""
    kserve: bool = True
    """Serves the models, in Standard mode."""
    gpudirect: bool = True
    """Brings Google's NCCL to A3 High and A3 Mega nodes of GKE that replicas span with `network.gpuDirect`; left out elsewhere."""
    kuberay: bool = True
    """Serves the models of engine ray-serve; left out where no service has that."""
    keda: bool = True
    """Scales GPU services on waiting requests and KV use."""
    keda_http: bool = True
    """Wakes services that go to zero (`replicas: {min: 0}`). Switched off: yours stands in namespace keda."""
    prometheus: bool = True
    """Measures what KEDA scales on."""


OF_EKS = ("neuronDevicePlugin", "efaDevicePlugin", "clusterAutoscaler")
"""Add-ons for machines of AWS, and for node pools that nobody scales."""


class OwnedHardware(Section):
    """Hardware that is paid for: its hourly price is amortisation plus power."""

    purchase_usd: Usd = Field(examples=[30000])
    """Price of one node."""
    years: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] = Field(examples=[4])
    """Years over which the purchase is written off."""
    watts: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] = Field(examples=[1200])
    """Mean draw of one node at the wall, under load."""
    pue: Annotated[float, Field(ge=1, le=10, allow_inf_nan=False)] = 1.0
    """Power usage effectiveness of the room."""
    usd_per_kwh: Usd = Field(examples=[0.15])
    """Price of electricity."""


class ExistingNodes(Section):
    """Nodes of one kind in an existing cluster."""

    gpu: Text | None = None
    """GPU as in the catalog; left out for CPU nodes."""
    gpus_per_node: Annotated[int, Field(ge=0, le=1024)] = 0
    """GPUs of one node."""
    count: Count = 1
    """Nodes of this kind."""
    driver: Annotated[int, Field(ge=100, le=9999)] | None = None
    """Branch of NVIDIA's driver on them, such as 580; images on CUDA 13 need that one. Left out: new enough for every image."""
    cpu: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] = Field(examples=[8])
    """Cores (vCPUs) of one node."""
    memory_gib: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)] = Field(examples=[32])
    """Main memory of one node."""
    usd_per_hour: Usd | None = None
    """What one node costs per hour; leave it out where it is unknown, and the total will say so."""
    owned: OwnedHardware | None = None
    """In place of `usdPerHour`, for hardware that is owned."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels that select these nodes. Left out: none for CPU nodes, `nvidia.com/gpu.present=true` for GPU nodes."""

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        if means_no_gpu(given.get("gpu")):
            yield Broken("is no GPU", "leave it out for CPU nodes, and `gpusPerNode` too", at=("gpu",))
        elif given.get("gpu") is not None and not given.get("gpusPerNode"):
            yield Broken("is needed beside `gpu`", "such as 1", at=("gpusPerNode",))
        if given.get("gpu") is None and given.get("gpusPerNode"):
            yield Broken("is needed beside `gpusPerNode`", "name the GPU, such as l4", at=("gpu",))
        if given.get("usdPerHour") is not None and given.get("owned") is not None:
            yield Broken("stands beside `owned`", "keep the one that is true", at=("usdPerHour",))


class Target(Section):
    """Where the services run."""

    cloud: Literal["eks", "gke", "existing"] = Field(examples=["gke"])
    """eks and gke make a cluster; existing uses the one of a kubeconfig."""
    region: Text | None = None
    """Required on eks and gke. Decides which machines are sold and at what price."""
    zones: tuple[Text, ...] = Many
    """Zones for nodes. Left out: known zones of the region."""
    cluster_name: Name | None = None
    """Physical name of the cluster. Left out: project and stack, which together must be such a name. Changing it replaces the cluster."""
    network: Network = Field(default_factory=Network)
    versions: Versions = Field(default_factory=Versions)
    addons: Addons = Field(default_factory=Addons)
    node_scaling: Literal["autoscaler", "none"] | None = None
    """autoscaler: GPU nodes come and go with the replicas, from zero. none: the planned maximum stands always.

    Left out: autoscaler on eks and gke, none on existing.
    """
    namespace: Name = "inference"
    """Kubernetes namespace of the services."""
    nodes: tuple[ExistingNodes, ...] = Many
    """existing only: what the cluster has."""
    kubeconfig_context: Text | None = None
    """existing only: context of the kubeconfig; left out: its current context."""
    volumes: tuple[SharedVolume, ...] = Many
    """Volumes that this stack makes and its services share."""
    deletion_protection: bool = False
    """Refuse to delete the cluster until this is false again."""

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[Broken]:
        cloud = given.get("cloud")
        if cloud == "existing" and not given.get("nodes"):
            yield Broken("is needed on cloud existing", "list what the cluster has, such as [{cpu: 8, memoryGib: 32}]", at=("nodes",))
        if cloud == "existing" and given.get("region") is not None:
            yield Broken("is for clouds that sell machines; an existing cluster has its `nodes`", "remove it", at=("region",))
        network = given.get("network")
        if cloud in ("eks", "existing") and is_mapping(network) and network.get("gpuDirect"):
            why = "on eks machines bring EFA by themselves" if cloud == "eks" else "what a cluster of yours has is not known here"
            yield Broken(f"is for clusters that are made on gke; {why}", "remove it", at=("network", "gpuDirect"))
        addons = given.get("addons")
        asked = [key for key in OF_EKS if addons.get(key)] if cloud == "gke" and is_mapping(addons) else []
        for key in asked:
            yield Broken("is for eks; clusters that are made on gke have no use for it", "remove it", at=("addons", key))
        if cloud in ("eks", "gke"):
            yield from _rules_of_new_clusters(cloud, given)
        yield from rules_of_volumes(given)

    @property
    def scales_nodes(self) -> bool:
        return (self.node_scaling or ("none" if self.cloud == "existing" else "autoscaler")) == "autoscaler"


def _rules_of_new_clusters(cloud: str, given: Mapping[str, Any]) -> Iterator[Broken]:
    region, zones = given.get("region"), given.get("zones")
    if region is None:
        yield Broken(f"is needed on cloud {cloud}", f"such as {'us-east-1' if cloud == 'eks' else 'us-central1'}", at=("region",))
    for key in ("nodes", "kubeconfigContext"):
        if given.get(key):
            yield Broken(
                f"is for cloud existing only; on {cloud} the cluster and its nodes are planned",
                "remove it, or use cloud existing",
                at=(key,),
            )
    if is_list(zones) and isinstance(region, str):
        for index, zone in enumerate(zones):
            if isinstance(zone, str) and not re.fullmatch(re.escape(region) + r"-?[a-z]", zone):
                yield Broken(f"is not a zone of {region}", f"such as {region}{'a' if cloud == 'eks' else '-a'}", at=("zones", index))
            elif zone in zones[:index]:
                yield Broken("is listed twice", "keep one", at=("zones", index))
