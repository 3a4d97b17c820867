"""NumPy's broadcasting, written out as nodes.

A symbolic size is never taken to be 1: it broadcasts against an `int` 1 only, and meets another
symbol as an equation that is checked when both are fed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from graphc.dimensions import Dimension, Shape, equal, format_dimension
from graphc.dtypes import BOOL
from graphc.errors import GraphcError, ShapeError
from graphc.ir.attributes import NO_ATTRIBUTES, Attributes
from graphc.ir.op import OpSpec
from graphc.ir.origin import capture_origin
from graphc.ir.registry import REGISTRY
from graphc.ops.conversion import constant_tensor, graph_of, promoted, takes_number, to_tensor
from graphc.ops.dataflow import get_default_graph
from graphc.ops.tensor import Tensor

_BROADCAST: Final[OpSpec] = REGISTRY["broadcast_in_dim"]
_REMEMBERED: Final = 4096  # pairs of shapes


def _text(shape: Shape) -> str:
    return f"({', '.join(map(format_dimension, shape))})"


def broadcast_shapes(*shapes: Shape) -> Shape:
    """The shape that all broadcast to.

    Raises:
        ShapeError: two sizes can never be equal, and neither is 1.
    """
    try:
        return _common_shape(shapes)
    except ShapeError as error:
        raise error.at(capture_origin()) from None


@lru_cache(_REMEMBERED)
def _common_shape(shapes: tuple[Shape, ...]) -> Shape:
    rank = max(len(shape) for shape in shapes)
    result: list[Dimension] = []
    for axis in range(rank):
        chosen: Dimension = 1
        for shape in shapes:
            position = axis - rank + len(shape)
            size = shape[position] if position >= 0 else 1
            if isinstance(size, int) and size == 1:
                continue
            if isinstance(chosen, int) and chosen == 1:
                chosen = size
            elif equal(chosen, size) is False:
                raise ShapeError(
                    "shapes do not broadcast",
                    given=" with ".join(map(_text, shapes)),
                    expected=f"equal sizes or 1 on axis {axis - rank}",
                    fix="reshape or transpose one of them",
                )
            elif isinstance(size, int):
                chosen = size
        result.append(chosen)
    return tuple(result)


def broadcast_to(tensor: Tensor, shape: Shape, name: str | None = None) -> Tensor:
    """The tensor repeated to `shape`: itself, or behind a `broadcast_in_dim` node."""
    own = tensor.value.type.shape
    if own is shape:
        return tensor
    attributes = _repetition(own, shape)
    if attributes is None:
        return tensor
    return graph_of((tensor,)).add(_BROADCAST, (tensor,), attributes, (), name)[0]


@lru_cache(_REMEMBERED)
def _repetition(own: Shape, shape: Shape) -> Attributes | None:
    """How a tensor is repeated to a shape; None where it is not."""
    offset = len(shape) - len(own)
    repeats = offset > 0 or any(
        isinstance(mine, int) and mine == 1 and target != 1
        for mine, target in zip(own, shape, strict=True)
    )
    if not repeats:
        return None
    target = list(shape)
    for axis, size in enumerate(own):
        if not (isinstance(size, int) and size == 1):
            target[offset + axis] = size
    return _BROADCAST.attributes.make(
        {"shape": target, "broadcast_dimensions": range(offset, len(shape))}, _BROADCAST.name
    )


def aligned(things: Sequence[Any]) -> list[Tensor]:
    """Operands of an elementwise op: one element type, shapes broadcast."""
    first, *rest = things
    if isinstance(first, Tensor) and all(
        isinstance(thing, Tensor) and thing.value.type is first.value.type for thing in rest
    ):
        return list(things)
    tensors = promoted(things)
    shape = broadcast_shapes(*[tensor.shape for tensor in tensors])
    return [broadcast_to(tensor, shape) for tensor in tensors]


def _pair(x1: Any, x2: Any) -> Sequence[Tensor]:
    """`aligned` for two, with short ways for tensors of one dtype and for Python numbers."""
    if type(x1) is Tensor:
        if type(x2) is Tensor:
            left, right = x1.value.type, x2.value.type
            if left.dtype is right.dtype:
                shape = broadcast_shapes(left.shape, right.shape)
                return broadcast_to(x1, shape), broadcast_to(x2, shape)
        elif takes_number(x1.value.type.dtype, x2):
            return x1, _repeated(x1, x2)
    elif type(x2) is Tensor and takes_number(x2.value.type.dtype, x1):
        return _repeated(x2, x1), x2
    return aligned((x1, x2))


def _repeated(tensor: Tensor, number: float) -> Tensor:
    """A Python number as a tensor of the type of another."""
    type_ = tensor.value.type
    scalar = constant_tensor(graph_of((tensor,)), number, type_.dtype)
    return broadcast_to(scalar, type_.shape) if type_.shape else scalar


def elementwise(op_name: str, *things: Any, name: str | None = None) -> Tensor:
    """An elementwise op on promoted and broadcast operands."""
    tensors = aligned(things)
    return graph_of(tensors).add(REGISTRY[op_name], tensors, name=name)[0]


def unary(op: OpSpec, x: Any, name: str) -> Tensor:
    """An elementwise op without attributes on one operand."""
    tensor = x if type(x) is Tensor else to_tensor(x, None, graph_of((x,)))
    return graph_of((tensor,)).add(op, (tensor,), NO_ATTRIBUTES, (), name)[0]


def binary(
    op: OpSpec,
    x1: Any,
    x2: Any,
    name: str,
    attributes: Attributes = NO_ATTRIBUTES,
    of_truth: OpSpec | None = None,
) -> Tensor:
    """An elementwise op on two promoted and broadcast operands: the way that most nodes take.

    Args:
        op: the op.
        x1: whatever users write.
        x2: likewise.
        name: of the node.
        attributes: of the node.
        of_truth: the op to use in its place where both operands are truth values.
    """
    if type(x1) is Tensor and type(x2) is Tensor and x1.value.type is x2.value.type:
        left, right = x1, x2
    else:
        left, right = _pair(x1, x2)
    graph = get_default_graph()
    if left.graph is not graph or right.graph is not graph:
        graph = graph_of((left, right))
    if of_truth is not None and left.value.type.dtype is BOOL:
        op = of_truth
    return graph.add(op, (left, right), attributes, (), name)[0]


def apply(op_name: str, *things: Any, name: str | None = None, **attributes: Any) -> Tensor:
    """An op with one result on operands as they are: neither promoted nor broadcast.

    Raises:
        GraphcError: the op does not take them; carries the user's line.
    """
    return apply_many(op_name, *things, name=name, **attributes)[0]


def apply_many(
    op_name: str, *things: Any, name: str | None = None, **attributes: Any
) -> tuple[Tensor, ...]:
    """An op with any number of results; see `apply`."""
    op = REGISTRY[op_name]
    graph = graph_of(things)
    operands = [to_tensor(thing, None, graph) for thing in things]
    try:
        made = op.attributes.make(attributes, op_name)
    except GraphcError as error:
        raise error.at(capture_origin()) from None
    return graph.add(op, operands, made, name=name)
