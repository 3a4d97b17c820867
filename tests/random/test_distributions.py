"""Distributions: moments, ranges, streams, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops, random
from graphc.errors import DTypeError, GraphcError, ShapeError

COUNT = 20_000


def drawn(*tensors: Any, seed: int = 0) -> list[Any]:
    with graphc.Session(seed=seed) as session:
        return session.run(list(tensors))


@pytest.mark.parametrize(
    ("make", "mean", "deviation", "low", "high"),
    [
        (lambda: random.uniform([COUNT]), 0.5, 12**-0.5, 0.0, 1.0),
        (lambda: random.uniform([COUNT], -2, 4), 1.0, 6 * 12**-0.5, -2.0, 4.0),
        (lambda: random.uniform([COUNT], -1, graphc.constant(1.0)), 0.0, 2 * 12**-0.5, -1.0, 1.0),
        (lambda: random.normal([COUNT]), 0.0, 1.0, -6.0, 6.0),
        (lambda: random.normal([COUNT], 3.0, 0.5), 3.0, 0.5, 0.0, 6.0),
        (lambda: random.normal([COUNT], dtype="float64"), 0.0, 1.0, -6.0, 6.0),
        (lambda: random.truncated_normal([COUNT], 1.0, 2.0), 1.0, 2 * 0.8796, -3.0, 5.0),
        (lambda: random.randint([COUNT], -3, 7), 1.5, 8.25**0.5, -3.0, 6.0),
        (lambda: random.randint([COUNT], 0, graphc.constant(2)), 0.5, 0.5, 0.0, 1.0),
        (lambda: ops.cast(random.bernoulli([COUNT], 0.3), "float32"), 0.3, 0.21**0.5, 0.0, 1.0),
    ],
)
def test_moments_and_range(
    make: Any, mean: float, deviation: float, low: float, high: float
) -> None:
    tensor = make()
    (found,) = drawn(tensor)
    assert found.dtype == tensor.dtype.numpy
    assert found.shape == (COUNT,)
    assert abs(found.mean() - mean) < 4 * deviation / COUNT**0.5
    assert abs(found.std() / deviation - 1) < 0.03
    assert found.min() >= low
    assert found.max() <= high


def test_every_number_of_a_range_is_drawn_equally_often() -> None:
    (found,) = drawn(random.randint([COUNT], 5, 9))
    numbers, counts = np.unique(found, return_counts=True)
    np.testing.assert_array_equal(numbers, [5, 6, 7, 8])
    assert abs(counts / COUNT - 0.25).max() < 0.02


def test_randint_draws_from_wide_ranges() -> None:
    (found,) = drawn(random.randint([COUNT], -(2**62), 2**62, "int64"))
    assert len(np.unique(found)) == COUNT
    assert abs((found > 0).mean() - 0.5) < 0.02


def test_categorical_draws_with_the_probabilities_of_the_logits() -> None:
    shares = np.float32([0.1, 0.6, 0.3])
    (found,) = drawn(random.categorical(np.log(np.stack([shares, shares[::-1]])), COUNT))
    assert found.shape == (2, COUNT)
    assert found.dtype == np.int32
    for row, expected in zip(found, (shares, shares[::-1]), strict=True):
        np.testing.assert_allclose(np.bincount(row, minlength=3) / COUNT, expected, atol=0.02)


def test_draws_differ_by_call_and_by_run_and_repeat_with_the_session() -> None:
    first, second = random.normal([3]), random.normal([3])
    found: list[list[Any]] = []
    for _ in range(2):
        with graphc.Session(seed=5) as session:
            found.append([session.run([first, second]), session.run([first, second])])
    np.testing.assert_array_equal(found[0], found[1])
    numbers = np.ravel(found[0])
    assert len(np.unique(numbers)) == 12


def test_a_seed_fixes_the_stream_apart_from_those_of_the_graph() -> None:
    draws = [random.normal([3], seed=seed) for seed in (1, 1, 2, None, None)]
    same, again, other, first, second = drawn(*draws)
    np.testing.assert_array_equal(same, again)
    assert len(np.unique([same, other, first, second])) == 12


def test_a_key_is_a_seed_that_is_the_same_in_every_run() -> None:
    key = graphc.placeholder("uint32", [2])
    tensor = random.uniform([4], seed=key)
    with graphc.Session(seed=1) as session:
        runs = [session.run(tensor, {key: np.uint32([0, n])}) for n in (7, 7, 8)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).all()


def test_a_shape_may_be_that_of_another_tensor() -> None:
    x = graphc.placeholder("float32", [None, 3])
    made = [random.uniform(ops.shape(x)), random.normal(x.shape)]
    with graphc.Session() as session:
        for found in session.run(made, {x: np.zeros((5, 3), np.float32)}):
            assert found.shape == (5, 3)


def test_dropout_keeps_the_mean_and_drops_the_rate() -> None:
    x = graphc.placeholder("float32", [None, 8])
    dropped = random.dropout(x, 0.25)
    rows = random.dropout(x, 0.5, noise_shape=(None, 1))
    slope = graphc.gradients(ops.sum(dropped), x)
    with graphc.Session() as session:
        found, by_row, gradient = session.run(
            [dropped, rows, slope], {x: np.ones((2500, 8), np.float32)}
        )
    assert abs((found == 0).mean() - 0.25) < 0.02
    assert set(np.unique(found)) == {np.float32(0), np.float32(1 / 0.75)}
    np.testing.assert_array_equal(gradient, found)
    assert set(by_row.sum(1)) == {0.0, 16.0}
    assert random.dropout(x, 0) is x


def test_dropout_at_its_ends_is_exact_and_draws_one_mask_for_both_ways() -> None:
    x = graphc.constant(np.float32([np.inf, 2, np.nan]))
    gone, halved = random.dropout(x, 1.0), random.dropout(graphc.constant(np.ones(64)), 0.5)
    source = graphc.constant(np.arange(1, 65, dtype=np.float32))
    squared = ops.square(random.dropout(source, 0.5))
    slope = graphc.gradients(ops.sum(squared), source)
    with graphc.Session() as session:
        zeros, ends, both, gradient = session.run([gone, halved, squared, slope])
        text = session.dump([squared, slope], stage="simplified")
    np.testing.assert_array_equal(zeros, [0, 0, 0])
    assert ends.dtype == np.float64
    numbers = np.arange(1, 65)
    np.testing.assert_array_equal(gradient, np.where(both > 0, 8 * numbers, 0))
    assert text.count("dropout(") == 1


def test_shuffle_keeps_the_parts() -> None:
    x = np.arange(60).reshape(20, 3).astype(np.float32)
    once, columns = drawn(random.shuffle(x), random.shuffle(x, axis=1))
    assert (once != x).any()
    np.testing.assert_array_equal(once[np.argsort(once[:, 0])], x)
    np.testing.assert_array_equal(np.sort(columns, 1), x)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: random.uniform([2], dtype="int32"), DTypeError),
        (lambda: random.randint([2], 0, 5, "float32"), DTypeError),
        (lambda: random.randint([2], 5, 5), GraphcError),
        (lambda: random.normal([2], seed=1.5), DTypeError),
        (lambda: random.normal([2], seed=graphc.constant(1)), DTypeError),
        (lambda: random.dropout(np.zeros(2), 1.5), GraphcError),
        (lambda: random.dropout(np.zeros(2), 0.5, noise_shape=(3,)), ShapeError),
        (lambda: random.gamma([2], np.ones(3)), ShapeError),
        (lambda: random.choice(3, [4], replace=False), ShapeError),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_the_users_line(
    make: Any, error: type[GraphcError]
) -> None:
    with pytest.raises(error) as caught:
        make()
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__
