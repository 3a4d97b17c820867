"""The protocol of callbacks: what is told while a model is trained, evaluated or predicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from graphc.optimizers.optimizer import Optimizer

Logs = dict[str, Any]

_OF_BATCHES: Final = tuple(
    f"on_{kind}batch_{when}"
    for kind in ("train_", "test_", "predict_", "")
    for when in ("begin", "end")
)


class Callback:
    """Is told of epochs and batches; a subclass overrides what it wants to know.

    As long as no callback overrides a method about batches, many steps run without coming back to
    Python; otherwise each step is told of (or every `steps_per_execution` steps).

    Attributes:
        model: what is trained.
        params: "epochs", "steps" and "verbose" of the run.
    """

    def __init__(self) -> None:
        self.model: Any = None
        self.params: Mapping[str, Any] = {}

    def set_params(self, params: Mapping[str, Any]) -> None:
        self.params = params

    def set_model(self, model: Any) -> None:
        self.model = model

    @property
    def optimizer(self) -> Optimizer:
        """That of the model."""
        return self.model.optimizer

    def on_train_begin(self, logs: Logs | None = None) -> None: ...
    def on_train_end(self, logs: Logs | None = None) -> None: ...
    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None: ...
    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None: ...
    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_test_begin(self, logs: Logs | None = None) -> None: ...
    def on_test_end(self, logs: Logs | None = None) -> None: ...
    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_predict_begin(self, logs: Logs | None = None) -> None: ...
    def on_predict_end(self, logs: Logs | None = None) -> None: ...
    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...

    def on_progress(self, done: int, total: int | None, logs: Logs) -> None:
        """Some more batches of an epoch are done, perhaps many at once.

        Args:
            done: batches so far.
            total: batches of the epoch; None while nobody knows.
            logs: metrics so far.
        """

    @property
    def wants_batches(self) -> bool:
        """Whether it must be told of each batch."""
        return any(self._overrides(name) for name in _OF_BATCHES)

    @property
    def wants_progress(self) -> bool:
        """Whether it would be told now and then how far an epoch is."""
        return self._overrides("on_progress")

    def _overrides(self, name: str) -> bool:
        return getattr(type(self), name) is not getattr(Callback, name)


class CallbackList(Callback):
    """Several callbacks as one.

    Args:
        callbacks: told in this order.
        model: what is trained.
        **params: of the run.
    """

    def __init__(
        self, callbacks: Iterable[Callback] | Callback | None, model: Any = None, **params: Any
    ) -> None:
        super().__init__()
        given = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or ())
        self.callbacks: list[Callback] = []
        for callback in given:
            self.callbacks += (
                callback.callbacks if isinstance(callback, CallbackList) else [callback]
            )
        self.set_params(params)
        self.set_model(model)

    def append(self, callback: Callback) -> None:
        """Tell this one too, after the others."""
        callback.set_params(self.params)
        callback.set_model(self.model)
        self.callbacks.append(callback)

    def set_params(self, params: Mapping[str, Any]) -> None:
        super().set_params(params)
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        for callback in self.callbacks:
            callback.set_model(model)

    @property
    def wants_batches(self) -> bool:
        return any(callback.wants_batches for callback in self.callbacks)

    @property
    def wants_progress(self) -> bool:
        return any(callback.wants_progress for callback in self.callbacks)

    def __iter__(self) -> Any:
        return iter(self.callbacks)


def _told_to_all(name: str) -> Any:
    def tell(self: CallbackList, *args: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, name)(*args)

    tell.__name__ = name
    return tell


for _name in [name for name in vars(Callback) if name.startswith("on_")]:
    setattr(CallbackList, _name, _told_to_all(_name))
