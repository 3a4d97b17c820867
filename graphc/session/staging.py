"""Arrays of NumPy on their way into memory that XLA owns."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

_ALIGNMENT: Final = 64
_ASIDE: Final = 16  # any element may begin there


def unaligned_copy(array: Any) -> np.ndarray[Any, Any]:
    """A copy that XLA copies again.

    On CPUs `jax.device_put` shows XLA an array of NumPy in its place where its address is a
    multiple of 64 bytes, whatever `may_alias` says. Then changes of it reach the variable; and XLA
    copies it when it is donated, all variables in the first step, instead of overwriting it.

    Args:
        array: of any shape and element type.
    """
    given = np.asarray(array)
    room = np.empty(given.nbytes + _ALIGNMENT + _ASIDE, np.uint8)
    offset = -room.ctypes.data % _ALIGNMENT + _ASIDE
    copied = np.ndarray(given.shape, given.dtype, room, offset)
    copied[...] = given
    return copied
