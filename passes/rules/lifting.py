"""Computing before repeating: element by element on the small tensor, then the broadcast.

`exponential(broadcast(x))` becomes `broadcast(exponential(x))`, and so for every elementwise op all
of whose operands are the same broadcast of something, or one number. In the same way an op is
computed before axes of size 1 are inserted (`keepdims`), so that what stands between a reduction
and its broadcast does not hide one from the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import graphc.opset  # noqa: F401  # fills the registry: each elementwise op has its rules below
from graphc.ir.node import Value
from graphc.ir.op import OpSpec, Trait
from graphc.ir.registry import REGISTRY
from graphc.rewriting.match import Match
from graphc.rewriting.rules import NOT_NEEDED, RuleCollector
from graphc.rewriting.terms import Operation, Splat, Tensor, op, variables
from passes.rules.layout import inserted_axes, repeats

_rules = RuleCollector("lifting")
_MOST_OPERANDS: Final = 3


def _movement(value: Value, match: Match) -> tuple[Value, Any, Any] | None:
    """What a broadcast or an insertion of axes takes, from which shape, and where axes go."""
    node = value.node
    name = node.op.name
    if name not in ("broadcast_in_dim", "reshape"):
        return None
    (small,) = match.operands(value)
    shape, result = small.type.shape, value.type.shape
    if name == "reshape":
        places = inserted_axes(shape, result)
        return None if places is None else (small, shape, (name, places))
    axes = node.attributes["broadcast_dimensions"]
    return (small, shape, (name, axes)) if repeats(shape, axes, result) else None


def _lifted_operands(match: Match) -> list[Value | None] | None:
    """What the op would take before the movement: None for a number; None where it cannot."""
    found: list[Value | None] = []
    movement: tuple[Any, Any] | None = None
    for value in match.operands():
        if value.type.rank == 0 and match.type.rank:  # one predicate or bound for all elements
            found.append(value)
            continue
        if match.scope.splat(value) is not None:
            found.append(None)
            continue
        moved = _movement(value, match)
        if moved is None or movement not in (None, moved[1:]):
            return None
        movement = moved[1:]
        found.append(moved[0])
    return found if movement is not None else None


def _can_be_lifted(match: Match) -> str | None:
    return NOT_NEEDED if _lifted_operands(match) is None else None


def _lift(match: Match) -> Value:
    lifted = _lifted_operands(match)
    assert lifted is not None
    shape, mover = next(
        moved[1:]
        for value, small in zip(match.operands(), lifted, strict=True)
        if small is not None and (moved := _movement(value, match)) is not None
    )
    operands = [
        match.build.full(match.scope.splat(value).scalar, value.type.dtype, shape)  # type: ignore[union-attr]
        if small is None
        else small
        for value, small in zip(match.operands(), lifted, strict=True)
    ]
    computed = match.build.make(match.node.op, tuple(operands), match.node.attributes).output
    name, axes = mover
    if name == "reshape":
        return match.build.reshape(computed, shape=match.type.shape)
    return match.build.broadcast_in_dim(computed, shape=match.type.shape, broadcast_dimensions=axes)


def _patterns(spec: OpSpec, mover: str) -> Iterator[Operation]:
    """The op with a moved operand: alone, beside others moved alike, or beside numbers."""
    moved = op(mover, Tensor("x"))
    count = spec.arity or 0
    if count == 1:
        yield op(spec.name, moved)
    elif count == 2:
        yield op(spec.name, moved, op(mover, Tensor("y")))
        yield op(spec.name, moved, Splat("y"))
        if not spec.has(Trait.COMMUTATIVE):
            yield op(spec.name, Splat("y"), moved)
    else:
        first, *others = variables("p", "y", "z")
        yield op(spec.name, first, moved, others[0])
        yield op(spec.name, first, others[0], moved)


def _define(spec: OpSpec, mover: str, name: str) -> None:
    def lift(match: Match) -> Value:
        return _lift(match)

    lift.__name__ = f"{name}_{spec.name}"
    lift.__doc__ = f"{spec.name} is computed before the {mover}."
    _rules.rewrite("exact", *_patterns(spec, mover), check=_can_be_lifted)(lift)


def _lifted_ops() -> list[OpSpec]:
    return [
        spec
        for spec in REGISTRY
        if spec.has(Trait.ELEMENTWISE)
        and not spec.has(Trait.REGION | Trait.EFFECT | Trait.BARRIER | Trait.RANDOM)
        and spec.arity is not None
        and 1 <= spec.arity <= _MOST_OPERANDS
    ]


for _spec in _lifted_ops():
    _define(_spec, "broadcast_in_dim", "before_repeating")
    _define(_spec, "reshape", "before_inserting_axes")

LIFTING = _rules.rule_set()
