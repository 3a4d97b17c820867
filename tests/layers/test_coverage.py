"""Which of Keras's layers are here, and which of their arguments were compared with Keras."""

from __future__ import annotations

import inspect
import sys
from collections import Counter, defaultdict
from pathlib import Path

from graphc import layers
from tests.layers.keras_layers import RECORDED
from tests.layers.layer_cases import read

NAMES = Path(__file__).resolve().parent / "keras_layer_names.txt"

# Why a layer of Keras is not here.
ABSENT: dict[str, str] = {
    "FlaxLayer": "a module of Flax: graphc.from_jax takes its function",
    "JaxLayer": "graphc.from_jax takes a JAX function",
    "TFSMLayer": "holds a program of TensorFlow",
    "TorchModuleWrapper": "holds a module of PyTorch",
    "HashedCrossing": "hashes strings, which no XLA program holds",
    "Hashing": "hashes strings, which no XLA program holds",
    "IntegerLookup": "keeps a table on the host",
    "StringLookup": "strings do not reach XLA",
    "TextVectorization": "strings do not reach XLA",
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


def keras_names() -> dict[str, list[str]]:
    """Keras's layers: the names of each, by its class's own."""
    lines = NAMES.read_text(encoding="utf-8").splitlines()
    return {line.split()[0]: line.split() for line in lines if line and not line.startswith("#")}


def test_every_layer_of_keras_is_here_or_absent_for_a_reason() -> None:
    names = keras_names()
    here = [name for name in names if hasattr(layers, name)]
    lacking = sorted(set(names) - set(here) - set(ABSENT))
    sys.stdout.write(f"{len(here)} of {len(names)} layers of Keras are in graphc.layers\n")
    for name, reason in ABSENT.items():
        sys.stdout.write(f"  without {name}: {reason}\n")
    sys.stdout.write(f"  not yet: {', '.join(lacking) or 'none'}\n")
    for name in here:
        for other in names[name]:
            assert getattr(layers, other) is getattr(layers, name)
    assert sorted(set(ABSENT) - set(names)) == [], "not a name of Keras"
    assert sorted(set(ABSENT) & set(here)) == [], "here, but accounted for as absent"


def test_every_argument_of_a_layer_was_compared_with_keras() -> None:
    compared: Counter[str] = Counter()
    given: dict[str, set[str]] = defaultdict(set)
    for path in sorted(RECORDED.glob("*.npz")):
        for answer in read(path).values():
            compared[answer["layer"]] += 1
            given[answer["layer"]] |= set(answer["arguments"])
    sys.stdout.write(f"{sum(compared.values())} configurations of {len(compared)} layers\n")
    for name, count in sorted(compared.items()):
        sys.stdout.write(f"  {name}: {count}\n")
    forgotten = []
    for name in compared:
        parameters = inspect.signature(getattr(layers, name)).parameters.values()
        for parameter in parameters:
            is_own = parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
            if is_own and parameter.name not in {*given[name], *NOT_COMPARED}:
                forgotten.append(f"{name}.{parameter.name}")
    assert forgotten == []
