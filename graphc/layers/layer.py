"""What all layers share: a name, weights made at the first call, the name scope of their nodes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from graphc.errors import GraphMixError, ShapeError
from graphc.initializers.initializer import get as get_initializer
from graphc.ir.origin import capture_origin
from graphc.naming import snake_case
from graphc.ops.conversion import floatx, graph_of, to_tensor
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.tensor import Tensor
from graphc.ops.undoing import undone_on_failure
from graphc.ops.variable import Variable


class Layer(ABC):
    """A function of tensors with weights of its own.

    Args:
        name: scope of its nodes and variables; the class's name by default.
        dtype: of the weights; `floatx()` by default.
        trainable: whether optimizers change its weights.

    Attributes:
        weights: its variables, in the order they were made (Keras's order).
    """

    def __init__(
        self, *, name: str | None = None, dtype: Any = None, trainable: bool = True
    ) -> None:
        self.name = name or snake_case(type(self).__name__)
        self.dtype = dtype or floatx()
        self.trainable = trainable
        self.weights: list[Variable] = []
        self._graph: DataflowGraph | None = None
        self._scope = ""

    @property
    def built(self) -> bool:
        """Whether the weights exist."""
        return self._graph is not None

    @property
    def trainable_weights(self) -> list[Variable]:
        return [weight for weight in self.weights if weight.trainable]

    @undone_on_failure
    def __call__(self, inputs: Any) -> Tensor:
        """Add the layer's nodes to the graph of its inputs.

        Raises:
            GraphMixError: the layer has weights in another graph.
            ShapeError: the inputs do not fit the layer.
        """
        graph = graph_of((inputs,))
        tensor = to_tensor(inputs, None, graph)
        home = graph
        while home.parent is not None:
            home = home.parent
        if self._graph is None:
            with home.name_scope(self.name) as self._scope:
                try:
                    self.build(tensor.shape)
                except BaseException:
                    self.weights = []  # the graph takes back those that were made
                    raise
            self._graph = home
        elif self._graph is not home:
            raise GraphMixError(
                f"the layer {self.name!r} has weights in another graph",
                fix="make one layer per graph",
                origin=capture_origin(),
            )
        with graph.reopened_scope(self._scope):
            return self.call(tensor)

    @abstractmethod
    def build(self, input_shape: Sequence[Any]) -> None:
        """Make the weights for inputs of this shape."""

    @abstractmethod
    def call(self, inputs: Tensor) -> Tensor:
        """The outputs for these inputs."""

    def add_weight(
        self,
        shape: Sequence[int],
        initializer: str | Callable[..., Any] = "glorot_uniform",
        name: str = "weight",
        trainable: bool = True,
    ) -> Variable:
        """A variable of the layer.

        Raises:
            ShapeError: a size is not known.
        """
        if not all(isinstance(size, int) for size in shape):
            raise ShapeError(
                f"the layer {self.name!r} cannot make its weight {name!r}",
                given=f"shape {tuple(shape)}",
                expected="sizes that are known when the layer is built",
                fix="give the placeholder a size instead of None on that axis",
                origin=capture_origin(),
            )
        make = get_initializer(initializer)
        variable = Variable(
            make(tuple(shape), self.dtype), trainable=trainable and self.trainable, name=name
        )
        self.weights.append(variable)
        return variable
