"""What is installed into a cluster beside the services: which chart, from where, at which version, into which namespace. Facts only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Chart:
    """One Helm release of an add-on."""

    release: str
    """Name of the Helm release: chosen by us, because names of Services follow from it."""
    chart: str
    """Name in `repository`, or an `oci://` reference."""
    repository: str | None = None
    """None for an OCI reference."""


@dataclass(frozen=True, slots=True)
class Addon:
    """One add-on at the version that this release was tested with."""

    name: str
    version: str
    """Chart version as the chart spells it, with or without a leading v."""
    namespace: str
    charts: tuple[Chart, ...]
    """In the order in which they are installed; () where it is objects of our own."""
    source: str
    as_of: str
    images: tuple[str, ...] = ()
    """Images that its values name here, by repository and a tag that follows from the chart's version without its v."""

    def named_images(self, version: str) -> tuple[str, ...]:
        """Those of a chart version."""
        return tuple(image.format(version=version.removeprefix("v")) for image in self.images)

    def chart_version(self, wanted: str) -> str:
        """`wanted` spelled as this chart's versions are: people write 0.20.0 where the chart says v0.20.0, and the other way round."""
        digits = wanted.removeprefix("v")
        return f"v{digits}" if self.version.startswith("v") else digits


_NODE_IMAGES = (
    "docker.io/library/ubuntu:24.04",
    "gke.gcr.io/pause:3.8@sha256:880e63f94b145e46f1b1082bb71b85e21f16b99b180b9996407d61240ceb9830",
    "gcr.io/gke-release/nri-device-injector@sha256:6e79483d52abdc28454bf186320b10a56b0f117a10e8d65d5c74dbb821a76970",
)
"""What prepares a node for GPUDirect beside the plugin: a shell, nothing, and what gives devices to a container by an annotation
(GoogleCloudPlatform/container-engine-accelerators@992db812: gpudirect-tcpxo, nri_device_injector)."""

_ALL = (
    Addon(
        name="cert-manager",
        version="v1.21.1",
        namespace="cert-manager",
        charts=(Chart("cert-manager", "cert-manager", "https://charts.jetstack.io"),),
        source="cert-manager/cert-manager@v1.21.1:deploy/charts/cert-manager",
        as_of="2026-07-29",
    ),
    Addon(
        name="kserve",
        version="v0.20.0",
        # The namespace is written into KServe's webhooks and certificates; it is not a choice.
        namespace="kserve",
        charts=(
            Chart("kserve-crd", "oci://ghcr.io/kserve/charts/kserve-crd"),
            Chart("kserve-resources", "oci://ghcr.io/kserve/charts/kserve-resources"),
        ),
        source="kserve/kserve@v0.20.0:charts",
        as_of="2026-08-06",
    ),
    Addon(
        name="kuberay",
        version="1.7.0",
        namespace="kuberay",
        charts=(Chart("kuberay-operator", "kuberay-operator", "https://ray-project.github.io/kuberay-helm/"),),
        source="ray-project/kuberay@v1.7.0:helm-chart/kuberay-operator",
        as_of="2026-08-20",
        images=("quay.io/kuberay/operator:v{version}",),
    ),
    Addon(
        name="keda",
        version="2.20.2",
        namespace="keda",
        charts=(Chart("keda", "keda", "https://kedacore.github.io/charts"),),
        source="kedacore/charts@v2.20.2:keda",
        as_of="2026-07-31",
    ),
    Addon(
        name="keda-http",
        version="0.15.0",
        # Beside KEDA. Names of its Services follow from the chart's name, not from the release's.
        namespace="keda",
        charts=(Chart("keda-add-ons-http", "keda-add-ons-http", "https://kedacore.github.io/charts"),),
        source="kedacore/charts@http-add-on-0.15.0:http-add-on",
        as_of="2026-06-15",
    ),
    Addon(
        name="prometheus",
        version="88.5.3",
        namespace="monitoring",
        # A release name that contains the chart's name is used as it is, so that the Service below is <release>-prometheus.
        charts=(Chart("kube-prometheus-stack", "kube-prometheus-stack", "https://prometheus-community.github.io/helm-charts"),),
        source="prometheus-community/helm-charts@kube-prometheus-stack-88.5.3:charts/kube-prometheus-stack",
        as_of="2026-08-21",
    ),
    Addon(
        name="nvidia-device-plugin",
        version="0.20.0",
        namespace="nvidia-device-plugin",
        charts=(Chart("nvidia-device-plugin", "nvidia-device-plugin", "https://nvidia.github.io/k8s-device-plugin"),),
        source="NVIDIA/k8s-device-plugin@v0.20.0:deployments/helm/nvidia-device-plugin",
        as_of="2026-08-19",
    ),
    Addon(
        name="neuron-device-plugin",
        version="1.1.2",
        namespace="kube-system",
        charts=(Chart("neuron-helm-chart", "oci://public.ecr.aws/neuron/neuron-helm-chart"),),
        source="aws-neuron/neuron-helm-charts: charts/neuron-helm-chart, which comes with Neuron 2.28 (believed)",
        as_of="2026-02-26",
    ),
    Addon(
        name="lws",
        version="0.10.0",
        namespace="lws-system",
        charts=(Chart("lws", "oci://registry.k8s.io/lws/charts/lws"),),
        source="kubernetes-sigs/lws@v0.10.0:charts/lws",
        as_of="2026-08-11",
        images=("registry.k8s.io/lws/lws:v{version}",),
    ),
    Addon(
        name="efa-device-plugin",
        version="v0.5.30",
        namespace="kube-system",
        charts=(Chart("aws-efa-k8s-device-plugin", "aws-efa-k8s-device-plugin", "https://aws.github.io/eks-charts"),),
        source="aws/eks-charts@master:stable/aws-efa-k8s-device-plugin",
        as_of="2026-07-21",
    ),
    Addon(
        name="gpudirect-tcpx",
        version="v3.1.12",
        namespace="kube-system",
        charts=(),
        source="GoogleCloudPlatform/container-engine-accelerators: gpudirect-tcpx, release notes of 2026-06-22",
        as_of="2026-06-22",
        images=("us-docker.pkg.dev/gce-ai-infra/gpudirect-tcpx/nccl-plugin-gpudirecttcpx-dev:v{version}", *_NODE_IMAGES),
    ),
    Addon(
        name="gpudirect-tcpxo",
        version="v1.0.17",
        namespace="kube-system",
        charts=(),
        source="google/nccl-plugin-gpudirect-tcpxo@v1.0.17; GoogleCloudPlatform/container-engine-accelerators: gpudirect-tcpxo",
        as_of="2026-06-26",
        images=("us-docker.pkg.dev/gce-ai-infra/gpudirect-tcpxo/nccl-plugin-gpudirecttcpx-dev:v{version}", *_NODE_IMAGES),
    ),
    Addon(
        name="cluster-autoscaler",
        version="9.59.0",
        namespace="kube-system",
        charts=(Chart("cluster-autoscaler", "cluster-autoscaler", "https://kubernetes.github.io/autoscaler"),),
        source="kubernetes/autoscaler@cluster-autoscaler-chart-9.59.0:cluster-autoscaler/charts/cluster-autoscaler",
        as_of="2026-07-22",
    ),
)

ADDONS: Mapping[str, Addon] = MappingProxyType({addon.name: addon for addon in _ALL})
"""Every add-on by name, in the order in which they are installed."""

ADDON_VERSIONS: Mapping[str, str] = MappingProxyType({addon.name: addon.version for addon in _ALL})
"""Default version of each add-on."""

PROMETHEUS_NAMESPACE = ADDONS["prometheus"].namespace
PROMETHEUS_URL = f"http://{ADDONS['prometheus'].charts[0].release}-prometheus.{PROMETHEUS_NAMESPACE}.svc.cluster.local:9090"
"""Where queries go. A cluster that brings its own Prometheus needs a Service of that name for scaling on queues."""

WAKER_PORT = 8080
WAKER_HOST = f"keda-add-ons-http-interceptor-proxy.{ADDONS['keda-http'].namespace}.svc.cluster.local"
WAKER_SCALER = f"keda-add-ons-http-external-scaler.{ADDONS['keda-http'].namespace}:9090"
"""KEDA's HTTP add-on holds requests of services that go to zero, and tells KEDA how many are in flight (chart 0.15.0, templates/interceptor
and templates/scaler). A cluster that brings its own needs them at these names."""


def storage_initializer(kserve: str | None) -> str:
    """The image that KServe copies weights with, of its release: its entry point takes pairs of a place and a folder, and runs as user 1000
    (kserve/kserve@v0.20.0:python/storage-initializer.Dockerfile)."""
    wanted = ADDONS["kserve"].version if kserve is None else ADDONS["kserve"].chart_version(kserve)
    return f"docker.io/kserve/storage-initializer:{wanted}"


KSERVE_NEEDS_KUBERNETES = "1.32"
"""kserve/website: docs/getting-started/quickstart-guide.md for v0.20."""
NEWEST_KUBERNETES = "1.36"
"""Manifests are checked against the schemas of Kubernetes up to this one."""


def minor(version: str) -> tuple[int, ...]:
    """`1.34` as numbers that compare."""
    return tuple(int(part) for part in version.split("."))
