"""Weights that Keras wrote: `.weights.h5`, and the `.keras` archive that holds one.

Layout (Keras 3, `saving_lib`): a group per layer with its variables under "vars/0", "vars/1", …;
layers in attributes under the attribute's name, layers of a model and of lists under the class's
name in small letters with a number. A layer of the same name is preferred to one in the same place.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from graphc.errors import ModelFileError
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.naming import snake_case
from graphc.ops.variable import Variable

_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_MEMBER: Final = "model.weights.h5"

Found = tuple[Variable, str, Any]


def is_keras_file(content: bytes) -> bool:
    """Whether this looks like a file that Keras wrote."""
    if content.startswith(_HDF5):
        return True
    return content.startswith(b"PK") and _MEMBER.encode() in content


def read_keras_weights(
    layer: Layer, path: str | os.PathLike[str], content: bytes
) -> tuple[list[Variable], list[tuple[str, np.ndarray[Any, Any]]]]:
    """The variables of a layer or model, and for each its name and value in Keras's file.

    Args:
        layer: built, with the same layers in it as in Keras.
        path: of the file.
        content: of the file.

    Raises:
        ModelFileError: h5py is missing, the file is damaged, or a layer is not in it.
    """
    try:
        import h5py  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise ModelFileError(
            "Keras's weights need h5py",
            fix='pip install "graphc-xla[keras]"',
            origin=capture_origin(),
        ) from None
    try:
        if content.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                content = archive.read(_MEMBER)
        with h5py.File(io.BytesIO(content), "r") as file:
            found = list(_collect(layer, file, set()))
    except (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile) as problem:
        raise ModelFileError(
            f"this file of Keras is damaged: {problem}", given=str(path), origin=capture_origin()
        ) from problem
    missing = set(layer.weights) - {variable for variable, _, _ in found}
    if missing:
        names = sorted(variable.name for variable in missing)
        raise ModelFileError(
            f"the file has nothing for {len(missing)} of {len(layer.weights)} weights",
            given=f"no value for {', '.join(names[:5])}",
            expected="a model with the same layers in the same order",
            origin=capture_origin(),
        )
    return [v for v, _, _ in found], [(name, value) for _, name, value in found]


def _collect(layer: Layer, group: Any, seen: set[int]) -> Iterator[Found]:
    if id(layer) in seen:
        return
    seen.add(id(layer))
    stored = group.get("vars")
    for number, variable in enumerate(layer._own_weights()):
        if stored is not None and str(number) in stored:
            place = stored[str(number)]
            yield variable, place.name, np.array(place)
    for name, value in vars(layer).items():
        inner = group.get(name) or group.get(name.lstrip("_"))
        if inner is None or name == "_given":
            continue
        if isinstance(value, Layer):
            yield from _collect(value, inner, seen)
        elif isinstance(value, (list, tuple, Mapping)):
            items = list(value.values()) if isinstance(value, Mapping) else list(value)
            yield from _of_row([x for x in items if isinstance(x, Layer)], inner, seen)
    if "layers" in group:
        layers: Sequence[Layer] = getattr(layer, "layers", layer.sublayers)
        yield from _of_row(layers, group["layers"], seen)


def _of_row(layers: Sequence[Layer], group: Any, seen: set[int]) -> Iterator[Found]:
    """The layers of a list: by name, else by class and number."""
    by_name = {group[key]["vars"].attrs.get("name"): key for key in group if "vars" in group[key]}
    counts: dict[str, int] = {}
    for layer in layers:
        kind = snake_case(type(layer).__name__)
        number = counts.get(kind, 0)
        counts[kind] = number + 1
        place = f"{kind}_{number}" if number else kind
        key = by_name.get(layer.name, place)
        if snake_case_of(key) != kind:  # a layer of another class happens to have the name
            key = place
        if key in group:
            yield from _collect(layer, group[key], seen)


def snake_case_of(key: str) -> str:
    """A key without its number: "dense" for "dense_2"."""
    head, _, number = key.rpartition("_")
    return head if number.isdigit() else key
