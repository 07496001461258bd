"""A real API server takes what is rendered. Runs where `etcd`, `kube-apiserver` and `openssl` are on PATH."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inferstack import manifests, planning, stackfile
from inferstack.planning.types import ServicePlan
from tests.manifests import api_server, crd_schema
from tests.manifests.sample_plans import ALL, gpu_plan
from tests.manifests.test_stacks import STACKS, planned

EXAMPLES = sorted(path for folder in ("engines", "shapes") for path in (Path(__file__).parents[2] / "examples" / folder).glob("*.yaml"))
MISSING = api_server.missing_tools()
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not on PATH: {', '.join(MISSING)}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[api_server.ApiServer]:
    with api_server.running(tmp_path_factory.mktemp("api-server")) as started:
        started.define(crd_schema.records())
        started.apply(manifests.namespace("inference"), dry_run=False)
        yield started


@pytest.mark.parametrize("plan", ALL, ids=lambda plan: plan.name)
def test_server_takes_every_object(server: api_server.ApiServer, plan: ServicePlan) -> None:
    """Applied on the server's side with strict field validation, every object of a service is accepted, CEL rules included."""
    secrets = [manifests.secret(plan, kind, f"<{kind}>") for kind in manifests.secrets_needed(plan)]
    for item in (*secrets, *manifests.service_objects(plan)):
        assert server.apply(item)["kind"] == item["kind"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_server_takes_every_example(server: api_server.ApiServer, path: Path) -> None:
    """Every object of the stack files of engines and of serving shapes is accepted."""
    for item in manifests.stack_objects(planning.plan(stackfile.load(path))):
        assert server.apply(item)["kind"] == item["kind"]


@pytest.mark.parametrize("stack", STACKS)
def test_server_takes_every_stack(server: api_server.ApiServer, stack: str) -> None:
    """Every object of the stacks that the repository ships is accepted."""
    for item in manifests.stack_objects(planned(stack)):
        assert server.apply(item)["kind"] == item["kind"]


def test_server_is_strict(server: api_server.ApiServer) -> None:
    """The same server refuses an unknown field, so that its yes means something."""
    item: dict[str, Any] = manifests.inference_service(gpu_plan())
    item["spec"]["predictor"]["minReplica"] = 1
    with pytest.raises(api_server.Refused, match="minReplica"):
        assert server.apply(item)["kind"] == item["kind"]
