"""SeparableConv1D, SeparableConv2D: each channel by itself, then all of them mixed."""

from __future__ import annotations

from typing import Any

from graphc.layers.convolution.convolving_layer import _ConvolvingLayer
from graphc.layers.spatial_layer import Numbers
from graphc.layers.weight_options import WeightOptions
from graphc.ops.convolutions import separable_conv
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


class _SeparableConvolution(_ConvolvingLayer):
    """activation(convolution of each channel, then of all channels at each place + bias).

    Args:
        filters: number of output channels.
        kernel_size: of the window, for all spatial axes or one number per axis.
        strides: how far it moves.
        padding: "valid", windows inside the inputs alone; or "same".
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        dilation_rate: distance of neighbours in the window.
        depth_multiplier: how many results each channel has before they are mixed.
        activation: a function, a name ("relu"), or None.
        use_bias: whether to add a bias.
        depthwise_initializer: of depthwise_kernel f[*kernel_size, channels, depth_multiplier].
        pointwise_initializer: of pointwise_kernel f[1, …, channels · depth_multiplier, filters].
        bias_initializer: of bias f[filters].
        depthwise_regularizer: a penalty on the depthwise kernel.
        pointwise_regularizer: a penalty on the pointwise kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the results.
        depthwise_constraint: what the depthwise kernel is held to after each step.
        pointwise_constraint: what the pointwise kernel is held to after each step.
        bias_constraint: what the bias is held to after each step.
        **kwargs: see `Layer`.

    Raises:
        ShapeError: the channels are not known, or the inputs are smaller than the kernel.
        GraphcError: there is no such padding or layout, or a number does not fit.

    Source: Chollet 2016, https://arxiv.org/abs/1610.02357.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Numbers,
        strides: Numbers = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Numbers = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
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
        self.filters = self._count(filters, "filters")
        self.depth_multiplier = self._count(depth_multiplier, "results per channel")
        self._of_depthwise = WeightOptions(
            depthwise_initializer, depthwise_regularizer, depthwise_constraint
        )
        self._of_pointwise = WeightOptions(
            pointwise_initializer, pointwise_regularizer, pointwise_constraint
        )
        self.depthwise_kernel: Variable
        self.pointwise_kernel: Variable

    def build(self, input_shape: Any) -> None:
        channels = self._channels_of(input_shape)
        self._require_window(input_shape)
        each = (*self.kernel_size, channels, self.depth_multiplier)
        mixed = (*[1] * self.rank, channels * self.depth_multiplier, self.filters)
        self.depthwise_kernel = self._of_depthwise.add_to(self, each, "depthwise_kernel")
        self.pointwise_kernel = self._of_pointwise.add_to(self, mixed, "pointwise_kernel")
        self._make_bias(self.filters)
        self._fix_channels(channels)

    def call(self, inputs: Tensor) -> Tensor:
        outputs = separable_conv(
            inputs,
            self.depthwise_kernel,
            self.pointwise_kernel,
            self.strides,
            self.padding,
            self.data_format,
            self.dilation_rate,
        )
        return self._finished(outputs)


class SeparableConv1D(_SeparableConvolution, rank=1, names=("SeparableConvolution1D",)):
    """A convolution in two steps: f[batch, steps, channels] to f[batch, steps, filters]."""


class SeparableConv2D(_SeparableConvolution, rank=2, names=("SeparableConvolution2D",)):
    """A convolution of images in two steps: f[batch, height, width, channels] to f[…, filters]."""


# Keras's other names
SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D
