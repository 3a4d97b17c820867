"""User functions as closed graphs: what branches and loops run.

A function is called once, on tensors of a graph of its own. What it uses from outside becomes an
input of that graph, and an operand of the region op. Variables are read and assigned by name; the
stage `functional` turns that into operands and results.

An assignment in a body takes place whenever the body runs, whether or not a result depends on it:
the first result waits for all of them (an `after` node). The order of two assignments of one
variable is defined by data and control dependencies, as everywhere.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax.tree_util

from graphc.dimensions import equal
from graphc.dtypes import DType
from graphc.errors import DTypeError, GraphcError, ShapeError
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ir.origin import Origin, capture_origin
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.ops.context import pushed_graph
from graphc.ops.conversion import default_dtype, to_tensor
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.slicing_graphs import slice_graph
from graphc.ops.tensor import Operation, Tensor


def flatten(structure: Any) -> tuple[list[Any], Any]:
    """The leaves of nested tuples, lists and dicts, and what puts leaves back; None is no leaf."""
    return jax.tree_util.tree_flatten(structure)


def unflatten(tree: Any, leaves: Sequence[Any]) -> Any:
    """Leaves in the structure that `flatten` found."""
    return jax.tree_util.tree_unflatten(tree, leaves)


def describe(tree: Any) -> str:
    """A structure as text, `*` for each leaf."""
    return str(tree).removeprefix("PyTreeDef(").removesuffix(")")


def line_of(function: Callable[..., Any]) -> str:
    """Where a function begins: "model.py:12"."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return repr(function)
    return f"{code.co_filename}:{code.co_firstlineno}"


class Body:
    """A function, traced.

    Attributes:
        function: the user's.
        graph: what it built.
        arguments: its own inputs.
        leaves: its results: tensors, operations, or what becomes a tensor.
        tree: the structure of the results.
        origin: the user's line that made the branch or loop.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        parent: DataflowGraph,
        types: Sequence[TensorType],
        call: Callable[[Sequence[Tensor]], Any],
    ) -> None:
        """Trace.

        Args:
            function: the user's, for errors.
            parent: the graph around it.
            types: of its arguments.
            call: calls it on one tensor per type.
        """
        self.function = function
        self.origin: Origin = capture_origin()
        self.graph = DataflowGraph(parent)
        self.arguments = [
            self.graph.add_input(type_, f"argument/{position}")
            for position, type_ in enumerate(types)
        ]
        with pushed_graph(self.graph):
            self.leaves, self.tree = flatten(call(self.arguments))

    @property
    def line(self) -> str:
        return line_of(self.function)

    def line_of_leaf(self, position: int) -> str:
        """The line that made a result, else that of the function."""
        leaf = self.leaves[position]
        origin = getattr(leaf, "origin", None)
        return self.line if origin is None else f"{origin.file}:{origin.line}"

    def dtype(self, position: int) -> DType | None:
        """The element type of a result; None where it is a Python number and takes any."""
        leaf = self.leaves[position]
        if isinstance(leaf, Operation) or default_dtype(leaf) is not None:
            return None
        return self.tensor(position).dtype

    def tensor(self, position: int, dtype: DType | None = None) -> Tensor:
        """A result as a tensor of the body; a Python number takes `dtype`."""
        leaf = self.leaves[position]
        with pushed_graph(self.graph):
            if isinstance(leaf, Operation):
                tensor = self.graph.add(REGISTRY["group"], leaf.outputs)[0]
            else:
                tensor = to_tensor(leaf, dtype, self.graph)
        if tensor.graph is not self.graph:
            tensor = self.graph.capture(tensor)
        self.leaves[position] = tensor
        return tensor

    def tensors(self) -> list[Tensor]:
        return [self.tensor(position) for position in range(len(self.leaves))]

    def effects(self) -> list[Tensor]:
        """What must run whenever the body does: assignments, and region ops with assignments."""
        return [self.graph.tensor(n.outputs[0]) for n in self.graph.nodes if _assigns(n)]

    def finish(
        self, results: Sequence[Tensor], captures: Sequence[Tensor], effects: Sequence[Tensor]
    ) -> Graph:
        """The closed graph: its inputs are the arguments, then one per outer tensor captured."""
        outputs = list(results)
        if effects and outputs:
            is_operation = outputs[0].dtype.name == "token"
            op = REGISTRY["group" if is_operation else "after"]
            outputs[0] = self.graph.add(op, (outputs[0], *effects))[0]
        inputs = [*self.arguments, *[self.graph.capture(outer) for outer in captures]]
        self.graph.finalize()
        return slice_graph(
            self.graph, [tensor.value for tensor in outputs], [tensor.value for tensor in inputs]
        )


def _assigns(node: Node) -> bool:
    if node.op.name == "assign":
        return True
    return any(inner.op.name == "assign" for region in node.regions for inner in region.walk())


def union_of_captures(bodies: Sequence[Body]) -> list[Tensor]:
    """The outer tensors that some body uses, each once."""
    return list(dict.fromkeys(outer for body in bodies for outer in body.graph.captures))


def require_same_structure(
    what: str, given: Any, expected: Any, given_at: str, expected_at: str
) -> None:
    """Check that two structures are one.

    Raises:
        GraphcError: they are not; names both lines.
    """
    if given != expected:
        raise GraphcError(
            f"{what} have different structures",
            given=f"{describe(given)} at {given_at}",
            expected=f"{describe(expected)}, as at {expected_at}",
            origin=capture_origin(),
        )


def require_same_type(
    what: str, given: TensorType, expected: TensorType, given_at: str, expected_at: str
) -> None:
    """Check that two types can be one; sizes that are not known yet may be.

    Raises:
        DTypeError: the element types differ; names both lines.
        ShapeError: the shapes can never be equal; names both lines.
    """
    if given is expected:
        return
    fits = given.rank == expected.rank and all(
        equal(mine, theirs) is not False
        for mine, theirs in zip(given.shape, expected.shape, strict=True)
    )
    if given.dtype is expected.dtype and fits:
        return
    is_dtype = given.dtype is not expected.dtype
    raise (DTypeError if is_dtype else ShapeError)(
        f"{what} differ in {'element type' if is_dtype else 'shape'}",
        given=f"{given} at {given_at}",
        expected=f"{expected}, as at {expected_at}",
        fix="cast it with ops.cast" if is_dtype else "reshape or broadcast one of them",
        origin=capture_origin(),
    )
