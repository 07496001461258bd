"""The EKS cluster component. No `from __future__ import annotations` here: Pulumi reads these types at run time."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from ...boundary import read, refusals
from ...errors import InputError
from ...nodepools.eks_group import create_eks_group
from ...nodepools.reference import ClusterReference
from ...planning import cost_document
from ..access import NOBODY
from ..args import EksClusterArgs
from ..computed import filled_in
from ..document import cluster_cost, eks_document
from ..kubeconfig import eks_kubeconfig
from .addons import addons_after_nodes, addons_before_nodes
from .iam import CLUSTER_POLICIES, KEY_ACTIONS, NODE_POLICIES, policy, role_with_policies, trust
from .network import EksNetwork
from .spec import EksSpec, eks_spec

LOG_TYPES = ("api", "audit", "authenticator")
KEY_DELETION_DAYS = 30
"""The longest that KMS waits before a deleted key is gone: whoever deletes it by mistake loses every secret of the cluster."""
ADMIN_POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
TOKEN_AUDIENCE = "sts.amazonaws.com"


class EksCluster(pulumi.ComponentResource):
    """A private EKS cluster in a VPC of its own: encrypted secrets, logs, pod identity, EKS's add-ons, and a small pool for the system."""

    name: pulumi.Output[str]
    """Physical name."""
    kubeconfig: pulumi.Output[str]
    """Kubeconfig that asks the AWS CLI for a token; there is no secret in it."""
    endpoint: pulumi.Output[str]
    """URL of the Kubernetes API."""
    subnet_ids: pulumi.Output[dict[str, str]]
    """Private subnet for nodes, by zone."""
    node_role_arn: pulumi.Output[str]
    """IAM role of the nodes."""
    oidc_provider_arn: pulumi.Output[str]
    """IAM OIDC provider, for IAM roles for service accounts. EKS Pod Identity needs none of it."""
    plan: pulumi.Output[dict[str, Any]]
    """Version, zones, system nodes and who reaches the API."""
    cost: pulumi.Output[dict[str, Any]]
    """Cost of control plane, network and system nodes: the same tree as a stack's `costs`."""

    def __init__(self, name: str, args: EksClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Raises `pulumi.RunError` with every reason why `args` cannot be a cluster; nothing is registered then."""
        with refusals("EksCluster", name):
            spec = eks_spec(read(args, EksClusterArgs))
            _refuse_unreachable(spec)
        super().__init__("inferstack:index:EksCluster", name, None, opts)
        self._base, self._spec = name, spec
        self._child = pulumi.ResourceOptions(parent=self)
        self.network = EksNetwork(
            f"{name}-network",
            {"cidr": spec.network_cidr, "region": spec.region, "zones": list(spec.zones), "nat_per_zone": spec.nat_per_zone},
            self._child,
        )
        self.cluster = self._control_plane()
        self.security_group_id: pulumi.Output[str] = filled_in(self.cluster.arn, self.cluster.vpc_config.cluster_security_group_id)
        """Security group that EKS gives the control plane and every node."""
        access = self._access()
        oidc = self._oidc_provider()
        node_role, attachments = role_with_policies(f"{name}-node-role", trust("ec2.amazonaws.com"), NODE_POLICIES, self._child)
        before = addons_before_nodes(name, self.cluster.name, self._child)
        self.reference = self._reference(node_role, oidc, [*attachments, *before, *self.network.ways_out])
        """What pools and add-ons take. Its name waits for all that a node needs: role policies, add-ons, a way out."""
        system = create_eks_group(f"{name}-system", spec.system_pool, self.reference, self._child)
        after = addons_after_nodes(name, self.cluster.name, [system], spec.volume_kinds, self._child)
        self.provider = self._kubernetes([system, *after, *access])
        """Kubernetes provider; what it makes comes after the system nodes and goes before them."""
        self._outputs(node_role, oidc)

    def _control_plane(self) -> aws.eks.Cluster:
        name, spec = self._base, self._spec
        role, attachments = role_with_policies(f"{name}-cluster-role", trust("eks.amazonaws.com"), CLUSTER_POLICIES, self._child)
        key = aws.kms.Key(
            f"{name}-secrets-key",
            description=f"Kubernetes secrets of {spec.cluster_name}",
            enable_key_rotation=True,
            deletion_window_in_days=KEY_DELETION_DAYS,
            tags={"Name": f"{spec.cluster_name}-secrets"},
            opts=self._protected(),
        )
        use_key = aws.iam.RolePolicy(
            f"{name}-cluster-role-secrets-key",
            role=role.name,
            policy=key.arn.apply(lambda arn: policy([{"Effect": "Allow", "Action": list(KEY_ACTIONS), "Resource": arn}])),
            opts=self._child,
        )
        # Made before EKS makes one of that name which nobody would ever clean up, and which keeps logs for ever.
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/eks/{spec.cluster_name}/cluster",
            retention_in_days=spec.log_retention_days,
            opts=self._child,
        )
        return aws.eks.Cluster(
            f"{name}-cluster",
            name=spec.cluster_name,
            version=spec.kubernetes_version,
            role_arn=role.arn,
            vpc_config=cast("Any", _vpc_config(spec, self.network.subnet_ids)),
            access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": True},
            encryption_config={"provider": {"key_arn": key.arn}, "resources": ["secrets"]},
            enabled_cluster_log_types=list(LOG_TYPES),
            bootstrap_self_managed_addons=False,
            # Extended support costs six times as much; the cluster is upgraded instead when standard support ends.
            upgrade_policy={"support_type": "STANDARD"},
            deletion_protection=spec.deletion_protection,
            tags={"Name": spec.cluster_name},
            # The role's policies go last on destroy: without them EKS leaves network interfaces behind that hold the VPC.
            opts=pulumi.ResourceOptions.merge(
                self._protected(),
                pulumi.ResourceOptions(depends_on=[*attachments, use_key, logs], delete_before_replace=True),
            ),
        )

    def _access(self) -> list[pulumi.Resource]:
        """Administrators beside the one who makes the cluster, and the private networks that may talk to its API."""
        name, spec = self._base, self._spec
        made: list[pulumi.Resource] = []
        for arn in spec.admin_role_arns:
            slug = arn.partition(":role/")[2].replace("/", "-")
            entry = aws.eks.AccessEntry(f"{name}-admin-{slug}", cluster_name=self.cluster.name, principal_arn=arn, opts=self._child)
            admin = aws.eks.AccessPolicyAssociation(
                f"{name}-admin-{slug}-policy",
                cluster_name=self.cluster.name,
                principal_arn=entry.principal_arn,
                policy_arn=ADMIN_POLICY,
                access_scope={"type": "cluster"},
                opts=self._child,
            )
            made.append(admin)
        for cidr in spec.access.private:
            rule = aws.vpc.SecurityGroupIngressRule(
                f"{name}-api-from-{cidr.replace('/', '-')}",
                security_group_id=self.security_group_id,
                description="Kubernetes API",
                cidr_ipv4=cidr,
                ip_protocol="tcp",
                from_port=443,
                to_port=443,
                opts=self._child,
            )
            made.append(rule)
        return made

    def _oidc_provider(self) -> aws.iam.OpenIdConnectProvider:
        """EKS signs with a certificate of a public authority, so that IAM needs no thumbprint."""
        return aws.iam.OpenIdConnectProvider(
            f"{self._base}-oidc",
            url=self.cluster.identities[0].oidcs[0].issuer,
            client_id_lists=[TOKEN_AUDIENCE],
            tags={"Name": f"{self._spec.cluster_name}-oidc"},
            opts=self._child,
        )

    def _reference(
        self, node_role: aws.iam.Role, oidc: aws.iam.OpenIdConnectProvider, ready: Sequence[pulumi.Resource]
    ) -> ClusterReference:
        spec = self._spec
        # URNs are known even in a preview, so that waiting for these resources does not make the name unknown: a pool whose cluster name
        # is unknown would be shown as replaced.
        named = pulumi.Output.all(self.cluster.name, *(resource.urn for resource in ready))
        return {
            "cloud": "eks",
            "name": named.apply(lambda values: values[0]),
            "region": spec.region,
            "zones": list(spec.zones),
            "kubernetes_version": spec.kubernetes_version,
            "subnet_ids": dict(self.network.subnet_ids),
            "node_role_arn": node_role.arn,
            "oidc_provider_arn": oidc.arn,
            "security_group_id": self.security_group_id,
            "vpc_id": self.network.vpc_id,
        }

    def _kubernetes(self, ready: Sequence[pulumi.Resource]) -> kubernetes.Provider:
        spec, cluster = self._spec, self.cluster
        self.kubeconfig = pulumi.Output.all(cluster.endpoint, cluster.certificate_authority.data).apply(
            lambda known: eks_kubeconfig(spec.cluster_name, spec.region, known[0], known[1], spec.aws_profile)
        )
        return kubernetes.Provider(
            f"{self._base}-kubernetes",
            kubeconfig=self.kubeconfig,
            # The endpoint is this very cluster's for its whole life: only another cluster replaces what runs on it, not a new kubeconfig.
            cluster_identifier=cluster.endpoint,
            opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=list(ready))),
        )

    def _protected(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(protect=self._spec.deletion_protection or None))

    def _outputs(self, node_role: aws.iam.Role, oidc: aws.iam.OpenIdConnectProvider) -> None:
        spec = self._spec
        self.name = self.cluster.name
        self.endpoint = self.cluster.endpoint
        self.subnet_ids = self.network.private_subnet_ids
        self.node_role_arn = node_role.arn
        self.oidc_provider_arn = oidc.arn
        self.plan = pulumi.Output.from_input(eks_document(spec))
        cost = cluster_cost("eks", spec.region, spec.zones, spec.nat_per_zone, spec.system_pool)
        self.cost = pulumi.Output.from_input(cost_document(cost))
        self.register_outputs(
            {
                "name": self.name,
                "kubeconfig": self.kubeconfig,
                "endpoint": self.endpoint,
                "subnetIds": self.subnet_ids,
                "nodeRoleArn": self.node_role_arn,
                "oidcProviderArn": self.oidc_provider_arn,
                "plan": self.plan,
                "cost": self.cost,
            }
        )


def _vpc_config(spec: EksSpec, subnets: Mapping[str, pulumi.Input[str]]) -> dict[str, Any]:
    """Nodes and joined networks use the private endpoint; the public one exists only for the public ranges that were named."""
    config: dict[str, Any] = {
        "subnet_ids": [subnets[zone] for zone in sorted(spec.zones)],
        "endpoint_private_access": True,
        "endpoint_public_access": bool(spec.access.public),
    }
    return config | ({"public_access_cidrs": list(spec.access.public)} if spec.access.public else {})


def _refuse_unreachable(spec: EksSpec) -> None:
    """Nobody outside reaches the API: said in a preview, refused in a deployment, which would stop at the first Kubernetes object."""
    if spec.access.any:
        return
    if pulumi.runtime.is_dry_run():
        pulumi.log.warn(f"EksCluster {spec.cluster_name}: {NOBODY}. `pulumi up` will refuse this.")
    else:
        raise InputError([NOBODY])
