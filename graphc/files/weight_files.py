"""The weights of a layer or model in one safetensors file, in the order of its `weights`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graphc.errors import ModelFileError, ShapeError
from graphc.files.keras_weights import is_keras_file, read_keras_weights
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.ops.context import session_of
from graphc.ops.variable import Variable
from graphc.session.checkpoint import decode_arrays, encode_arrays
from graphc.session.writing_aside import write_aside


def encode_values(variables: Sequence[Variable]) -> bytes:
    """The values of variables in the session of their graph, numbered, with their names."""
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    if variables:
        values = session_of(variables[0].graph).run(list(variables))
        for number, (variable, value) in enumerate(zip(variables, values, strict=True)):
            arrays[f"{number:06d} {variable.name}"] = value
    return encode_arrays(arrays)


def decode_values(content: bytes) -> list[tuple[str, np.ndarray[Any, Any]]]:
    """Names and values in the order in which they were written.

    Raises:
        ValueError: the bytes are damaged.
    """
    arrays = decode_arrays(content)
    return [(name.partition(" ")[2], arrays[name]) for name in sorted(arrays)]


def set_values(
    variables: Sequence[Variable], values: Sequence[tuple[str, Any]], skip_mismatch: bool = False
) -> None:
    """Set variables, in order: all of them, or none when one does not fit.

    Args:
        variables: of a model.
        values: the name that each had when it was written, and its value.
        skip_mismatch: leave alone those that do not fit.

    Raises:
        ShapeError: there are more or fewer values, or one has another shape.
    """
    if len(values) != len(variables) and not skip_mismatch:
        raise ShapeError(
            f"the file has {len(values)} weights, the model {len(variables)}",
            given=", ".join(f"{name} {value.shape}" for name, value in values[:6]),
            expected=", ".join(f"{v.name} {tuple(v.shape)}" for v in variables[:6]),
            fix="make the same layers as in the model that was saved",
            origin=capture_origin(),
        )
    fitting: dict[Variable, Any] = {}
    for variable, (name, value) in zip(variables, values, strict=False):
        if tuple(value.shape) == tuple(variable.shape):
            fitting[variable] = value
        elif not skip_mismatch:
            raise ShapeError(
                f"the weight {variable.name!r} does not fit",
                given=f"{name!r} of shape {value.shape} in the file",
                expected=variable.type,
                origin=capture_origin(),
            )
    if fitting:
        session_of(next(iter(fitting)).graph).set_variables(fitting)


def save_weights(layer: Layer, path: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write the weights of a layer or model; see `Model.save_weights`."""
    if not layer.built:
        raise ModelFileError(
            f"{layer.name!r} has no weights yet",
            fix="call it on data, or give its model an Input",
            origin=capture_origin(),
        )
    refuse_existing(path, overwrite)
    write_aside(path, encode_values(layer.weights), "weights file", ModelFileError)


def load_weights(layer: Layer, path: str | os.PathLike[str], skip_mismatch: bool = False) -> None:
    """Read the weights of a layer or model; see `Model.load_weights`."""
    try:
        content = Path(path).read_bytes()
    except OSError as problem:
        raise ModelFileError(
            f"the file cannot be read: {problem.strerror}", given=str(path), origin=capture_origin()
        ) from problem
    if is_keras_file(content):
        set_values(*read_keras_weights(layer, path, content), skip_mismatch)
        return
    try:
        values = decode_values(content)
    except ValueError as problem:
        raise ModelFileError(
            f"this is no file of weights, or it is damaged: {problem}",
            given=str(path),
            expected="a file that save_weights wrote, or Keras's .weights.h5 or .keras",
            origin=capture_origin(),
        ) from problem
    set_values(layer.weights, values, skip_mismatch)


def refuse_existing(path: str | os.PathLike[str], overwrite: bool) -> None:
    """Keep a file that is not to be overwritten.

    Raises:
        ModelFileError: it is there.
    """
    if not overwrite and Path(path).exists():
        raise ModelFileError(
            "the file exists already",
            given=str(path),
            fix="choose another name, or say overwrite=True",
            origin=capture_origin(),
        )
