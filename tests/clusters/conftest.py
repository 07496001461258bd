"""Previews that many tests read: made once."""

from __future__ import annotations

import pytest

from inferstack.offline import Preview
from tests.clusters.programs import EKS, GKE, previewed


@pytest.fixture(scope="session", autouse=True)
def _outputs_are_not_text() -> object:
    """An Output formatted into a text is an error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULUMI_ERROR_OUTPUT_STRING", "true")
        yield


@pytest.fixture(scope="session")
def eks(tmp_path_factory: pytest.TempPathFactory, _outputs_are_not_text: object) -> Preview:
    """An EKS cluster with every option, and pools of each kind on it."""
    return previewed(tmp_path_factory.mktemp("eks"), EKS)


@pytest.fixture(scope="session")
def gke(tmp_path_factory: pytest.TempPathFactory, _outputs_are_not_text: object) -> Preview:
    """A GKE cluster and pools of each kind on it."""
    return previewed(tmp_path_factory.mktemp("gke"), GKE)
