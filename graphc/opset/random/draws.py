"""What is drawn from a key: bits, uniform and normal numbers; those of `jax.random`.

The same key and attributes give the same numbers on every platform, whatever JAX's flags say.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist
from typing import Any, Final, cast

import jax
import ml_dtypes
import numpy as np

from graphc.dtypes import BF16, F16, F32, F64, U8, U16, U32, U64, DType
from graphc.errors import AttributeValueError, DTypeError, ShapeError
from graphc.ir.attributes import DTYPE, INTEGER, SHAPE, Schema
from graphc.ir.op import NoGradient, OpCall, OpSpec, Sample, TracedLowering, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.random.generator import words
from graphc.opset.random.keys import KEY, require, wrap
from graphc.opset.random.threefry import Array, random_bits, random_words

FLOATS: Final = frozenset((BF16, F16, F32, F64))
WORDS: Final = frozenset((U8, U16, U32, U64))


def _define(
    name: str,
    doc: str,
    allowed: frozenset[DType],
    draw: Callable[[Any, Any, Any], Any],
    reference: Callable[[OpCall, Array], Any],
    samples: list[str],
) -> OpSpec:
    def infer(call: OpCall) -> TensorType:
        require(call, 0, KEY, "the key")
        dtype = call.attributes["dtype"]
        if dtype not in allowed:
            names = ", ".join(sorted(each.name for each in allowed))
            raise call.error(DTypeError, f"does not draw {dtype}", f"one of {names}")
        return tensor_type(dtype, call.attributes["shape"])

    def lower(call: OpCall, key: Any) -> Any:
        result = call.result
        return draw(wrap(key), result.shape, result.dtype.numpy)

    def make_samples() -> list[Sample]:
        key = np.array([7, 4_000_000_000], np.uint32)
        kinds = [({"shape": shape, "dtype": dtype}) for dtype in samples for shape in ((3, 5), ())]
        return [Sample((key,), kind, differentiable=False) for kind in kinds]

    return REGISTRY.register(
        OpSpec(
            name=name,
            doc=doc,
            arity=1,
            attributes=Schema(shape=SHAPE, dtype=DTYPE),
            infer=infer,
            lower=TracedLowering(lower),
            gradient=NoGradient("what is drawn depends on the key alone"),
            reference=reference,
            samples=make_samples,
            traits=Trait.RANDOM,
        )
    )


def _static_shape(call: OpCall) -> tuple[int, ...]:
    return tuple(int(size) for size in call.result.shape)  # pyright: ignore[reportArgumentType]


# --- random_bits ----------------------------------------------------------------------------------


def _bits_reference(call: OpCall, key: Array) -> Array:
    return random_bits(key, 8 * call.result.dtype.itemsize, _static_shape(call))


RANDOM_BITS = _define(
    "random_bits",
    "Unsigned integers, each equally likely.",
    WORDS,
    jax.random.bits,
    _bits_reference,
    ["uint32", "uint8", "uint16", "uint64"],
)

# --- random_uniform -------------------------------------------------------------------------------


def _uniform(call: OpCall, key: Array) -> Array:
    """Numbers in [0, 1): random bits as the mantissa of a number in [1, 2), less one."""
    dtype = call.result.dtype.numpy
    mantissa = int(cast(Any, ml_dtypes.finfo(dtype)).nmant)
    width = 8 * dtype.itemsize
    drawn = 8 if mantissa < 8 else width
    words = random_bits(key, drawn, _static_shape(call)).astype(f"uint{width}")
    one = np.ones((), dtype).view(words.dtype)
    return ((words >> words.dtype.type(drawn - mantissa)) | one).view(dtype) - dtype.type(1)


RANDOM_UNIFORM = _define(
    "random_uniform",
    "Numbers equally spread over [0, 1), 1 left out.",
    FLOATS,
    jax.random.uniform,
    _uniform,
    ["float32", "bfloat16", "float16", "float64"],
)

# --- random_normal --------------------------------------------------------------------------------


def _normal_reference(call: OpCall, key: Array) -> Array:
    """The quantile function of the normal distribution at numbers spread over (-1, 1)."""
    dtype = call.result.dtype.numpy
    low = np.nextafter(np.array(-1, dtype), np.array(0, dtype), dtype=dtype)
    spread = _uniform(call, key) * (dtype.type(1) - low) + low
    quantile = NormalDist().inv_cdf
    numbers = np.ravel(np.asarray(spread, np.float64)).tolist()
    # by symmetry: near 1, 1 - u keeps the digits that (1 + u) / 2 would lose
    drawn = [-quantile((1 - u) / 2) if u > 0 else quantile((1 + u) / 2) for u in numbers]
    return np.array(drawn, np.float64).reshape(np.shape(spread)).astype(dtype)


RANDOM_NORMAL = _define(
    "random_normal",
    "Numbers from the normal distribution of mean 0 and variance 1.",
    FLOATS,
    jax.random.normal,
    _normal_reference,
    ["float32", "float64"],
)

# --- random_words ---------------------------------------------------------------------------------


def _words_type(call: OpCall) -> TensorType:
    keys, starts = call.types
    width: int = call.attributes["width"]
    for position, rank, what in ((0, 2, "keys are u32[rows, 2]"), (1, 1, "starts are u32[rows]")):
        given = call.types[position]
        if given.dtype is not U32:
            raise call.error(DTypeError, f"operand {position} is {given}", what)
        if given.rank != rank:
            raise call.error(ShapeError, f"operand {position} is {given}", what)
    call.require_equal(keys.shape[1], 2, "the words of a key and 2")
    call.require_equal(keys.shape[0], starts.shape[0], "the numbers of keys and of starts")
    if width < 0:
        raise call.error(AttributeValueError, f"width is {width}", "0 or more")
    return tensor_type(U32, (starts.shape[0], width))


def _lower_words(call: OpCall, keys: Any, starts: Any) -> Any:
    return words(keys, starts, call.attributes["width"])


def _words_reference(call: OpCall, keys: Array, starts: Array) -> Array:
    return random_words(keys, starts, call.attributes["width"])


def _words_samples() -> list[Sample]:
    keys = np.array([[7, 4_000_000_000], [0, 1], [7, 4_000_000_000]], np.uint32)
    starts = np.array([0, 5, 2**32 - 4], np.uint32)
    return [
        Sample((keys, starts), {"width": 4}, differentiable=False),
        Sample((keys[:1], starts[:1]), {"width": 1}, differentiable=False),
        Sample((keys[:0], starts[:0]), {"width": 3}, differentiable=False),
        Sample((keys, starts), {"width": 0}, differentiable=False),
    ]


RANDOM_WORDS = REGISTRY.register(
    OpSpec(
        name="random_words",
        doc="Row i: of the 32-bit words that random_bits draws from key i, those from start i on; "
        "positions are counted modulo 2**32.",
        arity=2,
        attributes=Schema(width=INTEGER),
        infer=_words_type,
        lower=TracedLowering(_lower_words),
        gradient=NoGradient("what is drawn depends on the key alone"),
        reference=_words_reference,
        samples=_words_samples,
        traits=Trait.RANDOM,
    )
)
