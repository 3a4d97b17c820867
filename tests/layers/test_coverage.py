"""Which of Keras's layers are here, and which of their arguments were compared with Keras."""

from __future__ import annotations

import inspect
import sys
from collections import Counter, defaultdict

from graphc import layers
from tests.keras_names.recording import of_family
from tests.layers.keras_layers import RECORDED
from tests.layers.layer_cases import read

# Layers that are held by other tests than the comparisons of configurations, and why.
OTHERWISE: dict[str, str] = {
    "AugMix": "its layers are compared; test_image_draws holds what it makes of them",
    "RandAugment": "its layers are compared; test_image_draws holds what it makes of them",
    "RandomElasticTransform": "Keras takes no noise; test_image_draws compares with SciPy",
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
