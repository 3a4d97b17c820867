"""Labels that no class has, and numbers of rows that no table has, said before they go wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.losses.crossentropy import SparseCategoricalCrossentropy
from graphc.losses.label_shapes import refuse_fractions, refuse_labels_outside
from graphc.ops.bodies import flatten
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
    labels = labels_of_outputs(data[1], losses.outputs, losses.classes)
    for name, classes in losses.classes.items():
        loss = losses.by_output[name]
        if isinstance(loss, SparseCategoricalCrossentropy) and classes is not None:
            numbers = np.asarray(labels[name])
            refuse_fractions(numbers)
            refuse_labels_outside(numbers, classes, loss.ignore_class)


def check_rows(limits: Sequence[tuple[str, int] | None], data: Data) -> None:
    """Refuse numbers of rows that an `Embedding` does not have; those below 0 count from the end.

    Args:
        limits: for each array of the data, the name of the layer and how many rows it has, or None.
        data: x, y and weights.

    Raises:
        GraphcError: a number is out of range; says the first one.
    """
    for limit, leaf in zip(limits, flatten(data)[0], strict=True):
        if limit is None or not leaf.size:
            continue
        name, rows = limit
        numbers = np.asarray(leaf)
        outside = None
        if numbers.max() >= rows or numbers.min() < -rows:
            outside = np.argwhere((numbers >= rows) | (numbers < -rows))[0]
        if outside is not None:
            place = tuple(int(index) for index in outside)
            raise GraphcError(
                f"the layer {name!r} has no row of this number",
                given=f"{numbers[place]} at position {place} of its inputs",
                expected=f"numbers from 0 to {rows - 1}",
                fix="make input_dim the largest number plus one, or give rare words one number",
                origin=capture_origin(),
            )
