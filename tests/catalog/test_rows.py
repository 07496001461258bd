"""Every row of the catalog: it has a source, its figures make sense, and what it refers to exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import permutations

import pytest

from inferstack import catalog
from inferstack.catalog import CapacityType, KvKind
from inferstack.catalog.tables import DATA, table

CLOUDS = ("eks", "gke")
MACHINES = [(cloud, machine) for cloud in CLOUDS for machine in catalog.machines(cloud)]
BASES = {"listed", "derived", "belief"}


def offerings() -> Iterator[tuple[catalog.Machine, catalog.Offering]]:
    for _, machine in MACHINES:
        for offering in machine.offerings:
            yield machine, offering


@pytest.mark.parametrize("name", sorted(path.stem for path in DATA.glob("*.json") if path.stem not in {*CLOUDS, "eks_fees", "gke_fees"}))
def test_every_file_is_dated(name: str) -> None:
    """Each data file says as of when it was collected; files of prices date each source instead."""
    assert date.fromisoformat(table(name)["as_of"]).year >= 2024


def test_models_have_sources_and_sensible_dimensions() -> None:
    """A model has a source, positive dimensions, KV heads that divide its heads, and no more active than total parameters."""
    for model in catalog.models().values():
        assert model.source, model.id
        assert model.kind in {"llm", "embedding", "rerank", "reward"}, model.id
        for column in ("hidden_size", "num_layers", "num_attention_heads", "num_kv_heads", "head_dim", "vocab_size"):
            assert getattr(model, column) > 0, (model.id, column)
        assert model.num_attention_heads % model.num_kv_heads == 0, model.id
        assert 0 < model.params_active <= model.params_total, model.id
        assert 0 <= model.params_vision < model.params_total, model.id
        assert model.is_moe == (model.top_k is not None), model.id


def test_kv_caches_match_their_kind() -> None:
    """Layers and elements of a KV cache are those that its kind has, and never more layers than the model."""
    for model in catalog.models().values():
        kv = model.kv
        assert kv.full_layers + kv.window_layers <= model.num_layers, model.id
        assert (kv.elements_full > 0) == (kv.full_layers > 0), model.id
        assert (kv.elements_window > 0) == (kv.window_layers > 0) == (kv.window_tokens > 0), model.id
        assert (kv.state_bytes > 0) == (kv.kind is KvKind.STATE), model.id
        if kv.kind is KvKind.NONE:
            assert kv.full_layers == kv.window_layers == 0, model.id
        if kv.kind is KvKind.FULL:
            assert kv.elements_full == 2 * model.num_kv_heads * model.head_dim * model.num_layers, model.id


@pytest.mark.parametrize(
    ("name", "bytes_per_token"),
    [
        ("meta-llama/Llama-3.1-70B-Instruct", 320 * 1024),
        ("meta-llama/Llama-3.1-8B-Instruct", 128 * 1024),
        ("deepseek-ai/DeepSeek-V3", 70_272),
        ("moonshotai/Kimi-K2-Instruct", 70_272),
        ("moonshotai/Kimi-K2-Thinking", 70_272),
        ("mistralai/Mistral-Small-4-119B-2603", 23_040),
        ("mistralai/Ministral-3-14B-Instruct-2512", 163_840),
        ("Qwen/Qwen3.8-27B", 65_536),
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", 22_528),
    ],
)
def test_kv_per_token_is_what_engines_log(name: str, bytes_per_token: int) -> None:
    """Bytes per token in 16 bits of the layers that keep every token are those of published engine logs."""
    assert catalog.models()[name].kv.elements_full * 2 == bytes_per_token


def test_sizes_of_files_confirm_the_counts() -> None:
    """Published sizes of 16-bit weights (GiB) are met within 2.5 %, where the repository may hold prediction layers that are not loaded."""
    published = {
        "Qwen/Qwen3.5-2B": 4.24,
        "Qwen/Qwen3.5-122B-A10B": 232.99,
        "Qwen/Qwen3.6-27B": 51.75,
        "Qwen/Qwen3.8-27B": 51.75,
        "ibm-granite/granite-4.1-8b": 16.38,
        "google/gemma-4-E4B-it": 14.89,
    }
    for name, gib in published.items():
        assert catalog.models()[name].params_total * 2 / 2**30 == pytest.approx(gib, rel=0.03), name


def test_gaps_are_none() -> None:
    """A model with gaps is kept apart, is not sized, and has None where nothing is known."""
    incomplete = catalog.incomplete_models()
    assert not incomplete.keys() & catalog.models().keys()
    for model in incomplete.values():
        missing = catalog.missing_dimensions(model)
        assert missing, model.id
        assert all(getattr(model, name) is None for name in missing)
        assert model.source
    assert all(catalog.missing_dimensions(model) == () for model in catalog.models().values())


def test_checkpoints_resolve() -> None:
    """A checkpoint belongs to its model, has a known quantization, a repository and a source; GGUF names its file, others none."""
    for name in catalog.models():
        found = catalog.checkpoints(name)
        assert found[0].uri == f"hf://{name}"
        for checkpoint in found:
            quantization = catalog.quantization(checkpoint.quantization)
            assert checkpoint.model == name
            assert quantization.name == checkpoint.quantization
            assert re.fullmatch(r"hf://[\w.-]+/[\w.-]+", checkpoint.uri), checkpoint
            assert checkpoint.source
            assert (checkpoint.file is not None) == (quantization.format == "gguf"), checkpoint
            assert checkpoint.file is None or checkpoint.file.endswith(".gguf")
            assert checkpoint.revision is None or re.fullmatch(r"[0-9a-f]{40}", checkpoint.revision), checkpoint
        assert len({(c.uri, c.quantization) for c in found}) == len(found), name


def test_every_listed_checkpoint_has_a_model() -> None:
    """No checkpoint is filed under a model that does not exist."""
    assert set(table("checkpoints")["checkpoints"]) <= {*catalog.models(), *catalog.incomplete_models()}


def test_bytes_of_files_confirm_the_formats() -> None:
    """Where the bytes of quantized weights are published, they lie between the bits of their format and those of 16-bit weights."""
    for model in catalog.models().values():
        for checkpoint in catalog.checkpoints(model.id):
            if checkpoint.weight_bytes is not None:
                bits = checkpoint.weight_bytes * 8 / model.params_total
                assert catalog.quantization(checkpoint.quantization).bits * 0.98 < bits < 16, checkpoint


@pytest.mark.parametrize(
    ("name", "quantization"),
    [
        ("Qwen/Qwen2.5-0.5B-Instruct", "gguf-q4_k_m"),
        ("Qwen/Qwen2.5-7B-Instruct", "gguf-q4_k_m"),
        ("Qwen/Qwen2.5-7B-Instruct", "awq"),
        ("meta-llama/Llama-3.2-1B-Instruct", "gguf-q8_0"),
        ("meta-llama/Llama-3.1-8B-Instruct", "fp8"),
        ("meta-llama/Llama-3.1-8B-Instruct", "int8"),
        ("meta-llama/Llama-3.3-70B-Instruct", "fp8"),
        ("meta-llama/Llama-3.3-70B-Instruct", "nvfp4"),
        ("Qwen/Qwen3-0.6B", "gguf-q8_0"),
        ("Qwen/Qwen3-32B", "fp8-block"),
        ("openai/gpt-oss-20b", "gguf-mxfp4"),
        ("openai/gpt-oss-120b", "mxfp4"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "gptq-int4"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "gguf-q4_k_m"),
    ],
)
def test_common_checkpoints_are_known(name: str, quantization: str) -> None:
    """The weights that users ask for most have a checkpoint in the usual quantizations."""
    assert quantization in {checkpoint.quantization for checkpoint in catalog.checkpoints(name)}


def test_small_open_models_run_without_a_token() -> None:
    """Small models for a laptop have GGUF files whose repositories ask for no licence."""
    for name in ("Qwen/Qwen2.5-0.5B-Instruct", "Qwen/Qwen2.5-1.5B-Instruct", "Qwen/Qwen3-0.6B", "Qwen/Qwen3-1.7B"):
        assert any(c.quantization == "gguf-q4_k_m" and c.gated is False for c in catalog.checkpoints(name)), name


def test_quantizations_are_consistent() -> None:
    """Bits, format and compute dtype are those that exist; only GGUF files are quantized as a whole."""
    for quantization in catalog.quantizations().values():
        assert 2 < quantization.bits <= 16
        assert quantization.format in {"safetensors", "gguf"}
        assert quantization.compute_dtype in {"fp16", "bf16", "fp8", "int8", "fp4"}
        assert quantization.source
        assert not quantization.whole_model or quantization.format == "gguf"


def test_schemes_are_rows_of_the_support_matrix() -> None:
    """Every scheme of a quantization is a row of vLLM's support matrix, so that support is always a lookup."""
    assert {quantization.scheme for quantization in catalog.quantizations().values()} <= set(catalog.engine_support("vllm"))


def test_support_matrices_speak_one_language() -> None:
    """Support is one of the five marks, for known silicon, whatever the engine."""
    silicon = {"sm70", "sm75", "sm80", "sm86", "sm89", "sm90", "sm100", "neuron", "cpu"}
    for engine in table("engines")["support"]:
        for scheme, row in catalog.engine_support(engine).items():
            assert set(row) <= silicon, (engine, scheme)
            assert set(row.values()) <= set("YWPN?"), (engine, scheme)
    assert catalog.engine_support("vllm")["fp8"]["sm89"] == "Y"
    assert catalog.engine_support("vllm")["fp8"]["sm80"] == "W"
    assert catalog.engine_support("vllm")["gguf"]["sm90"] == "P"
    assert catalog.engine_support("llama.cpp")["awq"]["cpu"] == "N"


def test_releases_are_pinned() -> None:
    """An engine release names an image with a tag that is not `latest`, its size, its date and its source."""
    for release in catalog.engine_releases().values():
        repository, _, tag = release.image.rpartition(":")
        assert repository
        assert tag not in {"", "latest"}, release
        assert release.image_gib > 0
        assert release.digest is None or re.fullmatch(r"sha256:[0-9a-f]{64}", release.digest)
        date.fromisoformat(release.as_of)
        assert release.source
    assert catalog.engine_release("vllm").image == "vllm/vllm-openai:v0.33.0"


def test_accelerators_make_sense() -> None:
    """Figures of an accelerator are positive or unknown, and what is marked as verified is complete."""
    for gpu in catalog.accelerators().values():
        assert gpu.source, gpu.id
        for value in (gpu.memory_gib, gpu.bandwidth_gb_s, gpu.nvlink_gb_s, gpu.pcie_gb_s, gpu.tdp_w, *gpu.dense_tflops.values()):
            assert value is None or value > 0, gpu.id
        assert (gpu.compute_capability is not None) == (gpu.vendor == "nvidia"), gpu.id
        assert set(gpu.dense_tflops) == {"fp16", "bf16", "fp8", "int8", "fp4"}, gpu.id
        if gpu.verified:
            assert None not in (gpu.memory_gib, gpu.bandwidth_gb_s, gpu.dense_tflops["fp16"]), gpu.id


def test_spellings_of_accelerators_are_unique() -> None:
    """No spelling belongs to two accelerators."""
    owners: dict[str, str] = {}
    for gpu in catalog.accelerators().values():
        for spelling in (gpu.id, gpu.name, *gpu.aliases):
            assert catalog.accelerator(spelling).id == gpu.id, spelling
            assert owners.setdefault(spelling.casefold(), gpu.id) == gpu.id, spelling


def test_memory_is_what_software_sees() -> None:
    """Visible memory is below the figure on the box: 80 GB are 79.2 GiB to torch, 24 GB of an L4 are 22 GiB."""
    visible = {
        gpu: catalog.accelerator(gpu).memory_gib for gpu in ("h100-80", "a100-80", "h200-141", "b200-180", "l4", "a10g", "t4", "l40s")
    }
    assert visible == {
        "h100-80": 79.18,
        "a100-80": 79.15,
        "h200-141": 139.8,
        "b200-180": 178.36,
        "l4": 22.03,
        "a10g": 22.3,
        "t4": 14.58,
        "l40s": 44.4,
    }


def test_nvlink_is_one_direction() -> None:
    """NVLink figures are for one direction, half of what data sheets print, and only where the part has it."""
    assert catalog.accelerator("h100-80").nvlink_gb_s == 450
    assert catalog.accelerator("a100-80").nvlink_gb_s == 300
    assert catalog.accelerator("b200-180").nvlink_gb_s == 900
    assert catalog.accelerator("l40s").nvlink_gb_s is None


@pytest.mark.parametrize(("cloud", "machine"), MACHINES, ids=lambda value: getattr(value, "name", value))
def test_machine_makes_sense(cloud: str, machine: catalog.Machine) -> None:
    """A machine refers to an accelerator and a CPU that exist, has what a node needs, and is sold wherever it has a price."""
    assert machine.cloud == cloud
    assert machine.vcpus > 0
    assert machine.memory_gib > 0
    assert machine.source
    assert machine.arch in {"x86_64", "arm64"}
    assert machine.link in {"none", "pcie", "nvlink"}
    assert (machine.accelerator is None) == (machine.accelerator_count == 0)
    if machine.accelerator is not None:
        gpu = catalog.accelerators()[machine.accelerator]
        assert isinstance(machine.accelerator_count, int)
        assert machine.accelerator_count > 1 or machine.link == "none"
        assert machine.link != "nvlink" or gpu.nvlink_gb_s is not None
    if machine.cpu is not None:
        assert catalog.cpus()[machine.cpu].bandwidth_gb_s > 0
        assert machine.cpu_share is not None
        assert 0 < machine.cpu_share <= 2
    assert {offering.region for offering in machine.offerings} <= set(machine.regions)
    assert set(machine.regions) <= set(catalog.regions(cloud))


def test_offerings_are_priced_sourced_and_dated() -> None:
    """An offering has a positive price, a source and a basis; a date is a date; nothing is sold twice in one way and place."""
    for machine, offering in offerings():
        assert offering.usd_per_hour is None or offering.usd_per_hour > 0
        assert offering.source
        assert offering.basis in BASES
        if offering.as_of:
            date.fromisoformat(offering.as_of)
        assert machine.offering(offering.region, offering.capacity_type) is offering


def test_spot_is_never_above_on_demand() -> None:
    """Spot is planned at the top of its range, capped at the on-demand price of the same machine and region, and has a bottom below it."""
    for machine, spot in offerings():
        if spot.capacity_type is CapacityType.SPOT:
            assert spot.usd_per_hour is not None
            assert spot.low_usd_per_hour is not None
            assert spot.low_usd_per_hour <= spot.usd_per_hour
            on_demand = machine.offering(spot.region, CapacityType.ON_DEMAND)
            assert on_demand is None or on_demand.usd_per_hour is None or spot.usd_per_hour <= on_demand.usd_per_hour


def test_bigger_costs_more_within_a_family() -> None:
    """Within a family (same prefix, same region, on-demand) a machine that has no less of anything never costs less."""
    families: dict[tuple[str, str], list[tuple[tuple[float, ...], Decimal]]] = {}
    for machine, offering in offerings():
        if offering.capacity_type is CapacityType.ON_DEMAND and offering.usd_per_hour is not None:
            family = re.split(r"\.|-\d+g?$", machine.name)[0]
            size = (machine.accelerator_count, machine.vcpus, machine.memory_gib)
            families.setdefault((family, offering.region), []).append((size, offering.usd_per_hour))
    for key, sizes in families.items():
        for (small, less), (big, more) in permutations(sizes, 2):
            if all(a <= b for a, b in zip(small, big, strict=True)):
                assert less <= more, key


@pytest.mark.parametrize(
    ("cloud", "gpu", "region", "usd"),
    [
        ("eks", "t4", "us-east-1", "0.53"),
        ("eks", "a10g", "eu-west-1", "1.12"),
        ("eks", "a10g", "ap-southeast-1", None),
        ("eks", "l4", "us-east-1", "0.80"),
        ("eks", "l4", "eu-west-1", None),
        ("eks", "l4", "eu-central-1", "1.01"),
        ("eks", "l40s", "us-east-1", "1.86"),
        ("eks", "a100-40", "us-east-1", "2.74"),
        ("eks", "a100-80", "us-west-2", "3.43"),
        ("eks", "h100-80", "us-east-1", "6.88"),
        ("eks", "h100-80", "ap-northeast-1", "8.60"),
        ("eks", "h200-141", "us-east-2", "7.91"),
        ("eks", "b200-180", "us-east-1", "14.24"),
        ("gke", "l4", "us-central1", "0.71"),
        ("gke", "l4", "asia-northeast1", "0.91"),
        ("gke", "a100-80", "us-east4", "5.71"),
        ("gke", "h100-80", "us-central1", "11.06"),
        ("gke", "rtx-pro-6000", "us-central1", "4.50"),
    ],
)
def test_cheapest_gpu_hour(cloud: str, gpu: str, region: str, usd: str | None) -> None:
    """The cheapest on-demand price of one GPU-hour is that of the price lists, and None where the GPU is not sold."""
    prices = [
        offering.usd_per_hour / machine.accelerator_count
        for machine in catalog.machines(cloud)
        if machine.accelerator == gpu
        and (offering := machine.offering(region, CapacityType.ON_DEMAND)) is not None
        and offering.usd_per_hour is not None
    ]
    assert (None if usd is None else Decimal(usd)) == (min(prices).quantize(Decimal("0.01"), "ROUND_HALF_EVEN") if prices else None)


def test_unknown_prices_are_absent_not_zero() -> None:
    """Machines without a list price have no on-demand offering, wherever they are sold."""
    for cloud, name in (("eks", "p5e.48xlarge"), ("eks", "trn2.48xlarge"), ("gke", "a4-highgpu-8g")):
        machine = catalog.machine(cloud, name)
        assert all(offering.capacity_type is not CapacityType.ON_DEMAND for offering in machine.offerings), name
    assert "us-east-2" in catalog.machine("eks", "p5e.48xlarge").regions


def test_what_is_only_sold_reserved_says_so() -> None:
    """Machines that Google does not sell on-demand carry their list price as the price of a reservation."""
    machine = catalog.machine("gke", "a3-highgpu-1g")
    assert machine.offering("us-central1", CapacityType.ON_DEMAND) is None
    reserved = machine.offering("us-central1", CapacityType.RESERVED)
    assert reserved is not None
    assert reserved.usd_per_hour == pytest.approx(Decimal("11.06"), abs=Decimal("0.01"))


def test_machines_that_cannot_be_planned_are_left_out() -> None:
    """Fractions of a GPU, machines without known vCPUs, retired ones and attached GPUs stay in the data but are never offered."""
    names = {machine.name for _, machine in MACHINES}
    assert not names & {"g6f.xlarge", "g4-standard-6", "u-p6e-gb200x72", "p3.2xlarge", "n1-standard-4+1xT4"}


def test_zones_belong_to_their_region() -> None:
    """Zones are full names in their region, and those of a machine type are among them."""
    for cloud in CLOUDS:
        for region in catalog.regions(cloud):
            known = catalog.zones(cloud, region)
            assert all(re.fullmatch(re.escape(region) + "-?[a-z]", zone) for zone in known), region
    for cloud, machine in MACHINES:
        for region in machine.regions:
            assert set(catalog.zones(cloud, region, machine.name)) <= set(catalog.zones(cloud, region)), machine.name
    assert catalog.zones("gke", "us-central1", "g2-standard-8") == ("us-central1-a", "us-central1-b", "us-central1-c")
    assert catalog.zones("eks", "mars-1") == ()


def test_nodes_of_each_cloud_have_what_its_pools_need() -> None:
    """AWS machines name their AMI types and pod capacity, Google's GPU machines their accelerator label."""
    for cloud, machine in MACHINES:
        if cloud == "eks":
            assert machine.facts["ami_types"], machine.name
        if cloud == "gke" and machine.accelerator is not None:
            assert machine.facts["accelerator_label"].startswith("nvidia-"), machine.name


@pytest.mark.parametrize("cloud", CLOUDS)
def test_fees_are_sourced(cloud: str) -> None:
    """A fee has a unit, a source and a basis; what is only believed has no date and says so."""
    for name, fee in catalog.fees(cloud).items():
        assert fee.name == name
        assert fee.unit
        assert fee.source
        assert fee.basis in BASES
        assert fee.usd is not None
        assert fee.usd >= 0
        assert fee.as_of is None or date.fromisoformat(fee.as_of)
        assert (fee.basis == "belief") == (fee.as_of is None), name


def test_well_known_fees() -> None:
    """Control planes, disks and NAT have the list prices that everybody knows."""
    eks, gke = catalog.fees("eks"), catalog.fees("gke")
    assert eks["eks_control_plane_hour"].usd == gke["gke_cluster_hour"].usd == Decimal("0.1")
    assert eks["ebs_gp3_gb_month"].usd == Decimal("0.08")
    assert eks["nat_gateway_hour"].usd == Decimal("0.045")
    assert eks["eks_extended_support_hour"].usd == Decimal("0.6")
