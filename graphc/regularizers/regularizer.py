"""The protocol of regularizers, and finding one by name."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from graphc.configurable import Configurable
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.ops.tensor import Tensor


class Regularizer(Configurable, ABC, kind="regularizers"):
    """A number that training adds to the loss to keep weights or activities small.

    Any function of a tensor that gives a scalar does as well.
    """

    @abstractmethod
    def __call__(self, x: Any) -> Tensor:
        """The penalty: f[], of the type of x."""


def checked_factor(value: Any, name: str) -> float:
    """An argument that a penalty is multiplied by.

    Raises:
        GraphcError: it is no finite number of at least 0.
    """
    if isinstance(value, (int, float)) and math.isfinite(value) and value >= 0:
        return float(value)
    raise GraphcError(
        f"the argument {name} is no factor of a penalty",
        given=repr(value),
        expected="a finite number of at least 0",
        origin=capture_origin(),
    )


def get(identifier: Any) -> Callable[..., Any] | None:
    """The regularizer that a name ("l2") or data means; a function itself; None for None.

    Raises:
        GraphcError: there is none of that name.
    """
    return Regularizer.registry.get(identifier)


def deserialize(config: Any, custom_objects: Mapping[str, Callable[..., Any]] | None = None) -> Any:
    """The regularizer that data describes, or the class that a name means.

    Raises:
        GraphcError: there is none.
    """
    return Regularizer.registry.deserialize(config, custom_objects)
