"""Running a functional graph node by node in NumPy: slow, simple, and what every stage is held to.

References get floats of 8 and 16 bits as float32 arrays, which hold them exactly: NumPy computes
little in those types, and rounding once, in the result, is what a reference should do. One that
looks at the bits casts back first, with `array.astype(call.types[0].dtype.numpy)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from graphc.dimensions import solve
from graphc.dtypes import F32, DType, as_dtype
from graphc.errors import GraphcError, VerifyError
from graphc.ir.builder import decomposition_graph
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.op import ByDecomposition, NotLowered, OpCall
from graphc.ir.origin import UNKNOWN
from graphc.ir.types import TensorType
from graphc.reference.widening import widen

Array = np.ndarray[Any, Any]
Sizes = Mapping[str, int]

_NO_SIZES: Final[Sizes] = {}


def evaluate(graph: Graph, arrays: Sequence[Any], *, precise: bool = False) -> list[Array]:
    """The outputs of a functional graph: fetches, then new values of variables.

    Args:
        graph: no effects, no intents; symbolic sizes are taken from the arrays.
        arrays: one per input of the graph.
        precise: compute in float64 and complex128 throughout, whatever the graph declares. Integers
            stay, and so do the bits that random ops draw.

    Raises:
        VerifyError: an array or a result does not have the type that the graph declares, or a
            reference failed; names the user's line.
    """
    return _evaluate(widen(graph) if precise else graph, arrays, _NO_SIZES)


def evaluate_call(call: OpCall, arrays: Sequence[Any]) -> list[Array]:
    """The results of one op on arrays of exactly its operand types.

    Raises:
        VerifyError: an array or a result is of another type, or the reference failed.
    """
    operands = [
        conform(array, type_, f"operand {position} of {call.op.name}")
        for position, (array, type_) in enumerate(zip(arrays, call.types, strict=True))
    ]
    return _apply(call, operands, _NO_SIZES)


def conform(array: Any, type_: TensorType, what: str) -> Array:
    """An array as a type declares it: a wider float becomes a narrower one, an int no float.

    Args:
        array: whatever NumPy takes.
        type_: static.
        what: what errors call it.

    Raises:
        VerifyError: its shape or its class of numbers (bool, integer, float, complex) is another.
    """
    if type_.dtype.is_host:
        return np.asarray(array, dtype=object)
    made = np.asarray(array)
    given = f"{made.dtype}{list(made.shape)}"
    if made.shape != type_.shape:
        raise VerifyError(f"{what} has another shape than declared", given=given, expected=type_)
    if made.dtype == type_.dtype.numpy:
        return made
    if _number_class(as_dtype(made.dtype)) != _number_class(type_.dtype):
        raise VerifyError(f"{what} is of another kind than declared", given=given, expected=type_)
    return made.astype(type_.dtype.numpy)


def _number_class(dtype: DType) -> str:
    return "integer" if dtype.is_integer else dtype.kind


def _evaluate(graph: Graph, arrays: Sequence[Any], sizes: Sizes) -> list[Array]:
    if len(arrays) != len(graph.inputs):
        raise VerifyError(
            "one array per input of the graph is needed",
            given=f"{len(arrays)} arrays",
            expected=f"{len(graph.inputs)}: "
            + ", ".join(str(value.node.attributes["name"]) for value in graph.inputs),
        )
    sizes = _bind_sizes(graph, arrays, sizes)
    values: dict[Value, Array] = {}
    for value, array in zip(graph.inputs, arrays, strict=True):
        name = f"input {value.node.attributes['name']!r}"
        values[value] = conform(array, value.type.substituted(dict(sizes)), name)
    # Results are dropped after their last use: a training step keeps few of its many at a time.
    last_use = {value: node for node in graph.nodes for value in node.inputs}
    kept = set(graph.outputs)
    for node in graph.nodes:
        if node.op.name == "input":
            continue
        operands = [values[value] for value in node.inputs]
        try:
            results = _apply(_bound_call(node, sizes), operands, sizes)
        except GraphcError as error:
            raise error.at(None if node.origin is UNKNOWN else node.origin) from error.__cause__
        values.update(zip(node.outputs, results, strict=True))
        for value in {*node.inputs, *node.outputs}:
            if last_use.get(value, node) is node and value not in kept:
                del values[value]
    return [values[value] for value in graph.outputs]


def _bind_sizes(graph: Graph, arrays: Sequence[Any], outer: Sizes) -> Sizes:
    """The sizes of the symbols that the inputs' types name; those known from outside hold."""
    if all(value.type.is_static for value in graph.inputs):
        return outer
    sizes = dict(outer)
    for value, array in zip(graph.inputs, arrays, strict=True):
        for dimension, size in zip(value.type.shape, np.shape(array), strict=False):
            solved = None if isinstance(dimension, int) else solve(dimension, size)
            if solved is not None:
                sizes.setdefault(*solved)
    return sizes


def _bound_call(node: Node, sizes: Sizes) -> OpCall:
    """A node's call with symbols replaced by their sizes."""
    if not sizes:
        return node.call
    bindings = dict(sizes)
    return OpCall(
        node.op,
        tuple([value.type.substituted(bindings) for value in node.inputs]),
        node.op.attributes.substitute(node.attributes, sizes),
        node.regions,
        tuple([value.type.substituted(bindings) for value in node.outputs]),
    )


def _apply(call: OpCall, operands: list[Array], sizes: Sizes) -> list[Array]:
    """Run an op's reference, and hold its results to their declared types."""
    name, reference = call.op.name, call.op.reference
    if isinstance(reference, NotLowered):
        raise call.error(VerifyError, f"cannot be evaluated: {reference.reason}")
    if isinstance(reference, ByDecomposition):
        return _evaluate(decomposition_graph(call), operands, sizes)
    keywords: dict[str, Any] = {}
    if call.regions:
        keywords["bodies"] = [_body(region, sizes) for region in call.regions]
    readable = [_readable(array, type_) for array, type_ in zip(operands, call.types, strict=True)]
    try:
        # XLA says nothing about overflow or division by zero: neither does its reference.
        with np.errstate(all="ignore"):
            found = reference(call, *readable, **keywords)
    except GraphcError:
        raise
    except Exception as error:
        raise call.error(VerifyError, f"the NumPy reference failed: {error!r}") from error
    results: Sequence[Any] = found if isinstance(found, (tuple, list)) else (found,)
    if len(results) != len(call.results):
        raise call.error(
            VerifyError,
            f"the NumPy reference gave {len(results)} results",
            f"{len(call.results)}, as the type rule says",
        )
    with np.errstate(all="ignore"):
        return [
            conform(result, type_, f"result {position} of {name}")
            for position, (result, type_) in enumerate(zip(results, call.results, strict=True))
        ]


def _readable(array: Array, type_: TensorType) -> Array:
    dtype = type_.dtype
    narrow = dtype.is_floating and dtype.itemsize < F32.itemsize
    return array.astype(F32.numpy) if narrow else array


def _body(region: Graph, sizes: Sizes) -> Callable[..., list[Array]]:
    """A region as a function of arrays."""

    def body(*arrays: Any) -> list[Array]:
        results = _evaluate(region, arrays, sizes)
        types = [value.type for value in region.outputs]
        return [_readable(result, type_) for result, type_ in zip(results, types, strict=True)]

    return body
