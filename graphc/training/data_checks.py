"""Labels that no class has, said before they go wrong silently."""

from __future__ import annotations

import numpy as np

from graphc.errors import FeedError
from graphc.ir.origin import capture_origin
from graphc.losses.crossentropy import SparseCategoricalCrossentropy
from graphc.training.batches import Data
from graphc.training.compiled_losses import CompiledLosses
from graphc.training.output_names import labels_of_outputs


def check_labels(losses: CompiledLosses | None, data: Data) -> None:
    """Refuse class numbers beyond the outputs of the model.

    Args:
        losses: the compiled losses, once the outputs are known.
        data: x, y and weights.

    Raises:
        FeedError: a label is below 0 or too large; says the first such sample.
    """
    if losses is None or data[1] is None:
        return
    labels = labels_of_outputs(data[1], list(losses.classes))
    for name, classes in losses.classes.items():
        loss, array = losses.by_output[name], labels[name]
        if not isinstance(loss, SparseCategoricalCrossentropy) or classes is None:
            continue
        array = np.asarray(array)
        bad = (array < 0) | (array >= classes)
        if (ignored := getattr(loss, "ignore_class", None)) is not None:
            bad &= array != ignored
        if bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            raise FeedError(
                "a label is out of range",
                given=f"y[{', '.join(map(str, place))}] is {array[place]}",
                expected=f"0 to {classes - 1}, as the model has {classes} outputs",
                fix="give the last layer more units, or count classes from 0",
                origin=capture_origin(),
            )
