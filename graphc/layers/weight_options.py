"""What a constructor says of one weight: how it begins, what it costs, what it is held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphc.constraints.constraint import get as get_constraint
from graphc.errors import GraphcError
from graphc.initializers.initializer import get as get_initializer
from graphc.ir.origin import capture_origin
from graphc.ops.variable import Variable
from graphc.regularizers.regularizer import get as get_regularizer

if TYPE_CHECKING:
    from graphc.layers.layer import Layer


@dataclass(frozen=True)
class WeightOptions:
    """The arguments `kernel_initializer`, `kernel_regularizer`, `kernel_constraint` and so on.

    Attributes:
        initializer: gives the first value.
        regularizer: a penalty, or None.
        constraint: what it is held to after each step, or None.
    """

    initializer: Any
    regularizer: Any = None
    constraint: Any = None

    def __post_init__(self) -> None:
        for given, get in (
            (self.initializer, get_initializer),
            (self.regularizer, get_regularizer),
            (self.constraint, get_constraint),
        ):
            if given is not None and not callable(given):
                get(given)  # says now that it means nothing

    def add_to(self, layer: Layer, shape: Sequence[int], name: str) -> Variable:
        """Make the weight.

        Raises:
            ShapeError: a size is not known.
        """
        return layer.add_weight(
            shape,
            self.initializer,
            regularizer=self.regularizer,
            constraint=self.constraint,
            name=name,
        )


def refuse_adapters(layer: Layer, *given: Any) -> None:
    """Refuse the arguments of Keras that train small additions to a kernel, or quantize it.

    Raises:
        GraphcError: one is not None.
    """
    if any(argument is not None for argument in given):
        raise GraphcError(
            f"{type(layer).__name__} has no adapters, and is not quantized",
            given="lora_rank, lora_alpha or quantization_config",
            expected="None",
            fix="train the kernel itself, or freeze the layer and add one beside it",
            origin=capture_origin(),
        )
