"""Layers here and in Keras, side by side, over tables of cases.

    CASES = [case("Dense", (2, 3), units=4, activation="relu"), …]

    def test_…():
        compare("dense", CASES)

`recorded/<table>.npz` keeps what Keras gave, so that no Keras is needed. Cases that are not in it
are asked of the installed Keras; with RECORD_KERAS=1 in the environment they go into the file.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import layers, ops
from graphc.ops.masks import mask_of, set_mask
from tests.layers.layer_cases import Case, leaves_of, read, replaced, weight_values, write

RECORDED = Path(__file__).resolve().parent / "recorded"
ROOT = RECORDED.parents[2]


def compare(table: str, cases: Sequence[Case]) -> int:
    """Hold the layers here to Keras's, in one program, and say how many cases there were."""
    expected = keras_answers(table, cases)
    found = our_answers(cases)
    problems = [
        f"{each.described()}\n    {problem}"
        for each, mine, theirs in zip(cases, found, expected, strict=True)
        for problem in ([mine] if isinstance(mine, str) else differences(each, mine, theirs))
    ]
    sys.stdout.write(f"{table}: {len(cases)} configurations compared\n")
    assert not problems, "\n".join([f"{len(problems)} differences", *problems])
    return len(cases)


# -- Keras -----------------------------------------------------------------------------------------


def keras_answers(table: str, cases: Sequence[Case]) -> list[dict[str, Any]]:
    """What Keras gives: from the record, and for what is not in it from Keras."""
    path = RECORDED / f"{table}.npz"
    known: dict[str, Any] = read(path) if path.exists() else {}
    prints = [each.fingerprint() for each in cases]
    missing = {key: each for key, each in zip(prints, cases, strict=True) if key not in known}
    if missing:
        known |= dict(zip(missing, run_keras(list(missing.values())), strict=True))
    if os.environ.get("RECORD_KERAS"):
        RECORDED.mkdir(exist_ok=True)
        write(path, {key: known[key] for key in prints})
    return [known[key] for key in prints]


def run_keras(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Ask the installed Keras, in a process of its own."""
    if importlib.util.find_spec("keras") is None:
        pytest.skip(f"{len(cases)} cases are not recorded, and Keras is not installed")
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "asked.npz", Path(folder) / "answered.npz"
        write(asked, [each.asked() for each in cases])
        run = subprocess.run(
            [sys.executable, "-m", "tests.layers.keras_answers", str(asked), str(answered)],
            env={"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PATH": "", "HOME": folder},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr[-3000:]
        return read(answered)


# -- graphc ----------------------------------------------------------------------------------------


def our_answers(cases: Sequence[Case]) -> list[Any]:
    """The same of ours, in one graph and one run; a text where a case failed."""
    with graphc.Graph().as_default(), graphc.Session() as session:
        feeds: dict[Any, Any] = {}
        built = [_built(each, feeds) for each in cases]
        computed = iter(session.run([b[0] for b in built if not isinstance(b, str)], feeds))
    return [b if isinstance(b, str) else {**next(computed), **b[1]} for b in built]


def _built(each: Case, feeds: dict[Any, Any]) -> Any:
    """What is to be run, and what is known before; or what went wrong."""
    try:
        return _build(each, feeds)
    except Exception as problem:  # said with the case, beside those of other cases
        return f"{type(problem).__name__}: {problem}"


def _build(each: Case, feeds: dict[Any, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    fed: dict[Any, Any] = {}

    def placeholder(array: np.ndarray[Any, Any]) -> Any:
        sizes: Any = array.shape if each.static or not array.shape else (None, *array.shape[1:])
        if len(sizes) > 2 and not each.steps_known:
            sizes = (*sizes[:1], None, *sizes[2:])
        made = graphc.placeholder(str(array.dtype), sizes)
        fed[made] = array
        return made

    config = {name: _made_from(value) for name, value in each.config.items()}
    layer = getattr(layers, each.layer)(**config)
    inputs = replaced(each.inputs, placeholder)
    if each.method:
        feeds |= fed
        return {"outputs": list(leaves_of(getattr(layer, each.method)(*inputs, **each.call)))}, {}
    given = list(leaves_of(inputs))
    for tensor, mask in zip(given, each.masks, strict=False):
        if mask is not None:
            set_mask(tensor, graphc.constant(mask))
    outputs = layer(*inputs, **replaced(each.call, graphc.constant))
    results = list(leaves_of(outputs))
    kinds = [(w.name.rpartition("/")[2], tuple(w.shape), str(w.dtype)) for w in layer.weights]
    layer.set_weights(weight_values(kinds))

    total: Any = sum([ops.cast(loss, "float32") for loss in layer.losses])
    for result in results:
        if result.dtype.is_floating:
            places = ops.reshape(ops.arange(ops.size(result), dtype="float32"), result.shape)
            total += ops.sum(result * ops.cos(places))
    by = [x for x in given if x.dtype.is_floating] + layer.trainable_weights
    slopes = [ops.zeros_like(each) for each in by]
    if by and isinstance(total, graphc.Tensor):
        slopes = graphc.gradients(total, by, unconnected_gradients="zero")
    updates = {
        update.value.node.attributes["variable"]: update
        for result in results
        for update in result.graph.records.updates.get(result.value, ())
    }
    shapes = replaced(each.inputs, lambda array: (None, *array.shape[1:]))
    again = layers.deserialize(layers.serialize(layer)).get_config()
    config = layer.get_config()
    assert again == config, f"written and read it is another: {again} instead of {config}"
    feeds |= fed
    to_run = {
        "outputs": results,
        "masks": [graphc.constant(-1) if (m := mask_of(r)) is None else m for r in results],
        "gradients": slopes,
        "losses": layer.losses,
        "updated": [updates.get(w.name, w) for w in layer.non_trainable_weights],
    }
    known = {
        "weights": kinds,
        "shape": layer.compute_output_shape(*shapes),
        "config": sorted(config),
    }
    return to_run, known


def _made_from(value: Any) -> Any:
    """A layer inside a layer, from its description."""
    is_layer = isinstance(value, dict) and hasattr(layers, value.get("class_name", ""))
    return layers.deserialize(value) if is_layer else value


# -- comparison ------------------------------------------------------------------------------------


def differences(each: Case, mine: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """What is not as in Keras, in words."""
    said: list[str] = []
    if each.method:
        return _all_differences("outputs", mine["outputs"], theirs["outputs"], each.tolerance)
    weights = [(name, tuple(shape), dtype) for name, shape, dtype in theirs["weights"]]
    if mine["weights"] != weights:
        said.append(f"weights {mine['weights']} instead of {weights}")
    lacking = set(theirs["config"]) - set(mine["config"])
    if lacking - LEFT_OUT or lacking & set(each.config):
        said.append(f"the configuration lacks {sorted(lacking)}")
    if not isinstance(theirs["shape"], str) and not _is_shape(mine["shape"], theirs["shape"]):
        said.append(f"shape {mine['shape']} instead of {theirs['shape']}")
    for what in ("outputs", "masks", "gradients", "losses", "updated"):
        ours, expected = list(mine[what]), list(theirs[what])
        if what == "masks":
            expected = [-1 if mask is None else mask for mask in expected]
        if what == "losses":  # in which order Keras visits layers inside depends on the depth
            ours, expected = sorted(ours), sorted(expected)
        said += _all_differences(what, ours, expected, each.tolerance)
    return said


def _all_differences(what: str, ours: Any, expected: Any, tolerance: float) -> list[str]:
    if len(ours) != len(expected):
        return [f"{len(ours)} {what} instead of {len(expected)}"]
    said: list[str] = []
    for number, (a, b) in enumerate(zip(ours, expected, strict=True)):
        problem = _difference(np.asarray(a), np.asarray(b), tolerance)
        if problem:
            said.append(f"{what}[{number}]: {problem}")
    return said


LEFT_OUT = {"activity_regularizer", "quantization_config"}
"""What Keras writes even if it is None."""


def _difference(mine: Any, theirs: Any, tolerance: float) -> str | None:
    if mine.shape != theirs.shape:
        return f"shape {mine.shape} instead of {theirs.shape}"
    if mine.dtype != theirs.dtype and theirs.dtype.kind in "biuf" and mine.shape:
        return f"element type {mine.dtype} instead of {theirs.dtype}"
    a, b = mine.astype(np.float64), theirs.astype(np.float64)
    if np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True):
        return None
    worst = np.unravel_index(np.nanargmax(np.abs(a - b)), a.shape)
    return f"{a[worst]} instead of {b[worst]} at {tuple(map(int, worst))}"


def _is_shape(mine: Any, theirs: Any) -> bool:
    """Whether a shape is Keras's, or says more than Keras knows."""
    if isinstance(theirs, dict):
        return all(_is_shape(mine[key], item) for key, item in theirs.items())
    if isinstance(theirs, (list, tuple)):
        fits = isinstance(mine, (list, tuple)) and len(mine) == len(theirs)
        return fits and all(_is_shape(a, b) for a, b in zip(mine, theirs, strict=True))
    return theirs is None or mine == theirs
