"""The regularized incomplete beta function, element by element.

Source: `jax.lax.betainc`, which is no op of StableHLO; XLA gets it as a loop.
"""

from __future__ import annotations

import numpy as np

from graphc.errors import GradientError
from graphc.ir.builder import Builder
from graphc.ir.op import OpCall, Sample
from graphc.opset.elementwise_definition import Cotangents, Values, define_elementwise
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.special_functions import incomplete_beta_references as references
from graphc.opset.type_rules import FLOATING


def _samples() -> list[Sample]:
    edges = (
        (0, 2, 0), (0, 2, 0.5), (2, 0, 0.5), (2, 0, 1), (0, 0, 0.5), (np.inf, 2, 0.5),
        (2, np.inf, 0.5), (2, 3, 0), (2, 3, 1), (2, 3, -0.5), (2, 3, 1.5), (-1, 3, 0.5),
        (2, 3, np.nan), (30, 40, 0.5), (1, 1, 0.25),
    )  # fmt: skip
    columns = tuple(np.array(column, np.float32) for column in zip(*edges, strict=True))
    shapes = (draw(2, 3, low=0.4, high=5.0), draw(2, 3, low=0.4, high=5.0, salt=1))
    scalars = (draw(low=0.4, high=5.0, salt=5), draw(low=0.4, high=5.0, salt=6))
    return [
        Sample((*shapes, draw(2, 3, low=0.05, high=0.95, salt=2)), rtol=3e-5),
        Sample((*scalars, draw(low=0.05, high=0.95, salt=7)), rtol=3e-5),
        Sample(columns, differentiable=False, rtol=1e-4),
    ]


def _gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    if call.wants(0) or call.wants(1):
        raise call.error(
            GradientError,
            "the derivatives with respect to the two shapes are not known; JAX has none either",
            fix="differentiate with respect to the last operand, or stop_gradient the shapes",
        )
    a, b, x = operands
    one = build.full_like(x, 1)
    rising = build.multiply(build.subtract(a, one), build.log(x))
    falling = build.multiply(build.subtract(b, one), build.log_plus_one(build.negate(x)))
    gammas = build.add(build.lgamma(a), build.lgamma(b))
    beta = build.subtract(gammas, build.lgamma(build.add(a, b)))
    density = build.exponential(build.subtract(build.add(rising, falling), beta))
    return (None, None, build.multiply(ct[0], density))


REGULARIZED_INCOMPLETE_BETA = define_elementwise(
    "regularized_incomplete_beta", "The distribution function of Beta(x, y), at z.", 3,
    primitive("regularized_incomplete_beta"), references.regularized_incomplete_beta, _gradient,
    FLOATING, samples=_samples,
)  # fmt: skip
