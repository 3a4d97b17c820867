"""Recipes of what is computed element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from graphc.dtypes import BOOL, F64, I32
from graphc.ir.node import Node, Value
from tests.pipeline.graph_sketch import Choices, NotApplicableError, Sketch, fit
from tests.pipeline.recipe_book import recipe

Repair = Callable[[Sketch, Value], Value]


def _as_it_is(sketch: Sketch, x: Value) -> Value:
    return x


def _bounded(sketch: Sketch, x: Value) -> Value:
    return sketch.bounded(x)


def _positive(sketch: Sketch, x: Value) -> Value:
    return sketch.positive(x)


_UNARY: Final[dict[str, Repair]] = {
    **dict.fromkeys(("negate", "tanh", "logistic", "sine", "cosine", "softplus"), _as_it_is),
    **dict.fromkeys(("exponential", "exponential_minus_one", "erf", "gelu", "tan"), _bounded),
    **dict.fromkeys(("log", "log_plus_one", "sqrt", "rsqrt", "cbrt"), _positive),
    **dict.fromkeys(("abs", "relu", "sign", "silu", "floor", "ceil", "is_finite"), _as_it_is),
    **dict.fromkeys(("round_nearest_even", "round_nearest_afz"), _as_it_is),
    **dict.fromkeys(("stop_gradient", "optimization_barrier"), _as_it_is),
}


@recipe
def function_of_one(s: Sketch, c: Choices) -> Value:
    name = c.of(list(_UNARY))
    return getattr(s, name)(_UNARY[name](s, s.pick(c, "float")))


def _pair(s: Sketch, c: Choices, kind: str) -> tuple[Value, Value]:
    """Two values of one type, the second made to fit the first."""
    x = s.pick(c, kind)
    return x, fit(s, s.pick(c, kind), x.type)


@recipe
def arithmetic(s: Sketch, c: Choices) -> Value:
    name = c.of(("add", "multiply", "subtract", "divide", "power", "atan2", "remainder"))
    x, y = _pair(s, c, "float")
    if c.chance(3):
        x, y = y, x
    if name == "power":
        x, y = s.positive(x), s.bounded(y)
    return getattr(s, name)(x, s.nonzero(y) if name in ("divide", "remainder") else y)


_NUMBERS: Final = (1.0, 0.0, 2.0, -1.0, 0.5, -0.0, 3.0, -0.5, 0.25, 1.5, -2.0)


def constant_like(s: Sketch, c: Choices, x: Value, number: float) -> Value:
    """One number at every position: repeated, or written out."""
    if c.chance(4) and x.type.is_static:
        return s.array(np.full(x.type.shape, number, x.type.dtype.numpy))
    return s.full_like(x, number)


@recipe
def arithmetic_with_a_number(s: Sketch, c: Choices) -> Value:
    name = c.of(("add", "multiply", "subtract", "divide", "power", "maximum", "minimum"))
    x = s.pick(c, "float")
    y = constant_like(s, c, x, c.of(_NUMBERS))
    x, y = (y, x) if c.chance(2) else (x, y)
    return getattr(s, name)(s.positive(x) if name == "power" else x, y)


@recipe
def chain_with_numbers(s: Sketch, c: Choices) -> Value:
    """Sums, products and quotients with constants in a row: what `algebra` gathers."""
    x = s.pick(c, "float")
    for _ in range(2 + c.below(3)):
        name = c.of(("multiply", "add", "divide", "subtract"))
        y = constant_like(s, c, x, c.of((2.0, 1.0, -1.0, 0.5, 4.0, -2.0)))
        turned = c.chance(3) and name != "divide"
        x = getattr(s, name)(*((y, x) if turned else (x, y)))
    return x


@recipe
def signs(s: Sketch, c: Choices) -> Value:
    """Negations around sums and products."""
    x, y = _pair(s, c, "float")
    x = s.negate(x) if c.chance(2) else x
    y = s.negate(s.nonzero(y) if c.chance(3) else y) if c.chance(2) else y
    name = c.of(("multiply", "add", "subtract", "divide"))
    made = getattr(s, name)(x, s.nonzero(y) if name == "divide" else y)
    return s.negate(made) if c.chance(2) else made


@recipe
def extremum(s: Sketch, c: Choices) -> Value:
    name = c.of(("maximum", "minimum", "clamp"))
    x, y = _pair(s, c, c.of(("float", "whole", "float")))
    if name == "clamp":
        low, high = (s.number(number, x.type.dtype) for number in ((-1, 1), (0, 2))[c.below(2)])
        return s.clamp(low, x, high)
    return getattr(s, name)(x, y)


@recipe
def comparison(s: Sketch, c: Choices) -> Value:
    direction = c.of(("LT", "GT", "LE", "GE", "EQ", "NE"))
    x, y = _pair(s, c, c.of(("float", "whole")))
    if c.chance(3):
        y = s.full_like(x, c.of((0.0, 1.0, -2.0)))
    return s.compare(*((y, x) if c.chance(2) else (x, y)), direction=direction)


@recipe
def choice(s: Sketch, c: Choices) -> Value:
    x, y = _pair(s, c, c.of(("float", "whole", "truth")))
    predicate = s.pick(c, "truth")
    if c.chance(4):
        y = x
    if predicate.type.rank:
        predicate = fit(s, predicate, x.type.with_dtype(BOOL))
    if c.chance(4):
        predicate = s.not_(predicate)
    chosen = s.select(predicate, x, y)
    return s.select(predicate, chosen, y) if c.chance(5) else chosen


@recipe
def truth(s: Sketch, c: Choices) -> Value:
    name = c.of(("and_", "or_", "xor", "not_"))
    x, y = _pair(s, c, "truth")
    if c.chance(3):
        y = s.full_like(x, c.chance(2))
    return s.not_(x) if name == "not_" else getattr(s, name)(x, y)


@recipe
def whole_arithmetic(s: Sketch, c: Choices) -> Value:
    names = ("add", "multiply", "subtract", "divide", "remainder", "maximum", "minimum")
    name = c.of((*names, "and_", "or_", "xor", "shift_left", "shift_right_arithmetic"))
    x, y = _pair(s, c, "whole")
    if c.chance(2):
        y = constant_like(s, c, x, c.of((1, 0, 2, -1, 3)))
    return getattr(s, name)(*((y, x) if c.chance(3) else (x, y)))


@recipe
def whole_function(s: Sketch, c: Choices) -> Value:
    return getattr(s, c.of(("negate", "abs", "sign", "not_")))(s.pick(c, "whole"))


@recipe
def conversion(s: Sketch, c: Choices) -> Value:
    x = s.pick(c, "any")
    for _ in range(1 + c.below(2)):
        dtype = c.of((s.narrow, I32, F64, BOOL))
        x = s.convert(x, dtype=dtype)
    return x


@recipe
def again(s: Sketch, c: Choices) -> list[Value]:
    """The same computation once more: what `common_subexpressions` merges."""
    value = s.pick(c, "any", lambda value: bool(value.node.inputs))
    node = value.node
    inputs = list(node.inputs)
    if node.op.name in ("add", "multiply", "maximum") and c.chance(2):
        inputs.reverse()
    return list(s.make(node.op, tuple(inputs), node.attributes, node.regions).outputs)


@recipe
def sizes_that_meet(s: Sketch, c: Choices) -> Value:
    """Two tensors whose sizes are equal here, which nobody can prove."""
    x = s.pick(c, "float", lambda x: not x.type.is_static)
    others = {s.size(dimension): dimension for dimension in s.symbols}
    shape = [size if c.chance(3) else others.get(size, size) for size in s.shape(x)]
    y = fit(s, s.pick(c, "float"), x.type.with_shape(tuple(shape)))
    name = c.of(("add", "multiply", "subtract", "reshape"))
    if name == "reshape":
        return s.add(s.reshape(x, shape=y.type.shape), y)
    return getattr(s, name)(*((y, x) if c.chance(2) else (x, y)))


def _other_attributes(c: Choices, node: Node) -> dict[str, Any]:
    """One attribute of a node changed so that the result has the same type."""
    given, rank = node.attributes, node.inputs[0].type.rank
    shape = node.inputs[0].type.shape
    if "direction" in given:
        return {"direction": c.of(("GE", "LT", "GT", "LE", "EQ", "NE"))}
    if "reverse" in given and not node.regions:
        return {"reverse": not given["reverse"]}
    if node.op.name in ("softmax", "log_softmax"):
        return {"axis": (given["axis"] + 1) % rank}
    if "dimensions" in given:
        return {"dimensions": [axis for axis in range(rank) if axis not in given["dimensions"]]}
    if "permutation" in given and rank:
        permutation = list(given["permutation"])
        i, j = c.below(rank), c.below(rank)
        if shape[permutation[i]] == shape[permutation[j]]:
            permutation[i], permutation[j] = permutation[j], permutation[i]
        return {"permutation": permutation}
    if "axes" in given and len(given["axes"]) == 1:
        sizes = [axis for axis, size in enumerate(shape) if size == shape[given["axes"][0]]]
        return {"axes": [c.of(sizes)]}
    if "start_indices" in given and any(given["start_indices"]):
        back = [min(1, start) if isinstance(start, int) else 0 for start in given["start_indices"]]
        return {
            name: [bound - by for bound, by in zip(given[name], back, strict=True)]
            for name in ("start_indices", "limit_indices")
        }
    raise NotApplicableError


@recipe
def almost_again(s: Sketch, c: Choices) -> list[Value]:
    """The same op on the same operands with another attribute: what must not be merged."""
    value = s.pick(
        c, "any", lambda value: bool(value.node.inputs) and len(value.node.attributes) > 0
    )
    node = value.node
    given = {**node.attributes, **_other_attributes(c, node)}
    attributes = node.op.attributes.make(given, node.op.name)
    return list(s.make(node.op, node.inputs, attributes, node.regions).outputs)


@recipe
def array(s: Sketch, c: Choices) -> Value:
    """A constant: a scalar, a small array, or one that text names by its hash."""
    dtype = c.of((F64, s.narrow, I32, BOOL))
    shape = c.of(((), (3,), (4, 5), (2, 3), (1,), (0,), (3, 1)))
    count = int(np.prod(shape, dtype=int))
    numbers: Any = np.cos(np.arange(count) * 1.7 + c.below(7)) * 2
    if c.chance(3):
        numbers = np.full(count, c.of(_NUMBERS))
    if dtype is BOOL:
        numbers = numbers > 0
    return s.array((np.rint(numbers * 64) / 64).reshape(shape).astype(dtype.numpy))
