"""Where the numbers of one draw come from: a stream of the session's randomness.

A draw depends on the session's seed, on its stream, on how many programs have drawn before, and on
the iterations of the user's loops around it. `seed` chooses the stream:

* None takes the graph's next one: two draws give different numbers;
* an integer fixes it: two draws of one seed give the same numbers, in the same run. Streams of user
  seeds lie apart from those that a graph counts;
* a key, a u32[2] tensor, is taken as it is: the same numbers in every run, whatever the session's
  seed is;
* a `SeedGenerator` gives another key for each draw.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from graphc.configurable import Configurable
from graphc.dimensions import Shape
from graphc.dtypes import U32, DType, as_dtype
from graphc.errors import DTypeError
from graphc.ir.origin import capture_origin
from graphc.ops.broadcasting import apply
from graphc.ops.conversion import floatx
from graphc.ops.dataflow import get_default_graph
from graphc.ops.sizes import as_shape
from graphc.ops.tensor import Tensor

_SEEDED: Final = 1 << 31  # streams of user seeds lie above, those that the graph counts below


class SeedGenerator(Configurable, kind="random"):
    """Seeds for many draws from one: each draw that is given it has numbers of its own.

    Args:
        seed: an integer; None takes the graph's next stream at each draw.
        name: accepted for Keras's sake.

    As in Keras, except that no variable counts: the number of a draw is that in which the graph is
    built, and each run draws anew because the session counts runs.
    """

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        self.name = name or "seed_generator"
        self.seed = seed
        self._draws = 0

    def next(self, ordered: bool = True) -> Tensor:
        """The key of the next draw, u32[2]; `ordered` is accepted for Keras's sake."""
        if self.seed is None:
            return key_of(None)
        number, self._draws = self._draws, self._draws + 1
        return folded(key_of(self.seed), number)


SeedGenerator.registry.add(SeedGenerator, "SeedGenerator")

Seed = int | Tensor | SeedGenerator | None


def key_of(seed: Seed) -> Tensor:
    """The key that a seed names: u32[2].

    Raises:
        DTypeError: the seed is no integer, and no key.
    """
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if isinstance(seed, Tensor):
        if seed.dtype is not U32 or seed.shape != (2,):
            raise DTypeError(
                "a seed that is a tensor is a key",
                given=seed.value.type,
                expected="u32[2]",
                origin=capture_origin(),
            )
        return seed
    if seed is None:
        return apply("random_key", stream=get_default_graph().next_stream())
    try:
        number = operator.index(seed)
    except TypeError:
        raise DTypeError(
            "a seed is an integer", given=repr(seed), origin=capture_origin()
        ) from None
    return apply("random_key", stream=_SEEDED + number % _SEEDED)


def folded(key: Tensor, number: int) -> Tensor:
    """The key of one of several draws that belong together: u32[2]."""
    return apply("random_fold", key, np.uint32(number))


def float_type(dtype: Any) -> DType:
    """The element type of what is drawn: a float, the default one for None.

    Raises:
        DTypeError: it is no float.
    """
    target = floatx() if dtype is None else as_dtype(dtype)
    if not target.is_floating:
        raise DTypeError(
            f"there are no random numbers of type {target} here",
            expected="a float",
            fix="use random.randint for integers",
            origin=capture_origin(),
        )
    return target


def drawn(op_name: str, shape: Sequence[Any], dtype: DType, seed: Seed, name: str | None) -> Tensor:
    """What a random op draws."""
    sizes: Shape = as_shape(shape)
    return apply(op_name, key_of(seed), shape=sizes, dtype=dtype, name=name)
