"""Which of Keras's layers are here, and which of their arguments were compared with Keras."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections import Counter, defaultdict
from typing import Any

from graphc import layers
from tests.keras_names.recording import of_family
from tests.layers.keras_layers import RECORDED
from tests.layers.layer_cases import Case, read

# Layers that are held by other tests than the comparisons of configurations, and why.
OTHERWISE: dict[str, str] = {
    "AugMix": "its layers are compared; test_image_draws holds what it makes of them",
    "RandAugment": "its layers are compared; test_image_draws holds what it makes of them",
    "RandomElasticTransform": "Keras takes no noise; test_image_draws compares with SciPy",
    "FlaxLayer JaxLayer": "hold functions; test_foreign_layers compares with JAX and Flax",
    "TFSMLayer TorchModuleWrapper": "refused",
    "Input InputLayer": "placeholders",
    "InputSpec": "checks shapes",
    "Lambda": "calls a function, which no description holds; test_structure_layers has some",
    "Layer Wrapper": "base classes",
    "StackedRNNCells": "compared inside of RNN",
    "Pipeline": "calls other layers",
    "HashedCrossing Hashing IntegerLookup": "test_text compares with Keras on TensorFlow",
    "StringLookup TextVectorization": "test_text compares with Keras on TensorFlow",
}

# Arguments that no comparison of numbers can show, and why.
NOT_COMPARED: dict[str, str] = {
    "gptq_unpacked_column_size": "refused: nothing is quantized",
    "num_bins": "tells adapt() of Discretization, whose bins a test of its own compares",
    "lora_alpha": "refused",
    "lora_rank": "refused",
    "quantization_config": "refused: nothing is quantized",
    "seed": "draws other numbers than Keras; held by tests of their distribution",
}


# Arguments that no configuration gives a value of its own, and why.
ONE_VALUE: dict[str, str] = {
    "BatchNormalization.synchronized": "there is one batch on one device",
    "Bidirectional.weights": "test_sequences holds the first weights of both directions",
    "CategoryEncoding.sparse": "refused: there are no sparse tensors",
    "Discretization.sparse": "refused: there are no sparse tensors",
    "GRU.stateful": "test_sequences runs on from state to state",
    "LSTM.stateful": "test_sequences runs on from state to state",
    "RNN.stateful": "test_sequences runs on from state to state",
    "SimpleRNN.activity_regularizer": "Keras drops it; test_cells_over_time holds ours",
    "SimpleRNN.stateful": "test_sequences runs on from state to state",
    "Resizing.fill_mode": "constant is the only one",
}


def compared_arguments() -> tuple[Counter[str], dict[str, set[str]]]:
    """By layer: how many configurations are recorded, and which arguments they give."""
    compared: Counter[str] = Counter()
    given: dict[str, set[str]] = defaultdict(set)
    for path in sorted(RECORDED.glob("*.npz")):
        for answer in read(path).values():
            compared[answer["layer"]] += 1
            given[answer["layer"]] |= set(answer["arguments"])
    return compared, given


def test_every_layer_of_keras_was_compared_or_is_held_otherwise() -> None:
    compared, _ = compared_arguments()
    otherwise = {name for names in OTHERWISE for name in names.split()}
    lists = [each.names for each in of_family("layers") if hasattr(layers, each.names[0])]
    classes = {names[0] for names in lists if isinstance(getattr(layers, names[0]), type)}
    assert sorted(classes - set(compared) - otherwise) == []
    assert (
        sorted(otherwise & set(compared) - {"AugMix", "RandAugment", "RandomElasticTransform"})
        == []
    )
    sys.stdout.write(f"{len(set(compared) & classes)} of {len(classes)} layers compared\n")


def test_every_argument_of_a_layer_was_compared_with_keras() -> None:
    compared, given = compared_arguments()
    sys.stdout.write(f"{sum(compared.values())} configurations of {len(compared)} layers\n")
    for name, count in sorted(compared.items()):
        sys.stdout.write(f"  {name}: {count}\n")
    forgotten = []
    otherwise = {name for names in OTHERWISE for name in names.split()}
    for name in sorted(set(compared) - otherwise):
        parameters = inspect.signature(getattr(layers, name)).parameters.values()
        for parameter in parameters:
            is_own = parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
            if is_own and parameter.name not in {*given[name], *NOT_COMPARED}:
                forgotten.append(f"{name}.{parameter.name}")
    assert forgotten == []


def given_values() -> dict[str, dict[str, list[Any]]]:
    """By layer and argument: the values that the tables of cases give, in layers inside as well."""
    given: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))

    def note(layer: str, config: dict[str, Any]) -> None:
        for name, value in config.items():
            given[layer][name].append(value)
            look_into(value)

    def look_into(thing: Any) -> None:
        if isinstance(thing, Case):
            note(thing.layer, thing.config)
        elif isinstance(thing, dict) and {"class_name", "config"} <= set(thing):
            note(thing["class_name"], thing["config"])
        elif isinstance(thing, (list, tuple, dict)):
            for item in thing.values() if isinstance(thing, dict) else thing:
                look_into(item)

    for path in sorted(RECORDED.parent.rglob("test_*.py")):
        module = ".".join(path.relative_to(RECORDED.parents[2]).with_suffix("").parts)
        look_into(list(vars(importlib.import_module(module)).values()))
    return given


def test_every_argument_is_somewhere_has_a_value_of_its_own() -> None:
    otherwise = {name for names in OTHERWISE for name in names.split()}
    forgotten = []
    for layer, values in given_values().items():
        parameters = inspect.signature(getattr(layers, layer)).parameters.values()
        for each in () if layer in otherwise else parameters:
            is_own = each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
            default = each.default
            others = [v for v in values[each.name] if type(v) is not type(default) or v != default]
            if is_own and not others and each.name not in NOT_COMPARED:
                forgotten.append(f"{layer}.{each.name}")
    forgotten.sort()
    assert forgotten == sorted(ONE_VALUE), forgotten
