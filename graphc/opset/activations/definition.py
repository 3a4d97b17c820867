"""The shape that all activations share: a real function of each element, with its derivative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.ir.attributes import Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import ByDecomposition, Cost, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.opset.samples import draw
from graphc.opset.type_rules import FLOATING, elementwise

Array = np.ndarray[Any, Any]
Pullback = Callable[[Builder, OpCall, Value, Value, Value], Value]
"""`pullback(build, call, x, y, ct)` gives the cotangent of x, y being the activation of x."""


def edge_samples(*kinks: float, **attributes: Any) -> Callable[[], list[Sample]]:
    """A matrix and a scalar; then where exponentials overflow, what is no number, and kinks.

    Args:
        *kinks: where the derivative jumps, or the formula changes.
        **attributes: of the op.
    """

    def make() -> list[Sample]:
        edges = np.array([1000, -1000, 90, -90, 20, -20, np.nan, *kinks], np.float32)
        return [
            Sample((draw(2, 3),), attributes),
            Sample((draw(salt=5),), attributes),
            Sample((edges,), attributes, differentiable=False),
        ]

    return make


def define_activation(
    name: str,
    doc: str,
    operations: int,
    decomposition: Callable[[Builder, OpCall, Value], Value],
    pullback: Pullback | ByDecomposition,
    reference: Callable[[OpCall, Array], Any],
    samples: Callable[[], list[Sample]],
    attributes: Schema | None = None,
) -> OpSpec:
    """Register an activation; see `OpSpec` for the facets.

    Args:
        name: Keras's.
        doc: one line.
        operations: how many each element takes.
        decomposition: `decomposition(build, call, x)`.
        pullback: the reverse-mode rule.
        reference: takes the call and a float64 array.
        samples: see `edge_samples`.
        attributes: the schema.
    """

    def gradient(
        build: Builder,
        call: OpCall,
        operands: Sequence[Value],
        results: Sequence[Value],
        ct: Sequence[Value],
    ) -> tuple[Value]:
        assert not isinstance(pullback, ByDecomposition)
        return (pullback(build, call, operands[0], results[0], ct[0]),)

    def wide_reference(call: OpCall, x: Array) -> Any:
        return reference(call, np.asarray(x, np.float64))

    def cost(call: OpCall) -> Cost:
        return Cost(call.types[0].size * operations, call.types[0].byte_size * 2)

    return REGISTRY.register(
        OpSpec(
            name=name,
            doc=doc,
            arity=1,
            attributes=attributes or Schema(),
            infer=elementwise(FLOATING),
            lower=ByDecomposition(),
            gradient=pullback if isinstance(pullback, ByDecomposition) else gradient,
            reference=wide_reference,
            cost=cost,
            samples=samples,
            traits=Trait.COMPOSITE | Trait.ELEMENTWISE | Trait.ROW_WISE,
            decomposition=decomposition,
        )
    )


def compare_with(build: Builder, x: Value, direction: str, number: float) -> Value:
    """Where x stands in a relation to a number."""
    return build.compare(x, build.full_like(x, number), direction=direction)


def scaled(build: Builder, x: Value, factor: float) -> Value:
    """A multiple of x; x itself where the factor is 1."""
    return x if factor == 1 else build.multiply(x, build.full_like(x, factor))


def shifted(build: Builder, x: Value, number: float) -> Value:
    """X plus a number."""
    return build.add(x, build.full_like(x, number))


def clamped(build: Builder, x: Value, low: float, high: float) -> Value:
    """X, but not below one number nor above another; its derivative is 0 at both."""
    dtype = x.type.dtype
    return build.clamp(build.full(low, dtype), x, build.full(high, dtype))


def within(build: Builder, x: Value, low: float, high: float, ct: Value) -> Value:
    """A cotangent where x is between two numbers, 0 elsewhere."""
    zero = build.full_like(ct, 0)
    below = build.select(compare_with(build, x, "LT", high), ct, zero)
    return build.select(compare_with(build, x, "GT", low), below, zero)


def rounded(call: OpCall, attribute: str) -> float:
    """An attribute as the operand's type holds it, for comparing with numbers of that type."""
    return float(np.asarray(call.attributes[attribute]).astype(call.types[0].dtype.numpy))
