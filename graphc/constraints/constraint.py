"""The protocol of constraints, the simplest one, and finding one by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from graphc.configurable import Configurable
from graphc.ops.comparison import maximum
from graphc.ops.conversion import graph_of, to_tensor
from graphc.ops.tensor import Tensor


class Constraint(Configurable, ABC, kind="constraints"):
    """The nearest allowed value of a variable, which training gives it after each step.

    Any function of a tensor that gives one of the same type does as well.
    """

    @abstractmethod
    def __call__(self, w: Any) -> Tensor:
        """The allowed value: of the type of w."""


class NonNeg(Constraint):
    """max(w, 0)."""

    def __call__(self, w: Any) -> Tensor:
        return maximum(to_tensor(w, None, graph_of((w,))), 0, "non_neg")


def get(identifier: Any) -> Callable[..., Any] | None:
    """The constraint that a name ("non_neg") or data means; a function itself; None for None.

    Raises:
        GraphcError: there is none of that name.
    """
    return Constraint.registry.get(identifier)


def deserialize(config: Any, custom_objects: Mapping[str, Callable[..., Any]] | None = None) -> Any:
    """The constraint that data describes, or the class that a name means.

    Raises:
        GraphcError: there is none.
    """
    return Constraint.registry.deserialize(config, custom_objects)
