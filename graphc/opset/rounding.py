"""Rounding to whole numbers, element by element. Source: StableHLO specification."""

from __future__ import annotations

import numpy as np
from jax import lax

from graphc.ir.op import Sample, ZeroGradient
from graphc.opset.elementwise_definition import Array, define_elementwise
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import FLOATING


def _samples() -> list[Sample]:
    # the greatest float32 below 0.5: adding 0.5 to it rounds to 1
    below_half = float(np.nextafter(np.float32(0.5), np.float32(0)))
    halves = np.array([0.5, -0.5, 1.5, -1.5, 2.5, below_half, -below_half, 0.0], np.float32)
    return [
        Sample((draw(2, 3),)),
        Sample((draw(salt=5),)),
        Sample((halves,), differentiable=False),
        Sample((np.array([np.inf, -np.inf, np.nan, 1e20], np.float32),), differentiable=False),
    ]


FLOOR = define_elementwise(
    "floor", "The greatest whole number that is not above x.", 1, primitive("floor"), np.floor,
    ZeroGradient(), FLOATING, samples=_samples,
)  # fmt: skip

CEIL = define_elementwise(
    "ceil", "The least whole number that is not below x.", 1, primitive("ceil"), np.ceil,
    ZeroGradient(), FLOATING, samples=_samples,
)  # fmt: skip

ROUND_NEAREST_EVEN = define_elementwise(
    "round_nearest_even", "The nearest whole number; the even one of two.", 1,
    primitive("round", rounding_method=lax.RoundingMethod.TO_NEAREST_EVEN), np.rint,
    ZeroGradient(), FLOATING, samples=_samples,
)  # fmt: skip


def _round_away_reference(x: Array) -> Array:
    whole = np.trunc(x)
    return whole + np.copysign(np.abs(x - whole) >= 0.5, x)


ROUND_NEAREST_AFZ = define_elementwise(
    "round_nearest_afz", "The nearest whole number; of two the one away from zero.", 1,
    primitive("round", rounding_method=lax.RoundingMethod.AWAY_FROM_ZERO), _round_away_reference,
    ZeroGradient(), FLOATING, samples=_samples,
)  # fmt: skip
