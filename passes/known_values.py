"""What is known of constants while folding: their elements, their sizes, what may be made of them.

The NumPy references of ops compute. They are right to the last bit where XLA is as well: for whole
numbers and truth values, for what only moves elements, and for the float operations that IEEE 754
rounds correctly. Subnormal numbers are left to XLA, whose backends flush them to zero or do not.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

import graphc.settings as settings
from graphc.dtypes import BF16, DType
from graphc.ir.literal import literal_of
from graphc.ir.node import Value
from graphc.ir.op import OpCall
from graphc.ir.types import TensorType, tensor_type
from graphc.reference.evaluator import evaluate_call
from graphc.rewriting.match import Match, MatchScope

Array = np.ndarray[Any, Any]

# Constants of so few bytes are made whoever else uses their operands.
SMALL_BYTES: Final = 256
# Operands of a reduction or a product may be that many times larger than what folding may make.
_LARGEST_OPERANDS: Final = 16


def is_one_element(type_: TensorType) -> bool:
    """Whether a type is known to have exactly one element."""
    return all(size == 1 for size in type_.shape)


def make_splat(match: Match, scalar: Any, type_: TensorType) -> Value:
    """One number at every position, in its only normal form.

    A constant where there is one element, else a broadcast of a scalar constant.
    """
    array = np.asarray(scalar).astype(type_.dtype.numpy)
    if is_one_element(type_):
        return match.build.literal(literal_of(array.reshape(type_.shape), type_))
    return match.build.full(array, type_.dtype, type_.shape)


def is_normal_splat(value: Value, operand: Value | None) -> bool:
    """Whether a broadcast, or a constant without operand, is what `make_splat` gives."""
    if operand is None:
        return is_one_element(value.type)
    is_scalar = operand.node.op.name == "constant" and operand.type.rank == 0
    return is_scalar and not is_one_element(value.type)


def array_of(value: Value, scope: MatchScope) -> Array:
    """The elements of a constant or a splat of static shape."""
    splat = scope.splat(value)
    if splat is not None:
        return np.broadcast_to(np.asarray(splat.scalar), value.type.shape)  # type: ignore[arg-type]
    return value.node.attributes["value"].array


def refuse_size(match: Match) -> str | None:
    """Why a constant of the result's type may not be made: it would be large, or one more."""
    result = match.type.byte_size
    if not isinstance(result, int):
        return "its size is not known yet"
    cap = settings.fold_bytes.get()
    if result > cap:
        return f"a constant of {result} bytes would be above settings.fold_bytes = {cap}"
    operands = match.operands()
    if not all(value.type.is_static for value in operands):
        return "the size of an operand, which must be that of another, is not known yet"
    literals = {v for v in operands if match.scope.splat(v) is None}
    sizes = {value: _bytes(value) for value in literals}
    if sum(sizes.values()) > cap * _LARGEST_OPERANDS:
        return f"operands of {sum(sizes.values())} bytes are too much to compute with"
    freed = sum(size for value, size in sizes.items() if match.editor.has_one_use(value))
    if result > max(SMALL_BYTES, freed):
        return f"a constant of {result} bytes would come in place of {freed} bytes"
    return None


def _bytes(value: Value) -> int:
    return value.node.attributes["value"].array.nbytes


def compute(match: Match) -> Array:
    """The result of the root on known operands of static shape."""
    arrays = [array_of(value, match.scope) for value in match.operands()]
    return evaluate_call(match.node.call, arrays)[0]


def compute_splat(match: Match) -> Array:
    """The result of an elementwise root on one number per operand."""
    operands = match.operands()
    splats = [match.scope.splat(value) for value in operands]
    scalars = [np.asarray(splat.scalar) for splat in splats if splat is not None]
    types = tuple([tensor_type(value.type.dtype, ()) for value in operands])
    return evaluate_call(OpCall(match.node.op, types, match.node.attributes), scalars)[0]


# The largest of no elements is minus infinity, so reduce_max is not among them.
_KEEPS_SIGNS: Final = frozenset(
    {
        "add", "multiply", "divide", "sqrt", "reduce_sum", "reduce_min",
        "reduce_product", "broadcast_in_dim", "reshape", "transpose", "slice", "concatenate",
    }
)  # fmt: skip
_NEVER_NEGATIVE: Final = frozenset({"abs", "exponential", "logistic", "softplus", "softmax"})
_DEEPEST: Final = 12


def is_never_negative(value: Value, scope: MatchScope, depth: int = _DEEPEST) -> bool:
    """Whether no element can have a sign, that of -0.0 and minus infinity included; NaN may be."""
    splat = scope.splat(value)
    if splat is not None:
        return bool(np.isfinite(splat.scalar) and not np.signbit(splat.scalar))
    node, operands = value.node, scope.operands(value.node)
    if depth == 0:
        return False
    if node.op.name in _NEVER_NEGATIVE:
        return True
    if node.op.name == "multiply" and operands[0] is operands[1]:
        return True
    if node.op.name == "power":
        exponent = scope.splat(operands[1])
        return exponent is not None and float(np.asarray(exponent.scalar)) == 2
    if node.op.name == "maximum":
        return any(_is_positive(operand, scope) for operand in operands)
    return node.op.name in _KEEPS_SIGNS and all(
        is_never_negative(operand, scope, depth - 1) for operand in operands
    )


def _is_positive(value: Value, scope: MatchScope) -> bool:
    splat = scope.splat(value)
    return splat is not None and bool(np.asarray(splat.scalar) > 0)


def has_subnormals(array: Array, dtype: DType) -> bool:
    """Whether some element is a float too small to have all its digits."""
    if not dtype.is_inexact:
        return False
    parts = [array.real, array.imag] if dtype.is_complex else [array]
    for part in parts:
        wide = part.astype(np.float64)
        if ((wide != 0) & (np.abs(wide) < smallest_normal(dtype))).any():
            return True
    return False


def smallest_normal(dtype: DType) -> float:
    """The smallest positive float with all its digits."""
    if dtype is BF16:
        return 2.0**-126
    narrow = {"float8_e4m3fn": 2.0**-6, "float8_e5m2": 2.0**-14}
    found = narrow.get(dtype.name)
    return found if found is not None else float(np.finfo(dtype.numpy).tiny)
