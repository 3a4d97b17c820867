"""Gradients measured: change an element a little, look at what comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

STEP = 1e-5
_MOST_ELEMENTS = 40


def chosen_elements(operand: Array) -> list[int]:
    """Flat positions of the elements to change: all of a small operand, a spread of a large one."""
    count = min(operand.size, _MOST_ELEMENTS)
    return [position * operand.size // count for position in range(count)]


def measure_gradient(
    function: Callable[[Sequence[Array]], Sequence[Array]],
    operands: Sequence[Array],
    position: int,
    cotangents: Sequence[Array],
) -> Array:
    """Central differences of the sum of cotangents times results, at the chosen elements.

    Complex numbers pair as in JAX, without conjugation: `Re(gradient * change)` is the change of
    `Re(sum(cotangent * result))`. So the gradient's imaginary part is minus what a change of the
    operand's imaginary part brings.

    Args:
        function: float64 and complex128 arrays to the results that have cotangents.
        operands: where to measure.
        position: which operand to change.
        cotangents: one per result.
    """

    def slope(element: int, step: complex) -> float:
        ends: list[float] = []
        for sign in (1, -1):
            moved = operands[position].copy()
            moved.reshape(-1)[element] += sign * step
            changed = [*operands[:position], moved, *operands[position + 1 :]]
            results = function(changed)
            pairs = zip(cotangents, results, strict=True)
            ends.append(sum(float(np.sum(c * y).real) for c, y in pairs))
        return (ends[0] - ends[1]) / (2 * STEP)

    elements = chosen_elements(operands[position])
    found = np.array([slope(element, STEP) for element in elements])
    if operands[position].dtype.kind == "c":
        found = found - 1j * np.array([slope(element, 1j * STEP) for element in elements])
    return found.astype(operands[position].dtype)
