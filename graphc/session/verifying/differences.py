"""Are two results the same: to the bit, or within a bound, and what if the reference is not finite.

A bound is relative to the largest element of the result, so that a gradient of the size 1e-9 is
held to its own digits. What the element type of the program costs anyway, the difference between
the reference in float64 and as declared, is allowed on top.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, Any]
Results = Mapping[str, Array]

_NOISE_ALLOWED: Final = 50.0
_ABSOLUTE: Final = 1e-13  # what a result may miss zero by, for numbers of the size of 1


@dataclass(frozen=True)
class Difference:
    """Where two results are not the same.

    Attributes:
        result: which result: a fetch, or the new value of a variable.
        problem: what is wrong, in words.
        index: where its worst element stands; None where it is not about an element.
        found: that element.
        expected: what the reference has there.
        error: the relative error; infinite where it is not a matter of size.
    """

    result: str
    problem: str
    index: tuple[int, ...] | None = None
    found: Any = None
    expected: Any = None
    error: float = float("inf")


@dataclass(frozen=True)
class Bounds:
    """What is allowed.

    Attributes:
        relative: to the largest element of a result.
        noise: by result, what rounding to the declared element types costs.
        forgives: whether a result that is not finite may become finite.
        integers: whether integers and truth values are compared.
    """

    relative: float
    noise: Mapping[str, float]
    forgives: bool = False
    integers: bool = True

    def of(self, name: str, expected: Array) -> float:
        """How far a result may be off."""
        finite = np.abs(expected[np.isfinite(expected)])
        largest = float(finite.max(initial=0))
        return self.relative * largest + _NOISE_ALLOWED * self.noise.get(name, 0.0) + _ABSOLUTE


def same_signature(found: Results, expected: Results) -> Difference | None:
    """Are there the same results, of the same types."""
    for name, theirs in expected.items():
        if name not in found:
            return Difference(name, "it is missing")
        mine = found[name]
        if mine.dtype != theirs.dtype:
            return Difference(name, "another element type", None, mine.dtype, theirs.dtype)
        if mine.shape != theirs.shape:
            return Difference(name, "another shape", None, mine.shape, theirs.shape)
    for name in found:
        if name not in expected:
            return Difference(name, "nobody asked for it")
    return None


def same_bits(found: Results, expected: Results, names: set[str]) -> Difference | None:
    """Are some results the same to the bit; one NaN is as good as another."""
    for name in names & expected.keys():
        mine, theirs = found[name], expected[name]
        if _is_inexact(mine):
            left, right = _wide(mine), _wide(theirs)
            same = (left == right) & (np.signbit(left.real) == np.signbit(right.real))
            same |= np.isnan(left) & np.isnan(right)
        else:
            same = mine == theirs
        if not np.all(same):
            index = _first(~np.asarray(same))
            error = _relative(mine, theirs, index)
            problem = "not the same to the bit, which was promised"
            return Difference(name, problem, index, mine[index], theirs[index], error)
    return None


def within(found: Results, expected: Results, bounds: Bounds) -> tuple[Difference | None, float]:
    """Are results within bounds: the worst difference that is not, and the largest relative error.

    Args:
        found: results.
        expected: the reference, with the same names and shapes.
        bounds: what is allowed.
    """
    worst: Difference | None = None
    largest = 0.0
    for name, theirs in expected.items():
        mine = found[name]
        if not _is_inexact(theirs):
            if bounds.integers and not np.array_equal(mine, theirs):
                index = _first(np.asarray(mine != theirs))
                problem = "another whole number or truth value"
                return Difference(name, problem, index, mine[index], theirs[index]), np.inf
            continue
        mine, theirs = _wide(mine), _wide(theirs)
        excess, error, index = _worst_element(mine, theirs, bounds, name)
        largest = max(largest, error)
        if excess and (worst is None or error > worst.error):
            problem = "too far off"
            if not np.isfinite(error):
                problem = "not finite" if np.isfinite(theirs[index]) else "finite, or another kind"
            worst = Difference(name, problem, index, mine[index], theirs[index], error)
    return worst, largest


def _worst_element(
    mine: Array, theirs: Array, bounds: Bounds, name: str
) -> tuple[bool, float, tuple[int, ...]]:
    if mine.size == 0:
        return False, 0.0, ()
    with np.errstate(all="ignore"):
        off = np.abs(mine - theirs)
        same = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
        off = np.where(same, 0.0, np.where(np.isnan(off), np.inf, off))
        if bounds.forgives:
            off = np.where(~np.isfinite(theirs) & np.isfinite(mine), 0.0, off)
    index = np.unravel_index(int(np.argmax(off)), off.shape)
    place = tuple(int(axis) for axis in index)
    scale = float(np.abs(theirs[np.isfinite(theirs)]).max(initial=0))
    error = float(off[place]) / scale if scale else float(off[place])
    return bool(off[place] > bounds.of(name, theirs)), error, place


def noise_of(native: Results, precise: Results) -> dict[str, float]:
    """What rounding costs each result; infinite where it overflows."""
    noise: dict[str, float] = {}
    for name, theirs in precise.items():
        if _is_inexact(theirs):
            with np.errstate(all="ignore"):
                off = np.abs(_wide(native[name]) - theirs)
            both = ~np.isfinite(_wide(native[name])) & ~np.isfinite(theirs)
            off = np.where(both, 0.0, np.where(np.isnan(off), np.inf, off))
            noise[name] = float(off.max(initial=0))
    return noise


def with_finite_of(expected: Results, found: Results) -> dict[str, Array]:
    """The reference, with finite numbers in place of those that were not and need not be."""
    made: dict[str, Array] = {}
    for name, theirs in expected.items():
        mine = found[name]
        if _is_inexact(theirs):
            better = ~np.isfinite(theirs) & np.isfinite(mine)
            made[name] = np.where(better, mine, theirs)
        else:
            made[name] = theirs
    return made


def _is_inexact(array: Array) -> bool:
    return array.dtype.kind in "fcV"


def _wide(array: Array) -> Array:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _first(mask: Array) -> tuple[int, ...]:
    return tuple(int(axis) for axis in np.unravel_index(int(np.argmax(mask)), mask.shape))


def _relative(mine: Array, theirs: Array, index: tuple[int, ...]) -> float:
    if not _is_inexact(theirs):
        return float("inf")
    scale = float(np.abs(_wide(theirs)).max(initial=0)) or 1.0
    return float(np.abs(_wide(mine)[index] - _wide(theirs)[index])) / scale
