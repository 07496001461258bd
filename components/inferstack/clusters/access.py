"""Who can reach the Kubernetes API from where: a decision, as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..clouds.cidrs import cidr_problem, is_private
from ..errors import Problem


@dataclass(frozen=True, slots=True)
class ApiAccess:
    """Ranges from which the API is reachable beside the cluster's own network."""

    public: tuple[str, ...]
    """On the internet."""
    private: tuple[str, ...]
    """In networks that are joined to the cluster's: a VPN, a peering."""

    @property
    def any(self) -> bool:
        return bool(self.public or self.private)


def api_access(cidrs: Sequence[str]) -> ApiAccess:
    """The ranges sorted by kind: clouds take public ones for the public endpoint only, and refuse private ones there."""
    return ApiAccess(tuple(c for c in cidrs if not is_private(c)), tuple(c for c in cidrs if is_private(c)))


def access_problems(cidrs: Sequence[str]) -> Iterator[Problem]:
    """What is wrong with the ranges as they were written."""
    for index, cidr in enumerate(cidrs):
        problem = cidr_problem(f"api_access_cidrs[{index}]", cidr)
        if problem is not None:
            yield problem


NOBODY = Problem(
    "api_access_cidrs",
    "is empty, so that only machines inside the cluster's own network reach its API, and this deployment, which has to make objects there, "
    "is not one of them",
    None,
    "list the address that you deploy from, such as 203.0.113.7/32, or the range of a private network that is joined to the cluster's",
)
"""The answer to a deployment of an EKS cluster that nobody outside could talk to."""
