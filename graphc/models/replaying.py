"""A functional model on other tensors: its layers are called again, plain nodes are copied.

What made a tensor is either a call of a layer, which is repeated with `training` and masks as they
are now, or a node that somebody wrote between layers, which is copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphc.dimensions import Dim, Dimension, equal
from graphc.errors import GraphcError, ShapeError
from graphc.ir.node import Node
from graphc.ir.origin import capture_origin
from graphc.layers.layer_call import LayerCall
from graphc.ops.bodies import flatten, unflatten
from graphc.ops.conversion import outermost
from graphc.ops.dataflow import DataflowGraph, get_default_graph
from graphc.ops.slicing_graphs import symbols_of
from graphc.ops.tensor import Tensor

Step = LayerCall | Node
"""What made a tensor."""


def step_of(tensor: Tensor) -> Step:
    """The call of a layer, or the node, that made a tensor."""
    return tensor.graph.records.calls.get(tensor.value) or tensor.value.node


def step_inputs(graph: DataflowGraph, step: Step) -> list[Tensor]:
    """The tensors that a step was made of."""
    if isinstance(step, LayerCall):
        return step.tensors
    return [graph.tensor(value) for value in step.inputs]


def steps_between(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Step]:
    """The steps from inputs to outputs, in the order in which Keras takes them.

    It matters where a layer is called several times: then each batch normalisation, for example,
    adds to what the one before has left. Steps that no input leads to are left out: their
    results are the same in every call.

    Raises:
        GraphcError: a placeholder that is no input is needed.
    """
    known = {tensor.value for tensor in inputs}
    symbols = {name for tensor in inputs for name in symbols_of(tensor.shape)}
    depends: dict[Any, bool] = {}
    order: list[Step] = []
    waiting: list[tuple[Tensor, bool]] = [(tensor, False) for tensor in reversed(outputs)]
    while waiting:
        tensor, is_ready = waiting.pop()
        step = step_of(tensor)
        if tensor.value in known or (step in depends and not is_ready):
            continue
        needed = step_inputs(tensor.graph, step)
        if is_ready:
            if step not in depends:
                depends[step] = any(
                    t.value in known or depends[step_of(t)] for t in needed
                ) or not symbols.isdisjoint(_symbols_in(step))
                if depends[step]:
                    order.append(step)
            continue
        if _is_placeholder(step):
            raise GraphcError(
                "the outputs of the model need an input that is not among its inputs",
                given=f"the placeholder {tensor.name!r}",
                fix="name it among the inputs",
                origin=tensor.origin,
            )
        waiting.append((tensor, True))
        waiting += [(t, False) for t in reversed(needed)]
    return _deepest_first(order, outputs[0].graph)


def _deepest_first(steps: Sequence[Step], graph: DataflowGraph) -> list[Step]:
    """Steps by the length of the longest way to an output, later ones first where it is the same.

    Args:
        steps: each after those that it needs.
        graph: that they are in.
    """
    known = set(steps)
    depths: dict[Step, int] = {}
    for step in reversed(steps):
        depth = depths.setdefault(step, 0)
        for before in map(step_of, step_inputs(graph, step)):
            if before in known:
                depths[before] = max(depths.get(before, 0), depth + 1)
    return sorted(depths, key=lambda step: -depths[step])


def _symbols_in(step: Step) -> set[str]:
    """Those in the shapes that a copied node writes down, such as that of a broadcast constant."""
    if isinstance(step, LayerCall):
        return set()
    return {name for value in step.outputs for name in symbols_of(value.type.shape)}


def _is_placeholder(step: Step) -> bool:
    node = step.results[0].value.node if isinstance(step, LayerCall) else step
    return node.op.name == "input" and node.attributes["kind"] == "feed"


def replay(
    steps: Sequence[Step],
    inputs: Sequence[Tensor],
    given: Sequence[Tensor],
    outputs: Sequence[Tensor],
) -> list[Tensor]:
    """The outputs where `given` stand in the place of the inputs.

    Args:
        steps: what `steps_between` found.
        inputs: what the model was built on.
        given: as many tensors, of shapes that fit.
        outputs: of the model.

    Raises:
        ShapeError: a given tensor does not fit its input.
    """
    mapped = {old.value: new for old, new in zip(inputs, given, strict=True)}
    sizes = _sizes(inputs, given)
    for step in steps:
        if isinstance(step, LayerCall):
            made: list[Tensor] = _call_again(step, mapped)
            old = [tensor.value for tensor in step.results]
        else:
            made = _copy(step, mapped, sizes)
            old = list(step.outputs)
        mapped.update(zip(old, made, strict=True))
    return [mapped.get(tensor.value, tensor) for tensor in outputs]


def _call_again(call: LayerCall, mapped: Mapping[Any, Tensor]) -> list[Tensor]:
    leaves, tree = flatten(call.given)
    new = [mapped.get(x.value, x) if isinstance(x, Tensor) else x for x in leaves]
    outputs = call.repeated(unflatten(tree, new))
    return [leaf for leaf in flatten(outputs)[0] if isinstance(leaf, Tensor)]


def _copy(node: Node, mapped: Mapping[Any, Tensor], sizes: dict[str, Dimension]) -> list[Tensor]:
    graph = get_default_graph()
    if node.regions and sizes:
        raise GraphcError(
            f"the {node.op.name} of this model works for batches of its own inputs only",
            fix="write it in a Layer's call, which is called again on other tensors",
            origin=node.origin,
        )
    attributes = node.attributes
    if sizes:
        attributes = node.op.attributes.substitute(attributes, sizes)  # type: ignore[arg-type]
    operands = [_tensor_of(value, mapped, graph) for value in node.inputs]
    name = node.name.rpartition("/")[2]
    return list(graph.add(node.op, operands, attributes, node.regions, name, node.origin))


def _tensor_of(value: Any, mapped: Mapping[Any, Tensor], graph: DataflowGraph) -> Tensor:
    found = mapped.get(value)
    return outermost(graph).tensor(value) if found is None else found


def _sizes(inputs: Sequence[Tensor], given: Sequence[Tensor]) -> dict[str, Dimension]:
    """What the symbols in the shapes of the inputs are in those of the given tensors."""
    found: dict[str, Dimension] = {}
    for old, new in zip(inputs, given, strict=True):
        fits = old.ndim == new.ndim and all(_fit(old.shape, new.shape))
        if not fits:
            raise ShapeError(
                "the input does not fit the model",
                given=new.value.type,
                expected=f"{old.value.type}, as in {old.name!r}",
                fix=_how_to_fit(old, new),
                origin=capture_origin(),
            )
        for size, now in zip(old.shape, new.shape, strict=True):
            if isinstance(size, Dim) and size is not now and len(size.symbols) == 1:
                found.setdefault(next(iter(size.symbols)), now)
    return found


def _how_to_fit(old: Tensor, new: Tensor) -> str:
    if new.ndim == old.ndim - 1:
        missing = [i for i in range(old.ndim) if (*new.shape[:i], 1, *new.shape[i:]) == old.shape]
        if missing:
            return f"numpy.expand_dims(x, {missing[0]}) adds the axis of one element"
        return "the first axis counts samples: x[None] is a batch of one sample"
    sizes = ", ".join("samples" if isinstance(size, Dim) else str(size) for size in old.shape)
    return f"give arrays of shape ({sizes}), or make the model for inputs of this shape"


def _fit(old: Sequence[Dimension], new: Sequence[Dimension]) -> Iterator[bool]:
    for size, now in zip(old, new, strict=True):
        yield isinstance(size, Dim) or isinstance(now, Dim) or equal(size, now) is not False
