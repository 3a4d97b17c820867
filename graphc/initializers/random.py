"""Random initializers: Keras's distributions, drawn from the session's seed.

`seed` is as in `graphc.random.streams`: without one, each variable has numbers of its own. A
variable of floats of 16 bits is drawn in its own type.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from graphc.dtypes import F32, as_dtype
from graphc.errors import ShapeError
from graphc.initializers.initializer import Initializer
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import multiply
from graphc.ops.comparison import less, where
from graphc.ops.conversion import cast_to, floatx
from graphc.ops.dataflow import get_default_graph
from graphc.ops.factorizations import qr
from graphc.ops.filling import filled
from graphc.ops.matrices import diagonal
from graphc.ops.shaping import reshape, transpose
from graphc.ops.tensor import Tensor
from graphc.random.distributions import normal, truncated_normal, uniform
from graphc.random.streams import Seed


class RandomUniform(Initializer, names=("uniform",)):
    """Uniform between `minval` and `maxval`."""

    def __init__(self, minval: Any = -0.05, maxval: Any = 0.05, seed: Seed = None) -> None:
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        return uniform(shape, self.minval, self.maxval, dtype, seed=self.seed)


class RandomNormal(Initializer, names=("normal",)):
    """Normal with the given mean and standard deviation."""

    def __init__(self, mean: Any = 0.0, stddev: Any = 0.05, seed: Seed = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        return normal(shape, self.mean, self.stddev, dtype, seed=self.seed)


class TruncatedNormal(Initializer):
    """Normal, without what is more than two standard deviations away from the mean."""

    def __init__(self, mean: Any = 0.0, stddev: Any = 0.05, seed: Seed = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        return truncated_normal(shape, self.mean, self.stddev, dtype, seed=self.seed)


class Orthogonal(Initializer, names=("OrthogonalInitializer",)):
    """A matrix with orthonormal columns, or rows if these are fewer, times `gain`.

    Of more than two axes, all but the last count as rows. Each such matrix is as likely as the
    next (Haar's measure): Q of a normal matrix, with signs that make the diagonal of R positive.
    Source: Saxe and others 2014, https://arxiv.org/abs/1312.6120.

    Raises:
        ShapeError: the variable has fewer than two axes.
    """

    def __init__(self, gain: float = 1.0, seed: Seed = None) -> None:
        self.gain, self.seed = gain, seed

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        if len(shape) < 2:
            raise ShapeError(
                "an orthogonal matrix needs at least two axes",
                given=f"a variable of shape {tuple(shape)}",
                fix="choose another initializer for vectors",
                origin=capture_origin(),
            )
        target = floatx() if dtype is None else as_dtype(dtype)
        rows, columns = math.prod(shape[:-1]), shape[-1]
        if not (rows and columns):
            return filled(get_default_graph(), 0, target, tuple(shape))
        wide = target if target.itemsize >= F32.itemsize else F32
        tall = (rows, columns) if rows >= columns else (columns, rows)
        factor, triangle = qr(normal(tall, dtype=wide, seed=self.seed))
        factor = multiply(factor, where(less(diagonal(triangle), 0), -self.gain, self.gain))
        factor = factor if rows >= columns else transpose(factor)
        return cast_to(reshape(factor, tuple(shape)), target)
