"""The EKS cluster: network, control plane, order."""

from __future__ import annotations

import json

from inferstack.offline import UNKNOWN, Preview
from tests.clusters.programs import named, of_type, waits_for

ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")


def test_nodes_are_in_private_subnets(eks: Preview) -> None:
    """No subnet gives out public addresses, node groups are in private subnets only, and each has a way out through NAT."""
    assert all(subnet.inputs["mapPublicIpOnLaunch"] is False for subnet in of_type(eks, "aws:ec2/subnet:Subnet"))
    private = {named(eks, f"serving-network-private-{zone}").urn for zone in ZONES}
    for group in of_type(eks, "aws:eks/nodeGroup:NodeGroup"):
        assert set(group.property_dependencies["subnetIds"]) <= private
        assert {f"serving-network-private-{zone}-default" for zone in ZONES} <= waits_for(eks, group)


def test_subnets_can_be_found_by_load_balancers(eks: Preview) -> None:
    """Private subnets are marked for internal load balancers, public ones for the others."""
    for zone in ZONES:
        assert named(eks, f"serving-network-private-{zone}").inputs["tags"]["kubernetes.io/role/internal-elb"] == "1"
        assert named(eks, f"serving-network-public-{zone}").inputs["tags"]["kubernetes.io/role/elb"] == "1"


def test_nat_in_each_zone_where_asked(eks: Preview) -> None:
    """With NAT per zone every zone routes to its own gateway."""
    for zone in ZONES:
        route = named(eks, f"serving-network-private-{zone}-default")
        assert route.property_dependencies["natGatewayId"] == (named(eks, f"serving-network-nat-{zone}").urn,)


def test_s3_needs_no_nat(eks: Preview) -> None:
    """A gateway endpoint serves every private route table."""
    endpoint = named(eks, "serving-network-s3")
    assert endpoint.inputs["vpcEndpointType"] == "Gateway"
    assert endpoint.inputs["serviceName"] == "com.amazonaws.us-east-1.s3"
    assert len(endpoint.inputs["routeTableIds"]) == len(ZONES)


def test_control_plane_is_private_encrypted_and_logged(eks: Preview) -> None:
    """Secrets are encrypted with a key of the cluster, logs are kept for a limited time, access goes by API, no add-on comes unmanaged."""
    cluster = named(eks, "serving-cluster")
    assert cluster.inputs["vpcConfig"]["endpointPrivateAccess"] is True
    assert cluster.inputs["encryptionConfig"]["resources"] == ["secrets"]
    assert named(eks, "serving-secrets-key").urn in cluster.property_dependencies["encryptionConfig"]
    assert cluster.inputs["enabledClusterLogTypes"] == ["api", "audit", "authenticator"]
    logs = named(eks, "serving-logs")
    assert logs.inputs == {"name": "/aws/eks/serving/cluster", "retentionInDays": 30}
    assert logs.urn in cluster.dependencies
    assert cluster.inputs["accessConfig"]["authenticationMode"] == "API"
    assert cluster.inputs["bootstrapSelfManagedAddons"] is False
    assert cluster.inputs["upgradePolicy"] == {"supportType": "STANDARD"}


def test_api_is_open_to_the_named_ranges_only(eks: Preview) -> None:
    """Public ranges open the public endpoint, private ranges a port of the cluster's security group; neither does the other's."""
    config = named(eks, "serving-cluster").inputs["vpcConfig"]
    assert config["endpointPublicAccess"] is True
    assert config["publicAccessCidrs"] == ["203.0.113.0/24"]
    (rule,) = of_type(eks, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert (rule.inputs["cidrIpv4"], rule.inputs["fromPort"], rule.inputs["toPort"]) == ("192.168.0.0/16", 443, 443)
    assert rule.inputs["securityGroupId"] == UNKNOWN


def test_roles_outlive_what_needs_them(eks: Preview) -> None:
    """The control plane waits for its role's policies and nodes for theirs, so that destroy takes the policies last."""
    cluster = named(eks, "serving-cluster")
    assert {"serving-cluster-role-AmazonEKSClusterPolicy", "serving-cluster-role-secrets-key"} <= waits_for(eks, cluster)
    policies = {resource.name for resource in eks.resources if resource.name.startswith("serving-node-role-")}
    assert len(policies) == 4
    for group in of_type(eks, "aws:eks/nodeGroup:NodeGroup"):
        assert policies <= waits_for(eks, group)


def test_addons_come_around_the_nodes(eks: Preview) -> None:
    """Network, proxy and pod identity come before every node; DNS, metrics and disks after the system nodes."""
    before = {"serving-vpc-cni", "serving-kube-proxy", "serving-eks-pod-identity-agent"}
    for group in of_type(eks, "aws:eks/nodeGroup:NodeGroup"):
        assert before <= waits_for(eks, group)
    for addon in ("coredns", "metrics-server", "aws-ebs-csi-driver"):
        assert "serving-system-nodes" in waits_for(eks, named(eks, f"serving-{addon}"))
    assert not any("serving-system-nodes" in waits_for(eks, named(eks, name)) for name in before)


def test_network_policies_are_enforced(eks: Preview) -> None:
    """The network plugin is told to, as by itself it ignores them; the other add-ons keep their own values."""
    assert json.loads(named(eks, "serving-vpc-cni").inputs["configurationValues"]) == {"enableNetworkPolicy": "true"}
    assert "configurationValues" not in named(eks, "serving-kube-proxy").inputs


def test_disks_driver_uses_pod_identity(eks: Preview) -> None:
    """The EBS driver takes its role by EKS Pod Identity, whose trust allows session tags, and waits for the role's policy."""
    driver = named(eks, "serving-aws-ebs-csi-driver")
    assert driver.inputs["podIdentityAssociations"] == [{"roleArn": UNKNOWN, "serviceAccount": "ebs-csi-controller-sa"}]
    trusted = json.loads(named(eks, "serving-ebs-csi-role").inputs["assumeRolePolicy"])
    (statement,) = trusted["Statement"]
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert set(statement["Action"]) == {"sts:AssumeRole", "sts:TagSession"}
    assert "serving-ebs-csi-role-AmazonEBSCSIDriverPolicy" in waits_for(eks, driver)


def test_kubernetes_objects_come_after_nodes_and_access(eks: Preview) -> None:
    """What is made through the provider waits for system nodes, DNS and the rules that let the deployment in."""
    waited = waits_for(eks, named(eks, "serving-kubernetes"))
    assert {"serving-system-nodes", "serving-coredns", "serving-api-from-192.168.0.0-16", "serving-admin-team-admin-policy"} <= waited


def test_administrators_are_access_entries(eks: Preview) -> None:
    """Each named role gets an access entry with the cluster administrator's policy; no ConfigMap is involved."""
    entry = named(eks, "serving-admin-team-admin")
    assert entry.inputs["principalArn"] == "arn:aws:iam::123456789012:role/team/admin"
    assert named(eks, "serving-admin-team-admin-policy").inputs["policyArn"].endswith("AmazonEKSClusterAdminPolicy")


def test_protection_guards_cluster_and_key(eks: Preview) -> None:
    """With deletion protection neither the cloud nor Pulumi deletes the cluster, nor the key without which its secrets are lost."""
    cluster = named(eks, "serving-cluster")
    assert cluster.inputs["deletionProtection"] is True
    assert cluster.options["protect"] is True
    assert named(eks, "serving-secrets-key").options["protect"] is True


def test_system_nodes_carry_no_gpu_and_no_taint(eks: Preview) -> None:
    """System nodes are a fixed number of on-demand machines without taint, so that DNS and controllers find a place."""
    system = named(eks, "serving-system-nodes")
    assert "taints" not in system.inputs
    assert system.inputs["amiType"] == "AL2023_x86_64_STANDARD"
    assert system.inputs["capacityType"] == "ON_DEMAND"
    assert system.inputs["scalingConfig"] == {"minSize": 2, "maxSize": 2, "desiredSize": 2}
    assert "ignoreChanges" not in system.options
