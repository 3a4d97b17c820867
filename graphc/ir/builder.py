"""Making nodes: `build.add(x, y)` checks, infers types and adds one node.

Every maker of nodes goes through here: the user's functions, gradient rules, decompositions,
rewrite rules and the parser. Ops are found by name in the registry, so that op families need not
import each other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from typing import Any, Final

import numpy as np

from graphc.dimensions import Shape
from graphc.dtypes import DType
from graphc.errors import GraphcError, ShapeError
from graphc.ir.attributes import NO_ATTRIBUTES, Attributes
from graphc.ir.graph import Graph, topological_order
from graphc.ir.literal import Literal, as_literal, literal_of
from graphc.ir.node import Node, Value
from graphc.ir.op import Constraint, OpCall, OpSpec
from graphc.ir.origin import UNKNOWN, Origin
from graphc.ir.registry import REGISTRY, OpRegistry
from graphc.ir.types import TensorType, tensor_type

_MEMO_LIMIT: Final = 100_000


def infer_types(
    op: OpSpec,
    types: tuple[TensorType, ...],
    attributes: Attributes,
    regions: tuple[Graph, ...] = (),
) -> tuple[tuple[TensorType, ...], tuple[Constraint, ...]]:
    """Result types and undecided equations, by the op's type rule; memoised.

    Raises:
        GraphcError: the op does not take these operands.
    """
    memo = op.type_memo
    if not regions:
        found = memo.get((attributes, types))
        if found is not None:
            return found
    call = OpCall(op, types, attributes, regions)
    if op.arity is not None and len(types) != op.arity:
        raise call.error(ShapeError, f"takes {op.arity} operands, got {len(types)}")
    inferred = (call.results, tuple(call.constraints))
    if not regions:
        if len(memo) >= _MEMO_LIMIT:
            memo.clear()
        memo[(attributes, types)] = inferred
    return inferred


class Builder:
    """Adds nodes to whatever `add` keeps.

    Attributes:
        origin: given to the nodes made next.
        name: given to the nodes made next.
        constraints: equations between sizes that type rules could not decide.
    """

    def __init__(
        self,
        add: Callable[[Node], object],
        registry: OpRegistry = REGISTRY,
        origin: Origin = UNKNOWN,
        name: str = "",
    ) -> None:
        self._add = add
        self._registry = registry
        self.origin = origin
        self.name = name
        self.constraints: list[Constraint] = []

    @property
    def registry(self) -> OpRegistry:
        """Where it finds ops by name."""
        return self._registry

    def make(
        self,
        op: OpSpec,
        inputs: tuple[Value, ...],
        attributes: Attributes = NO_ATTRIBUTES,
        regions: tuple[Graph, ...] = (),
    ) -> Node:
        """Add one node.

        Raises:
            GraphcError: the op does not take these operands; carries the origin.
        """
        types = tuple([value.type for value in inputs])
        found = op.type_memo.get((attributes, types)) if not regions else None
        if found is None:
            try:
                found = infer_types(op, types, attributes, regions)
            except GraphcError as error:
                raise error.at(self.origin) from None
        results, constraints = found
        if constraints:
            self.constraints.extend(constraints)
        node = Node(op, inputs, attributes, results, regions, self.name, self.origin)
        self._add(node)
        return node

    def __getattr__(self, op_name: str) -> Callable[..., Any]:
        """The op of that name as a function of values; attributes are keywords."""
        # build.and_, or_, not_: the plain names are Python's
        op = self._registry.find(op_name.removesuffix("_"))
        if op is None:
            raise AttributeError(
                f"there is no op named {op_name!r}; {self._registry.suggestion(op_name)}"
            )
        bound = _bind(self, op)
        setattr(self, op_name, bound)
        return bound

    @contextlib.contextmanager
    def located(self, origin: Origin, name: str) -> Generator[None]:
        """Nodes made inside the block carry this origin and name."""
        before = self.origin, self.name
        self.origin, self.name = origin, name
        try:
            yield
        finally:
            self.origin, self.name = before

    def input(
        self,
        type_: TensorType,
        name: str,
        kind: str = "argument",
        members: tuple[str, ...] | list[str] = (),
    ) -> Value:
        """A graph input: kind "feed", "state" or "argument"; `members` are the rows of a pack."""
        op = self._registry["input"]
        given: dict[str, Any] = {"dtype": type_.dtype, "shape": type_.shape, "members": members}
        attributes = op.attributes.make({"kind": kind, "name": name, **given}, "input")
        return self.make(op, (), attributes).output

    def literal(self, literal: Literal) -> Value:
        """A constant."""
        op = self._registry["constant"]
        return self.make(op, (), op.attributes.make({"value": literal}, "constant")).output

    def array(self, array: Any, dtype: DType | None = None) -> Value:
        """A constant of whatever NumPy takes."""
        return self.literal(as_literal(array, dtype))

    def full(self, number: Any, dtype: DType, shape: Shape = ()) -> Value:
        """`number` at every position of `dtype[shape]`."""
        array = np.asarray(number).astype(dtype.numpy)
        scalar = self.literal(literal_of(array, tensor_type(dtype, ())))
        if not shape:
            return scalar
        return self.broadcast_in_dim(scalar, shape=shape, broadcast_dimensions=())

    def full_like(self, value: Value, number: Any) -> Value:
        """`number` at every position, with the type of `value`."""
        return self.full(number, value.type.dtype, value.type.shape)

    def rows(self, array: Value, start: int, stop: int, step: int = 1) -> Value:
        """Every `step`-th row of an array from `start` to before `stop`: a slice."""
        rest = array.type.shape[1:]
        return self.slice(
            array,
            start_indices=(start, *[0] * len(rest)),
            limit_indices=(stop, *rest),
            strides=(step, *[1] * len(rest)),
        )


def _bind(build: Builder, op: OpSpec) -> Callable[..., Any]:
    schema = op.attributes

    def call(*operands: Value, regions: tuple[Graph, ...] = (), **attributes: Any) -> Any:
        if attributes or schema.fields:
            try:
                made = schema.make(attributes, op.name)
            except GraphcError as error:
                raise error.at(build.origin) from None
        else:
            made = NO_ATTRIBUTES
        outputs = build.make(op, operands, made, regions).outputs
        return outputs[0] if len(outputs) == 1 else outputs

    return call


class GraphBuilder(Builder):
    """Builds one closed graph: a region's body, or a graph written by hand.

    body = GraphBuilder()
    x = body.input(as_type("float32"), "x")
    graph = body.finish([body.exponential(x)])
    """

    def __init__(
        self, registry: OpRegistry = REGISTRY, origin: Origin = UNKNOWN, name: str = ""
    ) -> None:
        self.nodes: list[Node] = []
        self.inputs: list[Value] = []
        super().__init__(self.nodes.append, registry, origin, name)

    def input(
        self,
        type_: TensorType,
        name: str,
        kind: str = "argument",
        members: tuple[str, ...] | list[str] = (),
    ) -> Value:
        value = super().input(type_, name, kind, members)
        self.inputs.append(value)
        return value

    def finish(self, outputs: list[Value] | tuple[Value, ...]) -> Graph:
        """The frozen graph, without what no output needs."""
        order = topological_order(outputs, self.inputs)
        return Graph(self.inputs, outputs, order, constraints=self.constraints)


def call_types(values: tuple[Value, ...] | list[Value]) -> tuple[TensorType, ...]:
    """The types of values."""
    return tuple([value.type for value in values])


def inline(build: Builder, graph: Graph, operands: tuple[Value, ...] | list[Value]) -> list[Value]:
    """Add the nodes of a closed graph to another, on `operands`; gives its outputs there."""
    mapped: dict[Value, Value] = dict(zip(graph.inputs, operands, strict=True))
    for node in graph.nodes:
        if node.op.name == "input":
            continue
        with build.located(node.origin, node.name):
            inputs = tuple([mapped[value] for value in node.inputs])
            made = build.make(node.op, inputs, node.attributes, node.regions)
        mapped.update(zip(node.outputs, made.outputs, strict=True))
    return [mapped[value] for value in graph.outputs]


def decomposition_graph(call: OpCall) -> Graph:
    """A composite written out in other ops, as a closed graph of its operands; memoised.

    Raises:
        GraphcError: the op is no composite.
    """
    op = call.op
    if op.decomposition is None:
        raise call.error(GraphcError, "has no decomposition")
    key = ("decomposition", call.attributes, call.types)
    if not call.regions:
        found = op.type_memo.get(key)
        if found is not None:
            return found
    build = GraphBuilder()
    operands = [build.input(type_, f"operand{i}") for i, type_ in enumerate(call.types)]
    results = op.decomposition(build, call, *operands)
    graph = build.finish([results] if isinstance(results, Value) else list(results))
    if not call.regions:
        op.type_memo[key] = graph
    return graph
