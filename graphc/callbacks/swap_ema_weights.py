"""Evaluation with the running averages of weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphc.callbacks.callback import Callback, Logs
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.ops.context import session_of


class SwapEMAWeights(Callback):
    """Puts averages in the place of weights while a model is evaluated or predicts; as in Keras.

    The optimizer keeps them with `use_ema=True` (Polyak averaging).

    Args:
        swap_on_epoch: also between the end of an epoch and the beginning of the next, for callbacks
            that save weights there.

    Raises:
        GraphcError: the optimizer keeps no averages.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._are_averages = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._let(are_averages=False)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._let(are_averages=True)
            if epoch == self.params.get("epochs", 0) - 1:
                # The end of fit sets weights to averages: those that are in the weights now.
                values = session_of(self.model.graph).run([v for v, _ in self._pairs()])
                self._set({average: value for (_, average), value
                           in zip(self._pairs(), values, strict=True)})  # fmt: skip

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._let(are_averages=True)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._let(are_averages=False)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._let(are_averages=True)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._let(are_averages=False)

    def _pairs(self) -> list[tuple[Any, Any]]:
        optimizer = self.model.optimizer
        found = [(v, optimizer.average_of(v)) for v in self.model.trainable_variables]
        pairs = [(variable, average) for variable, average in found if average is not None]
        if not pairs:
            raise GraphcError(
                "SwapEMAWeights needs averages, and the optimizer keeps none",
                given=repr(optimizer),
                fix="give the optimizer use_ema=True, and fit the model first",
                origin=capture_origin(),
            )
        return pairs

    def _let(self, are_averages: bool) -> None:
        if self._are_averages == are_averages:
            return
        pairs = self._pairs()
        values = session_of(self.model.graph).run(pairs)
        swapped: dict[Any, Any] = {}
        for (variable, average), (value, mean) in zip(pairs, values, strict=True):
            swapped |= {variable: mean, average: value}
        self._set(swapped)
        self._are_averages = are_averages

    def _set(self, values: dict[Any, Any]) -> None:
        session: Any = session_of(self.model.graph)
        session.set_variables(values)

    def get_state(self) -> dict[str, Any]:
        return {"are_averages": self._are_averages}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self._are_averages = state["are_averages"]
