"""Which tensor-parallel degrees a model and its quantization allow. Engines wrap this with their own limits."""

from __future__ import annotations

from dataclasses import dataclass

from ..catalog.types import KvKind, Model, Quantization
from .constants import constants


@dataclass(frozen=True, slots=True)
class Indivisible:
    """Why a degree is not legal."""

    reason: str
    """A clause that follows the value: `does not divide 64 attention heads`."""
    nearest: int
    """The largest legal degree below it."""


def legal_tensor_degrees(model: Model, quantization: Quantization, devices: int, *, whole_experts: bool = False) -> tuple[int, ...]:
    """Legal tensor-parallel degrees up to `devices`, ascending; 1 is always legal."""
    return tuple(degree for degree in range(1, devices + 1) if _conflict(model, quantization, degree, whole_experts) is None)


def refuse_tensor_degree(model: Model, quantization: Quantization, tensor: int, *, whole_experts: bool = False) -> Indivisible | None:
    """None where `tensor` is legal; otherwise the dimension that it does not divide, and the nearest smaller degree that is legal.

    Rules: heads % TP = 0; KV heads % TP = 0 or TP % KV heads = 0 (copied); width / TP whole, and a multiple of the quantization group.
    With `whole_experts` the width of experts does not matter: no device holds a part of one.
    """
    reason = _conflict(model, quantization, tensor, whole_experts)
    if reason is None:
        return None
    return Indivisible(reason, max(legal_tensor_degrees(model, quantization, tensor - 1, whole_experts=whole_experts), default=1))


def _conflict(model: Model, quantization: Quantization, tensor: int, whole_experts: bool) -> str | None:
    if tensor < 1:
        return "is below 1"
    if tensor == 1:
        return None
    if model.num_attention_heads % tensor:
        return f"does not divide {model.num_attention_heads} attention heads"
    kv_heads = model.num_kv_heads
    if model.kv.kind is not KvKind.LATENT and kv_heads % tensor and tensor % kv_heads:
        return f"neither divides {kv_heads} KV heads nor is a multiple of them"
    return None if whole_experts and model.is_moe else _width_conflict(model, quantization, tensor)


def _width_conflict(model: Model, quantization: Quantization, tensor: int) -> str | None:
    """The feed-forward width must split into whole quantization groups, except where kernels or checkpoints pad it."""
    width = model.moe_intermediate_size if model.is_moe and model.moe_intermediate_size else model.intermediate_size
    if width is None:
        return None
    name, group = ("expert width" if model.is_moe else "intermediate width"), quantization.group_size
    if group is None or quantization.whole_model or quantization.name in constants("memory")["padded_by_kernel"]["quantizations"]:
        return f"does not divide the {name} of {width}" if width % tensor else None
    width = constants("memory")["padded_widths"].get(str(width), width)
    if width % tensor or width // tensor % group:
        return f"leaves {width / tensor:g} of the {name} of {width} on each GPU, no multiple of the quantization group of {group}"
    return None
