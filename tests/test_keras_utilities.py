"""`graphc.utils`: what Keras keeps in `keras.utils`."""

from __future__ import annotations

import numpy as np
import pytest

from graphc import utils
from graphc.errors import GraphcError


def test_labels_become_rows_of_a_unit_matrix() -> None:
    found = utils.to_categorical([2, 0, 1])
    np.testing.assert_array_equal(found, np.eye(3, dtype=np.float32)[[2, 0, 1]])
    assert found.dtype == np.float32
    assert utils.to_categorical([[1], [0]], 4).shape == (2, 4)
    assert utils.to_categorical([[1, 2], [0, 0]], 4).shape == (2, 2, 4)
    assert utils.to_categorical([]).shape == (0, 0)


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0]])
def test_labels_outside_are_refused(labels) -> None:
    with pytest.raises(GraphcError, match="no label of 3 classes"):
        utils.to_categorical(labels, 3)


def test_rows_of_length_one() -> None:
    found = utils.normalize([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(found, [[0.6, 0.8], [0.0, 0.0]])
    np.testing.assert_allclose(utils.normalize([[1.0, 3.0]], 1, 1), [[0.25, 0.75]])
