"""vLLM on Neuron: what it compiles, how it counts cores, and what the rest of the library makes of chips that are no GPUs."""

from __future__ import annotations

import pytest

from inferstack import catalog, manifests
from inferstack.engines import engine
from inferstack.errors import InputError
from inferstack.nodepools.eks import eks_group
from inferstack.planning.types import ServicePlan
from tests.engines import shapes
from tests.nodepools.specs import eks_spec
from tests.planning.stacks import EKS, GKE, plan, plan_one, service

WISH = {"model": shapes.SMALL, "engine": "neuron", "slo": None, "context": 4096}


def value(made: ServicePlan, flag: str) -> str:
    return next(word.partition("=")[2] for word in made.spec.args if word.startswith(f"{flag}="))


def test_ranks_are_cores() -> None:
    """A chip of the first generations has two cores, each a rank of tensor parallelism; a Trainium2 counts four."""
    assert value(plan_one(**WISH, gpu="inferentia2", tensorParallel=1), "--tensor-parallel-size") == "2"
    assert value(plan_one(**WISH, gpu="inferentia2", tensorParallel=4), "--tensor-parallel-size") == "8"
    shape = shapes.shape_of("neuron", shapes.checkpoint(shapes.SMALL), shapes.gpus("trainium2"))
    assert "--tensor-parallel-size=4" in engine("neuron").spec(shapes.replica_of(shape), shapes.SERVICE).args


def test_shapes_are_static() -> None:
    """Every slot has blocks for the full context, none is shared, and the batch is what fits that way."""
    made = plan_one(**WISH, gpu="inferentia2")
    slots = int(value(made, "--max-num-seqs"))
    assert int(value(made, "--num-gpu-blocks-override")) == 4096 // 32 * slots
    assert slots <= made.replica.memory.max_sequences
    assert "--no-enable-prefix-caching" in made.spec.args


def test_compiling_is_part_of_the_start() -> None:
    """The cold start counts the compiler, and the startup probe outlasts it; its cache has room on the volume."""
    made = plan_one(**WISH, gpu="inferentia2")
    compiled = next(part for part in made.cold_start_parts if part.name == "compile")
    assert compiled.seconds.high == 600
    assert made.spec.probes.startup.period * made.spec.probes.startup.failures > compiled.seconds.high
    assert dict(made.spec.env)["NEURON_COMPILE_CACHE_URL"].startswith(made.spec.volumes[0].path)


def test_its_speed_is_believed_with_a_wide_band() -> None:
    """No measurement stands behind it: the band is wider than on silicon of the fit."""
    chip = plan_one(**WISH, gpu="inferentia2").replica.performance.tpot_p95_ms
    gpu = plan_one(model=shapes.SMALL, gpu="h100-80", slo=None, context=4096).replica.performance.tpot_p95_ms
    assert chip.provenance == "believed"
    assert chip.high / chip.low > gpu.high / gpu.low


@pytest.mark.parametrize(
    ("model", "quantization", "gpu", "said"),
    [
        (shapes.SMALL, "bf16", "h100-80", "built for Inferentia2 and Trainium"),
        (shapes.SMALL, "bf16", None, "built for Inferentia2 and Trainium"),
        (shapes.SMALL, "fp8", "inferentia2", "whole 16-bit weights"),
        (shapes.SMALL, "gguf-q4_k_m", "inferentia2", "whole 16-bit weights"),
        (shapes.VISION, "bf16", "inferentia2", "no gemma3"),
    ],
)
def test_what_it_does_not_run_names_what_does(model: str, quantization: str, gpu: str | None, said: str) -> None:
    """Other silicon, narrower weights and architectures that are not compiled are refused with the nearest that works."""
    silicon = None if gpu is None else catalog.accelerator(gpu)
    refused = engine("neuron").supports(catalog.model(model), shapes.checkpoint(model, quantization), silicon)
    assert refused is not None
    assert said in refused.reason
    assert refused.nearest


def test_only_eks_has_its_chips() -> None:
    """Elsewhere it is refused, with the plan of another engine."""
    with pytest.raises(InputError, match="without engine it works"):
        plan_one(target=GKE, **WISH)


def test_pods_and_nodes_speak_of_chips() -> None:
    """Pods request and tolerate Neuron devices, nodes are tainted with them on a Neuron image, and no label calls NVIDIA's plugin."""
    stack = plan(service(**WISH, gpu="inferentia2"))
    (made,), (pool,) = stack.services, stack.pools
    predictor = manifests.inference_service(made)["spec"]["predictor"]
    assert predictor["model"]["resources"]["limits"]["aws.amazon.com/neuron"] == "1"
    assert predictor["tolerations"][0]["key"] == "aws.amazon.com/neuron"
    assert not any("nvidia" in key for key, _ in pool.labels)
    assert next(addon for addon in stack.addons if addon.name == "neuron-device-plugin").installed
    group = eks_group(eks_spec("inf2.8xlarge"))
    assert group.node_group["ami_type"] == "AL2023_x86_64_NEURON"
    assert group.node_group["taints"][0]["key"] == "aws.amazon.com/neuron"
    assert not any("nvidia" in key or "accelerator" in key for key in group.node_group["labels"])
    assert ("k8s.io/cluster-autoscaler/node-template/resources/aws.amazon.com/neuron", "1") in group.autoscaler_tags
    assert any("Inf instances" in need.name for need in stack.quota)


def test_what_is_compiled_is_kept_where_the_stack_has_a_volume() -> None:
    """The first pod compiles, which its probe waits for; others load graphs from the volume, which is what a cold start counts."""
    volumes = [{"name": "weights", "kind": "efs"}]
    kept, lost = (
        plan(service(**WISH, gpu="inferentia2", volume=where), target={**EKS, "volumes": volumes}).services[0]
        for where in ("weights", "none")
    )
    compile_s = {
        name: sum(part.seconds.expected for part in made.cold_start_parts if part.name == "compile")
        for name, made in (("kept", kept), ("lost", lost))
    }
    assert compile_s["kept"] < compile_s["lost"] / 5
    assert kept.spec.probes.startup.failures * kept.spec.probes.startup.period >= 600
    runtime = next(item for item in manifests.service_objects(kept) if item["kind"] == "ServingRuntime")["spec"]
    (mount,) = [mount for mount in runtime["containers"][0]["volumeMounts"] if mount["name"] == "compiled"]
    assert dict(kept.spec.env)["NEURON_COMPILE_CACHE_URL"] == mount["mountPath"]
    assert {"name": "compiled", "persistentVolumeClaim": {"claimName": "weights"}} in runtime["volumes"]
    assert not lost.spec.folders
