"""LSTMs of convolutions under every argument of their constructors, as in Keras."""

from __future__ import annotations

import numpy as np

from tests.layers.keras_layers import compare
from tests.layers.layer_cases import case
from tests.layers.recurrent.test_cells_over_time import DROPPING, WEIGHTS

MASK = np.array([[False, True, True], [True, False, False]])
FULL = {"return_sequences": True, "return_state": True}


def test_the_layers_are_those_of_keras() -> None:
    cases = []
    for rank in (1, 2, 3):
        name, sizes = f"ConvLSTM{rank}D", (4, 3, 3)[:rank]
        last, first = (2, 3, *sizes, 2), (2, 3, 2, *sizes)
        cases += [
            case(name, last, filters=2, kernel_size=2, **FULL, steps_known=False),
            case(
                name,
                first,
                filters=2,
                kernel_size=2,
                data_format="channels_first",
                padding="same",
                strides=2,
                activation="relu",
                recurrent_activation="hard_sigmoid",
                unit_forget_bias=False,
                go_backwards=True,
                **FULL,
            ),
            case(
                name,
                last,
                filters=2,
                kernel_size=2,
                dilation_rate=2,
                stateful=False,
                activity_regularizer=None,
                use_bias=True,
                **WEIGHTS,
                **DROPPING,
            ),
        ]
    masked = {"masks": (MASK,), "unroll": True}
    cases.append(case("ConvLSTM2D", (2, 3, 3, 2, 1), filters=2, kernel_size=1, **masked, **FULL))
    compare("conv_lstm", cases)
