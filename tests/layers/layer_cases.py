"""Cases of layers: what a layer is made with and called on; arrays drawn and kept in files.

Nothing of graphc or Keras is imported here: both sides of a comparison use it.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Case:
    """A layer, what it is made with, and one call of it.

    Attributes:
        layer: name of its class.
        config: arguments of the constructor, as plain data.
        inputs: positional arguments of the call: arrays, or lists and dictionaries of them.
        call: keywords of the call: arrays (`mask`) or plain data (`training`).
        masks: the masks that the arrays of `inputs` bring along, in their order.
        static: whether the size of the batch is known while the graph is built.
        steps_known: whether the second size of arrays with three axes or more is known, too.
        tolerance: how much the numbers may differ, relative and absolute.
        method: what is called instead of the layer itself, whose results alone are compared.
    """

    layer: str
    config: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[Any, ...] = ()
    call: dict[str, Any] = field(default_factory=dict)
    masks: tuple[Any, ...] = ()
    static: bool = False
    steps_known: bool = True
    tolerance: float = 1e-5
    method: str = ""

    def described(self) -> str:
        """What it says when it fails."""
        layer = f"{self.layer}.{self.method}" if self.method else self.layer
        return f"{layer}({_said(self.config)}) on {_said(self.inputs)} {_said(self.call)}"

    def asked(self) -> dict[str, Any]:
        """What Keras is asked."""
        names = ("layer", "config", "inputs", "call", "masks")
        asked = {name: getattr(self, name) for name in names}
        return asked | ({"method": self.method} if self.method else {})

    def fingerprint(self) -> str:
        """Names what was asked, in a record."""
        flat: list[Array] = []
        text = json.dumps(encoded(self.asked(), flat), sort_keys=True)
        digest = hashlib.sha256(text.encode())
        for array in flat:
            digest.update(array.tobytes())
        return digest.hexdigest()[:16]


def case(
    layer: str,
    /,
    *inputs: Any,
    call: dict[str, Any] | None = None,
    masks: tuple[Any, ...] = (),
    static: bool = False,
    steps_known: bool = True,
    tolerance: float = 1e-5,
    method: str = "",
    **config: Any,
) -> Case:
    """A case; a tuple of sizes in `inputs` stands for an array of random numbers.

    Args:
        layer: name of its class.
        *inputs: arrays or tuples of sizes; lists and dictionaries of them for nested inputs.
        call: keywords of the call; a tuple of sizes stands for an array here as well.
        masks: the masks that the inputs bring along.
        static: whether the size of the batch is known while the graph is built.
        steps_known: whether the second size of arrays with three axes or more is known, too.
        tolerance: how much the numbers may differ.
        method: what is called instead of the layer itself.
        **config: arguments of the constructor.
    """
    generator = np.random.default_rng(zlib.crc32(layer.encode()))
    arrays = tuple([_filled(each, generator) for each in inputs])
    keywords = {name: _filled(value, generator) for name, value in (call or {}).items()}
    return Case(layer, config, arrays, keywords, masks, static, steps_known, tolerance, method)


def _filled(given: Any, generator: np.random.Generator) -> Any:
    if isinstance(given, tuple) and all(type(size) is int for size in given):
        return generator.uniform(-1, 1, given).astype(np.float32)
    if isinstance(given, (list, tuple)):
        return [_filled(item, generator) for item in given]
    if isinstance(given, dict):
        return {name: _filled(item, generator) for name, item in given.items()}
    return given


def weight_values(weights: list[tuple[str, tuple[int, ...], str]]) -> list[Array]:
    """The values that weights get, by name, shape and element type; no variance is negative."""
    generator = np.random.default_rng(11)
    made: list[Array] = []
    for name, shape, dtype in weights:
        value = generator.uniform(-0.7, 0.7, shape)
        value = value + 1.2 if "variance" in name else value
        made.append((value if dtype.startswith("float") else np.zeros(shape)).astype(dtype))
    return made


def leaves_of(structure: Any) -> Iterator[Any]:
    """What a nesting holds, in order; of a dictionary in the order of its keys."""
    if isinstance(structure, dict):
        for key in sorted(structure):
            yield from leaves_of(structure[key])
    elif isinstance(structure, (list, tuple)):
        for item in structure:
            yield from leaves_of(item)
    elif structure is not None:
        yield structure


def replaced(structure: Any, change: Callable[[Array], Any]) -> Any:
    """A nesting with something else in the place of each array."""
    if isinstance(structure, dict):
        return {key: replaced(structure[key], change) for key in sorted(structure)}
    if isinstance(structure, (list, tuple)):
        return type(structure)([replaced(item, change) for item in structure])
    return change(structure) if isinstance(structure, np.ndarray) else structure


# -- files -----------------------------------------------------------------------------------------


def encoded(structure: Any, flat: list[Array]) -> Any:
    """Plain data, with the numbers of arrays in `flat`."""
    if isinstance(structure, np.ndarray):
        start = sum(part.size for part in flat)
        flat.append(structure.astype(np.float32).ravel())
        return {"start": start, "shape": structure.shape, "dtype": str(structure.dtype)}
    if isinstance(structure, dict):
        return {key: encoded(structure[key], flat) for key in sorted(structure)}
    if isinstance(structure, (list, tuple)):
        return [encoded(item, flat) for item in structure]
    return structure


def _decoded(data: Any, flat: Array) -> Any:
    if isinstance(data, dict):
        if set(data) == {"start", "shape", "dtype"}:
            stop = data["start"] + int(np.prod(data["shape"]))
            return flat[data["start"] : stop].reshape(data["shape"]).astype(data["dtype"])
        return {key: _decoded(item, flat) for key, item in data.items()}
    return [_decoded(item, flat) for item in data] if isinstance(data, list) else data


def write(path: Path, structure: Any) -> None:
    """Write a nesting of arrays and plain data."""
    flat: list[Array] = [np.zeros(0, np.float32)]
    index = json.dumps(encoded(structure, flat), separators=(",", ":"))
    with path.open("wb") as file:
        text = np.frombuffer(index.encode(), np.uint8)
        np.savez_compressed(file, index=text, numbers=np.concatenate(flat))


def read(path: Path) -> Any:
    """What `write` wrote; tuples have become lists."""
    with np.load(path, allow_pickle=False) as file:
        return _decoded(json.loads(file["index"].tobytes()), file["numbers"])


def _said(structure: Any) -> str:
    short = replaced(structure, lambda array: f"{array.dtype}{list(array.shape)}")
    return repr(short)[:300]
