"""A function of graphc.ops beside the one of NumPy that it must agree with, and arrays for both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

_GENERATOR = np.random.default_rng(0)


def floats(*shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray[Any, Any]:
    return _GENERATOR.uniform(low, high, shape).astype(np.float32)


def whole(*shape: int, low: int = -9, high: int = 9) -> np.ndarray[Any, Any]:
    return _GENERATOR.integers(low, high + 1, shape).astype(np.int32)


def truth(*shape: int) -> np.ndarray[Any, Any]:
    return _GENERATOR.random(shape) < 0.5


@dataclass(frozen=True)
class Case:
    """A function of tensors, the same in NumPy, and arrays to try both on."""

    label: str
    function: Callable[..., Any]
    expected: Callable[..., Any]
    arrays: tuple[Any, ...]
