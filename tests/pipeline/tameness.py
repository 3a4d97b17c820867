"""Where numbers are tame: what an op may be applied to so that rounding decides nothing.

A comparison of equal numbers, a whole number that is cut off, a logarithm near 0: there two right
programs give different results, or gradients that are. A node on such operands is *rough*: it stays
in the graph, and nothing else is made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from graphc.ir.attributes import Attributes

Array = np.ndarray[Any, Any]

GAP: Final = 1e-3
"""How far apart numbers must be that are compared."""
EDGE: Final = 0.04
"""How far from where a function has no derivative."""


def are_apart(x: Array, y: Any, is_exact: bool) -> bool:
    """Whether rounding cannot decide which of two is larger; equal ones must be so exactly."""
    if x.dtype.kind != "f":
        return True
    difference = np.abs(x - y)
    near = difference < GAP
    return not bool((near & (difference > 0) if is_exact else near).any())


def are_distinct(x: Array, axes: Sequence[int], is_exact: bool) -> bool:
    """Whether rounding cannot decide which elements along some axes are the largest."""
    if x.dtype.kind != "f" or x.size == 0:
        return True
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    rows = np.transpose(x, (*kept, *axes))
    rows = np.sort(rows.reshape((int(np.prod(rows.shape[: len(kept)])), -1)), axis=1)
    gaps = np.diff(rows, axis=1)
    near = gaps < GAP
    return not bool((near & (gaps > 0) if is_exact else near).any())


def _is_whole(x: Array) -> Array:
    return np.abs(x - np.rint(x)) < GAP


def _is_half(x: Array) -> Array:
    return np.abs(x - np.floor(x) - 0.5) < GAP


Operands = Sequence[Array]
Check = Callable[[Attributes, Operands, bool], bool]
"""Takes the attributes, the operands with floats as float64, and whether these are exact."""


def _around_zero(attributes: Attributes, operands: Operands, is_exact: bool) -> bool:
    return are_apart(operands[0], 0.0, False)


def _above_zero(attributes: Attributes, operands: Operands, is_exact: bool) -> bool:
    return bool((operands[0] > EDGE).all())


def _pair(attributes: Attributes, operands: Operands, is_exact: bool) -> bool:
    return operands[0] is operands[1] or are_apart(operands[0], operands[1], is_exact)


def _rounding(is_near: Callable[[Array], Array]) -> Check:
    def check(attributes: Attributes, operands: Operands, is_exact: bool) -> bool:
        return is_exact or not is_near(operands[0]).any()

    return check


def _along_axes(attributes: Attributes, operands: Operands, is_exact: bool) -> bool:
    return are_distinct(operands[0], attributes["axes"], is_exact)


def _along_axis(attributes: Attributes, operands: Operands, is_exact: bool) -> bool:
    return are_distinct(operands[0], [attributes["axis"]], is_exact)


def _in_windows(position: int) -> Check:
    """What decides who wins in windows: all elements are compared, which is more than enough."""

    def check(attributes: Attributes, operands: Operands, is_exact: bool) -> bool:
        x = operands[position]
        axes = [axis for axis, size in enumerate(attributes["window_dimensions"]) if size > 1]
        return are_distinct(x, axes, is_exact)

    return check


def _divisor(attributes: Attributes, operands: Operands, is_exact: bool) -> bool:
    return operands[1].dtype.kind != "f" or bool((np.abs(operands[1]) > EDGE).all())


def _remainder(attributes: Attributes, operands: Operands, is_exact: bool) -> bool:
    if not _divisor(attributes, operands, is_exact):
        return False
    x, y = operands
    return x.dtype.kind != "f" or not _is_whole(x / y).any()


def _base(attributes: Attributes, operands: Operands, is_exact: bool) -> bool:
    return bool((operands[0] > EDGE).all())


def _clamp(attributes: Attributes, operands: Operands, is_exact: bool) -> bool:
    low, x, high = operands
    return are_apart(x, low, is_exact) and are_apart(x, high, is_exact)


def _converted(attributes: Attributes, operands: Operands, is_exact: bool) -> bool:
    if operands[0].dtype.kind != "f" or is_exact:
        return True
    dtype = attributes["dtype"]
    if dtype.kind == "bool":
        return are_apart(operands[0], 0.0, False)
    return not (dtype.is_integer and _is_whole(operands[0]).any())


def _inside(low: float, high: float) -> Check:
    """Every operand's elements lie well between two numbers."""

    def check(attributes: Attributes, operands: Operands, is_exact: bool) -> bool:
        return all(
            bool(((x > low + EDGE) & (x < high - EDGE)).all())
            for x in operands
            if x.dtype.kind == "f"
        )

    return check


def _sorted(attributes: Attributes, operands: Operands, is_exact: bool) -> bool:
    return are_distinct(operands[0], [attributes["dimension"]], is_exact)


def _topmost(attributes: Attributes, operands: Operands, is_exact: bool) -> bool:
    return are_distinct(operands[0], [operands[0].ndim - 1], is_exact)


def _only_exact(attributes: Attributes, operands: Operands, is_exact: bool) -> bool:
    return is_exact or all(x.dtype.kind not in "fc" for x in operands)


CHECKS: Final[dict[str, Check]] = {
    **dict.fromkeys(("abs", "relu", "sign"), _around_zero),
    **dict.fromkeys(("log", "sqrt", "rsqrt", "cbrt"), _above_zero),
    **dict.fromkeys(("maximum", "minimum", "compare"), _pair),
    **dict.fromkeys(("floor", "ceil"), _rounding(_is_whole)),
    **dict.fromkeys(("round_nearest_even", "round_nearest_afz"), _rounding(_is_half)),
    **dict.fromkeys(("reduce_max", "reduce_min"), _along_axes),
    **dict.fromkeys(("cumulative_max", "cumulative_min", "argmax", "argmin"), _along_axis),
    **dict.fromkeys(("reduce_window_max", "reduce_window_min"), _in_windows(0)),
    **dict.fromkeys(("select_and_scatter_add", "select_and_gather_add"), _in_windows(1)),
    "log_plus_one": lambda attributes, operands, is_exact: bool((operands[0] > EDGE - 1).all()),
    "tan": lambda attributes, operands, is_exact: bool((np.abs(np.cos(operands[0])) > 0.2).all()),
    "atan2": lambda attributes, operands, is_exact: bool((np.hypot(*operands) > EDGE).all()),
    **dict.fromkeys(("asin", "acos", "atanh", "erf_inv"), _inside(-1.0, 1.0)),
    **dict.fromkeys(("lgamma", "digamma", "igamma", "igammac", "igamma_grad_a"), _inside(0, 1000)),
    **dict.fromkeys(("regularized_incomplete_beta", "random_gamma_grad"), _inside(0, 1000)),
    **dict.fromkeys(("bitcast_convert", "next_after", "reduce_precision"), _only_exact),
    "acosh": _inside(1.0, 50),
    "polygamma": lambda attributes, operands, is_exact: bool((operands[1] > EDGE).all()),
    "sort": _sorted,
    "top_k": _topmost,
    "divide": _divisor,
    "remainder": _remainder,
    "power": _base,
    "clamp": _clamp,
    "convert": _converted,
}


SENSITIVE: Final = frozenset(
    {
        *("eig", "eigh", "svd", "qr", "lu", "cholesky", "triangular_solve"),
        *("zeta", "cumulative_log_sum_exp"),
    }
)
"""Ops that may turn a small error into a large one, and where that is, only they know."""
NUDGE: Final = 1e-7
MOST_GAIN: Final = 100.0


def is_insensitive(run: Callable[[Operands], Operands], operands: Operands) -> bool:
    """Whether an op's results move about as little as its operands when those are nudged."""
    generator = np.random.default_rng(3)
    nudged = [
        x + NUDGE * generator.uniform(-1, 1, x.shape) if x.dtype.kind in "fc" else x
        for x in operands
    ]
    bound = NUDGE * MOST_GAIN
    return all(
        bool((np.abs(mine - theirs) <= bound * np.maximum(1, np.abs(theirs))).all())
        if theirs.dtype.kind in "fc"
        else np.array_equal(mine, theirs)
        for mine, theirs in zip(run(nudged), run(operands), strict=True)
    )


def is_smooth(op_name: str, attributes: Attributes, operands: Operands, is_exact: bool) -> bool:
    """Whether an op is far from its kinks and edges at its operands."""
    check = CHECKS.get(op_name)
    if check is not None and any(x.dtype.kind == "c" for x in operands):
        return all(_is_off_cuts(op_name, x) for x in operands if x.dtype.kind == "c")
    return check is None or check(attributes, operands, is_exact)


def _is_off_cuts(op_name: str, z: Array) -> bool:
    """Whether complex numbers are away from 0 and from where branches of functions meet."""
    if op_name in ("maximum", "minimum", "compare", "sort"):
        return False  # whole numbers apart, the real part decides, and it is rounded
    is_off = np.abs(z.imag) > EDGE
    if op_name not in ("asin", "acos", "acosh", "atanh"):
        is_off |= z.real > EDGE
    return bool(is_off.all())
