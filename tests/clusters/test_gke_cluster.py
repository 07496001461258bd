"""The GKE cluster: network, control plane, order."""

from __future__ import annotations

from pathlib import Path

from inferstack.offline import Preview
from tests.clusters.programs import named, of_type, previewed, waits_for

WITH_ACCESS = """
from inferstack.clusters import GkeCluster
GkeCluster("serving", {"cluster_name": "serving", "region": "us-central1", "project": "my-project", "api_access_cidrs": ["203.0.113.7/32"],
    "deletion_protection": True})
"""


def test_apis_are_switched_on_first_and_stay_on(gke: Preview) -> None:
    """Everything in the project waits for the APIs that it is made with; they are left on when the cluster goes."""
    apis = of_type(gke, "gcp:projects/service:Service")
    wanted = ("compute", "container", "containerfilesystem", "cloudkms", "iam")
    assert {api.inputs["service"] for api in apis} == {f"{service}.googleapis.com" for service in wanted}
    assert all(api.inputs["disableOnDestroy"] is False for api in apis)
    names = {api.name for api in apis}
    first = ("serving-network-vpc", "serving-node-account", "serving-secrets", "serving-gke-agent", "serving-cluster")
    for name in first:
        assert names <= waits_for(gke, named(gke, name)), name


def test_nodes_have_no_public_address_and_a_way_out(gke: Preview) -> None:
    """Nodes are private; NAT is there before them, and Google's own services need no NAT."""
    assert named(gke, "serving-cluster").inputs["privateClusterConfig"]["enablePrivateNodes"] is True
    assert named(gke, "serving-network-nodes").inputs["privateIpGoogleAccess"] is True
    for pool in of_type(gke, "gcp:container/nodePool:NodePool"):
        assert pool.inputs["networkConfig"] == {"enablePrivateNodes": True}
        assert "serving-network-nat" in waits_for(gke, pool)


def test_pods_have_a_range_of_their_own(gke: Preview) -> None:
    """The cluster is VPC-native on Dataplane V2, with the subnet's own ranges for pods and Services."""
    ranges = {item["rangeName"]: item["ipCidrRange"] for item in named(gke, "serving-network-nodes").inputs["secondaryIpRanges"]}
    policy = named(gke, "serving-cluster").inputs["ipAllocationPolicy"]
    assert policy["clusterSecondaryRangeName"] in ranges
    assert policy["servicesSecondaryRangeName"] in ranges
    assert named(gke, "serving-cluster").inputs["datapathProvider"] == "ADVANCED_DATAPATH"


def test_webhooks_can_be_reached(gke: Preview) -> None:
    """The ports on which admission webhooks and metrics APIs answer are open to the node subnet, for our nodes alone."""
    rule = named(gke, "serving-network-webhooks").inputs
    assert set(rule["allows"][0]["ports"]) >= {"6443", "9443", "10250"}
    assert rule["sourceRanges"] == ["10.0.0.0/16"]
    assert len(rule["targetServiceAccounts"]) == 1


def test_api_is_guarded_by_iam_where_no_range_is_named(gke: Preview) -> None:
    """Without ranges the API has no IP endpoint at all; its DNS endpoint lets through whom IAM lets through."""
    inputs = named(gke, "serving-cluster").inputs
    assert inputs["controlPlaneEndpointsConfig"] == {
        "dnsEndpointConfig": {"allowExternalTraffic": True},
        "ipEndpointsConfig": {"enabled": False},
    }
    assert "masterAuthorizedNetworksConfig" not in inputs


def test_api_is_open_to_the_named_ranges_only(tmp_path: Path) -> None:
    """With ranges the DNS endpoint is closed from outside, and the IP endpoint answers these ranges."""
    preview = previewed(tmp_path, WITH_ACCESS)
    inputs = named(preview, "serving-cluster").inputs
    assert inputs["controlPlaneEndpointsConfig"] == {
        "dnsEndpointConfig": {"allowExternalTraffic": False},
        "ipEndpointsConfig": {"enabled": True},
    }
    assert inputs["privateClusterConfig"]["enablePrivateEndpoint"] is False
    assert inputs["masterAuthorizedNetworksConfig"] == {"cidrBlocks": [{"cidrBlock": "203.0.113.7/32"}]}


def test_protection_and_project_are_passed_on(tmp_path: Path) -> None:
    """Deletion protection guards cluster and key, and a named project is that of every resource that takes one."""
    preview = previewed(tmp_path, WITH_ACCESS)
    cluster = named(preview, "serving-cluster")
    assert cluster.inputs["deletionProtection"] is True
    assert cluster.options["protect"] is True
    assert named(preview, "serving-secrets-key").options["protect"] is True
    for name in ("serving-cluster", "serving-network-vpc", "serving-network-nat", "serving-system-nodes", "serving-node-account"):
        assert named(preview, name).inputs["project"] == "my-project", name


def test_destroy_works_unless_protection_is_asked_for(gke: Preview) -> None:
    """Deletion protection is said to be off, because the provider's own default is on."""
    assert named(gke, "serving-cluster").inputs["deletionProtection"] is False
    assert "protect" not in named(gke, "serving-cluster").options


def test_secrets_are_encrypted_with_a_key_that_gke_may_use(gke: Preview) -> None:
    """The cluster waits until GKE's own account may use the key; ring and key have generated names, because a ring can never be deleted."""
    cluster = named(gke, "serving-cluster")
    assert cluster.inputs["databaseEncryption"]["state"] == "ENCRYPTED"
    assert "serving-gke-agent-secrets-key" in waits_for(gke, cluster)
    assert "name" not in named(gke, "serving-secrets").inputs
    assert "name" not in named(gke, "serving-secrets-key").inputs


def test_pods_have_identities_of_their_own(gke: Preview) -> None:
    """Workload identity is on for the cluster and for every pool, and nodes run as an account of their own with two roles."""
    assert "workloadPool" in named(gke, "serving-cluster").inputs["workloadIdentityConfig"]
    for pool in of_type(gke, "gcp:container/nodePool:NodePool"):
        assert pool.inputs["nodeConfig"]["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
        assert "serviceAccount" in pool.inputs["nodeConfig"]
        assert {"serving-node-container-defaultNodeServiceAccount", "serving-node-artifactregistry-reader"} <= waits_for(gke, pool)


def test_first_pool_goes_and_leaves_no_trace(gke: Preview) -> None:
    """The pool that GKE insists on is removed, and what describes it is ignored ever after: a difference would replace the cluster."""
    cluster = named(gke, "serving-cluster")
    assert cluster.inputs["removeDefaultNodePool"] is True
    assert set(cluster.options["ignoreChanges"]) == {"nodeConfig", "initialNodeCount"}


def test_system_nodes_are_as_many_as_planned(gke: Preview) -> None:
    """Two system nodes are one in each of two zones, not two in each of three."""
    system = named(gke, "serving-system-nodes").inputs
    assert system["nodeCount"] * len(system["nodeLocations"]) == 2
    assert "taints" not in system["nodeConfig"]
    assert "guestAccelerators" not in system["nodeConfig"]


def test_metrics_of_google_are_kept_small(gke: Preview) -> None:
    """Google's managed Prometheus, which is billed by the sample, is off."""
    assert named(gke, "serving-cluster").inputs["monitoringConfig"]["managedPrometheus"] == {"enabled": False}


WITH_CARDS = """
from inferstack.clusters import GkeCluster
from inferstack.nodepools import GpuNodePool
cluster = GkeCluster("serving", {"cluster_name": "serving", "region": "us-east4", "accelerator_networks": 8})
for name, machine in (("mega", "a3-megagpu-8g"), ("high", "a3-highgpu-8g"), ("alone", "g2-standard-8")):
    GpuNodePool(name, {"cluster": cluster.reference, "machine_type": machine, "max_nodes": 2, "zones": ["us-east4-a"],
        **({"fabric": True} if name != "alone" else {})})
"""


POOLS = ("mega", "high", "alone")


def test_cards_of_joined_nodes_are_in_networks_of_their_own(tmp_path: Path) -> None:
    """The cluster is made for several networks and knows each; a pool takes as many as its machines have cards, and waits for them."""
    preview = previewed(tmp_path, WITH_CARDS)
    assert named(preview, "serving-cluster").inputs["enableMultiNetworking"] is True
    networks = [item for item in of_type(preview, "gcp:compute/network:Network") if "accelerators" in item.name]
    assert [network.inputs["mtu"] for network in networks] == [8244] * 8
    subnets = [item for item in of_type(preview, "gcp:compute/subnetwork:Subnetwork") if "accelerators" in item.name]
    assert len({subnet.inputs["ipCidrRange"] for subnet in subnets}) == 8
    cards = {name: named(preview, f"{name}-nodes").inputs["networkConfig"].get("additionalNodeNetworkConfigs", []) for name in POOLS}
    assert {name: len(found) for name, found in cards.items()} == {"mega": 8, "high": 4, "alone": 0}
    waiting = waits_for(preview, named(preview, "high-nodes"))
    assert {"serving-accelerators-4-vpc", "serving-accelerators-4-inside", "serving-accelerator-4-network"} <= waiting
    assert {"serving-cluster", "serving-accelerators-1-cards"} <= waits_for(
        preview, named(preview, "serving-accelerator-1-gkenetworkparamset")
    )


def test_clusters_without_cards_stay_as_they_are(gke: Preview) -> None:
    """Nothing of it is said of a cluster that is not asked for it: a difference would replace those that were made before."""
    assert "enableMultiNetworking" not in named(gke, "serving-cluster").inputs
    assert not [item for item in of_type(gke, "gcp:compute/network:Network") if "accelerators" in item.name]
