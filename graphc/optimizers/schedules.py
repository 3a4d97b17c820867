"""Learning rates that depend on the iteration, with Keras's names and numbers.

A schedule is a function of a step (a number or an integer scalar of the graph) that gives a float
scalar. An optimizer hands its iterations over, so the rate is computed inside each step, on the
device. Numbers that are not floats are `floatx()`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import graphc.configurable as configurable
from graphc.configurable import Configurable
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import add, multiply, power, subtract, true_divide
from graphc.ops.comparison import equal, greater, less, less_equal, logical_and, minimum, where
from graphc.ops.conversion import cast_to, constant_tensor, graph_of, inexact, to_tensor
from graphc.ops.exponential import log
from graphc.ops.rounding import ceil, floor
from graphc.ops.tensor import Tensor
from graphc.ops.trigonometric import cos


class LearningRateSchedule(Configurable, kind="schedules"):
    """A learning rate that depends on the step.

    One of your own is a subclass with a `__call__(step)`, as in Keras, or with a `call(step)`,
    which is handed a tensor.
    """

    name: str = "schedule"

    def __call__(self, step: Any) -> Tensor:
        """The rate at a step.

        Args:
            step: steps done so far: a number, or an integer or float scalar.

        Returns:
            A float scalar.
        """
        graph = graph_of([step])
        with graph.as_default(), graph.name_scope(self.name):
            return self.call(to_tensor(step, None, graph))

    def call(self, step: Tensor) -> Tensor:
        """The rate at a step."""
        raise NotImplementedError(f"{type(self).__name__} has no __call__(self, step)")


class ExponentialDecay(LearningRateSchedule):
    """`initial_learning_rate · decay_rate^(step / decay_steps)`.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: in how many steps the rate falls by `decay_rate`.
        decay_rate: the factor.
        staircase: fall at every `decay_steps` steps only.
        name: scope of its nodes.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        _require_positive("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def call(self, step: Tensor) -> Tensor:
        rate = inexact(self.initial_learning_rate)
        periods = _periods(step, rate, self.decay_steps, self.staircase)
        return multiply(rate, power(_like(rate, self.decay_rate), periods))


class InverseTimeDecay(LearningRateSchedule):
    """`initial_learning_rate / (1 + decay_rate · step / decay_steps)`.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: in how many steps the divisor grows by `decay_rate`.
        decay_rate: how fast the divisor grows.
        staircase: fall at every `decay_steps` steps only.
        name: scope of its nodes.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        _require_positive("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def call(self, step: Tensor) -> Tensor:
        rate = inexact(self.initial_learning_rate)
        periods = _periods(step, rate, self.decay_steps, self.staircase)
        return true_divide(rate, add(1, multiply(_like(rate, self.decay_rate), periods)))


class PiecewiseConstantDecay(LearningRateSchedule):
    """`values[i]` up to and including step `boundaries[i]`, and the last value after them.

    Args:
        boundaries: rising steps.
        values: one more than boundaries.
        name: scope of its nodes.
    """

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"
    ) -> None:
        if len(boundaries) != len(values) - 1 or not boundaries:
            raise GraphcError(
                "a piecewise constant rate needs boundaries, and one more value than those",
                given=f"{len(boundaries)} boundaries, {len(values)} values",
                origin=capture_origin(),
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def call(self, step: Tensor) -> Tensor:
        first = inexact(self.values[0])
        # As Keras: the sum of the values whose piece holds the step; pieces that overlap add up.
        pieces = [less_equal(step, _like(step, self.boundaries[0]))]
        for low, high in zip(self.boundaries[:-1], self.boundaries[1:], strict=True):
            is_above = greater(step, _like(step, low))
            pieces.append(logical_and(is_above, less_equal(step, _like(step, high))))
        pieces.append(greater(step, _like(step, self.boundaries[-1])))
        rate = _like(first, 0.0)
        for holds, value in zip(pieces, self.values, strict=True):
            rate = add(rate, multiply(cast_to(holds, first.dtype), _like(first, value)))
        return rate


class PolynomialDecay(LearningRateSchedule):
    """From `initial_learning_rate` to `end_learning_rate` along `(1 - step/decay_steps)^power`.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: steps until the end.
        end_learning_rate: the rate from then on.
        power: 1 for a straight line.
        cycle: start anew after the end, over the next multiple of `decay_steps`.
        name: scope of its nodes.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        _require_positive("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def call(self, step: Tensor) -> Tensor:
        rate = inexact(self.initial_learning_rate)
        end, done = _like(rate, self.end_learning_rate), cast_to(step, rate.dtype)
        steps = _like(rate, self.decay_steps)
        if self.cycle:
            rounds = where(equal(done, 0), 1.0, ceil(true_divide(done, steps)))
            steps = multiply(steps, rounds)
        else:
            done = minimum(done, steps)
        left = power(subtract(1, true_divide(done, steps)), _like(rate, self.power))
        return add(multiply(subtract(rate, end), left), end)


class CosineDecay(LearningRateSchedule):
    """Half a cosine (Loshchilov and Hutter 2016, https://arxiv.org/abs/1608.03983), after a warmup.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: steps of the cosine.
        alpha: the last rate as a part of the first of the cosine.
        name: scope of its nodes.
        warmup_target: climb in a straight line to this rate first; None begins with the cosine.
        warmup_steps: steps of the climb.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        _require_positive("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def call(self, step: Tensor) -> Tensor:
        rate = inexact(self.initial_learning_rate)
        steps, done = _like(rate, self.decay_steps), cast_to(step, rate.dtype)
        if self.warmup_target is None:
            return self._decayed(rate, minimum(done, steps), steps)
        target, warmup = _like(rate, self.warmup_target), _like(rate, self.warmup_steps)
        done = minimum(done, add(steps, warmup))
        climbed = add(multiply(subtract(target, rate), true_divide(done, warmup)), rate)
        decayed = self._decayed(target, subtract(done, warmup), steps)
        return where(less(done, warmup), climbed, decayed)

    def _decayed(self, rate: Tensor, done: Tensor, steps: Tensor) -> Tensor:
        part = _half_cosine(true_divide(done, steps), 0.5)
        return multiply(rate, add(multiply(1 - self.alpha, part), self.alpha))


class CosineDecayRestarts(LearningRateSchedule):
    """Half cosines, one after the other (Loshchilov and Hutter 2016).

    Args:
        initial_learning_rate: the rate at step 0.
        first_decay_steps: steps of the first cosine.
        t_mul: how many times longer each is than the one before.
        m_mul: how many times higher each begins than the one before.
        alpha: the last rate of a cosine as a part of `initial_learning_rate`.
        name: scope of its nodes.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        _require_positive("first_decay_steps", first_decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def call(self, step: Tensor) -> Tensor:
        rate = inexact(self.initial_learning_rate)
        done = true_divide(cast_to(step, rate.dtype), _like(rate, self.first_decay_steps))
        if self.t_mul == 1:
            restarts = floor(done)
            done = subtract(done, restarts)
        else:
            longer = _like(rate, self.t_mul)
            growth = subtract(1.0, multiply(done, subtract(1.0, longer)))
            restarts = floor(true_divide(log(growth), log(longer)))
            length = power(longer, restarts)
            before = true_divide(subtract(1.0, length), subtract(1.0, longer))
            done = true_divide(subtract(done, before), length)
        part = _half_cosine(done, multiply(0.5, power(_like(rate, self.m_mul), restarts)))
        alpha = _like(rate, self.alpha)
        return multiply(rate, add(multiply(subtract(1, alpha), part), alpha))


def serialize(learning_rate_schedule: LearningRateSchedule) -> Any:
    """A schedule as plain data: the name of its class and its arguments."""
    return configurable.serialize(learning_rate_schedule)


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The schedule that `serialize` described.

    Args:
        config: the description.
        custom_objects: classes by name, beside those that are here.

    Raises:
        ModelFileError: it describes no schedule.
    """
    return configurable.deserialize(config, "schedules", custom_objects)


def _like(rate: Tensor, number: Any) -> Tensor:
    """A number in the element type of a rate; a tensor is cast to it."""
    if isinstance(number, (int, float)):
        number = int(number) if rate.dtype.is_integer else float(number)
        return constant_tensor(rate.graph, number, rate.dtype)
    return cast_to(to_tensor(number, None, rate.graph), rate.dtype)


def _periods(step: Tensor, rate: Tensor, length: float, staircase: bool) -> Tensor:
    periods = true_divide(cast_to(step, rate.dtype), _like(rate, length))
    return floor(periods) if staircase else periods


def _half_cosine(done: Tensor, half_height: Any) -> Tensor:
    """From twice `half_height` at 0 down to 0 at 1."""
    return multiply(half_height, add(1.0, cos(multiply(math.pi, done))))


def _require_positive(name: str, steps: float) -> None:
    if not steps > 0:
        raise GraphcError(f"{name} must be above 0", given=repr(steps), origin=capture_origin())
