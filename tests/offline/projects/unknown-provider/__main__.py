"""Resources of a provider that is configured with what only a deployment knows, as those in a new cluster are."""

import pulumi

cluster = pulumi.CustomResource("cloud:k8s:Cluster", "cluster", {"endpoint": None})
unknown = pulumi.ProviderResource("kubernetes", "unknown", {"kubeconfig": cluster.id})
known = pulumi.ProviderResource("kubernetes", "known", {"kubeconfig": "{}"})
for name, provider in (("unknown", unknown), ("known", known)):
    settings = pulumi.CustomResource(
        "kubernetes:core/v1:ConfigMap", f"map-{name}", {"data": {"a": "b"}}, pulumi.ResourceOptions(provider=provider)
    )
    pulumi.export(name, settings.__dict__["data"])
