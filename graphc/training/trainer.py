"""What a model can do beside being called: `fit`, `evaluate`, `predict`."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphc.callbacks import CallbackList, History, ProgbarLogger
from graphc.errors import FeedError
from graphc.ir.origin import capture_origin
from graphc.ops.bodies import flatten, unflatten
from graphc.ops.context import session_of
from graphc.ops.tensor import Operation
from graphc.ops.variable import Variable
from graphc.optimizers.optimizer import Optimizer
from graphc.session.session import Session
from graphc.training.data.arrays import as_arrays
from graphc.training.data.batches import ArrayBatches, Batches, as_batches, is_stream, split_off
from graphc.training.data.groups import Group
from graphc.training.data.label_checks import check_labels
from graphc.training.fitting import (
    Epochs,
    Position,
    kept_from_bad_data,
    run_epoch,
    run_epochs_together,
    tell_of,
)
from graphc.training.trained_layer import TrainedLayer
from graphc.training.training_state import TrainingState


class Trainer(TrainedLayer):
    """The part of `Model` that takes data."""

    # -- fit, evaluate, predict ------------------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
    ) -> History:
        """Train for some epochs; Keras's arguments.

        What the arrays hold when it begins is what is trained on. A batch that is smaller than the
        others counts for just its samples: it is filled up to share their program where no sample
        sees another; else the step is compiled for it too, which `notes` of the history and the
        log tell of.

        Args:
            x: arrays [samples, …] (one, a list or a dictionary for several inputs), or an iterable
                of batches (x, y) or (x, y, weights): a generator, a list-like object, a loader.
            y: labels [samples, …]; for several outputs a list or a dictionary.
            batch_size: samples in a batch; 32 by default.
            epochs: the number of the last epoch.
            verbose: 0 silent, 1 a progress bar, 2 a line per epoch; "auto" is 1 on a terminal.
            callbacks: told of epochs and batches.
            validation_split: the part of the samples, the last ones, that is kept for validation.
            validation_data: (x, y), (x, y, weights) or an iterable, evaluated after an epoch.
            shuffle: take the samples in another order in each epoch, which hangs on the session's
                seed (`utils.set_random_seed`, `Session(seed=…)`); of a `PyDataset`, or what else
                has a length and gives batches by number, the batches.
            class_weight: weights by class number.
            sample_weight: weights of samples [samples].
            initial_epoch: epochs before this one are done already.
            steps_per_epoch: batches in an epoch of an iterable; for arrays, its upper limit.
            validation_steps: batches of a validation.
            validation_batch_size: samples in a batch of a validation.
            validation_freq: after how many epochs there is a validation, or after which ones.

        Returns:
            The history: `history.history["loss"]` is a list by epoch.

        Raises:
            FeedError: the data do not fit together.
            GraphcError: the model is not compiled.
            NumericsError: the loss is not finite, because the data are not.
        """
        self._require_compiled("fit")
        _require_counts(epochs=epochs, initial_epoch=initial_epoch)
        if validation_split and validation_data is None:
            x, y, sample_weight, validation_data = _split(x, y, sample_weight, validation_split)
        own_session: Any = session_of(self.graph)
        seed = own_session.store.seed_of_orders()
        data = as_batches(
            x, y, sample_weight, class_weight, batch_size, shuffle, steps_per_epoch, seed
        )
        if isinstance(data, ArrayBatches):
            data.draw_early(initial_epoch)
        if isinstance(data, ArrayBatches) and batch_size is not None and batch_size > data.size:
            warnings.warn(
                f"batch_size={batch_size} is larger than the data, which are {data.size} samples: "
                f"there is one batch of {data.size}; give a batch_size of at most that",
                stacklevel=2,
            )
        validation = _as_validation(validation_data, validation_batch_size or batch_size,
                                    validation_steps)  # fmt: skip
        told = self._callbacks(callbacks, verbose, epochs=epochs, steps=data.batches)
        history = next(each for each in told if isinstance(each, History))
        with self._opened() as session, contextlib.ExitStack() as stack:
            self.stop_training = False
            training = self._prepare("train", data, session)
            stack.enter_context(kept_from_bad_data(self._trained_variables, session, data))
            validating: Epochs | None = None
            state = self.training_state = TrainingState(
                self, training.program.loop.program, data, session, told, initial_epoch
            )
            told.on_train_begin()
            logs: dict[str, Any] = {}
            if validation is None and told.all_only_record:
                logs = run_epochs_together(self, training, told, state, epochs)
            while state.epoch < epochs and not self.stop_training and not data.has_ended:
                epoch = state.epoch
                told.on_epoch_begin(epoch)
                logs = run_epoch(self, training, told, state, epoch + 1 < epochs)
                if data.has_ended:
                    break
                if validation is not None and _is_due(epoch, validation_freq):
                    validating = validating or self._prepare("test", validation, session)
                    told.on_test_begin()
                    found = run_epoch(self, validating, told, Position())
                    told.on_test_end(found)
                    logs = {**logs, **{f"val_{name}": value for name, value in found.items()}}
                state.begin_epoch(epoch + 1)
                told.on_epoch_end(epoch, logs)
            self._set_averages(session)
            told.on_train_end(logs)
            training.program.let_go_of(data)
            if validating is not None:
                validating.program.let_go_of(validating.data)
        self.training_state = None
        return history

    def _trained_variables(self) -> list[Variable]:
        return [*self.variables, *getattr(self.optimizer, "variables", ())]

    training_state: TrainingState | None = None
    """Where the `fit` under way stands; callbacks save and restore it."""
    _averages: Operation | None = None

    def _set_averages(self, session: Session) -> None:
        """Let the weights be their running averages, where the optimizer keeps some."""
        if isinstance(self.optimizer, Optimizer) and self.optimizer.options.use_ema:
            if self._averages is None:
                variables = self.trainable_variables
                self._averages = self.optimizer.finalize_variable_values(variables)
            session.run(self._averages)

    def _callbacks(self, callbacks: Any, verbose: Any, **params: Any) -> CallbackList:
        """The given callbacks, with a history and a progress bar."""
        if isinstance(callbacks, CallbackList):
            return callbacks
        if verbose == "auto":
            verbose = 1 if sys.stdout.isatty() else 2
        told = CallbackList(callbacks, model=self, verbose=int(verbose), **params)
        if not any(isinstance(each, History) for each in told):
            told.append(History())
        if verbose and not any(isinstance(each, ProgbarLogger) for each in told):
            told.append(ProgbarLogger())
        return told

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss and the metrics on data; arguments as in `fit`.

        Returns:
            A number, a list of numbers in the order of `metrics`, or a dictionary by name.
        """
        self._require_compiled("evaluate")
        data = as_batches(x, y, sample_weight, None, batch_size, False, steps)
        told = self._callbacks(callbacks, 0 if verbose == "auto" else verbose, steps=data.batches)
        with self._opened() as session:
            testing = self._prepare("test", data, session)
            told.on_test_begin()
            logs = run_epoch(self, testing, told, Position())
            told.on_test_end(logs)
            testing.program.let_go_of(data)
        return _plainly(logs, return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The outputs for data: NumPy arrays [samples, …]; arguments as in `fit`."""
        data = as_batches(x, None, None, None, batch_size, False, steps)
        told = self._callbacks(callbacks, 0 if verbose == "auto" else verbose, steps=data.batches)
        tells_batches = told.batches_until_due("predict") > 0
        parts: list[tuple[list[Any], int | None]] = []
        with self._opened() as session:
            program = self._program("predict", data.sample, session)
            told.on_predict_begin()
            for group in data.epoch(fills=program.fills(data)):
                tell_of(group, program, told)
                for batch in range(group.batches):
                    told.on_predict_batch_begin(len(parts))
                    parts.append((program.run(group, batch, 1), _samples_in(group, batch)))
                    if tells_batches:  # or nobody waits for the outputs of this batch
                        told.on_predict_batch_end(len(parts) - 1, {"outputs": _counted(*parts[-1])})
                    told.on_progress(len(parts), data.batches, {})
            told.on_predict_end()
        outputs, tree = flatten(program.outputs)
        found = [_counted(*part) for part in parts]
        whole = [np.concatenate([part[i] for part in found]) for i in range(len(outputs))]
        return unflatten(tree, whole)

    # -- single batches --------------------------------------------------------------------------

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step of training on these samples; their metrics, as in Keras 3.15."""
        self._require_compiled("train")
        return self._on_batch("train", x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One step of evaluation on these samples; their metrics, as in Keras 3.15."""
        self._require_compiled("evaluate")
        return self._on_batch("test", x, y, sample_weight, None, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for these samples, as one batch."""
        return self.predict(x, batch_size=max(1, len(flatten(x)[0][0])))

    def _on_batch(
        self, kind: Any, x: Any, y: Any, weights: Any, class_weight: Any, return_dict: bool
    ) -> Any:
        if is_stream(x):
            raise FeedError("a single batch is arrays", given=repr(x)[:200])
        leaves = flatten(as_arrays(x, "x"))[0]
        size = len(leaves[0]) if leaves and leaves[0].ndim else 1
        data = as_batches(x, y, weights, class_weight, batch_size=size or None)
        with self._opened() as session:
            program = self._program(kind, data.sample, session)
            check_labels(self._losses, data.sample)
            self.reset_metrics()
            for group in data.epoch():
                program.run(group)
            return _plainly(program.logs(), return_dict)


def _samples_in(group: Group, batch: int) -> int | None:
    """How many samples of a batch that was filled up count; None where all do."""
    return None if group.samples is None else int(group.samples[batch])


def _counted(outputs: list[Any], samples: int | None) -> list[Any]:
    """Predictions [1, …] for the samples of a batch that count."""
    found = [np.asarray(output)[0] for output in outputs]
    return found if samples is None else [output[:samples] for output in found]


def _plainly(logs: dict[str, Any], return_dict: bool) -> Any:
    if return_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values


def _split(x: Any, y: Any, sample_weight: Any, fraction: float) -> tuple[Any, Any, Any, Any]:
    if is_stream(x):
        raise FeedError(
            "validation_split is for arrays",
            given="an iterable of batches",
            fix="give validation_data",
            origin=capture_origin(),
        )
    data = as_batches(x, y, sample_weight, batch_size=1).sample
    kept, validation = split_off(data, fraction)
    return (*kept, validation)


def _as_validation(given: Any, batch_size: int | None, steps: int | None) -> Batches | None:
    if given is None:
        return None
    if isinstance(given, (list, tuple)):
        if not 1 <= len(given) <= 3:
            raise FeedError(
                "validation_data is (x, y), (x, y, weights) or an iterable of batches",
                given=f"{len(given)} things",
                origin=capture_origin(),
            )
        x, y, weights = (*given, None, None)[:3]
        return as_batches(x, y, weights, None, batch_size, False, steps)
    if isinstance(given, np.ndarray):
        raise FeedError(
            "validation_data is (x, y), (x, y, weights) or an iterable of batches",
            given=f"one array, of shape {given.shape}",
            fix="validation_data=(x, y)",
            origin=capture_origin(),
        )
    return as_batches(given, steps=steps)


def _require_counts(**counts: Any) -> None:
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 0:
            raise FeedError(
                f"{name} is a number of epochs",
                given=f"{name}={count!r}",
                expected="a whole number",
                origin=capture_origin(),
            )


def _is_due(epoch: int, frequency: int | Sequence[int]) -> bool:
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency
