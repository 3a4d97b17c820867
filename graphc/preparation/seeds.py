"""The same random numbers in every run, and a fresh start."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.ops.context import session_of
from graphc.ops.dataflow import get_default_graph, reset_default_graph


def set_random_seed(seed: int) -> None:
    """Seed Python's and NumPy's random numbers and those of the default graph's session.

    Weights that are not initialized yet, everything drawn from now on and the orders of samples in
    the next fits hang on it. A `Session` that you open yourself takes its own `seed`.

    Raises:
        GraphcError: it is no whole number of 32 bits.
    """
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise GraphcError(
            "this is no seed",
            given=repr(seed),
            expected="a whole number from 0 to 4294967295",
            origin=capture_origin(),
        )
    random.seed(int(seed))
    np.random.seed(seed)
    session: Any = session_of(get_default_graph())
    session.store.set_seed(int(seed))


def clear_session(free_memory: bool = True) -> None:
    """Begin with an empty default graph; models that are kept stay usable in their own.

    Args:
        free_memory: taken for Keras's sake: memory is free once nothing refers to it.
    """
    reset_default_graph()
