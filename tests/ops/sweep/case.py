"""One case of the sweep: a function of graphc.ops beside the one of NumPy, on some arrays.

The element type of the result is part of a case: a rule says how it follows from those of the
operands. What NumPy computes on wider numbers, rounded to that type, is what must come out.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np

from graphc import ops

Array = np.ndarray[Any, Any]

_SUMMED: Final = {
    **{"bool": "int32", "int8": "int32", "int16": "int32"},
    **{"uint8": "uint32", "uint16": "uint32"},
}
_REAL: Final = {"complex64": "float32", "complex128": "float64"}
# How far a result may be off, as a part of it: some roundings of its type.
TOLERANCES: Final = {
    **{"float64": 1e-12, "complex128": 1e-12, "float32": 4e-6, "complex64": 6e-6},
    **{"float16": 4e-3, "bfloat16": 3e-2},
}


@lru_cache(None)
def promoted(*dtypes: str) -> str:
    """The element type of several, as JAX promotes; the default float where no integer does."""
    if "uint64" in dtypes and any(each.startswith("int") for each in dtypes):
        floats = [each for each in dtypes if not each.startswith(("int", "uint", "bool"))]
        return promoted("float32", *floats) if floats else "float32"
    found = dtypes[0]
    with jax.enable_x64(True):
        for other in dtypes[1:]:
            found = str(jnp.promote_types(found, other))
    return found


def is_inexact(dtype: str) -> bool:
    return dtype.startswith(("float", "bfloat", "complex"))


def result_dtype(rule: str, dtype: str) -> str:
    """The element type of a result.

    Args:
        rule: "same", "float" (the default one of what is none), "sum" (narrow integers grow),
            "real" (of complex numbers), "real float"; else the element type itself.
        dtype: of the operands, promoted.
    """
    if rule == "same":
        return dtype
    if rule == "sum":
        return _SUMMED.get(dtype, dtype)
    if rule in ("float", "real float"):
        dtype = dtype if is_inexact(dtype) else "float32"
    if rule in ("real", "real float"):
        return _REAL.get(dtype, dtype)
    return dtype if rule == "float" else rule


@dataclass(frozen=True)
class SweepCase:
    """A function on arrays.

    Attributes:
        label: what failures show.
        function: of tensors.
        expected: of arrays, in NumPy.
        arrays: what both are called on.
        dtype: of the result.
        computed_in: the element type that NumPy gets the arrays in; "own" for that of each.
        tolerance: relative; 0 for exact results.
        floor: absolute tolerance, in units of `tolerance`.
        signed_zeros: whether the signs of zeros count.
    """

    label: str
    function: Callable[..., Any]
    expected: Callable[..., Any]
    arrays: tuple[Array, ...]
    dtype: str
    computed_in: str
    tolerance: float
    floor: float
    signed_zeros: bool

    def wanted(self) -> list[Array]:
        """What must come out."""
        own = self.computed_in == "own"
        arrays = [widened(a, str(a.dtype) if own else self.computed_in) for a in self.arrays]
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = self.expected(*arrays)
            made = list(made) if isinstance(made, (list, tuple)) else [made]
            return [_rounded(np.asarray(each), self.dtype) for each in made]

    def check(self, found: Sequence[Array], how: str) -> list[str]:
        """What is wrong with results, in words."""
        wanted = self.wanted()
        if len(found) != len(wanted):
            return [f"{self.label} {how}: {len(found)} results, not {len(wanted)}"]
        problems: list[str] = []
        for one, other in zip(map(np.asarray, found), wanted, strict=True):
            problem = self._difference(one, other)
            if problem:
                problems.append(f"{self.label} {how}: {problem}")
        return problems

    def _difference(self, found: Array, wanted: Array) -> str | None:
        if str(found.dtype) != self.dtype:
            return f"{found.dtype}, not {self.dtype}"
        if found.shape != wanted.shape:
            return f"shape {found.shape}, not {wanted.shape}"
        one, other = (_comparable(each) for each in (found, wanted))
        if self.tolerance:
            # XLA may take numbers below the smallest normal one as 0.
            least = max(self.tolerance * self.floor, float(ml_dtypes.finfo(self.dtype).tiny))
            same = np.isclose(one, other, rtol=self.tolerance, atol=least, equal_nan=True)
        else:
            same = (one == other) | ((one != one) & (other != other))
        if self.signed_zeros:
            same &= (other != 0) | (np.signbit(one.real) == np.signbit(other.real))
        if same.all():
            return None
        place = tuple(int(index) for index in np.argwhere(~same)[0])
        return f"{found[place]!r}, not {wanted[place]!r} at {place} for {self._inputs(place)}"

    def _inputs(self, place: tuple[int, ...]) -> str:
        if all(array.ndim == len(place) and array.size for array in self.arrays):
            clipped = [tuple(np.minimum(place, np.subtract(a.shape, 1))) for a in self.arrays]
            return repr([a[at] for a, at in zip(self.arrays, clipped, strict=True)])[:120]
        return repr(self.arrays)[:160]


def widened(array: Array, dtype: str) -> Array:
    """An array in an element type, floats in 64 bits that hold what the narrower one holds."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cast = array.astype(dtype) if str(array.dtype) != dtype else array
    if dtype.startswith("complex"):
        return cast.astype(np.complex128)
    return cast.astype(np.float64) if is_inexact(dtype) else cast


def _rounded(array: Array, dtype: str) -> Array:
    return array.astype(dtype) if str(array.dtype) != dtype else array


def _comparable(array: Array) -> Array:
    if array.dtype.kind == "c":
        return array.astype(np.complex128)
    return array.astype(np.float64) if is_inexact(str(array.dtype)) else array


def case(
    name: str,
    *arrays: Any,
    first: str | None = None,
    given: tuple[Any, ...] = (),
    rule: str = "same",
    expected: Callable[..., Any] | None = None,
    numpy: str | None = None,
    listed: bool = False,
    computed_in: str | None = None,
    pick: int | None = None,
    slack: float = 1.0,
    floor: float = 0.25,
    signed_zeros: bool = False,
    **keywords: Any,
) -> SweepCase:
    """A case for the function of some name.

    Args:
        name: in graphc.ops.
        *arrays: operands.
        first: an argument before them.
        given: positional arguments after them.
        rule: for the element type of the result; see `result_dtype`.
        expected: in place of NumPy's function of the same name.
        numpy: NumPy's name, where it is another one.
        listed: whether the operands are one list.
        computed_in: the element type that NumPy computes in; by default that of the operands.
        pick: which of several results counts.
        slack: by how much the tolerance is multiplied; 0 for exact results.
        floor: the absolute tolerance, in units of the relative one.
        signed_zeros: whether the signs of zeros count.
        **keywords: for both functions.
    """
    function = getattr(ops, name)
    reference = expected or getattr(np, numpy or name)
    operands = tuple([np.asarray(array) for array in arrays])
    common = promoted(*[str(each.dtype) for each in operands]) if operands else "float32"
    dtype = result_dtype(rule, common)
    inside = computed_in or (dtype if is_inexact(dtype) and not is_inexact(common) else common)

    def called(*tensors: Any) -> Any:
        made = function(*before, *([list(tensors)] if listed else tensors), *given, **keywords)
        return made if pick is None else made[pick]

    def wanted(*given_arrays: Any) -> Any:
        arrays_ = [list(given_arrays)] if listed else given_arrays
        made = reference(*before, *arrays_, *given, **keywords)
        return made if pick is None else made[pick]

    before = () if first is None else (first,)
    shown = [*before, *[f"{each.dtype}{list(each.shape)}" for each in operands]]
    shown += [repr(each)[:40] for each in given] + [f"{k}={v}"[:40] for k, v in keywords.items()]
    tolerance = TOLERANCES.get(dtype, 0.0) * slack
    return SweepCase(
        *(f"{name}({', '.join(shown)})", called, wanted, operands, dtype, inside),
        *(tolerance, floor, signed_zeros),
    )
