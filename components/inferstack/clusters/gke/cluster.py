"""The GKE cluster component. No `from __future__ import annotations` here: Pulumi reads these types at run time."""

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

from ...boundary import read, refusals
from ...nodepools.gke import SCOPES
from ...nodepools.gke_pool import create_gke_pool
from ...nodepools.reference import AcceleratorNetwork, ClusterReference
from ...planning import cost_document
from ..args import GkeClusterArgs
from ..computed import filled_in
from ..document import cluster_cost, gke_document
from ..kubeconfig import gke_dns_kubeconfig, gke_ip_kubeconfig
from .network import POD_RANGE, SERVICE_RANGE, AcceleratorNetworks, GkeNetwork, in_cluster
from .spec import GkeSpec, account_id, gke_spec

SERVICES = ("compute", "container", "containerfilesystem", "cloudkms", "iam")
"""Google Cloud APIs that the cluster is made with; `containerfilesystem` is that of the nodes' image streaming."""
NODE_ROLES = ("roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader")
"""What nodes do in the project: write logs and metrics, pull images. Pods have identities of their own."""
KEY_ROLE = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
KEY_ROTATION = "7776000s"
"""90 days."""
FIRST_POOL_DISK_GIB = 20
"""GKE makes every cluster with a pool, which is removed at once: as small as can be, or its disks may not fit the quota."""


class GkeCluster(pulumi.ComponentResource):
    """A regional GKE cluster with private nodes in a VPC of its own: encrypted secrets, logs, workload identity, a small system pool."""

    name: pulumi.Output[str]
    """Physical name."""
    kubeconfig: pulumi.Output[str]
    """Kubeconfig that asks gke-gcloud-auth-plugin for a token; there is no secret in it."""
    endpoint: pulumi.Output[str]
    """DNS name of the Kubernetes API. With `api_access_cidrs` it answers from inside only, and the kubeconfig has the IP address."""
    project: pulumi.Output[str]
    """Project of the cluster."""
    node_service_account: pulumi.Output[str]
    """Email of the service account that nodes run as."""
    plan: pulumi.Output[dict[str, Any]]
    """Version, zones, system nodes and who reaches the API."""
    cost: pulumi.Output[dict[str, Any]]
    """Cost of control plane, network and system nodes: the same tree as a stack's `costs`."""

    def __init__(self, name: str, args: GkeClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Raises `pulumi.RunError` with every reason why `args` cannot be a cluster; nothing is registered then."""
        with refusals("GkeCluster", name):
            spec = gke_spec(read(args, GkeClusterArgs))
        super().__init__("inferstack:index:GkeCluster", name, None, opts)
        self._base, self._spec = name, spec
        self._child = pulumi.ResourceOptions(parent=self)
        # Everything below waits for the APIs: a project in which they were never used refuses the first call to each.
        enabled = [self._service(service) for service in SERVICES]
        self._enabled = pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=enabled))
        account = gcp.serviceaccount.Account(
            f"{name}-node-account",
            account_id=account_id(spec.cluster_name),
            display_name=f"Nodes of {spec.cluster_name}",
            project=spec.project,
            opts=self._enabled,
        )
        self.project = account.project
        roles = [self._node_role(role, account) for role in NODE_ROLES]
        self.network = GkeNetwork(f"{name}-network", self._network_args(account), self._enabled)
        self.cluster = self._control_plane(account)
        self.reference = self._reference(account, [*roles, *self.network.ways_out])
        """What pools and add-ons take. Its name waits for all that a node needs: its roles and a way out."""
        system = create_gke_pool(f"{name}-system", spec.system_pool, self.reference, self._child)
        self.provider = self._kubernetes(system)
        """Kubernetes provider; what it makes comes after the system nodes and goes before them."""
        if spec.accelerator_networks:
            self.reference["accelerator_networks"] = self._accelerator_networks(spec.accelerator_networks)
        self._outputs(account)

    def _service(self, service: str) -> gcp.projects.Service:
        """An API stays on when the cluster goes: others in the project may use it."""
        return gcp.projects.Service(
            f"{self._base}-api-{service}",
            service=f"{service}.googleapis.com",
            project=self._spec.project,
            disable_on_destroy=False,
            opts=self._child,
        )

    def _node_role(self, role: str, account: gcp.serviceaccount.Account) -> gcp.projects.IAMMember:
        slug = role.partition("/")[2].replace(".", "-")
        return gcp.projects.IAMMember(
            f"{self._base}-node-{slug}", project=account.project, role=role, member=account.member, opts=self._child
        )

    def _network_args(self, account: gcp.serviceaccount.Account) -> Any:
        spec = self._spec
        project = {} if spec.project is None else {"project": spec.project}
        return {"cidr": spec.network_cidr, "region": spec.region, "node_service_account": account.email, **project}

    def _accelerator_networks(self, count: int) -> list[AcceleratorNetwork]:
        """The networks between accelerators, known to the cluster; they outlive the pools whose nodes are in them."""
        spec, name = self._spec, f"{self._base}-accelerators"
        project = {} if spec.project is None else {"project": spec.project}
        args: Any = {"count": count, "region": spec.region, **project}
        made = AcceleratorNetworks(name, args, self._enabled)
        return in_cluster(self._base, made.references, pulumi.ResourceOptions(parent=made, provider=self.provider))

    def _secrets_key(self) -> tuple[gcp.kms.CryptoKey, gcp.kms.CryptoKeyIAMMember]:
        """The key that GKE encrypts Kubernetes secrets with, and GKE's right to use it.

        Names are generated: a key ring can never be deleted, so that a cluster made again under its old name would find its ring taken.
        """
        name, spec = self._base, self._spec
        ring = gcp.kms.KeyRing(f"{name}-secrets", location=spec.region, project=spec.project, opts=self._enabled)
        key = gcp.kms.CryptoKey(
            f"{name}-secrets-key", key_ring=ring.id, purpose="ENCRYPT_DECRYPT", rotation_period=KEY_ROTATION, opts=self._protected()
        )
        agent = gcp.projects.ServiceIdentity(
            f"{name}-gke-agent", service="container.googleapis.com", project=spec.project, opts=self._enabled
        )
        use_key = gcp.kms.CryptoKeyIAMMember(
            f"{name}-gke-agent-secrets-key", crypto_key_id=key.id, role=KEY_ROLE, member=agent.member, opts=self._child
        )
        return key, use_key

    def _control_plane(self, account: gcp.serviceaccount.Account) -> gcp.container.Cluster:
        spec = self._spec
        key, use_key = self._secrets_key()
        return gcp.container.Cluster(
            f"{self._base}-cluster",
            name=spec.cluster_name,
            location=spec.region,
            project=spec.project,
            node_locations=list(spec.zones) or None,
            min_master_version=spec.kubernetes_version,
            release_channel={"channel": "REGULAR"},
            deletion_protection=spec.deletion_protection,
            **self._networking(),
            enable_multi_networking=True if spec.accelerator_networks is not None else None,
            **_endpoints(spec),
            workload_identity_config={"workload_pool": pulumi.Output.concat(account.project, ".svc.id.goog")},
            database_encryption={"state": "ENCRYPTED", "key_name": key.id},
            logging_config={"enable_components": ["SYSTEM_COMPONENTS", "WORKLOADS"]},
            # The add-ons bring a Prometheus of their own; Google's would be billed by the sample.
            monitoring_config={"enable_components": ["SYSTEM_COMPONENTS"], "managed_prometheus": {"enabled": False}},
            cost_management_config={"enabled": True},
            addons_config=_addons(spec),
            remove_default_node_pool=True,
            initial_node_count=1,
            node_config={
                "boot_disk": {"size_gb": FIRST_POOL_DISK_GIB},
                "oauth_scopes": list(SCOPES),
                "service_account": account.email,
                "shielded_instance_config": {"enable_integrity_monitoring": True, "enable_secure_boot": True},
                "workload_metadata_config": {"mode": "GKE_METADATA"},
            },
            opts=pulumi.ResourceOptions.merge(
                self._protected(),
                pulumi.ResourceOptions(
                    depends_on=[use_key],
                    delete_before_replace=True,
                    # They describe the pool that is gone; a difference in them would replace the cluster.
                    ignore_changes=["nodeConfig", "initialNodeCount"],
                ),
            ),
        )

    def _networking(self) -> dict[str, Any]:
        return {
            "network": self.network.network_id,
            "subnetwork": self.network.subnetwork_id,
            "networking_mode": "VPC_NATIVE",
            "datapath_provider": "ADVANCED_DATAPATH",
            "ip_allocation_policy": {"cluster_secondary_range_name": POD_RANGE, "services_secondary_range_name": SERVICE_RANGE},
        }

    def _reference(self, account: gcp.serviceaccount.Account, ready: Sequence[pulumi.Resource]) -> ClusterReference:
        spec = self._spec
        # URNs are known even in a preview, so that waiting for these resources does not make the name unknown: a pool whose cluster name
        # is unknown would be shown as replaced.
        named = pulumi.Output.all(self.cluster.name, *(resource.urn for resource in ready))
        reference: ClusterReference = {
            "cloud": "gke",
            "name": named.apply(lambda values: values[0]),
            "region": spec.region,
            "zones": list(spec.zones),
            "kubernetes_version": spec.kubernetes_version,
            "node_service_account": account.email,
            "network": self.network.network_name,
        }
        if spec.project is not None:
            reference["project"] = spec.project
        return reference

    def _kubernetes(self, system: gcp.container.NodePool) -> kubernetes.Provider:
        name, cluster = self._spec.cluster_name, self.cluster
        self.endpoint = filled_in(cluster.self_link, cluster.control_plane_endpoints_config.dns_endpoint_config.endpoint)
        if self._spec.access.any:
            authority = filled_in(cluster.self_link, cluster.master_auth.cluster_ca_certificate)
            known = pulumi.Output.all(cluster.endpoint, authority)
            self.kubeconfig = known.apply(lambda values: gke_ip_kubeconfig(name, values[0], values[1]))
        else:
            self.kubeconfig = self.endpoint.apply(lambda host: gke_dns_kubeconfig(name, host))
        return kubernetes.Provider(
            f"{self._base}-kubernetes",
            kubeconfig=self.kubeconfig,
            # The DNS name is this very cluster's for its whole life: only another cluster replaces what runs on it, not a new kubeconfig.
            cluster_identifier=self.endpoint,
            opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=[system])),
        )

    def _protected(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(protect=self._spec.deletion_protection or None))

    def _outputs(self, account: gcp.serviceaccount.Account) -> None:
        spec = self._spec
        self.name = self.cluster.name
        self.node_service_account = account.email
        self.plan = pulumi.Output.from_input(gke_document(spec))
        self.cost = pulumi.Output.from_input(cost_document(cluster_cost("gke", spec.region, spec.zones, False, spec.system_pool)))
        self.register_outputs(
            {
                "name": self.name,
                "kubeconfig": self.kubeconfig,
                "endpoint": self.endpoint,
                "project": self.project,
                "nodeServiceAccount": self.node_service_account,
                "plan": self.plan,
                "cost": self.cost,
            }
        )


def _addons(spec: GkeSpec) -> Any:
    """GKE's own. That of Filestore is named only where it is asked for: it changes nothing of clusters without."""
    names = ["dns_cache", "gce_persistent_disk_csi_driver", "gcs_fuse_csi_driver"]
    return {
        f"{name}_config": {"enabled": True}
        for name in (*names, *(["gcp_filestore_csi_driver"] if "filestore" in spec.volume_kinds else []))
    }


def _endpoints(spec: GkeSpec) -> dict[str, Any]:
    """The DNS endpoint, which IAM guards before the API is reached, or the IP endpoint for the named ranges; never both."""
    by_address = spec.access.any
    endpoints = {"dns_endpoint_config": {"allow_external_traffic": not by_address}, "ip_endpoints_config": {"enabled": by_address}}
    config: dict[str, Any] = {
        "control_plane_endpoints_config": endpoints,
        # With IP endpoints off, GKE reports the private endpoint as on; anything else would differ for ever.
        "private_cluster_config": {"enable_private_nodes": True, "enable_private_endpoint": not spec.access.public},
    }
    if by_address:
        blocks = [{"cidr_block": cidr} for cidr in (*spec.access.public, *spec.access.private)]
        config["master_authorized_networks_config"] = {"cidr_blocks": blocks}
    return config
