"""The protocol of regularizers, and finding one by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from graphc.configurable import Configurable
from graphc.ops.tensor import Tensor


class Regularizer(Configurable, ABC, kind="regularizers"):
    """A penalty on a weight or on the results of a layer, that training makes small."""

    @abstractmethod
    def __call__(self, x: Any) -> Tensor:
        """The penalty, a scalar."""


def get(identifier: Any) -> Callable[[Any], Any] | None:
    """The regularizer that a string or a configuration names, a function itself, or None.

    Raises:
        GraphcError: there is none of that name.
    """
    return Regularizer.registry.get(identifier)
