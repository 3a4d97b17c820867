"""The protocol of callbacks: what is told while a model is trained, evaluated or predicts."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin

if TYPE_CHECKING:
    from graphc.optimizers.optimizer import Optimizer

Logs = dict[str, Any]

Kind = Literal["train", "test", "predict"]


class Callback:
    """Is told of epochs and batches; a subclass overrides what it wants to know.

    As long as no callback overrides a method about batches, many steps run without coming back to
    Python; otherwise each step is told of (or every `steps_per_execution` steps).

    Attributes:
        model: what is trained.
        params: "epochs", "steps" and "verbose" of the run.
        is_told_last: whether it hears of everything after all callbacks for which this is False.
        only_records: whether it takes note of logs and does nothing else, so that an epoch may end
            for it when the next one has begun. Each class says it for itself.
    """

    is_told_last: ClassVar[bool] = False
    only_records: ClassVar[bool] = False

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

    def on_note(self, note: str) -> None:
        """Something that a person should know of a run: what is compiled once more, and why."""

    def batches_until_due(self, kind: Kind) -> int:
        """After how many more batches it must be told; 0 when it need not be told of any."""
        names = (f"on_{kind}_batch_begin", f"on_{kind}_batch_end")
        if kind == "train":
            names += ("on_batch_begin", "on_batch_end")
        return int(any(self._overrides(name) for name in names))

    @property
    def wants_progress(self) -> bool:
        """Whether it would be told now and then how far an epoch is."""
        return self._overrides("on_progress")

    def get_state(self) -> dict[str, Any]:
        """What it must know to go on after an interruption; `BackupAndRestore` keeps it.

        Returns:
            By name: what JSON can say, an array, or a list of arrays.
        """
        return {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `get_state` gave; called after `on_train_begin`."""

    def _overrides(self, name: str) -> bool:
        return name in vars(self) or getattr(type(self), name) is not getattr(Callback, name)


class CallbackList(Callback):
    """Several callbacks as one.

    Args:
        callbacks: told in this order; those that are told last behind the others.
        add_history, add_progbar: accepted for Keras's sake: `fit` adds those that it needs.
        model: what is trained.
        **params: of the run.
    """

    def __init__(
        self,
        callbacks: Iterable[Callback] | Callback | None = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        given: list[Any] = (
            list(callbacks or ())
            if callbacks is None or isinstance(callbacks, Iterable)
            else [callbacks]
        )
        self.callbacks: list[Callback] = []
        for callback in given:
            if not isinstance(callback, Callback):
                raise GraphcError(
                    "this is no callback",
                    given=repr(callback)[:200],
                    expected="objects of graphc.callbacks, or of your subclass of its Callback",
                    fix="make an object: EarlyStopping(), and not the class EarlyStopping"
                    if isinstance(callback, type)
                    else None,
                    origin=capture_origin(),
                )
            self.callbacks += (
                callback.callbacks if isinstance(callback, CallbackList) else [callback]
            )
        self._sort()
        self.set_params(params)
        self.set_model(model)

    def append(self, callback: Callback) -> None:
        """Tell this one too, after the others."""
        callback.set_params(self.params)
        callback.set_model(self.model)
        self.callbacks.append(callback)
        self._sort()

    def _sort(self) -> None:
        self.callbacks.sort(key=lambda callback: callback.is_told_last)

    def set_params(self, params: Mapping[str, Any]) -> None:
        super().set_params(params)
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        for callback in self.callbacks:
            callback.set_model(model)

    def batches_until_due(self, kind: Kind) -> int:
        """When the first of them must be told."""
        found = [callback.batches_until_due(kind) for callback in self.callbacks]
        return min([count for count in found if count], default=0)

    @property
    def wants_progress(self) -> bool:
        return any(callback.wants_progress for callback in self.callbacks)

    @property
    def all_only_record(self) -> bool:
        """Whether nobody among them changes, or looks at, what is trained."""
        return all(vars(type(callback)).get("only_records") for callback in self.callbacks)

    def __iter__(self) -> Any:
        return iter(self.callbacks)


def _told_to_all(name: str) -> Any:
    count = len(inspect.signature(getattr(Callback, name)).parameters) - 1

    def tell(self: CallbackList, *args: Any) -> None:
        given = args if len(args) == count else (*args, {})  # functions of users count on logs
        for callback in self.callbacks:
            getattr(callback, name)(*given)

    tell.__name__ = name
    return tell


for _name in [name for name in vars(Callback) if name.startswith("on_")]:
    setattr(CallbackList, _name, _told_to_all(_name))
