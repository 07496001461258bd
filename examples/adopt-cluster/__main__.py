"""A model on a cluster that is there already: kind or k3d on a laptop, a cluster of another team, or one of another cloud."""

import pulumi
import pulumi_kubernetes as kubernetes

from inferstack import Addons, ExistingCluster, InferenceService

config = pulumi.Config()
context = config.get("context")

# Nothing is made but the provider: the cluster stays its owner's.
cluster = ExistingCluster("lab", {"context": context} if context else {})
on_cluster = pulumi.ResourceOptions(provider=cluster.provider)

# Leave out what the cluster has. This service has one replica, so that neither KEDA nor Prometheus is needed.
wanted = config.get_object("addons") or []
addons = Addons("addons", {"addons": [{"name": name} for name in wanted]}, on_cluster)

inference = kubernetes.core.v1.Namespace("inference", metadata={"name": "inference"}, opts=on_cluster)
chat = InferenceService(
    "chat",
    {
        # What one node of the cluster has. With GPUs: gpu, gpusPerNode and the labels that select these nodes.
        "target": {"cloud": "existing", "nodes": [{"cpu": 8, "memoryGib": 16}]},
        "service": {
            "name": "chat",
            "model": "Qwen/Qwen2.5-1.5B-Instruct",
            "engine": "llama.cpp",
            "quantization": "gguf-q4_k_m",
            "traffic": {"requestsPerSecond": 0.02, "isl": 300, "osl": 150},
            "replicas": 1,
        },
    },
    pulumi.ResourceOptions(provider=cluster.provider, depends_on=[inference, *addons.ready]),
)

pulumi.export("chatUrl", chat.url)
pulumi.export("chatPlan", chat.plan)
