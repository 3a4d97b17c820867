"""A callback made of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.callbacks.callback import Callback
from graphc.errors import GraphcError, did_you_mean
from graphc.ir.origin import capture_origin


class LambdaCallback(Callback):
    """Calls functions where a callback is told of something; as in Keras.

    Args:
        on_epoch_begin, on_epoch_end: take an epoch and logs.
        on_train_begin, on_train_end: take logs.
        on_train_batch_begin, on_train_batch_end: take a batch and logs.
        **kwargs: the other methods of a callback.

    Raises:
        GraphcError: callbacks have no such method.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Callable[..., Any],
    ) -> None:
        super().__init__()
        known = [name for name in vars(Callback) if name.startswith("on_")]
        for name in kwargs:
            if name not in known:
                raise GraphcError(
                    f"a callback has no method {name!r}",
                    fix=did_you_mean(name, known),
                    origin=capture_origin(),
                )
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for name, function in given.items():
            if function is not None:
                setattr(self, name, function)
