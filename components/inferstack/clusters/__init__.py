"""Clusters: new ones on EKS and GKE, each in a network of its own, and one that is there already. A cloud's SDK comes with its cluster.

What is decided (`cidrs`, `access`, `kubeconfig`, each cloud's `spec`) is data and free of Pulumi; the components make what was decided.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .args import EksClusterArgs, ExistingClusterArgs, GkeClusterArgs, NatGateways, SystemPoolArgs
    from .eks.cluster import EksCluster
    from .existing import ExistingCluster
    from .gke.cluster import GkeCluster

__all__ = [
    "EksCluster",
    "EksClusterArgs",
    "ExistingCluster",
    "ExistingClusterArgs",
    "GkeCluster",
    "GkeClusterArgs",
    "NatGateways",
    "SystemPoolArgs",
]

_HOMES = {"EksCluster": ".eks.cluster", "GkeCluster": ".gke.cluster", "ExistingCluster": ".existing"}


def __getattr__(name: str) -> Any:
    """Imports a cluster, and with it its cloud's SDK, when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, ".args"), __name__), name)
