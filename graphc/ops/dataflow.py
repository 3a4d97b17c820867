"""The graph that a person builds: nodes in creation order, with unique names.

`graphc.Graph` is this class. It only grows; a session takes frozen slices of it
(`graphc.ir.graph.Graph`), and those are what passes see.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final

import graphc.opset  # noqa: F401  registers the ops that the functions of this floor name
from graphc.dimensions import Dim, Dimension, SymbolSource, symbol
from graphc.errors import FetchError, GraphcError, GraphMixError, ShapeError, did_you_mean
from graphc.ir.attributes import NO_ATTRIBUTES, Attributes
from graphc.ir.builder import Builder, infer_types
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.op import Constraint, OpSpec
from graphc.ir.origin import Origin, capture_origin
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.ops.context import Place, current_graph, has_open_graphs, pushed_graph
from graphc.ops.graph_marks import GraphMarks, Parts
from graphc.ops.graph_records import GraphRecords
from graphc.ops.graph_refusals import graph_is_closed, no_control_dependency
from graphc.ops.program_order import note_regions, waits_of_regions
from graphc.ops.tensor import Operation, Tensor

if TYPE_CHECKING:
    from graphc.ops.variable import Variable

_ORDERED_BY_THEMSELVES: Final = frozenset({"read", "assign", "group", "after", "initialize"})
"""Ops that carry their control dependencies as operands."""


class DataflowGraph:
    """A graph under construction.

    Attributes:
        variables: by name, in creation order.
        constraints: equations between symbolic sizes, with the line that made each.
        parent: the graph around it, for the body of a branch or a loop.
        plain_reads: by variable, the tensor of its value before the run.
        inputs: placeholders; for a body, its arguments and captures.
        captures: for a body: the outer tensors it uses, and its inputs that stand for them.
        marks: for taking back what was added.
        records: what layers and models noted about values.
    """

    def __init__(self, parent: DataflowGraph | None = None) -> None:
        self.parent = parent
        self.nodes: list[Node] = []
        self.variables: dict[str, Variable] = parent.variables if parent else {}
        self.constraints: dict[Constraint, Origin] = {}
        self.captures: dict[Tensor, Tensor] = {}
        self.inputs: list[Tensor] = []
        self.plain_reads: dict[str, Tensor] = {}
        self.records: GraphRecords = parent.records if parent else GraphRecords()
        self.finalized = False
        self.build = Builder(self._added)
        self._lock = threading.RLock()
        self.marks = GraphMarks(self._lock, self._growing, self._forget)
        self._names: dict[str, int] = {}
        self._nodes_by_name: dict[str, Node] = {}
        self._tensors: dict[Value, Tensor] = {}
        self._here = Place()
        self._symbols = parent._symbols if parent else SymbolSource()
        self._streams = parent._streams if parent else itertools.count(1)

    # -- building --------------------------------------------------------------------------------

    def _added(self, node: Node) -> None:
        if self.marks.count:
            self.marks.note_thread()
        self.nodes.append(node)
        self._nodes_by_name[node.name] = node
        tensors = self._tensors
        for value in node.outputs:
            tensors[value] = Tensor(self, value)

    def add(
        self,
        op: OpSpec,
        operands: Sequence[Tensor],
        attributes: Attributes = NO_ATTRIBUTES,
        regions: tuple[Graph, ...] = (),
        name: str | None = None,
        origin: Origin | None = None,
    ) -> tuple[Tensor, ...]:
        """Add a node; operands of an outer graph are captured.

        Raises:
            GraphcError: the op does not take the operands; nothing was added.
        """
        with self._lock:
            if self.finalized:
                raise graph_is_closed(op.name, is_body=self.parent is not None)
            values = tuple(
                [t.value if t.graph is self else self.capture(t).value for t in operands]
            )
            build = self.build
            build.origin = origin or capture_origin(2)
            build.name = self.unique_name(name or op.name)
            control = self._here.control
            if regions:
                control = (*control, *waits_of_regions(self, op, operands, regions))
            guarded = control and op.name not in _ORDERED_BY_THEMSELVES
            if guarded and values and (regions or self._gives_several(op, values, attributes)):
                # What a region reads and assigns must wait too, and several results need one guard.
                build.name, public_name = f"{build.name}/guard", build.name
                first = build.make(REGISTRY["after"], (values[0], *control))
                values, build.name, guarded = (first.output, *values[1:]), public_name, False
            if guarded:
                public_name, build.name = build.name, f"{build.name}/unguarded"
            node = build.make(op, values, attributes, regions)
            if build.constraints:
                for constraint in build.constraints:
                    self.constraints.setdefault(constraint, build.origin)
                build.constraints.clear()
            if guarded:
                build.name = public_name
                node = self._guarded(node)
            tensors = self._tensors
            if regions:
                note_regions(self, tensors[node.outputs[0]], regions)
            return tuple([tensors[value] for value in node.outputs])

    def _gives_several(self, op: OpSpec, values: tuple[Value, ...], attributes: Attributes) -> bool:
        """Whether an op has more than one result; of a wrong call, `make` says what is wrong."""
        try:
            results, _ = infer_types(op, tuple([value.type for value in values]), attributes)
        except GraphcError:
            return False
        return len(results) > 1

    def _guarded(self, node: Node) -> Node:
        """A twin of `node`, of one result, that waits for the current control dependencies."""
        if len(node.outputs) > 1:  # made of nothing that could wait in its place
            raise GraphcError(
                f"{node.op.name} has several results and cannot stand under control_dependencies",
                fix="put ops.copy of each result under control_dependencies",
                origin=node.origin,
            )
        return self.build.make(REGISTRY["after"], (node.output, *self._here.control))

    def tensor(self, value: Value) -> Tensor:
        """The one handle of a value."""
        return self._tensors[value]

    def capture(self, outer: Tensor) -> Tensor:
        """An outer graph's tensor as an input of this body.

        Raises:
            GraphMixError: it belongs to no graph around this one.
        """
        found = self.captures.get(outer)
        if found is not None:
            return found
        if self.parent is None or not self.parent.can_see(outer.graph):
            raise GraphMixError(
                f"the tensor {outer.name!r} belongs to another graph",
                given=f"a tensor made at {outer.origin.file}:{outer.origin.line}",
                expected="tensors of the current default graph",
                fix="build both in one graph: `with graph.as_default():`, or one Session",
                origin=capture_origin(),
            )
        inner = self.add_input(outer.value.type, f"capture/{len(self.captures)}")
        self.captures[outer] = inner
        return inner

    def can_see(self, graph: DataflowGraph) -> bool:
        """Whether tensors of `graph` may be used here: itself and the graphs around it."""
        return graph is self or (self.parent is not None and self.parent.can_see(graph))

    def add_input(self, type_: TensorType, name: str, kind: str = "argument") -> Tensor:
        """A body's input, or a placeholder (kind "feed")."""
        op = REGISTRY["input"]
        with self._lock:
            unique = self.unique_name(name)
            attributes = op.attributes.make(
                {"kind": kind, "name": unique, "dtype": type_.dtype, "shape": type_.shape}, "input"
            )
            self.build.origin, self.build.name = capture_origin(2), unique
            node = self.build.make(op, (), attributes)
        tensor = self.tensor(node.output)
        self.inputs.append(tensor)
        return tensor

    def unique_name(self, name: str) -> str:
        """The full name of a new node: with the scope, and a number when it is taken."""
        full = f"{self._here.scope}{name}"
        taken = self._names
        count = taken.get(full)
        if count is None:
            taken[full] = 1
            return full
        while True:
            candidate = f"{full}_{count}"
            count += 1
            if candidate not in taken:
                taken[full] = count
                taken[candidate] = 1
                return candidate

    @contextlib.contextmanager
    def name_scope(self, name: str) -> Iterator[str]:
        """Nodes made inside get `name/` before theirs; a repeated scope gets a number."""
        before = self._here.scope
        self._here.scope = f"{self.unique_name(name)}/"
        try:
            yield self._here.scope[:-1]
        finally:
            self._here.scope = before

    @contextlib.contextmanager
    def reopened_scope(self, scope: str) -> Iterator[None]:
        """Go on in a scope that `name_scope` gave before, or at the top with ""."""
        before = self._here.scope
        self._here.scope = f"{scope}/" if scope else ""
        try:
            yield
        finally:
            self._here.scope = before

    @contextlib.contextmanager
    def control_dependencies(self, things: Sequence[Tensor | Operation] | None) -> Iterator[None]:
        """Nodes made inside run after `things`; None clears the dependencies."""
        before = self._here.control
        if things is None:
            self._here.control = ()
        else:
            added: list[Value] = []
            for thing in things:
                if getattr(thing, "graph", None) is not self:
                    raise no_control_dependency(thing)
                added.extend(thing.control_values)
            self._here.control = (*before, *added)
        try:
            yield
        finally:
            self._here.control = before

    @property
    def control(self) -> tuple[Tensor, ...]:
        """What nodes made now must run after."""
        return tuple([self._tensors[value] for value in self._here.control])

    def dimensions(self, shape: Sequence[Any]) -> tuple[Dimension, ...]:
        """A shape with `None` as fresh symbols and strings as named ones."""
        sizes: list[Dimension] = []
        for size in shape:
            if size is None:
                sizes.append(self._symbols.fresh())
            elif isinstance(size, str):
                self._symbols.reserve(size)
                sizes.append(symbol(size))
            elif isinstance(size, (int, Dim)):
                sizes.append(size)
            else:
                try:
                    sizes.append(int(size))
                except (TypeError, ValueError):
                    raise ShapeError(
                        "this is not a shape",
                        given=repr(tuple(shape)),
                        expected="sizes that are whole numbers, None, or names",
                        origin=capture_origin(),
                    ) from None
        return tuple(sizes)

    def next_stream(self, first: int | None = None) -> int:
        """A number that no other random op of this graph has; those below `first` are taken."""
        self._streams = self._streams if first is None else itertools.count(first)
        return next(self._streams)

    def _growing(self) -> Parts:
        """What only grows, in the order in which it does; nodes first."""
        return (
            *(self.nodes, self.inputs, self.variables, self.constraints, self.captures),
            *(self.plain_reads, self._names),
        )

    def _forget(self, node: Node) -> None:
        if self._nodes_by_name.get(node.name) is node:
            del self._nodes_by_name[node.name]
        for value in node.outputs:
            del self._tensors[value]

    # -- looking ---------------------------------------------------------------------------------

    def as_default(self) -> AbstractContextManager[DataflowGraph]:
        """`with graph.as_default():` makes it this thread's default graph inside the block."""
        return pushed_graph(self)

    def get_operations(self) -> list[Operation]:
        """Every operation, in creation order."""
        return [Operation(self, node) for node in self.nodes]

    def get_operation_by_name(self, name: str) -> Operation:
        """The operation of that name.

        Raises:
            FetchError: there is none.
        """
        return Operation(self, self._node(name))

    def get_tensor_by_name(self, name: str) -> Tensor:
        """The tensor of that name: an operation's name, a colon, and the number of the result.

        Raises:
            FetchError: there is none.
        """
        op_name, colon, index = name.rpartition(":")
        if not colon or not index.isdigit():
            raise FetchError(
                f"{name!r} is not the name of a tensor",
                expected='an operation and the number of a result: "scope/add:0"',
                origin=capture_origin(),
            )
        node = self._node(op_name)
        if int(index) >= len(node.outputs):
            raise FetchError(
                f"{op_name!r} has no result of number {index}",
                given=name,
                expected="0" if len(node.outputs) == 1 else f"0 to {len(node.outputs) - 1}",
                origin=capture_origin(),
            )
        return self.tensor(node.outputs[int(index)])

    def _node(self, name: str) -> Node:
        found = self._nodes_by_name.get(name)
        if found is None:
            raise FetchError(
                f"the graph has no operation named {name!r}",
                fix=did_you_mean(name, self._nodes_by_name),
                origin=capture_origin(),
            )
        return found

    def finalize(self) -> None:
        """Refuse further nodes."""
        self.finalized = True

    def freeze(self) -> Graph:
        """Everything built so far; what nothing uses are the outputs."""
        used = {value for node in self.nodes for value in node.inputs}
        outputs = [v for node in self.nodes for v in node.outputs if v not in used]
        inputs = [node.output for node in self.nodes if node.op.name == "input"]
        return Graph(inputs, outputs, self.nodes, constraints=list(self.constraints))

    def __len__(self) -> int:
        return len(self.nodes)

    def __str__(self) -> str:
        return str(self.freeze())

    def __repr__(self) -> str:
        return f"<Graph: {len(self.nodes)} nodes, {len(self.variables)} variables>"


_process_default: list[DataflowGraph] = [DataflowGraph()]


def get_default_graph() -> DataflowGraph:
    """The graph that new nodes go to: the innermost open one, else the process's."""
    graph = current_graph()
    return _process_default[0] if graph is None else graph


def reset_default_graph() -> None:
    """Replace the process's default graph by an empty one.

    Raises:
        GraphcError: called inside `Graph.as_default()` or a session.
    """
    if has_open_graphs():
        raise GraphcError(
            "reset_default_graph() inside an open graph or session",
            fix="leave the `with` block first",
            origin=capture_origin(),
        )
    _process_default[0] = DataflowGraph()


def name_scope(name: str) -> AbstractContextManager[str]:
    """`with graphc.name_scope("encoder"):` puts "encoder/" before the names made inside."""
    return get_default_graph().name_scope(name)


def control_dependencies(
    things: Sequence[Tensor | Operation] | None,
) -> AbstractContextManager[None]:
    """Nodes made inside the block run after `things`; None clears the dependencies."""
    return get_default_graph().control_dependencies(things)
