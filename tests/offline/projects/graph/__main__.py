"""Components within components, every kind of dependency, and every option."""

import pulumi


class Inner(pulumi.ComponentResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("graph:index:Inner", name, {"size": 3}, opts)
        own = pulumi.ResourceOptions(parent=self)
        self.first = pulumi.CustomResource("cloud:net:Vpc", f"{name}-first", {"cidr": "10.0.0.0/16"}, own)
        self.second = pulumi.CustomResource("cloud:net:Subnet", f"{name}-second", {"vpcId": self.first.id, "fixed": True}, own)
        self.register_outputs({"vpc": self.first.id, "size": 3})


class Outer(pulumi.ComponentResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("graph:index:Outer", name, None, opts)
        self.inner = Inner(f"{name}-inner", pulumi.ResourceOptions(parent=self))
        self.register_outputs({})


provider = pulumi.ProviderResource("cloud", "account", {"region": "here"})
outer = Outer("outer", pulumi.ResourceOptions(providers=[provider], protect=True))
after = pulumi.CustomResource("cloud:app:Service", "after", {}, pulumi.ResourceOptions(depends_on=[outer], provider=provider))
pulumi.CustomResource(
    "cloud:app:Service",
    "optioned",
    {"image": "a:1"},
    pulumi.ResourceOptions(
        protect=True,
        retain_on_delete=True,
        delete_before_replace=True,
        ignore_changes=["image"],
        replace_on_changes=["size"],
        aliases=[pulumi.Alias(name="before"), "urn:pulumi:dev::graph::cloud:app:Service::long-ago"],
        custom_timeouts=pulumi.CustomTimeouts(create="30m"),
        version="1.2.3",
        deleted_with=after,
        additional_secret_outputs=["password"],
    ),
)
pulumi.export("vpc", outer.inner.first.id)
