"""The program of a team that runs a GKE cluster of its own. The last part is new: GPU nodes, and a model on them, from inferstack."""

import json

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

from inferstack import GpuNodePool, InferenceService

REGION = "us-central1"
ZONES = ["us-central1-a", "us-central1-b", "us-central1-c"]

# --- what was here before: a cluster in the default network, and a pool for everything ---------------------------------------

nodes = gcp.serviceaccount.Account("platform-nodes", account_id="platform-nodes")
cluster = gcp.container.Cluster(
    "platform",
    name="platform",
    location=REGION,
    node_locations=ZONES,
    initial_node_count=1,
    remove_default_node_pool=True,
    deletion_protection=False,
)
general = gcp.container.NodePool(
    "general",
    cluster=cluster.name,
    location=REGION,
    node_count=1,
    node_config={"machine_type": "e2-standard-4", "service_account": nodes.email},
)


def kubeconfig(known: list[str]) -> str:
    address, authority = known
    plugin = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "gke-gcloud-auth-plugin", "provideClusterInfo": True}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "platform",
        "contexts": [{"name": "platform", "context": {"cluster": "platform", "user": "gcloud"}}],
        "clusters": [{"name": "platform", "cluster": {"server": f"https://{address}", "certificate-authority-data": authority}}],
        "users": [{"name": "gcloud", "user": {"exec": plugin}}],
    }
    return json.dumps(config)


platform = kubernetes.Provider(
    "platform",
    kubeconfig=pulumi.Output.all(cluster.endpoint, cluster.master_auth.cluster_ca_certificate).apply(kubeconfig),
    opts=pulumi.ResourceOptions(depends_on=[general]),
)

# --- what is new: two components ---------------------------------------------------------------------------------------------

# Spot nodes with one L4 each, from zero to two. Pods select a pool by its name; the planner calls this one so.
gpus = GpuNodePool(
    "g2-standard-8-spot",
    {
        "cluster": {"cloud": "gke", "name": cluster.name, "region": REGION, "zones": ZONES, "node_service_account": nodes.email},
        "machine_type": "g2-standard-8",
        "capacity_type": "spot",
        "max_nodes": 2,
    },
)

inference = kubernetes.core.v1.Namespace("inference", metadata={"name": "inference"}, opts=pulumi.ResourceOptions(provider=platform))

# What to serve and for which traffic, as in a stack file; engine, context, replicas and memory are decided by the planner.
chat = InferenceService(
    "chat",
    {
        "target": {"cloud": "gke", "region": REGION, "zones": ZONES},
        "service": {
            "name": "chat",
            "model": "Qwen/Qwen2.5-7B-Instruct",
            "traffic": {"requestsPerSecond": 0.2, "isl": 600, "osl": 200, "activeHours": 10, "peakFactor": 3},
            "slo": {"ttftP95Ms": 3000, "tpotP95Ms": 120},
            "machineType": "g2-standard-8",
            "capacityType": "spot",
            "replicas": {"min": 1, "max": 2},
        },
    },
    pulumi.ResourceOptions(provider=platform, depends_on=[inference, gpus]),
)

pulumi.export("chatUrl", chat.url)
pulumi.export("chatPlan", chat.plan)
pulumi.export("gpuCost", gpus.cost)
