"""From the softmax up to the product of queries and keys: scale, bias, masks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from graphc.ir.node import Value
from graphc.rewriting.splats import splat_of
from passes.attention_fusion.axis_atoms import Atoms, Axes


@dataclass(frozen=True)
class Added:
    """A bias: a tensor, its axes, and what it is multiplied by."""

    value: Value
    axes: Axes
    factor: float


@dataclass(frozen=True)
class Hiding:
    """A condition under which logits stay, and its axes; `stays` is false where it hides them."""

    condition: Value
    axes: Axes
    stays: bool


@dataclass(frozen=True)
class Logits:
    """What happens between a product of two tensors and the softmax.

    Attributes:
        product: the `dot_general`'s result.
        axes: its axes.
        factor: what its elements are multiplied by.
        added: what is added then.
        hidden_logit: what stands in the place of logits that are hidden, if any are.
        hiding: which those are.
    """

    product: Value
    axes: Axes
    factor: float = 1.0
    added: tuple[Added, ...] = ()
    hidden_logit: float | None = None
    hiding: tuple[Hiding, ...] = ()


_SAME: Final = frozenset({"transpose", "reshape", "convert"})


class LogitsSearch:
    """Looks for the product that the operand of a softmax is made of.

    Args:
        atoms: of the match.
        key: the atoms of the softmax's axis.

    Attributes:
        reasons: what stood in the way.
    """

    def __init__(self, atoms: Atoms, key: tuple[int, ...]) -> None:
        self.reasons: list[str] = []
        self._atoms = atoms
        self._key = key

    def walk(self, so_far: Logits) -> Iterator[Logits]:
        """Steps upwards, to every product; where two tensors are added, either may be it."""
        atoms, value, axes = self._atoms, so_far.product, so_far.axes
        name, operands = value.node.op.name, atoms.editor.operands(value.node)
        if name == "dot_general":
            yield so_far
        elif name in _SAME:
            above: tuple[Value, Axes] | None = (operands[0], axes)
            if name != "convert":
                above = atoms.above(value, axes, may_cut=True)
            if above is None:
                self.reasons.append("a reshape mixes axes of the logits")
            elif not above[0].type.dtype.is_floating:
                self.reasons.append("the logits are no floats")
            else:
                yield from self.walk(replace(so_far, product=above[0], axes=above[1]))
        elif name == "negate":
            yield from self.walk(_scaled(so_far, operands[0], -1.0))
        elif name in ("multiply", "divide"):
            scaled = scaled_by_number(atoms, value)
            if scaled is None:
                self.reasons.append("the logits are multiplied by what is not one known number")
            else:
                yield from self.walk(_scaled(so_far, *scaled))
        elif name in ("add", "subtract"):
            yield from self._walk_sum(so_far, operands, name == "subtract")
        elif name == "select":
            yield from self._walk_select(so_far, operands)
        else:
            self.reasons.append(f"the logits go through {name}")

    def _walk_sum(
        self, so_far: Logits, operands: tuple[Value, ...], is_difference: bool
    ) -> Iterator[Logits]:
        if is_difference and self._is_maximum(operands[1], so_far):
            yield from self.walk(replace(so_far, product=operands[0]))
            return
        signs = (1.0, -1.0 if is_difference else 1.0)
        for place, other in ((0, 1), (1, 0)):
            added = Added(operands[other], so_far.axes, so_far.factor * signs[other])
            following = _scaled(so_far, operands[place], signs[place])
            yield from self.walk(replace(following, added=(*so_far.added, added)))

    def _is_maximum(self, value: Value, so_far: Logits) -> bool:
        """Whether the softmax does not see what is subtracted: a maximum over its axis."""
        if so_far.added or so_far.hiding:
            return False
        axes: Axes = so_far.axes
        while value.node.op.name != "reduce_max":
            above = self._atoms.above(value, axes)
            if value.node.op.name == "stop_gradient":
                above = self._atoms.editor.operands(value.node)[0], axes
            if above is None:
                return False
            value, axes = above
        return not set(self._atoms.flat(axes)) & set(self._atoms.flat([self._key]))

    def _walk_select(self, so_far: Logits, operands: tuple[Value, ...]) -> Iterator[Logits]:
        condition, *branches = operands
        numbers = [splat_of(branch, self._atoms.editor) for branch in branches]
        if numbers[0] is None and numbers[1] is None:
            self.reasons.append("what stands in the place of hidden logits is not one number")
            return
        place = 0 if numbers[0] is None else 1
        scalar: Any = numbers[1 - place].scalar  # type: ignore[union-attr]
        with np.errstate(all="ignore"):
            hidden = float(scalar * scalar.dtype.type(so_far.factor))
        if so_far.added:
            self.reasons.append("a bias is added to logits that are hidden already")
        elif so_far.hidden_logit not in (None, hidden):
            self.reasons.append("two numbers stand in the place of hidden logits")
        elif np.isnan(hidden):
            self.reasons.append("no number stands in the place of hidden logits")
        elif condition.type.rank != branches[place].type.rank:
            self.reasons.append("one truth value hides all logits")
        else:
            hiding = Hiding(condition, so_far.axes, stays=place == 0)
            following = replace(
                so_far,
                product=branches[place],
                hidden_logit=hidden,
                hiding=(*so_far.hiding, hiding),
            )
            yield from self.walk(following)


def scaled_by_number(atoms: Atoms, value: Value) -> tuple[Value, float] | None:
    """A product with one number, or a quotient by one: the tensor and the factor."""
    left, right = atoms.editor.operands(value.node)
    number = splat_of(right, atoms.editor)
    if number is None and value.node.op.name == "multiply":
        left, right = right, left
        number = splat_of(right, atoms.editor)
    if number is None:
        return None
    factor = float(number.scalar)
    if not np.isfinite(factor) or factor == 0:
        return None
    return left, 1 / factor if value.node.op.name == "divide" else factor


def _scaled(so_far: Logits, value: Value, factor: float) -> Logits:
    return replace(so_far, product=value, factor=so_far.factor * factor)
