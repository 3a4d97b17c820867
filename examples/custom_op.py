"""An op of one's own, with every facet: Snake, x + sin²(f·x)/f, an activation for periodic data.

Nothing inside graphc knows of it, and still it is printed and read back, differentiated to any
order, checked against NumPy, lowered to XLA and trained with. tests/examples/test_custom_op.py runs
the contract of the op set on it. Ziyin, Hartwig and Ueda 2020, https://arxiv.org/abs/2006.08195.
"""

from __future__ import annotations

import os

import jax.numpy as jnp
import numpy as np

import graphc
from graphc.ir.attributes import FLOAT, Attribute, Schema
from graphc.ir.op import Cost, OpSpec, Sample, TracedLowering, Trait
from graphc.ir.registry import REGISTRY
from graphc.ops.broadcasting import apply
from graphc.reference.evaluator import evaluate

SHORT = bool(os.environ.get("GRAPHC_EXAMPLE_SHORT"))


def snake_type(call):
    """The type rule: floats in, the same type out. Errors name the user's line by themselves."""
    (x,) = call.types
    if not x.dtype.is_floating:
        raise call.error(graphc.errors.DTypeError, f"takes floats, not {x.dtype}", fix="cast it")
    return x


def snake_lowering(call, x):
    """For XLA: any function of JAX arrays; it is traced once per type and attributes."""
    frequency = call.attributes["frequency"]
    return x + jnp.sin(x * frequency) ** 2 / frequency


def snake_gradient(build, call, operands, results, cotangents):
    """1 + sin(2·f·x), made of ops that have gradients themselves: so any order is there."""
    (x,) = operands
    twice = build.multiply(x, build.full_like(x, 2 * call.attributes["frequency"]))
    slope = build.add(build.sine(twice), build.full_like(x, 1))
    return (build.multiply(cotangents[0], slope),)


def snake_reference(call, x):
    """In NumPy: the truth that `lower` is held against, so it must not call JAX."""
    frequency = call.attributes["frequency"]
    return x + np.sin(x * frequency) ** 2 / frequency


def snake_cost(call):
    """About a dozen operations per element; each is read and written once."""
    (x,) = call.types
    return Cost(flops=12 * x.size, bytes=2 * x.byte_size)


def snake_samples():
    """What the contract test tries it on."""
    numbers = np.linspace(-3, 3, 6, dtype=np.float32)
    return [
        Sample((numbers.reshape(2, 3),), {"frequency": 2.5}),
        Sample((np.array([np.nan, np.inf, 0.0], np.float32),), differentiable=False),
        Sample((np.zeros((0, 2), np.float32),)),
    ]


SNAKE = OpSpec(
    name="snake",
    doc="x + sin(frequency·x)² / frequency.",
    arity=1,
    attributes=Schema(frequency=Attribute(FLOAT, 1.0)),
    infer=snake_type,
    lower=TracedLowering(snake_lowering),
    gradient=snake_gradient,
    reference=snake_reference,
    cost=snake_cost,
    traits=Trait.ELEMENTWISE | Trait.ROW_WISE,
    samples=snake_samples,
)


def snake(x, frequency=1.0, name="snake"):
    """The function that people call: it goes into the graph that `x` belongs to."""
    return apply("snake", graphc.ops.convert_to_tensor(x), frequency=frequency, name=name)


def show_the_op():
    """Its text, its first two derivatives beside central differences, and a mistake."""
    with graphc.Graph().as_default() as graph, graphc.Session() as session:
        x = graphc.placeholder("float64", [None], name="x")
        y = snake(x, frequency=2.5)
        first = graphc.gradients(y, x)
        second = graphc.gradients(first, x)
        print(session.dump([y], stage="canonical"))
        points = np.linspace(-1, 1, 4)
        step = 1e-5
        higher, lower = session.run(y, {x: points + step}), session.run(y, {x: points - step})
        found = session.run([first, second], {x: points})
        print("first derivative     ", np.round(found[0], 6))
        print("central differences  ", np.round((higher - lower) / (2 * step), 6))
        print("second derivative    ", np.round(found[1], 6))
        print("2·f·cos(2·f·x)       ", np.round(5 * np.cos(5 * points), 6))
        program = session.compile(y, {x: points})
        (in_numpy,) = evaluate(program.graph("canonical"), [points])
        print("XLA and NumPy agree  ", np.allclose(in_numpy, session.run(y, {x: points})))
        again = graphc.parse(str(graph))
        print("the text is read back", str(again) == str(graph.freeze()))
        try:
            snake(np.arange(3))
        except graphc.errors.DTypeError as error:
            print("a mistake            ", error.message)


def train_with_it():
    """Snake in a network that learns a rising wave."""
    generator = np.random.default_rng(0)
    times = generator.uniform(-3, 3, (256, 1)).astype(np.float32)
    waves = (times + np.sin(4 * times)).astype(np.float32)
    with graphc.Graph().as_default(), graphc.Session(seed=0) as session:
        x = graphc.placeholder("float32", [None, 1], name="x")
        y = graphc.placeholder("float32", [None, 1], name="y")
        hidden = snake(graphc.layers.Dense(16)(x), frequency=2.0)
        prediction = graphc.layers.Dense(1)(hidden)
        loss = graphc.losses.MeanSquaredError()(y, prediction)
        train = graphc.optimizers.Adam(0.02).minimize(loss)
        step = session.make_callable([train, loss], [x, y])
        losses = [step(times, waves)[1] for _ in range(50 if SHORT else 500)]
        print(f"loss {losses[0]:.3f} → {losses[-1]:.3f} after {len(losses)} steps")


if __name__ == "__main__":
    REGISTRY.register(SNAKE)
    show_the_op()
    train_with_it()
