"""Rows of stacks are cut by number: the same numbers, with one kernel for all."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

import graphc
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import PassContext
from passes.row_access import RowAccess

X = np.arange(24, dtype=np.float32).reshape(12, 2)
ROWS = [np.full((1, 2), i, np.float32) for i in range(5)]


def cut(x):
    return [x[i] * 2 for i in range(12)]


def test_many_cuts_of_a_stack_are_by_number_and_give_the_same() -> None:
    graph = graphc.from_jax(cut, X)
    found = RowAccess()(graph, PassContext(platform="cpu")).graph
    assert found.count("slice") == 0
    assert found.count("dynamic_slice") == 12
    for mine, theirs in zip(evaluate(found, [X]), cut(X), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_few_rows_are_put_together_by_updates() -> None:
    graph = graphc.from_jax(lambda *rows: jnp.concatenate(rows), *ROWS)
    found = RowAccess(least=3)(graph, PassContext(platform="cpu")).graph
    assert found.count("concatenate") == 0
    np.testing.assert_array_equal(evaluate(found, ROWS)[0], np.concatenate(ROWS))


def test_other_platforms_and_few_cuts_are_left_alone() -> None:
    graph = graphc.from_jax(cut, X)
    assert not RowAccess()(graph, PassContext(platform="gpu")).changed
    assert not RowAccess(least=50)(graph, PassContext(platform="cpu")).changed
