"""Recipes with effects: variables that are read and assigned, random numbers, taps."""

from __future__ import annotations

from typing import Final

from graphc.dtypes import F32, F64
from graphc.ir.node import Value
from graphc.ir.types import TensorType, tensor_type
from tests.pipeline.graph_sketch import Choices, NotApplicableError, Sketch, fit
from tests.pipeline.recipe_book import recipe

VARIABLES: Final = {
    "weights": tensor_type(F64, (2, 3)),
    "bias": tensor_type(F32, (3,)),
    'scope/"quoted" näme': tensor_type(F64, ()),
}


def _variable(s: Sketch, c: Choices) -> tuple[str, TensorType]:
    name = c.of(list(VARIABLES))
    type_ = VARIABLES[name]
    return name, s.declare(name, type_ if type_.dtype is F64 else type_.with_dtype(s.narrow))


@recipe
def read_variable(s: Sketch, c: Choices) -> Value:
    name, type_ = _variable(s, c)
    if name in s.assigned and name not in s.closed and c.chance(2):
        value = s.get(name, s.assigned[name], type_=type_)
        return s.learn(value, s.current[name], is_exact=False)
    return s.learn(s.get(name, type_=type_), s.state[name])


@recipe
def assign_variable(s: Sketch, c: Choices) -> Value:
    """An assignment after the one before it."""
    name, type_ = _variable(s, c)
    if name in s.closed:
        raise NotApplicableError
    value = fit(s, s.tanh(s.pick(c, "float")), type_)
    mode = c.of(("set", "add", "subtract"))
    before = [s.assigned[name]] if name in s.assigned else []
    new, old = s.precise(value), s.current[name]
    made = s.put(name, value, *before, mode=mode, type_=type_)
    s.current[name] = new if mode == "set" else old + new if mode == "add" else old - new
    s.assigned[name] = made
    return s.learn(made, s.current[name], is_exact=False)


@recipe
def control(s: Sketch, c: Choices) -> Value:
    """A value that waits for another."""
    x, other = s.pick(c, "float"), s.pick(c, "any")
    waiting = s.after(x, other)
    return s.learn(waiting, s.precise(x), is_exact=False)


@recipe
def random_numbers(s: Sketch, c: Choices) -> Value:
    x = s.pick(c, "float")
    stream = c.below(3)
    key = s.learn(s.random_key(stream=stream), s.random_words(stream))
    dtype = c.of((s.narrow, F64))
    drawn = s.random_uniform(key, shape=x.type.shape, dtype=dtype)
    return s.add(drawn, s.full_like(drawn, 0.5)) if c.chance(2) else drawn


@recipe
def tapped(s: Sketch, c: Choices) -> Value:
    return s.tap(s.pick(c, "float"), label="written by hand")


TRAINING: Final = frozenset({"training_step"})
"""Recipes with optimizer steps, which only a pass writes out."""


@recipe
def training_step(s: Sketch, c: Choices) -> list[Value]:
    """An optimizer's step on a variable, along a gradient: results may only be fetched."""
    name, type_ = _variable(s, c)
    if name in s.assigned:
        raise NotApplicableError
    variable = s.learn(s.get(name, type_=type_), s.state[name])
    x = s.pick(c, "float", lambda x: x.type.dtype is type_.dtype)
    product = s.tanh(s.multiply(fit(s, x, type_), variable))
    (gradient,) = s.differentiate([product], [variable])
    rule = c.of(("sgd", "adam", "rmsprop"))
    slots = {"sgd": 0, "adam": 2, "rmsprop": 1}[rule]
    made = s.apply_update(
        variable,
        gradient,
        s.number(0.125, s.narrow),
        s.number(1, "int64"),
        *[s.full_like(variable, 0.25) for _ in range(slots)],
        rule=rule,
    )
    new = made if isinstance(made, Value) else made[0]
    s.assigned[name] = s.put(name, new, type_=type_)
    s.loose += [new, gradient]
    s.closed.add(name)
    return []
