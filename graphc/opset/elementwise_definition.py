"""The shape that all elementwise ops share: operands and result of one shape and element type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.dtypes import DType
from graphc.ir.node import Value
from graphc.ir.op import Gradient, Lowering, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.opset.samples import draw
from graphc.opset.type_rules import elementwise

Array = np.ndarray[Any, Any]
Values = Sequence[Value]
Cotangents = Sequence[Value | None]


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
    """Register an op on operands of one shape and element type; see `OpSpec` for the facets.

    Args:
        name: StableHLO's where it has the op.
        doc: one line.
        arity: number of operands.
        lower: how it becomes JAX.
        reference: takes the arrays alone.
        gradient: the reverse-mode rule, or why there is none.
        allowed: the element types of the operands.
        result: the element type of the result; that of the operands by default.
        traits: besides those of every elementwise op.
        samples: by default a matrix and a scalar between -2 and 2.
    """

    def call_reference(call: OpCall, *arrays: Array) -> Any:
        return reference(*arrays)

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
            reference=call_reference,
            samples=samples or default_samples,
            traits=Trait.ELEMENTWISE | Trait.ROW_WISE | traits,
        )
    )
