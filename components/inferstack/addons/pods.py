"""What the pods of add-ons ask for. The numbers are those that the planner sized the system nodes with."""

from __future__ import annotations

from ..clouds.eks import AGENTS, CLOUD_CONTROLLERS
from ..clouds.nodes import CONTROLLERS, DIRECT_AGENTS, FABRIC_AGENTS, OPERATORS

_AGENTS = {agent.name: agent for agent in (*CONTROLLERS, *OPERATORS, *CLOUD_CONTROLLERS, *AGENTS, *FABRIC_AGENTS, *DIRECT_AGENTS)}


def requests(pod: str) -> dict[str, str]:
    """CPU and memory that `pod` requests. A pod that nobody planned for is a KeyError."""
    agent = _AGENTS[pod]
    return {"cpu": f"{agent.millicores}m", "memory": f"{agent.mib}Mi"}
