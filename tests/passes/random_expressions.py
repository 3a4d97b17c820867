"""Random graphs of the ops that the canonical stage rewrites, drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import graphc.opset  # noqa: F401, registers the ops
from graphc.dimensions import Dimension, symbol
from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.types import as_type

_UNARY = ("negate", "abs")
_UNARY_FLOAT = (
    *("exponential", "log", "logistic", "exponential_minus_one", "log_plus_one", "sqrt"),
    *("tanh", "softplus", "exponential", "log", "negate"),
)
_BINARY = ("add", "subtract", "multiply", "divide", "maximum", "minimum", "add", "subtract")
_NUMBERS = (0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.0)


class _Drawing:
    """One graph being drawn."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.build = GraphBuilder()
        self.is_float = self.random.random() < 0.8
        dtype = self.random.choice(["float32", "float64"]) if self.is_float else "int32"
        self.rows: Dimension = symbol("n") if self.random.random() < 0.3 else 2
        shapes = [(self.rows, 3), (3,), (self.rows, 1), (), (self.rows, 3, 1)]
        # The first input is there to bind the symbol.
        chosen = [shapes[0], self.random.choice(shapes)]
        self.values = [
            self.build.input(as_type(dtype, shape), f"x{i}") for i, shape in enumerate(chosen)
        ]
        self.truths: list[Value] = []

    def choose(self, items: Sequence[Any]) -> Any:
        return self.random.choice(items)

    def like(self, value: Value) -> Value:
        return self.choose([v for v in self.values if v.type is value.type])

    def draw(self) -> Value | None:
        x = self.choose(self.values)
        kind = self.random.random()
        if kind < 0.15:
            number = self.choose(_NUMBERS if self.is_float else (0, 1, -1, 2, 3))
            pair = [x, self.build.full_like(x, number)]
            self.random.shuffle(pair)
            names = (*_BINARY, "power") if self.is_float else _BINARY
            return getattr(self.build, self.choose(names))(*pair)
        if kind < 0.4:
            return getattr(self.build, self.choose(_BINARY))(x, self.like(x))
        if kind < 0.6:
            names = _UNARY_FLOAT if self.is_float else ("sign",)
            names = (*_UNARY, *names)
            return getattr(self.build, self.choose(names))(x)
        if kind < 0.68:
            return self.chosen(x)
        return getattr(self, self.choose(_MOVES))(x)

    def chosen(self, x: Value) -> Value | None:
        fitting = [p for p in self.truths if p.type.shape == x.type.shape]
        if fitting and self.random.random() < 0.6:
            predicate = self.choose(fitting)
            if self.random.random() < 0.3:
                predicate = getattr(self.build, "not")(predicate)
            return self.build.select(predicate, x, self.like(x))
        direction = self.choose(["LT", "GT", "EQ", "NE", "GE", "LE"])
        self.truths.append(self.build.compare(x, self.like(x), direction=direction))
        return None

    def repeated(self, x: Value) -> Value:
        shape, axes = list(x.type.shape), list(range(x.type.rank))
        if len(shape) < 3 and self.random.random() < 0.8:
            place = self.random.randint(0, len(shape))
            shape.insert(place, self.choose([1, self.rows, 3]))
            axes = [axis + (axis >= place) for axis in axes]
        for axis in axes:
            if shape[axis] == 1 and self.random.random() < 0.5:
                shape[axis] = self.choose([self.rows, 3])
        return self.build.broadcast_in_dim(x, shape=shape, broadcast_dimensions=axes)

    def reshaped(self, x: Value) -> Value:
        size = x.type.size
        choices = [(size,), (1, size), (size, 1), (*x.type.shape, 1), (1, *x.type.shape)]
        return self.build.reshape(x, shape=self.choose(choices))

    def transposed(self, x: Value) -> Value:
        order = list(range(x.type.rank))
        self.random.shuffle(order)
        return self.build.transpose(x, permutation=order)

    def cut(self, x: Value) -> Value:
        starts: list[Dimension] = []
        limits: list[Dimension] = []
        for size in x.type.shape:
            whole = not isinstance(size, int) or self.random.random() < 0.4
            starts.append(0 if whole else self.random.randint(0, max(0, size - 1)))
            limits.append(size if whole else self.random.randint(starts[-1], size))
        strides = [self.choose([1, 1, 2]) for _ in starts]
        return self.build.slice(x, start_indices=starts, limit_indices=limits, strides=strides)

    def joined(self, x: Value) -> Value | None:
        if not x.type.rank:
            return None
        pieces = [x, *[self.like(x) for _ in range(self.random.randint(0, 2))]]
        return self.build.concatenate(*pieces, dimension=self.random.randrange(x.type.rank))

    def reduced(self, x: Value) -> Value:
        axes = [axis for axis in range(x.type.rank) if self.random.random() < 0.6]
        name = self.choose(["reduce_sum", "reduce_max", "reduce_min"])
        return getattr(self.build, name)(x, axes=axes)

    def padded(self, x: Value) -> Value:
        number = self.build.full(self.choose([0, 1]), x.type.dtype)
        low, high = ([self.choose([0, 0, 1]) for _ in x.type.shape] for _ in range(2))
        return self.build.pad(x, number, low=low, high=high, interior=[0] * x.type.rank)

    def reversed(self, x: Value) -> Value:
        axes = [axis for axis in range(x.type.rank) if self.random.random() < 0.5]
        return self.build.reverse(x, dimensions=axes)

    def softmax(self, x: Value) -> Value | None:
        if not (self.is_float and x.type.rank):
            return None
        axis, build = self.random.randrange(x.type.rank), self.build
        kept = [other for other in range(x.type.rank) if other != axis]

        def over_rows(value: Value) -> Value:
            return build.broadcast_in_dim(value, shape=x.type.shape, broadcast_dimensions=kept)

        shifted = x
        if self.random.random() < 0.5:
            shifted = build.subtract(x, over_rows(build.reduce_max(x, axes=[axis])))
        powers = build.exponential(shifted)
        total = build.reduce_sum(powers, axes=[axis])
        if self.random.random() < 0.5:
            return build.divide(powers, over_rows(total))
        return build.subtract(shifted, over_rows(build.log(total)))


_MOVES = (
    *("repeated", "repeated", "reshaped", "transposed", "cut", "joined", "reduced", "reduced"),
    *("padded", "reversed", "softmax"),
)


def random_expression(seed: int) -> Graph:
    """The graph of a seed: up to 40 ops, some of them symbolic in their first size."""
    drawing = _Drawing(seed)
    for _ in range(drawing.random.randint(3, 40)):
        made = drawing.draw()
        if made is not None and 0 not in made.type.shape:
            drawing.values.append(made)
    count = min(drawing.random.randint(1, 6), len(drawing.values))
    return drawing.build.finish(drawing.random.sample(drawing.values, count))
