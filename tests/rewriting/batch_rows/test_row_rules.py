"""Every op on its own samples: where padding is let in, the samples that count never notice it.

Axes of equal size are made the axis of samples, one of each operand, in every combination. A rule
that lets an op pass must be right: on fewer samples the op gives what the masked op gives for them.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import graphc  # noqa: F401  (registers the ops)
from graphc.dimensions import symbol
from graphc.dtypes import I32, as_dtype
from graphc.errors import GraphcError
from graphc.ir.builder import GraphBuilder
from graphc.ir.op import Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import tensor_type
from graphc.reference.evaluator import evaluate
from graphc.rewriting.batch_rows.examination import examine
from graphc.rewriting.batch_rows.masking import BatchMasking
from graphc.rewriting.batch_rows.row_rules import RULES

BATCH = symbol("batch")
SIZED = ("shape", "slice_sizes", "limit_indices", "length")
"""Attributes that a caller may give symbolic sizes."""
MOST = 60
"""Combinations of one sample; the others of it are left out."""
OPS = [
    op.name
    for op in REGISTRY
    if not op.traits & (Trait.EFFECT | Trait.INTENT | Trait.HOST) and op.name != "input"
]


def combinations(sample):
    """Which axis of each operand holds the samples, and the attributes that go with it."""
    sizes = {n for array in sample.operands for n in array.shape if n > 1}
    for name in ("shape", "slice_sizes"):
        sizes |= {n for n in sample.attributes.get(name, ()) if n > 1}
    for size in sorted(sizes):
        choices = [
            [None, *[axis for axis, n in enumerate(array.shape) if n == size]]
            for array in sample.operands
        ]
        for axes in itertools.product(*choices):
            for attributes in with_symbol(sample.attributes, size):
                if any(axis is not None for axis in axes) or attributes is not sample.attributes:
                    yield size, axes, attributes


def with_symbol(attributes, size):
    """The attributes, and those with the symbol in place of one such size."""
    yield attributes
    for name in SIZED:
        given = attributes.get(name, ())
        entries = given if isinstance(given, tuple) else (given,)
        for place, entry in enumerate(entries):
            if entry == size:
                changed = (*entries[:place], BATCH, *entries[place + 1 :])
                yield {**attributes, name: changed if isinstance(given, tuple) else changed[0]}


def built(op, sample, axes, attributes):
    """The op on operands whose axes of samples have a symbolic size; None where it cannot be."""
    build = GraphBuilder()
    operands = []
    for array, axis in zip(sample.operands, axes, strict=True):
        shape = [BATCH if place == axis else n for place, n in enumerate(array.shape)]
        operands.append(build.input(tensor_type(as_dtype(array.dtype), tuple(shape)), "x", "feed"))
    build.input(tensor_type(I32, ()), "samples", "feed")
    build.input(tensor_type(I32, (BATCH,)), "rows", "feed")  # says how many there are
    regions = sample.make_regions() if sample.make_regions else ()
    try:
        made = getattr(build, op)(*operands, regions=regions, **attributes)
    except GraphcError:
        return None
    return build.finish(list(made) if isinstance(made, (list, tuple)) else [made])


def cut(array, axis, count):
    return array if axis is None else np.take(array, np.arange(count), axis)


def check(graph, sample, size, axes):
    """Compare the samples that count with the op on them alone."""
    found = examine(graph, BATCH)
    if found.refusals:
        return False
    masked = BatchMasking(BATCH, "samples")(graph).graph
    for count in {1, size - 1, size}:
        given = np.array(count, np.int32)
        padded = evaluate(masked, [*sample.operands, given, np.arange(size, dtype=np.int32)])
        fewer = [cut(a, axis, count) for a, axis in zip(sample.operands, axes, strict=True)]
        alone = evaluate(graph, [*fewer, given, np.arange(count, dtype=np.int32)])
        for mine, other, axis, value in zip(
            padded, alone, found.row_axes, graph.outputs, strict=True
        ):
            rows = 0 if axis is None else other.shape[axis]
            np.testing.assert_allclose(
                cut(mine, axis, rows).astype(other.dtype), other, rtol=1e-5, atol=1e-6,
                err_msg=f"{graph}, {count} of {size} samples, {value}",
            )  # fmt: skip
    return True


@pytest.mark.parametrize("op", OPS)
def test_padding_that_is_let_in_changes_no_sample_that_counts(op):
    for sample in REGISTRY[op].samples():
        for size, axes, attributes in itertools.islice(combinations(sample), MOST):
            graph = built(op, sample, axes, attributes)
            if graph is not None:
                check(graph, sample, size, axes)


def test_every_op_with_a_rule_is_let_in_somewhere():
    """A rule that refuses all of an op's samples would be no rule."""
    silent = {
        name
        for name in RULES
        if name in OPS
        and not any(
            check(graph, sample, size, axes)
            for sample in REGISTRY[name].samples()
            for size, axes, attributes in itertools.islice(combinations(sample), MOST)
            if (graph := built(name, sample, axes, attributes)) is not None
        )
    }
    bodies = {"cond", "case", "custom_gradient", "scan", "counted_scan", "while_loop"}
    moves = {"pad", "dynamic_slice", "dynamic_update_slice"}  # each sample moves all of its axes
    assert silent <= bodies | moves
