"""A layer around another one, that divides its kernel by the kernel's largest singular value."""

from __future__ import annotations

from typing import Any

from graphc.errors import GraphcError
from graphc.initializers.random import TruncatedNormal
from graphc.ir.origin import capture_origin
from graphc.layers.input_spec import InputSpec
from graphc.layers.layer import Layer
from graphc.layers.structure.wrapper import Wrapper
from graphc.ops.arithmetic import divide
from graphc.ops.comparison import equal, where
from graphc.ops.conversion import cast_to
from graphc.ops.identities import stop_gradient
from graphc.ops.linear_algebra import matmul
from graphc.ops.normalization import normalize
from graphc.ops.reductions import all as all_of
from graphc.ops.shaping import reshape, transpose
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


class SpectralNormalization(Wrapper):
    """A layer whose kernel is divided by an estimate of its spectral norm, in training.

    The estimate is by power iteration from a vector that is kept from step to step. The kernel
    itself is what the optimizer makes of it, as where Keras trains on JAX; outside of training it
    is used as it is.

    Args:
        layer: one with a `kernel` or with `embeddings`.
        power_iterations: how many, in each step.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: the layer has no kernel, or there is no iteration.

    Source: Miyato and others 2018, https://arxiv.org/abs/1802.05957.
    """

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        if power_iterations < 1:
            raise GraphcError(
                "SpectralNormalization needs an iteration",
                given=f"power_iterations={power_iterations}",
                expected="a whole number of at least 1",
                origin=capture_origin(),
            )
        self.power_iterations = power_iterations
        self.kernel: Variable
        self.vector_u: Variable

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        self.kernel = kernel = getattr(self.layer, self._kernel_name())
        shape = (1, kernel.shape[-1])
        self.vector_u = self.add_weight(
            shape, TruncatedNormal(stddev=0.02), kernel.dtype, trainable=False, name="vector_u"
        )

    def _kernel_name(self) -> str:
        for name in ("kernel", "embeddings"):
            if isinstance(getattr(self.layer, name, None), Variable):
                return name
        raise GraphcError(
            f"the layer {self.layer.name!r} has no kernel whose norm could be held",
            given=type(self.layer).__name__,
            expected="a layer with a variable `kernel` or `embeddings`",
            origin=capture_origin(),
        )

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training:
            return cast_to(self.layer(inputs), inputs.dtype)
        name = self._kernel_name()
        setattr(self.layer, name, self._divided(self.kernel))
        try:
            return cast_to(self.layer(inputs), inputs.dtype)
        finally:
            setattr(self.layer, name, self.kernel)

    def _divided(self, kernel: Variable) -> Tensor:
        matrix = reshape(kernel, (-1, kernel.shape[-1]))
        vector_u: Any = self.vector_u
        vector_v: Any = None
        for _ in range(self.power_iterations):
            vector_v = _unit(matmul(vector_u, transpose(matrix)))
            vector_u = _unit(matmul(vector_v, matrix))
        vector_u, vector_v = stop_gradient(vector_u), stop_gradient(vector_v)
        norm = matmul(matmul(vector_v, matrix), transpose(vector_u))
        is_zero = all_of(equal(kernel, 0))
        self.vector_u.assign(where(is_zero, self.vector_u, cast_to(vector_u, self.vector_u.dtype)))
        return divide(kernel, reshape(where(is_zero, 1, norm), ()))


def _unit(vector: Tensor) -> Tensor:
    return normalize(vector, -1)
