"""Arithmetic on numbers, element by element.

Each block is one op. Gradients of complex functions follow JAX's convention: a cotangent is not
conjugated. Sources: StableHLO specification for semantics and edge cases; where it leaves one to
the implementation, what XLA gives on CPUs.
"""

from __future__ import annotations

import numpy as np

from graphc.dtypes import real_dtype
from graphc.ir.builder import Builder
from graphc.ir.op import OpCall, Sample, Trait, ZeroGradient
from graphc.opset.elementwise_definition import Array, Cotangents, Values, define_elementwise
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import ARITHMETIC, INEXACT, REAL_ARITHMETIC, SIGNED

# --- add ------------------------------------------------------------------------------------------


def _add_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (ct[0], ct[0])


ADD = define_elementwise(
    "add", "x + y.", 2, primitive("add"), np.add, _add_gradient, ARITHMETIC,
    traits=Trait.COMMUTATIVE,
)  # fmt: skip

# --- subtract -------------------------------------------------------------------------------------


def _subtract_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (ct[0], build.negate(ct[0]))


SUBTRACT = define_elementwise(
    "subtract", "x - y.", 2, primitive("sub"), np.subtract, _subtract_gradient, ARITHMETIC
)

# --- multiply -------------------------------------------------------------------------------------


def _multiply_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    x, y = operands
    return (build.multiply(ct[0], y), build.multiply(ct[0], x))


MULTIPLY = define_elementwise(
    "multiply", "x * y.", 2, primitive("mul", out_dtype=None), np.multiply, _multiply_gradient,
    ARITHMETIC, traits=Trait.COMMUTATIVE,
)  # fmt: skip

# --- divide, remainder ----------------------------------------------------------------------------


def _divide_samples() -> list[Sample]:
    signs = np.array([[1, -1, 1], [-1, 1, 1]], np.float32)
    whole = np.array([7, -7, 7, -7, -(2**31), 5, 0], np.int32)
    by = np.array([2, 2, -2, -2, -1, 0, 0], np.int32)
    return [
        Sample((draw(2, 3), draw(2, 3, low=0.5, salt=1) * signs)),
        Sample((draw(salt=5), draw(low=0.5, salt=6))),
        Sample((whole, by), differentiable=False),
        Sample(
            (np.array([1, -1, 0, 1, 3], np.float32), np.array([0, 0, 0, np.inf, -2], np.float32)),
            differentiable=False,
        ),
    ]


def _divide_reference(x: Array, y: Array) -> Array:
    """Whole numbers are rounded towards zero; by zero, all bits are set."""
    if x.dtype.kind not in "iu":
        return x / y
    quotient = np.floor_divide(x, np.where(y == 0, np.ones_like(y), y))
    inexact = quotient * y != x
    quotient = np.where(inexact & ((x < 0) != (y < 0)), quotient + np.ones_like(y), quotient)
    return np.where(y == 0, np.array(-1).astype(x.dtype), quotient)


def _divide_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    share = build.divide(ct[0], operands[1])
    return (share, build.negate(build.multiply(share, results[0])))


DIVIDE = define_elementwise(
    "divide", "x / y; whole numbers are rounded towards zero.", 2, primitive("div"),
    _divide_reference, _divide_gradient, ARITHMETIC, samples=_divide_samples,
)  # fmt: skip


def _remainder_reference(x: Array, y: Array) -> Array:
    if x.dtype.kind not in "iu":
        return np.fmod(x, y)
    return np.where(y == 0, x, np.fmod(x, np.where(y == 0, np.ones_like(y), y)))


def _remainder_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    quotient = build.divide(*operands)
    whole = build.multiply(build.sign(quotient), build.floor(build.abs(quotient)))
    return (ct[0], build.negate(build.multiply(ct[0], whole)))


REMAINDER = define_elementwise(
    "remainder", "What is left of x after division by y; has the sign of x.", 2, primitive("rem"),
    _remainder_reference, _remainder_gradient, REAL_ARITHMETIC, samples=_divide_samples,
)  # fmt: skip

# --- negate ---------------------------------------------------------------------------------------


def _negate_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (build.negate(ct[0]),)


NEGATE = define_elementwise(
    "negate", "-x.", 1, primitive("neg"), np.negative, _negate_gradient, ARITHMETIC
)

# --- abs, sign ------------------------------------------------------------------------------------


def _edge_samples() -> list[Sample]:
    edges = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0], np.float32)
    return [Sample((draw(2, 3),)), Sample((draw(salt=5),)), Sample((edges,), differentiable=False)]


def _abs_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    x = operands[0]
    if not x.type.dtype.is_complex:
        rises = build.compare(x, build.full_like(x, 0), direction="GE")
        return (build.select(rises, ct[0], build.negate(ct[0])),)
    size = results[0]
    zero = build.compare(size, build.full_like(size, 0), direction="EQ")
    scale = build.divide(ct[0], build.select(zero, build.full_like(size, 1), size))
    real = build.multiply(scale, build.real(x))
    return (build.complex(real, build.negate(build.multiply(scale, build.imag(x)))),)


ABS = define_elementwise(
    "abs", "The absolute value; a real number for a complex one.", 1, primitive("abs"), np.abs,
    _abs_gradient, SIGNED, result=real_dtype, samples=_edge_samples,
)  # fmt: skip


def _sign_reference(x: Array) -> Array:
    """A zero keeps its sign, as StableHLO has it; NumPy's sign of -0.0 is 0.0."""
    return np.where(x == 0, x, np.sign(x))


SIGN = define_elementwise(
    "sign", "-1, 0 or 1; x / |x| for a complex number.", 1, primitive("sign"), _sign_reference,
    ZeroGradient(), ARITHMETIC, samples=_edge_samples,
)  # fmt: skip

# --- power ----------------------------------------------------------------------------------------


def _power_samples() -> list[Sample]:
    return [
        Sample((draw(2, 3, low=0.3), draw(2, 3, salt=1))),
        Sample((draw(low=0.3, salt=5), draw(salt=6))),
        Sample(
            (np.array([0, 0, 0, -2, -2], np.float32), np.array([0, 2, 0.5, 3, 0.5], np.float32)),
            differentiable=False,
        ),
    ]


def _power_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    x, y = operands
    below = build.power(x, build.subtract(y, build.full_like(y, 1)))
    # 0 to any power does not change with it; log(1) says so without a NaN
    zero = build.compare(x, build.full_like(x, 0), direction="EQ")
    logarithm = build.log(build.select(zero, build.full_like(x, 1), x))
    return (
        build.multiply(ct[0], build.multiply(y, below)),
        build.multiply(ct[0], build.multiply(logarithm, results[0])),
    )


POWER = define_elementwise(
    "power", "x to the power y.", 2, primitive("pow"), np.power, _power_gradient, INEXACT,
    samples=_power_samples,
)  # fmt: skip
