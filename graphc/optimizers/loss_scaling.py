"""A loss scale that finds itself: halved where gradients overflow, doubled where they do not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np

from graphc.configurable import Configurable
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import add, multiply, true_divide
from graphc.ops.comparison import equal, isfinite, where
from graphc.ops.conversion import to_tensor
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.joining import stack
from graphc.ops.reductions import all as reduce_all
from graphc.ops.tensor import Operation, Tensor
from graphc.ops.variable import Variable
from graphc.optimizers.arguments import StepOptions, refuse_unknown_arguments, require_range
from graphc.optimizers.identifiers import get
from graphc.optimizers.learning_rates import LearningRate
from graphc.optimizers.optimizer import Optimizer
from graphc.optimizers.step_building import Pair, VariableStep


class LossScaleOptimizer(Optimizer, names=("lossscaleoptimizer",)):
    """Another optimizer's steps, with dynamic loss scaling for gradients of 16 bits.

    The loss is multiplied by a scale, so that small gradients do not vanish. A step whose gradients
    are not all finite is left out, and the scale halved. After `dynamic_growth_steps` steps in a
    row that were not, it is doubled. (Micikevicius and others 2017, 1710.03740, section 3.2.)

    Args:
        inner_optimizer: makes the steps; its own `loss_scale_factor` has no effect.
        initial_scale: the first scale; rather too large, since it falls faster than it rises.
        dynamic_growth_steps: after how many good steps in a row the scale is doubled.
        name: scope of its variables; the class's name by default.
        **kwargs: the other arguments of `Optimizer`, with their defaults: the inner optimizer's
            are what counts.

    Attributes:
        inner_optimizer: makes the steps.

    Raises:
        GraphcError: an argument belongs to the inner optimizer.
    """

    def __init__(
        self,
        inner_optimizer: Any,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        _refuse_arguments(kwargs)
        require_range(initial_scale > 0, "initial_scale", initial_scale, "a number above 0")
        is_count = isinstance(dynamic_growth_steps, int) and dynamic_growth_steps > 0
        require_range(
            is_count, "dynamic_growth_steps", dynamic_growth_steps, "a whole number above 0"
        )
        inner = get(inner_optimizer)
        if not isinstance(inner, Optimizer) or isinstance(inner, LossScaleOptimizer):
            raise GraphcError(
                "the loss of this cannot be scaled",
                given=repr(inner_optimizer)[:200],
                expected="an optimizer without a loss scale of its own",
                origin=capture_origin(),
            )
        self._set_up(name)
        self.inner_optimizer = inner
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        inner.set_loss_scale(None)
        self.options = inner.options

    def _learning_rate(self) -> LearningRate:
        return self.inner_optimizer._learning_rate()

    def set_loss_scale(self, factor: float | None) -> None:
        raise GraphcError(
            "a dynamic loss scale cannot be fixed",
            fix="use the inner optimizer with loss_scale_factor=",
            origin=capture_origin(),
        )

    def step_of(self, variable: Variable) -> VariableStep:
        return self.inner_optimizer.step_of(variable)

    def scale_loss(self, loss: Tensor) -> Tensor:
        """The loss times the scale of now."""
        scale, _ = self._scale_and_count(loss.graph)
        return multiply(loss, scale.as_tensor(loss.graph))

    def _scale_and_count(self, graph: DataflowGraph) -> tuple[Variable, Variable]:
        self._kept.begin(graph)
        with graph.as_default(), graph.reopened_scope(self._kept.scope):
            count = self._kept.number("step_counter", np.int32(0))
            return self._kept.number("dynamic_scale", np.float32(self.initial_scale)), count

    @property
    def dynamic_scale(self) -> Variable | None:
        """The scale of now, f32[]; None before the first step is built."""
        return self._kept.find(None, "dynamic_scale")

    @property
    def step_counter(self) -> Variable | None:
        """Good steps since the scale changed, i32[]; None before the first step is built."""
        return self._kept.find(None, "step_counter")

    def begin(self, graph: DataflowGraph, variables: Sequence[Variable]) -> None:
        self._scale_and_count(graph)
        self.inner_optimizer.begin(graph, variables)
        self.options = self.inner_optimizer.options

    def assignments(
        self, graph: DataflowGraph, pairs: Sequence[Pair], holds: Tensor | None = None
    ) -> list[Tensor]:
        """The inner optimizer's, where all gradients are finite, and those of the scale."""
        if holds is not None:
            raise GraphcError(
                "a loss scale must see every step", fix="make it the outermost optimizer"
            )
        with graph.as_default(), graph.reopened_scope(self._kept.scope):
            arrived = [to_tensor(gradient, v.dtype, graph) for gradient, v in pairs]
            finite = reduce_all(stack([reduce_all(isfinite(each)) for each in arrived]))
            held_scale, held_count = self._scale_and_count(graph)
            scale, count = held_scale.as_tensor(graph), held_count.as_tensor(graph)
            grows = equal(count, self.dynamic_growth_steps - 1)
            factor = where(finite, where(grows, np.float32(2.0), np.float32(1.0)), np.float32(0.5))
            new_count = where(finite, where(grows, 0, add(count, 1)), 0)
            assigned = [
                held_scale.assign(multiply(scale, factor)),
                held_count.assign(new_count),
            ]
            unscaled = [true_divide(each, scale) for each in arrived]
        variables = [variable for _, variable in pairs]
        inner = self.inner_optimizer
        return assigned + inner.assignments(
            graph, list(zip(unscaled, variables, strict=True)), finite
        )

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> Operation:
        return self.inner_optimizer.finalize_variable_values(var_list)

    def average_of(self, variable: Variable) -> Variable | None:
        return self.inner_optimizer.average_of(variable)

    def remember(self) -> Callable[[], None]:
        forget_own, forget_inner = self._kept.remember(), self.inner_optimizer.remember()

        def forget() -> None:
            forget_own()
            forget_inner()

        return forget

    @property
    def iterations(self) -> Variable | None:
        """The inner optimizer's: steps that were made."""
        return self.inner_optimizer.iterations

    @property
    def variables(self) -> list[Variable]:
        """Its own, then the inner optimizer's."""
        return [*self._kept.all(), *self.inner_optimizer.variables]

    def get_config(self) -> dict[str, Any]:
        """The arguments that make the same optimizer, around one like the inner one now."""
        return Configurable.get_config(self) | {"name": self.name}


_DEFAULTS: Final = vars(StepOptions())


def _refuse_arguments(given: dict[str, Any]) -> None:
    """Keras wrote these into older files, with defaults; anything else is a mistake."""
    for name, value in given.items():
        if name == "dynamic" and value:
            continue
        if name == "dynamic" or (name in _DEFAULTS and value != _DEFAULTS[name]):
            raise GraphcError(
                f"a loss scale takes no {name}",
                given=repr(value),
                fix="give loss_scale_factor to the inner optimizer for a fixed scale"
                if name == "dynamic"
                else f"give {name} to the inner optimizer",
                origin=capture_origin(),
            )
    refuse_unknown_arguments(
        LossScaleOptimizer, [name for name in given if name not in (*_DEFAULTS, "dynamic")]
    )
