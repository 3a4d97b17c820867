"""Constant folding: what depends on constants alone is computed while compiling.

Only what is exact is folded: whole numbers, truth values, moves of elements, and the float
operations that IEEE 754 rounds correctly (+ - * / sqrt, signs, bounds, comparisons, rounding to
whole numbers, conversions). Exponentials and their like, sums of floats and products of matrices
are left to XLA, which folds them with its own rounding.

The graph never grows. A constant is made only up to `settings.fold_bytes`, and only as large as the
constants that it replaces. One number at every position stays one number: a broadcast of a scalar
constant, of whatever size and also of symbolic sizes, is the normal form, and computing with such
splats gives such splats.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from graphc.dimensions import product
from graphc.dtypes import DType
from graphc.ir.builder import inline
from graphc.ir.node import Value
from graphc.rewriting.match import Match
from graphc.rewriting.rule_pass import RulePass
from graphc.rewriting.rules import NOT_NEEDED, Check, Equation, RuleCollector, RuleSet
from graphc.rewriting.terms import Known, Operation, Splat, Tensor, attribute, op
from passes.known_values import (
    Array,
    array_of,
    compute,
    compute_splat,
    has_subnormals,
    is_normal_splat,
    make_splat,
    refuse_size,
)

_rules = RuleCollector("constant_folding")

_ARITHMETIC: Final = {"add": 2, "subtract": 2, "multiply": 2, "divide": 2, "sqrt": 1}
_CHOOSING: Final = {
    **{"negate": 1, "abs": 1, "maximum": 2, "minimum": 2, "clamp": 3, "relu": 1},
    **{"compare": 2, "select": 3, "is_finite": 1},
    **{"floor": 1, "ceil": 1, "round_nearest_even": 1, "round_nearest_afz": 1, "remainder": 2},
    **{"complex": 2, "real": 1, "imag": 1, "conj": 1},
    **{"and": 2, "or": 2, "xor": 2, "not": 1},
    **{"shift_left": 2, "shift_right_logical": 2, "shift_right_arithmetic": 2},
}
_MOVES: Final = {"reshape": 1, "transpose": 1, "slice": 1, "reverse": 1, "broadcast_in_dim": 1}
# Of these every element of the result is an element of the first operand.
_MOVES_OF_SPLATS: Final = ("reshape", "transpose", "slice", "reverse", "broadcast_in_dim")
_WHOLE_REDUCTIONS: Final = ("reduce_sum", "reduce_product", "reduce_and", "reduce_or")
_EXTREMA: Final = ("reduce_max", "reduce_min")
_SPLAT_REDUCTIONS: Final = ("reduce_max", "reduce_min", "reduce_and", "reduce_or")

_ROUNDED: Final = "complex products, quotients and sizes are rounded in more than one way"


def _names(count: int) -> list[str]:
    return [f"c{position}" for position in range(count)]


def _known(op_name: str, count: int) -> Operation:
    return op(op_name, *[Known(name) for name in _names(count)])


def _define(
    name: str, doc: str, pattern: Operation, check: Check, rewrite: Callable[[Match], Value]
) -> None:
    def fold(match: Match) -> Value:
        return rewrite(match)

    fold.__name__, fold.__doc__ = name, doc
    _rules.rewrite("exact", pattern, check=check)(fold)


# --- element by element ---------------------------------------------------------------------------


def _operand_problem(match: Match, arrays: Sequence[Array]) -> str | None:
    for value, array in zip(match.operands(), arrays, strict=True):
        if has_subnormals(array, value.type.dtype):
            return "backends differ on subnormal numbers"
    return None


def _arrays(match: Match) -> list[Array]:
    scope = match.scope
    found: list[Array] = []
    for value in match.operands():
        splat = scope.splat(value)
        found.append(array_of(value, scope) if splat is None else np.asarray(splat.scalar))
    return found


def _are_splats(match: Match) -> bool:
    return all(match.scope.splat(value) is not None for value in match.operands())


def _check_elementwise(match: Match) -> str | None:
    dtype = match.operands()[0].type.dtype
    name = match.node.op.name
    if dtype.is_complex and name in ("multiply", "divide", "sqrt", "abs"):
        return _ROUNDED
    if not _are_splats(match):
        problem = refuse_size(match)
        if problem is not None:
            return problem
    problem = _operand_problem(match, _arrays(match))
    if problem is None and name in _ARITHMETIC:
        result = compute_splat(match) if _are_splats(match) else compute(match)
        if has_subnormals(result, match.type.dtype):
            return "backends differ on subnormal numbers"
    return problem


def _fold_elementwise(match: Match) -> Value:
    if _are_splats(match):
        return make_splat(match, compute_splat(match), match.type)
    return match.build.array(compute(match), match.type.dtype)


for _name, _count in {**_ARITHMETIC, **_CHOOSING}.items():
    _define(
        f"fold_{_name}",
        f"{_name} of constants.",
        _known(_name, _count),
        _check_elementwise,
        _fold_elementwise,
    )


def _converts_exactly(array: Array, source: DType, target: DType) -> str | None:
    """Conversions on the way of which there may be two roundings, or a choice."""
    narrow = target.is_floating and target.itemsize < 4
    if narrow and source.itemsize > 2 and source.kind != "bool" and not source.is_complex:
        wide = array.astype(np.float64) if source.is_floating else array.astype(object)
        single = array.astype(np.float32)
        back = single.astype(np.float64) if source.is_floating else single.astype(object)
        if not np.array_equal(wide, back, equal_nan=source.is_floating):
            return f"{source} to {target} may be rounded twice"
    return None


def _check_convert(match: Match) -> str | None:
    (array,) = _arrays(match)
    source, target = match["c0"].type.dtype, match.type.dtype
    if source is target:
        return NOT_NEEDED
    if not _are_splats(match):
        problem = refuse_size(match)
        if problem is not None:
            return problem
    if has_subnormals(array, source):
        return "backends differ on subnormal numbers"
    problem = _converts_exactly(array, source, target)
    if problem is None and target.is_inexact:
        with np.errstate(all="ignore"):
            result = compute_splat(match) if _are_splats(match) else compute(match)
        if has_subnormals(result, target):
            return "backends differ on subnormal numbers"
    return problem


_define(
    "fold_convert",
    "A constant in another element type.",
    _known("convert", 1),
    _check_convert,
    _fold_elementwise,
)


@_rules.equation("exact")
def stop_gradient_of_constant(c: Known) -> Equation:
    """A constant has no gradient to stop."""
    return op.stop_gradient(c), c


# --- splats ---------------------------------------------------------------------------------------


def _is_not_normal(match: Match) -> str | None:
    operands = match.operands()
    if not operands:
        if match.scope.splat(match.node.outputs[0]) is None:
            return NOT_NEEDED
        return NOT_NEEDED if is_normal_splat(match.node.outputs[0], None) else None
    is_broadcast = match.node.op.name == "broadcast_in_dim"
    if is_broadcast and is_normal_splat(match.node.outputs[0], operands[0]):
        return NOT_NEEDED
    return None


def _normal_splat(match: Match) -> Value:
    value = match["c0"] if match.operands() else match.node.outputs[0]
    splat = match.scope.splat(value)
    assert splat is not None
    return make_splat(match, splat.scalar, match.type)


@_rules.rewrite("exact", op("constant"), check=_is_not_normal)
def splat_of_equal_elements(match: Match) -> Value:
    """An array of equal elements is a broadcast of one."""
    return _normal_splat(match)


for _name in _MOVES_OF_SPLATS:
    _define(
        f"move_splat_by_{_name}",
        f"{_name} of one number at every position.",
        op(_name, Splat("c0")),
        _is_not_normal,
        _normal_splat,
    )


def _one_splat(match: Match) -> str | None:
    splats = [match.scope.splat(value) for value in match.operands()]
    keys = {None if splat is None else splat.scalar.tobytes() for splat in splats}
    return NOT_NEEDED if None in keys or len(keys) > 1 else None


@_rules.rewrite("exact", op("concatenate", ...), check=_one_splat)
def concatenate_splats(match: Match) -> Value:
    """Pieces of one number, joined."""
    splat = match.scope.splat(match.operands()[0])
    assert splat is not None
    return make_splat(match, splat.scalar, match.type)


@_rules.rewrite("exact", op.pad(Splat("c0"), Splat("c1")), check=_one_splat)
def pad_splat(match: Match) -> Value:
    """One number, padded with itself."""
    return _normal_splat(match)


def _has_elements(match: Match) -> str | None:
    shape, axes = match["c0"].type.shape, match.node.attributes["axes"]
    if all(isinstance(shape[axis], int) and shape[axis] for axis in axes):
        return None
    return "there may be no element to reduce"


for _name in _SPLAT_REDUCTIONS:
    _define(
        f"splat_{_name}",
        f"{_name} of one number many times.",
        op(_name, Splat("c0")),
        _has_elements,
        _normal_splat,
    )


def _is_whole_sum(match: Match) -> str | None:
    shape, axes = match["c0"].type.shape, match.node.attributes["axes"]
    count = product(tuple([shape[axis] for axis in axes]))
    if not isinstance(count, int):
        return "the number of elements is not known yet"
    splat = match.scope.splat(match["c0"])
    assert splat is not None
    dtype, number = match.type.dtype, splat.number
    if dtype.is_integer:
        return None
    if not dtype.is_floating or not math.isfinite(float(number)):  # type: ignore[arg-type]
        return "a sum of floats is rounded"
    # Every partial sum is a whole number that the type holds.
    digits = {2: 8, 4: 24, 8: 53}.get(dtype.itemsize, 0)
    total = float(number) * count  # type: ignore[arg-type]
    is_whole = float(number).is_integer() and abs(total) <= 2**digits  # type: ignore[arg-type]
    return None if is_whole else "a sum of floats is rounded"


@_rules.rewrite("exact", op.reduce_sum(Splat("c0")), check=_is_whole_sum)
def splat_reduce_sum(match: Match) -> Value:
    """A whole number many times, summed."""
    shape, axes = match["c0"].type.shape, match.node.attributes["axes"]
    count = product(tuple([shape[axis] for axis in axes]))
    number = match.number("c0")
    with np.errstate(all="ignore"):
        factor = np.asarray(count).astype(number.dtype)
        return make_splat(match, np.multiply(number, factor), match.type)


# --- moves and reductions of arrays ---------------------------------------------------------------


def _check_array(match: Match) -> str | None:
    if all(match.scope.splat(value) is not None for value in match.operands()):
        return NOT_NEEDED
    return refuse_size(match)


def _fold_array(match: Match) -> Value:
    return match.build.array(compute(match), match.type.dtype)


for _name, _count in {**_MOVES, "pad": 2}.items():
    _define(
        f"fold_{_name}",
        f"{_name} of a constant.",
        _known(_name, _count),
        _check_array,
        _fold_array,
    )


def _check_pieces(match: Match) -> str | None:
    for value in match.operands():
        if value.node.op.name != "constant" and match.scope.splat(value) is None:
            return NOT_NEEDED
    if not all(value.type.is_static for value in match.operands()):
        return NOT_NEEDED
    return _check_array(match)


_define(
    "fold_concatenate",
    "Constants, joined.",
    op("concatenate", ...),
    _check_pieces,
    _fold_array,
)


def _check_whole(match: Match) -> str | None:
    if match["c0"].type.dtype.is_inexact:
        return "a sum or product of floats is rounded"
    return _check_array(match)


for _name in (*_WHOLE_REDUCTIONS, *_EXTREMA):
    _define(
        f"fold_{_name}",
        f"{_name} of a constant.",
        _known(_name, 1),
        _check_array if _name in _EXTREMA else _check_whole,
        _fold_array,
    )

# --- sizes and branches ---------------------------------------------------------------------------


def _size_is_known(match: Match) -> str | None:
    size = match["x"].type.shape[match.attribute("axis")]
    return None if isinstance(size, int) else "the size is not known yet"


@_rules.rewrite(
    "exact", op.dimension_size(Tensor("x"), axis=attribute("axis")), check=_size_is_known
)
def fold_dimension_size(match: Match) -> Value:
    """The size of an axis, once it is a number."""
    size = match["x"].type.shape[match.attribute("axis")]
    return match.build.array(np.array(size), match.type.dtype)


def _predicate_is_known(match: Match) -> str | None:
    return NOT_NEEDED if match.scope.splat(match.operands()[0]) is None else None


@_rules.rewrite("exact", op("cond", ...), check=_predicate_is_known)
def take_known_branch(match: Match) -> Sequence[Value]:
    """A branch that is always taken stands in place."""
    predicate, *operands = match.operands()
    splat = match.scope.splat(predicate)
    assert splat is not None
    return inline(match.build, match.node.regions[0 if splat.number else 1], operands)


@_rules.rewrite("exact", op("case", ...), check=_predicate_is_known)
def take_known_case(match: Match) -> Sequence[Value]:
    """A branch whose number is known stands in place."""
    index, *operands = match.operands()
    splat = match.scope.splat(index)
    assert splat is not None
    last = len(match.node.regions) - 1
    return inline(match.build, match.node.regions[min(max(int(splat.scalar), 0), last)], operands)


RULES: Final[RuleSet] = _rules.rule_set()


@dataclass(frozen=True)
class ConstantFolding(RulePass):
    """Computes what depends on constants alone, where that is exact and the graph does not grow."""

    rules: RuleSet = RULES
