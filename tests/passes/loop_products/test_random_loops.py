"""Random loops with products of all kinds give the same numbers once products have left them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from graphc.ir.node import Value
from graphc.ir.types import as_type
from graphc.ir.verifier import verify
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import PassContext
from passes.loop_products import LoopProducts
from tests.passes.loop_products.loops import (
    BIAS,
    GATES,
    GS,
    STATE,
    STEPS,
    WIDTH,
    XS,
    W,
    loop_graph,
    product,
)
from tests.passes.rewrite_checks import numbers

_HEADS = as_type("float32", (STEPS, 2, 4, WIDTH))


class _Body:
    """A body with a state, two sums of weights, one of a bias, and results; all drawn."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    def __call__(self, b: Any, *operands: Value) -> Sequence[Value]:
        state, first, second, bias, x, g, heads, w, mask = operands
        self.b = b
        self.narrow = [state, x, b.multiply(x, mask), b.tanh(state), mask]
        self.wide = [g, product(b, x, w), product(b, state, w), b.sine(g)]
        self.wide.append(b.add(*self._some(self.wide, 2)))
        self.wide.append(b.concatenate(*self._some(self.narrow, 2), dimension=1))
        self.narrow += [product(b, self._some(self.wide)[0], w, rhs=1) for _ in range(2)]
        shape, axes = [4, WIDTH], [1, 0]
        flat = b.reshape(b.transpose(x, permutation=axes), shape=[WIDTH * 4])
        self.narrow.append(
            b.transpose(b.reshape(flat, shape=[WIDTH, 4]), permutation=axes)
            if self._data.draw(st.booleans())
            else b.reshape(flat, shape=shape)
        )
        scores = b.dot_general(
            heads, heads, lhs_batching=[0], rhs_batching=[0], lhs_contracting=[1],
            rhs_contracting=[1],
        )  # fmt: skip
        folded = b.reshape(scores, shape=[WIDTH, GATES])
        sums = [self._sum(total, folded) for total in (first, second)]
        rows = b.reduce_sum(self._some(self.wide)[0], axes=[0])
        biased = self._some([b.add(bias, rows), b.add(rows, b.negate(bias)), rows])[0]
        state = b.tanh(b.add(self._some(self.narrow)[0], state))
        results = self._some([*self.narrow, *self.wide, first, sums[0]], 3)
        results.append(b.add(*self._some(self.narrow, 2)))
        return [state, *sums, biased, *results]

    def _some(self, values: Sequence[Value], count: int = 1) -> list[Value]:
        return [self._data.draw(st.sampled_from(values)) for _ in range(count)]

    def _sum(self, total: Value, folded: Value) -> Value:
        b, draw = self.b, self._data.draw
        for _ in range(draw(st.integers(0, 3))):
            narrow, wide = self._some(self.narrow)[0], self._some(self.wide)[0]
            change = draw(
                st.sampled_from(
                    [
                        product(b, narrow, wide, lhs=0),
                        b.transpose(product(b, wide, narrow, lhs=0), permutation=[1, 0]),
                        b.negate(product(b, narrow, wide, lhs=0)),
                        folded,
                        b.concatenate(
                            *[product(b, narrow, n, lhs=0) for n in self._some(self.narrow, 2)],
                            dimension=1,
                        ),
                    ]
                )
            )
            operands = [total, change]
            total = b.add(*(operands if draw(st.booleans()) else reversed(operands)))
        return total


@settings(max_examples=60, deadline=None)
@given(
    st.data(),
    st.booleans(),
    st.sampled_from(["cpu", "gpu"]),
    st.sampled_from([0.125, 40]),
    st.integers(0, 1000),
)
def test_numbers_are_the_same(
    data: st.DataObject, reverse: bool, on: str, share: float, salt: int
) -> None:
    graph = loop_graph(
        _Body(data), [STATE, W, W, BIAS], [XS, GS, _HEADS], [W, STATE], reverse=reverse
    )
    context = PassContext(platform=on)
    result = LoopProducts(share=share)(graph, context)
    verify(result.graph)
    arrays = [numbers(v.type, salt + i, special=False) / 4 for i, v in enumerate(graph.inputs)]
    expected = evaluate(graph, arrays, precise=True)
    for mine, theirs in zip(evaluate(result.graph, arrays, precise=True), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9)
