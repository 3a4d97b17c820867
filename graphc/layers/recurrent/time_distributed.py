"""One layer on every step of a sequence."""

from __future__ import annotations

import inspect
from typing import Any

from graphc.dimensions import equal
from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.layers.recurrent.step_losses import StepLosses
from graphc.layers.structure.wrapper import Wrapper
from graphc.ops.bodies import flatten, unflatten
from graphc.ops.context import collected_updates
from graphc.ops.mapping import map, vectorized_map
from graphc.ops.shaping import swapaxes
from graphc.ops.tensor import Tensor


class TimeDistributed(Wrapper):
    """A layer on every step: f32[batch, steps, …] to the layer's results, [batch, steps, …].

    All steps are computed at once. Where the layer sets variables, as a batch normalization does
    in training, they go one after another.

    Args:
        layer: what is done with a step, f32[batch, …].
        **kwargs: see `Layer`.
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        super().build(_of_a_step(input_shape))

    def call(self, inputs: Any, mask: Any = None) -> Any:
        leaves, tree = flatten(inputs)
        masks = flatten(mask)[0]
        for tensor in leaves:
            if tensor.ndim < 3:
                raise _no_sequence(str(tensor.value.type))
            for each in masks:
                _require_fit(each, tensor)
        takes_mask = "mask" in inspect.signature(self.layer.call).parameters
        of_steps = [swapaxes(each, 0, 1) for each in masks if takes_mask]
        losses = StepLosses(self.layer._flatten_layers())

        def step(given: Any) -> Any:
            x, mask_of_step = given
            more = {"mask": mask_of_step[0]} if mask_of_step else {}
            return self.layer(unflatten(tree, x), **more), losses.take()

        steps = [swapaxes(leaf, 0, 1) for leaf in leaves], of_steps
        with collected_updates([]) as updates:
            outputs, stacked = vectorized_map(step, steps, name="steps")
        if updates:  # all at once they would have no order; nothing uses what was just made
            outputs, stacked = map(step, steps, name="steps")
        losses.give(stacked)
        results, structure = flatten(outputs)
        return unflatten(structure, [swapaxes(result, 0, 1) for result in results])


def _of_a_step(shape: Any) -> Any:
    if isinstance(shape, dict):
        return {name: _of_a_step(item) for name, item in shape.items()}
    if isinstance(shape, list) or (shape and isinstance(shape[0], (tuple, list, dict))):
        return type(shape)([_of_a_step(item) for item in shape])
    if len(shape) < 3:
        raise _no_sequence(str(tuple(shape)))
    return (shape[0], *shape[2:])


def _no_sequence(given: str) -> ShapeError:
    return ShapeError(
        "TimeDistributed goes over the steps of a sequence",
        given=given,
        expected="at least three axes: batch, steps, and what each step holds",
        origin=capture_origin(),
    )


def _require_fit(mask: Tensor, inputs: Tensor) -> None:
    sizes = zip(mask.shape[:2], inputs.shape[:2], strict=True) if mask.ndim >= 2 else ()
    if mask.ndim < 2 or any(equal(mine, theirs) is False for mine, theirs in sizes):
        raise ShapeError(
            "the mask of TimeDistributed does not fit its inputs",
            given=f"mask {mask.value.type}, inputs {inputs.value.type}",
            expected="bool[batch, steps]",
            origin=capture_origin(),
        )
