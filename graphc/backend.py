"""What Keras keeps in `keras.backend`: settings, element types, the state of the process."""

from __future__ import annotations

from typing import Any

import graphc.settings as settings
from graphc.dtypes import as_dtype, promote
from graphc.errors import DTypeError
from graphc.ir.origin import capture_origin
from graphc.ops.dataflow import get_default_graph
from graphc.ops.tensor import Tensor
from graphc.preparation.seeds import clear_session as clear_session


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


def backend() -> str:
    """What computes: "jax"."""
    return "jax"


def get_uid(prefix: str = "") -> int:
    """A number that the prefix did not have yet in the default graph; from 1 on."""
    return get_default_graph().records.counted(f"uid/{prefix}")


def is_keras_tensor(x: Any) -> bool:
    """Whether it is a tensor of a graph."""
    return isinstance(x, Tensor)


def standardize_dtype(dtype: Any) -> str:
    """The name of an element type; `floatx()` for None."""
    return floatx() if dtype is None else str(as_dtype(dtype))


def result_type(*dtypes: Any) -> str:
    """The element type that numbers of these types have together, as JAX and Keras promote.

    Raises:
        DTypeError: there is none.
    """
    if not dtypes:
        raise DTypeError(
            "there is no element type of nothing",
            expected="at least one",
            origin=capture_origin(),
        )
    found, *others = [as_dtype(standardize_dtype(each)) for each in dtypes]
    for other in others:
        found = promote(found, other, as_dtype(floatx()))
    return str(found)


def is_float_dtype(dtype: Any) -> bool:
    """Whether it is a float."""
    return as_dtype(dtype).is_floating


def is_int_dtype(dtype: Any) -> bool:
    """Whether it is an integer, with a sign or without."""
    return as_dtype(dtype).is_integer
