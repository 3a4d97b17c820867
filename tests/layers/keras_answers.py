"""What Keras's layers give for cases: run as a program, in a process with Keras's JAX back end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras.src.backend import get_keras_mask, set_keras_mask

from tests.layers.layer_cases import leaves_of, read, replaced, weight_values, write


def with_masks(inputs: Any, masks: list[Any]) -> Any:
    """Let arrays bring masks along."""
    for array, mask in zip(leaves_of(inputs), masks, strict=False):
        if mask is not None:
            set_keras_mask(array, jnp.asarray(mask))
    return inputs


def weighted(outputs: Any) -> Any:
    """A number that depends on each element of the outputs in its own way."""
    total = 0.0
    for output in leaves_of(outputs):
        if jnp.issubdtype(output.dtype, jnp.floating):
            total += (output * jnp.cos(jnp.arange(output.size)).reshape(output.shape)).sum()
    return total


def is_kept(variable: Any) -> bool:
    return "seed_generator" not in variable.path


def made_from(value: Any) -> Any:
    """A layer inside a layer, from its description."""
    is_layer = isinstance(value, dict) and hasattr(keras.layers, value.get("class_name", ""))
    return keras.layers.deserialize(value) if is_layer else value


class Outer(keras.layers.Layer):
    """A layer called as in a model; `stateless_call` of the layer itself would leave parts out."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer
        self.built = True

    def call(self, arguments: Any, keywords: Any) -> Any:
        return self.layer(*arguments, **keywords)


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Weights, outputs, masks, gradients, losses, new statistics, shapes and names of a case."""
    config = {name: made_from(value) for name, value in asked["config"].items()}
    layer = getattr(keras.layers, asked["layer"])(**config)
    arrays = replaced(asked["inputs"], jnp.asarray)
    call = replaced(asked["call"], jnp.asarray)
    if "method" in asked:
        outputs = getattr(layer, asked["method"])(*arrays, **call)
        made = {"layer": asked["layer"], "arguments": sorted(asked["config"])}
        return made | {"outputs": [np.asarray(x) for x in leaves_of(outputs)]}
    layer(*with_masks(arrays, asked["masks"]), **call)
    kinds = [(v.name, tuple(v.shape), str(v.dtype)) for v in layer.weights]
    layer.set_weights(weight_values(kinds))
    if hasattr(layer, "finalize_state"):  # has copies of its weights
        layer.finalize_state()
    outer = Outer(layer)
    others = outer.non_trainable_variables
    fixed = [v.value for v in others]

    leaves, tree = jax.tree.flatten(arrays)
    differentiable = [jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves]

    def loss(learned: Any, numbers: Any) -> Any:
        numbers = iter(numbers)
        given = [
            next(numbers) if d else leaf for d, leaf in zip(differentiable, leaves, strict=True)
        ]
        inputs = with_masks(jax.tree.unflatten(tree, given), asked["masks"])
        outputs, after, losses = outer.stateless_call(
            learned, fixed, inputs, call, return_losses=True
        )
        return weighted(outputs) + sum(losses), (outputs, after, losses)

    numbers = [leaf for leaf, d in zip(leaves, differentiable, strict=True) if d]
    values = [v.value for v in outer.trainable_variables]
    by, (outputs, after, losses) = jax.jit(jax.grad(loss, (1, 0), has_aux=True))(values, numbers)
    plain = leaves_of(layer(*with_masks(arrays, asked["masks"]), **call))
    mask = [get_keras_mask(output) for output in plain]
    shapes = replaced(asked["inputs"], lambda array: (None, *array.shape[1:]))
    try:
        shape = layer.compute_output_shape(*shapes)
    except Exception as problem:  # not of the layer's making: some need more than shapes
        shape = f"{type(problem).__name__}: {problem}"
    made = {
        "layer": asked["layer"],
        "arguments": sorted(asked["config"]),
        "weights": kinds,
        "outputs": list(leaves_of(outputs)),
        "masks": mask,
        "gradients": [*by[0], *by[1]],
        "losses": losses,
        "updated": [value for v, value in zip(others, after, strict=True) if is_kept(v)],
        "shape": shape,
        "config": sorted(layer.get_config()),
    }
    return jax.tree.map(lambda x: np.asarray(x) if isinstance(x, jax.Array) else x, made)


if __name__ == "__main__":
    asked, answered = (Path(argument) for argument in sys.argv[1:])
    write(answered, [answer(each) for each in read(asked)])
