"""In which order samples and batches come, and what it hangs on."""

import numpy as np
import pytest

import graphc
from graphc.callbacks import BackupAndRestore, Callback
from graphc.utils import PyDataset, set_random_seed

RNG = np.random.default_rng(8)
X = RNG.normal(size=(24, 2)).astype("f")
Y = RNG.normal(size=(24, 1)).astype("f")


def model():
    made = graphc.Sequential([graphc.Input((2,)), graphc.layers.Dense(1)])
    made.compile("sgd", "mse")
    made.set_weights([np.ones((2, 1)), np.zeros(1)])
    return made


class Numbered(PyDataset):
    """Six batches; notes which were asked for."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def __len__(self):
        return 6

    def __getitem__(self, index):
        self.asked.append(index)
        return X[index * 4 : index * 4 + 4], Y[index * 4 : index * 4 + 4]

    def on_epoch_end(self):
        self.asked.append("end")

    def epochs(self):
        found = [[]]
        for index in self.asked:
            if index == "end":
                found.append([])
            else:
                found[-1].append(index)
        return found[:-1]


@pytest.fixture(autouse=True)
def _own_graph():
    with graphc.Graph().as_default():
        yield


def after(seed, trained=None, **given):
    """The weights after a fit with a seed."""
    trained = trained or model()
    trained.set_weights([np.ones((2, 1)), np.zeros(1)])
    set_random_seed(seed)
    trained.fit(X, Y, batch_size=4, verbose=0, **given)
    return trained.get_weights()[0].tobytes()


def test_the_same_seed_gives_the_same_fit_and_another_one_another():
    same = model()
    assert after(1, same) == after(1, same) == after(1)
    assert after(1) != after(2)
    assert after(1, shuffle=False) == after(2, shuffle=False)


def test_fits_one_after_the_other_take_other_orders():
    set_random_seed(5)
    found = []
    for _ in range(2):
        made = model()
        made.fit(X, Y, batch_size=4, verbose=0)
        found.append(made.get_weights()[0].tobytes())
    assert found[0] != found[1]


def test_the_seed_of_a_session_of_ones_own_counts():
    def trained(seed):
        with graphc.Graph().as_default(), graphc.Session(seed=seed):
            made = model()
            made.fit(X, Y, batch_size=4, verbose=0)
            return made.get_weights()[0].tobytes()

    assert trained(3) == trained(3) != trained(4)


def test_batches_by_number_come_in_another_order_each_epoch_each_made_once():
    data = Numbered()
    model().fit(data, epochs=3, verbose=0)
    orders = data.epochs()
    # The first is looked at before its turn.
    assert [sorted(order) for order in orders] == [list(range(6))] * 3
    assert orders[1] != orders[2] != list(range(6))
    unshuffled = Numbered()
    model().fit(unshuffled, epochs=2, verbose=0, shuffle=False)
    assert unshuffled.epochs() == [list(range(6))] * 2
    evaluated = Numbered()
    model().evaluate(evaluated, verbose=0)
    assert evaluated.epochs() == [list(range(6))]


def test_a_fit_of_batches_by_number_that_goes_on_takes_the_order_it_would_have_had(tmp_path):
    class StoppedError(Exception):
        pass

    class Stopping(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise StoppedError

    def trained(*callbacks):
        set_random_seed(9)
        made = model()
        made.fit(Numbered(), epochs=4, verbose=0, callbacks=list(callbacks))
        return made.get_weights()[0].tobytes()

    expected = trained()
    with pytest.raises(StoppedError):
        trained(BackupAndRestore(tmp_path), Stopping())
    assert trained(BackupAndRestore(tmp_path)) == expected
