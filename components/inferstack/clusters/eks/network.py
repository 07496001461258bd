"""The network of an EKS cluster. No `from __future__ import annotations` here: Pulumi reads these types at run time."""

from collections.abc import Mapping
from typing import TypedDict

import pulumi
import pulumi_aws as aws

from ...clouds.cidrs import vpc_subnets

ANYWHERE = "0.0.0.0/0"


class EksNetworkArgs(TypedDict):
    """A VPC over some zones."""

    cidr: str
    """Address range, /16 to /22."""
    region: str
    """AWS region."""
    zones: list[str]
    """Availability zones."""
    nat_per_zone: bool
    """True: a NAT gateway in each zone; False: one for all."""


class EksNetwork(pulumi.ComponentResource):
    """A VPC with a private subnet for nodes and a public one for NAT and load balancers in each zone, and a free way to S3."""

    vpc_id: pulumi.Output[str]
    """The VPC."""
    private_subnet_ids: pulumi.Output[dict[str, str]]
    """Subnet for nodes, by zone."""

    def __init__(self, name: str, args: EksNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inferstack:index:EksNetwork", name, None, opts)
        self._base = name
        self._child = pulumi.ResourceOptions(parent=self)
        zones = sorted(args["zones"])
        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=args["cidr"],
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": name},
            opts=self._child,
        )
        subnets = vpc_subnets(args["cidr"], zones)
        private = {zone: self._subnet("private", zone, cut.private, vpc, "internal-elb") for zone, cut in subnets.items()}
        public = {zone: self._subnet("public", zone, cut.public, vpc, "elb") for zone, cut in subnets.items()}
        gateway = aws.ec2.InternetGateway(f"{name}-internet", vpc_id=vpc.id, tags={"Name": name}, opts=self._child)
        self.ways_out: list[pulumi.Resource] = []
        """What has to be there before nodes are, and to stay until they are gone."""
        self._public_routes(vpc, gateway, public)
        nats = self._nat_gateways(gateway, public, zones if args["nat_per_zone"] else zones[:1])
        tables = self._private_routes(vpc, nats, private)
        aws.ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=vpc.id,
            service_name=f"com.amazonaws.{args['region']}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in tables],
            tags={"Name": f"{name}-s3"},
            opts=self._child,
        )
        self.subnet_ids: dict[str, pulumi.Output[str]] = {zone: subnet.id for zone, subnet in private.items()}
        """Subnet for nodes by zone, each an output of its own."""
        self.vpc_id = vpc.id
        self.private_subnet_ids = pulumi.Output.all(**self.subnet_ids)
        self.register_outputs({"vpcId": self.vpc_id, "privateSubnetIds": self.private_subnet_ids})

    def _subnet(self, kind: str, zone: str, cidr: str, vpc: aws.ec2.Vpc, role: str) -> aws.ec2.Subnet:
        return aws.ec2.Subnet(
            f"{self._base}-{kind}-{zone}",
            vpc_id=vpc.id,
            availability_zone=zone,
            cidr_block=cidr,
            map_public_ip_on_launch=False,
            # Load balancers of Services find their subnets by these.
            tags={"Name": f"{self._base}-{kind}-{zone}", f"kubernetes.io/role/{role}": "1"},
            opts=self._child,
        )

    def _public_routes(self, vpc: aws.ec2.Vpc, gateway: aws.ec2.InternetGateway, public: Mapping[str, aws.ec2.Subnet]) -> None:
        table = self._table("public", vpc)
        self.ways_out.append(
            aws.ec2.Route(
                f"{self._base}-public-default",
                route_table_id=table.id,
                destination_cidr_block=ANYWHERE,
                gateway_id=gateway.id,
                opts=self._child,
            )
        )
        for zone, subnet in public.items():
            self._associate("public", zone, subnet, table)

    def _nat_gateways(
        self, gateway: aws.ec2.InternetGateway, public: Mapping[str, aws.ec2.Subnet], zones: list[str]
    ) -> dict[str, aws.ec2.NatGateway]:
        nats: dict[str, aws.ec2.NatGateway] = {}
        # A NAT gateway works only once its VPC has a way out, and its address can be given back only after it.
        after = pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=[gateway]))
        for zone in zones:
            tags = {"Name": f"{self._base}-nat-{zone}"}
            address = aws.ec2.Eip(f"{self._base}-nat-address-{zone}", domain="vpc", tags=tags, opts=after)
            nats[zone] = aws.ec2.NatGateway(
                f"{self._base}-nat-{zone}", allocation_id=address.id, subnet_id=public[zone].id, tags=tags, opts=after
            )
        return nats

    def _private_routes(
        self, vpc: aws.ec2.Vpc, nats: Mapping[str, aws.ec2.NatGateway], private: Mapping[str, aws.ec2.Subnet]
    ) -> list[aws.ec2.RouteTable]:
        """A table for each zone even with a single NAT gateway: going from one to many then changes a route and replaces nothing."""
        shared = next(iter(nats.values()))
        tables: list[aws.ec2.RouteTable] = []
        for zone, subnet in private.items():
            table = self._table(f"private-{zone}", vpc)
            route = aws.ec2.Route(
                f"{self._base}-private-{zone}-default",
                route_table_id=table.id,
                destination_cidr_block=ANYWHERE,
                nat_gateway_id=nats.get(zone, shared).id,
                opts=self._child,
            )
            self.ways_out.append(route)
            self._associate("private", zone, subnet, table)
            tables.append(table)
        return tables

    def _table(self, kind: str, vpc: aws.ec2.Vpc) -> aws.ec2.RouteTable:
        return aws.ec2.RouteTable(f"{self._base}-{kind}-routes", vpc_id=vpc.id, tags={"Name": f"{self._base}-{kind}"}, opts=self._child)

    def _associate(self, kind: str, zone: str, subnet: aws.ec2.Subnet, table: aws.ec2.RouteTable) -> None:
        name = f"{self._base}-{kind}-{zone}-routes-of"
        self.ways_out.append(aws.ec2.RouteTableAssociation(name, subnet_id=subnet.id, route_table_id=table.id, opts=self._child))
