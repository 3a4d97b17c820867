"""Cross-entropies and normalizations against their formulas in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from graphc import nn, ops
from graphc.errors import GraphcError

LOGITS = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32) * 3
SHIFTED = LOGITS - LOGITS.max(1, keepdims=True)
LOG_PROBABILITIES = SHIFTED - np.log(np.exp(SHIFTED).sum(1, keepdims=True))
LABELS = np.int32([0, 2, 1, 2])
SHARES = np.float32([[0.2, 0.5, 0.3]] * 4)


def run(tensor: Any) -> Any:
    with graphc.Session() as session:
        return session.run(tensor)


def test_cross_entropies_of_classes() -> None:
    expected = -LOG_PROBABILITIES[np.arange(4), LABELS]
    probabilities = np.exp(LOG_PROBABILITIES)
    found = run(
        [
            nn.sparse_categorical_crossentropy(LABELS, LOGITS, from_logits=True),
            nn.sparse_categorical_crossentropy(LABELS[:, None], LOGITS, from_logits=True),
            nn.sparse_categorical_crossentropy(LABELS, LOGITS.T, from_logits=True, axis=0),
            nn.sparse_categorical_crossentropy(LABELS, probabilities),
            nn.sparse_softmax_cross_entropy_with_logits(labels=LABELS, logits=LOGITS),
        ]
    )
    for array in found:
        np.testing.assert_allclose(array, expected, rtol=1e-5, atol=1e-6)


def test_cross_entropies_of_distributions() -> None:
    expected = -(SHARES * LOG_PROBABILITIES).sum(1)
    found = run(
        [
            nn.categorical_crossentropy(SHARES, LOGITS, from_logits=True),
            nn.categorical_crossentropy(SHARES, np.exp(LOG_PROBABILITIES)),
            nn.categorical_crossentropy(SHARES.T, LOGITS.T, from_logits=True, axis=0),
            nn.softmax_cross_entropy_with_logits(SHARES, LOGITS),
        ]
    )
    for array in found:
        np.testing.assert_allclose(array, expected, rtol=1e-5, atol=1e-6)


def test_cross_entropies_of_truth_values() -> None:
    target = np.int32([[0, 1, 1]] * 4)
    expected = np.logaddexp(LOGITS, 0) - target * LOGITS
    found = run(
        [
            nn.binary_crossentropy(target, LOGITS, from_logits=True),
            nn.binary_crossentropy(target, 1 / (1 + np.exp(-LOGITS))),
            nn.sigmoid_cross_entropy_with_logits(labels=target, logits=LOGITS),
        ]
    )
    for array in found:
        np.testing.assert_allclose(array, expected, rtol=1e-4, atol=1e-5)


def test_probabilities_of_zero_give_finite_losses() -> None:
    found = run(
        [
            nn.sparse_categorical_crossentropy(np.int32([0]), np.float32([[0, 1]])),
            nn.binary_crossentropy(np.float32([1, 0]), np.float32([0, 1])),
        ]
    )
    assert all(np.isfinite(array).all() and (array > 10).all() for array in found)


def test_labels_that_are_no_integers_are_refused() -> None:
    with pytest.raises(GraphcError):
        nn.sparse_categorical_crossentropy(np.float32([0.0]), LOGITS[:1], from_logits=True)


X = np.random.default_rng(1).normal(size=(2, 3, 4)).astype(np.float32)


def _normal(x: Any, axes: Any, epsilon: float = 1e-7) -> Any:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


def test_layer_normalization() -> None:
    gamma, beta = np.float32([1, 2, 3, 4]), np.float32([0, 1, 0, -1])
    wide = np.arange(12, dtype=np.float32).reshape(3, 4)
    found = run(
        [
            nn.layer_normalization(X),
            nn.layer_normalization(X, gamma, beta, epsilon=1e-3),
            nn.layer_normalization(X, axis=1),
            nn.layer_normalization(X, wide, wide, axis=(1, 2)),
        ]
    )
    expected = [
        _normal(X, -1),
        _normal(X, -1, 1e-3) * gamma + beta,
        _normal(X, 1),
        _normal(X, (1, 2)) * wide + wide,
    ]
    for array, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(array, wanted, rtol=1e-4, atol=1e-5)


def test_other_normalizations() -> None:
    scale = np.float32([1, 2, 3, 4])
    mean, variance = X.mean((0, 2)), X.var((0, 2))
    root = np.sqrt((X * X).mean(-1, keepdims=True) + 1e-7)
    middle = np.float32([2, 3, 4])
    found = run(
        [
            nn.rms_normalization(X, scale),
            nn.batch_normalization(X, mean, variance, 1, middle, middle, 1e-3),
            nn.batch_normalization(X, mean, variance, 1),
            nn.moments(X, [0, 2]),
            nn.normalize(X, axis=1),
            nn.normalize(X, order=1),
        ]
    )
    normal = _normal(X, (0, 2), 1e-3)
    expected = [
        X / root * scale,
        normal * middle[:, None] + middle[:, None],
        normal,
        (mean, variance),
        X / np.linalg.norm(X, axis=1, keepdims=True),
        X / np.abs(X).sum(-1, keepdims=True),
    ]
    for array, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(array, wanted, rtol=1e-4, atol=1e-5)


def test_groups_batches_and_lengths() -> None:
    x = np.random.default_rng(2).normal(size=(2, 3, 4)).astype(np.float32)
    scale = np.float32([1, 2, 3, 4])
    normal, mean, variance = nn.batch_normalization_training(x, -1, scale, scale)
    found = run(
        [
            nn.group_normalization(x, 2, -1, scale, scale),
            nn.group_normalization(x, 4),
            normal,
            mean,
            variance,
            nn.l2_normalize(x),
            nn.l2_normalize(x, 1),
        ]
    )
    pairs = _normal(x.reshape(2, 3, 2, 2), (1, 3), 1e-3).reshape(2, 3, 4)
    expected = [
        pairs * scale + scale,
        _normal(x, 1, 1e-3),
        _normal(x, (0, 1), 1e-3) * scale + scale,
        x.mean((0, 1)),
        x.var((0, 1)),
        x / np.linalg.norm(x),
        x / np.linalg.norm(x, axis=1, keepdims=True),
    ]
    for array, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(array, wanted, rtol=1e-4, atol=1e-5)


def test_a_wider_scale_leaves_the_element_type_of_the_input() -> None:
    x = graphc.constant(X.astype(np.float16))
    scale = np.ones(4, np.float32)
    for made in (nn.layer_normalization(x, scale), nn.rms_normalization(x, scale)):
        assert made.dtype.name == "float16"


def test_normalize_has_a_gradient_at_zero() -> None:
    x = graphc.placeholder("float32", [3])
    slope = graphc.gradients(ops.sum(nn.normalize(x)), x)
    with graphc.Session() as session:
        assert np.isfinite(session.run(slope, {x: np.zeros(3, np.float32)})).all()
