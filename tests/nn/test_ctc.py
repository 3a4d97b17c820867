"""CTC: the loss is the sum over all alignments; decoding takes the best class of each position."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import nn, ops
from graphc.errors import DTypeError, GraphcError, ShapeError

LOGITS = np.random.default_rng(3).normal(size=(2, 4, 3)).astype(np.float32)


def emitted(path: Any, blank: int) -> list[int]:
    return [label for label, _ in itertools.groupby(path) if label != blank]


def loss_by_enumeration(logits: np.ndarray, labels: list[int], blank: int) -> float:
    logarithms = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    paths = itertools.product(range(logits.shape[1]), repeat=len(logits))
    chances = [
        np.exp(sum(logarithms[time, label] for time, label in enumerate(path)))
        for path in paths
        if emitted(path, blank) == labels
    ]
    return float(-np.log(np.sum(chances)))


@pytest.mark.parametrize("blank", [0, 2])
def test_the_loss_sums_over_all_alignments(blank: int) -> None:
    first = 1 if blank == 0 else 0
    labels = np.int32([[first, first], [1, first]])  # a repeat needs a blank between
    fed = graphc.placeholder("float32", [None, None, 3])
    table = graphc.placeholder("int32", [None, None])
    lengths = np.int32([4, 3]), np.int32([2, 1])
    loss = nn.ctc_loss(table, fed, lengths[1], lengths[0], blank)
    slope = graphc.gradients(ops.sum(loss), fed)
    with graphc.Session() as session:
        found, gradient = session.run([loss, slope], {fed: LOGITS, table: labels})
    expected = [
        loss_by_enumeration(LOGITS[0], [first, first], blank),
        loss_by_enumeration(LOGITS[1, :3], [1], blank),
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert (gradient[1, 3] == 0).all()  # a position that does not count
    np.testing.assert_allclose(gradient.sum(-1), 0, atol=1e-5)  # of a softmax


def test_a_masked_class_does_not_spoil_the_loss() -> None:
    logits = LOGITS.copy()
    logits[:, :, 2] = -np.inf
    x = graphc.constant(logits)
    loss = nn.ctc_loss(np.int32([[1], [1]]), x, np.int32([1, 1]), np.int32([4, 4]))
    with graphc.Session() as session:
        found, slope = session.run([loss, graphc.gradients(ops.sum(loss), x)])
    assert np.isfinite(found).all()
    assert np.isfinite(slope).all()


BEST = np.eye(3, dtype=np.float32)[[[1, 1, 0, 1, 2, 2], [0, 2, 2, 0, 1, 1]]] * 2


def test_greedy_decoding_takes_the_best_classes_without_repeats_and_blanks() -> None:
    lengths = np.int32([6, 4])
    merged, scores = nn.ctc_decode(BEST, lengths)
    kept, _ = nn.ctc_decode(BEST, lengths, merge_repeated=False)
    with graphc.Session() as session:
        found = session.run([merged, kept, scores])
    assert found[0].tolist() == [[[1, 1, 2, -1, -1, -1], [2, -1, -1, -1, -1, -1]]]
    assert found[1].tolist() == [[[1, 1, 1, 2, 2, -1], [2, 2, -1, -1, -1, -1]]]
    assert found[2].tolist() == [[-12], [-8]]


def test_what_does_not_fit_is_refused() -> None:
    lengths = np.int32([4, 4]), np.int32([1, 1])
    with pytest.raises(GraphcError, match="greedily"):
        nn.ctc_decode(BEST, lengths[0], strategy="beam_search")
    with pytest.raises(ShapeError, match="no class 3"):
        nn.ctc_loss(np.int32([[1], [1]]), LOGITS, *lengths, mask_index=3)
    with pytest.raises(ShapeError, match="logits and labels"):
        nn.ctc_loss(np.int32([[1]] * 3), LOGITS, *lengths)
    with pytest.raises(DTypeError, match="operand 1"):
        nn.ctc_loss(np.float32([[1], [1]]), LOGITS, *lengths)


def test_losses_of_counts_and_weights() -> None:
    targets, scores = np.float32([0, 1, 3]), np.float32([-1, 0.5, 2])
    half = nn.log_poisson_loss(targets, scores)
    full = nn.log_poisson_loss(targets, scores, compute_full_loss=True)
    weighted = nn.weighted_cross_entropy_with_logits(np.int32([0, 1]), np.float32([900, -900]), 3)
    with graphc.Session() as session:
        found = session.run([half, full, weighted, nn.l2_loss(targets)])
    plain = np.exp(scores) - scores * targets
    stirling = 3 * np.log(3) - 3 + np.log(6 * np.pi) / 2
    np.testing.assert_allclose(found[0], plain, rtol=1e-6)
    np.testing.assert_allclose(found[1], plain + np.float32([0, 0, stirling]), rtol=1e-6)
    np.testing.assert_allclose(found[2], [900, 2700])
    assert found[3] == 5
