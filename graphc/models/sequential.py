"""Sequential models: a list of layers, each called on the result of the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphc.configurable import serialize
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.layers.call_context import outside_of_calls
from graphc.layers.input_layer import Input, InputLayer
from graphc.layers.layer import Layer
from graphc.models.functional import Functional
from graphc.models.model import Model
from graphc.ops.conversion import floatx
from graphc.ops.known_shapes import known_sizes
from graphc.ops.tensor import Tensor


class Sequential(Model):
    """Layers in a row.

    Args:
        layers: layers, perhaps after an `Input`; without one, weights are made at the first call.
        trainable: whether optimizers change its weights.
        name: of the model.
    """

    def __init__(
        self,
        layers: Sequence[Any] | Layer | None = None,
        trainable: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(trainable=trainable, name=name)
        self._input: Tensor | None = None
        self._row: list[Layer] = []
        self._after: list[Any] = []  # what each layer of the row has made of the input
        self._functional: Functional | None = None
        self.supports_masking = True
        for layer in [layers] if isinstance(layers, Layer) else layers or ():
            self._append(layer)
        self._extend()

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer at the end.

        Raises:
            GraphcError: it is no layer, or an input behind other layers.
        """
        self._append(layer)
        if rebuild:
            try:
                self._extend()
            except BaseException:
                self._row.pop()
                raise

    def pop(self, rebuild: bool = True) -> Layer:
        """Take the last layer away.

        Raises:
            GraphcError: there is none.
        """
        if not self._row:
            raise GraphcError(f"the model {self.name!r} has no layers", origin=capture_origin())
        self._functional = None
        self._after = self._after[: len(self._row) - 1]
        return self._row.pop()

    def _append(self, layer: Any) -> None:
        if isinstance(layer, InputLayer):
            layer = layer.tensor
        if isinstance(layer, Tensor):
            if self._row or self._input is not None:
                raise GraphcError(
                    "an input comes before all layers",
                    given=f"{layer!r} behind {len(self._row)} layers",
                    origin=capture_origin(),
                )
            self._input = layer
        elif isinstance(layer, Layer):
            if any(layer.name == other.name and layer is not other for other in self._row):
                raise GraphcError(
                    f"the model {self.name!r} has a layer {layer.name!r} already",
                    fix="give one of them another name",
                    origin=capture_origin(),
                )
            self._row.append(layer)
        else:
            raise GraphcError(
                "a Sequential is made of layers",
                given=repr(layer),
                fix=_how_to_make_a_layer(layer),
                origin=capture_origin(),
            )

    @property
    def layers(self) -> list[Layer]:
        return list(self._row)

    @property
    def sublayers(self) -> list[Layer]:
        return list(self._row)

    def _extend(self) -> None:
        """Call the layers that were not called yet, if the input is known."""
        if self._input is None and self._row and self._row[0].first_input_shape is not None:
            self._input = Input(self._row[0].first_input_shape)
        if self._input is None or len(self._after) == len(self._row):
            return
        if not self.built:
            self.build()
            return
        graph = self._input.graph
        with outside_of_calls(), graph.as_default(), graph.reopened_scope(self._scope):
            after = list(self._after)
            for layer in self._row[len(after) :]:
                after.append(layer(after[-1] if after else self._input))
        self._after, self._functional = after, None

    def build(self, input_shape: Any = None) -> None:
        if self._input is None:
            sizes = list(input_shape or ())
            if not sizes or any(isinstance(size, (list, tuple)) for size in sizes):
                raise GraphcError(
                    f"the model {self.name!r} takes one input",
                    given=f"input_shape={input_shape}",
                    expected="the shape of a batch: (None, 784)",
                    origin=capture_origin(),
                )
            self._input = Input(batch_shape=(None, *sizes[1:]), dtype=self._first_dtype)
        self.built = True
        try:
            self._extend()
        except BaseException:
            self.built = False
            raise

    _first_dtype: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # An Embedding's input is integer, which the shape alone does not tell.
        dtype = getattr(args[0], "dtype", None) if args else None
        self._first_dtype = str(dtype or floatx())
        return super().__call__(*args, **kwargs)

    @property
    def _made(self) -> Functional:
        if self._input is None or not self._after:
            raise GraphcError(
                f"the model {self.name!r} is not built yet",
                fix="begin it with graphc.Input(shape), call it on data, or build(input_shape)",
                origin=capture_origin(),
            )
        if self._functional is None:
            self._extend()
            name = f"{self.name}_layers"
            made = self._functional = Functional(self._input, self._after[-1], name=name)
            return made
        return self._functional

    @property
    def inputs(self) -> list[Tensor]:
        """The input tensor, in a list."""
        return self._made.inputs

    @property
    def outputs(self) -> list[Tensor]:
        """The output tensors, in a list."""
        return self._made.outputs

    @property
    def input(self) -> Any:
        return self._made.input

    @property
    def output(self) -> Any:
        return self._made.output

    @property
    def input_shape(self) -> Any:
        """The shape of the input, None where a size is not known."""
        return self._made.input_shape

    @property
    def output_shape(self) -> Any:
        """The shape of the output, None where a size is not known."""
        return self._made.output_shape

    def get_config(self) -> dict[str, Any]:
        found: list[Any] = [serialize(layer) for layer in self._row]
        config = {"name": self.name, "trainable": self.trainable, "layers": found}
        if self._input is not None:
            sizes = list(known_sizes(self._input))
            config["input"] = {"batch_shape": sizes, "dtype": str(self._input.dtype)}
        return config

    @classmethod
    def _made_of(cls, config: Mapping[str, Any]) -> Any:
        inputs = [Input(**config["input"])] if "input" in config else []
        return cls([*inputs, *config["layers"]], config["trainable"], config["name"])

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        return self._made.call(inputs, training, mask)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return None  # the layers inside have noted those of the outputs


def _how_to_make_a_layer(given: Any) -> str:
    if isinstance(given, type) and issubclass(given, Layer):
        return f"write {given.__name__}(...): a layer, and not its class"
    if callable(given):
        return "graphc.layers.Lambda(function) makes a layer of a function"
    return "see graphc.layers"
