"""RNN, stacks of cells, both directions and steps one by one, as in Keras."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.layers.keras_layers import compare
from tests.layers.layer_cases import case

MIDDLE = np.array([[False, False, True, False, True], [True, True, False, True, False]])
SEQUENCE = (2, 5, 3)
FULL = {"return_sequences": True, "return_state": True}


def described(layer: str, /, **config: Any) -> dict[str, Any]:
    return {"module": "keras.layers", "class_name": layer, "config": config}


LSTM_CELL = described("LSTMCell", units=4)
STACK = described("StackedRNNCells", cells=[LSTM_CELL, described("LSTMCell", units=2)])
DROPPING_STACK = described(
    "StackedRNNCells",
    cells=[
        described("LSTMCell", units=4, dropout=0.3),
        described("SimpleRNNCell", units=2, dropout=0.2, recurrent_dropout=0.4),
    ],
)
LSTM = described("LSTM", units=2, name="lstm", **FULL)
BACK = described("LSTM", units=2, go_backwards=True, activation="relu", **FULL)
GRU = described("GRU", units=2, name="gru")
STATES: Any = [(2, 2), (2, 2), (2, 2), (2, 2)]


CELLS_OVER_TIME = [
    case("RNN", SEQUENCE, cell=LSTM_CELL, steps_known=False),
    case("RNN", SEQUENCE, cell=STACK, steps_known=False, go_backwards=True, **FULL),
    case("RNN", SEQUENCE, cell=STACK, unroll=True, stateful=False, **FULL),
    case("RNN", SEQUENCE, cell=STACK, masks=(MIDDLE,), **FULL),
    case("RNN", SEQUENCE, cell=STACK, masks=(MIDDLE,), zero_output_for_mask=True, **FULL),
    case("RNN", SEQUENCE, cell=STACK, masks=(MIDDLE,)),
    case("RNN", SEQUENCE, [[(2, 4), (2, 4)], [(2, 2), (2, 2)]], cell=STACK, **FULL),
    case("RNN", SEQUENCE, cell=DROPPING_STACK, steps_known=False),
    case("RNN", SEQUENCE, cell=described("SimpleRNNCell", units=3), return_state=True),
]


def test_cells_over_time_are_those_of_keras() -> None:
    compare("cells_over_time", CELLS_OVER_TIME)


BIDIRECTIONAL = [
    *[
        case("Bidirectional", SEQUENCE, layer=layer, merge_mode=mode, steps_known=False)
        for mode in ("concat", "sum", "mul", "ave", None)
        for layer in (LSTM, GRU)
    ],
    case("Bidirectional", SEQUENCE, layer=LSTM, masks=(MIDDLE,)),
    case("Bidirectional", SEQUENCE, layer=GRU, masks=(MIDDLE,), merge_mode=None),
    case("Bidirectional", SEQUENCE, STATES, layer=LSTM, weights=None),
    case("Bidirectional", SEQUENCE, layer=LSTM, backward_layer=BACK, masks=(MIDDLE,)),
]


def test_both_directions_are_those_of_keras() -> None:
    compare("bidirectional", BIDIRECTIONAL)


def test_layers_of_each_step_are_those_of_keras() -> None:
    dense = described("Dense", units=4, activation="relu")
    cases = [
        case("TimeDistributed", SEQUENCE, layer=dense),
        case("TimeDistributed", SEQUENCE, layer=dense, masks=(MIDDLE,), steps_known=False),
        case("TimeDistributed", (2, 5, 3, 2), layer=described("LSTM", units=4), steps_known=False),
        case(
            "TimeDistributed",
            (2, 2, 4, 3),
            layer=described("GRU", units=2),
            call={"mask": np.ones((2, 2, 4), bool) & (np.arange(4) < 2)},
        ),
    ]
    compare("time_distributed", cases)
