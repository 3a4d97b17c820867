"""Which graphs keep the samples of a batch apart, and which are refused: never one that mixes."""

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.ops.slicing_graphs import slice_graph
from graphc.rewriting.batch_rows.examination import examine


@pytest.fixture(autouse=True)
def _own_graph():
    with graphc.Graph().as_default():
        yield


def examined(function, *sizes, dtype="float32"):
    x = graphc.placeholder(dtype, [None, *sizes])
    made = function(x)
    graph = slice_graph(x.graph, [made.value], [x.value])
    return examine(graph, x.shape[0])


KEPT_APART = {
    "elementwise": lambda x: ops.tanh(x) * 2 + x,
    "a dense layer": lambda x: ops.relu(x @ np.ones((4, 3), "f") + np.ones(3, "f")),
    "softmax over features": lambda x: ops.softmax(x, axis=-1),
    "a cross-entropy": lambda x: ops.sparse_categorical_crossentropy(
        ops.argmax(x, axis=1), x, from_logits=True
    ),
    "layer normalization": lambda x: ops.layer_normalization(x),
    "order of features": lambda x: ops.sort(ops.flip(x, 1), axis=1),
    "best features": lambda x: ops.top_k(x, 2)[0],
    "blocks of rows": lambda x: ops.reshape(ops.reshape(x, (-1, 2)) * 2, (-1, 4)),
    "transposed and back": lambda x: ops.transpose(ops.cumsum(ops.transpose(x), axis=0)),
    "rows of a table": lambda x: ops.take(np.ones((7, 2), "f"), ops.cast(x, "int32"), axis=0),
    "parts of features": lambda x: ops.concatenate([x[:, 1:], x[:, :1]], axis=1),
    "padded features": lambda x: ops.pad(x, ((0, 0), (1, 2))),
    "a product for each sample": lambda x: ops.einsum("bi,bj->bij", x, x),
}
MASKED = {
    "sum": lambda x: ops.sum(x),
    "mean": lambda x: ops.mean(x, axis=0),
    "maximum": lambda x: ops.max(x, axis=0),
    "whether any": lambda x: ops.any(x > 0),
    "a product over samples": lambda x: ops.matmul(ops.transpose(x), x),
    "the gradient of a mean": lambda x: graphc.gradients(ops.mean(ops.square(x)), x),
    "counts": lambda x: ops.segment_sum(x, ops.cast(x[:, 0], "int32"), num_segments=3),
}
REFUSED = {
    "softmax over samples": (lambda x: ops.softmax(x, axis=0), "softmax mixes"),
    "order of samples": (lambda x: ops.flip(x, 0), "reverse runs along the samples"),
    "sorted samples": (lambda x: ops.sort(x, axis=0), "sort runs along the samples"),
    "running sums": (lambda x: ops.cumsum(x, axis=0), "cumulative_sum runs along the samples"),
    "the best sample": (lambda x: ops.argmax(x, axis=0), "argmax runs along the samples"),
    "all but one": (lambda x: x[1:], "no multiple of the batch's"),
    "the first": (lambda x: x[0], "slice takes some of the samples"),
    "each beside its neighbour": (lambda x: ops.roll(x, 1, axis=0), "gather takes samples"),
    "samples by number": (lambda x: ops.take(x, [0, 0], axis=0), "gather takes samples"),
    "samples twice": (lambda x: ops.concatenate([x, x], axis=0), "concatenate runs along"),
    "one more": (lambda x: ops.pad(x, ((1, 0), (0, 0))), "no multiple"),
    "samples among features": (
        lambda x: ops.reshape(ops.transpose(x), (-1,)),
        "reshape puts samples among other elements",
    ),
    "similarities": (lambda x: x @ ops.transpose(x), "two axes of samples"),
    "gradients of each": (lambda x: graphc.gradients(ops.square(x), x), "own numbers"),
    "a loop over samples": (lambda x: ops.scan(lambda s, r: (s + r, s), x[0] * 0, x)[1], "slice"),
    "batch normalization": (
        lambda x: graphc.layers.BatchNormalization()(x, training=True),
        "batch_norm_training mixes the samples",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", KEPT_APART)
def test_samples_are_seen_to_be_kept_apart(name):
    found = examined(KEPT_APART[name], 4)
    assert not found.refusals
    assert not found.masks
    assert found.row_axes == (0,)


@pytest.mark.parametrize("name", MASKED)
def test_what_is_made_of_all_samples_is_masked(name):
    found = examined(MASKED[name], 4)
    assert not found.refusals
    assert len(found.masks) == 1


@pytest.mark.parametrize("name", REFUSED)
def test_what_mixes_samples_is_refused(name):
    function, words = REFUSED[name]
    found = examined(function, 4)
    assert any(words in str(refusal) for refusal in found.refusals), found.refusals


def test_a_refusal_says_the_users_line():
    (refusal,) = examined(lambda x: ops.flip(x, 0), 4).refusals
    assert "test_examination.py" in str(refusal)


def test_the_number_of_samples_is_found_where_it_is_asked_for():
    found = examined(lambda x: ops.cast(ops.shape(x)[0], "float32") * 2, 4)
    assert len(found.sizes) == 1
    assert not found.refusals
