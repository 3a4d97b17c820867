"""What users write becomes operands: Python numbers, arrays and variables become tensors.

A Python number takes the other operand's element type when the node is built; there are no weak
types in the graph. NumPy's float64 beside a tensor is such a number: `np.sqrt(64)` is one, and a
model divided by it would go on in float64. Arrays keep their exact type. Promotion and broadcasting
insert nodes, ops never do either by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np

import graphc.settings as settings
from graphc.dtypes import BOOL, C64, C128, F64, I32, I64, DType, as_dtype, promote
from graphc.errors import DTypeError, GraphcError, GraphMixError, ShapeError
from graphc.ir.attributes import Attributes
from graphc.ir.literal import as_literal
from graphc.ir.op import OpSpec
from graphc.ir.origin import capture_origin
from graphc.ir.registry import REGISTRY
from graphc.ops.dataflow import DataflowGraph, get_default_graph
from graphc.ops.tensor import Tensor

_CONSTANT: Final[OpSpec] = REGISTRY["constant"]


@runtime_checkable
class TensorLike(Protocol):
    """What stands for a tensor of its own graph, as a variable does."""

    graph: DataflowGraph

    def as_tensor(self, graph: DataflowGraph) -> Tensor: ...


def floatx() -> DType:
    """The default float."""
    return as_dtype(settings.floatx.get())


def graph_of(operands: Sequence[Any]) -> DataflowGraph:
    """The graph that an op on `operands` goes to: the default one, else that of the operands.

    Raises:
        GraphMixError: they belong to graphs of which none contains the other.
    """
    current = get_default_graph()
    outside: Any = None
    for operand in operands:
        graph = getattr(operand, "graph", None)
        if graph is None or graph is current or current.can_see(graph):
            continue
        if outside is None:
            outside = operand
        elif not outside.graph.can_see(graph):
            raise _mixed(outside, operand)
    if outside is None:
        return current
    for operand in operands:
        graph = getattr(operand, "graph", None)
        if graph is not None and not outside.graph.can_see(graph):
            raise _mixed(outside, operand)
    return outside.graph


def outermost(graph: DataflowGraph) -> DataflowGraph:
    """The graph that variables stand in: the one around all bodies of loops and branches."""
    while graph.parent is not None:
        graph = graph.parent
    return graph


def _mixed(left: Any, right: Any) -> GraphMixError:
    return GraphMixError(
        "tensors of two graphs in one op",
        given=" and ".join(
            f"{thing.name!r} (made at {thing.origin.file}:{thing.origin.line})"
            for thing in (left, right)
        ),
        expected="tensors of one graph",
        fix="build both in one graph: `with graph.as_default():`, or in one Session",
        origin=capture_origin(),
    )


def _is_python_number(thing: Any) -> bool:
    return isinstance(thing, (bool, int, float, complex)) and not isinstance(thing, np.generic)


def _is_weak(thing: Any) -> bool:
    """Whether it has no element type of its own: Python numbers, and lists of nothing else."""
    if isinstance(thing, (list, tuple)):
        return all(_is_weak(item) for item in thing)
    return _is_python_number(thing)


def default_dtype(thing: Any) -> DType | None:
    """The element type that Python numbers take by themselves; None where NumPy decides."""
    if not _is_weak(thing):
        return None
    try:
        values = np.asarray(thing)
    except ValueError:
        raise ShapeError(
            "a list of lists makes no tensor when these have different lengths",
            given=repr(thing)[:200],
            expected="a rectangular shape",
            origin=capture_origin(),
        ) from None
    kind = values.dtype.kind
    if kind == "b":
        return BOOL
    if kind == "c":
        return C128 if floatx() is F64 else C64
    if kind == "f" or values.size == 0:
        return floatx()
    fits = values.dtype.kind == "i" and bool(np.all(np.abs(values) < 2**31))
    return I32 if fits else I64 if values.dtype.kind == "i" else as_dtype(values.dtype)


def takes_number(dtype: DType, thing: Any) -> bool:
    """Whether a thing is a Python number that becomes an operand's own element type beside it."""
    kind = type(thing)
    if kind is float or kind is np.float64:
        return dtype.kind == "float" or dtype.kind == "complex"
    return kind is int and dtype.kind != "bool" and dtype.kind != "host"


def _weak_dtype(thing: Any, strong: DType) -> DType:
    """The element type that Python numbers take beside an operand of type `strong`."""
    kind = np.asarray(thing).dtype.kind
    if kind == "b" or strong.is_complex or strong.is_host:
        return strong
    if kind == "c":
        return C128 if strong is F64 else C64
    if kind == "f":
        return strong if strong.is_floating else floatx()
    return I32 if strong is BOOL else strong


def constant_tensor(
    graph: DataflowGraph, given: Any, dtype: DType | None = None, name: str = "constant"
) -> Tensor:
    """A constant of `graph`.

    Raises:
        DTypeError: the numbers do not fit the element type.
    """
    try:
        is_number = type(given) is float or type(given) is int
        if dtype is not None and is_number and (given or str(given)[0] != "-"):
            attributes = _number_attributes(given, dtype)
        else:
            attributes = _constant_attributes(given, dtype)
    except (OverflowError, ValueError, TypeError) as problem:
        raise DTypeError(
            "this is not a constant of that element type",
            given=repr(given)[:200],
            expected=dtype or "an array of numbers or strings",
            fix=str(problem).splitlines()[0],
            origin=capture_origin(),
        ) from None
    return graph.add(_CONSTANT, (), attributes, (), name)[0]


def _constant_attributes(given: Any, dtype: DType | None) -> Attributes:
    literal = as_literal(given, dtype)
    if dtype is not None and dtype.is_integer:
        _check_integers(given, literal.array)
    return _CONSTANT.attributes.make({"value": literal}, "constant")


@lru_cache(4096, typed=True)
def _number_attributes(given: float, dtype: DType) -> Attributes:
    """Those of a number other than -0.0, which would share a key with 0.0."""
    return _constant_attributes(given, dtype)


def _check_integers(given: Any, made: np.ndarray[Any, Any]) -> None:
    source = np.asarray(given)
    if source.dtype.kind in "iufc" and not np.array_equal(source, made):
        raise ValueError("the numbers are not whole, or too large for it")


def to_tensor(thing: Any, dtype: DType | None = None, graph: DataflowGraph | None = None) -> Tensor:
    """A tensor of whatever users write; a given `dtype` applies to what has none of its own.

    Raises:
        GraphcError: it cannot be made a tensor.
    """
    if isinstance(thing, Tensor):
        return thing
    graph = graph or get_default_graph()
    if isinstance(thing, TensorLike):
        return thing.as_tensor(graph)
    if isinstance(thing, (list, tuple)) and _holds_tensors(thing):
        raise GraphcError(
            "a list that holds tensors is no tensor",
            fix="join them with ops.stack or ops.concatenate",
            origin=capture_origin(),
        )
    return constant_tensor(graph, thing, dtype or default_dtype(thing))


def _holds_tensors(items: Sequence[Any]) -> bool:
    return any(
        isinstance(item, (Tensor, TensorLike))
        or (isinstance(item, (list, tuple)) and _holds_tensors(item))
        for item in items
    )


def promoted(things: Sequence[Any]) -> list[Tensor]:
    """Tensors of one element type, as JAX and Keras promote.

    Raises:
        DTypeError: the types do not mix.
    """
    graph = graph_of(things)
    if any(hasattr(thing, "graph") for thing in things):
        things = [float(thing) if type(thing) is np.float64 else thing for thing in things]
    tensors: list[Tensor | None] = [
        None if _is_weak(thing) else to_tensor(thing, None, graph) for thing in things
    ]
    strong: DType | None = None
    for tensor in tensors:
        if tensor is not None and tensor.dtype is not strong:
            strong = tensor.dtype if strong is None else _promote(strong, tensor.dtype)
    target = strong
    for thing, tensor in zip(things, tensors, strict=True):
        if tensor is None:
            own = default_dtype(thing) if strong is None else _weak_dtype(thing, strong)
            assert own is not None
            target = own if target is None else _promote(target, own)
    assert target is not None
    return [
        constant_tensor(graph, thing, target) if tensor is None else cast_to(tensor, target)
        for thing, tensor in zip(things, tensors, strict=True)
    ]


def _promote(left: DType, right: DType) -> DType:
    try:
        return promote(left, right, floatx())
    except DTypeError as error:
        raise error.at(capture_origin()) from None


def cast_to(tensor: Tensor, dtype: DType, name: str | None = None) -> Tensor:
    """The tensor as `dtype`: itself, or behind a `convert` node."""
    if tensor.dtype is dtype:
        return tensor
    op = REGISTRY["convert"]
    attributes = op.attributes.make({"dtype": dtype}, "convert")
    return graph_of((tensor,)).add(op, (tensor,), attributes, name=name)[0]


def inexact(thing: Any) -> Tensor:
    """A tensor of floats or complex numbers: integers are cast to the default float."""
    tensor = to_tensor(thing, None, graph_of((thing,)))
    return tensor if tensor.dtype.is_inexact else cast_to(tensor, floatx())
