"""What a layer asks of its inputs, checked before anything is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.tensor import Tensor


class InputSpec:
    """The rank and the sizes that one input must have; what is None is free.

    Args:
        dtype: not checked; inputs are cast to the layer's element type.
        shape: sizes, None for those that are free.
        ndim: number of axes.
        max_ndim: its upper limit.
        min_ndim: its lower limit.
        axes: sizes by axis, which may be negative.
        allow_last_axis_squeeze: whether a last axis of size 1 may be missing, or there beside.
        name: accepted for Keras's sake: inputs are told apart by their order.
        optional: likewise: all inputs are there.
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name, self.optional = name, optional
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(shape) if shape is not None else ndim
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.axes = {**(dict(enumerate(self.shape)) if self.shape else {}), **(axes or {})}

    def check(self, tensor: Tensor, layer: str) -> None:
        """Refuse an input that does not fit.

        Raises:
            ShapeError: with what was given and what the layer takes.
        """
        if self.allow_last_axis_squeeze and self._fits_squeezed(tensor):
            return
        rank = tensor.ndim
        fits = (
            (self.ndim is None or rank == self.ndim)
            and (self.max_ndim is None or rank <= self.max_ndim)
            and (self.min_ndim is None or rank >= self.min_ndim)
        )
        for axis, size in self.axes.items():
            if not fits:
                break
            fits = -rank <= axis < rank
            given = tensor.shape[axis] if fits else None
            fits &= size is None or not isinstance(given, int) or given == size
        if not fits:
            raise ShapeError(
                f"the input of the layer {layer!r} does not fit",
                given=f"{tensor.value.type}",
                expected=str(self),
                fix=self._how_to_fit(rank),
                origin=capture_origin(),
            )

    def _how_to_fit(self, rank: int) -> str:
        if self.ndim == 4 and rank == 3:
            return "x[..., None] adds an axis of channels, where images have one"
        if self.ndim == 3 and rank == 2:
            return (
                "a recurrent layer before needs return_sequences=True; x[..., None] makes each "
                "number a step of one feature"
            )
        return "reshape the input, or make the layer for inputs of this shape"

    def _fits_squeezed(self, tensor: Tensor) -> bool:
        """Whether the shapes are one, but for a last axis of size 1."""
        given, expected = (
            tuple(shape[:-1] if shape[-1:] == (1,) else shape)
            for shape in (tensor.shape, self.shape or ())
        )
        return len(given) == len(expected) and all(
            size is None or not isinstance(own, int) or own == size
            for own, size in zip(given, expected, strict=True)
        )

    def __str__(self) -> str:
        limits = (
            (self.ndim, "{}"),
            (self.min_ndim, "at least {}"),
            (self.max_ndim, "at most {}"),
        )
        said = [
            text.format("one axis" if count == 1 else f"{count} axes")
            for count, text in limits
            if count is not None
        ]
        said += [f"size {n} on axis {axis}" for axis, n in self.axes.items() if n is not None]
        return ", ".join(said) or "any tensor"


def check_inputs(spec: Any, tensors: Sequence[Tensor], layer: str) -> None:
    """Hold the inputs of a layer to its `input_spec`: one, or as many as there are inputs.

    Raises:
        ShapeError: there are more or fewer inputs, or one does not fit.
    """
    specs = list(spec) if isinstance(spec, (list, tuple)) else [spec]
    if len(specs) != len(tensors):
        raise ShapeError(
            f"the layer {layer!r} takes {len(specs)} inputs",
            given=f"{len(tensors)} inputs",
            origin=capture_origin(),
        )
    for one, tensor in zip(specs, tensors, strict=True):
        if one is not None:
            one.check(tensor, layer)
