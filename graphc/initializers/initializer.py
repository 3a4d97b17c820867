"""The protocol of initializers, and finding one by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

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

    def clone(self) -> Initializer:
        """Another one, made with the same arguments."""
        return type(self).from_config(self.get_config())


def get(identifier: Any) -> Callable[..., Any]:
    """The initializer that a string, a configuration or an array means, or the callable itself.

    An array or a tensor stands for `Constant` of its numbers.

    Raises:
        GraphcError: there is none of that name.
    """
    if isinstance(identifier, (np.ndarray, np.generic, Tensor)):
        return Initializer.registry.find("Constant")(identifier)
    return Initializer.registry.get(identifier)


def deserialize(config: Any, custom_objects: Mapping[str, Callable[..., Any]] | None = None) -> Any:
    """The initializer that data describes, or the class that a name means.

    Raises:
        GraphcError: there is none.
    """
    return Initializer.registry.deserialize(config, custom_objects)
