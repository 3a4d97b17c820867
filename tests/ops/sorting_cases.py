"""Sorting, quantiles, searching and counting beside NumPy."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from graphc import ops
from tests.ops.numpy_cases import Case, floats, truth, whole

SPECIAL = np.float32([2, np.nan, 1, -np.inf, np.inf, -0.0, 0.0, np.nan, 2])


def _at(name: str, *arrays: Any, **keywords: Any) -> Case:
    function, expected = getattr(ops, name), getattr(np, name)

    def quietly(*given: Any) -> Any:
        with warnings.catch_warnings():  # NumPy warns of slices that are NaN alone
            warnings.simplefilter("ignore", RuntimeWarning)
            return expected(*given, **keywords)

    return _case(name, lambda *given: function(*given, **keywords), quietly, *arrays, **keywords)


def _case(
    name: str,
    function: Callable[..., Any],
    expected: Callable[..., Any],
    *arrays: Any,
    **shown: Any,
) -> Case:
    words = ",".join(f"{key}={value}" for key, value in shown.items())
    shapes = "-".join(f"{array.dtype}{list(array.shape)}" for array in arrays)
    return Case(f"{name}({words})-{shapes}", function, expected, arrays)


def _sorting() -> Iterator[Case]:
    for axis in (-1, 0, None):
        for x in (floats(3, 4), whole(3, 4), truth(3, 4), floats(0, 3), floats(1, 1)):
            yield _at("sort", x, axis=axis)
            yield _case(
                "argsort",
                lambda x, axis=axis: ops.argsort(x, axis),
                lambda x, axis=axis: np.argsort(x, axis, kind="stable"),
                x,
                axis=axis,
            )
    yield _at("sort", SPECIAL)
    yield _at("sort", (floats(6) + 1j * floats(6)).astype(np.complex64))
    yield _case("sort", ops.sort, lambda x: x.reshape(1), floats())
    yield _case("argsort", ops.argsort, lambda x: np.argsort(x, kind="stable"), SPECIAL)
    for k in (0, 1, 3):
        for part in (0, 1):
            yield _case(
                f"top_k[{part}]",
                lambda x, k=k, part=part: ops.top_k(x, k)[part],
                lambda x, k=k, part=part: _largest(x, k)[part],
                whole(3, 5, low=-2, high=2),
                k=k,
            )
    for kth in (0, 2, -1):
        yield _case(
            "argpartition",
            lambda x, kth=kth: ops.take_along_axis(x, ops.argpartition(x, kth), -1)[..., kth],
            lambda x, kth=kth: np.partition(x, kth)[..., kth],
            floats(3, 6),
            kth=kth,
        )


def _largest(x: Any, k: int) -> tuple[Any, Any]:
    order = np.argsort(-x, axis=-1, kind="stable")[..., :k]
    return np.take_along_axis(x, order, -1), order


def _quantiles() -> Iterator[Case]:
    holes = floats(4, 5)
    holes[0, 1] = holes[2, :] = np.nan
    for name in ("median", "nanmedian"):
        for axis in (None, 0, -1, (0, 1)):
            for keepdims in (False, True):
                yield _at(name, floats(3, 5), axis=axis, keepdims=keepdims)
        yield _at(name, holes, axis=1)
        yield _at(name, whole(4, 3), axis=0)
        yield _at(name, floats(2, 3, 4), axis=(2, 0), keepdims=True)
    for name in ("quantile", "nanquantile"):
        for method in ("linear", "lower", "higher", "midpoint", "nearest"):
            for q in (0.3, 0.5, 1.0, [0.0, 0.25, 0.5, 1.0]):
                yield _at(name, floats(3, 6), q=q, axis=1, method=method)
            yield _at(name, holes, q=[0.2, 0.7], axis=0, method=method)
        for keepdims in (False, True):
            yield _at(name, floats(2, 3, 4), q=[0.1, 0.9], axis=(0, 2), keepdims=keepdims)
            yield _at(name, floats(2, 3, 4), q=0.6, keepdims=keepdims)
        yield _case(
            name,
            lambda x, name=name: getattr(ops, name)(x, [0.0, 1.0, 0.25]),
            lambda x: np.sort(x)[[0, 4, 1]],
            np.float32([1, np.inf, 2, -np.inf, 0]),
        )
    yield _at("percentile", floats(3, 4), q=40, axis=(0, 1))
    yield _at("nanpercentile", holes, q=[40, 50.5], axis=-1)


def _searching() -> Iterator[Case]:
    long = np.sort(whole(200, low=-50, high=50)).astype(np.float32)
    for side in ("left", "right"):
        for sequence in (np.float32([1, 2, 2, 5]), np.sort(SPECIAL), long, floats(0)):
            for values in (np.float32([[0, 2], [5, 9]]), SPECIAL, floats(0, 2), np.float32(2)):
                yield _at("searchsorted", sequence, np.asarray(values), side=side)
        yield _at("searchsorted", np.int32([1, 3, 3]), np.int32([0, 3, 4]), side=side)
    yield _at("digitize", np.float32([0.5, 2, 7]), np.float32([1, 2, 5]))
    yield _at("isin", whole(3, 4), whole(5))
    for part in (0, 1):
        yield _case(
            f"unravel_index[{part}]",
            lambda x, part=part: ops.unravel_index(x, (3, 4))[part],
            lambda x, part=part: np.unravel_index(x, (3, 4))[part],
            np.int32([[0, 5], [11, 7]]),
        )
        for x in (whole(4, 3, low=-1, high=1), truth(3, 4), floats(0, 2)):
            for size in (0, 3, 15):
                yield _case(
                    f"nonzero[{part}]",
                    lambda x, part=part, size=size: ops.nonzero(x, size, -7)[part],
                    lambda x, part=part, size=size: _fixed(np.nonzero(x)[part], size, -7),
                    x,
                    size=size,
                )


def _fixed(array: Any, size: int, fill: Any, axis: int = 0) -> Any:
    """The first `size` entries, with more of `fill` where there are fewer."""
    missing = max(size - array.shape[axis], 0)
    edges = [(0, missing if each == axis else 0) for each in range(array.ndim)]
    padded = np.pad(array, edges, constant_values=fill)
    return np.take(padded, range(size), axis)


def _counting() -> Iterator[Case]:
    x = whole(20, low=0, high=6)
    for length in (0, 4, 9):
        yield _case(
            "bincount",
            lambda x, n=length: ops.bincount(x, length=n),
            lambda x, n=length: _fixed(np.bincount(x), n, 0),
            x,
            length=length,
        )
    yield _case(
        "bincount(weights)",
        lambda x, w: ops.bincount(x, w, length=7),
        lambda x, w: np.bincount(x, w, minlength=7),
        x,
        floats(20),
    )
    yield _case(
        "bincount(rows)",
        lambda x: ops.bincount(x, length=7),
        lambda x: np.stack([np.bincount(row, minlength=7) for row in x]),
        whole(3, 5, low=0, high=6),
    )
    for part in (0, 1):
        for keywords in ({}, {"bins": 3}, {"bins": 4, "range": (-1.0, 1.0)}):
            for array in (floats(30), np.int32([0, 8, 1, 5, 3, 3, 7]), np.float32([2, 2])):
                yield _case(
                    f"histogram[{part}]",
                    lambda x, part=part, k=keywords: ops.histogram(x, **k)[part],
                    lambda x, part=part, k=keywords: np.histogram(x, **k)[part],
                    array,
                    **keywords,
                )


def _distinct() -> Iterator[Case]:
    arrays: list[tuple[Any, int | None]] = [
        *((whole(12, low=-2, high=2), None), (whole(3, 4, low=0, high=2), None)),
        *((truth(5), None), (SPECIAL, None), (whole(0, low=0), None), (whole(1), None)),
        *((whole(6, 2, low=0, high=1), 0), (whole(2, 6, low=0, high=1), 1)),
    ]
    for array, axis in arrays:
        for size in (1, 3, 14):
            for part in range(4):
                yield _case(
                    f"unique[{part}]",
                    lambda x, part=part, axis=axis, size=size: ops.unique(
                        x, True, True, True, True, axis, size
                    )[part],
                    lambda x, part=part, axis=axis, size=size: _distinct_in_numpy(
                        x, axis, size, part
                    ),
                    array,
                    axis=axis,
                    size=size,
                )


def _distinct_in_numpy(x: Any, axis: int | None, size: int, part: int) -> Any:
    found = np.unique(x, True, True, True, axis, equal_nan=False)[part]
    if part == 2:
        return found.reshape(x.shape if axis is None else -1)
    return _fixed(found, size, 0, axis or 0 if part == 0 else 0)


def sorting_cases() -> list[Case]:
    return [*_sorting(), *_quantiles(), *_searching(), *_counting(), *_distinct()]
