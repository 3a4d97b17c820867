"""Arithmetic on real and complex numbers, element by element.

Each block is one op. Gradients of complex functions follow JAX's convention: a cotangent is not
conjugated. Sources: StableHLO specification for semantics and edge cases.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.dtypes import DType
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import Gradient, Lowering, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import ARITHMETIC, INEXACT, elementwise

Values = Sequence[Value]


def define_elementwise(
    name: str,
    doc: str,
    arity: int,
    lower: Lowering,
    reference: Callable[..., Any],
    gradient: Gradient,
    allowed: frozenset[DType],
    *,
    result: Callable[[DType], DType] | None = None,
    traits: Trait = Trait.NONE,
    samples: Callable[[], Sequence[Sample]] | None = None,
) -> OpSpec:
    """Register an op on operands of one shape and element type; see `OpSpec` for the facets."""

    def default_samples() -> list[Sample]:
        operands = tuple(draw(2, 3, salt=position) for position in range(arity))
        scalars = tuple(draw(salt=position + 5) for position in range(arity))
        return [Sample(operands), Sample(scalars)]

    return REGISTRY.register(
        OpSpec(
            name=name,
            doc=doc,
            arity=arity,
            infer=elementwise(allowed, result),
            lower=lower,
            gradient=gradient,
            reference=lambda call, *arrays: reference(*arrays),
            samples=samples or default_samples,
            traits=Trait.ELEMENTWISE | Trait.ROW_WISE | traits,
        )
    )


# --- add ------------------------------------------------------------------------------------------


def _add_gradient(build: Builder, call: OpCall, operands: Values, results: Values, ct: Values):
    return (ct[0], ct[0])


ADD = define_elementwise(
    "add", "x + y.", 2, primitive("add"), np.add, _add_gradient, ARITHMETIC,
    traits=Trait.COMMUTATIVE,
)  # fmt: skip

# --- multiply -------------------------------------------------------------------------------------


def _multiply_gradient(build: Builder, call: OpCall, operands: Values, results: Values, ct: Values):
    x, y = operands
    return (build.multiply(ct[0], y), build.multiply(ct[0], x))


MULTIPLY = define_elementwise(
    "multiply", "x * y.", 2, primitive("mul"), np.multiply, _multiply_gradient, ARITHMETIC,
    traits=Trait.COMMUTATIVE,
)  # fmt: skip

# --- negate ---------------------------------------------------------------------------------------


def _negate_gradient(build: Builder, call: OpCall, operands: Values, results: Values, ct: Values):
    return (build.negate(ct[0]),)


NEGATE = define_elementwise(
    "negate", "-x.", 1, primitive("neg"), np.negative, _negate_gradient, ARITHMETIC
)

# --- exponential ----------------------------------------------------------------------------------


def _exponential_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
):
    return (build.multiply(ct[0], results[0]),)


EXPONENTIAL = define_elementwise(
    "exponential", "e to the power x.", 1, primitive("exp", accuracy=None), np.exp,
    _exponential_gradient, INEXACT,
)  # fmt: skip
