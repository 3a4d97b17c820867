"""What layers of images share: batches or one image, what stands beside images, and draws.

Images are f[batch, rows, columns, channels] or one without the batch, or have channels first. A
dictionary may bring labels and masks along: {"images": …, "labels": …, "segmentation_masks": …}.

A random layer draws first and changes then, by two methods with Keras's names:
`get_random_transformation(data)` gives what was drawn, and `transform_images(images, drawn)` does
to images what was drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.reshaping.data_formats import DataFormatLayer
from graphc.ops.bodies import flatten, unflatten
from graphc.ops.conversion import cast_to, graph_of, to_tensor
from graphc.ops.shaping import expand_dims, squeeze
from graphc.ops.tensor import Tensor
from graphc.random.distributions import uniform
from graphc.random.streams import Seed, SeedGenerator

_BESIDE = ("images", "labels", "segmentation_masks")


class ImageLayer(DataFormatLayer):
    """A layer that changes images, and labels and masks with them; a base class.

    A subclass defines `_drawn` where it draws, and `_changed`; `_changed_masks` where masks of
    segments move with the images.

    Args:
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        bounding_box_format: not available.
        **kwargs: see `Layer`.

    Attributes:
        always_acts: whether the layer acts outside of training, too.
    """

    always_acts = False

    def __init__(
        self, data_format: str | None = None, bounding_box_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        if bounding_box_format is not None:
            raise GraphcError(
                f"{type(self).__name__} takes images, labels and masks alone",
                given=f"bounding_box_format={bounding_box_format!r}",
                fix="leave it out, and move boxes by ops of their own",
                origin=capture_origin(),
            )
        self.generator: SeedGenerator | None = None
        self.row_axis, self.column_axis, self.channel_axis = (
            (-3, -2, -1) if self.is_channels_last else (-2, -1, -3)
        )

    # -- what subclasses define ------------------------------------------------------------------

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> Any:
        """What is drawn for `count` images, in any nesting; nothing by default."""
        return None

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        """A batch of images as the transformation says."""
        raise NotImplementedError(f"{type(self).__name__} has no _changed(images, transformation)")

    def _changed_masks(self, masks: Tensor, transformation: Any) -> Tensor:
        """A batch of masks of segments; they stay where colors change."""
        return masks

    def _changed_labels(self, labels: Tensor, transformation: Any) -> Tensor:
        """The labels; they stay where images are not mixed."""
        return labels

    # -- calls -----------------------------------------------------------------------------------

    def call(self, data: Any, training: bool = True) -> Any:
        transformation = self.get_random_transformation(data, training)
        if not isinstance(data, Mapping):
            return self.transform_images(data, transformation, training)
        unknown = sorted(set(data) - set(_BESIDE))
        if unknown or "images" not in data:
            raise GraphcError(
                f"the layer {self.name!r} does not know all of these data",
                given=f"keys {sorted(data)}",
                expected='"images", and beside them ' + " or ".join(map(repr, _BESIDE[1:])),
                fix="move boxes by ops of their own" if "bounding_boxes" in unknown else None,
                origin=capture_origin(),
            )
        methods = {
            "images": self.transform_images,
            "labels": self.transform_labels,
            "segmentation_masks": self.transform_segmentation_masks,
        }
        return {key: methods[key](item, transformation, training) for key, item in data.items()}

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """What is drawn for these images: tensors in a dictionary.

        Args:
            data: images, or a dictionary with "images".
            training: outside of training nothing is drawn.
            seed: where draws come from; the layer's own seed by default.
        """
        images = _tensor(data["images"] if isinstance(data, Mapping) else data)
        self._require_images(images)
        if not training and not self.always_acts:
            return None
        count: Any = images.shape[0] if images.ndim == 4 else 1
        return self._drawn(images, count, self.generator if seed is None else seed)

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """Images, changed as `get_random_transformation` has it; in training only.

        Args:
            images: one or a batch.
            transformation: what was drawn.
            training: outside of training images stay what they are.
        """
        given = cast_to(_tensor(images), self.compute_dtype)
        self._require_images(given)
        if not training and not self.always_acts:
            return given
        drawn = _tensors(transformation)
        return self._on_batch(given, lambda batch: self._changed(batch, drawn))

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Tensor:
        """The labels of changed images: a batch of them, or that of one image."""
        given = _tensor(labels)
        return self._changed_labels(given, _tensors(transformation)) if training else given

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Tensor:
        """Masks of segments, moved as the images are: of the images' shape, with one channel."""
        given = _tensor(segmentation_masks)
        self._require_images(given)
        if not training:
            return given
        drawn = _tensors(transformation)
        return self._on_batch(given, lambda batch: self._changed_masks(batch, drawn))

    # -- for subclasses --------------------------------------------------------------------------

    def _on_batch(self, images: Tensor, change: Any) -> Tensor:
        """One image is a batch of one."""
        if images.ndim == 4:
            return change(images)
        return squeeze(change(expand_dims(images, 0)), 0)

    def _require_images(self, images: Tensor) -> None:
        if images.ndim not in (3, 4):
            raise ShapeError(
                f"the layer {self.name!r} takes an image or a batch of images",
                given=images.value.type,
                expected="3 or 4 axes",
                origin=capture_origin(),
            )

    def _known_size(self, images: Tensor) -> tuple[int, int]:
        """Rows and columns.

        Raises:
            ShapeError: they are not known while the graph is built.
        """
        rows, columns = images.shape[self.row_axis], images.shape[self.column_axis]
        if not isinstance(rows, int) or not isinstance(columns, int):
            raise ShapeError(
                f"the layer {self.name!r} needs to know the size of its images",
                given=images.value.type,
                fix="give the placeholder rows and columns instead of None",
                origin=capture_origin(),
            )
        return rows, columns

    def _channel(self, images: Tensor, number: int) -> Tensor:
        """One channel of a batch, without its axis."""
        return images[..., number] if self.is_channels_last else images[:, number]

    def _uniform(self, shape: Any, limits: tuple[float, float], seed: Seed) -> Tensor:
        return uniform(shape, *limits, dtype=self.compute_dtype, seed=seed)

    def _happens(self, count: Any, limits: tuple[float, float], seed: Seed) -> Tensor:
        """Which of the images change, bool[count]: with a probability that is drawn for each."""
        probability = self._uniform((count,), limits, seed)
        return self._uniform((count,), (0.0, 1.0), seed) < probability


def for_each_image(numbers: Tensor) -> Tensor:
    """[batch] as [batch, 1, 1, 1], which broadcasts with images."""
    return expand_dims(numbers, (1, 2, 3))


def _tensors(transformation: Any) -> Any:
    """What was drawn, with arrays as tensors."""
    leaves, tree = flatten(transformation)
    made = [
        _tensor(leaf) if isinstance(leaf, (np.ndarray, np.generic)) else leaf for leaf in leaves
    ]
    return unflatten(tree, made)


def _tensor(given: Any) -> Tensor:
    return to_tensor(given, None, graph_of((given,)))
