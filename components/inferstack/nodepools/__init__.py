"""Node pools: the machines that services run on. One component for every cloud that makes nodes, one translator for each cloud.

`rules` and the translators `eks` and `gke` decide, as data and without Pulumi; `eks_group` and `gke_pool` make what was decided.
"""

from .args import GpuNodePoolArgs
from .pool import GpuNodePool
from .reference import ClusterReference

__all__ = ["ClusterReference", "GpuNodePool", "GpuNodePoolArgs"]
