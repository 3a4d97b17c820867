"""Comparing numbers, logic, bits, and choosing by a condition.

Results of comparisons are `bool`, of the broadcast shape; nothing is equal to NaN or ordered with
it. See `graphc.ops.arithmetic` for what all functions have in common.
"""

from __future__ import annotations

from typing import Any, Final

import ml_dtypes

from graphc.dtypes import BOOL, DType
from graphc.errors import GraphcError
from graphc.ir.attributes import Attributes
from graphc.ir.op import OpSpec
from graphc.ir.origin import capture_origin
from graphc.ir.registry import REGISTRY
from graphc.ops.arithmetic import absolute, add, multiply, subtract
from graphc.ops.broadcasting import aligned, apply, binary, broadcast_shapes, broadcast_to, unary
from graphc.ops.conversion import graph_of, inexact, promoted, to_tensor
from graphc.ops.filling import filled, filled_like
from graphc.ops.identities import copy, named
from graphc.ops.tensor import Tensor

_COMPARE: Final[OpSpec] = REGISTRY["compare"]
_DIRECTIONS: Final[dict[str, Attributes]] = {
    name: _COMPARE.attributes.make({"direction": name}, "compare")
    for name in ("EQ", "NE", "LT", "LE", "GT", "GE")
}
_MAXIMUM: Final[OpSpec] = REGISTRY["maximum"]
_MINIMUM: Final[OpSpec] = REGISTRY["minimum"]
_AND: Final[OpSpec] = REGISTRY["and"]
_OR: Final[OpSpec] = REGISTRY["or"]
_XOR: Final[OpSpec] = REGISTRY["xor"]
_NOT: Final[OpSpec] = REGISTRY["not"]


# -- comparisons -----------------------------------------------------------------------------------


def equal(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """Whether x1 == x2; Python's `==` says whether two tensors are the same object."""
    return binary(_COMPARE, x1, x2, name or "equal", _DIRECTIONS["EQ"])


def not_equal(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """Whether x1 != x2."""
    return binary(_COMPARE, x1, x2, name or "not_equal", _DIRECTIONS["NE"])


def less(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """Whether x1 < x2; complex numbers have no order."""
    return binary(_COMPARE, x1, x2, name or "less", _DIRECTIONS["LT"])


def less_equal(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """Whether x1 <= x2; complex numbers have no order."""
    return binary(_COMPARE, x1, x2, name or "less_equal", _DIRECTIONS["LE"])


def greater(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """Whether x1 > x2; complex numbers have no order."""
    return binary(_COMPARE, x1, x2, name or "greater", _DIRECTIONS["GT"])


def greater_equal(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """Whether x1 >= x2; complex numbers have no order."""
    return binary(_COMPARE, x1, x2, name or "greater_equal", _DIRECTIONS["GE"])


def isclose(
    x1: Any,
    x2: Any,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    equal_nan: bool = False,
    name: str | None = None,
) -> Tensor:
    """Whether |x1 - x2| <= atol + rtol * |x2|; infinities are close to themselves only."""
    left, right = aligned((x1, x2))
    left, right = inexact(left), inexact(right)
    allowed = add(multiply(absolute(right), rtol), atol)
    near = less_equal(absolute(subtract(left, right)), allowed)
    finite = logical_and(isfinite(left), isfinite(right))
    same = equal(left, right)
    if equal_nan:
        same = logical_or(same, logical_and(isnan(left), isnan(right)))
    return logical_or(same, logical_and(near, finite), name=name or "isclose")


# -- kinds of numbers ------------------------------------------------------------------------------


def isnan(x: Any, name: str | None = None) -> Tensor:
    """Whether x is NaN; never, for integers."""
    tensor = to_tensor(x, None, graph_of((x,)))
    return binary(_COMPARE, tensor, tensor, name or "isnan", _DIRECTIONS["NE"])


def isinf(x: Any, name: str | None = None) -> Tensor:
    """Whether x is infinite; never, for integers."""
    tensor = to_tensor(x, None, graph_of((x,)))
    if not tensor.dtype.is_inexact:
        return _constant_answer(tensor, False, name or "isinf")
    size = absolute(tensor)
    return equal(size, float("inf"), name=name or "isinf")


def isposinf(x: Any, name: str | None = None) -> Tensor:
    """Whether x is infinite and above 0."""
    return logical_and(isinf(x), greater(x, 0), name or "isposinf")


def isneginf(x: Any, name: str | None = None) -> Tensor:
    """Whether x is infinite and below 0."""
    return logical_and(isinf(x), less(x, 0), name or "isneginf")


def isfinite(x: Any, name: str | None = None) -> Tensor:
    """Whether x is neither infinite nor NaN; always, for integers."""
    tensor = to_tensor(x, None, graph_of((x,)))
    if not tensor.dtype.is_inexact:
        return _constant_answer(tensor, True, name or "isfinite")
    if tensor.dtype.is_complex:
        tensor = absolute(tensor)
    return unary(REGISTRY["is_finite"], tensor, name or "isfinite")


def _constant_answer(tensor: Tensor, answer: bool, name: str) -> Tensor:
    return filled(graph_of((tensor,)), answer, BOOL, tensor.shape, name)


# -- extrema ---------------------------------------------------------------------------------------


def maximum(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The larger of x1 and x2; NaN where either is."""
    return binary(_MAXIMUM, x1, x2, name or "maximum")


def minimum(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The smaller of x1 and x2; NaN where either is."""
    return binary(_MINIMUM, x1, x2, name or "minimum")


def clip(x: Any, x_min: Any, x_max: Any, name: str | None = None) -> Tensor:
    """x, but not below `x_min` nor above `x_max`; the upper bound wins where they cross.

    Args:
        x: numbers.
        x_min: the lower bound, broadcast with x; None for none.
        x_max: likewise the upper one.
        name: of the result.
    """
    name = name or "clip"
    if x_min is None and x_max is None:
        return copy(x, name)
    if x_max is None:
        return maximum(x, x_min, name)
    if x_min is None:
        return minimum(x, x_max, name)
    low, tensor, high = promoted((x_min, x, x_max))
    if tensor.dtype is BOOL:
        return minimum(maximum(tensor, low), high, name)
    shape = broadcast_shapes(low.shape, tensor.shape, high.shape)
    low, high = (b if b.ndim == 0 else broadcast_to(b, shape) for b in (low, high))
    return apply("clamp", low, broadcast_to(tensor, shape), high, name=name)


# -- logic and bits --------------------------------------------------------------------------------


def truth_of(x: Any) -> Tensor:
    """Whether x is not 0."""
    tensor = to_tensor(x, None, graph_of((x,)))
    if tensor.dtype is BOOL:
        return tensor
    return binary(_COMPARE, tensor, filled_like(tensor, 0), "compare", _DIRECTIONS["NE"])


def logical_and(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """Whether both are true; a number is true where it is not 0."""
    return binary(_AND, truth_of(x1), truth_of(x2), name or "logical_and")


def logical_or(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """Whether either is true."""
    return binary(_OR, truth_of(x1), truth_of(x2), name or "logical_or")


def logical_xor(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """Whether exactly one is true."""
    return binary(_XOR, truth_of(x1), truth_of(x2), name or "logical_xor")


def logical_not(x: Any, name: str | None = None) -> Tensor:
    """Whether x is false."""
    return unary(_NOT, truth_of(x), name or "logical_not")


def bitwise_and(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Both x and y, bit by bit: integers, or truth values."""
    return binary(_AND, x, y, name or "bitwise_and")


def bitwise_or(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Either of x and y, or both, bit by bit: integers, or truth values."""
    return binary(_OR, x, y, name or "bitwise_or")


def bitwise_xor(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Either x or y bit by bit: integers, or truth values."""
    return binary(_XOR, x, y, name or "bitwise_xor")


def bitwise_not(x: Any, name: str | None = None) -> Tensor:
    """Not x bit by bit: integers, or truth values."""
    return unary(_NOT, x, name or "bitwise_not")


bitwise_invert = bitwise_not


def left_shift(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The bits of the integer x moved left by y places; zeros come in."""
    return binary(REGISTRY["shift_left"], x, y, name or "left_shift")


bitwise_left_shift = left_shift


def right_shift(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The bits of the integer x moved right by y places; copies of the sign come in."""
    left, right = aligned((x, y))
    kind = "logical" if left.dtype.kind == "unsigned" else "arithmetic"
    return binary(REGISTRY[f"shift_right_{kind}"], left, right, name or "right_shift")


bitwise_right_shift = right_shift


# -- choosing --------------------------------------------------------------------------------------


def where(condition: Any, x1: Any = None, x2: Any = None, name: str | None = None) -> Tensor:
    """x1 where the condition holds, else x2.

    Args:
        condition: truth values; a number counts as true where it is not 0.
        x1: promoted with x2, and broadcast with x2 and the condition.
        x2: likewise.
        name: of the result.

    Raises:
        GraphcError: x1 or x2 is missing: how many elements meet a condition is not known while
            a graph is built.
    """
    if x1 is None or x2 is None:
        raise GraphcError(
            "where() needs both x1 and x2",
            given="a condition alone" if x1 is None and x2 is None else "one of them",
            expected="where(condition, x1, x2)",
            fix="the positions of true elements have no fixed number; compute with a mask",
            origin=capture_origin(),
        )
    mask = truth_of(condition)
    on_true, on_false = promoted((x1, x2))
    shape = broadcast_shapes(mask.shape, on_true.shape, on_false.shape)
    if mask.ndim:  # a scalar chooses between whole tensors
        mask = broadcast_to(mask, shape)
    operands = (mask, broadcast_to(on_true, shape), broadcast_to(on_false, shape))
    return apply("select", *operands, name=name or "where")


def select(condlist: Any, choicelist: Any, default: Any = 0, name: str | None = None) -> Tensor:
    """The choice of the first condition that holds, else `default`, as `numpy.select`.

    Raises:
        GraphcError: there are not as many choices as conditions, or none.
    """
    conditions, choices = list(condlist), list(choicelist)
    if len(conditions) != len(choices) or not conditions:
        raise GraphcError(
            "select() needs one choice per condition, and at least one",
            given=f"{len(conditions)} conditions, {len(choices)} choices",
            origin=capture_origin(),
        )
    *tensors, chosen = promoted((*choices, default))
    pairs = list(zip(conditions, tensors, strict=True))
    for condition, choice in reversed(pairs[1:]):
        chosen = where(condition, choice, chosen)
    return where(*pairs[0], chosen, name=name or "select")


def nan_to_num(
    x: Any,
    nan: float = 0.0,
    posinf: float | None = None,
    neginf: float | None = None,
    name: str | None = None,
) -> Tensor:
    """The tensor with numbers in place of NaN and of infinities.

    Args:
        x: floats, or complex numbers, whose parts count; integers stay as they are.
        nan: in place of NaN.
        posinf: in place of infinity; the largest number of the type by default.
        neginf: in place of minus infinity; the least by default.
        name: of the result.
    """
    tensor = to_tensor(x, None, graph_of((x,)))
    if tensor.dtype.is_complex:
        parts = [unary(REGISTRY[part], tensor, part) for part in ("real", "imag")]
        parts = [nan_to_num(part, nan, posinf, neginf) for part in parts]
        return binary(REGISTRY["complex"], *parts, name or "nan_to_num")
    if not tensor.dtype.is_floating:
        return named(tensor, name)
    limits = finite_limits(tensor.dtype)
    low = limits[0] if neginf is None else neginf
    high = limits[1] if posinf is None else posinf
    result = where(isnan(tensor), nan, tensor)
    result = where(equal(tensor, float("inf")), high, result)
    return where(equal(tensor, float("-inf")), low, result, name=name or "nan_to_num")


def finite_limits(dtype: DType) -> tuple[float, float]:
    """The least and the greatest finite number of a float type."""
    limits = ml_dtypes.finfo(dtype.numpy)
    return float(limits.min), float(limits.max)


def fmax(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The larger of x1 and x2; the other one where one is NaN."""
    left, right = aligned((x1, x2))
    return where(isnan(left), right, where(isnan(right), left, maximum(left, right)), name=name)


def fmin(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The smaller of x1 and x2; the other one where one is NaN."""
    left, right = aligned((x1, x2))
    return where(isnan(left), right, where(isnan(right), left, minimum(left, right)), name=name)


def heaviside(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """0 where x1 is below 0, 1 where it is above, x2 where it is 0; NaN where it is NaN."""
    left, right = (inexact(operand) for operand in aligned((x1, x2)))
    step = where(less(left, 0), filled_like(left, 0), filled_like(left, 1))
    known = where(equal(left, 0), right, step)
    return where(isnan(left), left, known, name=name or "heaviside")
