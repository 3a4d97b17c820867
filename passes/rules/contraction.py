"""Reductions that reduce nothing, and transposes that a matrix product takes over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from graphc.ir.node import Value
from graphc.rewriting.match import Match
from graphc.rewriting.rules import NOT_NEEDED, RuleCollector
from graphc.rewriting.terms import Tensor, attribute, op, variables

_rules = RuleCollector("contraction")
_x, _y = variables("x", "y")

# --- reductions -----------------------------------------------------------------------------------

_REDUCTIONS: Final = (
    *("reduce_sum", "reduce_product", "reduce_max", "reduce_min", "reduce_and", "reduce_or"),
)


def _has_unit_axis(match: Match) -> str | None:
    axes, shape = match.attribute("axes"), match["x"].type.shape
    return NOT_NEEDED if axes and all(shape[axis] != 1 for axis in axes) else None


def _define_reduction(op_name: str) -> None:
    def reduce_unit_axes(match: Match) -> Value:
        x, build = match["x"], match.build
        shape, axes = x.type.shape, match.attribute("axes")
        ones = [axis for axis in axes if shape[axis] == 1]
        if ones:
            kept = [axis for axis in range(len(shape)) if axis not in ones]
            x = build.reshape(x, shape=[shape[axis] for axis in kept])
            axes = [kept.index(axis) for axis in axes if axis not in ones]
        return getattr(build, op_name)(x, axes=axes) if axes else x

    reduce_unit_axes.__name__ = f"{op_name}_of_unit_axes"
    reduce_unit_axes.__doc__ = f"{op_name} over axes of size 1 is a reshape."
    pattern = op(op_name, _x, axes=attribute("axes"))
    # A sum starts from 0.0, so that of -0.0 alone is 0.0.
    numerics = "reassociates" if op_name == "reduce_sum" else "exact"
    _rules.rewrite(numerics, pattern, check=_has_unit_axis)(reduce_unit_axes)


for _name in _REDUCTIONS:
    _define_reduction(_name)

# --- dot_general ----------------------------------------------------------------------------------

_DOT: Final = {
    "lhs_batching": attribute("lhs_batching"),
    "rhs_batching": attribute("rhs_batching"),
    "lhs_contracting": attribute("lhs_contracting"),
    "rhs_contracting": attribute("rhs_contracting"),
}


def _free(value: Value, batching: Sequence[int], contracting: Sequence[int]) -> list[int]:
    taken = {*batching, *contracting}
    return [axis for axis in range(value.type.rank) if axis not in taken]


def _taken_over(match: Match, side: str, transposed: str) -> dict[str, tuple[int, ...]] | None:
    """The axes of a product without the transpose of an operand; None where free axes move."""
    permutation: Sequence[int] = match.attribute("permutation")
    batching = match.attribute(f"{side}_batching")
    contracting = match.attribute(f"{side}_contracting")
    free = [permutation[axis] for axis in _free(match[transposed], batching, contracting)]
    if free != sorted(free):
        return None
    return {
        f"{side}_batching": tuple(permutation[axis] for axis in batching),
        f"{side}_contracting": tuple(permutation[axis] for axis in contracting),
    }


def _attributes(match: Match, **changed: Any) -> dict[str, Any]:
    return {**match.node.attributes, **changed}


_MOVES: Final = "the free axes of the operand would change places"


def _lhs_can_take_over(match: Match) -> str | None:
    return _MOVES if _taken_over(match, "lhs", "transposed") is None else None


def _rhs_can_take_over(match: Match) -> str | None:
    return _MOVES if _taken_over(match, "rhs", "transposed") is None else None


_TRANSPOSED: Final = op.transpose(_x, permutation=attribute("permutation")).named("transposed")


@_rules.rewrite("reassociates", op.dot_general(_TRANSPOSED, _y, **_DOT), check=_lhs_can_take_over)
def product_of_transposed_left(match: Match) -> Value:
    """A product takes its axes from anywhere: the left operand need not be transposed."""
    changed = _taken_over(match, "lhs", "transposed") or {}
    return match.build.dot_general(match["x"], match["y"], **_attributes(match, **changed))


@_rules.rewrite("reassociates", op.dot_general(_y, _TRANSPOSED, **_DOT), check=_rhs_can_take_over)
def product_of_transposed_right(match: Match) -> Value:
    """A product takes its axes from anywhere: the right operand need not be transposed."""
    changed = _taken_over(match, "rhs", "transposed") or {}
    return match.build.dot_general(match["y"], match["x"], **_attributes(match, **changed))


def _swapped(match: Match) -> dict[str, Any] | None:
    """The axes of the product with its operands swapped, where that is what a transpose does."""
    batching, other_batching = match.attribute("lhs_batching"), match.attribute("rhs_batching")
    count = len(batching)
    left = _free(match["x"], batching, match.attribute("lhs_contracting"))
    right = _free(match["y"], other_batching, match.attribute("rhs_contracting"))
    permutation = list(match.attribute("permutation"))
    middle = count + len(left)
    free = [*range(middle, middle + len(right)), *range(count, middle)]
    if permutation[count:] != free or not (left and right):
        return None
    order = permutation[:count]
    return {
        "lhs_batching": tuple(other_batching[axis] for axis in order),
        "rhs_batching": tuple(batching[axis] for axis in order),
        "lhs_contracting": match.attribute("rhs_contracting"),
        "rhs_contracting": match.attribute("lhs_contracting"),
    }


def _is_swapped(match: Match) -> str | None:
    return "the transpose does more than swap the operands" if _swapped(match) is None else None


@_rules.rewrite(
    "reassociates",
    op.transpose(
        op.dot_general(Tensor("x"), Tensor("y"), **_DOT).used_once().named("product"),
        permutation=attribute("permutation"),
    ),
    check=_is_swapped,
)
def transpose_of_product(match: Match) -> Value:
    """The transpose of a product is the product of the operands in the other order."""
    axes = _swapped(match) or {}
    attributes = {**match["product"].node.attributes, **axes}
    return match.build.dot_general(match["y"], match["x"], **attributes)


CONTRACTION = _rules.rule_set()
