"""A real API server takes what is rendered. Runs where `etcd`, `kube-apiserver` and `openssl` are on PATH."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inferstack import manifests, planning, stackfile
from inferstack.addons.charts import OBJECTS
from inferstack.addons.settings import Settings
from inferstack.clouds.addons import ADDONS
from inferstack.manifests.pod_security import pods
from inferstack.planning.types import ServicePlan
from tests.manifests import api_server, crd_schema
from tests.manifests.sample_plans import ALL, gpu_plan
from tests.manifests.test_stacks import STACKS, planned

EXAMPLES = sorted(path for folder in ("engines", "shapes") for path in (Path(__file__).parents[2] / "examples" / folder).glob("*.yaml"))
JOINED = next(path for path in EXAMPLES if path.stem == "multi-node-tcpxo")
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


@pytest.mark.parametrize("addon", sorted(OBJECTS))
def test_server_takes_what_joins_gpus(server: api_server.ApiServer, addon: str) -> None:
    """GPUDirect's networks, and what prepares nodes for it."""
    settings = Settings("v1", {}, images=ADDONS[addon].named_images(ADDONS[addon].version))
    for item in (*manifests.accelerator_network("accelerator-1", "vpc", "subnet"), *OBJECTS[addon](settings)):
        assert server.apply(item)["kind"] == item["kind"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_namespaces_admit_the_pods_of_their_stack(server: api_server.ApiServer, path: Path) -> None:
    """The server's own admission lets the pods of every example into the namespace that is rendered for it."""
    plan = planning.plan(stackfile.load(path))
    server.apply(manifests.namespace("own", manifests.level_of_stack(plan)), dry_run=False)
    for services in plan.servers:
        for part, spec in pods(services).items():
            name = spec.get("serviceAccountName", "default")
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "own"}}
            server.apply(account, dry_run=False)
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"{name}-{part}", "namespace": "own"}, "spec": spec}
            assert server.apply(pod)["kind"] == "Pod"


def test_a_stricter_namespace_admits_no_daemon_of_the_network(server: api_server.ApiServer) -> None:
    """The same admission refuses them where `baseline` is enforced, so that its yes means something."""
    plan = planning.plan(stackfile.load(JOINED))
    spec = pods(plan.services)["leader"]
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "writer", "namespace": "inference"}}
    server.apply(account, dry_run=False)
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "writer", "namespace": "inference"}, "spec": spec}
    with pytest.raises(api_server.Refused, match="violates PodSecurity"):
        server.apply(pod)


def test_server_is_strict(server: api_server.ApiServer) -> None:
    """The same server refuses an unknown field, so that its yes means something."""
    item: dict[str, Any] = manifests.inference_service(gpu_plan())
    item["spec"]["predictor"]["minReplica"] = 1
    with pytest.raises(api_server.Refused, match="minReplica"):
        assert server.apply(item)["kind"] == item["kind"]
