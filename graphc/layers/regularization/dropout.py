"""Layers that drop elements or whole channels while training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.layers.input_spec import InputSpec
from graphc.layers.layer import Layer
from graphc.ops.arithmetic import add, multiply, subtract
from graphc.ops.comparison import greater_equal
from graphc.ops.conversion import cast_to
from graphc.ops.spatial_layouts import channels_come_last
from graphc.ops.tensor import Tensor
from graphc.random.distributions import uniform
from graphc.random.masks import dropout
from graphc.random.streams import SeedGenerator


class Dropout(Layer):
    """In training a fraction of the elements is 0, and the rest divided by 1 - rate.

    f[…] to the same shape; outside of training the inputs. Each run of a session draws anew.

    Args:
        rate: the fraction, 0 to 1.
        noise_shape: of what is drawn, which broadcasts with the inputs: 1 for an axis along which
            one draw serves all, None for the size of the inputs.
        seed: an integer: layers of one seed drop the same.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: rate or noise_shape does not fit.

    Source: Srivastava and others 2014, https://jmlr.org/papers/v15/srivastava14a.html.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rate = fraction(rate, "rate")
        self.seed = seed
        self.noise_shape = None if noise_shape is None else _sizes(noise_shape)
        self.seed_generator = SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        return dropout(inputs, self.rate, self._noise_shape_of(inputs), self.seed_generator)

    def _noise_shape_of(self, inputs: Tensor) -> Sequence[Any] | None:
        return self.noise_shape


class AlphaDropout(Dropout):
    """Dropout that keeps mean and variance of what `selu` gives: the dropped get selu's limit.

    f[…] to the same shape; outside of training the inputs. Each run of a session draws anew.

    Args:
        rate: the fraction of the elements that are dropped, 0 to 1.
        noise_shape: of what is drawn, as for `Dropout`.
        seed: an integer: layers of one seed drop the same.
        **kwargs: see `Layer`.

    Source: Klambauer and others 2017, https://arxiv.org/abs/1706.02515.
    """

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        wanted = self.noise_shape or [None] * inputs.ndim
        sizes = [own if n is None else n for n, own in zip(wanted, inputs.shape, strict=True)]
        draws = uniform(sizes, seed=self.seed_generator)
        kept = cast_to(greater_equal(draws, self.rate), inputs.dtype)
        limit = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946
        stretch = ((1 - self.rate) * (1 + self.rate * limit**2)) ** -0.5 if self.rate < 1 else 0.0
        mixed = add(multiply(inputs, kept), multiply(subtract(1, kept), limit))
        return add(multiply(mixed, stretch), -stretch * limit * self.rate)


class _SpatialDropout(Dropout):
    _rank: int

    def __init__(
        self,
        rate: float,
        data_format: str | None,
        seed: int | None,
        name: str | None,
        dtype: Any,
    ) -> None:
        super().__init__(rate, None, seed, name=name, dtype=dtype)
        self.is_channels_last = channels_come_last(data_format)
        self.data_format = "channels_last" if self.is_channels_last else "channels_first"
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def get_config(self) -> dict[str, Any]:
        """With the format that holds, which a setting may have given."""
        config = super().get_config()
        return config | {"data_format": self.data_format} if "data_format" in config else config

    def _noise_shape_of(self, inputs: Tensor) -> Sequence[Any]:
        whole = [1] * self._rank
        return [None, *whole, None] if self.is_channels_last else [None, None, *whole]


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole features of a sequence: f[batch, steps, features].

    Args:
        rate: the fraction of features, 0 to 1.
        seed: an integer: layers of one seed drop the same.
        name, dtype: see `Layer`.

    Source: Tompson and others 2014, https://arxiv.org/abs/1411.4280.
    """

    _rank = 1

    def __init__(
        self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(rate, "channels_last", seed, name, dtype)


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of images: f[batch, rows, columns, channels], or channels first.

    Args:
        rate: the fraction of channels, 0 to 1.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        seed: an integer: layers of one seed drop the same.
        name, dtype: see `Layer`.

    Source: Tompson and others 2014, https://arxiv.org/abs/1411.4280.
    """

    _rank = 2

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(rate, data_format, seed, name, dtype)


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of volumes: f[batch, …, channels], or channels first.

    Args:
        rate: the fraction of channels, 0 to 1.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        seed: an integer: layers of one seed drop the same.
        name, dtype: see `Layer`.

    Source: Tompson and others 2014, https://arxiv.org/abs/1411.4280.
    """

    _rank = 3

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(rate, data_format, seed, name, dtype)


def fraction(given: Any, what: str, *, may_be_one: bool = True) -> float:
    """A number from 0 to 1.

    Raises:
        GraphcError: it is none.
    """
    is_number = isinstance(given, (int, float)) and not isinstance(given, bool)
    if not is_number or not 0 <= given <= 1 or (given == 1 and not may_be_one):
        raise GraphcError(
            f"{what} does not fit",
            given=repr(given)[:200],
            expected=f"a number from 0 to 1{'' if may_be_one else ', and not 1 itself'}",
            origin=capture_origin(),
        )
    return given


def _sizes(given: Any) -> tuple[int | None, ...]:
    listed = given if isinstance(given, (list, tuple)) else [given]
    if given is not listed or not all(n is None or (type(n) is int and n > 0) for n in listed):
        raise GraphcError(
            "noise_shape does not fit",
            given=repr(given)[:200],
            expected="for each axis a whole number of at least 1, or None for its size",
            origin=capture_origin(),
        )
    return tuple(listed)
