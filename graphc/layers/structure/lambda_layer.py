"""A function as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import graphc.activations as activations
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer


class Lambda(Layer):
    """A function of tensors as a layer, without weights.

    A function is code, which no file holds: such a layer can be saved when its function is an
    activation ("relu"); else make it a subclass of `Layer`.

    Args:
        function: takes the inputs, and `training` and `mask` if it has parameters of these names.
        output_shape: of the results without the batch, or a function of the shape of the inputs;
            found out from the function by default.
        mask: of the results: an array, or a function of the inputs and their mask; none by default.
        arguments: further keywords for the function.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: it is no function.
    """

    def __init__(
        self,
        function: Callable[..., Any] | str,
        output_shape: Sequence[Any] | Callable[..., Any] | None = None,
        mask: Any = None,
        arguments: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.function = activations.get(function) if isinstance(function, str) else function
        if not callable(self.function):
            raise GraphcError(
                "Lambda takes a function", given=repr(function)[:200], origin=capture_origin()
            )
        self.arguments = dict(arguments or {})
        self.mask = mask
        self.supports_masking = mask is not None
        self._output_shape = output_shape
        parameters = inspect.signature(self.function).parameters
        self._wanted = {"mask", "training"} & set(parameters)

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> Any:
        known = {"mask": mask, "training": training}
        return self.function(inputs, **self.arguments, **{n: known[n] for n in self._wanted})

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        if self._output_shape is None:
            return super().compute_output_shape(*args, **kwargs)
        if callable(self._output_shape):
            return self._output_shape(*args, **kwargs)
        return (args[0][0], *self._output_shape)
