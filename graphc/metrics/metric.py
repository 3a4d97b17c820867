"""What all metrics share: state in the graph, updated by one operation, read by another."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc.configurable import Configurable
from graphc.dtypes import as_dtype
from graphc.errors import GraphcError
from graphc.initializers.initializer import get as get_initializer
from graphc.ir.literal import Literal, as_literal
from graphc.ir.origin import capture_origin
from graphc.naming import snake_case
from graphc.ops.bodies import flatten, unflatten
from graphc.ops.context import (
    collected_updates,
    is_building,
    session_of,
    surrounding_updates,
)
from graphc.ops.conversion import floatx, graph_of, outermost
from graphc.ops.dataflow import DataflowGraph, get_default_graph
from graphc.ops.grouping import group
from graphc.ops.sources import placeholder
from graphc.ops.tensor import Operation, Tensor
from graphc.ops.undoing import undone_on_failure
from graphc.ops.variable import Variable
from graphc.tracking import held, unique


class Metric(Configurable, kind="metrics"):
    """A number about predictions, gathered batch by batch in variables of the graph.

    A subclass makes its variables in `__init__` by `add_variable`, assigns them in `update_state`
    and computes `result` from them, as in Keras.

    Args:
        dtype: element type of the state; `floatx()` by default.
        name: of the metric in logs; the class's name by default.

    Attributes:
        name: of the metric in logs.
        variables: its state, and that of metrics in its attributes.
        needs_probabilities: whether predictions must be probabilities, not logits.
    """

    needs_probabilities: bool = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "update_state" in vars(cls):
            cls.update_state = _as_operation(cls.update_state)  # type: ignore[method-assign]
        if "reset_state" in vars(cls):
            cls.reset_state = _at_once(cls.reset_state)  # type: ignore[method-assign]
        if "result" in vars(cls):
            cls.result = _after_updates(cls.result)  # type: ignore[method-assign]

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or snake_case(type(self).__name__)
        self.dtype = floatx() if dtype is None else as_dtype(dtype)
        self._own: list[Variable] = []
        self._graph: DataflowGraph = outermost(get_default_graph())
        self._updates: list[Tensor] = []
        self._latest: Any = None
        self._reset: Operation | None = None
        self._is_updating = False
        self._with_arrays: dict[Any, tuple[list[Tensor], Operation]] = {}

    @property
    def variables(self) -> list[Variable]:
        inner = [v for metric in held(self, Metric) for v in metric.variables]
        return unique([*self._own, *inner])

    def add_variable(
        self,
        shape: Sequence[int] = (),
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str | None = None,
        name: str | None = None,
    ) -> Variable:
        """A variable of the metric's state.

        Args:
            shape: its sizes; a scalar by default.
            initializer: what it is before the first update, and after `reset_state`.
            dtype: its element type; that of the metric by default.
            aggregation: taken for Keras's sake; one graph has one copy.
            name: in the metric's scope.
        """
        target = self.dtype if dtype is None else as_dtype(dtype)
        with self._graph.as_default():
            variable = Variable(
                get_initializer(initializer or "zeros")(tuple(shape), target),
                trainable=False,
                name=f"{self.name}/{name or 'variable'}",
                dtype=target,
            )
        self._own.append(variable)
        self._reset = None
        return variable

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: Any = None,
        dtype: Any = None,
        name: str | None = None,
    ) -> Variable:
        """The same as `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name=name)

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """The operation that takes a batch into account.

        Given arrays only, the update takes place at once, in the session of the graph.

        Args:
            *args: `y_true` and `y_pred`, or `values`.
            **kwargs: `sample_weight`, which broadcasts against the samples.
        """
        raise NotImplementedError(f"{type(self).__name__} has no update_state(…)")

    def result(self) -> Any:
        """The number so far: a tensor, or a dictionary of tensors."""
        raise NotImplementedError(f"{type(self).__name__} has no result()")

    def gave(self, value: Any) -> bool:
        """Whether this very tensor (or dictionary) is what `result` gave last."""
        return value is not None and value is self._latest

    def reset_state(self) -> None:
        """Forget everything, at once, in the session of the graph; in a step, as part of it."""
        if is_building():
            for variable in self.variables:
                variable.assign(_initial_value(variable))
        elif self.variables:
            self._reset = self._reset or reset_operation([self])
            session_of(self._graph).run(self._reset)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result after this batch: a tensor; given arrays only, the batch is taken in now."""
        operation = self.update_state(*args, **kwargs)
        if operation is None:
            return self.result()
        with self._graph.control_dependencies(self._updates):
            return self.result()

    def _refuse_other_graph(self, graph: DataflowGraph) -> None:
        if self.variables and outermost(graph) is not self._graph:
            raise GraphcError(
                f"the metric {self.name!r} has its state in another graph",
                fix="make the metric where the model is made: `with graph.as_default():`",
                origin=capture_origin(),
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def get(identifier: Any) -> Any:
    """The metric that a string or a configuration names, the metric or function itself, or None.

    Raises:
        GraphcError: there is none of that name.
    """
    return Metric.registry.get(identifier)


def deserialize(config: Any, custom_objects: Mapping[str, Callable[..., Any]] | None = None) -> Any:
    """The metric that data describes, or the class that a name means.

    Raises:
        GraphcError: there is none.
    """
    return Metric.registry.deserialize(config, custom_objects)


def reset_operation(metrics: Iterable[Metric]) -> Operation:
    """The operation that makes metrics forget everything: one small program, in any session."""
    listed = list(metrics)
    graph = listed[0]._graph
    with graph.as_default(), graph.control_dependencies(None), graph.name_scope("reset_metrics"):
        variables = unique(v for metric in listed for v in metric.variables)
        assigned = [variable.assign(_initial_value(variable)) for variable in variables]
        return group(*assigned, name="reset")


def constant_initial_value(variable: Variable) -> Literal | None:
    """What a variable begins with; None where that is computed, but for a number everywhere."""
    initial = variable.initial_value
    if not isinstance(initial, Tensor):
        return initial
    node = initial.value.node
    if node.op.name == "broadcast_in_dim" and initial.value.type.is_static:
        number = node.inputs[0].node
        if number.op.name == "constant" and not number.output.type.shape:
            sizes: Any = initial.value.type.shape
            return as_literal(np.broadcast_to(number.attributes["value"].array, sizes))
    return node.attributes["value"] if node.op.name == "constant" else None


def _initial_value(variable: Variable) -> Any:
    initial = variable.initial_value
    return initial if isinstance(initial, Tensor) else initial.array


def _as_operation(update_state: Callable[..., None]) -> Callable[..., Operation | None]:
    """An `update_state` that gives the operation of all that it assigns, or runs it on arrays."""

    @functools.wraps(update_state)
    @undone_on_failure
    def updating(self: Metric, *args: Any, **kwargs: Any) -> Operation | None:
        if self._is_updating:  # a subclass's, that calls this one
            update_state(self, *args, **kwargs)
            return None
        leaves, _ = flatten((args, kwargs))
        symbolic = [leaf for leaf in leaves if isinstance(leaf, (Tensor, Variable))]
        if symbolic:
            graph = graph_of(symbolic)
            self._refuse_other_graph(graph)
            return _build_update(self, graph, update_state, args, kwargs)
        _update_now(self, update_state, args, kwargs)
        return None

    return updating


def _at_once(reset_state: Callable[[Any], None]) -> Callable[[Any], None]:
    """A `reset_state` that sets what it assigns now, or in the step that is being built."""

    @functools.wraps(reset_state)
    def resetting(self: Metric) -> None:
        if is_building():
            reset_state(self)
            return
        if self._reset is None:
            updates: list[Tensor] = []
            graph = self._graph
            with graph.as_default(), graph.control_dependencies(None), collected_updates(updates):
                reset_state(self)
                self._reset = group(*updates, name="reset")
        session_of(self._graph).run(self._reset)

    return resetting


def _build_update(
    metric: Metric, graph: DataflowGraph, update_state: Callable[..., None], args: Any, kwargs: Any
) -> Operation:
    metric._is_updating = True
    updates: list[Tensor] = []
    try:
        with graph.as_default(), graph.name_scope(metric.name), collected_updates(updates):
            update_state(metric, *args, **kwargs)
            metric._updates = updates
            return group(*updates, name="update")
    finally:
        metric._is_updating = False


def _update_now(metric: Metric, update_state: Callable[..., None], args: Any, kwargs: Any) -> None:
    """Update by arrays: one graph for all arrays of the same shapes."""
    arrays = [[None if a is None else np.asarray(a) for a in args], kwargs]
    arrays[1] = {name: None if a is None else np.asarray(a) for name, a in kwargs.items()}
    leaves, tree = flatten(arrays)
    key = (str(tree), tuple([(a.dtype, a.shape) for a in leaves]))
    if key not in metric._with_arrays:
        graph = metric._graph
        with graph.as_default():
            fed = [placeholder(_narrow(a.dtype), a.shape) for a in leaves]
            args, kwargs = unflatten(tree, fed)
            operation = _build_update(metric, graph, update_state, args, kwargs)
        metric._with_arrays[key] = fed, operation
    fed, operation = metric._with_arrays[key]
    feeds = {t: a.astype(t.dtype.numpy) for t, a in zip(fed, leaves, strict=True)}
    session_of(metric._graph).run(operation, feeds)


def _narrow(dtype: Any) -> Any:
    """The element type that Keras keeps Python's and NumPy's default numbers in."""
    return {"float64": floatx(), "int64": "int32"}.get(str(dtype), str(dtype))


def _after_updates(result: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A `result` that sees the updates of the step around, where it is part of one."""

    @functools.wraps(result)
    def reading(self: Metric) -> Any:
        around = surrounding_updates()
        graph = get_default_graph()
        if self.variables and not graph.can_see(self._graph):
            graph = self._graph
        known = {id(update) for update in around}
        pending = [u for u in self._updates if id(u) in known and u.graph is graph]
        with graph.as_default(), graph.name_scope(self.name):
            if pending:
                with graph.control_dependencies(pending):
                    self._latest = result(self)
            else:
                self._latest = result(self)
        return self._latest

    return reading
