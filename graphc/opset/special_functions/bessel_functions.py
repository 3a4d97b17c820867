"""Modified Bessel functions of the first kind, scaled, element by element.

Source: `jax.lax.bessel_i0e`; `bessel_i1e` is CHLO's. Unscaled, they overflow a float32 from 92 on.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from graphc.ir.builder import Builder
from graphc.ir.op import OpCall, Sample
from graphc.opset.elementwise_definition import Cotangents, Values, define_elementwise
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.special_functions import bessel_references as references
from graphc.opset.type_rules import FLOATING


def _samples() -> list[Sample]:
    edges = np.array([0, -0.0, 1e-6, -1e-6, 8, -8, 20, 100, -100, 1e4, np.inf, -np.inf], np.float32)
    return [
        Sample((draw(2, 3, low=-12, high=12),)),
        Sample((draw(salt=5),)),
        Sample((edges,), differentiable=False),
    ]


def _i0e_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    x = operands[0]
    scale = build.multiply(build.sign(x), results[0])
    return (build.multiply(ct[0], build.subtract(build.bessel_i1e(x), scale)),)


BESSEL_I0E = define_elementwise(
    "bessel_i0e", "The modified Bessel function of order 0, times e to the power -|x|.", 1,
    primitive("bessel_i0e"), references.i0e, _i0e_gradient, FLOATING, samples=_samples,
)  # fmt: skip


def _i1e_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    # i0e(x) - y (sign(x) + 1/x), and its limit 1/2 at 0
    x = operands[0]
    numbers: Any = ml_dtypes  # whose annotations name unknown types
    least = build.full_like(x, numbers.finfo(x.type.dtype.numpy).eps)
    tiny = build.compare(build.abs(x), least, direction="LE")
    safe = build.select(tiny, least, x)
    inverse = build.divide(build.full_like(x, 1), safe)
    scale = build.multiply(results[0], build.add(build.sign(safe), inverse))
    slope = build.subtract(build.bessel_i0e(safe), scale)
    return (build.multiply(ct[0], build.select(tiny, build.full_like(x, 0.5), slope)),)


BESSEL_I1E = define_elementwise(
    "bessel_i1e", "The modified Bessel function of order 1, times e to the power -|x|.", 1,
    primitive("bessel_i1e"), references.i1e, _i1e_gradient, FLOATING, samples=_samples,
)  # fmt: skip
