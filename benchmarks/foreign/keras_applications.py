"""Keras's applications on the JAX backend, by `stateless_call`, with weights drawn at random."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Final

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import keras

if keras.backend.backend() != "jax":
    raise ImportError("Keras runs on another backend than JAX in this process")

Case = tuple[Callable[..., Any], Sequence[Any]]


def _forward(make: Callable[..., Any], pixels: int) -> Case:
    keras.utils.set_random_seed(0)
    model = make(weights=None, input_shape=(pixels, pixels, 3), classes=10)
    trained = [variable.value for variable in model.trainable_variables]
    others = [variable.value for variable in model.non_trainable_variables]
    x = jax.random.uniform(jax.random.key(0), (1, pixels, pixels, 3))

    def call(trained: Any, others: Any, x: jax.Array) -> jax.Array:
        return model.stateless_call(trained, others, x, training=False)[0]

    return call, [trained, others, x]


def sequential() -> Case:
    """A small Sequential model and its gradient."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((64,)), *[keras.layers.Dense(64, "relu") for _ in range(3)]]
    )
    trained = [variable.value for variable in model.trainable_variables]

    def loss(trained: Any, x: jax.Array) -> jax.Array:
        return jnp.mean(model.stateless_call(trained, [], x, training=True)[0] ** 2)

    return jax.value_and_grad(loss), [trained, jnp.ones((32, 64))]


def mobilenet() -> Case:
    """MobileNetV2."""
    return _forward(keras.applications.MobileNetV2, 96)


def efficientnet() -> Case:
    """EfficientNetV2B0."""
    return _forward(keras.applications.EfficientNetV2B0, 96)


def resnet() -> Case:
    """ResNet50."""
    return _forward(keras.applications.ResNet50, 64)


PROGRAMS: Final = {
    "Sequential": sequential,
    "MobileNetV2": mobilenet,
    "EfficientNetV2B0": efficientnet,
    "ResNet50": resnet,
}
