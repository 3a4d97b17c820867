"""Shaping, joining, repeating and matrices beside NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from graphc import ops
from tests.ops.numpy_cases import Case, floats


def _case(name: str, *arrays: Any, **keywords: Any) -> Case:
    return _called(name, getattr(np, name), arrays, (), keywords)


def _at(name: str, array: Any, *arguments: Any, **keywords: Any) -> Case:
    """A function of one array and of arguments that are no tensors."""
    return _called(name, getattr(np, name), (array,), arguments, keywords)


def _called(
    name: str,
    expected: Callable[..., Any],
    arrays: tuple[Any, ...],
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
) -> Case:
    function = getattr(ops, name)
    shown = ",".join([*map(str, arguments), *[f"{k}={v}" for k, v in keywords.items()]])
    shapes = "-".join(str(list(array.shape)) for array in arrays)
    return Case(
        f"{name}({shown})-{shapes}",
        lambda *given: function(*given, *arguments, **keywords),
        lambda *given: expected(*given, *arguments, **keywords),
        arrays,
    )


def _listed(name: str, *arrays: Any, **keywords: Any) -> Case:
    """A function of a list of arrays."""
    function, expected = getattr(ops, name), getattr(np, name)
    shown = ",".join(f"{key}={value}" for key, value in keywords.items())
    shapes = "-".join(f"{array.dtype}{list(array.shape)}" for array in arrays)
    return Case(
        f"{name}[{shown}]-{shapes}",
        lambda *given: function(list(given), **keywords),
        lambda *given: expected(list(given), **keywords),
        arrays,
    )


def _moves() -> Iterator[Case]:
    for shape in ((6, 4), (2, -1), (-1,), (24, 1), (1, 2, 3, 4), -1):
        yield _at("reshape", floats(2, 3, 4), shape)
    yield _at("reshape", floats(0, 3), (3, 0))
    yield _at("reshape", floats(), (1, 1))
    yield _at("ravel", floats(2, 3))
    for axis in (0, -1, 1, (0, 3)):
        yield _at("expand_dims", floats(2, 3), axis)
    yield _at("squeeze", floats(1, 2, 1))
    yield _at("squeeze", floats(1, 2, 1), axis=-1)
    yield _at("squeeze", floats(1, 2, 1), axis=(0, 2))
    yield _at("transpose", floats(2, 3, 4))
    yield _at("transpose", floats(2, 3, 4), (1, 2, 0))
    yield _at("transpose", floats())
    yield _at("swapaxes", floats(2, 3, 4), 0, -1)
    yield _at("moveaxis", floats(2, 3, 4), 0, -1)
    yield _at("moveaxis", floats(2, 3, 4), (0, 1), (-1, 0))
    for axis in (None, 0, (0, -1)):
        yield _at("flip", floats(2, 3), axis)
    for turns in (0, 1, 2, 3, -1):
        yield _at("rot90", floats(2, 3), turns)
    yield _at("rot90", floats(2, 3, 2), 1, (1, 2))
    yield _at("fliplr", floats(2, 3))
    yield _at("flipud", floats(2, 3))
    for target in ((2, 3), (4, 2, 3), (2, 2, 3)):
        yield _at("broadcast_to", floats(1, 3) if len(target) == 2 else floats(2, 3), target)


def _joins() -> Iterator[Case]:
    yield _listed("concatenate", floats(2, 3), floats(1, 3))
    yield _listed("concatenate", floats(2, 3), floats(2, 1), axis=-1)
    yield _listed("concatenate", floats(2, 3), floats(4), axis=None)
    yield _listed("concatenate", floats(2, 3))
    yield _listed("concatenate", floats(0, 3), floats(1, 3))
    yield _listed("stack", floats(2, 3), floats(2, 3))
    yield _listed("stack", floats(2, 3), floats(2, 3), axis=-1)
    yield _listed("stack", floats(), floats(), floats())
    yield _listed("hstack", floats(2), floats(3))
    yield _listed("hstack", floats(2, 1), floats(2, 3))
    yield _listed("vstack", floats(3), floats(3))
    yield _listed("dstack", floats(3), floats(3))
    yield _listed("dstack", floats(2, 3), floats(2, 3))
    yield _case("append", floats(2), floats(3))
    for repeats in (2, (2, 3), (2, 1, 1), (0, 1)):
        yield _at("tile", floats(2, 3), repeats)
    yield _at("repeat", floats(2, 3), 2)
    yield _at("repeat", floats(2, 3), 2, axis=1)
    yield _at("repeat", floats(2, 3), [1, 0, 3], axis=-1)
    for shift, axis in ((1, None), (-2, 0), (5, 1), ((1, -1), (0, 1))):
        yield _at("roll", floats(3, 4), shift, axis)
    yield _at("pad", floats(2, 3), ((1, 2), (0, 3)))
    yield _at("pad", floats(2, 3), 1)
    yield _at("pad", floats(2, 3), (1, 2), constant_values=7.5)
    for mode in ("reflect", "symmetric", "edge", "wrap"):
        yield _at("pad", floats(3, 4), ((2, 1), (0, 3)), mode=mode)
    for part in range(3):
        yield _part("split", floats(6, 2), part, 3)
        yield _part("split", floats(6, 2), part, [1, 4])
        yield _part("split", floats(2, 6), part, [2, 9], axis=1)
        yield _part("array_split", floats(7, 2), part, 3)
        yield _part("hsplit", floats(2, 6), part, 3)
        yield _part("vsplit", floats(6, 2), part, 3)
        yield _part("dsplit", floats(1, 2, 6), part, 3)
    for part in range(2):
        for indexing in ("xy", "ij"):
            yield _grid(floats(2), floats(3), part, indexing)


def _part(name: str, array: Any, part: int, *arguments: Any, **keywords: Any) -> Case:
    function, expected = getattr(ops, name), getattr(np, name)
    return Case(
        f"{name}({arguments},{keywords})[{part}]",
        lambda x: function(x, *arguments, **keywords)[part],
        lambda x: expected(x, *arguments, **keywords)[part],
        (array,),
    )


def _grid(left: Any, right: Any, part: int, indexing: Any) -> Case:
    return Case(
        f"meshgrid({indexing})[{part}]",
        lambda x, y: ops.meshgrid(x, y, indexing=indexing)[part],
        lambda x, y: np.meshgrid(x, y, indexing=indexing)[part],
        (left, right),
    )


def _matrices() -> Iterator[Case]:
    for offset in (-1, 0, 2):
        yield _at("tril", floats(3, 4), offset)
        yield _at("triu", floats(2, 3, 4), offset)
        yield _at("diagonal", floats(3, 4), offset)
        yield _at("trace", floats(3, 4), offset)
        yield _at("diag", floats(3), offset)
        yield _at("diag", floats(3, 3), offset)
    yield _at("diagonal", floats(2, 3, 4), 1, 2, 0)
    yield _at("diagflat", floats(2, 2), 1)
    yield _case("kron", floats(2, 3), floats(3, 2))
    yield _case("kron", floats(3), floats(2, 2))
    yield _case("outer", floats(2, 2), floats(3))
    yield _case("cross", floats(4, 3), floats(3))
    yield _case("cross", floats(3, 2), floats(3, 2), axis=0)


def shaping_cases() -> list[Case]:
    return [*_moves(), *_joins(), *_matrices()]
