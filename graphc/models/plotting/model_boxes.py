"""The boxes and edges of a model, as Keras's `plot_model` draws them: a box for each layer."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.layers.input_layer import InputLayer
from graphc.layers.layer import Layer
from graphc.layers.layer_call import LayerCall
from graphc.models.functional import Functional
from graphc.models.model import Model
from graphc.models.plotting.boxes import BLACK, GREEN, RED, WHITE, Box, Cell, Edge, Group
from graphc.models.replaying import Step, step_inputs, step_of
from graphc.models.sequential import Sequential
from graphc.ops.bodies import flatten
from graphc.ops.known_shapes import known_shapes
from graphc.ops.tensor import Tensor


@dataclass(frozen=True)
class Shown:
    """What the boxes say; the names are those of `plot_model`'s arguments."""

    show_shapes: bool = False
    show_dtype: bool = False
    show_layer_names: bool = False
    expand_nested: bool = False
    show_layer_activations: bool = False
    show_trainable: bool = False


def boxes_of(model: Model, shown: Shown) -> Group:
    """The boxes of a model and their edges.

    A layer that is called several times is one box. A subclassed model is one box too: only its
    `call` knows what happens inside.

    Raises:
        GraphcError: the model is not built.
    """
    if not model.built:
        raise GraphcError(
            f"the model {model.name!r} is not built yet, so there is nothing to draw",
            fix="call it on data, or begin it with graphc.Input(shape)",
            origin=capture_origin(),
        )
    numbers = itertools.count()
    flow = flow_of(model)
    if flow is None:
        group = Group(f"cluster_{next(numbers)}", model.name)
        key = f"n{next(numbers)}"
        group.members[key] = Box(key, _title(model, shown), _rows(model, [], shown))
        return group
    return _Drawing(flow, isinstance(model, Sequential), model.name, shown, numbers).group


def flow_of(model: Layer) -> Functional | None:
    """The functional model that says how the layers of a model follow on each other."""
    if isinstance(model, Functional):
        return model
    return model._made if isinstance(model, Sequential) else None


@dataclass
class _Ends:
    """Where edges to a nested model go on: boxes of its inputs and of its outputs."""

    entries: list[list[str]] = field(default_factory=list)
    exits: list[str | None] = field(default_factory=list)


class _Drawing:
    """A model's group, made step by step.

    Args:
        flow: the functional model.
        hides_inputs: whether its inputs have no boxes, as in a `Sequential`.
        label: of the group.
        shown: what the boxes say.
        numbers: for keys.
    """

    def __init__(
        self,
        flow: Functional,
        hides_inputs: bool,
        label: str,
        shown: Shown,
        numbers: Iterator[int],
    ) -> None:
        self._flow, self._shown, self._numbers = flow, shown, numbers
        self.group = Group(f"cluster_{next(numbers)}", label)
        self._keys: dict[Any, str] = {}  # of what is drawn: layers, nodes and inputs
        self._nested: dict[str, _Ends] = {}
        self._calls: dict[Layer, list[LayerCall]] = {}
        for step in flow._steps:
            if isinstance(step, LayerCall):
                self._calls.setdefault(step.layer, []).append(step)
        self.ends = _Ends([[] for _ in flow.inputs])
        self._inputs = {tensor.value: n for n, tensor in enumerate(flow.inputs)}
        for number, tensor in enumerate([] if hides_inputs else flow.inputs):
            self._keys[tensor.value] = key = self._add_input(tensor)
            self.ends.entries[number].append(key)
        for step in flow._steps:
            self._add_step(step)
        self.ends.exits = [self._source(tensor)[1] for tensor in flow.outputs]

    def _add_input(self, tensor: Tensor) -> str:
        key = f"n{next(self._numbers)}"
        step = step_of(tensor)
        is_layer = isinstance(step, LayerCall) and isinstance(step.layer, InputLayer)
        layer: Any = step.layer if is_layer else None  # type: ignore[union-attr]
        title = _title(layer, self._shown) if layer else Cell("", tensor.op.name, BLACK, WHITE)
        made = _fields(None, [[tensor]], self._shown)
        self.group.members[key] = Box(key, title, (tuple(made),) if made else ())
        return key

    def _add_step(self, step: Step) -> None:
        thing = step.layer if isinstance(step, LayerCall) else step
        if not isinstance(step, LayerCall) and not any(map(self._is_shown, self._taken(step))):
            return  # such as a number, broadcast to the size of a batch
        key = self._keys.get(thing)
        if key is None:
            key = self._keys[thing] = self._add_box(step)
        for number, tensor in enumerate(self._taken(step)):
            source, leaves = self._source(tensor)
            entries = self._nested[key].entries[number] if key in self._nested else [key]
            if source is None or leaves is None:
                place = self._inputs.get(tensor.value)
                if place is not None:  # an input without a box: edges from outside end here
                    self.ends.entries[place] += entries
                continue
            for enters in entries:
                self.group.connect(Edge(source, key, leaves, enters))

    def _is_shown(self, tensor: Tensor) -> bool:
        return tensor.value in self._inputs or self._source(tensor)[0] is not None

    def _taken(self, step: Step) -> Sequence[Tensor]:
        """What a step takes: of a nested model, a tensor for each of its inputs."""
        nested = flow_of(step.layer) if isinstance(step, LayerCall) else None
        if nested is not None and self._shown.expand_nested:
            return nested._arrange(step.inputs)  # type: ignore[union-attr]
        return step_inputs(self._flow.graph, step)

    def _source(self, tensor: Tensor) -> tuple[str | None, str | None]:
        """What makes a tensor: a member of the group, and the box in it."""
        if tensor.value in self._inputs:
            key = self._keys.get(tensor.value)
            return key, key
        step = step_of(tensor)
        key = self._keys.get(step.layer if isinstance(step, LayerCall) else step)
        if key not in self._nested or not isinstance(step, LayerCall):
            return key, key
        place = next(n for n, made in enumerate(step.results) if made.value is tensor.value)
        return key, self._nested[key].exits[place]

    def _add_box(self, step: Step) -> str:
        if not isinstance(step, LayerCall):
            key = f"n{next(self._numbers)}"
            title = Cell("", step.op.name, BLACK, WHITE)
            tensors = [self._flow.graph.tensor(value) for value in step.outputs]
            taken = step_inputs(self._flow.graph, step)
            fields = _fields([taken], [tensors], self._shown)
            self.group.members[key] = Box(key, title, (tuple(fields),) if fields else ())
            return key
        layer = step.layer
        nested = flow_of(layer) if self._shown.expand_nested else None
        if nested is not None:
            hides_inputs = isinstance(layer, Sequential)
            made = _Drawing(nested, hides_inputs, layer.name, self._shown, self._numbers)
            self.group.members[made.group.key] = made.group
            self._nested[made.group.key] = made.ends
            return made.group.key
        key = f"n{next(self._numbers)}"
        rows = _rows(layer, self._calls[layer], self._shown)
        self.group.members[key] = Box(key, _title(layer, self._shown), rows)
        return key


def _title(layer: Layer, shown: Shown) -> Cell:
    kind = type(layer).__name__
    if not shown.show_layer_names:
        return Cell("", kind, BLACK, WHITE)
    return Cell("", f"{layer.name} ({kind})", BLACK, WHITE)


def _rows(layer: Layer, calls: Sequence[LayerCall], shown: Shown) -> tuple[tuple[Cell, ...], ...]:
    rows: list[tuple[Cell, ...]] = []
    activation = getattr(layer, "activation", None)
    if shown.show_layer_activations and activation is not None:
        name = getattr(activation, "__name__", None) or getattr(activation, "name", activation)
        rows.append((Cell("Activation: ", str(name)),))
    fields = _fields([call.inputs for call in calls], [call.outputs for call in calls], shown)
    if shown.show_trainable and layer.weights:
        named = ("Trainable", GREEN) if layer.trainable else ("Non-trainable", RED)
        fields.append(Cell("", *named, WHITE))
    return (*rows, tuple(fields)) if fields else tuple(rows)


def _fields(given: Sequence[Any] | None, made: Sequence[Any], shown: Shown) -> list[Cell]:
    """Shapes and element types: of all calls, where they differ."""
    cells: list[Cell] = []
    if shown.show_shapes:
        if given is not None:
            cells.append(Cell("Input shape: ", _shapes(given)))
        cells.append(Cell("Output shape: ", _shapes(made)))
    if shown.show_dtype:
        dtypes = {str(leaf.dtype): None for leaf in flatten(made)[0] if isinstance(leaf, Tensor)}
        cells.append(Cell("Output dtype: ", ", ".join(dtypes) or "?"))
    return cells


def _shapes(structures: Sequence[Any]) -> str:
    written = dict.fromkeys(_shape(structure) for structure in structures)
    return " or ".join(written) or "?"


def _shape(structure: Any) -> str:
    if isinstance(structure, (list, tuple)) and len(structure) == 1:
        structure = structure[0]
    if isinstance(structure, dict):
        return ", ".join(f"{name}: {_shape(item)}" for name, item in structure.items())
    return str(known_shapes(structure))
