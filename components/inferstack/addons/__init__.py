"""What is installed into a cluster beside the services, as a Pulumi component."""

from __future__ import annotations

from .component import AddonArgs, Addons, AddonsArgs

__all__ = ["AddonArgs", "Addons", "AddonsArgs"]
