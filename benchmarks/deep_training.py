"""Train steps of deep networks, each to be compiled: in a session, by `jax.jit`, by `graphc.jit`.

A step is Adam on the mean square error. The step in JAX is one function, with `value_and_grad` and
optax inside where optax is installed, and a separate argument for each weight; it does not know
which `jit` it is given to. Nothing is traced or compiled before the first step.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import jaxpr_as_fun

import graphc
from benchmarks.deep_networks import IN_A_GRAPH, IN_JAX, Network, bound_of
from graphc import ops

RATE: Final = 1e-3
Step = Callable[[], float]
"""Does one train step; gives the loss before it."""
Jit = Callable[..., Callable[..., Any]]

_AS_ANY: Any = jax  # much of it has no types


def in_a_session(
    network: Network, layers: int, memory_budget: int | str | None = None
) -> tuple[Step, Callable[[], Any]]:
    """The train step of a graph, and what gives its program."""
    x, y = network.data()
    with graphc.Graph().as_default() as graph:
        inputs, targets = (graphc.placeholder("float32", network.shape) for _ in range(2))
        weights: list[dict[str, Any]] = []
        for number, shapes in enumerate(network.weights(layers)):
            with graphc.name_scope(f"layer_{number}"):
                weights.append({name: _variable(name, shape) for name, shape in shapes.items()})
        predicted = network.apply(IN_A_GRAPH, inputs, [*weights])
        loss = ops.mean(ops.square(predicted - targets))
        train = graphc.optimizers.Adam(RATE).minimize(loss)
    session = graphc.Session(graph, memory_budget=memory_budget)

    def step() -> float:
        return float(session.run([loss, train], {inputs: x, targets: y})[0])

    return step, lambda: session.compile([loss, train], [inputs, targets])


def _variable(name: str, shape: tuple[int, ...]) -> graphc.Variable:
    if len(shape) == 1:
        initial: Any = np.full(shape, float(name.endswith("scale")), np.float32)
    else:
        initial = graphc.random.uniform(shape, -bound_of(shape), bound_of(shape))
    return graphc.Variable(initial, name=name)


def initial_weights(network: Network, layers: int) -> list[dict[str, jax.Array]]:
    """A dictionary for each layer."""
    key = jax.random.key(0)

    def weight(number: int, name: str, shape: tuple[int, ...]) -> jax.Array:
        if len(shape) == 1:
            return jnp.full(shape, float(name.endswith("scale")), jnp.float32)  # not of a weak type
        own = jax.random.fold_in(key, number)
        return jax.random.uniform(own, shape, minval=-bound_of(shape), maxval=bound_of(shape))

    number, made = 0, list[dict[str, jax.Array]]()
    for shapes in network.weights(layers):
        made.append({})
        for name, shape in shapes.items():
            number += 1
            made[-1][name] = weight(number, name, shape)
    return made


def make_train_step(network: Network) -> tuple[Callable[[Any], Any], Callable[..., Any]]:
    """What makes the optimizer's state of weights; and weights, state, input, target to the next.

    The optimizer is optax's, or Adam written out where optax is not installed.
    """

    def loss_of(weights: Any, x: Any, y: Any) -> Any:
        return jnp.mean((network.apply(IN_JAX, x, weights) - y) ** 2)

    start, update = _adam()

    def step(weights: Any, state: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
        loss, slopes = _AS_ANY.value_and_grad(loss_of)(weights, x, y)
        changes, state = update(slopes, state)
        return _AS_ANY.tree.map(jnp.add, weights, changes), state, loss

    return start, step


def _adam() -> tuple[Callable[[Any], Any], Callable[..., Any]]:
    if importlib.util.find_spec("optax") is not None:
        optimizer = importlib.import_module("optax").adam(RATE)
        return optimizer.init, optimizer.update
    tree = _AS_ANY.tree.map

    def update(slopes: Any, state: Any) -> tuple[Any, Any]:
        count, first, second = state
        count = count + 1
        first = tree(lambda m, g: 0.9 * m + 0.1 * g, first, slopes)
        second = tree(lambda v, g: 0.999 * v + 0.001 * g * g, second, slopes)
        scale = RATE * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        changes = tree(lambda m, v: -scale * m / (jnp.sqrt(v) + 1e-8), first, second)
        return changes, (count, first, second)

    def start(weights: Any) -> Any:
        return jnp.zeros(()), tree(jnp.zeros_like, weights), tree(jnp.zeros_like, weights)

    return start, update


def by_jit(
    network: Network, layers: int, jit: Jit = jax.jit
) -> tuple[Step, Callable[[], tuple[Any, Any]]]:
    """The train step of JAX, given to `jax.jit` or to `graphc.jit`; weights are donated.

    Initial weights, and the optimizer's state of them, are made by functions given to it as well.
    Also what gives the program itself, with arguments for it.
    """
    x, y = network.data()
    start, step = make_train_step(network)
    program = jit(step, donate_argnums=(0, 1))
    kept: Any = None

    def arguments() -> Any:
        weights = jit(lambda: initial_weights(network, layers))()
        return weights, jit(start)(weights)

    def run() -> float:
        nonlocal kept
        if kept is None:
            kept = arguments()
        weights, state, loss = program(*kept, x, y)
        kept = weights, state
        return float(loss)

    return run, lambda: (program, (*arguments(), x, y))


def beyond_the_trace(network: Network, layers: int) -> Callable[[], object]:
    """What `graphc.jit` does after JAX has traced the step: passes, compiling, one step."""
    _, step = make_train_step(network)
    _, given = by_jit(network, layers)[1]()
    traced = jax.make_jaxpr(step)(*given)
    flat = _AS_ANY.tree.leaves(given)
    return lambda: jax.block_until_ready(graphc.jit(jaxpr_as_fun(traced))(*flat))
