"""One image or many, channels first or last: what functions of images have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.conversion import graph_of, to_tensor
from graphc.ops.shaping import expand_dims, moveaxis, squeeze
from graphc.ops.spatial_layouts import channels_come_last
from graphc.ops.tensor import Tensor

Restore = Callable[[Tensor, str], Tensor]


def as_batch(
    images: Any, data_format: str | None, function: str, rank: int = 2
) -> tuple[Tensor, Restore]:
    """Images as [batch, …spatial, channels], and what brings a result into the form given.

    Args:
        images: one image or a batch of them.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        function: what errors call the caller.
        rank: number of spatial axes.

    Raises:
        ShapeError: they have another number of axes.
        GraphcError: there is no such format.
    """
    tensor = to_tensor(images, None, graph_of((images,)))
    is_last = channels_come_last(data_format)
    if tensor.ndim not in (rank + 1, rank + 2):
        raise ShapeError(
            f"{function}() takes one image or a batch of images",
            given=tensor.value.type,
            expected=f"{rank + 1} or {rank + 2} axes, that of the channels among them",
            fix="add the axis of the channels with expand_dims",
            origin=capture_origin(),
        )
    is_single = tensor.ndim == rank + 1
    batch = expand_dims(tensor, 0) if is_single else tensor
    batch = batch if is_last else moveaxis(batch, 1, -1)

    def restore(result: Tensor, name: str) -> Tensor:
        placed = result if is_last else moveaxis(result, -1, 1, None if is_single else name)
        return squeeze(placed, 0, name) if is_single else placed

    return batch, restore
