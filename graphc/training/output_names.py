"""The outputs of a model by name, and what is given for each of them in any of Keras's forms."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from graphc.errors import GraphcError, did_you_mean
from graphc.ir.origin import capture_origin
from graphc.ops.tensor import Tensor


def named_outputs(model: Any, y_pred: Any) -> dict[str, Tensor]:
    """Predictions by name: their keys, else the names of the layers that made them."""
    if isinstance(y_pred, Mapping):
        return dict(y_pred)
    if not isinstance(y_pred, (list, tuple)):
        return {"output": y_pred}
    names: list[str] = []
    made = getattr(model, "outputs", None)
    if isinstance(made, list) and len(made) == len(y_pred):
        for tensor in made:
            call = tensor.graph.records.calls.get(tensor.value)
            names.append(call.layer.name if call is not None else tensor.op.name)
    if len(set(names)) != len(y_pred):
        names = [f"output_{number}" for number in range(len(y_pred))]
    return dict(zip(names, y_pred, strict=True))


def for_each_output(given: Any, names: Sequence[str], what: str) -> dict[str, Any]:
    """What belongs to each output, None where nothing does.

    Args:
        given: one thing for the only output, or for all; a list in order; or a dictionary by name.
        names: of the outputs.
        what: what it is called in errors.

    Raises:
        GraphcError: a name is unknown, or there are more or fewer than outputs.
    """
    if isinstance(given, Mapping):
        for name in given:
            if name not in names:
                raise GraphcError(
                    f"{what} are given for {name!r}, which is no output",
                    fix=did_you_mean(str(name), names),
                    origin=capture_origin(),
                )
        return {name: given.get(name) for name in names}
    if isinstance(given, (list, tuple)):
        if len(given) != len(names):
            raise GraphcError(
                f"the model has {len(names)} outputs, so it takes as many {what}",
                given=f"{len(given)} of them",
                expected=f"one for each of {', '.join(map(repr, names))}",
                origin=capture_origin(),
            )
        return dict(zip(names, given, strict=True))
    return dict.fromkeys(names, given)


def labels_of_outputs(
    y_true: Any, names: Sequence[str], with_loss: Collection[str]
) -> dict[str, Any]:
    """Labels by the names of outputs, None where there are none.

    Args:
        y_true: of one output; or a list in order, or a dictionary by name.
        names: of the outputs.
        with_loss: those that have a loss: if there is one, labels that stand alone are its.

    Raises:
        GraphcError: there are labels for one of several outputs, or for what is no output.
    """
    if y_true is not None and not isinstance(y_true, (Mapping, list, tuple)):
        meant = names if len(names) == 1 else list(with_loss)
        if len(meant) == 1:
            return {**dict.fromkeys(names), meant[0]: y_true}
        raise GraphcError(
            f"the model has {len(names)} outputs, and labels are given for one",
            given=f"one array, of shape {tuple(y_true.shape)}",
            expected=f"labels for each of {', '.join(map(repr, names))}",
            fix="give a list or a dictionary of labels; None where an output has no loss",
            origin=capture_origin(),
        )
    return for_each_output(y_true, names, "labels")
