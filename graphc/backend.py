"""Keras's backend settings: the fuzz factor, the default float, the layout of images."""

from __future__ import annotations

import graphc.settings as settings


def epsilon() -> float:
    """The fuzz factor that keeps logarithms and divisions away from zero; 1e-7 by default."""
    return settings.epsilon.get()


def set_epsilon(value: float) -> None:
    """Change the fuzz factor of what is built from now on; a number above 0."""
    settings.epsilon.set(value)


def floatx() -> str:
    """The default float: "float32" unless it was changed."""
    return settings.floatx.get()


def set_floatx(value: str) -> None:
    """Change the default float: "bfloat16", "float16", "float32" or "float64"."""
    settings.floatx.set(value)


def image_data_format() -> str:
    """The layout of images: "channels_last" unless it was changed."""
    return settings.image_data_format.get()


def set_image_data_format(data_format: str) -> None:
    """Change the layout of images: "channels_last" or "channels_first"."""
    settings.image_data_format.set(data_format)
