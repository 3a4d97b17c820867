"""Conv1DTranspose, Conv2DTranspose, Conv3DTranspose: convolutions that enlarge."""

from __future__ import annotations

from typing import Any

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.layers.convolution.convolving_layer import _ConvolvingLayer
from graphc.layers.spatial_layer import Numbers
from graphc.layers.weight_options import WeightOptions
from graphc.ops.convolutions import conv_transpose
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


class _TransposedConvolution(_ConvolvingLayer):
    """activation(transposed convolution of the inputs with a kernel + bias).

    Args:
        filters: number of output channels.
        kernel_size: of the window, for all spatial axes or one number per axis.
        strides: how far apart the elements of the inputs spread.
        padding: "valid": the size becomes (n - 1) · stride + max(window, stride); "same":
            n · stride.
        output_padding: what is added at the end instead, less than the stride.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        dilation_rate: distance of neighbours in the window.
        activation: a function, a name ("relu"), or None.
        use_bias: whether to add a bias.
        kernel_initializer: of kernel f[*kernel_size, filters, channels].
        bias_initializer: of bias f[filters].
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the results.
        kernel_constraint: what the kernel is held to after each step.
        bias_constraint: what the bias is held to after each step.
        **kwargs: see `Layer`.

    Raises:
        ShapeError: the channels are not known.
        GraphcError: there is no such padding or layout, or a number does not fit.

    Source: Dumoulin and Visin 2016, https://arxiv.org/abs/1603.07285.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Numbers,
        strides: Numbers = 1,
        padding: str = "valid",
        output_padding: Numbers | None = None,
        data_format: str | None = None,
        dilation_rate: Numbers = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
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
        self.output_padding: tuple[int, ...] | None = None
        if output_padding is not None:
            self.output_padding = self._numbers(output_padding, "output_padding", 0)
            pairs = zip(self.output_padding, self.strides, strict=True)
            if any(more >= stride for more, stride in pairs):
                raise GraphcError(
                    f"output_padding of the layer {self.name!r} must be less than its strides",
                    given=f"output_padding={self.output_padding}, strides={self.strides}",
                    expected="per axis, a number from 0 to the stride - 1",
                    origin=capture_origin(),
                )
        self._of_kernel = WeightOptions(kernel_initializer, kernel_regularizer, kernel_constraint)
        self.kernel: Variable

    def build(self, input_shape: Any) -> None:
        channels = self._channels_of(input_shape)
        shape = (*self.kernel_size, self.filters, channels)
        self.kernel = self._of_kernel.add_to(self, shape, "kernel")
        self._make_bias(self.filters)
        self._fix_channels(channels)

    def call(self, inputs: Tensor) -> Tensor:
        outputs = conv_transpose(
            inputs,
            self.kernel,
            self.strides,
            self.padding,
            self.output_padding,
            self.data_format,
            self.dilation_rate,
        )
        return self._finished(outputs)


class Conv1DTranspose(_TransposedConvolution, rank=1, names=("Convolution1DTranspose",)):
    """A convolution that lengthens: f[batch, steps, channels] to f[batch, steps', filters]."""


class Conv2DTranspose(_TransposedConvolution, rank=2, names=("Convolution2DTranspose",)):
    """A convolution that enlarges images: f[batch, height, width, channels] to f[…, filters]."""


class Conv3DTranspose(_TransposedConvolution, rank=3, names=("Convolution3DTranspose",)):
    """A convolution that enlarges volumes: f[batch, …spatial, channels] to f[…, filters]."""

    def __init__(
        self,
        filters: int,
        kernel_size: Numbers,
        strides: Numbers = (1, 1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Numbers | None = None,
        dilation_rate: Numbers = (1, 1, 1),
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        # Keras has data_format before output_padding here, and behind it above.
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            output_padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            **kwargs,
        )


# Keras's other names
Convolution1DTranspose = Conv1DTranspose
Convolution2DTranspose = Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
