"""Several models of the vLLM backend in one Triton: one pod, one front end, and a GPU for each model.

The backend shows a model of KIND_GPU the one GPU that its configuration names, and refuses it more than one; a model of KIND_MODEL takes
the first GPUs that it sees, which are those of others (triton-inference-server/vllm_backend: src/model.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from .kinds import pools
from .sharing import Member, Told, longest_drain
from .spec import EngineSpec, HttpProbe, Probes, Volume
from .triton_server import REPOSITORY
from .weights import weight_source

TOKENIZER, MOST_TOKENS = "--tokenizer", "--default-max-tokens"
PLAIN_ROUTE = "/v1/completions"
CONFIG = """\
backend: "vllm"

# Of the pod's GPUs, the one that is its own.
instance_group [
  {{
    count: 1
    kind: KIND_GPU
    gpus: [ {gpu} ]
  }}
]
"""
"""`config.pbtxt` of one of several models."""


def together(members: Sequence[Member]) -> tuple[Told, ...]:
    """What each model is told: the pod of them all, and the paths at which it answers."""
    generating = [member for member in members if not pools(member.replica.shape.model)]
    specs = [member.spec for member in members]
    spec = replace(
        specs[0],
        args=_args(specs[0].args, generating),
        secret_env=tuple(dict.fromkeys(secret for each in specs for secret in each.secret_env)),
        probes=_probes([each.probes for each in specs]),
        volumes=_volumes([volume for each in specs for volume in each.volumes]),
        files=tuple(file for gpu, member in enumerate(members) for file in _files(gpu, member)),
        drain=longest_drain(members),
        confinement=next((each.confinement for each in specs if each.confinement.is_root), specs[0].confinement),
        host_memory_bytes=sum(each.host_memory_bytes for each in specs),
    )
    return tuple(_told(spec, member, generating) for member in members)


def _told(spec: EngineSpec, member: Member, generating: Sequence[Member]) -> Told:
    """The front end has one tokenizer, and chat templates come with it: another model's would be the wrong one. Prompts need none."""
    model = member.replica.shape.model
    if member not in generating or model.id == generating[0].replica.shape.model.id:
        return Told(replace(spec, routes=member.spec.routes))
    first = generating[0].name
    note = f"answers at {PLAIN_ROUTE} only: the front end has one tokenizer, whose template writes the chats of {first}"
    return Told(replace(spec, routes=(PLAIN_ROUTE,)), (note,))


def _args(args: tuple[str, ...], generating: Sequence[Member]) -> tuple[str, ...]:
    """The front end's words, for the models that generate: tokenizer of the first, and the longest context for requests without a limit."""
    if not generating:
        return args
    shapes = [member.replica.shape for member in generating]
    args = _with(args, TOKENIZER, weight_source(shapes[0].checkpoint).location)
    return _with(args, MOST_TOKENS, str(max(shape.context for shape in shapes)))


def _with(args: tuple[str, ...], flag: str, value: str) -> tuple[str, ...]:
    after = args.index(flag) + 1
    return (*args[:after], value, *args[after + 1 :])


def _files(gpu: int, member: Member) -> list[tuple[str, str]]:
    """The model's part of the repository, on its own GPU."""
    config = f"{REPOSITORY}/{member.name}/config.pbtxt"
    return [(path, CONFIG.format(gpu=gpu) if path == config else text) for path, text in member.spec.files]


def _probes(each: Sequence[Probes]) -> Probes:
    """Those of one, with time to start for all of them: they fetch their weights over one network."""
    first = each[0]
    seconds = sum(_allowed(probes.startup) for probes in each)
    return replace(first, startup=replace(first.startup, failures=math.ceil(seconds / first.startup.period)))


def _allowed(probe: HttpProbe) -> int:
    return probe.period * probe.failures


def _volumes(each: Sequence[Volume]) -> tuple[Volume, ...]:
    """The volumes by name, with room for all."""
    found: dict[str, Volume] = {}
    for volume in each:
        size = volume.size_gib + (found[volume.name].size_gib if volume.name in found else 0)
        found[volume.name] = replace(volume, size_gib=size)
    return tuple(found.values())
