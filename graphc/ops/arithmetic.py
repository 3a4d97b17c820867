"""Arithmetic, element by element, under NumPy's names.

Every function of `graphc.ops` takes tensors, variables, Python numbers and NumPy arrays. Operands
are promoted as JAX and Keras promote (a Python number takes the other operand's element type) and
broadcast as NumPy broadcasts. `name` is the name of the node that gives the result. Errors carry
the user's line: `ShapeError` for shapes that do not broadcast, `DTypeError` for element types that
an op does not take, `GraphMixError` for tensors of two graphs.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from graphc.dtypes import BOOL, I32
from graphc.errors import DTypeError
from graphc.ir.attributes import Attributes
from graphc.ir.op import OpSpec
from graphc.ir.origin import capture_origin
from graphc.ir.registry import REGISTRY
from graphc.ops.broadcasting import aligned, apply, binary, unary
from graphc.ops.conversion import cast_to, floatx, graph_of, inexact, to_tensor
from graphc.ops.filling import filled_like
from graphc.ops.identities import named
from graphc.ops.tensor import Tensor

_ADD: Final[OpSpec] = REGISTRY["add"]
_SUBTRACT: Final[OpSpec] = REGISTRY["subtract"]
_MULTIPLY: Final[OpSpec] = REGISTRY["multiply"]
_DIVIDE: Final[OpSpec] = REGISTRY["divide"]
_REMAINDER: Final[OpSpec] = REGISTRY["remainder"]
_POWER: Final[OpSpec] = REGISTRY["power"]
_COMPARE: Final[OpSpec] = REGISTRY["compare"]
_AND: Final[OpSpec] = REGISTRY["and"]
_OR: Final[OpSpec] = REGISTRY["or"]
_XOR: Final[OpSpec] = REGISTRY["xor"]

_LARGEST_PRODUCT: Final = 16  # exponents up to here become products
_EXPONENT_BITS: Final = 6  # an integer to the power 64 overflows, but for -1, 0 and 1


def _direction(name: str) -> Attributes:
    return _COMPARE.attributes.make({"direction": name}, "compare")


_LESS: Final = _direction("LT")
_EQUAL: Final = _direction("EQ")
_NOT_EQUAL: Final = _direction("NE")


# -- sums and products -----------------------------------------------------------------------------


def add(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """x1 + x2; of truth values, whether either is true."""
    return binary(_ADD, x1, x2, name or "add", of_truth=_OR)


def subtract(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """x1 - x2.

    Raises:
        DTypeError: both are truth values; use `logical_xor`.
    """
    return binary(_SUBTRACT, x1, x2, name or "subtract")


def multiply(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """x1 * x2, element by element; of truth values, whether both are true."""
    return binary(_MULTIPLY, x1, x2, name or "multiply", of_truth=_AND)


def negative(x: Any, name: str | None = None) -> Tensor:
    """-x."""
    return unary(REGISTRY["negate"], x, name or "negative")


def square(x: Any, name: str | None = None) -> Tensor:
    """The square, x * x; a truth value counts as 0 or 1, and gives int32."""
    tensor = _number(x)
    return binary(_MULTIPLY, tensor, tensor, name or "square")


def absolute(x: Any, name: str | None = None) -> Tensor:
    """The absolute value; of a complex number its distance from 0, a float."""
    tensor = to_tensor(x, None, graph_of((x,)))
    if tensor.dtype.kind in ("bool", "unsigned"):
        return named(tensor, name)
    return unary(REGISTRY["abs"], tensor, name or "absolute")


def fabs(x: Any, name: str | None = None) -> Tensor:
    """The absolute value as a float: of integers, the default one."""
    return absolute(inexact(x), name or "fabs")


def sign(x: Any, name: str | None = None) -> Tensor:
    """-1, 0 or 1, of the type of x; x / |x| for a complex number."""
    return unary(REGISTRY["sign"], _number(x), name or "sign")


def _number(x: Any) -> Tensor:
    """A tensor of numbers: truth values become int32."""
    tensor = to_tensor(x, None, graph_of((x,)))
    return cast_to(tensor, I32) if tensor.dtype is BOOL else tensor


# -- quotients -------------------------------------------------------------------------------------


def true_divide(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """x1 / x2; of two integers or truth values, in the default float."""
    left, right = aligned((x1, x2))
    if not left.dtype.is_inexact:
        left, right = cast_to(left, floatx()), cast_to(right, floatx())
    return binary(_DIVIDE, left, right, name or "divide")


divide = true_divide


def divide_no_nan(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """x1 / x2, and 0 where x2 is 0; the gradient there is 0 as well."""
    left, right = aligned((x1, x2))
    if not left.dtype.is_inexact:
        left, right = cast_to(left, floatx()), cast_to(right, floatx())
    none = binary(_COMPARE, right, filled_like(right, 0), "compare", _EQUAL)
    safe = apply("select", none, filled_like(right, 1), right)
    quotient = binary(_DIVIDE, left, safe, "divide")
    return apply("select", none, filled_like(quotient, 0), quotient, name=name or "divide_no_nan")


def reciprocal(x: Any, name: str | None = None) -> Tensor:
    """1 / x; of an integer, in the default float."""
    return true_divide(1, x, name or "reciprocal")


def _signs_differ(remainder: Tensor, divisor: Tensor) -> Tensor:
    """Where a remainder is not 0, and has not the sign that Python gives it."""
    zero = filled_like(divisor, 0)
    left = binary(_COMPARE, remainder, zero, "compare", _LESS)
    right = binary(_COMPARE, divisor, zero, "compare", _LESS)
    inexact_ = binary(_COMPARE, remainder, zero, "compare", _NOT_EQUAL)
    return binary(_AND, inexact_, binary(_XOR, left, right, "xor"), "and")


def _real_operands(x1: Any, x2: Any, what: str) -> tuple[Tensor, Tensor]:
    left, right = (_number(operand) for operand in aligned((x1, x2)))
    if left.dtype.is_complex:
        raise DTypeError(
            f"{what} has no meaning for complex numbers",
            given=f"{left.value.type} and {right.value.type}",
            expected="integers or floats",
            origin=capture_origin(),
        )
    return left, right


def floor_divide(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The greatest whole number not above x1 / x2, of the operands' type, as Python's `//`.

    An integer divided by 0 has all bits set, as in XLA: -1, or the largest unsigned number. A float
    divided by 0 is infinite, or NaN for 0.

    Raises:
        DTypeError: complex numbers.
    """
    left, right = _real_operands(x1, x2, "floor_divide")
    name = name or "floor_divide"
    if left.dtype.kind == "unsigned":
        return binary(_DIVIDE, left, right, name)
    remainder = binary(_REMAINDER, left, right, "remainder")
    one = filled_like(right, 1)
    if left.dtype.is_integer:
        quotient = binary(_DIVIDE, left, right, "divide")
        lower = binary(_SUBTRACT, quotient, one, "subtract")
        divided = binary(_COMPARE, right, filled_like(right, 0), "compare", _NOT_EQUAL)
        is_lower = binary(_AND, _signs_differ(remainder, right), divided, "and")
        return apply("select", is_lower, lower, quotient, name=name)
    # Taking the remainder off first makes the quotient whole, but for its rounding.
    whole = binary(_SUBTRACT, left, remainder, "subtract")
    quotient = binary(_DIVIDE, whole, right, "divide")
    lower = binary(_SUBTRACT, quotient, one, "subtract")
    quotient = apply("select", _signs_differ(remainder, right), lower, quotient)
    by_zero = binary(_COMPARE, right, filled_like(right, 0), "compare", _EQUAL)
    rounded = apply("round_nearest_even", quotient)
    infinite = binary(_DIVIDE, left, right, "divide")
    return apply("select", by_zero, infinite, rounded, name=name)


def mod(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """What is left of x1 after `floor_divide` by x2: has the sign of x2, as Python's `%`.

    An integer modulo 0 is x1, as in XLA; a float modulo 0 is NaN.

    Raises:
        DTypeError: complex numbers.
    """
    left, right = _real_operands(x1, x2, "mod")
    name = name or "mod"
    if left.dtype.kind == "unsigned":
        return binary(_REMAINDER, left, right, name)
    remainder = binary(_REMAINDER, left, right, "remainder")
    shifted = binary(_ADD, remainder, right, "add")
    return apply("select", _signs_differ(remainder, right), shifted, remainder, name=name)


def fmod(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """What is left of x1 after division by x2, rounded towards zero: has the sign of x1.

    Raises:
        DTypeError: complex numbers.
    """
    left, right = _real_operands(x1, x2, "fmod")
    return binary(_REMAINDER, left, right, name or "fmod")


# -- powers ----------------------------------------------------------------------------------------


def power(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """x1 to the power x2.

    A whole exponent of at most 16 becomes products. Integers to an integer power are exact while
    they fit their type; exponents that are not known yet count modulo 64, beyond which every base
    but -1, 0 and 1 overflows, and must not be negative.

    Raises:
        DTypeError: integers to a negative power, which Python and NumPy refuse as well.
    """
    name = name or "power"
    exponent = _whole_exponent(x2)
    if exponent is not None and not isinstance(x1, (int, float, complex)):
        base = inexact(x1) if isinstance(x2, float) else _number(x1)
        if exponent < 0 and base.dtype.is_integer:
            raise _negative_power(base, x2)
        if abs(exponent) <= _LARGEST_PRODUCT:
            return _product(base, exponent, name)
    left, right = aligned((x1, x2))
    if left.dtype is BOOL:
        left, right = cast_to(left, I32), cast_to(right, I32)
    if left.dtype.is_inexact:
        return binary(_POWER, left, right, name)
    if not isinstance(x2, Tensor) and not hasattr(x2, "as_tensor") and np.any(np.less(x2, 0)):
        raise _negative_power(left, x2)
    return _integer_power(left, right, name)


def _whole_exponent(x2: Any) -> int | None:
    if isinstance(x2, (bool, np.generic)) or not isinstance(x2, (int, float)):
        return None
    return int(x2) if math.isfinite(x2) and x2 == int(x2) else None


def _negative_power(base: Tensor, exponent: Any) -> DTypeError:
    return DTypeError(
        "integers to a negative integer power are no integers",
        given=f"{base.value.type} ** {exponent}",
        expected="an exponent of at least 0, or a float",
        fix="cast the base with ops.cast, or write a float exponent such as -1.0",
        origin=capture_origin(),
    )


def _product(base: Tensor, exponent: int, name: str) -> Tensor:
    """`base` to a small whole power, by squaring."""
    if exponent == 0:
        return filled_like(base, 1, name)
    if exponent == 1:
        return named(base, name)
    if exponent < 0:
        return true_divide(1, _product(base, -exponent, "power"), name)
    square_of, result = base, None
    bits = bin(exponent)[:1:-1]
    for position, bit in enumerate(bits):
        last = position == len(bits) - 1
        if position:
            label = name if last and result is None else "square"
            square_of = binary(_MULTIPLY, square_of, square_of, label)
        if bit == "1":
            label = name if last else "multiply"
            result = square_of if result is None else binary(_MULTIPLY, result, square_of, label)
    assert result is not None, "the highest bit is always set"
    return result


def _integer_power(base: Tensor, exponent: Tensor, name: str) -> Tensor:
    """An integer to an integer power that is not known yet, by squaring."""
    zero, one = filled_like(base, 0), filled_like(base, 1)
    result = one
    for position in range(_EXPONENT_BITS):
        bit = binary(_AND, exponent, one, "and")
        odd = binary(_COMPARE, bit, zero, "compare", _NOT_EQUAL)
        more = binary(_MULTIPLY, result, base, "multiply")
        label = name if position == _EXPONENT_BITS - 1 else "select"
        result = apply("select", odd, more, result, name=label)
        if position < _EXPONENT_BITS - 1:
            base = binary(_MULTIPLY, base, base, "square")
            exponent = apply("shift_right_logical", exponent, one)
    return result
