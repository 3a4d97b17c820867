"""What people do wrong: each mistake with the error that must teach them better.

A mistake is a function. The line to blame is the one that ends in `# blame`; words are looked for
in the whole message. Files named `mistakes_…` hold them, by what they are about. The line that
raises builds nothing beside: what it was given stands in lines before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import graphc


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Attributes:
        make: makes it, inside an open session.
        error: the class that must be raised.
        words: what the message must hold.
        blamed: whether a line of `make` must be named.
    """

    make: Callable[[graphc.Session], Any]
    error: type[Exception]
    words: tuple[str, ...]
    blamed: bool = True


MISTAKES: list[Mistake] = []


def mistake(
    error: type[Exception], *words: str, blamed: bool = True
) -> Callable[[Callable[[graphc.Session], Any]], Callable[[graphc.Session], Any]]:
    def note(make: Callable[[graphc.Session], Any]) -> Callable[[graphc.Session], Any]:
        MISTAKES.append(Mistake(make, error, words, blamed))
        return make

    return note


def floats(*shape: int) -> np.ndarray[Any, Any]:
    return np.zeros(shape, np.float32)


def given(dtype: str, shape: list[Any], name: str = "x") -> graphc.Tensor:
    """A placeholder whose own line is not to be blamed."""
    return graphc.placeholder(dtype, shape, name=name)
