"""Every way to cut every op: pieces of what it takes give pieces of the result, or of the sum."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.types import as_type
from graphc.reference.evaluator import evaluate
from passes.memory_budget.axis_cuts import Cut, can_be_summed, cuts_of, piece_attributes
from tests.opset.contract_cases import CASES, Case, has_reference, needs_samples

Array = np.ndarray[Any, Any]


def counts(graph: Graph, cut: Cut) -> Iterator[int]:
    """The numbers of pieces, two at most, in which all axes of a cut can be divided."""
    values = [*graph.inputs, *graph.outputs]
    sizes = [
        value.type.shape[axis]
        for value, axis in zip(values, (*cut.operands, *cut.results), strict=True)
        if axis is not None
    ]
    found = [n for n in range(2, max(sizes, default=1) + 1) if all(s % n == 0 for s in sizes)]
    yield from found[:2]


def part(array: Array, axis: int | None, number: int, count: int) -> Array:
    return array if axis is None else np.split(array, count, axis)[number]


def in_pieces(graph: Graph, operands: Sequence[Array], cut: Cut, count: int) -> list[Array]:
    """What an op gives, computed piece by piece."""
    node = graph.outputs[0].node
    made: list[list[Array]] = []
    for number in range(count):
        arrays = [
            part(array, axis, number, count)
            for array, axis in zip(operands, cut.operands, strict=True)
        ]
        build = GraphBuilder()
        inputs = tuple(
            [
                build.input(value.type.with_shape(array.shape), f"x{i}")
                for i, (value, array) in enumerate(zip(graph.inputs, arrays, strict=True))
            ]
        )
        piece = build.make(node.op, inputs, piece_attributes(node, cut, count))
        made.append([np.asarray(x) for x in evaluate(build.finish(piece.outputs), arrays)])
    return [
        functools.reduce(np.add, parts) if axis is None else np.concatenate(parts, axis)
        for parts, axis in zip(zip(*made, strict=True), cut.results, strict=True)
    ]


TRIED = [
    (case, cut, count)
    for case in CASES
    if case.dtype is None and needs_samples(case.op) and has_reference(case.op)
    for cut in cuts_of(case.graph.outputs[0].node)
    if all(
        axis is not None or can_be_summed(value)
        for value, axis in zip(case.graph.outputs, cut.results, strict=True)
    )
    for count in counts(case.graph, cut)
]


def check(graph: Graph, operands: Sequence[Array], cut: Cut, count: int) -> None:
    expected = [np.asarray(x) for x in evaluate(graph, list(operands))]
    for mine, theirs in zip(in_pieces(graph, operands, cut, count), expected, strict=True):
        assert mine.dtype == theirs.dtype, cut
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6, err_msg=str(cut))


@pytest.mark.parametrize("case", list(dict.fromkeys(case for case, _, _ in TRIED)), ids=str)
def test_pieces_of_an_op_together_are_what_it_gives(case: Case) -> None:
    for tried, cut, count in TRIED:
        if tried is case:
            check(case.graph, case.operands, cut, count)


def test_gradients_of_convolutions_are_cut_along_the_examples() -> None:
    build = GraphBuilder()
    x, kernel, ct = (
        build.input(as_type("float32", shape), "x") for shape in ((4, 5, 2), (2, 2, 3), (4, 4, 3))
    )
    shared = {"dimension_numbers": "b0f_0io->b0f"}
    for made, given in (
        (
            build.convolution_input_gradient(ct, kernel, input_shape=(4, 5, 2), **shared),
            (ct, kernel),
        ),
        (build.convolution_kernel_gradient(x, ct, kernel_shape=(2, 2, 3), **shared), (x, ct)),
    ):
        graph = Graph(given, [made], [*(value.node for value in given), made.node])
        operands = [
            np.random.default_rng(i).normal(size=value.type.shape).astype(np.float32)
            for i, value in enumerate(given)
        ]
        (cut,) = cuts_of(made.node)
        for count in (2, 4):
            check(graph, operands, cut, count)


def test_all_the_ops_of_a_layer_are_tried() -> None:
    tried = {case.op.name for case, _, _ in TRIED}
    assert tried >= {
        "add", "attention", "attention_gradient", "broadcast_in_dim", "concatenate", "convolution",
        "dot_general", "gelu", "iota",
        "layer_normalization", "reduce_max", "reduce_sum", "reshape", "slice", "softmax",
        "transpose",
    }  # fmt: skip


def test_sums_of_narrow_floats_are_not_rounded_in_between() -> None:
    narrow = {
        str(case.graph.outputs[0].type.dtype)
        for case in CASES
        if case.op.name == "dot_general" and not can_be_summed(case.graph.outputs[0])
    }
    assert narrow == {"bfloat16", "float16", "bool"}


@pytest.mark.parametrize("name", ["sort", "cumulative_sum", "scan", "fft", "reverse"])
def test_ops_without_a_rule_are_not_cut(name: str) -> None:
    for case in CASES:
        if case.op.name == name:
            assert not list(cuts_of(case.graph.outputs[0].node))
