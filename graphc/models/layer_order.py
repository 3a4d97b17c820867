"""The layers of a functional model in Keras's order, which is the order of its weights.

From the inputs to the outputs: by the length of the longest way to an output, and where that is
the same, by the order in which a walk from the outputs meets them.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.layers.layer import Layer
from graphc.layers.layer_call import LayerCall
from graphc.models.replaying import Step, step_inputs, step_of
from graphc.ops.tensor import Tensor


def ordered_layers(
    inputs: Sequence[Tensor], outputs: Sequence[Tensor], steps: Sequence[Step]
) -> list[Layer]:
    """The layers that the steps call, each once, those of the inputs included."""
    graph = outputs[0].graph
    wanted = {id(step) for step in [*steps, *[step_of(tensor) for tensor in inputs]]}
    ends = {tensor.value for tensor in inputs}
    met: dict[int, tuple[int, Step]] = {}
    waiting = list(reversed(outputs))
    while waiting:
        tensor = waiting.pop()
        step = step_of(tensor)
        if id(step) in met or id(step) not in wanted:
            continue
        met[id(step)] = len(met), step
        if tensor.value not in ends:
            waiting += reversed(step_inputs(graph, step))
    depths: dict[int, int] = {}
    for step in reversed(steps):
        depth = depths.setdefault(id(step), 0)
        for tensor in step_inputs(graph, step):
            before = step_of(tensor)
            depths[id(before)] = max(depths.get(id(before), 0), depth + 1)
    by_layer: dict[int, tuple[int, int, Layer]] = {}
    for key, (index, step) in met.items():
        if isinstance(step, LayerCall):
            depth = depths.get(key, 0)
            old_depth, old_index, _ = by_layer.get(id(step.layer), (depth, index, step.layer))
            by_layer[id(step.layer)] = max(depth, old_depth), min(index, old_index), step.layer
    return [layer for *_, layer in sorted(by_layer.values(), key=lambda x: (-x[0], x[1]))]
