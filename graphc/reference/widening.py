"""A graph with every float as float64 and every complex number as complex128.

Two graphs that should agree are compared like this: in float32, what a pass reassociated and what
it broke look much the same. The result is an ordinary graph, which NumPy and XLA can both run.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any, Final

from graphc.dtypes import C128, F64, DType
from graphc.errors import GraphcError
from graphc.ir.attributes import Attributes
from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph, topological_order
from graphc.ir.literal import Literal, as_literal
from graphc.ir.node import Node, Value
from graphc.ir.op import Trait
from graphc.ir.types import TensorType

_widened: Final[weakref.WeakKeyDictionary[Graph, Graph]] = weakref.WeakKeyDictionary()


def widen_dtype(dtype: DType) -> DType:
    """float64 for a float, complex128 for a complex type, any other type as it is."""
    return F64 if dtype.is_floating else C128 if dtype.is_complex else dtype


def widen_type(type_: TensorType) -> TensorType:
    """The type with its element type widened."""
    return type_.with_dtype(widen_dtype(type_.dtype))


def widen(graph: Graph) -> Graph:
    """The same graph on wide floats, regions included; memoised.

    Integers and bits stay what they are: an op that draws bits, or that looks at those of a float,
    runs as declared, and its result is widened.
    """
    found = _widened.get(graph)
    if found is None:
        found = _widened[graph] = _widen(graph)
    return found


def _widen(graph: Graph) -> Graph:
    build = GraphBuilder()
    values: dict[Value, Value] = {}
    for node in graph.nodes:
        if node.op.name == "input":
            given: Mapping[str, Any] = node.attributes
            type_ = widen_type(node.output.type)
            made = build.input(type_, given["name"], given["kind"], given["members"])
            values[node.output] = made
            continue
        operands = tuple([values[value] for value in node.inputs])
        with build.located(node.origin, node.name):
            results = _wide_results(build, node, operands)
        values.update(zip(node.outputs, results, strict=True))
    inputs = [values[value] for value in graph.inputs]
    outputs = [values[value] for value in graph.outputs]
    return Graph(
        inputs,
        outputs,
        topological_order(outputs, inputs),
        graph.update_names,
        graph.constraints,
    )


def _wide_results(
    build: GraphBuilder, node: Node, operands: tuple[Value, ...]
) -> tuple[Value, ...]:
    wide = tuple([widen_type(value.type) for value in node.outputs])
    if not node.op.has(Trait.RANDOM):
        regions = tuple([widen(region) for region in node.regions])
        try:
            made = build.make(node.op, operands, _wide_attributes(node), regions)
        except GraphcError:
            made = None  # the op's types depend on the width of its operands
        if made is not None and tuple([value.type for value in made.outputs]) == wide:
            return made.outputs
    narrowed = [
        operand if operand.type is value.type else build.convert(operand, dtype=value.type.dtype)
        for operand, value in zip(operands, node.inputs, strict=True)
    ]
    made = build.make(node.op, tuple(narrowed), node.attributes, node.regions)
    return tuple(
        [
            value if value.type is type_ else build.convert(value, dtype=type_.dtype)
            for value, type_ in zip(made.outputs, wide, strict=True)
        ]
    )


def _wide_attributes(node: Node) -> Attributes:
    values = {name: _wide_attribute(value) for name, value in node.attributes.items()}
    return node.op.attributes.make(values, node.op.name) if values else node.attributes


def _wide_attribute(value: Any) -> Any:
    if isinstance(value, DType):
        return widen_dtype(value)
    if isinstance(value, Literal) and not value.is_detached:
        wide = widen_dtype(value.type.dtype)
        return value if wide is value.type.dtype else as_literal(value.array.astype(wide.numpy))
    return value
