"""Losses, normalizations and pooling: the numbers and gradients of keras.ops."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import nn, ops

GENERATOR = np.random.default_rng(11)


def numbers(*shape: int, scale: float = 1.0) -> np.ndarray:
    return (GENERATOR.normal(size=shape) * scale).astype(np.float32)


def shares(*shape: int) -> np.ndarray:
    found = np.abs(numbers(*shape)) + np.float32(0.05)
    return found / found.sum(-1, keepdims=True)


LOGITS, TRUTH = numbers(4, 3, scale=3), shares(4, 3)
UNSUMMED = np.abs(numbers(4, 3)) * np.float32(0.8)
CERTAIN = np.float32([[0, 1, 0], [1, 0, 0], [0.2, 0, 0.8], [1e-9, 0.5, 0.5]])
LABELS = np.int32([0, 2, 1, 2])
IMAGES, ROW = numbers(2, 3, 4), numbers(4)
SERIES, PICTURES, VOLUMES = numbers(2, 7, 3), numbers(2, 7, 5, 2), numbers(1, 5, 4, 3, 2)
CTC = (np.int32([[1, 2], [3, 3], [2, 0]]), numbers(3, 6, 4), np.int32([2, 2, 1]))

CHANNELS_FIRST = {"data_format": "channels_first"}
# Keras fails without strides, which it takes from the size of the window.
POOLS: list[tuple[str, str, np.ndarray, dict[str, Any]]] = [
    ("", "with gaps", SERIES, {"pool_size": 2, "strides": 3, "padding": "same"}),
    ("", "2D, same", PICTURES, {"pool_size": (3, 2), "strides": 2, "padding": "same"}),
    (
        "",
        "channels first",
        PICTURES,
        {"pool_size": 3, "strides": 1, "padding": "same", **CHANNELS_FIRST},
    ),
    ("", "3D", VOLUMES, {"pool_size": (2, 3, 1), "strides": (2, 1, 2), "padding": "same"}),
    ("adaptive_", "2D", PICTURES, {"output_size": (4, 3)}),
    ("adaptive_", "3D", VOLUMES, {"output_size": (2, 2, 2)}),
]

# function, arguments (arrays, then keywords), the position of what is differentiated
CASES: dict[str, tuple[str, list[np.ndarray], dict[str, Any], int]] = {
    "dense, logits": ("categorical_crossentropy", [TRUTH, LOGITS], {"from_logits": True}, 1),
    "dense, far": ("categorical_crossentropy", [TRUTH, LOGITS * 300], {"from_logits": True}, 1),
    "dense, not summing to 1": ("categorical_crossentropy", [TRUTH, UNSUMMED], {}, 1),
    "dense, certain": ("categorical_crossentropy", [TRUTH, CERTAIN], {}, 1),
    "dense, axis 0": ("categorical_crossentropy", [TRUTH, UNSUMMED], {"axis": 0}, 1),
    "sparse, logits": (
        "sparse_categorical_crossentropy",
        [LABELS, LOGITS],
        {"from_logits": True},
        1,
    ),
    "sparse, not summing to 1": ("sparse_categorical_crossentropy", [LABELS, UNSUMMED], {}, 1),
    "sparse, certain": ("sparse_categorical_crossentropy", [LABELS, CERTAIN], {}, 1),
    "sparse, no class": (
        "sparse_categorical_crossentropy",
        [np.int32([-1, 0, 3, 1]), UNSUMMED],
        {},
        1,
    ),
    "binary, logits": ("binary_crossentropy", [TRUTH, LOGITS * 300], {"from_logits": True}, 1),
    "binary": ("binary_crossentropy", [TRUTH, np.clip(UNSUMMED, 0, 1)], {}, 1),
    "binary, certain": ("binary_crossentropy", [TRUTH, CERTAIN], {}, 1),
    "layer": ("layer_normalization", [IMAGES, ROW, ROW], {"epsilon": 1e-3}, 0),
    "layer, axes": ("layer_normalization", [IMAGES], {"axis": [1, 2], "epsilon": 1e-3}, 0),
    "rms": ("rms_normalization", [IMAGES, ROW], {}, 0),
    "rms, axis 1": ("rms_normalization", [IMAGES], {"axis": 1}, 0),
    "batch": ("batch_normalization", [IMAGES, ROW, ROW**2], {"axis": -1}, 0),
    "unit": ("normalize", [IMAGES], {"axis": 1}, 0),
    "unit, order 3": ("normalize", [IMAGES], {"axis": -1, "order": 3}, 0),
    "psnr": ("psnr", [IMAGES, IMAGES[::-1].copy()], {"max_val": 255.0}, 0),
    "ctc": ("ctc_loss", [*CTC, np.int32([6, 5, 4])], {}, 1),
    "ctc, too short": ("ctc_loss", [*CTC, np.int32([1, 2, 0])], {}, 1),
    "ctc, other blank": ("ctc_loss", [*CTC, np.int32([6, 5, 4])], {"mask_index": 3}, 1),
    **{
        f"{name} {kind}, {case}": (f"{name}{kind}_pool", [array], keywords, 0)
        for kind in ("max", "average")
        for name, case, array, keywords in POOLS
    },
}

PROGRAM = """
import json, sys
import numpy as np
import jax, keras
found = []
for name, arrays, keywords, position in json.load(sys.stdin):
    arrays = [np.array(a, d).reshape(s) for a, d, s in arrays]
    keywords = {k: tuple(v) if isinstance(v, list) else v for k, v in keywords.items()}
    def weighted(x):
        given = [*arrays[:position], x, *arrays[position + 1:]]
        result = getattr(keras.ops, name)(*given, **keywords)
        weights = np.cos(np.arange(result.size)).reshape(result.shape).astype("float32")
        return (result * weights).sum(), result
    gradient, result = jax.grad(weighted, has_aux=True)(jax.numpy.array(arrays[position]))
    found.append([np.ravel(result).tolist(), np.ravel(gradient).tolist()])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def expected() -> dict[str, list[list[float]]]:
    """What keras.ops gives, from a process of its own, which may choose its back end."""
    if importlib.util.find_spec("keras") is None:
        pytest.skip("Keras is not installed")
    asked = [
        (name, [(a.ravel().tolist(), a.dtype.name, a.shape) for a in arrays], keywords, position)
        for name, arrays, keywords, position in CASES.values()
    ]
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(asked),
        env={"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return dict(zip(CASES, json.loads(run.stdout.splitlines()[-1]), strict=True))


@pytest.fixture(scope="module")
def found() -> dict[str, list[np.ndarray]]:
    """The same of ours, in one run."""
    tensors: dict[str, list[Any]] = {}
    for case, (name, arrays, keywords, position) in CASES.items():
        x = graphc.constant(arrays[position])
        given = [*arrays[:position], x, *arrays[position + 1 :]]
        result = getattr(nn, name)(*given, **keywords)
        size = int(np.prod(result.shape))
        weights = np.cos(np.arange(size)).reshape(result.shape).astype(np.float32)
        tensors[case] = [result, graphc.gradients(ops.sum(result * weights), x)]
    with graphc.Session() as session:
        return session.run(tensors)


@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients_are_those_of_keras(case: str, expected: Any, found: Any) -> None:
    # a gradient is as exact as differences of the numbers behind it, which may be large
    large = 1e-7 * float(np.abs(expected[case][0]).max())
    for mine, theirs in zip(found[case], expected[case], strict=True):
        size = max(1.0, float(np.abs(theirs).max()))
        atol = max(3e-6 * size, large)
        np.testing.assert_allclose(np.ravel(mine), theirs, rtol=2e-5, atol=atol)
