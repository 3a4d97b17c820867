"""An end of training when the loss is no number any more."""

from __future__ import annotations

import math

from graphc.callbacks.callback import Callback, Logs
from graphc.callbacks.messages import tell
from graphc.errors import NumericsError
from graphc.ir.origin import capture_origin


class TerminateOnNaN(Callback):
    """Ends training after the first batch whose loss is NaN or infinite; as in Keras.

    It hears of each batch, so each is a run of its own: `NumericsError`s of a session with
    `check_numerics` say more, and `fit` itself names the place in the data.

    Args:
        raise_error: raise an error instead.

    Raises:
        NumericsError: if `raise_error`.
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise NumericsError(
                f"the loss is {loss} at batch {batch}",
                fix="a smaller learning rate, or clipnorm; are there NaNs in the data?",
                origin=capture_origin(),
            )
        tell(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
