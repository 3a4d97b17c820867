"""The arguments of a layer's `call`: bound to names, made tensors, completed with masks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc.dtypes import DType
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.ops.bodies import flatten, unflatten
from graphc.ops.conversion import cast_to, to_tensor
from graphc.ops.dataflow import DataflowGraph, get_default_graph
from graphc.ops.known_shapes import known_shapes
from graphc.ops.masks import mask_of
from graphc.ops.sources import placeholder
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable

if TYPE_CHECKING:
    from graphc.layers.layer import Layer


class CallArguments:
    """What one `call` takes.

    Args:
        call: the bound method.

    Attributes:
        default_training: what `training` is where nobody says; None where `call` leaves it open.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        self._signature = inspect.signature(call)
        self._names = list(self._signature.parameters)
        self._takes_training = "training" in self._names
        default = self._signature.parameters["training"].default if self._takes_training else None
        self.default_training = default if isinstance(default, bool) else None

    def bind(
        self, layer: Layer, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[bool | None, dict[str, Any]]:
        """Whether the caller says that this is training, and the given arguments by name."""
        rest = dict(kwargs)
        if not self._takes_training:
            training = rest.pop("training", None)
        if "mask" not in self._names and rest.get("mask", 0) is None:
            del rest["mask"]
        try:
            bound = self._signature.bind(*args, **rest)
        except TypeError as problem:
            raise TypeError(f"the layer {layer.name!r} was called wrongly: {problem}") from None
        given = dict(bound.arguments)
        if self._takes_training:
            training = given.pop("training", None)
        if training is not None and not isinstance(training, (bool, np.bool_, int)):
            raise GraphcError(
                f"training= of the layer {layer.name!r} is decided while the graph is built",
                given=repr(training),
                expected="True, False or None",
                fix="build both forms, and choose by graphc.cond",
                origin=capture_origin(),
            )
        return None if training is None else bool(training), given

    def as_tensors(
        self, given: Mapping[str, Any], graph: DataflowGraph, dtype: DType | None
    ) -> dict[str, Any]:
        """The arguments with arrays and variables as tensors; floats of another type are cast."""
        made: dict[str, Any] = {}
        for position, (name, value) in enumerate(given.items()):
            leaves, tree = flatten(value)
            is_data = not any(isinstance(leaf, (Tensor, Variable, np.ndarray)) for leaf in leaves)
            if position == 0 and is_data and all(isinstance(x, (bool, int, float)) for x in leaves):
                leaves, tree = flatten(np.asarray(value))
            made[name] = unflatten(tree, [_as_tensor(leaf, graph, dtype) for leaf in leaves])
        return made

    def shapes(self, layer: Layer, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of `build`."""
        names = list(inspect.signature(layer.build).parameters)
        if len(names) <= 1:
            first = next(iter(given.values()), ())
            return {name: known_shapes(first) for name in names}
        known = {f"{name}_shape": known_shapes(value) for name, value in given.items()}
        return {name: known[name] for name in names if name in known}

    def completed(
        self, given: Mapping[str, Any], training: bool | None
    ) -> tuple[inspect.BoundArguments, Any]:
        """All arguments of `call`, with masks and `training`; and the mask of the first.

        As in Keras 3, `mask` is that of the only argument with tensors. Where there are more, each
        has a `…_mask`: a recurrent layer that is given states does not heed the mask of its input.
        """
        full = dict(given)
        first = next(iter(given), None)
        holding = {name: value for name, value in given.items() if _holds_tensors(value)}
        for name, value in holding.items():
            wanted = "mask" if len(holding) == 1 else f"{name}_mask"
            if wanted in self._names and full.get(wanted) is None:
                full[wanted] = _masks(value)
        previous = full.get("mask")
        if previous is None and first is not None:
            previous = _masks(given[first])
        if self._takes_training:
            full["training"] = bool(training)
        bound = inspect.BoundArguments(self._signature, {})  # type: ignore[arg-type]
        ordered = {name: full[name] for name in self._names if name in full}
        bound.arguments.update(ordered)
        return bound, previous

    def output_shape(self, layer: Layer, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Shapes out for shapes in, by a call on placeholders that is taken back."""
        graph = get_default_graph()
        if not layer.built:
            layer.build(*args, **kwargs)
        calls = layer._first_call
        mark = graph.marks.take()
        try:
            made = [_placeholders(shape, layer) for shape in args]
            names = {name.removesuffix("_shape"): v for name, v in kwargs.items()}
            outputs = layer(*made, **{name: _placeholders(v, layer) for name, v in names.items()})
            return known_shapes(outputs)
        finally:
            layer._first_call = calls
            graph.marks.go_back(mark)
            graph.marks.release()


def _holds_tensors(structure: Any) -> bool:
    return any(isinstance(leaf, Tensor) for leaf in flatten(structure)[0])


def _as_tensor(leaf: Any, graph: DataflowGraph, dtype: DType | None) -> Any:
    if isinstance(leaf, (Tensor, Variable, np.ndarray, np.generic)) or hasattr(leaf, "__array__"):
        leaf = to_tensor(leaf, None, graph)
    if isinstance(leaf, Tensor) and dtype is not None and leaf.dtype.is_floating:
        return leaf if leaf.dtype is dtype else _cast(leaf, dtype)
    return leaf


def _cast(tensor: Tensor, dtype: DType) -> Tensor:
    made = cast_to(tensor, dtype)
    mask = mask_of(tensor)
    if mask is not None:
        made.graph.records.masks[made.value] = mask
    return made


def _masks(structure: Any) -> Any:
    """Masks in the place of tensors; None where there is none at all."""
    leaves, _ = flatten(structure)
    if all(mask_of(leaf) is None for leaf in leaves):
        return None
    if isinstance(structure, Mapping):
        return {name: _masks(item) for name, item in structure.items()}
    if isinstance(structure, (list, tuple)):
        return [_masks(item) for item in structure]
    return mask_of(structure)


def _placeholders(shape: Any, layer: Layer) -> Any:
    if isinstance(shape, Mapping):
        return {name: _placeholders(item, layer) for name, item in shape.items()}
    if isinstance(shape, (list, tuple)) and any(isinstance(s, (list, tuple)) for s in shape):
        return [_placeholders(item, layer) for item in shape]
    return None if shape is None else placeholder(layer.compute_dtype, list(shape))
