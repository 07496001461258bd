"""A new engine is one class: planned, priced and rendered without an edit anywhere else."""

from __future__ import annotations

import pytest

from inferstack import engines, manifests, planning
from tests.engines.fake import FakeEngine
from tests.planning.stacks import plan, service


def test_an_engine_that_the_library_does_not_know_is_planned_like_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registered alone, the fake engine is chosen, sized, priced, and asked for its container; its notes become warnings."""
    fake = FakeEngine()
    monkeypatch.setattr(engines, "engines", lambda: {fake.name: fake})
    made = plan(service(traffic={"requestsPerSecond": 20, "isl": 500, "osl": 200}, gpu="l4"))
    (chosen,) = made.services
    assert chosen.spec.engine == "fake"
    assert chosen.meets_slo
    assert made.costs.monthly_usd.expected > 0
    assert "the fake engine answers nothing" in chosen.warnings
    assert planning.service_document(chosen)["engine"]["version"] == fake.release.version
    assert chosen.replicas.max > 1
    assert chosen.replicas.min == chosen.replicas.max, "it has no metric to scale on"
    assert made.pools[0].nodes.min == made.pools[0].nodes.max
    runtime = next(item for item in manifests.service_objects(chosen) if item["kind"] == "ServingRuntime")
    assert runtime["spec"]["containers"][0]["command"] == ["fake", "serve"]
