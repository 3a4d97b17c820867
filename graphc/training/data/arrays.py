"""What people hand over as data, as arrays of the types that models compute in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from graphc.errors import FeedError
from graphc.ir.origin import capture_origin
from graphc.ops.bodies import flatten
from graphc.ops.conversion import floatx
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable

Array = Any
"""A NumPy array, or one on the device."""


def as_arrays(given: Any, what: str) -> Any:
    """Arrays in the nesting in which they were given.

    A list of arrays is a list of inputs; a list of numbers, at any depth, is one array. Floats
    become `floatx()` and long integers i32, as in Keras; text stays as it is.

    Raises:
        FeedError: something is no array, or an integer does not fit.
    """
    if given is None:
        return None
    if isinstance(given, Mapping):
        return {name: as_arrays(item, f"{what}[{name!r}]") for name, item in given.items()}
    if isinstance(given, (list, tuple)) and any(_is_array(item) for item in given):
        return [as_arrays(item, f"{what}[{number}]") for number, item in enumerate(given)]
    return _as_array(given, what)


def _is_array(thing: Any) -> bool:
    return getattr(thing, "ndim", 0) > 0 or isinstance(thing, Mapping)


def _as_array(given: Any, what: str) -> Array:
    if isinstance(given, (Tensor, Variable)):
        raise FeedError(
            f"{what} is a tensor of the graph, and no array",
            given=repr(given),
            fix="hand over arrays; a tensor is made of them by calling the model",
            origin=capture_origin(),
        )
    if isinstance(given, jax.Array):
        return given
    try:
        array = np.asarray(given)
    except (ValueError, TypeError, RuntimeError) as problem:
        # NumPy's word on lists; or another library's on its tensors, which says what to call first.
        raise FeedError(
            f"{what} is no rectangular array", fix=str(problem), origin=capture_origin()
        ) from None
    if array.dtype == object:
        raise FeedError(
            f"{what} is no array of numbers",
            given=repr(given)[:200],
            expected="numbers in rectangular arrays",
            fix=f'leave out or number columns of text; then {what}.astype("float32")'
            if hasattr(given, "dtypes")
            else None,
            origin=capture_origin(),
        )
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "f" and size == 8:
        return array.astype(floatx().numpy)
    if kind in "iu" and size == 8:
        limits = np.iinfo(np.int32)
        if array.size and (array.max() > limits.max or array.min() < limits.min):
            raise FeedError(
                f"{what} holds integers that do not fit 32 bits",
                given=f"{array.min()} to {array.max()}",
                fix=f'subtract an offset, or hand over {what}.astype("float32")',
                origin=capture_origin(),
            )
        return array.astype(np.int32)
    return array


def count_samples(parts: Mapping[str, Any]) -> int:
    """How many samples there are.

    Args:
        parts: x, y and weights, each nested arrays or None.

    Raises:
        FeedError: there are none, or parts differ in it.
    """
    counts: dict[str, int] = {}
    for name, part in parts.items():
        for number, leaf in enumerate(flatten(part)[0]):
            if leaf.ndim == 0:
                raise FeedError(f"{name} is a single number", expected="an array of samples")
            counts[f"{name} ({number})" if number else name] = int(leaf.shape[0])
    if len(set(counts.values())) > 1:
        raise FeedError(
            "the data differ in the number of samples",
            given=", ".join(f"{name}: {count}" for name, count in counts.items()),
            expected="as many labels and weights as samples",
            origin=capture_origin(),
        )
    count = next(iter(counts.values()), 0)
    if count == 0:
        raise FeedError(
            "there are no samples",
            given=f"arrays of shape {', '.join(str(x.shape) for x in flatten(parts)[0]) or '()'}",
            expected="at least one",
            origin=capture_origin(),
        )
    return count


def lengthen(array: Array, samples: int) -> Array:
    """An array with so many samples, the further ones copies of its first."""
    missing = samples - len(array)
    if not missing:
        return array
    return np.concatenate([array, np.repeat(np.asarray(array[:1]), missing, axis=0)])


def as_feed(array: np.ndarray[Any, Any]) -> Array:
    """An array that nobody changes any more, as a program takes it soonest.

    On a CPU that is NumPy's: JAX takes 30 times longer to put it on the device than a call takes to
    read it (measured).
    """
    return array if jax.default_backend() == "cpu" else jax.device_put(array)


def weights_of_classes(
    y: Any, class_weight: Mapping[int, float], sample_weight: Any
) -> np.ndarray[Any, Any]:
    """The weight of each sample's class, times its own.

    Args:
        y: class numbers [n] or [n, 1], or one-hot [n, classes].
        class_weight: weights by class number; 1 where one is missing.
        sample_weight: weights of samples, or None.

    Raises:
        FeedError: there are several outputs, or class_weight is no dictionary.
    """
    if not isinstance(class_weight, Mapping):
        raise FeedError(
            "class_weight is a dictionary",
            given=repr(class_weight)[:200],
            expected="weights by class number: {0: 1.0, 1: 5.0}",
            fix="dict(enumerate(weights))",
            origin=capture_origin(),
        )
    if not hasattr(y, "shape"):
        raise FeedError(
            "class_weight is for models with one output",
            given="labels of several",
            fix="give sample_weight for each output",
            origin=capture_origin(),
        )
    labels = np.asarray(y)
    classes = labels.argmax(-1) if labels.ndim > 1 and labels.shape[-1] > 1 else labels.reshape(-1)
    classes = classes.astype(np.int64)
    known, places = np.unique(classes, return_inverse=True)
    table = np.array([float(class_weight.get(int(label), 1.0)) for label in known])
    weights = table[places].reshape(classes.shape).astype(floatx().numpy)
    return weights if sample_weight is None else weights * np.asarray(sample_weight)


def first_not_finite(tree: Any, names: Callable[[int], str]) -> str | None:
    """Where the first NaN or infinity is: "x[17, 3] is nan"; None where there is none."""
    for number, leaf in enumerate(flatten(tree)[0]):
        array = np.asarray(leaf)
        if array.dtype.kind != "f":
            continue
        with np.errstate(all="ignore"):  # a sum that overflows is looked into below
            if np.isfinite(array.sum()):
                continue
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            place = ", ".join(map(str, bad[0]))
            return f"{names(number)}[{place}] is {array[tuple(bad[0])]}"
    return None
