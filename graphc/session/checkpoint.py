"""Variables to and from one safetensors file: data only, no code."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from graphc.dtypes import as_dtype
from graphc.errors import CheckpointError
from graphc.ir.origin import capture_origin
from graphc.session.writing_aside import write_aside

_FORMAT = "graphc-variables-1"


def write_variables(path: str | os.PathLike[str], arrays: dict[str, np.ndarray[Any, Any]]) -> None:
    """Write arrays by name.

    Raises:
        CheckpointError: the disk refused; what was there before is still there.
    """
    write_aside(path, encode_arrays(arrays), "checkpoint", CheckpointError)


def encode_arrays(arrays: Mapping[str, np.ndarray[Any, Any]]) -> bytes:
    """Arrays by name as the bytes of a safetensors file."""
    # safetensors' NumPy side lacks bfloat16 and float8: bytes and a type name keep every bit
    plain = {
        name: np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)
        for name, array in arrays.items()
    }
    metadata = {
        name: f"{array.dtype.name} {','.join(map(str, array.shape))}"
        for name, array in arrays.items()
    }
    return save(plain, {**metadata, "format": _FORMAT})


def read_variables(path: str | os.PathLike[str]) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of a file that `write_variables` wrote.

    Raises:
        CheckpointError: there is no such file, or it is damaged or of another kind.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as problem:
        raise CheckpointError(
            f"the checkpoint cannot be read: {problem.strerror}",
            given=str(path),
            origin=capture_origin(),
        ) from problem
    try:
        return decode_arrays(content)
    except ValueError as problem:
        raise CheckpointError(
            f"this is no checkpoint of variables, or it is damaged: {problem}",
            given=str(path),
            origin=capture_origin(),
        ) from problem


def decode_arrays(content: bytes) -> dict[str, np.ndarray[Any, Any]]:
    """Arrays by name from bytes that `encode_arrays` gave.

    Raises:
        ValueError: they are damaged, or of another kind.
    """
    try:
        tensors = load(content)
        metadata = _metadata(content)
        if metadata.pop("format", None) != _FORMAT:
            raise ValueError("it was not written by graphc")
        arrays: dict[str, np.ndarray[Any, Any]] = {}
        for name, description in metadata.items():
            dtype_name, _, sizes = description.partition(" ")
            shape = tuple(int(size) for size in sizes.split(",") if size)
            raw = tensors[name].tobytes()
            arrays[name] = np.frombuffer(raw, as_dtype(dtype_name).numpy).reshape(shape).copy()
    except (SafetensorError, KeyError, TypeError, AttributeError, OverflowError) as problem:
        raise ValueError(str(problem)) from problem
    return arrays


def _metadata(content: bytes) -> dict[str, str]:
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    return dict(header.get("__metadata__", {}))
