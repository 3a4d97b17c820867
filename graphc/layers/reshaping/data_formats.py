"""What layers of images share that have their channels first or last."""

from __future__ import annotations

from typing import Any

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.ops.spatial_layouts import channels_come_last


class DataFormatLayer(Layer):
    """A layer whose inputs have their channels first or last; a base class.

    Args:
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        **kwargs: see `Layer`.

    Attributes:
        data_format: which of them.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.is_channels_last = channels_come_last(data_format)
        self.data_format = "channels_last" if self.is_channels_last else "channels_first"

    def get_config(self) -> dict[str, Any]:
        """With the format that holds, which a setting may have given."""
        return super().get_config() | {"data_format": self.data_format}

    def first_spatial_axis(self) -> int:
        """The number of the first axis behind the batch that is not the channels."""
        return 1 if self.is_channels_last else 2

    def on_all_axes(self, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Pairs of numbers for the spatial axes, and none for the batch and the channels."""
        nothing = (0, 0)
        return [nothing, *pairs, nothing] if self.is_channels_last else [nothing, nothing, *pairs]


def whole_numbers(given: Any, count: int, what: str, least: int = 0) -> tuple[int, ...]:
    """One number for all, or as many as there are.

    Raises:
        GraphcError: there are more or fewer, or one is too small.
    """
    listed = [given] * count if isinstance(given, int) else given
    fits = isinstance(listed, (list, tuple)) and len(listed) == count
    if not fits or not all(type(n) is int and n >= least for n in listed):
        raise GraphcError(
            f"{what} does not fit",
            given=repr(given)[:200],
            expected=f"a whole number from {least} on, or {count} of them",
            origin=capture_origin(),
        )
    return tuple(listed)


def before_and_after(given: Any, rank: int, what: str) -> list[tuple[int, int]]:
    """For each spatial axis, how much at its beginning and at its end.

    Args:
        given: one number for all; or for each axis one, or a pair.
        rank: number of spatial axes.
        what: the argument's name, for the error.

    Raises:
        GraphcError: there are more or fewer, or one is negative.
    """
    listed = [given] * rank if isinstance(given, int) else given
    if not isinstance(listed, (list, tuple)) or len(listed) != rank:
        raise GraphcError(
            f"{what} does not fit {rank} spatial axes",
            given=repr(given)[:200],
            expected=f"a whole number, or for each of {rank} axes one or a pair",
            origin=capture_origin(),
        )
    made = [whole_numbers(each, 2, what) for each in listed]
    return [(first, last) for first, last in made]
