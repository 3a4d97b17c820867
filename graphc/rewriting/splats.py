"""Constants that hold one number at every position, however they are written.

`1.0`, a broadcast of `1.0`, a reshape of that and an array of ones are the same to a rule. A splat
is never materialised: `full` of a billion elements costs one number here.
"""

from __future__ import annotations

import math
import weakref
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from graphc.dtypes import DType
from graphc.ir.literal import Literal
from graphc.ir.node import Node, Value

# The ops through which a constant is recognised.
TRANSPARENT: Final = frozenset({"broadcast_in_dim", "reshape", "convert"})
SPLAT_OPS: Final = TRANSPARENT | {"constant"}
EXACT_EVERYWHERE: Final = frozenset({-2, -1, 0, 1, 2})


class SplatNumber(NamedTuple):
    """The number that a constant holds at every position.

    Attributes:
        scalar: in the constant's own element type.
        number: the same as a Python number, exact for every element type.
    """

    scalar: Any
    number: bool | int | float | complex


class OperandSource(Protocol):
    """Whoever knows the operands of a node as they are now: a `GraphEditor`."""

    def operands(self, node: Node, /) -> tuple[Value, ...]: ...


_OF_LITERAL: Final[weakref.WeakKeyDictionary[Literal, SplatNumber | None]] = (
    weakref.WeakKeyDictionary()
)


def python_number(scalar: Any, dtype: DType) -> bool | int | float | complex:
    """A NumPy scalar as the Python number of the same value."""
    if dtype.kind == "bool":
        return bool(scalar)
    if dtype.is_integer:
        return int(scalar)
    return complex(scalar) if dtype.is_complex else float(scalar)


def splat_of_literal(literal: Literal) -> SplatNumber | None:
    """The number at every position of a literal, bit for bit; None where there are two, or none."""
    try:
        return _OF_LITERAL[literal]
    except KeyError:
        found = _OF_LITERAL[literal] = _compute(literal)
        return found


def _compute(literal: Literal) -> SplatNumber | None:
    dtype = literal.type.dtype
    if dtype.is_host or literal.is_detached or literal.array.size == 0:
        return None
    flat = literal.array.reshape(-1)
    if flat.size > 1:
        # Compared as bits: 0.0 is not -0.0, and a NaN is itself.
        rows = np.ascontiguousarray(flat).view(np.uint8).reshape(flat.size, dtype.itemsize)
        if (rows[-1] != rows[0]).any() or (rows != rows[0]).any():
            return None
    return SplatNumber(flat[0], python_number(flat[0], dtype))


def convert_number(splat: SplatNumber, dtype: DType) -> SplatNumber | None:
    """A splat in another element type; None where the result is not the same everywhere.

    A float that no integer of the type holds converts differently in XLA and in NumPy.
    """
    number = splat.number
    if dtype.is_host or (isinstance(number, complex) and not dtype.is_complex):
        return None
    if dtype.is_integer and isinstance(number, float):
        if not math.isfinite(number):
            return None
        limits = np.iinfo(dtype.numpy)
        if not limits.min <= math.trunc(number) <= limits.max:
            return None
    with np.errstate(all="ignore"):
        scalar = np.asarray(splat.scalar).astype(dtype.numpy)[()]
    return SplatNumber(scalar, python_number(scalar, dtype))


def splat_of(value: Value, source: OperandSource) -> SplatNumber | None:
    """The number that a value holds at every position, or None.

    Args:
        value: any value of the graph.
        source: knows the operands of nodes.
    """
    conversions: list[DType] = []
    node = value.node
    name = node.op.name
    while name in TRANSPARENT:
        if name == "convert":
            conversions.append(node.outputs[0].type.dtype)
        node = source.operands(node)[0].node
        name = node.op.name
    if name != "constant":
        return None
    found = splat_of_literal(node.attributes["value"])
    while found is not None and conversions:
        found = convert_number(found, conversions.pop())
    return found


def is_number(splat: SplatNumber, number: bool | int | float | complex) -> bool:
    """Whether a splat is a number: True is not 1, and -0.0 is not 0.0."""
    mine = splat.number
    if isinstance(mine, bool) or isinstance(number, bool):
        return mine is number
    if mine != number:
        # 0.1 is met by the float32 that is nearest to it. Small whole numbers every type holds.
        if number in EXACT_EVERYWHERE or not isinstance(mine, float):
            return False
        return bool(splat.scalar == type(splat.scalar)(number))
    if number == 0:
        return _signs(mine) == _signs(number)
    return True


def _signs(number: int | float | complex) -> tuple[float, float]:
    if isinstance(number, complex):
        return math.copysign(1.0, number.real), math.copysign(1.0, number.imag)
    return math.copysign(1.0, number), 1.0
