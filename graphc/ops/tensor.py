"""Handles to the graph's values and operations: what user code holds.

Tensors compare by identity, because they are keys of `feed_dict`; `ops.equal` compares numbers.
Their operators are installed by `graphc/ops/operators.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from graphc.dimensions import Shape
from graphc.dtypes import DType
from graphc.errors import GraphcError
from graphc.ir.node import Node, Value
from graphc.ir.origin import Origin, capture_origin
from graphc.ops.context import current_session
from graphc.ops.method_hints import method_hint
from graphc.ops.operand import Operand

if TYPE_CHECKING:
    from graphc.ops.dataflow import DataflowGraph


def _default_session_run(thing: Tensor | Operation, feed_dict: Any) -> Any:
    session = current_session()
    if session is None:
        raise GraphcError(
            f"no session is open to evaluate {thing.name!r}",
            fix="call it inside `with graphc.Session():`, use session.run(...), or tensor.numpy(): "
            "in the session where the models of the graph live",
            origin=capture_origin(),
        )
    return session.run(thing, feed_dict)


class Tensor(Operand):
    """A value that the graph will compute.

    Attributes:
        graph: the graph it belongs to.
        value: its value in the IR.
    """

    __slots__ = ("__weakref__", "graph", "value")

    def __init__(self, graph: DataflowGraph, value: Value) -> None:
        self.graph = graph
        self.value = value

    @property
    def shape(self) -> Shape:
        """Sizes; symbolic where they are known only when fed."""
        return self.value.type.shape

    @property
    def dtype(self) -> DType:
        return self.value.type.dtype

    @property
    def ndim(self) -> int:
        return len(self.value.type.shape)

    @property
    def name(self) -> str:
        """The operation's name and the number of the result: "scope/add:0"."""
        return f"{self.value.node.name}:{self.value.index}"

    @property
    def op(self) -> Operation:
        """The operation that makes it."""
        return Operation(self.graph, self.value.node)

    @property
    def origin(self) -> Origin:
        """The user's line that made it."""
        return self.value.node.origin

    @property
    def control_values(self) -> tuple[Value, ...]:
        return (self.value,)

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Its value as a NumPy array (a string as `str` or `bytes`), in the open session.

        Args:
            feed_dict: placeholders (any tensors) to arrays.
            session: the session to run in; the innermost open one by default.
        """
        if session is not None:
            return session.run(self, feed_dict)
        return _default_session_run(self, feed_dict)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function is np.shape:
            return self.shape
        if function is np.ndim:
            return self.ndim
        name = function.__name__
        raise self._no_value(
            f"numpy.{name} computes at once",
            f"graphc.ops has NumPy's names: ops.{name}(…) adds it to the graph. For a value, "
            "use .numpy(), or session.run(tensor, feed_dict)",
        )

    if not TYPE_CHECKING:  # or else no misspelt attribute would be found

        def __getattr__(self, name: str) -> Any:
            hint = method_hint(name)
            raise AttributeError(
                f"a tensor of the graph has no attribute {name!r}{hint}", name=name, obj=self
            )

    def __repr__(self) -> str:
        return f"<Tensor {self.name!r} {self.value.type}>"


class Operation:
    """A node of the graph; what `run` gives None for when it is fetched.

    Attributes:
        graph: the graph it belongs to.
        node: its node in the IR.
    """

    __slots__ = ("graph", "node")

    def __init__(self, graph: DataflowGraph, node: Node) -> None:
        self.graph = graph
        self.node = node

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def type(self) -> str:
        """The name of its op."""
        return self.node.op.name

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        return tuple([self.graph.tensor(value) for value in self.node.inputs])

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        return tuple([self.graph.tensor(value) for value in self.node.outputs])

    @property
    def origin(self) -> Origin:
        """The user's line that made it."""
        return self.node.origin

    @property
    def control_values(self) -> tuple[Value, ...]:
        return self.node.outputs

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        """Run it in the open session."""
        if session is not None:
            session.run(self, feed_dict)
        else:
            _default_session_run(self, feed_dict)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Operation) and other.node is self.node

    def __hash__(self) -> int:
        return hash(self.node)

    def __repr__(self) -> str:
        return f"<Operation {self.name!r} {self.type}>"
