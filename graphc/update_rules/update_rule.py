"""The protocol of update rules: a formula that writes one step on one variable into a graph."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from graphc.errors import AttributeValueError
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.types import TensorType

Hyperparameters = Mapping[str, float]
"""Every hyperparameter of a rule by name; switches are 0.0 and 1.0."""


@dataclass(frozen=True)
class Slot:
    """Something that a rule remembers of a variable from step to step.

    Attributes:
        name: Keras's name for it ("momentum").
        type: element type and shape.
        initial_value: what all its elements are before the first step.
        begins_as_variable: before the first step it is what the variable is then.
    """

    name: str
    type: TensorType
    initial_value: float = 0.0
    begins_as_variable: bool = False


class UpdateRule(ABC):
    """How an optimizer changes one variable.

    Attributes:
        name: what the `apply_update` intent calls it.
        defaults: every hyperparameter with the value it has when it is not given.
        is_elementwise: whether each element of a variable is changed by itself, so that variables
            which are kept stacked may be changed as one. All others see one variable at a time.
    """

    name: ClassVar[str]
    defaults: ClassVar[Hyperparameters]
    is_elementwise: ClassVar[bool] = False

    def complete(self, given: Mapping[str, float | bool]) -> dict[str, float]:
        """The hyperparameters that are given, and the defaults of all the others.

        Raises:
            AttributeValueError: the rule has none of that name, or it is not a number.
        """
        unknown = sorted(set(given) - set(self.defaults))
        if unknown:
            raise AttributeValueError(
                f"the update rule {self.name!r} has no hyperparameter {', '.join(unknown)}",
                given=dict(given),
                expected=", ".join(self.defaults) or "none",
            )
        completed = dict(self.defaults)
        for name, number in given.items():
            try:
                completed[name] = float(number)
            except (TypeError, ValueError):
                raise AttributeValueError(
                    f"the hyperparameter {name!r} of the update rule {self.name!r} is not a number",
                    given=repr(number),
                    expected="a number, or a truth value for a switch",
                ) from None
        return completed

    @abstractmethod
    def slots(
        self, variable_type: TensorType, hyperparameters: Hyperparameters
    ) -> tuple[Slot, ...]:
        """What the rule remembers of a variable of this type, in the order `build` takes it."""

    @abstractmethod
    def build(
        self,
        build: Builder,
        variable: Value,
        gradient: Value,
        learning_rate: Value,
        iteration: Value,
        slots: Sequence[Value],
        hyperparameters: Hyperparameters,
    ) -> tuple[Value, tuple[Value, ...]]:
        """Write one step.

        Everything is computed in the variable's element type, as Keras does.

        Args:
            build: makes the nodes.
            variable: the value before the step.
            gradient: of the variable's type.
            learning_rate: f32[], or any other float scalar.
            iteration: i32[] or i64[]: the number of steps done before this one.
            slots: one per slot, in the order of `slots()`.
            hyperparameters: all of them, as `complete` gives them.

        Returns:
            The value after the step, and the slots after it.
        """


def as_scalar_of(build: Builder, scalar: Value, variable: Value) -> Value:
    """A scalar, in the element type of a variable."""
    if scalar.type.dtype is variable.type.dtype:
        return scalar
    return build.convert(scalar, dtype=variable.type.dtype)


def spread(build: Builder, scalar: Value, variable: Value) -> Value:
    """A scalar at every position of a variable."""
    if scalar.type is variable.type:
        return scalar
    return build.broadcast_in_dim(scalar, shape=variable.type.shape, broadcast_dimensions=())


def times_number(build: Builder, value: Value, number: float) -> Value:
    """A value times a number that is known now."""
    return build.multiply(value, build.full_like(value, number))


def learning_rate_like(build: Builder, learning_rate: Value, variable: Value) -> Value:
    """The learning rate at every position of a variable, in its element type."""
    return spread(build, as_scalar_of(build, learning_rate, variable), variable)
