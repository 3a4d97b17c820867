"""Where keys come from: a seed, a counter, and what a stream or an iteration folds in.

A key is a plain u32[2]. `random_key` is what gets built; the stage `functional` makes of it a
`random_base` of the session's seed and counter, folded with the number of the stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from graphc.dtypes import U32
from graphc.errors import DTypeError, ShapeError
from graphc.ir.attributes import INTEGER, Schema
from graphc.ir.op import NoGradient, NotLowered, OpCall, OpSpec, Sample, TracedLowering, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.random.generator import GENERATOR
from graphc.opset.random.threefry import Array, fold, fold_each

KEY = tensor_type(U32, (2,))
WORD = tensor_type(U32, ())


def require(call: OpCall, position: int, expected: TensorType, what: str) -> None:
    """Check the type of one operand.

    Raises:
        DTypeError: its element type is another.
        ShapeError: its shape is.
    """
    given = call.types[position]
    if given.dtype is not expected.dtype:
        raise call.error(DTypeError, f"{what} is {given}", expected)
    if given is not expected:
        raise call.error(ShapeError, f"{what} is {given}", expected)


def wrap(key: Any) -> Any:
    """What `jax.random` takes, from the two words of a key."""
    return jax.random.wrap_key_data(key, impl=GENERATOR)  # pyright: ignore[reportUnknownVariableType]


def _lower_fold(call: OpCall, key: Any, data: Any) -> Any:
    return jax.random.key_data(jax.random.fold_in(wrap(key), data))


def _samples(*pairs: tuple[Any, Any]) -> list[Sample]:
    return [
        Sample((np.array(left, np.uint32), np.array(right, np.uint32)), differentiable=False)
        for left, right in pairs
    ]


def keys_of_streams(seed: Any, counter: Any, streams: Sequence[int]) -> Array:
    """What `random_key` is on the device, of several streams; in NumPy: u32[streams, 2].

    Args:
        seed: u32[], the session's.
        counter: u32[], how many programs have drawn before.
        streams: their numbers.
    """
    return fold_each(base_key(seed, counter), streams)


def base_key(seed: Any, counter: Any) -> Array:
    """What `random_base` is, in NumPy: u32[2]."""
    return fold(np.array([0, seed], np.uint32), counter)


# --- random_base ----------------------------------------------------------------------------------


def _base_type(call: OpCall) -> TensorType:
    require(call, 0, WORD, "the seed")
    require(call, 1, WORD, "the counter")
    return KEY


def _lower_base(call: OpCall, seed: Any, counter: Any) -> Any:
    folded = jax.random.fold_in(jax.random.key(seed, impl=GENERATOR), counter)
    return jax.random.key_data(folded)


def _base_reference(call: OpCall, seed: Any, counter: Any) -> Array:
    return base_key(seed, counter)


RANDOM_BASE = REGISTRY.register(
    OpSpec(
        name="random_base",
        doc="The key of a run, from seed and counter: fold_in(key(seed), counter) of jax.random.",
        arity=2,
        infer=_base_type,
        lower=TracedLowering(_lower_base),
        gradient=NoGradient("a key is made of integers"),
        reference=_base_reference,
        samples=lambda: _samples((0, 0), (42, 7), (2**32 - 1, 2**31)),
    )
)

# --- random_fold ----------------------------------------------------------------------------------


def _fold_type(call: OpCall) -> TensorType:
    require(call, 0, KEY, "the key")
    require(call, 1, WORD, "what is folded in")
    return KEY


def _fold_reference(call: OpCall, key: Array, data: Any) -> Array:
    return fold(key, data)


RANDOM_FOLD = REGISTRY.register(
    OpSpec(
        name="random_fold",
        doc="A key from a key and a number (a stream, an iteration): fold_in of jax.random.",
        arity=2,
        infer=_fold_type,
        lower=TracedLowering(_lower_fold),
        gradient=NoGradient("a key is made of integers"),
        reference=_fold_reference,
        samples=lambda: _samples(((0, 0), 1), ((123, 2**32 - 1), 2**32 - 1)),
    )
)

# --- random_key -----------------------------------------------------------------------------------

RANDOM_KEY = REGISTRY.register(
    OpSpec(
        name="random_key",
        doc="The key of one stream of the session's randomness, another at each run.",
        arity=0,
        attributes=Schema(stream=INTEGER),
        infer=lambda call: KEY,
        lower=NotLowered("the stage `functional` makes keys of the session's seed and counter"),
        gradient=NoGradient("a key is made of integers"),
        reference=NotLowered("the stage `functional` makes keys of the session's seed and counter"),
        samples=tuple,
        traits=Trait.RANDOM | Trait.EFFECT,
    )
)
