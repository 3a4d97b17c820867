"""Losses that do not fit the last activation of a model: they learn, and badly, without a word."""

from __future__ import annotations

from typing import Any, Final

from graphc.ir.origin import warn_user
from graphc.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
from graphc.losses.loss import Loss
from graphc.ops.tensor import Tensor

_GIVE_PROBABILITIES: Final = {"softmax": "softmax", "logistic": "sigmoid"}
_LINEAR: Final = frozenset({"dot_general", "convolution"})
_CROSS_ENTROPIES: Final = (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)


def warn_of_activation(loss: Loss, prediction: Tensor, output: str) -> None:
    """Warn where a loss takes logits and gets probabilities, or the other way around.

    Args:
        loss: of the output.
        prediction: what the model gives.
        output: its name.
    """
    last = _last_op(prediction)
    if last == "softmax" and prediction.shape[-1] == 1:
        warn_user(
            f"the output {output!r} is a softmax over one number, which is always 1; "
            'take activation="sigmoid", or a unit for each class'
        )
    if not isinstance(loss, _CROSS_ENTROPIES):
        return
    if _takes_logits(loss) and last in _GIVE_PROBABILITIES:
        warn_user(
            f"the loss {loss.name!r} takes logits (from_logits=True), and the output {output!r} "
            f"ends in a {_GIVE_PROBABILITIES[last]}; drop from_logits, or that activation"
        )
    if not _takes_logits(loss) and last in _LINEAR:
        warn_user(
            f"the loss {loss.name!r} takes probabilities, and the output {output!r} has no "
            "activation; say from_logits=True, or end with a sigmoid or softmax"
        )


def _takes_logits(loss: Any) -> bool:
    return bool(getattr(loss, "from_logits", False))


def _last_op(tensor: Tensor) -> str:
    """The op that a tensor is the result of: casts, and the bias of a linear layer, aside."""
    node = tensor.value.node
    while node.op.name in ("convert", "add", "reshape", "broadcast_in_dim") and node.inputs:
        node = node.inputs[0].node
    return node.op.name
