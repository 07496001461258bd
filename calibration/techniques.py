"""`make fit`, second half: what LoRA adapters and speculation add, from pairs of runs with and without them.

    lora         step = layers x (layer + slots x slot + sequences x token + (adapters in the batch - 1) x mixed)
    speculation  step = the library's own step that drafts and verifies, + verify + drafts x draft
    vision       request = encoder's work + images x megapixels x (latency before the first token; busy for the engine)

Only the difference of a pair is fitted, so that how well the base is predicted does not enter. Constants start from priors as those of
performance do. A pair that is not of what current releases run, or of which a needed fact is not stated, is kept and not fitted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from inferstack import catalog
from inferstack.evaluation import throughput_rows
from inferstack.evaluation.rows import ThroughputRow
from inferstack.evaluation.throughput import throughput_shape
from inferstack.planning.additions import eagle3_params
from inferstack.sizing.additions import draft_share, encoding_flops
from inferstack.sizing.devices import peak_flops
from inferstack.sizing.efficiency import efficiency_of
from inferstack.sizing.performance import step_times
from inferstack.sizing.types import Additions, Draft, Images, Shape, Techniques

from .pairs import Pair, digests, pairs, weighted
from .specforge import LENGTH

TARGET = Path(__file__).parent.parent / "components/inferstack/sizing/techniques.json"
Floats = NDArray[np.float64]
LORA = {"layer_s": (62.5e-6, 0.5), "slot_s": (1e-6, 1.0), "token_s": (0.3e-6, 1.0), "mixed_s": (5e-6, 1.0)}
"""Constant -> prior and spread of its logarithm. The first is of Punica (arXiv 2310.18547): 2 ms for 32 layers."""
SPECULATION = {"verify_s": (0.5e-3, 1.0), "draft_s": (0.1e-3, 1.0)}
VISION = {"latency_s": (20e-3, 2.0), "busy_s": (20e-3, 2.0)}
"""Next to nothing is known beforehand."""
SCALE = {"lora": 0.2, "speculation": 0.1, "vision": 0.3}
"""Error of the logarithm beyond which a pair pulls less and less."""
INSIDE = 0.8
"""Part of the left-out pairs that a spread holds."""
PREFILL = "prefill_s"


@dataclass(frozen=True)
class Problem:
    """Pairs as arrays: how long a step takes by candidate constants, and how long it took."""

    rows: Sequence[Pair]
    groups: Sequence[str]
    """What is left out whole."""
    measured: Floats
    """What is fitted, in one unit for all rows."""
    predict: Callable[[Mapping[str, float]], Floats]
    whole: Callable[[Floats], Floats]
    """The step with the technique over the step without, of a prediction of `measured`."""
    priors: Mapping[str, tuple[float, float]]
    scale: float

    @property
    def fitted(self) -> NDArray[np.bool_]:
        """The rows that constants come from; the others are predicted only."""
        return np.array([row.fitted for row in self.rows])

    def fit(self, used: NDArray[np.bool_]) -> dict[str, float]:
        """The constants that fit the fitted rows among `used` best."""
        used = used & self.fitted
        weights = np.sqrt(np.array([row.weight for row in self.rows]))
        start = np.log([prior for prior, _ in self.priors.values()])
        spread = np.array([one for _, one in self.priors.values()])

        def misfit(vector: Floats) -> Floats:
            errors = np.log(self.predict(self._named(vector)) / self.measured) / self.scale
            return np.concatenate([(weights * errors)[used], (vector - start) / spread])

        return self._named(least_squares(misfit, start, loss="soft_l1").x)

    def _named(self, vector: Floats) -> dict[str, float]:
        return dict(zip(self.priors, np.exp(vector).tolist(), strict=True))

    def left_out(self) -> Floats:
        """Predictions of each row by a fit without its group."""
        found = np.empty_like(self.measured)
        for group in dict.fromkeys(self.groups):
            out = np.array([one == group for one in self.groups])
            found[out] = self.predict(self.fit(~out))[out]
        return found


def main() -> None:
    rows = pairs()
    data = {
        "fitted_to": digests(),
        "lora": _section(lora(rows), "publication") | {"prefill_share": _prefill(rows)},
        "speculation": _section(speculation(rows), "model"),
        "vision": _images(vision(rows)),
        "one_pass": _one_pass(rows),
    }
    TARGET.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def adapter_step_s(found: Mapping[str, float], layers: Any, slots: Any, sequences: Any, mixed: Any) -> Any:
    """Seconds that adapters add to a step. Arithmetic only: the fit passes arrays."""
    each = found["layer_s"] + slots * found["slot_s"] + sequences * found["token_s"] + (mixed - 1) * found["mixed_s"]
    return layers * each


def lora(rows: Sequence[Pair]) -> Problem:
    """Added seconds of a decode step; left out by publication."""
    chosen = [row for row in rows if row.technique == "lora" and row.fitted and row.quantity != PREFILL]
    used = weighted(chosen, [f"{row.origin} {row.model}" for row in chosen])
    layers, slots, batch, mixed, without, with_ = (np.array(column, dtype=float) for column in zip(*map(adapter_facts, used), strict=True))

    def whole(added: Floats) -> Floats:
        return (without + added) / without

    return Problem(
        used,
        [row.origin for row in used],
        with_ - without,
        lambda found: adapter_step_s(found, layers, slots, batch, mixed),
        whole,
        LORA,
        SCALE["lora"],
    )


def adapter_facts(row: Pair) -> tuple[float, ...]:
    """layers, slots, sequences, adapters in the batch, seconds of a step without and with; a slot where none is stated."""
    held = row.facts["adapters"]
    if row.is_rate:
        without, with_ = (row.batch or 1) / row.without, (row.batch or 1) / row.with_
    else:
        without, with_ = row.without / 1000, row.with_ / 1000
    return row.facts["layers"], held["slots"] or 1, row.batch or 1, held["mixed"], without, with_


def speculation(rows: Sequence[Pair]) -> Problem:
    """The step that drafts and verifies over one that does not; left out by model."""
    chosen = [row for row in rows if row.technique == "speculation" and (row.fitted or row.checked)]
    used = weighted(chosen, [row.model for row in chosen])
    base, bare, drafts = (np.array(column, dtype=float) for column in zip(*map(speculative_steps, used), strict=True))
    kept = np.array([row.facts["draft"]["accept_length"] * row.slowdown for row in used])
    return Problem(
        used,
        [row.model for row in used],
        kept,
        lambda found: (bare + found["verify_s"] + drafts * found["draft_s"]) / base,
        lambda ratio: ratio,
        SPECULATION,
        SCALE["speculation"],
    )


def speculative_steps(row: Pair) -> tuple[float, float, int]:
    """Seconds of a step without speculation, of one that drafts and verifies before what is fitted, and its drafts."""
    shape, drafts, length = _shape(row), row.facts["draft"]["tokens"], row.facts["draft"]["accept_length"]
    accepted = acceptance(length, drafts)
    draft = Draft(drafts, accepted, eagle3_params(shape.model), False, 1, shape.model, row.source)
    share = draft_share(replace(shape, additions=Additions(draft=draft)))
    asked = Techniques(draft_tokens=drafts, acceptance=accepted, draft_cost=share)
    batch = row.batch or 1
    return step_times(shape, LENGTH, LENGTH).decode_s(batch), step_times(shape, LENGTH, LENGTH, asked).decode_s(batch) * length, drafts


def vision(rows: Sequence[Pair]) -> Problem:
    """Added seconds of one image; left out by model. Few: one release of one engine, and one trace of another."""
    chosen = [row for row in rows if row.technique == "vision" and row.fitted]
    used = weighted(chosen, [row.origin for row in chosen])
    base, added, known, size, first = (np.array(column, dtype=float) for column in zip(*map(image_facts, used), strict=True))
    return Problem(
        used,
        [row.model for row in used],
        added,
        lambda found: known + size * np.where(first, found["latency_s"], found["busy_s"]),
        lambda seconds: (base + seconds) / base,
        VISION,
        SCALE["vision"],
    )


def image_facts(row: Pair) -> tuple[float, ...]:
    """Of one image: seconds without it, added, known of its encoder and of a longer prompt, its megapixels, and whether to the first token.

    Of a whole run at full load, seconds are of the replica, one request after the other.
    """
    facts, first = row.facts, row.quantity == "ttft_ms"
    held = facts["images"]
    unit = 1000 if first else facts["requests"]
    without, with_ = row.without / unit / held["count"], row.with_ / unit / held["count"]
    shape = _shape(row)
    tower = catalog.encoder(shape.model)
    patches = None if tower is None else tower.patches_per_token
    images = replace(shape, additions=Additions(images=Images(1, 1, held["tokens"], patches)))
    wide = shape.parallel.tensor * peak_flops(shape.device, "bf16")
    known = encoding_flops(images) / wide / efficiency_of(shape).efficiency.prefill if held["encoder"] else 0.0
    short, long = (step_times(shape, isl, facts["osl"]) for isl in (facts["isl_without"], facts["isl"]))
    longer = long.prefill_s - short.prefill_s if first else long.prefill_busy_s - short.prefill_busy_s
    return without, with_ - without, known + longer / held["count"], held["megapixels"], float(first)


def _images(problem: Problem) -> dict[str, Any]:
    """As the other sections, believed, and with one spread of lone requests and one of runs at full load."""
    wrong = np.abs(np.log(problem.whole(problem.left_out()) / problem.whole(problem.measured)))
    first = np.array([row.quantity == "ttft_ms" for row in problem.rows])
    spreads = {name: _short(float(np.exp(np.quantile(wrong[of], INSIDE)))) for name, of in (("spread", first), ("busy_spread", ~first))}
    return _section(problem, "model") | {"provenance": "believed"} | spreads


def _one_pass(rows: Sequence[Pair]) -> dict[str, Any]:
    """What one request costs the process in front of the engine: one publication, so that it stays believed."""
    (row,) = (row for row in rows if row.technique == "one-pass")
    length = f"{row.facts['isl']:.0f} tokens"
    source = f"{row.engine} {row.version} with {row.model}: {row.with_:,.0f} tokens a second with one text of {length} a request"
    source = f"{source}, {row.without:,.0f} with {row.facts['texts_per_request'][0]} texts a request"
    return {"request_s": _short(row.facts["isl"] / row.with_), "engines": ["vllm", "sglang"], "provenance": "believed", "source": source}


def acceptance(length: float, drafts: int) -> float:
    """The chance a at which (1 - a^(g+1)) / (1 - a) is `length`, by bisection."""
    low, high = 0.0, 1 - 1e-9
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 - middle ** (drafts + 1)) / (1 - middle) < length else (low, middle)
    return low


def _shape(row: Pair) -> Shape:
    raw = {
        "id": row.id, "model": row.model, "engine": row.engine, "version": row.version, "gpu": row.gpu, "quantization": row.quantization,
        "tp": row.tp, "isl": LENGTH, "osl": LENGTH, "concurrency": row.batch, "load": "closed-loop",
    }  # fmt: skip
    (found,) = throughput_rows([raw])
    assert isinstance(found, ThroughputRow), found
    return throughput_shape(found)


def _prefill(rows: Sequence[Pair]) -> dict[str, Any]:
    """What adapters add to a prefill, over the prefill: the median of few rows, so that it stays believed."""
    shares = sorted(row.slowdown - 1 for row in rows if row.technique == "lora" and row.fitted and row.quantity == PREFILL)
    source = f"{len(shares)} published prefills with and without adapters: {', '.join(f'{share:+.0%}' for share in shares)}"
    low, middle, high = _short(shares[0]), _short(float(np.median(shares))), _short(shares[-1])
    return {"low": low, "expected": middle, "high": high, "provenance": "believed", "source": source}


def _section(problem: Problem, group: str) -> dict[str, Any]:
    """Constants, what they are from, and how wrong they are on what they have not seen."""
    fitted = problem.fitted
    found = problem.fit(fitted)
    own, left = problem.predict(found), problem.left_out()
    step, step_own, step_left = (problem.whole(one) for one in (problem.measured, own, left))
    wrong = np.abs(np.log(step_left / step))

    def error(predicted: Floats, measured: Floats) -> float:
        return _short(float(np.median(np.abs(predicted / measured - 1)[fitted])))

    return {
        **{name: _short(value) for name, value in found.items()},
        "provenance": "fitted",
        "source": f"{fitted.sum()} pairs of {len({one for one, kept in zip(problem.groups, fitted, strict=True) if kept})} {group}s",
        "spread": _short(float(np.exp(np.quantile(wrong, INSIDE)))),
        "errors": {
            "left_out_by": group,
            "added": error(own, problem.measured),
            "added_left_out": error(left, problem.measured),
            "step": error(step_own, step),
            "step_left_out": error(step_left, step),
        },
    }


def _short(value: float) -> float:
    return float(f"{value:.3g}")


if __name__ == "__main__":
    main()
