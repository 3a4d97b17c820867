"""Bits and truth values, element by element. Source: StableHLO specification.

A shift by as many bits as there are, or by a negative number, moves all of them out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from graphc.ir.op import NoGradient, Sample, Trait
from graphc.opset.elementwise_definition import Array, define_elementwise
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import INTEGER, LOGICAL

_DISCRETE: Final = NoGradient("whole numbers and truth values have no derivative")


def _samples(arity: int) -> Callable[[], Sequence[Sample]]:
    def make() -> list[Sample]:
        return [
            Sample(
                tuple(draw(*shape, low=low, high=high, dtype=dtype, salt=i) for i in range(arity)),
                differentiable=False,
            )
            for shape, low, high, dtype in (
                ((2, 3), -100, 100, "int32"),
                ((8,), -1, 1, "bool"),
                ((), 0, 200, "uint8"),
            )
        ]

    return make


# --- and, or, xor, not ----------------------------------------------------------------------------

AND = define_elementwise(
    "and", "x and y, bit by bit.", 2, primitive("and"), np.bitwise_and, _DISCRETE, LOGICAL,
    traits=Trait.COMMUTATIVE, samples=_samples(2),
)  # fmt: skip

OR = define_elementwise(
    "or", "x or y, bit by bit.", 2, primitive("or"), np.bitwise_or, _DISCRETE, LOGICAL,
    traits=Trait.COMMUTATIVE, samples=_samples(2),
)  # fmt: skip

XOR = define_elementwise(
    "xor", "Either x or y, bit by bit.", 2, primitive("xor"), np.bitwise_xor, _DISCRETE, LOGICAL,
    traits=Trait.COMMUTATIVE, samples=_samples(2),
)  # fmt: skip

NOT = define_elementwise(
    "not", "Not x, bit by bit.", 1, primitive("not"), np.bitwise_not, _DISCRETE, LOGICAL,
    samples=_samples(1),
)  # fmt: skip

# --- shift_left, shift_right_logical, shift_right_arithmetic --------------------------------------


def _shift_samples() -> list[Sample]:
    numbers = np.array([5, -5, 5, -5, 5, -5, 0], np.int32)
    amounts = np.array([0, 1, 31, 32, -1, 40, 3], np.int32)
    small = np.array([5, 250, 5, 250], np.uint8), np.array([1, 7, 8, 200], np.uint8)
    return [
        Sample((numbers, amounts), differentiable=False),
        Sample(small, differentiable=False),
    ]


def _fits(x: Array, amount: Array) -> tuple[Array, Array]:
    """Where an amount is below the number of bits, and amounts that NumPy can shift by."""
    bits = 8 * x.dtype.itemsize
    fits = (amount >= 0) & (amount < bits)
    return fits, np.where(fits, amount, np.array(0, amount.dtype))


def _shift_left(x: Array, amount: Array) -> Array:
    fits, safe = _fits(x, amount)
    return np.where(fits, np.left_shift(x, safe), np.zeros_like(x))


def _shift_right_logical(x: Array, amount: Array) -> Array:
    fits, safe = _fits(x, amount)
    unsigned = np.dtype(f"u{x.dtype.itemsize}")
    shifted = np.right_shift(x.astype(unsigned), safe.astype(unsigned)).astype(x.dtype)
    return np.where(fits, shifted, np.zeros_like(x))


def _shift_right_arithmetic(x: Array, amount: Array) -> Array:
    fits, safe = _fits(x, amount)
    sign = np.where(x < 0, np.array(-1).astype(x.dtype), np.zeros_like(x))
    if x.dtype.kind == "i":
        return np.where(fits, np.right_shift(x, safe), sign)
    signed = x.astype(np.dtype(f"i{x.dtype.itemsize}"))
    return _shift_right_arithmetic(signed, amount).astype(x.dtype)


SHIFT_LEFT = define_elementwise(
    "shift_left", "The bits of x, moved left by y places; zeros come in.", 2,
    primitive("shift_left"), _shift_left, _DISCRETE, INTEGER, samples=_shift_samples,
)  # fmt: skip

SHIFT_RIGHT_LOGICAL = define_elementwise(
    "shift_right_logical", "The bits of x, moved right by y places; zeros come in.", 2,
    primitive("shift_right_logical"), _shift_right_logical, _DISCRETE, INTEGER,
    samples=_shift_samples,
)  # fmt: skip

SHIFT_RIGHT_ARITHMETIC = define_elementwise(
    "shift_right_arithmetic", "The bits of x, moved right by y places; its first bit comes in.", 2,
    primitive("shift_right_arithmetic"), _shift_right_arithmetic, _DISCRETE, INTEGER,
    samples=_shift_samples,
)  # fmt: skip
