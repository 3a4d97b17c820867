"""Trained on are the numbers that were handed over, whatever happens to the memory later."""

import numpy as np
import pytest

import graphc
from graphc.callbacks import Callback
from graphc.training.data import array_batches, placement
from graphc.training.data.array_batches import ArrayBatches
from graphc.training.data.placement import place, release

RNG = np.random.default_rng(3)


def in_memory_at(offset, shape, dtype="f"):
    """An array that begins so many bytes after an address that XLA would take as it is."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.empty(size + 128, np.uint8)
    first = -memory.ctypes.data % 64 + offset
    array = memory[first : first + size].view(dtype).reshape(shape)
    array[...] = RNG.normal(size=shape)
    return array


def trained(x, y, *callbacks):
    with graphc.Graph().as_default():
        model = graphc.Sequential([graphc.Input((3,)), graphc.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.set_weights([np.full((3, 1), 0.5), np.zeros(1)])
        history = model.fit(x, y, batch_size=4, epochs=3, verbose=0, callbacks=list(callbacks))
        return history.history["loss"], model.get_weights()[0]


@pytest.mark.parametrize("offset", [0, 16])
def test_what_is_written_into_the_arrays_during_a_fit_is_not_trained_on(offset):
    x, y = in_memory_at(offset, (12, 3)), in_memory_at(offset, (12, 1))

    class Writing(Callback):
        def on_epoch_end(self, epoch, logs=None):
            x[...] = np.nan

    expected = trained(x.copy(), y)
    found = trained(x, y, Writing())
    assert found[0] == expected[0]
    np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.parametrize("array", [np.arange(6)[::2], np.zeros((0, 3), "f"), np.ones((2, 3), bool)])
def test_arrays_of_any_layout_are_placed_as_they_are(array):
    placed = place(array).array
    np.testing.assert_array_equal(np.asarray(placed), array.astype(placed.dtype))


def test_memory_is_used_again_only_when_it_was_released(monkeypatch):
    monkeypatch.setattr(placement, "_free", [])
    first, second = place(np.ones((5, 3), "f")), place(np.full((5, 3), 2, "f"))
    release(first)
    other = place(np.zeros((3, 5), "f"))
    third = place(np.full((5, 3), 3, "f"))
    assert third.memory is first.memory is not None
    assert third.array.unsafe_buffer_pointer() != other.array.unsafe_buffer_pointer()
    for placed, number in ((second, 2), (third, 3), (other, 0)):
        assert np.all(np.asarray(placed.array) == number)


def test_a_fit_in_the_memory_of_the_last_one_learns_what_its_own_data_say():
    def fits(*numbers):
        with graphc.Graph().as_default():
            model = graphc.Sequential([graphc.Input((3,)), graphc.layers.Dense(1)])
            model.compile("sgd", "mse")
            model.set_weights([np.full((3, 1), 0.5), np.zeros(1)])
            found = []
            for number in numbers:
                x = np.full((8, 3), number, "f")
                found += model.fit(x, x[:, :1], epochs=2, verbose=0).history["loss"]
                found.append(model.evaluate(x * 2, x[:, :1], verbose=0))
            return found

    apart = fits(1.0)
    assert fits(1.0, 3.0)[:3] == apart
    assert fits(3.0, 1.0)[3:] != apart


def test_a_source_may_write_its_next_batch_into_the_same_memory():
    x, y = RNG.normal(size=(20, 3)).astype("f"), RNG.normal(size=(20, 1)).astype("f")
    batches = [(x[i : i + 4], y[i : i + 4]) for i in range(0, 20, 4)]
    memory = in_memory_at(0, (4, 3)), in_memory_at(0, (4, 1))

    def thrifty():
        for batch in batches:
            for kept, new in zip(memory, batch, strict=True):
                kept[...] = new
            yield memory

    def model_after(source):
        with graphc.Graph().as_default():
            model = graphc.Sequential([graphc.Input((3,)), graphc.layers.Dense(1)])
            model.compile("sgd", "mse")
            model.set_weights([np.full((3, 1), 0.5), np.zeros(1)])
            model.fit(source, verbose=0)
            return model.get_weights()[0]

    np.testing.assert_array_equal(model_after(thrifty()), model_after(iter(batches)))


def test_an_order_got_ready_is_the_order_of_its_epoch_and_follows_the_seed():
    def orders(prepared):
        data = ArrayBatches((np.zeros((10, 1), "f"), None, None), 4, shuffle=True, seed=7)
        found = []
        for epoch in range(3):
            found.append(
                np.concatenate([np.ravel(g.rows[: g.batches]) for g in data.epoch(epoch)]).tolist()
            )
            if prepared:
                data.prepare(epoch + 1)
        data.seed = 8
        found.append(
            np.concatenate([np.ravel(g.rows[: g.batches]) for g in data.epoch(2)]).tolist()
        )
        return found

    ahead = orders(prepared=True)
    assert ahead == orders(prepared=False)
    assert all(sorted(order) == list(range(10)) for order in ahead)
    assert len({tuple(order) for order in ahead}) == 4


def test_an_order_drawn_early_by_a_thread_is_the_same(monkeypatch):
    monkeypatch.setattr(array_batches, "_WORTH_A_THREAD", 5)

    def order(early, seed):
        data = ArrayBatches((np.zeros((10, 1), "f"), None, None), 4, shuffle=True, seed=7)
        if early:
            data.draw_early(2)
        data.seed = seed  # as a fit that goes on from a checkpoint sets it
        return np.concatenate(
            [np.ravel(group.rows[: group.batches]) for group in data.epoch(2)]
        ).tolist()

    assert order(True, 7) == order(False, 7) != order(False, 8) == order(True, 8)
