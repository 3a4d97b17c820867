"""The limits that random layers draw between, and the values that pixels have."""

from __future__ import annotations

from typing import Any

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.ops.tensor import Tensor

Limits = tuple[float, float]


def limits_of(
    given: Any, name: str, least: float = -1.0, most: float = 1.0, excludes_least: bool = False
) -> Limits:
    """The lower and the upper limit of a draw.

    Args:
        given: both; or one number for the upper limit, whose negative is the lower one, or `least`
            where that is higher.
        name: the argument's, for the error.
        least: what no limit is below.
        most: what no limit is above.
        excludes_least: whether a limit that is `least` itself does not fit either.

    Raises:
        GraphcError: there are more or fewer than two, or one does not fit.
    """
    is_one = isinstance(given, (int, float))
    pair: list[Any] = [given, given] if is_one else list(given) if _is_listed(given) else []
    fits = len(pair) == 2 and all(
        isinstance(n, (int, float)) and least <= n <= most and not (excludes_least and n == least)
        for n in pair
    )
    if not fits:
        raise GraphcError(
            f"{name} does not fit",
            given=repr(given)[:200],
            expected=f"a number {'above' if excludes_least else 'from'} {least:g} to {most:g}, "
            "or two",
            origin=capture_origin(),
        )
    return (max(-abs(given), least), abs(given)) if is_one else (min(pair), max(pair))


def range_of(given: Any, name: str = "value_range") -> Limits:
    """The least and the largest value of a pixel.

    Raises:
        GraphcError: there are not two numbers.
    """
    if not _is_listed(given) or len(given) != 2 or given[0] == given[1]:
        raise GraphcError(
            f"{name} does not fit",
            given=repr(given)[:200],
            expected="the least and the largest value of a pixel",
            origin=capture_origin(),
        )
    return min(given), max(given)


def moved_to(images: Tensor, source: Limits, target: Limits) -> Tensor:
    """Pixels of one range of values in another."""
    if tuple(source) == tuple(target):
        return images
    shares = (images - source[0]) / (source[1] - source[0])
    return shares * (target[1] - target[0]) + target[0]


def one_of(given: Any, choices: tuple[str, ...], name: str) -> str:
    """A choice by its name.

    Raises:
        GraphcError: there is none of that name.
    """
    if given not in choices:
        raise GraphcError(
            f"there is no such {name}",
            given=repr(given)[:200],
            expected=", ".join(choices),
            origin=capture_origin(),
        )
    return given


def _is_listed(given: Any) -> bool:
    return isinstance(given, (list, tuple))
