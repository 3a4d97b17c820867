"""The protocol of initializers, and finding one by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from graphc.configurable import Configurable
from graphc.ops.tensor import Tensor


class Initializer(Configurable, ABC, kind="initializers"):
    """Makes the initial value of a variable: a tensor of the graph, computed at first use."""

    @abstractmethod
    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        """The value.

        Args:
            shape: sizes of the variable.
            dtype: element type; `floatx()` by default.
        """


def get(identifier: Any) -> Callable[..., Any]:
    """The initializer that a string or a configuration names, or the callable itself.

    Raises:
        GraphcError: there is none of that name.
    """
    return Initializer.registry.get(identifier)
