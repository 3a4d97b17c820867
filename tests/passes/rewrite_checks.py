"""Checking rewrites: the exact graph, and equal numbers. Either alone passes for wrong rewrites."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import graphc.opset  # noqa: F401, registers the ops
from graphc.dimensions import Dim, symbol
from graphc.dtypes import DType
from graphc.ir.builder import GraphBuilder
from graphc.ir.equality import first_difference
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.types import TensorType, as_type
from graphc.ir.verifier import verify
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import GraphPass, PassContext
from graphc.rewriting.rule_pass import RulePass

F32 = as_type("float32", (2, 3))
F64 = as_type("float64", (2, 3))
I32 = as_type("int32", (2, 3))
U8 = as_type("uint8", (2, 3))
BOOL = as_type("bool", (2, 3))
C64 = as_type("complex64", (2, 3))
N = symbol("n")
SYMBOLIC = as_type("float32", (N, 3))

Body = Callable[..., Value | Sequence[Value]]

_SPECIAL = (0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-3, 2.5, -7.25, 100.0, -100.0)


def graph_of(body: Body, *types: TensorType) -> Graph:
    """A graph of a function of a builder and one value per type."""
    build = GraphBuilder()
    results = body(build, *[build.input(type_, f"x{i}") for i, type_ in enumerate(types)])
    return build.finish([results] if isinstance(results, Value) else list(results))


def numbers(type_: TensorType, salt: int = 0, *, special: bool = True) -> np.ndarray[Any, Any]:
    """Elements of a type: random, with zeros of both signs, infinities and NaN among them."""
    shape = tuple([4 if isinstance(size, Dim) else size for size in type_.shape])
    generator = np.random.default_rng(salt)
    dtype: DType = type_.dtype
    if dtype.kind == "bool":
        return generator.integers(0, 2, shape).astype(bool)
    if dtype.is_integer:
        info = np.iinfo(dtype.numpy)
        ends = np.array([info.min, info.max, 0, 1], dtype.numpy)
        drawn = generator.integers(max(info.min, -9), 9, shape).astype(dtype.numpy)
        if drawn.size >= ends.size and special:
            drawn.flat[: ends.size] = generator.permutation(ends)
        return drawn
    drawn = generator.normal(size=shape) * 3
    if special:
        mask = generator.random(shape) < 0.5
        drawn = np.where(mask, generator.choice(_SPECIAL, shape), drawn)
    if dtype.is_complex:
        return (drawn + 1j * generator.normal(size=shape)).astype(dtype.numpy)
    return np.asarray(drawn).astype(dtype.numpy)


def assert_same_bits(before: Sequence[Any], after: Sequence[Any]) -> None:
    """Equal in every bit; a NaN equals a NaN."""
    for left, right in zip(before, after, strict=True):
        assert left.dtype == right.dtype
        assert left.shape == right.shape
        wide_left, wide_right = np.atleast_1d(left), np.atleast_1d(right)
        is_nan = np.zeros(wide_left.shape, bool)
        if left.dtype.kind not in "biu":
            is_nan = np.isnan(wide_left)
            np.testing.assert_array_equal(is_nan, np.isnan(wide_right))
        assert np.where(is_nan, 0, wide_left).tobytes() == np.where(is_nan, 0, wide_right).tobytes()


def assert_same_graph(found: Graph, expected: Graph) -> None:
    difference = first_difference(found, expected)
    assert difference is None, f"{difference}\nfound {found}\nexpected {expected}"


def apply(each: GraphPass, graph: Graph, context: PassContext | None = None) -> Graph:
    """The graph after a pass, which must be well formed, and which the pass must leave alone."""
    result = each(graph, context or PassContext())
    verify(result.graph)
    assert (result.graph is graph) == (not result.changed)
    assert not each(result.graph).changed, f"a second run changes\n{result.graph}"
    return result.graph


@dataclass(frozen=True)
class Case:
    """A rewrite to check.

    Attributes:
        rule: the rule that must fire.
        types: of the inputs.
        before: makes what the rule looks for.
        after: makes what must come out.
        arrays: to compute with; random ones by default.
        low: where random floats of a rule that is not exact begin.
        high: where they end.
    """

    rule: str
    types: tuple[TensorType, ...]
    before: Body
    after: Body
    arrays: tuple[Any, ...] | None = None
    low: float = -3.0
    high: float = 3.0

    def __str__(self) -> str:
        return self.rule


def check(each: RulePass, case: Case) -> None:
    """Check that the rule fires, gives exactly that graph, and does to numbers what it declares."""
    context = PassContext()
    graph = graph_of(case.before, *case.types)
    result = apply(each, graph, context)
    assert (each.name, case.rule) in context.trace.fired, (
        f"{case.rule} did not fire; refused: {dict(context.trace.refused)}\n{graph}\n{result}"
    )
    assert_same_graph(result, graph_of(case.after, *case.types))
    rule = each.rules[case.rule]
    for salt in range(4):
        if rule.numerics == "exact":
            arrays = case.arrays or [numbers(t, salt * 9 + i) for i, t in enumerate(case.types)]
            assert_same_bits(evaluate(graph, arrays), evaluate(result, arrays))
        else:
            generator = np.random.default_rng(salt)
            arrays = case.arrays or [
                generator.uniform(case.low, case.high, numbers(t).shape).astype(t.dtype.numpy)
                for t in case.types
            ]
            before = evaluate(graph, arrays, precise=True)
            after = evaluate(result, arrays, precise=True)
            for left, right in zip(before, after, strict=True):
                np.testing.assert_allclose(right, left, rtol=1e-9, atol=1e-12)


def check_refused(
    each: RulePass, body: Body, *types: TensorType, reason: str | None = None
) -> None:
    """Check that a graph is left alone, for a reason if one is given."""
    context = PassContext()
    graph = graph_of(body, *types)
    result = each(graph, context)
    assert not result.changed, f"{dict(context.trace.fired)}\n{result.graph}"
    reasons = [why for _, _, why in context.trace.refused]
    assert reason is None or any(reason in why for why in reasons), reasons
