"""Labels, padding, windows and seeds, under Keras's names."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import errors, utils
from graphc.utils import PyDataset, pad_sequences, to_categorical


def test_class_numbers_become_rows_of_one() -> None:
    made = to_categorical([[2], [0]])
    assert made.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert to_categorical([1.0], num_classes=3).tolist() == [[0, 1, 0]]
    assert to_categorical(2, 3).tolist() == [0, 0, 1]
    assert to_categorical([[1, 2], [0, 0]], 4).shape == (2, 2, 4)
    assert to_categorical([]).shape == (0, 0)
    with graphc.Session() as session:
        assert session.run(to_categorical(graphc.constant([1]), 2)).tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("labels", "classes", "said"),
    [
        ([0, 3], 3, "0 to 3, of 3 classes"),
        ([-1], None, "-1 to -1"),
        ([0.5], None, "whole numbers"),
        (["cat"], None, "np.unique"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels: object, classes: object, said: str) -> None:
    with pytest.raises(errors.FeedError, match=said):
        to_categorical(labels, classes)  # type: ignore[arg-type]


def test_rows_get_length_one() -> None:
    assert utils.normalize([[3.0, 4.0], [0.0, 0.0]]).tolist() == [[0.6, 0.8], [0, 0]]


def test_sequences_are_filled_and_cut_at_either_end() -> None:
    rows = [[1], [1, 2, 3], []]
    assert pad_sequences(rows).tolist() == [[0, 0, 1], [1, 2, 3], [0, 0, 0]]
    post = pad_sequences(rows, 2, padding="post", truncating="post", value=-1)
    assert post.tolist() == [[1, -1], [1, 2], [-1, -1]]
    assert pad_sequences(rows, 2).tolist() == [[0, 1], [2, 3], [0, 0]]
    assert pad_sequences([[[1, 2]], [[3, 4], [5, 6]]]).shape == (2, 2, 2)
    with pytest.raises(errors.FeedError, match="wrap one sequence"):
        pad_sequences([1, 2, 3])
    with pytest.raises(errors.FeedError, match="padding is a word"):
        pad_sequences(rows, padding="before")  # type: ignore[arg-type]


def test_windows_of_a_series() -> None:
    series = np.arange(10)
    made = utils.timeseries_dataset_from_array(
        series, series * 10, 3, sequence_stride=2, sampling_rate=2, batch_size=2
    )
    batches = [(x.tolist(), y.tolist()) for x, y in made]
    assert batches == [([[0, 2, 4], [2, 4, 6]], [0, 20]), ([[4, 6, 8]], [40])]
    with pytest.raises(errors.FeedError, match="sequence_length"):
        utils.timeseries_dataset_from_array(series, None, 11)
    with pytest.raises(errors.FeedError, match="no window"):
        utils.timeseries_dataset_from_array(series, None, 6, sampling_rate=2)


def test_windows_come_in_another_order_in_each_epoch() -> None:
    made = utils.timeseries_dataset_from_array(np.arange(40), None, 2, shuffle=True, seed=0)
    first = np.concatenate(list(made))[:, 0].tolist()
    made.on_epoch_end()
    second = np.concatenate(list(made))[:, 0].tolist()
    assert first != second
    assert sorted(first) == sorted(second) == list(range(39))


def test_a_model_takes_a_data_set_in_python() -> None:
    class Rows(PyDataset):
        epochs = 0

        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
            return np.full((2, 1), index, np.float32), np.zeros((2, 1), np.float32)

        def on_epoch_end(self) -> None:
            self.epochs += 1

    rows = Rows(workers=2)
    assert [x[0, 0] for x, _ in rows] == [0, 1, 2]
    with graphc.Graph().as_default():
        model = graphc.Sequential([graphc.Input((1,)), graphc.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(rows, epochs=2, verbose=0)
    assert rows.epochs == 2


def test_a_seed_makes_weights_and_numbers_the_same_again() -> None:
    def drawn(seed: int) -> list[np.ndarray]:
        utils.clear_session()
        utils.set_random_seed(seed)
        layer = graphc.layers.Dense(2)
        layer.build((None, 3))
        return [layer.kernel.numpy(), graphc.random.normal([2]).numpy(), np.random.rand(1)]

    first, again, other = drawn(1), drawn(1), drawn(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
    with pytest.raises(errors.GraphcError, match="no seed"):
        utils.set_random_seed(-1)
