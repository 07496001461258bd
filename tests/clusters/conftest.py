"""Previews that many tests read: made once."""

from __future__ import annotations

import pytest

from inferstack.offline import Preview
from tests.clusters.programs import EKS, GKE, previewed


@pytest.fixture(scope="session")
def eks(tmp_path_factory: pytest.TempPathFactory) -> Preview:
    """An EKS cluster with every option, and pools of each kind on it."""
    return previewed(tmp_path_factory.mktemp("eks"), EKS)


@pytest.fixture(scope="session")
def gke(tmp_path_factory: pytest.TempPathFactory) -> Preview:
    """A GKE cluster and pools of each kind on it."""
    return previewed(tmp_path_factory.mktemp("gke"), GKE)
