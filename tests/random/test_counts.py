"""Poisson and binomial counts against their probabilities, and what no distribution has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats

import graphc
from graphc import ops, random
from graphc.errors import DTypeError, ShapeError

COUNT = 20_000
RATES = [0.3, 4.0, 9.5, 12.0, 150.0, 4e4]
TRIALS = [(1, 0.3), (20, 0.2), (20, 0.9), (40, 0.5), (1000, 0.03), (1000, 0.7), (100_000, 0.4)]


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """A row for each rate, and for each number of trials."""
    counts, chances = (np.float32(each)[:, None] for each in zip(*TRIALS, strict=True))
    rates = np.float32(RATES)[:, None]
    made = (
        random.poisson([len(RATES), COUNT], rates, seed=1),
        random.binomial([len(TRIALS), COUNT], counts, chances, seed=2),
    )
    with graphc.Session() as session:
        first, second = session.run(made)
    return first, second


def check(numbers: np.ndarray, expected: Any) -> None:
    """Hold the share of numbers up to each count to the distribution function."""
    values, counts = np.unique(numbers, return_counts=True)
    shares = np.cumsum(counts) / len(numbers)
    assert np.abs(shares - expected.cdf(values)).max() < 2.2 / len(numbers) ** 0.5
    deviation = expected.std()
    assert abs(numbers.mean(dtype=np.float64) - expected.mean()) < 5 * deviation / COUNT**0.5
    assert abs(numbers.std(dtype=np.float64) / deviation - 1) < 0.04


@pytest.mark.parametrize("row", range(len(RATES)), ids=[str(rate) for rate in RATES])
def test_poisson_counts(row: int, drawn: Any) -> None:
    assert drawn[0].dtype == np.int32
    check(drawn[0][row], scipy.stats.poisson(float(np.float32(RATES[row]))))


@pytest.mark.parametrize("row", range(len(TRIALS)), ids=[str(each) for each in TRIALS])
def test_binomial_counts(row: int, drawn: Any) -> None:
    trials, chance = TRIALS[row]
    assert drawn[1].dtype == np.float32
    check(drawn[1][row], scipy.stats.binom(trials, float(np.float32(chance))))


def test_certain_counts_and_those_of_no_distribution() -> None:
    n = graphc.placeholder("float32", [None])
    made = [
        random.poisson([2], [0.0, np.nan], "float32"),
        random.binomial(n.shape, n, [0.0, 1.0, 0.5, 0.5], "float64"),
        random.binomial([1], 5, 1.5),
    ]
    with graphc.Session() as session:
        zero, certain, none = session.run(made, {n: np.float32([7, 7, 0, -1])})
    np.testing.assert_array_equal(zero, [0, np.nan])
    np.testing.assert_array_equal(certain, [0, 7, 0, np.nan])
    np.testing.assert_array_equal(none, [np.nan])
    assert certain.dtype == np.float64


def test_a_count_ends_the_path_of_a_gradient() -> None:
    rate = graphc.constant(np.float32([3]))
    total = ops.sum(random.poisson([1], rate, "float32") + rate)
    with graphc.Session() as session:
        assert session.run(graphc.gradients(total, rate)).tolist() == [1]


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(DTypeError, match="bool"):
        random.poisson([2], 1.0, "bool")
    with pytest.raises(DTypeError):
        random.binomial([2], 1, 0.5, "int32")
    with pytest.raises(ShapeError):
        random.binomial([2], np.ones(3), 0.5)
