"""The order of layers, and so of weights, in functional models: Keras's."""

from __future__ import annotations

import numpy as np

import graphc
from graphc import layers
from graphc.configurable import deserialize, serialize


def encoder_and_decoder() -> graphc.Model:
    source, target = (graphc.Input((steps,), dtype="int32") for steps in (7, 5))
    states = layers.LSTM(6, return_state=True)(layers.Embedding(10, 5)(source))[1:]
    sequence = layers.Embedding(8, 4)(target)
    decoder = layers.LSTM(6, return_sequences=True)
    return graphc.Model([source, target], decoder(sequence, initial_state=states))


def test_arguments_by_position_come_before_those_by_name_also_after_rebuilding() -> None:
    with graphc.Graph().as_default():
        model = encoder_and_decoder()
        shapes = [weight.shape for weight in model.weights]
        # As Keras 3.15 orders them: both embeddings, the encoder, the decoder.
        assert shapes[:2] == [(10, 5), (8, 4)]
        assert shapes[2::3] == [(5, 24), (4, 24)]
        again = deserialize(serialize(model))
        assert [weight.shape for weight in again.weights] == shapes
        tokens = np.arange(14).reshape(2, 7) % 8, np.arange(10).reshape(2, 5) % 8
        again.set_weights(model.get_weights())
        np.testing.assert_array_equal(again.predict(tokens), model.predict(tokens))
        on_others = model([graphc.Input((7,), dtype="int32"), graphc.Input((5,), dtype="int32")])
        assert on_others.shape[1:] == (5, 6)


def test_a_layer_with_states_does_not_heed_the_mask_of_its_input_as_in_keras() -> None:
    with graphc.Graph().as_default():
        masked = layers.Masking()(graphc.Input((4, 3)))
        states = [graphc.Input((6,)), graphc.Input((6,))]
        seen = []

        class Seeing(layers.LSTM):
            def call(self, sequences, initial_state=None, mask=None, training=False):
                seen.append(mask is not None)
                return super().call(sequences, initial_state, mask, training)

        Seeing(6)(masked)
        Seeing(6)(masked, initial_state=states)
    assert seen == [True, False]
