"""Where the numbers of one draw come from: a stream of the session's randomness.

A draw depends on the session's seed, on its stream, on how many programs have drawn before, and on
the iterations of the user's loops around it. `seed` chooses the stream:

* None takes the graph's next one: two draws give different numbers;
* an integer fixes it: two draws of one seed give the same numbers, in the same run. Streams of user
  seeds lie apart from those that a graph counts;
* a key, a u32[2] tensor, is taken as it is: the same numbers in every run, whatever the session's
  seed is.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, Final

from graphc.dimensions import Shape
from graphc.dtypes import U32, DType, as_dtype
from graphc.errors import DTypeError
from graphc.ir.origin import capture_origin
from graphc.ops.broadcasting import apply
from graphc.ops.conversion import floatx
from graphc.ops.dataflow import get_default_graph
from graphc.ops.sizes import as_shape
from graphc.ops.tensor import Tensor

Seed = int | Tensor | None

_SEEDED: Final = 1 << 31  # streams of user seeds lie above, those that the graph counts below


def key_of(seed: Seed) -> Tensor:
    """The key that a seed names: u32[2].

    Raises:
        DTypeError: the seed is no integer, and no key.
    """
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
