"""What layers of signals, images and volumes share: a layout, and numbers for each spatial axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from inspect import cleandoc
from types import FunctionType
from typing import Any, ClassVar, Final

from graphc.configurable import serialize
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.input_spec import InputSpec
from graphc.layers.layer import Layer
from graphc.ops.spatial_layouts import channels_come_last, per_axis

Numbers = int | Sequence[int]

_RESOLVED: Final = (
    *("kernel_size", "pool_size", "output_size", "strides", "dilation_rate", "output_padding"),
    *("padding", "data_format"),
)


class _SpatialLayer(Layer):
    """A layer of inputs [batch, …spatial, channels], or [batch, channels, …spatial].

    A subclass names its `rank`: how many spatial axes there are. Its arguments, and what is said of
    them, are those of its base; defaults of numbers per axis are written as Keras has them.

    Args:
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        **kwargs: see `Layer`.

    Attributes:
        rank: number of spatial axes.
        data_format: as it holds for this layer, whatever the default becomes later.
    """

    rank: ClassVar[int] = 0

    def __init_subclass__(cls, rank: int | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if rank is not None:
            cls.rank = rank
            _, _, arguments = cleandoc(cls.__base__.__doc__ or "").partition("\n\n")  # type: ignore[union-attr]
            cls.__doc__ = f"{cls.__doc__}\n\n{arguments}"
            if rank > 1 and "__init__" not in vars(cls):
                cls.__init__ = _with_one_per_axis(cls.__init__, rank)

    def __init__(self, data_format: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        is_last = channels_come_last(data_format)
        self.data_format = "channels_last" if is_last else "channels_first"
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _numbers(self, given: Any, what: str, least: int = 1) -> tuple[int, ...]:
        """One number per spatial axis."""
        return per_axis(given, self.rank, f"{what} of the layer {self.name!r}", least)

    def _padding(self, given: Any, kinds: Sequence[str] = ("valid", "same")) -> str:
        kind = given.lower() if isinstance(given, str) else given
        if kind not in kinds:
            raise GraphcError(
                f"there is no padding {given!r} for the layer {self.name!r}",
                expected=" or ".join(repr(each) for each in kinds),
                fix='padding="causal" is for Conv1D alone' if kind == "causal" else None,
                origin=capture_origin(),
            )
        return kind

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def _channels_of(self, input_shape: Sequence[int | None]) -> int:
        """The number of channels, which weights depend on.

        Raises:
            ShapeError: it is not known.
        """
        fits = len(input_shape) == self.rank + 2
        channels = input_shape[self._channel_axis] if fits else None
        if channels is None or channels < 1:
            raise ShapeError(
                f"the layer {self.name!r} must know how many channels its inputs have",
                given=f"inputs of shape {tuple(input_shape)}, {self.data_format}",
                expected=f"{self.rank + 2} axes, and a number on axis {self._channel_axis}",
                fix="give the placeholder a size instead of None there; if the channels are on "
                'another axis, set data_format="channels_first" or "channels_last"',
                origin=capture_origin(),
            )
        return channels

    def _require_room(
        self, shape: Sequence[Any], window: Sequence[int], padding: str, what: str
    ) -> None:
        """Refuse inputs that are smaller than a window that stays inside them.

        Raises:
            ShapeError: nothing would be left on an axis.
        """
        start = 1 if self.data_format == "channels_last" else 2
        sizes = shape[start : start + self.rank]
        small = [
            axis
            for axis, (size, reach) in enumerate(zip(sizes, window, strict=True))
            if isinstance(size, int) and size < reach
        ]
        if padding == "valid" and small:
            raise ShapeError(
                f"the inputs of the layer {self.name!r} are smaller than its {what}",
                given=f"{sizes[small[0]]} elements on spatial axis {small[0]}, where the {what} "
                f"takes {window[small[0]]}",
                expected="inputs that hold a whole window",
                fix=f'padding="same", a smaller {what}, or fewer layers that shrink the inputs',
                origin=capture_origin(),
            )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return config | {
            name: serialize(getattr(self, name))
            for name in _RESOLVED
            if name in config and hasattr(self, name)
        }


def _with_one_per_axis(construct: Callable[..., None], rank: int) -> Callable[..., None]:
    """A constructor whose defaults are one number per axis: `strides=(1, 1)` for `strides=1`."""
    assert isinstance(construct, FunctionType)
    code, defaults = construct.__code__, construct.__defaults__ or ()
    names = code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount]
    spread = [
        (value,) * rank if name in _RESOLVED and isinstance(value, int) else value
        for name, value in zip(names, defaults, strict=True)
    ]
    copy = FunctionType(
        code, construct.__globals__, code.co_name, tuple(spread), construct.__closure__
    )
    update_wrapper(copy, construct)
    del copy.__wrapped__  # type: ignore[attr-defined]  # whose defaults a signature would show
    return copy
