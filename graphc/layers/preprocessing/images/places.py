"""Random layers that move the pixels of images to other places."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc.layers.preprocessing.images.image_layer import ImageLayer, for_each_image
from graphc.layers.preprocessing.images.limits import limits_of, one_of
from graphc.ops.arithmetic import negative
from graphc.ops.casting import cast
from graphc.ops.comparison import where
from graphc.ops.creation import ones_like, zeros_like
from graphc.ops.image.coordinates import affine_transform, perspective_transform
from graphc.ops.joining import concatenate, stack
from graphc.ops.shaping import broadcast_to, flip
from graphc.ops.tensor import Tensor
from graphc.ops.trigonometric import cos, sin
from graphc.random.streams import Seed, SeedGenerator

_INTERPOLATIONS = ("nearest", "bilinear")
_FILL_MODES = ("reflect", "wrap", "constant", "nearest")


class RandomFlip(ImageLayer):
    """In training half of the images are mirrored, each as it is drawn.

    Args:
        mode: "horizontal", "vertical", or "horizontal_and_vertical", which mirrors both ways.
        seed: an integer: layers of one seed draw the same.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: there is no such mode.
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        modes = ("horizontal", "vertical", "horizontal_and_vertical")
        self.mode, self.seed = one_of(mode, modes, "way to flip"), seed
        self.generator = SeedGenerator(seed)

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor]:
        return {"flips": self._uniform((count, 1, 1, 1), (0.0, 1.0), seed) <= 0.5}

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        rows, columns = self.row_axis, self.column_axis
        axes = {"horizontal": [columns], "vertical": [rows]}.get(self.mode, [columns, rows])
        return where(transformation["flips"], flip(images, axes), images)

    def _changed_masks(self, masks: Tensor, transformation: Any) -> Tensor:
        return self._changed(masks, transformation)


class _AffineLayer(ImageLayer):
    """Reads each image at other places; a subclass says at which.

    `_matrix` gives f[batch, 8], as `ops.image.affine_transform` takes it, from what was drawn.
    """

    def __init__(
        self,
        fill_mode: str,
        interpolation: str,
        seed: int | None,
        fill_value: float,
        data_format: str | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.fill_mode = one_of(fill_mode, _FILL_MODES, "fill_mode")
        self.interpolation = one_of(interpolation, _INTERPOLATIONS, "interpolation")
        self.fill_value, self.seed = fill_value, seed
        self.generator = SeedGenerator(seed)

    def _matrix(self, images: Tensor, transformation: Any) -> Tensor:
        raise NotImplementedError

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        return self._read(images, transformation, self.interpolation)

    def _changed_masks(self, masks: Tensor, transformation: Any) -> Tensor:
        return self._read(masks, transformation, "nearest")

    def _read(self, images: Tensor, transformation: Any, interpolation: str) -> Tensor:
        return affine_transform(
            images,
            self._matrix(images, transformation),
            interpolation,
            self.fill_mode,
            self.fill_value,
            self.data_format,
        )


class RandomRotation(_AffineLayer):
    """In training each image is turned around its middle by an angle drawn for it.

    Args:
        factor: the least and the largest angle as parts of a full turn, -1 to 1; or one number for
            both, with either sign. A positive one turns counterclockwise.
        fill_mode: what is outside: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: an integer: layers of one seed draw the same.
        fill_value: of "constant".
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = limits_of(factor, "factor")

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor]:
        """The angle of each image, in degrees: f[batch]."""
        low, high = self.factor
        return {"angle": self._uniform((count,), (360 * low, 360 * high), seed)}

    def _matrix(self, images: Tensor, transformation: Any) -> Tensor:
        rows, columns = self._known_size(images)
        angle = transformation["angle"] * (math.pi / 180)
        x, y = (columns - 1) / 2, (rows - 1) / 2
        cosine, sine = cos(angle), sin(angle)
        nothing = zeros_like(angle)
        numbers = [cosine, negative(sine), x - x * cosine + y * sine]
        numbers += [sine, cosine, y - x * sine - y * cosine, nothing, nothing]
        return stack(numbers, 1)


class RandomZoom(_AffineLayer):
    """In training each image is shown from nearer or from farther, around its middle.

    Args:
        height_factor: the least and the largest, above -1 to 1: -0.2 shows 0.8 of the rows, so
            they become larger; or one number for both, with either sign.
        width_factor: likewise for columns; those of the rows by default.
        fill_mode: what is outside: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: an integer: layers of one seed draw the same.
        fill_value: of "constant".
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height = limits_of(height_factor, "height_factor", excludes_least=True)
        if width_factor is not None:
            self._width = limits_of(width_factor, "width_factor", excludes_least=True)

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor]:
        low, high = self._height
        height = self._uniform((count, 1), (1 + low, 1 + high), seed)
        if self.width_factor is None:
            return {"height_zoom": height, "width_zoom": height}
        low, high = self._width
        width = self._uniform((count, 1), (1 + low, 1 + high), seed)
        return {"height_zoom": height, "width_zoom": width}

    def _matrix(self, images: Tensor, transformation: Any) -> Tensor:
        rows, columns = self._known_size(images)
        tall, wide = transformation["height_zoom"], transformation["width_zoom"]
        nothing = zeros_like(wide)
        first = [wide, nothing, (1 - wide) * ((columns - 1) / 2)]
        second = [nothing, tall, (1 - tall) * ((rows - 1) / 2)]
        return concatenate([*first, *second, nothing, nothing], 1)


class RandomTranslation(_AffineLayer):
    """In training each image is moved up or down, and to a side.

    Args:
        height_factor: the least and the largest way down, as parts of the rows, -1 to 1; or one
            number for both, with either sign.
        width_factor: likewise to the right, as parts of the columns.
        fill_mode: what is outside: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: an integer: layers of one seed draw the same.
        fill_value: of "constant".
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height = limits_of(height_factor, "height_factor")
        self._width = limits_of(width_factor, "width_factor")

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor]:
        """How far each goes to the right and down, in pixels: f[batch, 2]."""
        rows, columns = self._known_size(images)
        down = self._uniform((count, 1), self._height, seed) * rows
        right = self._uniform((count, 1), self._width, seed) * columns
        return {"translations": concatenate([right, down], 1)}

    def _matrix(self, images: Tensor, transformation: Any) -> Tensor:
        moved = transformation["translations"]
        right, down = moved[:, 0], moved[:, 1]
        one, nothing = ones_like(right), zeros_like(right)
        numbers = [one, nothing, negative(right), nothing, one, negative(down), nothing, nothing]
        return stack(numbers, 1)


class RandomShear(_AffineLayer):
    """In training the rows and the columns of each image are shifted against each other.

    Args:
        x_factor: how far columns are shifted for each row, at least and at most, 0 to 1, with
            either sign; or one number: how far at most, whose sign is drawn twice.
        y_factor: how far rows are shifted for each column.
        interpolation: "bilinear" or "nearest".
        fill_mode: what is outside: "reflect", "wrap", "constant" or "nearest".
        fill_value: of "constant".
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        seed: an integer: layers of one seed draw the same.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        x_factor: Any = 0.0,
        y_factor: Any = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.x_factor, self.y_factor = _shear_limits(x_factor, "x"), _shear_limits(y_factor, "y")

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor]:
        """How far each is sheared along x and along y: f[batch, 2]."""
        signs = where(self._uniform((count, 1), (0.0, 1.0), seed) > 0.5, -1.0, 1.0)
        along_y = self._uniform((count, 1), self.y_factor, seed)
        along_x = self._uniform((count, 1), self.x_factor, seed)
        shears = concatenate([along_x, along_y], 1)
        return {"shear_factor": shears * cast(signs, shears.dtype)}

    def _matrix(self, images: Tensor, transformation: Any) -> Tensor:
        sheared = transformation["shear_factor"]
        along_x, along_y = sheared[:, 0], sheared[:, 1]
        one, nothing = ones_like(along_x), zeros_like(along_x)
        return stack([one, along_x, nothing, along_y, one, nothing, nothing, nothing], 1)


def _shear_limits(given: Any, which: str) -> tuple[float, float]:
    low, high = limits_of(given, f"{which}_factor", 0)
    return (low, high) if isinstance(given, (list, tuple)) else (-high, high)


class RandomPerspective(ImageLayer):
    """In training images are seen from elsewhere: each corner moves as it is drawn.

    Args:
        factor: how probably an image changes: the least and the largest, 0 to 1; or one number.
        scale: how far a corner moves at most, as twice a part of its distance from the first
            corner, 0 to 1.
        interpolation: "bilinear" or "nearest".
        fill_value: what is outside.
        seed: an integer: layers of one seed draw the same.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        scale: float = 1.0,
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.factor = limits_of(factor, "factor", 0)
        self.scale = limits_of(scale, "scale", 0)[1]
        self.interpolation = one_of(interpolation, _INTERPOLATIONS, "interpolation")
        self.fill_value, self.seed = fill_value, seed
        self.generator = SeedGenerator(seed)

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor]:
        """Which images change, bool[batch], and the corners before and after, f[batch, 4, 2]."""
        rows, columns = self._known_size(images)
        happens = self._happens(count, self.factor, seed)
        reach = 0.5 * self.scale
        moved = self._uniform((count, 4, 2), (-reach, reach), seed)
        x, y = columns - 1.0, rows - 1.0
        corners = np.array([[0.0, 0.0], [x, 0.0], [0.0, y], [x, y]], moved.dtype.numpy)
        start = broadcast_to(corners, (count, 4, 2))
        end = start + start * moved
        return {"apply_perspective": happens, "start_points": start, "end_points": end}

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        return self._seen(images, transformation, self.interpolation)

    def _changed_masks(self, masks: Tensor, transformation: Any) -> Tensor:
        return self._seen(masks, transformation, "nearest")

    def _seen(self, images: Tensor, transformation: Any, interpolation: str) -> Tensor:
        seen = perspective_transform(
            images,
            transformation["start_points"],
            transformation["end_points"],
            interpolation,
            self.fill_value,
            self.data_format,
        )
        return where(for_each_image(transformation["apply_perspective"]), seen, images)
