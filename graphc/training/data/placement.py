"""Copies of data on the device.

On a CPU JAX makes no copy of an array in aligned memory, so what a person writes into it later
would be seen. The copy here is NumPy's: it gets large pages, so that it takes a quarter of the time
that JAX takes for one, and reading rows at random is faster too. Fresh memory is what takes longest
of it, up to ten times the copying, so memory is used again once nothing reads it (all measured).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Final

import jax
import numpy as np

Array = Any
"""A NumPy array, or one on the device."""

_ALIGNMENT: Final = 64
"""Bytes: XLA takes memory that begins at such an address as it is, on CPUs."""

_KEPT: Final = 2**28
"""Bytes of memory that are kept for the next copies, at most."""

_free: list[Placed] = []
_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Placed:
    """An array on the device.

    Attributes:
        array: it.
        memory: where its elements are, as NumPy sees it; None where it is not ours to write to.
    """

    array: jax.Array
    memory: np.ndarray[Any, Any] | None = None


def place(array: Array) -> Placed:
    """A copy of an array on the device; one that is there already stays where it is."""
    if isinstance(array, jax.Array):
        return Placed(jax.device_put(array))
    if array.dtype.kind in "OUS" or jax.default_backend() != "cpu":
        return Placed(jax.block_until_ready(jax.device_put(array)))
    memory, on_device = _memory_like(array)
    np.copyto(memory, array)
    if on_device is None:
        on_device = jax.device_put(memory)
    is_ours = on_device.unsafe_buffer_pointer() == memory.ctypes.data
    return Placed(on_device, memory if is_ours else None)


def release(placed: Placed) -> None:
    """Let the memory of a copy be used again. Nothing may read the copy any more, now or later."""
    if placed.memory is None or not 0 < placed.memory.nbytes <= _KEPT:
        return
    with _lock:
        _free.append(placed)
        while sum(each.array.nbytes for each in _free) > _KEPT:
            _free.pop(0)


def _memory_like(array: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], jax.Array | None]:
    """Memory for a copy of an array; with what the device takes it for, if it has been one."""
    with _lock:
        for number, placed in enumerate(_free):
            memory = placed.memory
            assert memory is not None
            if memory.shape == array.shape and memory.dtype == array.dtype:
                del _free[number]
                return memory, placed.array
    memory = np.empty(array.nbytes + _ALIGNMENT, np.uint8)
    first = -memory.ctypes.data % _ALIGNMENT
    return memory[first : first + array.nbytes].view(array.dtype).reshape(array.shape), None
