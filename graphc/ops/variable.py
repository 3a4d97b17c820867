"""Variables: state that lives in a session under a name, and initializes itself at first use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from graphc.dimensions import Shape
from graphc.dtypes import DType, as_dtype
from graphc.errors import DTypeError, GraphcError, ShapeError
from graphc.ir.literal import Literal, as_literal
from graphc.ir.origin import Origin, capture_origin
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.ops.context import current_session, float_of_reads, is_building, note_update
from graphc.ops.conversion import cast_to, default_dtype, to_tensor
from graphc.ops.dataflow import DataflowGraph, get_default_graph
from graphc.ops.operand import NoValueError, Operand
from graphc.ops.program_order import ProgramOrder, current_order
from graphc.ops.tensor import Operation, Tensor
from graphc.ops.undoing import undone_on_failure


class Variable(Operand):
    """A tensor that keeps its value between runs.

    Args:
        initial_value: an array, a number, a tensor (computed at first use), or a function of no
            arguments that gives one.
        trainable: whether optimizers change it by default.
        name: unique in the graph; "variable" by default.
        dtype: cast the initial value to it.

    Attributes:
        graph: the graph it belongs to.
        name: the name of its state, in checkpoints too.
        trainable: whether optimizers change it by default.
        constraint: what an optimizer does to its new value, if anything: a function of tensors.
        type: element type and shape.
        initial_value: a fixed array, or the tensor that computes it.

    Raises:
        ShapeError: the initial value has a size that is not known.
    """

    def __init__(
        self,
        initial_value: Any,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        graph = get_default_graph()
        origin = capture_origin()
        if graph.parent is not None:
            raise GraphcError(
                "a variable cannot be made inside a branch or a loop body",
                fix="make it before, and use it inside",
                origin=origin,
            )
        if callable(initial_value):
            initial_value = initial_value()
        try:
            wanted = None if dtype is None else as_dtype(dtype)
        except DTypeError as problem:
            raise problem.at(origin) from None
        self.graph: DataflowGraph = graph
        self.origin: Origin = origin
        self.trainable = trainable
        self.constraint: Callable[[Tensor], Any] | None = None
        self.initial_value: Literal | Tensor
        if isinstance(initial_value, (Tensor, Variable)):
            tensor = to_tensor(initial_value, wanted, graph)
            tensor = cast_to(tensor, wanted) if wanted is not None else tensor
            self.initial_value = tensor
            self.type: TensorType = tensor.value.type
        else:
            try:
                literal = as_literal(initial_value, wanted or default_dtype(initial_value))
            except GraphcError as problem:
                raise problem.at(origin) from None
            self.initial_value = literal
            self.type = literal.type
        if not self.type.is_static:
            raise ShapeError(
                "a variable needs sizes that are known when it is made",
                given=self.type,
                fix="give the initial value a shape without None",
                origin=origin,
            )
        self.name = graph.unique_name(name or "variable")
        graph.variables[self.name] = self

    @property
    def shape(self) -> Shape:
        return self.type.shape

    @property
    def dtype(self) -> DType:
        return self.type.dtype

    @property
    def ndim(self) -> int:
        return self.type.rank

    @property
    def path(self) -> str:
        """The name, with the scopes it stands in: what Keras calls a path."""
        return self.name

    def as_tensor(self, graph: DataflowGraph) -> Tensor:
        """Its value where `graph` is being built now: after its control dependencies, if any."""
        order = current_order(graph)
        place = None if order is None else order.place_of_latest(self.name, graph)
        if order is not None and place is not None:
            read = self._read_in_order(graph, place, order)
        else:
            read = self._read(graph) if graph.control else self.plain_read(graph)
        wanted = float_of_reads()
        if wanted is None or wanted is self.dtype or not self.dtype.is_floating:
            return read
        return cast_to(read, wanted)

    def plain_read(self, graph: DataflowGraph) -> Tensor:
        """Its value before the run, whatever `graph`'s control dependencies are."""
        found = graph.plain_reads.get(self.name)
        if found is None:
            op = REGISTRY["read"]
            attributes = op.attributes.make(self._declaration(), "read")
            found = graph.plain_reads[self.name] = graph.add(op, (), attributes, name="read")[0]
        return found

    def _read_in_order(
        self, graph: DataflowGraph, place: DataflowGraph, order: ProgramOrder
    ) -> Tensor:
        """Its value after the assignments that stand above, the latest of them in `place`."""
        if graph is not place:
            return graph.capture(self._read_in_order(place, place, order))
        found = None if graph.control else order.find_read(self.name, graph)
        return order.note_read(self.name, self._read(graph)) if found is None else found

    def _read(self, graph: DataflowGraph) -> Tensor:
        op = REGISTRY["read"]
        attributes = op.attributes.make(self._declaration(), "read")
        return graph.add(op, self._control(graph), attributes, name="read")[0]

    def _control(self, graph: DataflowGraph) -> tuple[Tensor, ...]:
        """What a read or an assignment waits for."""
        order = current_order(graph)
        latest = None if order is None else order.latest_assignment(self.name, graph)
        return graph.control if latest is None else (*graph.control, latest)

    def _declaration(self) -> dict[str, Any]:
        return {"variable": self.name, "dtype": self.type.dtype, "shape": self.type.shape}

    @property
    def value(self) -> Tensor:
        """Its value as a tensor of the graph being built."""
        return self.as_tensor(get_default_graph() if self._is_visible() else self.graph)

    def read_value(self) -> Tensor:
        """The same as `value`, as TensorFlow spells it."""
        return self.value

    def _is_visible(self) -> bool:
        return get_default_graph().can_see(self.graph)

    def assign(self, value: Any, name: str | None = None) -> Tensor:
        """Set it; the result is the new value, and running it makes the assignment.

        Raises:
            ShapeError: the value has another shape.
            DTypeError: the value has another element type.
        """
        return self._assign("set", value, name)

    def assign_add(self, value: Any, name: str | None = None) -> Tensor:
        """Add to it. Unordered additions all take place, in the order they were built."""
        return self._assign("add", value, name)

    def assign_sub(self, value: Any, name: str | None = None) -> Tensor:
        """Subtract from it. Unordered subtractions all take place, in the order they were built."""
        return self._assign("subtract", value, name)

    def assign_average(self, value: Any, momentum: float, name: str | None = None) -> Tensor:
        """Move it towards a value: momentum · old + (1 - momentum) · value, a running average.

        Unordered averages all take place, in the order they were built.

        Args:
            value: of the variable's shape and element type, a float.
            momentum: the share of the old value.
            name: of the assignment.

        Raises:
            DTypeError: the variable holds no floats.
        """
        if not self.dtype.is_floating:
            raise DTypeError(
                f"the variable {self.name!r} has no running average",
                given=self.type,
                expected="a variable of floats",
                origin=capture_origin(),
            )
        return self._assign("average", value, name, momentum=momentum)

    @undone_on_failure
    def _assign(self, mode: str, value: Any, name: str | None, **options: float) -> Tensor:
        graph = get_default_graph() if self._is_visible() else self.graph
        tensor = to_tensor(value, self.type.dtype, graph)
        op = REGISTRY["assign"]
        attributes = op.attributes.make({**self._declaration(), "mode": mode, **options}, "assign")
        operands = (tensor, *self._control(graph))
        made = graph.add(op, operands, attributes, name=name or "assign")[0]
        note_update(made)
        order = current_order(graph)
        if order is not None:
            order.note_assignment(self.name, made)
        return made

    @property
    def initializer(self) -> Operation:
        """The operation that gives it back its initial value."""
        return initialize([self])

    def load(self, value: Any, session: Any = None) -> None:
        """Set it in a session, at once: nothing is built, nothing is compiled again.

        Args:
            value: a number or an array of the variable's shape; cast to its element type.
            session: where; the innermost open one by default.

        Raises:
            GraphcError: no session is open.
            ShapeError: the value has another shape.
            DTypeError: its numbers do not fit the element type.
        """
        where = session or current_session()
        if where is None:
            raise GraphcError(
                f"no session is open to set the variable {self.name!r} in",
                fix="call it inside `with graphc.Session():`, or give session=",
                origin=capture_origin(),
            )
        where.set_variables({self: value})

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Its value as a NumPy array, in the open session."""
        return self.value.eval(feed_dict, session)

    # Outside of what is being built, the value that a variable has now is meant.

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return super().__array__() if is_building() else np.asarray(self.numpy(), dtype)

    def __format__(self, specification: str) -> str:
        if is_building() or not specification:
            return super().__format__(specification)
        return format(self.numpy(), specification)

    def __float__(self) -> float:
        return super().__float__() if is_building() else float(self.numpy())

    def __int__(self) -> int:
        return super().__int__() if is_building() else int(self.numpy())

    def _not_in_place(self, other: Any) -> NoReturn:
        raise NoValueError(
            f"{self.name!r} is a variable, which an operator does not change",
            fix="variable.assign_add(x) or assign(...) sets it; y = variable + x is a new tensor",
            origin=capture_origin(),
        )

    __iadd__ = __isub__ = __imul__ = __imatmul__ = __itruediv__ = __ifloordiv__ = _not_in_place
    __imod__ = __ipow__ = __iand__ = __ior__ = __ixor__ = __ilshift__ = __irshift__ = _not_in_place

    def __repr__(self) -> str:
        return f"<Variable {self.name!r} {self.type}>"


def initialize(variables: Sequence[Variable], name: str | None = None) -> Operation:
    """The operation that gives variables back their initial values, before the rest of its run."""
    graph = variables[0].graph if variables else get_default_graph()
    op = REGISTRY["initialize"]
    attributes = op.attributes.make({"variables": [v.name for v in variables]}, op.name)
    return graph.add(op, (), attributes, name=name or "init")[0].op
