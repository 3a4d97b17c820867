"""dropout: a random part of the elements at zero, the rest scaled so that the mean stays.

Source: N. Srivastava and others, "Dropout", JMLR 2014.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dimensions import Shape
from graphc.dtypes import BOOL, F32
from graphc.errors import AttributeValueError
from graphc.ir.attributes import AXES, FLOAT, Attribute, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import ByDecomposition, Cost, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.random.keys import KEY, require
from graphc.opset.random.threefry import Array, random_bits
from graphc.opset.samples import draw
from graphc.opset.type_rules import INEXACT, require_axes, require_dtype

# --- dropout --------------------------------------------------------------------------------------


def _kept_shape(call: OpCall) -> Shape:
    shared = call.attributes["shared_axes"]
    return tuple([1 if i in shared else size for i, size in enumerate(call.types[0].shape)])


def _type(call: OpCall) -> Sequence[TensorType]:
    require_dtype(call, 0, INEXACT)
    require(call, 1, KEY, "the key")
    require_axes(call, call.attributes["shared_axes"], call.types[0].rank, "shared_axes")
    rate: float = call.attributes["rate"]
    if not 0 <= rate <= 1:
        raise call.error(AttributeValueError, f"rate is {rate}", "0 to 1")
    return [call.types[0], tensor_type(BOOL, _kept_shape(call))]


def _where_kept(build: Builder, call: OpCall, x: Value, kept: Value) -> Value:
    """X times 1 / (1 - rate) where it is kept, else 0: exactly x at rate 0, exactly 0 at rate 1."""
    rate: float = call.attributes["rate"]
    shared: tuple[int, ...] = call.attributes["shared_axes"]
    if shared:
        shape = x.type.shape
        own = [axis for axis in range(x.type.rank) if axis not in shared]
        squeezed = build.reshape(kept, shape=tuple([shape[axis] for axis in own]))
        kept = build.broadcast_in_dim(squeezed, shape=shape, broadcast_dimensions=own)
    scaled = x
    if 0 < rate < 1:
        scaled = build.multiply(x, build.full_like(x, 1 / (1 - rate)))
    return build.select(kept, scaled, build.full_like(x, 0))


def _decomposition(build: Builder, call: OpCall, x: Value, key: Value) -> tuple[Value, Value]:
    drawn = build.random_uniform(key, shape=_kept_shape(call), dtype=F32)
    kept = build.compare(drawn, build.full_like(drawn, 1 - call.attributes["rate"]), direction="LT")
    return _where_kept(build, call, x, kept), kept


def _gradient(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    ct: Sequence[Value],
) -> Sequence[Value | None]:
    return (_where_kept(build, call, ct[0], results[1]), None)


def _reference(call: OpCall, x: Array, key: Array) -> tuple[Any, Array]:
    rate: float = call.attributes["rate"]
    sizes: tuple[Any, ...] = call.results[1].shape
    # the 23 upper bits of a word are the mantissa of a number in [0, 1)
    words = random_bits(key, 32, tuple(int(size) for size in sizes)) >> np.uint32(9)
    kept = words.astype(np.float64) / 2**23 < np.float32(1 - rate)
    scale = x.dtype.type(1 / (1 - rate)) if rate < 1 else x.dtype.type(0)
    return np.where(kept, x * scale, np.zeros_like(x)), kept


def _cost(call: OpCall) -> Cost:
    x, kept = call.types[0], call.results[1]
    return Cost(x.size * 2 + kept.size * 60, x.byte_size * 2 + kept.byte_size)


def _samples() -> list[Sample]:
    key = np.array([7, 4_000_000_000], np.uint32)

    def sample(*shape: int, rate: float, shared_axes: Sequence[int] = ()) -> Sample:
        return Sample((draw(*shape), key), {"rate": rate, "shared_axes": shared_axes})

    spoiled = np.array([np.inf, np.nan, -np.inf, 1], np.float32)
    return [
        sample(3, 5, rate=0.4),
        sample(3, 5, rate=0.0),
        sample(3, 5, rate=1.0),
        sample(2, 3, 4, rate=0.5, shared_axes=(1,)),
        sample(rate=0.5),
        sample(0, 2, rate=0.5),
        Sample((spoiled, key), {"rate": 1.0}, differentiable=False),
    ]


DROPOUT = REGISTRY.register(
    OpSpec(
        name="dropout",
        doc="x / (1 - rate) where kept, else 0, and where it is kept; one draw serves all elements "
        "along the shared axes, where the second result has size 1.",
        arity=2,
        attributes=Schema(rate=FLOAT, shared_axes=Attribute(AXES, ())),
        infer=_type,
        lower=ByDecomposition(),
        gradient=_gradient,
        reference=_reference,
        cost=_cost,
        samples=_samples,
        traits=Trait.COMPOSITE | Trait.RANDOM,
        decomposition=_decomposition,
    )
)
