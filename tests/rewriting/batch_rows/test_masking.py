"""Numbers of masked graphs: those of the samples that count alone, whatever the padding holds."""

import numpy as np
import pytest

import graphc
from graphc import layers, ops
from graphc.errors import GraphcError
from graphc.ops.slicing_graphs import slice_graph
from graphc.reference.evaluator import evaluate
from graphc.rewriting.batch_rows.examination import examine
from graphc.rewriting.batch_rows.masking import BatchMasking

X = np.random.default_rng(1).normal(size=(7, 3, 4)).astype("f")


@pytest.fixture(autouse=True)
def _own_graph():
    with graphc.Graph().as_default():
        yield


def built(function):
    x, samples = (
        graphc.placeholder("float32", [None, 3, 4]),
        graphc.placeholder("int32", [], name="n"),
    )
    made = function(x)
    graph = slice_graph(x.graph, [made.value], [x.value, samples.value])
    return graph, x.shape[0]


def recurrent(x):
    """A loop over time, whose body sees the samples."""
    return ops.scan(lambda s, row: (ops.tanh(s + row), s), x[:, 0] * 0, ops.swapaxes(x, 0, 1))[0]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: ops.sum(x, axis=(0, 2)),
        lambda x: ops.mean(x),
        lambda x: ops.max(x, axis=0),
        lambda x: ops.min(ops.cast(x * 10, "int32"), axis=0),
        lambda x: ops.prod(x, axis=0),
        lambda x: ops.all(x > -9, axis=0),
        lambda x: ops.any(x > 9, axis=0),
        lambda x: ops.var(x, axis=0),
        lambda x: ops.mean(ops.reshape(x, (-1, 4)), axis=0),
        lambda x: ops.einsum("bti,btj->ij", x, x),
        lambda x: ops.softmax(x, axis=-1) - ops.mean(x, axis=0),
        lambda x: ops.cast(ops.shape(x)[0], "float32"),
        recurrent,
    ],
)
@pytest.mark.parametrize("count", [1, 5, 7])
def test_padding_changes_nothing(function, count):
    graph, batch = built(function)
    masked = BatchMasking(batch, "n")(graph).graph
    spoiled = X.copy()
    spoiled[count:] = np.nan
    given = np.array(count, np.int32)
    (axis,) = examine(graph, batch).row_axes
    (found,), (expected,) = evaluate(masked, [spoiled, given]), evaluate(graph, [X[:count], given])
    if axis is not None:
        found = np.take(found, np.arange(count), axis)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_graph_that_mixes_samples_is_not_masked_in_silence():
    graph, batch = built(lambda x: ops.flip(x, 0))
    with pytest.raises(GraphcError, match="reverse runs along the samples"):
        BatchMasking(batch, "n")(graph)


def test_a_recurrent_layer_is_let_in_and_its_states_are_not_mixed():
    graph, batch = built(lambda x: layers.LSTM(2)(x))
    found = examine(graph, batch)
    assert not found.refusals
    assert not found.masks
    assert found.row_axes == (0,)
