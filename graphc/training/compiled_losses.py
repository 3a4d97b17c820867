"""The losses of a model's outputs, and their weighted sum."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.losses.by_name import as_loss
from graphc.losses.by_name import get as get_loss
from graphc.losses.loss import Loss
from graphc.metrics.reductions import Mean
from graphc.ops.arithmetic import add, multiply
from graphc.ops.bodies import flatten
from graphc.ops.conversion import to_tensor
from graphc.ops.shaping import shape
from graphc.ops.tensor import Tensor
from graphc.training.output_activations import warn_of_activation
from graphc.training.output_names import for_each_output, labels_of_outputs, named_outputs


class CompiledLosses:
    """What `compile(loss=…, loss_weights=…)` asks for.

    Args:
        loss: a name, a loss or a function; or a list or dictionary of them, one for each output.
        loss_weights: numbers, in the same forms.

    Attributes:
        trackers: of several outputs, the mean loss of each.
        outputs: names of all outputs of the model, once they are known.
        by_output: the losses, once the outputs are known.
        classes: the last size of each output, None where it is not known.
    """

    def __init__(self, loss: Any, loss_weights: Any = None) -> None:
        for named in flatten(loss)[0]:
            if isinstance(named, str):
                get_loss(named)  # says now that there is none of this name
        for weight in flatten(loss_weights)[0]:
            if weight is not None and not isinstance(weight, (int, float, np.number)):
                raise GraphcError(
                    "loss_weights are numbers, one for each output",
                    given=repr(loss_weights)[:200],
                    fix="metrics are named: compile(optimizer, loss, metrics=[…])",
                    origin=capture_origin(),
                )
        self._given, self._weights = loss, loss_weights
        self.trackers: list[Mean] = []
        self.outputs: list[str] = []
        self.by_output: dict[str, Loss] = {}
        self.classes: dict[str, int | None] = {}

    def __call__(
        self, model: Any, y_true: Any, y_pred: Any, sample_weight: Any = None, track: bool = True
    ) -> Tensor | None:
        """The sum of all losses; None where there is nothing to compare."""
        outputs = named_outputs(model, y_pred)
        self.outputs = names = list(outputs)
        losses = for_each_output(self._given, names, "losses")
        wanted = [name for name in names if losses[name] is not None]
        labels = labels_of_outputs(y_true, names, wanted)
        weights = for_each_output(self._weights, names, "loss weights")
        samples = for_each_output(sample_weight, names, "sample weights")
        if len(names) > 1 and not self.trackers:
            self.trackers = [Mean(name=f"{name}_loss") for name in wanted]
        trackers = {tracker.name: tracker for tracker in self.trackers}
        total: Tensor | None = None
        for name, prediction in outputs.items():
            if losses[name] is None:
                continue
            if labels[name] is None:
                raise GraphcError(
                    f"the loss of the output {name!r} needs labels",
                    fix="give y, or compile without a loss for this output",
                    origin=capture_origin(),
                )
            loss = self._loss(name, losses[name], labels[name], prediction)
            size = prediction.shape[-1] if prediction.ndim else None
            self.classes[name] = size if isinstance(size, int) else None
            value = loss(labels[name], prediction, samples[name])
            if track and (tracker := trackers.get(f"{name}_loss")) is not None:
                # a mean over samples: the last batch may have fewer
                batch = to_tensor(shape(prediction)[0], None, value.graph)
                tracker.update_state(value, sample_weight=batch)
            if weights[name] is not None:
                value = multiply(value, float(weights[name]))
            total = value if total is None else add(total, value)
        return total

    def _loss(self, name: str, given: Any, y_true: Tensor, y_pred: Tensor) -> Loss:
        found = self.by_output.get(name)
        if found is None:
            found = self.by_output[name] = as_loss(given, y_true, y_pred)
            warn_of_activation(found, y_pred, name)
        return found
