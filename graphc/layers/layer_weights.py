"""The weights and losses of a layer and of the layers inside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.context import session_of
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable
from graphc.tracking import held, unique

if TYPE_CHECKING:
    from graphc.layers.layer import Layer


class UninitializedLayerError(GraphcError, AttributeError):
    """A layer that is used before its own constructor is done."""


_HINTS: Final = {
    "predict_classes": "; write numpy.argmax(model.predict(x), -1)",
    "predict_proba": "; predict(x) gives probabilities where the model ends in a softmax",
    "fit_generator": "; fit(generator) takes generators",
    "evaluate_generator": "; evaluate(generator) takes generators",
    "predict_generator": "; predict(generator) takes generators",
    "stateless_call": "; program.as_jax() gives a function of JAX without state",
    "export": "; stablehlo.save(program, path) and onnx.save(model, path) write what others run",
    "quantize": "; nothing is quantized",
    "run_eagerly": "; nothing is: model.train_program(x, y) can be looked at, and "
    "Session(check_numerics=True) names the line of the first NaN",
}
"""What older versions of Keras had, or what is done otherwise here."""

Regularization = Callable[[Any], Any]


class LayerWeights:
    """The part of `Layer` that keeps variables.

    Args:
        trainable: whether optimizers change the weights.
    """

    name: str
    built: bool

    def __init__(self, trainable: bool) -> None:
        self._trainable = trainable
        self._weights: list[Variable] = []
        self._may_train: set[Variable] = set()
        self._regularized: dict[Variable, Regularization] = {}
        self._call_losses: list[Tensor] = []
        self._is_building = False
        self._graph: DataflowGraph | None = None

    if not TYPE_CHECKING:  # or else no misspelt attribute would be found

        def __getattr__(self, name: str) -> Any:
            kind = type(self)
            if "_call_arguments" in vars(self):
                hint = _HINTS.get(name, "")
                if not hint and not self.built:
                    hint = "; its weights are made at the first call, or by build(input_shape)"
                raise AttributeError(
                    f"{kind.__name__!r} object has no attribute {name!r}{hint}",
                    name=name,
                    obj=self,
                )
            raise UninitializedLayerError(
                f"the layer has no {name!r}: the constructor of {kind.__name__} is not done yet, "
                "or does not call that of its class",
                fix="begin __init__ with super().__init__()",
                origin=capture_origin(),
            )

    def _track(
        self, variable: Variable, trainable: bool, regularizer: Regularization | None
    ) -> None:
        self._weights.append(variable)
        if trainable:
            self._may_train.add(variable)
        if regularizer is not None:
            self._regularized[variable] = regularizer

    def _state(self) -> dict[str, Any]:
        """The attributes, to go back to."""
        own = {
            name: copy(getattr(self, name)) for name in ("_weights", "_may_train", "_regularized")
        }
        return vars(self) | own

    def _go_back(self, before: Mapping[str, Any], after: Iterable[str]) -> None:
        """Have these attributes, and the weights, of an earlier moment again."""
        for name in after:
            if name not in before:
                vars(self).pop(name, None)
            else:
                vars(self)[name] = before[name]

    # -- which there are -------------------------------------------------------------------------

    @property
    def sublayers(self) -> list[Layer]:
        """The layers that it holds, each once."""
        return held(self, LayerWeights)  # type: ignore[return-value]

    def _flatten_layers(self) -> list[Layer]:
        """The layer itself and all layers inside, at any depth, each once."""
        found: dict[int, Any] = {}
        waiting: list[Any] = [self]
        while waiting:
            layer = waiting.pop()
            if id(layer) not in found:
                found[id(layer)] = layer
                waiting += reversed(layer.sublayers)
        return list(found.values())

    def _own_weights(self) -> list[Variable]:
        own = unique([*self._weights, *held(self, Variable)])
        learned = [v for v in own if v in self._may_train or v.trainable]
        return learned + [v for v in own if v not in learned]

    def _all_weights(self) -> Iterator[Variable]:
        yield from self._own_weights()
        for layer in self.sublayers:
            yield from layer._all_weights()

    @property
    def weights(self) -> list[Variable]:
        """Its variables and those of the layers inside, in Keras's order."""
        return unique(self._all_weights())

    @property
    def variables(self) -> list[Variable]:
        return self.weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """Those that optimizers change."""
        return [weight for weight in self.weights if weight.trainable]

    @property
    def trainable_variables(self) -> list[Variable]:
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """Those that optimizers leave alone: frozen ones, and statistics such as moving means."""
        return [weight for weight in self.weights if not weight.trainable]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        return self.non_trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether optimizers change its weights; setting it is for all layers inside as well."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._flatten_layers():
            layer._trainable = bool(value)
            own = layer._may_train | {v for v in held(layer, Variable) if v.trainable}
            layer._may_train = own
            for variable in own:
                variable.trainable = bool(value)

    def count_params(self) -> int:
        """Number of elements of all weights.

        Raises:
            GraphcError: they do not exist yet.
        """
        if not self.built:
            raise self._not_built("count its parameters")
        return sum(weight.type.size for weight in self.weights if isinstance(weight.type.size, int))

    @property
    def losses(self) -> list[Tensor]:
        """Penalties: what `add_loss` gave in the last call, then regularizers of weights."""
        layers = self._flatten_layers()
        found = [loss for layer in layers for loss in layer._call_losses]
        for layer in layers:
            for variable, regularizer in layer._regularized.items():
                if variable.trainable:
                    with variable.graph.as_default():
                        found.append(regularizer(variable))
        return found

    # -- their values ----------------------------------------------------------------------------

    def get_weights(self) -> list[np.ndarray[Any, Any]]:
        """The values of `weights`, in the session of their graph.

        Raises:
            GraphcError: the weights do not exist yet.
        """
        weights = self.weights
        if not weights:
            if not self.built:
                raise self._not_built("read its weights")
            return []
        return session_of(weights[0].graph).run(weights)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the values of `weights`: all of them, or none when one does not fit.

        Raises:
            GraphcError: the weights do not exist yet.
            ShapeError: there are more or fewer arrays, or one has another shape.
        """
        variables = self.weights
        if not variables and not self.built:
            raise self._not_built("set its weights")
        if len(variables) != len(weights):
            raise ShapeError(
                f"the layer {self.name!r} has {len(variables)} weights",
                given=f"{len(weights)} arrays",
                expected=", ".join(f"{v.name} {v.type}" for v in variables[:8]),
                origin=capture_origin(),
            )
        if variables:
            values = dict(zip(variables, weights, strict=True))
            session_of(variables[0].graph).set_variables(values)

    def _not_built(self, what: str) -> GraphcError:
        return GraphcError(
            f"the layer {self.name!r} has no weights yet, so nothing can {what}",
            fix="call it on a tensor, or build(input_shape)",
            origin=capture_origin(),
        )
