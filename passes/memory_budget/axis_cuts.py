"""Along which axes an op can be computed piece by piece, and what that cuts its operands along.

Pieces are parts of an axis of equal size, one after the other. Of a cut operand a piece of the
result needs the same piece alone; what a sum runs over gives a part of the sum instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Final

from graphc.ir.attributes import Attributes
from graphc.ir.node import Node, Value
from graphc.ir.op import OpCall, Trait
from graphc.opset.sliding_windows.convolution_definition import numbers_of


@dataclass(frozen=True)
class Cut:
    """A way to compute a node in pieces.

    Attributes:
        operands: the axis that each operand is cut along; None for one that each piece reads whole.
        results: the axis that each result is cut along; None for one that is the sum of what all
            pieces give.
    """

    operands: tuple[int | None, ...]
    results: tuple[int | None, ...]


def cuts_of(node: Node) -> Iterator[Cut]:
    """The ways to compute a node in pieces; none where its op has no rule.

    Whether the pieces of an axis are of equal size is the caller's to check: of every axis that a
    cut names.
    """
    rule = _RULES.get(node.op.name)
    if rule is not None:
        yield from rule(node)
    elif node.op.has(Trait.ELEMENTWISE):
        yield from _elementwise(node)
    elif node.op.has(Trait.REDUCTION) and "axes" in node.attributes:
        yield from _reduction(node)


def can_be_summed(value: Value) -> bool:
    """Whether a sum may be rounded after each piece: not one of narrow floats."""
    dtype = value.type.dtype
    return dtype.is_integer or (dtype.is_inexact and dtype.itemsize >= 4)


def piece_attributes(node: Node, cut: Cut, count: int) -> Attributes:
    """The attributes of a node that computes one of so many pieces."""
    name, axis = _SIZES.get(node.op.name), cut.results[0]
    if name is None or axis is None:
        return node.attributes
    sizes = list(node.attributes[name])
    sizes[axis] //= count
    return node.op.attributes.make({**node.attributes, name: tuple(sizes)}, node.op.name)


_SIZES: Final[Mapping[str, str]] = {
    "broadcast_in_dim": "shape",
    "reshape": "shape",
    "iota": "shape",
    "slice": "limit_indices",
    "convolution_input_gradient": "input_shape",
}
"""The attributes that hold the sizes of a result."""


def _shape(value: Value) -> tuple[Any, ...]:
    return value.type.shape


def _elementwise(node: Node) -> Iterator[Cut]:
    shape = _shape(node.outputs[0])
    if any(_shape(value) not in (shape, ()) for value in (*node.inputs, *node.outputs)):
        return
    for axis in range(len(shape)):
        operands = tuple([axis if _shape(value) else None for value in node.inputs])
        yield Cut(operands, (axis,) * len(node.outputs))


def _reduction(node: Node) -> Iterator[Cut]:
    reduced = node.attributes["axes"]
    kept = [axis for axis in range(node.inputs[0].type.rank) if axis not in reduced]
    for place, axis in enumerate(kept):
        yield Cut((axis,), (place,))
    if node.op.name == "reduce_sum":
        for axis in reduced:
            yield Cut((axis,), (None,))


def _dot_general(node: Node) -> Iterator[Cut]:
    attributes = node.attributes
    batching = list(zip(attributes["lhs_batching"], attributes["rhs_batching"], strict=True))
    summed = list(zip(attributes["lhs_contracting"], attributes["rhs_contracting"], strict=True))
    for place, pair in enumerate(batching):
        yield Cut(pair, (place,))
    place = len(batching)
    for side, operand in enumerate(node.inputs):
        taken = {pair[side] for pair in (*batching, *summed)}
        for axis in range(operand.type.rank):
            if axis not in taken:
                yield Cut((axis, None) if side == 0 else (None, axis), (place,))
                place += 1
    for pair in summed:
        yield Cut(pair, (None,))


def _broadcast_in_dim(node: Node) -> Iterator[Cut]:
    given, shape = _shape(node.inputs[0]), _shape(node.outputs[0])
    source = {axis: place for place, axis in enumerate(node.attributes["broadcast_dimensions"])}
    for axis, size in enumerate(shape):
        place = source.get(axis)
        yield Cut((None if place is None or given[place] != size else place,), (axis,))


def _reshape(node: Node) -> Iterator[Cut]:
    """Where as many elements stand before an axis, a piece of one is a piece of the other."""
    given, shape = _shape(node.inputs[0]), _shape(node.outputs[0])
    for place, size in enumerate(given):
        for axis, other in enumerate(shape):
            if size != 1 and other != 1 and prod(given[:place]) == prod(shape[:axis]):
                yield Cut((place,), (axis,))


def _transpose(node: Node) -> Iterator[Cut]:
    for axis, place in enumerate(node.attributes["permutation"]):
        yield Cut((place,), (axis,))


def _slice(node: Node) -> Iterator[Cut]:
    attributes = node.attributes
    for axis, size in enumerate(_shape(node.inputs[0])):
        begin, end, step = (
            attributes[name][axis] for name in ("start_indices", "limit_indices", "strides")
        )
        if (begin, end, step) == (0, size, 1):
            yield Cut((axis,), (axis,))


def _concatenate(node: Node) -> Iterator[Cut]:
    for axis in range(node.outputs[0].type.rank):
        if axis != node.attributes["dimension"]:
            yield Cut((axis,) * len(node.inputs), (axis,))


def _iota(node: Node) -> Iterator[Cut]:
    for axis in range(node.outputs[0].type.rank):
        if axis != node.attributes["iota_dimension"]:
            yield Cut((), (axis,))


def _along_axis(node: Node) -> Iterator[Cut]:
    """Ops that look along one axis of their first operand: all others can be cut."""
    for axis in range(node.inputs[0].type.rank):
        if axis != node.attributes["axis"]:
            yield Cut((axis, *[None] * (len(node.inputs) - 1)), (axis,))


def _attention(node: Node) -> Iterator[Cut]:
    """Examples, and heads; bias and mask may be the same for all."""
    is_gradient = node.op.name == "attention_gradient"
    extras = node.inputs[3:-1] if is_gradient else node.inputs[3:]
    for axis, of_extras in ((0, 0), (2, 1)):
        cut = tuple([None if _shape(value)[of_extras] == 1 else of_extras for value in extras])
        if is_gradient:
            of_bias = cut[: len(node.outputs) - 3]
            yield Cut((axis, axis, axis, *cut, axis), (axis, axis, axis, *of_bias))
        else:
            yield Cut((axis, axis, axis, *cut), (axis,))


def _convolution(node: Node) -> Iterator[Cut]:
    """Examples."""
    if node.attributes["batch_group_count"] != 1:
        return
    numbers = numbers_of(OpCall(node.op, tuple([v.type for v in node.inputs]), node.attributes))
    given, made = numbers.lhs[0], numbers.out[0]
    if node.op.name == "convolution":
        yield Cut((given, None), (made,))
    elif node.op.name == "convolution_input_gradient":
        yield Cut((made, None), (given,))
    else:
        yield Cut((given, made), (None,))


_RULES: Final[Mapping[str, Callable[[Node], Iterator[Cut]]]] = {
    "dot_general": _dot_general,
    "broadcast_in_dim": _broadcast_in_dim,
    "reshape": _reshape,
    "transpose": _transpose,
    "slice": _slice,
    "concatenate": _concatenate,
    "iota": _iota,
    **dict.fromkeys(
        ("softmax", "log_softmax", "layer_normalization", "rms_normalization"), _along_axis
    ),
    **dict.fromkeys(("attention", "attention_gradient"), _attention),
    **dict.fromkeys(
        ("convolution", "convolution_input_gradient", "convolution_kernel_gradient"), _convolution
    ),
}
