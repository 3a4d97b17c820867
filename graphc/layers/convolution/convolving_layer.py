"""What all layers of convolutions share: windows, channels, the bias."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import graphc.activations as activations
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.layers.input_spec import InputSpec
from graphc.layers.spatial_layer import Numbers, _SpatialLayer
from graphc.layers.weight_options import WeightOptions
from graphc.ops.arithmetic import add
from graphc.ops.shaping import reshape
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


class _ConvolvingLayer(_SpatialLayer):
    """A layer that moves a window over the spatial axes.

    Attributes:
        kernel_size: of the window, one number per spatial axis.
        strides: how far it moves.
        dilation_rate: distance of neighbours in it.
        padding: "valid", "same", or "causal" where there is one axis.
        activation: the function of the results.
        use_bias: whether there is a bias.
        bias: f[output channels], once it is built.
    """

    def __init__(
        self,
        kernel_size: Numbers,
        strides: Numbers,
        padding: str,
        data_format: str | None,
        dilation_rate: Numbers,
        activation: Any,
        use_bias: bool,
        of_bias: WeightOptions,
        kinds_of_padding: Sequence[str] = ("valid", "same"),
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.kernel_size = self._numbers(kernel_size, "kernel_size")
        self.strides = self._numbers(strides, "strides")
        self.dilation_rate = self._numbers(dilation_rate, "dilation_rate")
        self.padding = self._padding(padding, kinds_of_padding)
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        self._of_bias = of_bias
        self.bias: Variable | None = None

    def _count(self, given: Any, what: str) -> int:
        """A whole number of at least 1, such as the number of filters."""
        if isinstance(given, bool) or not isinstance(given, int) or given < 1:
            raise GraphcError(
                f"the layer {self.name!r} needs a number of {what}",
                given=repr(given),
                expected="a whole number of at least 1",
                fix=f"make the layer, then call it: {type(self).__name__}(...)(x)"
                if isinstance(given, Tensor)
                else None,
                origin=capture_origin(),
            )
        return given

    def _make_bias(self, size: int) -> None:
        self.bias = self._of_bias.add_to(self, (size,), "bias") if self.use_bias else None

    def _fix_channels(self, channels: int) -> None:
        """Take inputs of that many channels alone, from now on."""
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self._channel_axis: channels})

    def _require_window(self, shape: Sequence[Any]) -> None:
        window = [
            (size - 1) * hole + 1
            for size, hole in zip(self.kernel_size, self.dilation_rate, strict=True)
        ]
        self._require_room(shape, window, self.padding, "kernel")

    def _finished(self, outputs: Tensor) -> Tensor:
        """The results of a convolution with bias and activation."""
        if self.bias is not None:
            bias: Any = self.bias
            if self.data_format == "channels_first":
                bias = reshape(bias, (-1, *[1] * self.rank))
            outputs = add(outputs, bias)
        return self.activation(outputs)
