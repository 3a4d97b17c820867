"""Conv1D, Conv2D, Conv3D: kernels moved over signals, images and volumes."""

from __future__ import annotations

from typing import Any

from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.convolution.convolving_layer import _ConvolvingLayer
from graphc.layers.spatial_layer import Numbers
from graphc.layers.weight_options import WeightOptions
from graphc.ops.convolutions import conv
from graphc.ops.repeating import pad
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


class _Convolution(_ConvolvingLayer):
    """activation(convolution of the inputs with a kernel + bias).

    The kernel is not reversed, as everywhere in neural networks.

    Args:
        filters: number of output channels.
        kernel_size: of the window, for all spatial axes or one number per axis.
        strides: how far it moves.
        padding: "valid": windows inside the inputs alone; "same": so many margins that a stride of
            1 keeps the size; "causal", of Conv1D: margins before the first step alone, so that no
            result depends on later steps.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        dilation_rate: distance of neighbours in the window.
        groups: into how many groups the channels are divided, each with its part of the filters.
        activation: a function, a name ("relu"), or None.
        use_bias: whether to add a bias.
        kernel_initializer: of kernel f[*kernel_size, channels / groups, filters].
        bias_initializer: of bias f[filters].
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the results.
        kernel_constraint: what the kernel is held to after each step.
        bias_constraint: what the bias is held to after each step.
        **kwargs: see `Layer`.

    Raises:
        ShapeError: the channels are not known, or the groups do not divide them or the filters, or
            the inputs are smaller than the kernel.
        GraphcError: there is no such padding or layout, or a number does not fit.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Numbers,
        strides: Numbers = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Numbers = 1,
        groups: int = 1,
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
            ("valid", "same", "causal") if self.rank == 1 else ("valid", "same"),
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.filters = self._count(filters, "filters")
        self.groups = self._count(groups, "groups")
        if self.filters % self.groups:
            raise self._indivisible(f"{self.filters} filters")
        self._of_kernel = WeightOptions(kernel_initializer, kernel_regularizer, kernel_constraint)
        self.kernel: Variable

    def _indivisible(self, what: str) -> ShapeError:
        return ShapeError(
            f"the {self.groups} groups of the layer {self.name!r} do not divide its channels",
            given=what,
            expected=f"a multiple of {self.groups} channels and of {self.groups} filters",
            fix="another number of groups: groups=1 connects every channel with every filter",
            origin=capture_origin(),
        )

    def build(self, input_shape: Any) -> None:
        channels = self._channels_of(input_shape)
        if channels % self.groups:
            raise self._indivisible(f"inputs with {channels} channels")
        self._require_window(input_shape)
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self._of_kernel.add_to(self, shape, "kernel")
        self._make_bias(self.filters)
        self._fix_channels(channels)

    def call(self, inputs: Tensor) -> Tensor:
        padding = self.padding
        if padding == "causal":
            before = self.dilation_rate[0] * (self.kernel_size[0] - 1)
            steps = 1 if self.data_format == "channels_last" else 2
            inputs = pad(inputs, [(before, 0) if axis == steps else (0, 0) for axis in range(3)])
            padding = "valid"
        outputs = conv(
            inputs, self.kernel, self.strides, padding, self.data_format, self.dilation_rate
        )
        return self._finished(outputs)


class Conv1D(_Convolution, rank=1, names=("Convolution1D",)):
    """A convolution over steps: f[batch, steps, channels] to f[batch, steps, filters]."""


class Conv2D(_Convolution, rank=2, names=("Convolution2D",)):
    """A convolution over images: f[batch, height, width, channels] to f[batch, …, filters]."""


class Conv3D(_Convolution, rank=3, names=("Convolution3D",)):
    """A convolution over volumes: f[batch, depth, height, width, channels] to f[…, filters]."""


# Keras's other names
Convolution1D = Conv1D
Convolution2D = Conv2D
Convolution3D = Conv3D
