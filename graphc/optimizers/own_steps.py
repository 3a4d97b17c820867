"""Steps that a subclass writes line by line in an `update_step`, as optimizers of Keras do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from graphc.dtypes import as_dtype
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import multiply
from graphc.ops.context import collected_updates
from graphc.ops.conversion import cast_to, floatx, to_tensor
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.program_order import current_order, program_order
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable
from graphc.optimizers.kept_variables import KeptVariables
from graphc.optimizers.step_building import StepBuilding, VariableStep, slots_of, updated

if TYPE_CHECKING:
    from graphc.optimizers.optimizer import Optimizer
    from graphc.optimizers.step_building import Pair


class OwnSteps:
    """The part of `Optimizer` that serves subclasses which write their steps."""

    name: str
    rule: ClassVar[str | None]
    _kept: KeptVariables
    _built_for: list[Variable]
    step_of: Callable[[Variable], VariableStep]

    @property
    def _has_own_step(self) -> bool:
        return type(self).update_step is not OwnSteps.update_step

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        """Change one variable along its gradient: for subclasses that write a step as in Keras.

        Its lines follow one another: what is read after an assignment sees it.

        Args:
            gradient: clipped, of the variable's shape and element type.
            variable: which to assign; `assign`, `assign_add` and `assign_sub` do.
            learning_rate: f32[].
        """
        if self.rule is None:
            raise GraphcError(
                f"{type(self).__name__} has no rule that makes a step",
                fix="derive it from one that has, such as Adam, or leave out super().update_step",
                origin=capture_origin(),
            )
        graph = variable.graph
        step = self.step_of(variable)
        slots = slots_of(variable, step, self._kept)
        before = [each.as_tensor(graph) for each in (variable, *slots)]
        done = self._kept.iterations
        assert done is not None
        after = updated(
            graph, step, before, gradient, learning_rate, done.as_tensor(graph), variable
        )
        for target, new in zip((variable, *slots), after, strict=True):
            target.assign(new)

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str | None = None,
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """A variable that the optimizer keeps, of a shape of its own; for `build`.

        Args:
            shape: its sizes.
            initializer: what it is before the first step.
            dtype: its element type; `floatx()` by default.
            aggregation: taken for Keras's sake, as is `layout`.
            layout: see `aggregation`.
            name: in the optimizer's scope.
        """
        wanted = floatx() if dtype is None else as_dtype(dtype)
        return self._kept.own(name or "variable", tuple(shape), initializer, wanted)

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """A variable that the optimizer keeps of another one, of its type; for `build`.

        Args:
            reference_variable: the other one.
            name: what it is of that: "momentum".
            initializer: what it is before the first step.
        """
        of = reference_variable
        sizes = [int(size) for size in of.shape]
        return self._kept.own(f"{of.name}/{name or 'slot'}", tuple(sizes), initializer, of.dtype)

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """One variable for each of others, in a list; with several names, several lists."""
        if not isinstance(name, str):
            given = (
                initializer if isinstance(initializer, (list, tuple)) else [initializer] * len(name)
            )
            pairs = zip(name, given, strict=True)
            return tuple(
                [self.add_optimizer_variables(trainable_variables, n, i) for n, i in pairs]
            )
        return [self.add_variable_from_reference(v, name, initializer) for v in trainable_variables]

    def _get_variable_index(self, variable: Variable) -> int:
        """The place of a variable among those that `build` was called with."""
        for place, each in enumerate(self._built_for):
            if each is variable:
                return place
        raise GraphcError(
            f"the optimizer {self.name!r} was built for other variables",
            given=f"the variable {variable.name!r}",
            fix="compile the model again after layers became trainable, or make another optimizer",
            origin=capture_origin(),
        )

    def assign(self, variable: Variable, value: Any) -> Tensor:
        """The assignment of a value to a variable, as Keras spells it."""
        return variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> Tensor:
        """The addition of a value to a variable."""
        return variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> Tensor:
        """The subtraction of a value from a variable."""
        return variable.assign_sub(value)


def own_assignments(
    optimizer: Optimizer, building: StepBuilding, pairs: Sequence[Pair]
) -> list[Tensor]:
    """Everything that a step sets, but the iterations: the lines of `update_step` in their order.

    Raises:
        GraphcError: an option asks for steps that are left out, which lines cannot be.
    """
    options = building.options
    skipping = "gradient_accumulation_steps" if options.gradient_accumulation_steps else None
    if building.holds is not None or skipping:
        raise GraphcError(
            f"{type(optimizer).__name__} has an update_step of its own, which is made every time",
            given=skipping or "an optimizer around it that leaves steps out",
            fix="leave that option out, or derive the optimizer from one of graphc.optimizers",
            origin=capture_origin(),
        )
    graph = building.graph
    gradients = building.arriving([(g, v) for g, v in pairs])
    updates: list[Tensor] = []
    with collected_updates(updates):
        in_order(graph, lambda: _write(optimizer, building, gradients, [v for _, v in pairs]))
    return updates


def in_order(graph: DataflowGraph, write: Callable[[], None]) -> None:
    """What is written follows one another: in the step around, or else in one of its own."""
    if current_order(graph) is not None:
        write()
        return
    with program_order(graph):
        write()


def _write(
    optimizer: Optimizer,
    building: StepBuilding,
    gradients: Sequence[Tensor],
    variables: Sequence[Variable],
) -> None:
    graph, options = building.graph, building.options
    for gradient, variable in zip(gradients, variables, strict=True):
        decay = optimizer.weight_decay_of(variable)
        if decay is not None:
            rate = cast_to(building.rate, variable.dtype)
            variable.assign_sub(multiply(multiply(variable, decay), rate))
        gradient = cast_to(gradient, variable.dtype)
        optimizer.update_step(gradient, variable, building.rate)
        if options.use_ema:
            new = variable.as_tensor(graph)
            average = building.kept.like(variable, "average")
            mean = building.average(average.as_tensor(graph), new, building.iterations)
            average.assign(mean)
            if options.ema_overwrite_frequency:
                variable.assign(building.overwritten(mean, new, building.iterations))
        if variable.constraint is not None:
            held = to_tensor(variable.constraint(variable.as_tensor(graph)), None, graph)
            variable.assign(cast_to(held, variable.dtype))
