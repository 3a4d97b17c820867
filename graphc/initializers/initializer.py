"""The protocol of initializers, and finding one by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from graphc.errors import GraphcError, did_you_mean
from graphc.ir.origin import capture_origin
from graphc.ops.tensor import Tensor


class Initializer(ABC):
    """Makes the initial value of a variable: a tensor of the graph, computed at first use."""

    by_name: ClassVar[dict[str, Callable[[], Initializer]]] = {}

    def __init_subclass__(cls, names: Sequence[str] = (), **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in (cls.__name__, *names):
            cls.by_name[name] = cls

    @abstractmethod
    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        """The value.

        Args:
            shape: sizes of the variable.
            dtype: element type; `floatx()` by default.
        """


def get(identifier: Any) -> Callable[..., Any]:
    """The initializer that a string names, or the callable itself.

    Raises:
        GraphcError: there is none of that name.
    """
    if callable(identifier):
        return identifier() if isinstance(identifier, type) else identifier
    found = Initializer.by_name.get(identifier) if isinstance(identifier, str) else None
    if found is None:
        raise GraphcError(
            f"there is no initializer {identifier!r}",
            fix=did_you_mean(str(identifier), Initializer.by_name),
            origin=capture_origin(),
        )
    return found()
