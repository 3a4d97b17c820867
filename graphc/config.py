"""What Keras keeps in `keras.config`: settings of the process."""

from __future__ import annotations

from typing import Any

import graphc.settings as settings
from graphc.backend import backend as backend
from graphc.backend import epsilon as epsilon
from graphc.backend import floatx as floatx
from graphc.backend import image_data_format as image_data_format
from graphc.backend import set_epsilon as set_epsilon
from graphc.backend import set_floatx as set_floatx
from graphc.backend import set_image_data_format as set_image_data_format
from graphc.layers.dtype_policy import DTypePolicy


def dtype_policy() -> DTypePolicy:
    """The element types of layers that say nothing."""
    return DTypePolicy()


def set_dtype_policy(policy: Any) -> None:
    """Change the element types of layers that are made from now on.

    Args:
        policy: as `dtype=` of a layer: an element type, "mixed_bfloat16" or "mixed_float16".
    """
    settings.dtype_policy.set(DTypePolicy(policy).name)
