"""What a good stack file becomes."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from inferstack import stackfile
from inferstack.catalog import CapacityType
from inferstack.errors import InputError
from inferstack.stackfile.schema import ReplicaRange
from tests.stackfile import files

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["dev", "staging", "prod", "local"])
def test_our_own_stacks_are_read(name: str) -> None:
    """Each stack file of this repository is good, and is named after its stem."""
    made = stackfile.load(ROOT / f"Pulumi.{name}.yaml")
    assert made.stack == name
    assert made.services


def test_a_file_and_what_pulumi_makes_of_it_are_the_same(tmp_path: Path) -> None:
    """A program under Pulumi gets objects as JSON text, and reads the same stack file from them as from the file."""
    path = files.write(tmp_path, files.GOOD)
    as_text = {key: json.dumps(value) for key, value in files.config().items()}
    loaded = stackfile.load(path)
    assert files.read(as_text).model_copy(update={"source": loaded.source}) == loaded


def test_types_are_what_the_planner_wants() -> None:
    """Lists become tuples, names of capacity types the enum, money Decimal without the noise of floats."""
    made = files.read(files.config(files.service(capacityType="spot", replicas={"min": 1, "max": 3}), budget={"maxMonthlyUsd": 1500.10}))
    assert made.services[0].capacity_type is CapacityType.SPOT
    assert made.services[0].replicas == ReplicaRange(min=1, max=3)
    assert made.budget.max_monthly_usd == Decimal("1500.1")


def test_keys_without_a_namespace_are_ours(tmp_path: Path) -> None:
    """Pulumi writes `target` for a key of the project's own namespace; it means `inferstack:target`."""
    made = stackfile.load(files.write(tmp_path, files.GOOD.replace("inferstack:", "")))
    assert made.target.cloud == "gke"


def test_other_namespaces_pass_and_only_known_settings_are_kept() -> None:
    """Settings of providers are left alone; the few that plans read are kept, and secrets among them are not."""
    others = {"aws:secretKey": "x", "gcp:project": "acme", "pulumi:disable-default-providers": ["*"], "kubernetes:context": "kind"}
    assert files.read(files.config() | others).provider == {"gcp:project": "acme"}
    assert files.read(files.config() | others, secret_keys=["gcp:project"]).provider == {}


def test_pulumis_own_keys_pass(tmp_path: Path) -> None:
    """What Pulumi keeps at the top of a stack file is no business of ours."""
    own = "encryptionsalt: v1:a:b\nsecretsprovider: gcpkms://x\nencryptedkey: abc\nenvironment: [shared]\n"
    assert stackfile.load(files.write(tmp_path, own + files.GOOD)).stack == "test"


def test_secrets_are_only_known_to_be_there(tmp_path: Path) -> None:
    """An encrypted token or key leaves nothing behind but the fact that it is set."""
    secure = "  inferstack:huggingFaceToken: {secure: v1:abc:defgh}\n"
    made = stackfile.load(files.write(tmp_path, files.GOOD + secure))
    assert (made.has_hugging_face_token, made.has_api_key) == (True, False)
    assert "defgh" not in made.model_dump_json()


def test_secret_keys_of_a_running_program_are_not_looked_at() -> None:
    """Pulumi hands a program the decrypted text and the list of secret keys; the text goes nowhere."""
    made = files.read(files.config(apiKey="correct horse"), secret_keys=["inferstack:apiKey"])
    assert made.has_api_key
    assert "horse" not in made.model_dump_json()


def test_anchors_and_merge_keys_work(tmp_path: Path) -> None:
    """What services share may be written once: aliases and `<<`, explicit keys winning."""
    text = """\
config:
  inferstack:target: {cloud: gke, region: us-central1}
  inferstack:services:
    - &base
      name: one
      model: Qwen/Qwen3-8B
      traffic: &load {requestsPerSecond: 2, isl: 512, osl: 256}
    - <<: *base
      name: two
      traffic: {<<: *load, isl: 100}
"""
    one, two = stackfile.load(files.write(tmp_path, text)).services
    assert (two.name, two.model, two.traffic.isl, two.traffic.osl) == ("two", one.model, 100, 256)


def test_scalars_are_read_as_pulumi_reads_them(tmp_path: Path) -> None:
    """YAML 1.2: `no` and dates are text, 1_000 and 0x10 are numbers, exponents need no dot."""
    text = files.GOOD + "  inferstack:budget: {maxMonthlyUsd: 1e3}\n"
    text = text.replace("isl: 512", "isl: 0x200").replace("osl: 256", "osl: 1_000")
    made = stackfile.load(files.write(tmp_path, text.replace("cloud: gke", "cloud: gke, kubeconfigContext: ~, namespace: no")))
    assert (made.target.namespace, made.target.kubeconfig_context) == ("no", None)
    assert (made.services[0].traffic.isl, made.services[0].traffic.osl) == (512, 1000)
    assert made.budget.max_monthly_usd == 1000


def test_a_model_by_its_dimensions() -> None:
    """A model that is in no catalog is given as a mapping in the place of its name."""
    made = files.read(files.config(files.service(model={"id": "acme/own", "config": "config.json"})))
    model = made.services[0].model
    assert isinstance(model, stackfile.CustomModel)
    assert model.config == "config.json"


def test_importing_the_room_costs_no_pydantic() -> None:
    """The package itself is free of pydantic and YAML: a program that only asks for help does not pay for them."""
    import subprocess
    import sys

    code = "import sys, inferstack.stackfile; print([name for name in ('pydantic', 'yaml') if name in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT / "components")}
    )
    assert ran.stdout.strip() == "[]"


def test_every_public_name_is_there() -> None:
    """`__all__` names what can be had, and nothing else can."""
    for name in stackfile.__all__:
        assert getattr(stackfile, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = stackfile.nothing


def test_digits_of_other_kinds_in_keys_are_text() -> None:
    """A superscript is a digit to Unicode and no number; a key with one is reported like any other unknown key."""
    with pytest.raises(InputError, match="is not a key of the stack file"):
        files.read(files.config() | {"inferstack:0²": None})
