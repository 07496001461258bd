"""The page docs/engines.md: every engine at its release, and what it runs on which silicon, asked of the engines themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from inferstack import catalog, sizing
from inferstack.catalog.types import Accelerator, Checkpoint
from inferstack.engines import Engine, EngineSpec, ServingIdentity, engines
from inferstack.manifests.container import pod
from inferstack.manifests.pod_security import level
from inferstack.sizing.types import Device, Estimate, Performance, Provenance, Replica, Shape

MODEL = "Qwen/Qwen3-8B"
GENERATIONS = {
    "V100": "v100-32",
    "T4": "t4",
    "A100": "a100-80",
    "A10G": "a10g",
    "L4": "l4",
    "H100": "h100-80",
    "B200": "b200-180",
    "RTX PRO 6000": "rtx-pro-6000",
    "Inferentia2": "inferentia2",
    "CPU": None,
}
SERVICE = ServingIdentity("chat", 400, 120, needs_hugging_face_token=False, needs_api_key=True, cpu_millicores=4000)
_NOTHING = Estimate(0, 0, 0, Provenance.BELIEVED, "")

INTRODUCTION = """# Engines

This page is generated from the engines themselves (`make docs`). A service names one with `engine`; without it the planner takes the
first of those marked *unasked* that has a placement. [How a plan is made](plan.md) says how flags, variables and images of your own
are checked, and [examples/engines](../examples/engines) has a stack file for each.

A server of your own is `engine: custom`, with `image` and `custom` ([example](../examples/engines/custom.yaml)): it is run, probed and
scraped as you say, and sized and priced as the engine that it is `like`.

KServe runs the containers of every engine but one. Ray Serve starts, places and scales replicas itself and needs pods of two kinds that
know each other, which an InferenceService cannot say: such a service is a RayService, made by KubeRay, and neither KServe nor KEDA has a
part in it ([example](../examples/engines/ray-serve.yaml)). Its head runs on the system nodes, which grow with it. What it serves with is
the vLLM that the Ray release brings, so that `engineArgs` are the keyword arguments of that version. Take it where Ray is used anyway;
vLLM by itself is newer and has fewer parts. Services that name the same `server` share a cluster and an endpoint
([several services on one server](shapes.md#several-services-on-one-server)).

`neuron` runs on Inferentia2 and Trainium of EKS: pods request `aws.amazon.com/neuron`, ranks of tensor parallelism are NeuronCores, every
slot of the batch reserves the full context, and a new pod compiles its shapes for 5 to 10 minutes. Its speed is in no fit: bands are wide.

Triton comes in two forms: `triton` serves models of its vLLM backend, embedders too (its front end answers `/v1/embeddings` through that
backend alone), and several in one pod where services name the same `server`; `triton-tensorrt-llm` serves an ensemble whose preprocessing
gives requests the names and shapes of TensorRT-LLM's model and whose postprocessing hands its text on. Both repositories are written by
the plan.

`preStop` is what a pod waits before SIGTERM: an engine that finishes its running requests by itself only waits until it is forgotten by
proxies; one that does not waits for the longest planned response first."""

MATRIX = f"""## What runs where

Rows are quantizations, columns one GPU of each generation; asked for {MODEL}. **yes**: native kernels; **16 bit**: the weights are
small, the arithmetic is not; **cast**: bf16 weights become float16; a star: believed, from what the engine does on the nearest older
silicon; empty: refused, and the refusal says why and what would work. Models whose architecture an engine or a degree does not suit are
refused by name."""


CONFINED = """## What pods are denied

No container keeps a capability, may gain privileges or gets variables of other Services; all have the runtime's seccomp profile, and none a
token of the API but the head of a Ray cluster that scales, which asks for its workers. Beyond that it depends on the image: as whom it
runs, and whether it writes to its root file system, which is read-only where every path that is written is a volume. *Pod security* is the
strictest of Kubernetes' Pod Security Standards that the pod meets, computed from its manifest. The namespace enforces `baseline`, and warns
of what does not meet `restricted` where all services of the stack do: it is not enforced, because others may use that namespace. Pods with
a daemon of [GPUDirect-TCPX(O)](shapes.md#replicas-that-span-machines) see folders of the node, which only `privileged` allows: their
namespace enforces nothing.

`triton` keeps root for weights in FP8, NVFP4 and MXFP4, whose kernels FlashInfer may link into its own package. What an image of your own
needs is not known here: it is confined as the image that it stands for.

[kube-linter](https://github.com/stackrox/kube-linter) agrees, with all of its checks but those that
[`.kube-linter.yaml`](../.kube-linter.yaml) leaves out, each with its reason; `make manifests` asks it about every example."""


def markdown() -> str:
    parts = [INTRODUCTION, _summary(), CONFINED, _confined(), MATRIX]
    parts += [f"### {engine.name} {engine.release.version}\n\n{_matrix(engine)}" for engine in engines().values()]
    return "\n\n".join(parts) + "\n"


def _summary() -> str:
    head = (
        "engine",
        "version",
        "image",
        "unasked",
        "own flags",
        "port",
        "ready",
        "metrics",
        "scales on its queue",
        "preStop",
        "services on one server",
    )
    return _table(head, (_row(engine) for engine in engines().values()))


def _confined() -> str:
    head = ("engine", "runs as", "root file system", "pod security", "not less because", "known from")
    return _table(head, (_confined_row(engine) for engine in engines().values()))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, tuple("---" for _ in head), *rows))


def _confined_row(engine: Engine) -> tuple[str, ...]:
    spec = _spec(engine)
    confined = spec.confinement
    return (
        engine.name,
        "root" if confined.is_root else f"{confined.user}:{confined.group}",
        "read-only" if confined.read_only_root else "writable",
        level(pod(engine.name, spec)),
        confined.because or "",
        confined.source,
    )


def _row(engine: Engine) -> tuple[str, ...]:
    spec = _spec(engine)
    waits = "forgotten" if spec.drain.pre_stop < SERVICE.longest_response_seconds else "longest response"
    return (
        engine.name,
        engine.release.version,
        f"`{engine.release.image}`",
        "yes" if engine.traits.unasked else "",
        _checked(engine),
        str(spec.ports[0].number),
        f"`{spec.probes.readiness.path}`",
        f"`{spec.metrics.path}`" if spec.metrics.path else "none",
        _scales(engine, spec),
        waits,
        f"in one {engine.traits.shares.scope}" if engine.traits.shares else "one",
    )


def _scales(engine: Engine, spec: EngineSpec) -> str:
    """What the number of replicas follows."""
    if engine.traits.scales_itself:
        return "by itself, on requests in flight"
    return f"`{spec.metrics.requests_waiting}`" if spec.metrics.requests_waiting else "no: all replicas stand"


def _checked(engine: Engine) -> str:
    """Against which release users' own flags are checked."""
    known = None if engine.flags.program is None else catalog.engine_flags(engine.flags.program).version
    brings = None if engine.flags.program is None else catalog.engine_flags(engine.flags.program).brings
    if brings is not None:
        return f"checked against {brings}"
    return "" if known is None else "checked" if known == engine.release.version else f"checked against {known}"


def _matrix(engine: Engine) -> str:
    rows = [(name, [_cell(engine, name, gpu) for gpu in GENERATIONS.values()]) for name in catalog.quantizations()]
    lines = [f"| quantization | {' | '.join(GENERATIONS)} |", f"|---{'|---' * len(GENERATIONS)}|"]
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in rows if any(cells)]
    return "\n".join(lines)


def _cell(engine: Engine, quantization: str, gpu: str | None) -> str:
    accelerator = None if gpu is None else catalog.accelerator(gpu)
    checkpoint = _checkpoint(quantization)
    if engine.supports(catalog.model(MODEL), checkpoint, accelerator) is not None:
        return ""
    notes = " ".join(engine.notes(_shape(engine, checkpoint, _device(accelerator))))
    found = "16 bit" if "computes at 16 bit" in notes else "cast" if "cast to float16" in notes and quantization == "bf16" else "yes"
    return f"{found}*" if "is believed" in notes else found


def _spec(engine: Engine) -> EngineSpec:
    for quantization, gpu in _candidates():
        accelerator = None if gpu is None else catalog.accelerator(gpu)
        checkpoint = _checkpoint(quantization)
        if engine.supports(catalog.model(MODEL), checkpoint, accelerator) is None:
            shape = _shape(engine, checkpoint, _device(accelerator))
            nothing = Performance(0, _NOTHING, _NOTHING, _NOTHING, _NOTHING, 0, "ttft")
            return engine.spec(Replica(shape, engine.memory(shape), nothing), SERVICE)
    raise AssertionError(f"{engine.name} runs nothing")


def _candidates() -> Iterator[tuple[str, str | None]]:
    return ((quantization, gpu) for gpu in ("h100-80", None, "inferentia2") for quantization in ("bf16", "gguf-q4_k_m"))


def _checkpoint(quantization: str) -> Checkpoint:
    return Checkpoint(MODEL, quantization, f"hf://{MODEL}", "", file="weights.gguf" if quantization.startswith("gguf") else None)


def _device(accelerator: Accelerator | None) -> Device:
    found = sizing.cpu_device(16, 64, None, None) if accelerator is None else sizing.device_for(accelerator, 1, "none")
    assert found is not None
    return found


def _shape(engine: Engine, checkpoint: Checkpoint, device: Device) -> Shape:
    return Shape(engine.name, engine.release.version, catalog.model(MODEL), checkpoint, device, engine.spread(1), 4096, 4)
