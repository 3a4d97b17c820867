"""The protocol of constraints, and finding one by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from graphc.configurable import Configurable
from graphc.ops.tensor import Tensor


class Constraint(Configurable, ABC, kind="constraints"):
    """What a weight is made into after each step."""

    @abstractmethod
    def __call__(self, w: Any) -> Tensor:
        """The new value, of the same shape."""


def get(identifier: Any) -> Callable[[Any], Any] | None:
    """The constraint that a string or a configuration names, a function itself, or None.

    Raises:
        GraphcError: there is none of that name.
    """
    return Constraint.registry.get(identifier)
