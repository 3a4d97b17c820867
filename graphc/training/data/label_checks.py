"""Labels that no class has, said before they go wrong silently."""

from __future__ import annotations

import numpy as np

from graphc.losses.crossentropy import SparseCategoricalCrossentropy
from graphc.losses.label_shapes import refuse_labels_outside
from graphc.training.compiled_losses import CompiledLosses
from graphc.training.data.batches import Data
from graphc.training.output_names import labels_of_outputs


def check_labels(losses: CompiledLosses | None, data: Data) -> None:
    """Refuse class numbers beyond the outputs of the model.

    Args:
        losses: the compiled losses, once the outputs are known.
        data: x, y and weights.

    Raises:
        GraphcError: a label is below 0 or too large; says the first such sample.
    """
    if losses is None or data[1] is None:
        return
    labels = labels_of_outputs(data[1], list(losses.classes))
    for name, classes in losses.classes.items():
        loss = losses.by_output[name]
        if isinstance(loss, SparseCategoricalCrossentropy) and classes is not None:
            refuse_labels_outside(np.asarray(labels[name]), classes, loss.ignore_class)
