"""DepthwiseConv1D, DepthwiseConv2D: each channel by itself."""

from __future__ import annotations

from typing import Any

from graphc.layers.convolution.convolving_layer import _ConvolvingLayer
from graphc.layers.spatial_layer import Numbers
from graphc.layers.weight_options import WeightOptions
from graphc.ops.convolutions import depthwise_conv
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


class _DepthwiseConvolution(_ConvolvingLayer):
    """activation(convolution of each channel by itself + bias).

    Args:
        kernel_size: of the window, for all spatial axes or one number per axis.
        strides: how far it moves.
        padding: "valid", windows inside the inputs alone; or "same".
        depth_multiplier: how many results each channel has.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        dilation_rate: distance of neighbours in the window.
        activation: a function, a name ("relu"), or None.
        use_bias: whether to add a bias.
        depthwise_initializer: of kernel f[*kernel_size, channels, depth_multiplier].
        bias_initializer: of bias f[channels · depth_multiplier].
        depthwise_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the results.
        depthwise_constraint: what the kernel is held to after each step.
        bias_constraint: what the bias is held to after each step.
        **kwargs: see `Layer`.

    Raises:
        ShapeError: the channels are not known, or the inputs are smaller than the kernel.
        GraphcError: there is no such padding or layout, or a number does not fit.
    """

    def __init__(
        self,
        kernel_size: Numbers,
        strides: Numbers = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Numbers = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            WeightOptions(bias_initializer, bias_regularizer, bias_constraint),
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.depth_multiplier = self._count(depth_multiplier, "results per channel")
        self._of_depthwise = WeightOptions(
            depthwise_initializer, depthwise_regularizer, depthwise_constraint
        )
        self.kernel: Variable

    def build(self, input_shape: Any) -> None:
        channels = self._channels_of(input_shape)
        self._require_window(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.kernel = self._of_depthwise.add_to(self, shape, "kernel")
        self._make_bias(channels * self.depth_multiplier)
        self._fix_channels(channels)

    def call(self, inputs: Tensor) -> Tensor:
        outputs = depthwise_conv(
            inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate
        )
        return self._finished(outputs)


class DepthwiseConv1D(_DepthwiseConvolution, rank=1):
    """A convolution of each channel: f[batch, steps, channels] to f[…, channels · multiplier]."""


class DepthwiseConv2D(_DepthwiseConvolution, rank=2):
    """A convolution of each channel of images: f[batch, height, width, channels] to f[…]."""
