"""A functional model as plain data: its layers, and the steps from inputs to outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphc.configurable import serialize
from graphc.dimensions import Dim, Dimension
from graphc.errors import ModelFileError
from graphc.ir.builder import GraphBuilder
from graphc.ir.node import Node
from graphc.ir.origin import capture_origin
from graphc.ir.parser import parse
from graphc.layers.input_layer import Input, InputLayer
from graphc.layers.layer import Layer
from graphc.layers.layer_call import LayerCall, call_as_before
from graphc.models.replaying import Step
from graphc.ops.bodies import flatten
from graphc.ops.dataflow import get_default_graph
from graphc.ops.known_shapes import known_sizes
from graphc.ops.sources import constant
from graphc.ops.tensor import Tensor


def describe(
    inputs: Any, outputs: Any, steps: Sequence[Step], layers: Sequence[Layer]
) -> dict[str, Any]:
    """The model between tensors, as plain data.

    Tensors are numbered: inputs first, then the results of the steps, in order.

    Raises:
        GraphcError: a layer or an argument of a call cannot be written.
    """
    called = [layer for layer in layers if not isinstance(layer, InputLayer)]
    description = _Description(flatten(inputs)[0], called)
    for step in steps:
        description.add(step)
    structures = {name: description.structure(x) for name, x in (("in", inputs), ("out", outputs))}
    return {
        "inputs": structures["in"],
        "input_types": [_input_type(tensor) for tensor in flatten(inputs)[0]],
        "input_sizes": [[str(size) for size in tensor.shape] for tensor in flatten(inputs)[0]],
        "layers": [serialize(layer) for layer in called],
        "steps": description.steps,
        "outputs": structures["out"],
    }


def _input_type(tensor: Tensor) -> dict[str, Any]:
    name = tensor.op.name.rpartition("/")[2]
    return {"name": name, "batch_shape": list(known_sizes(tensor)), "dtype": str(tensor.dtype)}


class _Description:
    """Steps as they are written down, and the numbers of tensors."""

    def __init__(self, inputs: Sequence[Tensor], layers: Sequence[Layer]) -> None:
        self.steps: list[dict[str, Any]] = []
        self._places = {id(layer): place for place, layer in enumerate(layers)}
        self._numbers: dict[Any, int] = {}
        self._count = 0
        self._number([tensor.value for tensor in inputs])

    def _number(self, values: Sequence[Any]) -> None:
        for value in values:  # one may come twice: the output of an LSTM is a state, too
            self._numbers.setdefault(value, self._count)
            self._count += 1

    def add(self, step: Step) -> None:
        """Write a step down, after what it needs."""
        if isinstance(step, LayerCall):
            given = {name: self.structure(value) for name, value in step.given.items()}
            place = self._places[id(step.layer)]
            self.steps.append({"layer": place, "given": given, "by_position": step.by_position})
            self._number([tensor.value for tensor in step.results])
        elif step.op.name == "constant":
            self.steps.append({"constant": serialize(step.attributes["value"].array)})
            self._number(step.outputs)
        else:
            operands = [self._number_of(value) for value in step.inputs]
            build = GraphBuilder()
            arguments = [build.input(value.type, f"x{i}") for i, value in enumerate(step.inputs)]
            made = build.make(step.op, tuple(arguments), step.attributes, step.regions)
            self.steps.append({"node": str(build.finish(made.outputs)), "operands": operands})
            self._number(step.outputs)

    def _number_of(self, value: Any) -> int:
        """The number of a tensor; one that no input leads to is written down first."""
        if value not in self._numbers:
            node: Node = value.node
            if node.op.name in ("read", "input"):
                raise ModelFileError(
                    "the model uses a tensor that is neither made of its inputs nor constant",
                    given=f"{node.op.name} {node.name!r}",
                    fix="compute it in a layer",
                    origin=node.origin,
                )
            self.add(node)
        return self._numbers[value]

    def structure(self, structure: Any) -> Any:
        """A nesting with numbers in the place of tensors."""
        if isinstance(structure, Tensor):
            return {"tensor": self._number_of(structure.value)}
        if isinstance(structure, Mapping):
            return {name: self.structure(item) for name, item in structure.items()}
        if isinstance(structure, (list, tuple)):
            return [self.structure(item) for item in structure]
        return serialize(structure)


def rebuild(config: Mapping[str, Any]) -> tuple[Any, Any]:
    """The inputs and outputs of a model that `describe` described, built anew.

    Raises:
        ModelFileError: the description does not fit together.
    """
    tensors: list[Tensor] = [Input(**given) for given in config["input_types"]]
    layers: Sequence[Layer] = config["layers"]
    # Shapes that nodes write down name the sizes of the inputs that the model was made on.
    sizes: dict[str, Dimension] = {
        name: size
        for tensor, names in zip(tensors, config.get("input_sizes", []), strict=False)
        for name, size in zip(names, tensor.shape, strict=True)
        if isinstance(size, Dim)
    }
    for step in config["steps"]:
        if "layer" in step:
            given = {name: _filled(item, tensors) for name, item in step["given"].items()}
            layer = layers[step["layer"]]
            outputs = call_as_before(layer, given, step.get("by_position", []))
            tensors += [leaf for leaf in flatten(outputs)[0] if isinstance(leaf, Tensor)]
        elif "constant" in step:
            tensors.append(constant(step["constant"]))
        else:
            tensors += _made_node(step["node"], [tensors[i] for i in step["operands"]], sizes)
    return _filled(config["inputs"], tensors), _filled(config["outputs"], tensors)


def _made_node(
    text: str, operands: Sequence[Tensor], sizes: Mapping[str, Dimension]
) -> list[Tensor]:
    """The node of a graph of one, on other operands."""
    nodes = [node for node in parse(text).nodes if node.op.name != "input"]
    if len(nodes) != 1:
        raise ModelFileError(
            "a step of the model is not one node", given=text[:200], origin=capture_origin()
        )
    node = nodes[0]
    graph = get_default_graph()
    attributes = node.attributes
    if sizes:
        attributes = node.op.attributes.substitute(attributes, sizes)  # type: ignore[arg-type]
    return list(graph.add(node.op, operands, attributes, node.regions))


def _filled(structure: Any, tensors: Sequence[Tensor]) -> Any:
    if isinstance(structure, Mapping):
        if set(structure) == {"tensor"}:
            return tensors[structure["tensor"]]
        return {name: _filled(item, tensors) for name, item in structure.items()}
    if isinstance(structure, list):
        return [_filled(item, tensors) for item in structure]
    return structure
