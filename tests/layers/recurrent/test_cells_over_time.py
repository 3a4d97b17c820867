"""SimpleRNN, LSTM, GRU and their cells under every argument of the constructors, as in Keras."""

from __future__ import annotations

from typing import Any

import numpy as np

import graphc
from tests.layers.keras_layers import compare
from tests.layers.layer_cases import Case, case

START = np.array([[False, False, True, True, True], [False, True, True, True, True]])
MIDDLE = np.array([[True, False, True, False, True], [True, True, False, False, True]])
END = np.array([[True, True, False, False, False], [True, True, True, False, False]])
NOWHERE = np.zeros((2, 5), bool)
SEQUENCE = (2, 5, 3)
WEIGHTS: dict[str, Any] = {
    "kernel_initializer": "ones",
    "recurrent_initializer": "he_normal",
    "bias_initializer": "ones",
    "kernel_regularizer": "l2",
    "recurrent_regularizer": "l1",
    "bias_regularizer": "l2",
    "kernel_constraint": "unit_norm",
    "recurrent_constraint": "unit_norm",
    "bias_constraint": "unit_norm",
}
DROPPING = {"dropout": 0.4, "recurrent_dropout": 0.3, "seed": 3}


def cell_cases(name: str, states: Any, **others: Any) -> list[Case]:
    return [
        case(name, (2, 3), states, units=4),
        case(name, (2, 3), states, units=4, activation="relu", use_bias=False, **others),
        case(name, (2, 3), states, units=4, **WEIGHTS),
        case(name, (2, 3), states, units=4, **DROPPING),
    ]


def sequence_cases(name: str, states: list[Any], **others: Any) -> list[Case]:
    """What all three have in common."""
    everything = {"return_sequences": True, "return_state": True}
    return [
        case(name, SEQUENCE, units=4, steps_known=False, activation="relu", **others),
        case(name, SEQUENCE, units=4, activity_regularizer=None, stateful=False, **WEIGHTS),
        case(name, SEQUENCE, units=4, use_bias=False, **DROPPING, **everything),
        case(name, SEQUENCE, states, units=4, go_backwards=True, steps_known=False, **everything),
        case(name, (2, 1, 3), states, units=4),
        case(name, (1, 5, 3), units=1, unroll=True, go_backwards=True, static=True, **everything),
        case(name, SEQUENCE, states, units=4, call={"mask": START}, **everything),
        case(name, SEQUENCE, states, units=4, call={"mask": START}, unroll=True, **everything),
        case(name, SEQUENCE, states, units=4, call={"mask": NOWHERE}, go_backwards=True),
        case(name, SEQUENCE, units=4, masks=(MIDDLE,), zero_output_for_mask=True),
        case(name, SEQUENCE, units=4, masks=(END,), steps_known=False),
    ]


def masked_cases(name: str, **others: Any) -> list[Case]:
    """Masks at both ends and in the middle, of all steps and of none."""
    everything = {"return_sequences": True, "return_state": True}
    return [
        *[
            case(name, SEQUENCE, units=4, masks=(mask,), steps_known=False, **more, **everything)
            for mask in (START, MIDDLE, END)
            for more in ({"zero_output_for_mask": True}, {"go_backwards": True})
        ],
        case(name, SEQUENCE, units=4, masks=(MIDDLE,), unroll=True, go_backwards=True),
        case(name, SEQUENCE, units=4, masks=(~NOWHERE,), return_sequences=True),
        case(name, SEQUENCE, units=4, trainable=False, dtype="float32", **others),
    ]


STATE: Any = [(2, 4)]
STATES: Any = [(2, 4), (2, 4)]
GATES: dict[str, Any] = {"recurrent_activation": "hard_sigmoid"}


RECURRENT_CELLS = [
    *cell_cases("SimpleRNNCell", STATE),
    *cell_cases("LSTMCell", STATES, **GATES, unit_forget_bias=False),
    *cell_cases("GRUCell", STATE, **GATES),
    *cell_cases("GRUCell", STATE, **GATES, reset_after=False),
    case("SimpleRNNCell", (2, 3), (2, 4), units=4),
    case("GRUCell", (2, 3), (2, 4), units=4, reset_after=False, **WEIGHTS),
    case("LSTMCell", (2, 3), STATES, units=4, implementation=1),
    case("GRUCell", (2, 3), STATE, units=4, implementation=1, reset_after=False),
]


def test_the_cells_are_those_of_keras() -> None:
    compare("recurrent_cells", RECURRENT_CELLS)


RECURRENT_LAYERS = [
    *sequence_cases("SimpleRNN", STATE),
    *sequence_cases("LSTM", STATES, **GATES, unit_forget_bias=False, use_cudnn=False),
    *sequence_cases("GRU", STATE, **GATES, use_cudnn=False),
    *sequence_cases("GRU", STATE, **GATES, reset_after=False)[:7],
    *masked_cases("SimpleRNN"),
    *masked_cases("LSTM", implementation=1),
    case("LSTM", SEQUENCE, units=4, activity_regularizer="l2", return_sequences=True),
    case("GRU", SEQUENCE, units=4, activity_regularizer="l2", return_state=True),
]


def test_the_layers_are_those_of_keras() -> None:
    compare("recurrent_layers", RECURRENT_LAYERS)


def test_a_penalty_on_results_is_one_although_keras_drops_it() -> None:
    """SimpleRNN of Keras 3.15 takes activity_regularizer= and does nothing with it."""
    with graphc.Graph().as_default(), graphc.Session() as session:
        layer = graphc.layers.SimpleRNN(4, activity_regularizer="l2", return_sequences=True)
        outputs = layer(np.ones(SEQUENCE, np.float32))
        (loss,), found = session.run([layer.losses, outputs])
    np.testing.assert_allclose(loss, 0.01 * (found**2).sum() / 2, rtol=1e-5)
