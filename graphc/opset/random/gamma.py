"""random_gamma: draws from gamma distributions, by rejection, and their derivative by the shape.

Sources: G. Marsaglia, W. Tsang, "A simple method for generating gamma variables", ACM TOMS 2000;
M. Figurnov and others, "Implicit reparameterization gradients", NeurIPS 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from graphc.dtypes import F32, U32, DType
from graphc.ir.attributes import TRUTH, Attribute, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import ByDecomposition, Cost, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.opset.random.keys import KEY, require
from graphc.opset.random.rejection import Proposal, draw_until_accepted, open_uniform
from graphc.opset.samples import draw
from graphc.opset.type_rules import FLOATING, require_dtype

# Folded into a key for what is drawn apart from the rounds, whose numbers are smaller.
_POWER: Final = 2**31

# --- random_gamma ---------------------------------------------------------------------------------


def _type(call: OpCall) -> TensorType:
    require(call, 0, KEY, "the key")
    require_dtype(call, 1, FLOATING)
    return call.types[1]


def _computed_in(dtype: DType) -> DType:
    return dtype if dtype.itemsize >= F32.itemsize else F32


def _propose(build: Builder, key: Value, round_key: Value, invariants: Sequence[Value]) -> Proposal:
    """D times the cube of a number that is almost normal; the squeeze of the paper is left out."""
    d, c = invariants
    normal = build.random_normal(round_key, shape=d.type.shape, dtype=d.type.dtype)
    one, zero = build.full_like(d, 1), build.full_like(d, 0)
    root = build.add(one, build.multiply(c, normal))
    is_positive = build.compare(root, zero, direction="GT")
    safe = build.select(is_positive, root, one)
    cube = build.multiply(build.multiply(safe, safe), safe)
    chance = build.log(
        open_uniform(build, build.random_fold(round_key, build.full(1, U32)), d.type)
    )
    half = build.multiply(build.multiply(normal, normal), build.full_like(d, 0.5))
    # d - d v + d log v, with log v as three times that of the root
    logarithm = build.multiply(build.log(safe), build.full_like(d, 3))
    bound = build.add(half, build.multiply(d, build.add(build.subtract(one, cube), logarithm)))
    accepted = build.and_(is_positive, build.compare(chance, bound, direction="LT"))
    return Proposal(build.multiply(d, cube), accepted)


def _decomposition(build: Builder, call: OpCall, key: Value, shape: Value) -> Value:
    dtype = _computed_in(shape.type.dtype)
    a = shape if shape.type.dtype is dtype else build.convert(shape, dtype=dtype)
    zero, one = build.full_like(a, 0), build.full_like(a, 1)
    is_usable = build.and_(build.compare(a, zero, direction="GT"), build.is_finite(a))
    usable = build.select(is_usable, a, one)
    # below 1, a draw of shape a is one of shape a + 1 times a uniform number to the power 1 / a
    is_small = build.compare(usable, one, direction="LT")
    d = build.subtract(
        build.select(is_small, build.add(usable, one), usable), build.full_like(a, 1 / 3)
    )
    c = build.multiply(build.rsqrt(d), build.full_like(a, 1 / 3))
    drawn = draw_until_accepted(build, key, [d, c], is_usable, _propose)
    uniform = open_uniform(build, build.random_fold(key, build.full(_POWER, U32)), a.type)
    power = build.divide(build.log(uniform), usable)
    in_log = build.add(build.log(drawn), build.select(is_small, power, zero))
    is_zero = build.compare(a, zero, direction="EQ")
    is_infinite = build.compare(a, build.full_like(a, np.inf), direction="EQ")
    if call.attributes["is_log"]:
        made, least = in_log, build.full_like(a, -np.inf)
    else:
        scale = build.select(is_small, build.exponential(power), one)
        made, least = build.multiply(drawn, scale), zero
    beyond = build.select(is_infinite, build.full_like(a, np.inf), build.full_like(a, np.nan))
    made = build.select(is_usable, made, build.select(is_zero, least, beyond))
    return made if dtype is shape.type.dtype else build.convert(made, dtype=shape.type.dtype)


def _gradient(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    ct: Sequence[Value],
) -> Sequence[Value | None]:
    """How a draw moves with the shape when its probability to be exceeded is held."""
    drawn = results[0]
    if not call.attributes["is_log"]:
        return (None, build.multiply(ct[0], build.random_gamma_grad(operands[1], drawn)))
    # of the logarithm of a draw that is too small to be a number, from the least number
    tiny = float(np.finfo(_computed_in(drawn.type.dtype).numpy).tiny)
    number = build.maximum(build.exponential(drawn), build.full_like(drawn, tiny))
    slope = build.divide(build.random_gamma_grad(operands[1], number), number)
    return (None, build.multiply(ct[0], slope))


def _samples() -> list[Sample]:
    key = np.array([7, 4_000_000_000], np.uint32)
    shapes = draw(3, 4, low=0.2, high=5)
    edges = np.array([0, np.inf, np.nan, -1, 1, 1e-3, 1e4], np.float32)
    return [
        Sample((key, shapes), {"is_log": False}, differentiable=False, rtol=1e-4),
        Sample((key, shapes), {"is_log": True}, differentiable=False, rtol=1e-4),
        # at shape 1e4 the derivative is a small difference of large float32 numbers
        Sample((key, edges), {"is_log": False}, differentiable=False, rtol=1e-3),
    ]


RANDOM_GAMMA = REGISTRY.register(
    OpSpec(
        name="random_gamma",
        doc="A number from the gamma distribution of each shape and scale 1, or its logarithm.",
        arity=2,
        attributes=Schema(is_log=Attribute(TRUTH, False)),
        infer=_type,
        lower=ByDecomposition(),
        gradient=_gradient,
        reference=ByDecomposition(),
        cost=lambda call: Cost(call.result.size * 400, call.result.byte_size * 8),
        samples=_samples,
        traits=Trait.COMPOSITE | Trait.RANDOM,
        decomposition=_decomposition,
    )
)
