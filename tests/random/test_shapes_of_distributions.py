"""Distributions against their closed forms, and the numbers of a key whatever the passes did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
import scipy.stats
from jax import lax

import graphc
from graphc import ops, random
from graphc.ops.tensor import Tensor
from passes.pipelines import default_pipeline
from tests.ops.evaluation import values_of

COUNT = 20_000
# at a hundredth of a per cent of all seeds the largest distance is above this
FARTHEST = 2.2 / COUNT**0.5

CONTINUOUS: dict[str, tuple[Callable[..., Tensor], Any]] = {
    "uniform": (lambda n, s: random.uniform(n, -1, 3, seed=s), scipy.stats.uniform(-1, 4)),
    "normal": (lambda n, s: random.normal(n, 3.0, 0.5, seed=s), scipy.stats.norm(3, 0.5)),
    "truncated": (
        lambda n, s: random.truncated_normal(n, 1.0, 2.0, seed=s),
        scipy.stats.truncnorm(-2, 2, 1, 2),
    ),
    "gumbel": (lambda n, s: random.gumbel(n, seed=s), scipy.stats.gumbel_r()),
    "exponential": (lambda n, s: random.exponential(n, seed=s), scipy.stats.expon()),
    "laplace": (lambda n, s: random.laplace(n, seed=s), scipy.stats.laplace()),
    "logistic": (lambda n, s: random.logistic(n, seed=s), scipy.stats.logistic()),
    "cauchy": (lambda n, s: random.cauchy(n, seed=s), scipy.stats.cauchy()),
    "gamma": (lambda n, s: random.gamma(n, 3.5, seed=s), scipy.stats.gamma(3.5)),
    "small gamma": (lambda n, s: random.gamma(n, 0.3, seed=s), scipy.stats.gamma(0.3)),
    "log gamma": (lambda n, s: random.log_gamma(n, 0.3, seed=s), scipy.stats.loggamma(0.3)),
    "beta": (lambda n, s: random.beta(n, 2.0, 0.5, seed=s), scipy.stats.beta(2, 0.5)),
    "chi squared": (lambda n, s: random.chi_squared(n, 3.0, seed=s), scipy.stats.chi2(3)),
    "student": (lambda n, s: random.student_t(n, 4.0, seed=s), scipy.stats.t(4)),
}


@pytest.fixture(scope="module")
def samples() -> dict[str, np.ndarray]:
    """Many numbers of each distribution, from one run."""
    tensors = {name: make([COUNT], 7) for name, (make, _) in CONTINUOUS.items()}
    with graphc.Session(seed=1) as session:
        return session.run(tensors)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_the_distribution_is_that_of_its_closed_form(name: str, samples: Any) -> None:
    drawn = samples[name].astype(np.float64)
    assert np.isfinite(drawn).all()
    assert scipy.stats.kstest(drawn, CONTINUOUS[name][1].cdf).statistic < FARTHEST


def test_a_key_gives_the_same_numbers_whatever_the_passes_do() -> None:
    key = graphc.placeholder("uint32", [2])
    n = graphc.placeholder("float32", [None])
    names = ("normal", "truncated", "gumbel", "laplace", "cauchy", "beta")
    tensors = [CONTINUOUS[name][0](ops.shape(n), key) for name in names]
    tensors += [
        random.dropout(n, 0.5, seed=key),
        random.shuffle(n, seed=key),
        random.randint(n.shape, 0, 1000, seed=key),
        random.categorical(ops.zeros([3, 4]), 5, seed=key),
        random.dirichlet(np.float32([0.5, 1, 2]), [3], seed=key),
        random.choice(n, [3], replace=False, seed=key),
        random.poisson(n.shape, n * 3, seed=key),
        random.binomial(n.shape, n * 9, 0.4, seed=key),
    ]
    feeds = {key: np.uint32([1, 2]), n: np.arange(1, 9, dtype=np.float32)}
    runs: list[Any] = [values_of(tensors, feeds)]
    for pipeline in (default_pipeline(), default_pipeline().only()):
        with graphc.Session(pipeline=pipeline) as session:
            runs.append(session.run(tensors, feeds))
    for found in runs[1:]:
        for mine, expected in zip(found, runs[0], strict=True):
            np.testing.assert_allclose(mine, expected, rtol=2e-4, atol=2e-6)


def test_a_gamma_draw_moves_with_its_shape_as_its_distribution_does() -> None:
    shapes = np.float32([0.05, 0.3, 1, 4, 100])
    alpha = graphc.constant(np.tile(shapes[:, None], (1, 4000)))
    drawn = random.gamma(alpha.shape, alpha, seed=3)
    logarithm = random.log_gamma(alpha.shape, alpha, seed=4)
    slopes = [graphc.gradients(ops.sum(each), alpha) for each in (drawn, logarithm)]
    with graphc.Session() as session:
        found, slope, log_slope = session.run([drawn, *slopes])
    expected = jax.jit(lax.random_gamma_grad)(np.asarray(alpha_values(shapes)), found)
    np.testing.assert_allclose(slope, expected, rtol=2e-4, atol=1e-6)
    # the mean of a draw is its shape, that of its logarithm digamma of it
    np.testing.assert_allclose(slope.mean(1), 1, atol=0.15)
    trigamma = scipy.special.polygamma(1, shapes)
    np.testing.assert_allclose(log_slope.mean(1), trigamma, rtol=0.15)


def alpha_values(shapes: np.ndarray) -> np.ndarray:
    return np.tile(shapes[:, None], (1, 4000))


def test_means_of_shares() -> None:
    alpha = np.float32([0.01, 1, 3])
    shares = random.dirichlet(alpha, [COUNT])
    with graphc.Session() as session:
        found = session.run(shares)
    assert found.shape == (COUNT, 3)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(found.mean(0), alpha / alpha.sum(), atol=0.01)


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_element_types(dtype: str) -> None:
    made = [
        random.gamma([4], 2.0, dtype), random.beta([4], 2.0, 3.0, dtype),
        random.gumbel([4], dtype), random.cauchy([4], dtype), random.student_t([4], 3.0, dtype),
        random.truncated_normal([4], dtype=dtype), random.exponential([4], dtype),
    ]  # fmt: skip
    with graphc.Session() as session:
        for tensor, found in zip(made, session.run(made), strict=True):
            assert tensor.dtype.name == dtype
            assert np.isfinite(np.asarray(found, np.float64)).all()


def test_normal_vectors_have_their_mean_and_covariance() -> None:
    mean = graphc.constant(np.float32([1, -2, 0]))
    root = np.float32([[2, 0, 0], [0.5, 1, 0], [-1, 0.3, 0.7]])
    cov = graphc.constant(root @ root.T)
    drawn = random.multivariate_normal(mean, cov, [COUNT])
    slopes = graphc.gradients(ops.sum(ops.mean(drawn * drawn, 0)), [mean, cov])
    with graphc.Session() as session:
        found, for_mean, for_cov = session.run([drawn, *slopes])
    assert found.shape == (COUNT, 3)
    np.testing.assert_allclose(found.mean(0), [1, -2, 0], atol=0.06)
    np.testing.assert_allclose(np.cov(found.T), root @ root.T, atol=0.12)
    # the mean square is mean² plus the trace of the covariance
    np.testing.assert_allclose(for_mean, [2, -4, 0], atol=0.12)
    np.testing.assert_allclose(for_cov + for_cov.T, 2 * np.eye(3), atol=0.12)


def test_choices_and_orders() -> None:
    weights = np.float32([0.1, 0.6, 0.3])
    letters = graphc.constant(np.float32([[1, 2], [3, 4], [5, 6]]))
    made = [
        random.permutation(50),
        random.choice(3, [COUNT], p=weights),
        random.choice(3, [COUNT]),
        random.choice(100, [100], replace=False),
        random.choice(letters, [2, 3]),
        random.choice(letters, [2], axis=1, replace=False),
        random.choice(3, [2], replace=False, p=np.float32([0.5, 0, 0.5])),
    ]
    with graphc.Session() as session:
        order, weighted, plain, all_once, rows, columns, two = session.run(made)
    assert sorted(order) == list(range(50)) != order.tolist()
    np.testing.assert_allclose(np.bincount(weighted) / COUNT, weights, atol=0.015)
    np.testing.assert_allclose(np.bincount(plain) / COUNT, 1 / 3, atol=0.015)
    assert sorted(all_once) == list(range(100))
    assert rows.shape == (2, 3, 2)
    assert set(columns[0]) == {1, 2}
    assert set(two) == {0, 2}


def test_a_seed_generator_gives_each_draw_its_own_numbers() -> None:
    found: list[Any] = []
    for _ in range(2):
        generator = random.SeedGenerator(5)
        first, second = (random.normal([4], seed=generator) for _ in range(2))
        other = random.normal([4], seed=random.SeedGenerator())
        with graphc.Session(seed=2) as session:
            found.append(session.run([first, second, other]))
    np.testing.assert_array_equal(found[0][:2], found[1][:2])
    assert len(np.unique(found[0])) == 12
