"""Resources that exist already, and questions that only a provider can answer."""

import pulumi


class Bucket(pulumi.CustomResource):
    region: pulumi.Output[str]


vpc = pulumi.CustomResource("cloud:net:Vpc", "existing", {"name": "main", "arn": None}, pulumi.ResourceOptions(id="vpc-123"))
pulumi.CustomResource("cloud:net:Subnet", "subnet", {"vpcId": vpc.id})
pulumi.export("id", vpc.id)
pulumi.export("arn", vpc.__dict__["arn"])
pulumi.export("name", vpc.__dict__["name"])
zones = pulumi.runtime.invoke_output("cloud:index:getZones", {"region": "here"})
pulumi.export("zones", zones)
again = pulumi.runtime.invoke_output("cloud:index:getZones", {"region": "there"})
other = pulumi.StackReference("network", stack_name="acme/network/dev")
pulumi.export("subnets", other.get_output("subnets"))
pulumi.log.info("read what there is")
pulumi.log.warn("and nothing else", resource=vpc)
pulumi.log.debug("in detail")
print("to standard output")
