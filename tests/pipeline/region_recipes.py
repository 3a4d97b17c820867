"""Recipes of branches and loops. Their bodies are made of functions that are tame everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from graphc.dtypes import BOOL, I32
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.types import TensorType, tensor_type
from tests.passes.built_programs import Program
from tests.pipeline.formula_recipes import FORMULAS
from tests.pipeline.graph_sketch import Choices, NotApplicableError, Sketch, fit
from tests.pipeline.recipe_book import recipe

SCALAR: Final = ()

Step = Callable[[Program, Value, Value], Value]


def _gradient_inside(b: Program, x: Value, y: Value) -> Value:
    """A derivative that is taken within a body."""
    inner = b.tanh(b.multiply(x, y))
    (found,) = b.differentiate([b.multiply(inner, inner)], [x])
    return found


def _softmax(b: Program, x: Value, y: Value) -> Value:
    last = x.type.rank - 1
    is_row = x.type.rank and (not isinstance(x.type.shape[last], int) or x.type.shape[last])
    return b.log(b.softmax(x, axis=last)) if is_row and x.type.is_static else b.tanh(x)


STEPS: Final[dict[str, Step]] = {
    "add": lambda b, x, y: b.add(x, y),
    "multiply": lambda b, x, y: b.multiply(b.tanh(x), y),
    "subtract": lambda b, x, y: b.subtract(x, y),
    "tanh": lambda b, x, y: b.tanh(x),
    "sine": lambda b, x, y: b.sine(b.multiply(x, b.full_like(x, 1.0))),
    "scaled": lambda b, x, y: b.add(b.multiply(x, b.full_like(x, 0.5)), b.full_like(x, 1.0)),
    "softmax": _softmax,
    "gradient": _gradient_inside,
    "equal": lambda b, x, y: b.add(b.tanh(y), b.tanh(y)),
    **{
        name: (lambda b, x, y, write=write: write(b, b.tanh(x))) for name, write in FORMULAS.items()
    },
}


def write_steps(b: Program, c: Choices, values: list[Value]) -> Value:
    """A few steps on values of one type, the last one bounded."""
    for _ in range(1 + c.below(4)):
        x, y = (values[-1 - c.below(len(values))] for _ in range(2))
        values.append(STEPS[c.of(list(STEPS))](b, x, y))
    return b.tanh(values[-1])


def write_body(
    c: Choices, types: Sequence[TensorType], write: Callable[[Program, list[Value]], list[Value]]
) -> Graph:
    """A closed graph of inputs of these types."""
    build = Program()
    inputs = [build.input(type_, f"x{position}") for position, type_ in enumerate(types)]
    return build.graph(*write(build, inputs))


@recipe
def branches(s: Sketch, c: Choices) -> list[Value]:
    x = s.pick(c, "float")
    others = [s.pick(c, "float") for _ in range(c.below(3))]
    if c.chance(4):
        predicate = s.number(c.chance(2), BOOL)
    else:
        predicate = fit(s, s.pick(c, "truth"), tensor_type(BOOL, SCALAR))
    results = 1 + c.below(2)

    def write(b: Program, inputs: list[Value]) -> list[Value]:
        values = [fit(b, value, x.type) for value in inputs]
        made = [write_steps(b, c, list(values)) for _ in range(results)]
        return [inputs[0] if c.chance(5) else value for value in made]

    types = [value.type for value in (x, *others)]
    regions = tuple([write_body(c, types, write) for _ in range(2)])
    made = s.cond(predicate, x, *others, regions=regions)
    return [made] if isinstance(made, Value) else list(made)


@recipe
def branches_by_number(s: Sketch, c: Choices) -> list[Value]:
    """A case: its index may be known, lie outside, or depend on what is computed."""
    x = s.pick(c, "float")
    others = [s.pick(c, "float") for _ in range(c.below(2))]
    if c.chance(3):
        index = s.number(c.below(5) - 1, I32)
    else:
        index = s.convert(fit(s, s.pick(c, "truth"), tensor_type(BOOL, SCALAR)), dtype="int32")

    def write(b: Program, inputs: list[Value]) -> list[Value]:
        return [write_steps(b, c, [fit(b, value, x.type) for value in inputs])]

    types = [value.type for value in (x, *others)]
    regions = tuple([write_body(c, types, write) for _ in range(1 + c.below(3))])
    return [s.case(index, x, *others, regions=regions)]


@recipe
def all_rows_at_once(s: Sketch, c: Choices) -> list[Value]:
    """A vectorized_map over one or two arrays, with something that every row sees."""
    mapped = s.pick(c, "float", lambda x: x.type.rank > 0)
    invariant = s.pick(c, "float")
    rows = mapped.type.with_shape(mapped.type.shape[1:])
    results = 1 + c.below(2)

    def write(b: Program, inputs: list[Value]) -> list[Value]:
        values = [fit(b, value, rows) for value in inputs]
        return [write_steps(b, c, list(values)) for _ in range(results)]

    made = s.vectorized_map(
        mapped,
        invariant,
        regions=(write_body(c, [rows, invariant.type], write),),
        invariants=1,
        length=mapped.type.shape[0],
    )
    return [made] if isinstance(made, Value) else list(made)


@recipe
def loop_over_rows(s: Sketch, c: Choices) -> list[Value]:
    """A scan: a carry, perhaps a count, an array that is scanned, one that every step sees."""
    scanned = s.pick(c, "float", lambda x: x.type.rank > 0)
    carry, invariant = s.pick(c, "float"), s.pick(c, "float")
    length = scanned.type.shape[0]
    counts = c.chance(2)
    rows = scanned.type.with_shape(scanned.type.shape[1:])

    def write(b: Program, inputs: list[Value]) -> list[Value]:
        values = [fit(b, value, carry.type) for value in inputs if not _is_count(value)]
        new = [write_steps(b, c, list(values))]
        if counts:
            new.append(b.add(inputs[1], b.number(1, "int32")))
        if c.chance(4):
            new[0] = inputs[0]  # what does not change is no carry
        stacked = [write_steps(b, c, [*values, new[0]]) for _ in range(c.below(3))]
        return [*new, *stacked]

    carries = [carry, *([s.number(0, I32)] if counts else [])]
    types = [*[value.type for value in carries], rows, invariant.type]
    made = s.scan(
        *carries,
        scanned,
        invariant,
        regions=(write_body(c, types, write),),
        carries=len(carries),
        invariants=1,
        length=length,
        reverse=c.chance(3),
    )
    return [made] if isinstance(made, Value) else list(made)


def _is_count(value: Value) -> bool:
    return value.type.dtype is I32


@recipe
def loop_while(s: Sketch, c: Choices) -> list[Value]:
    """A few steps of a loop, with a bound or without.

    Nothing is differentiated through it: JAX, which says what is right, has no gradient for it.
    """
    x = s.pick(c, "float")
    steps = c.below(4)
    maximum = c.below(4) if c.chance(2) else None
    types = [tensor_type(I32, SCALAR), x.type, x.type]
    invariant = s.stop_gradient(fit(s, s.pick(c, "float"), x.type))

    def condition(b: Program, inputs: list[Value]) -> list[Value]:
        return [b.compare(inputs[0], b.number(steps, "int32"), direction="LT")]

    def write(b: Program, inputs: list[Value]) -> list[Value]:
        count = b.add(inputs[0], b.number(1, "int32"))
        return [count, write_steps(b, c, list(inputs[1:]))]

    regions = (write_body(c, types, condition), write_body(c, types, write))
    return list(
        s.while_loop(
            s.number(0, I32),
            s.stop_gradient(x),
            invariant,
            regions=regions,
            carries=2,
            maximum=maximum,
        )
    )


@recipe
def loop_with_state(s: Sketch, c: Choices) -> list[Value]:
    """A scan whose body reads a variable and adds to it: what it gives may only be fetched."""
    name = "counted"
    if name in s.assigned:
        raise NotApplicableError
    scanned = s.pick(c, "float", lambda x: x.type.rank == 1)
    row = scanned.type.with_shape(())

    def write(b: Program, inputs: list[Value]) -> list[Value]:
        old = b.get(name, type_=row)
        new = b.put(name, b.add(old, inputs[1]))
        return [b.tanh(b.add(inputs[0], new))]

    body = write_body(c, [row, row], write)
    start = s.number(0.5, row.dtype)
    last = s.scan(start, scanned, regions=(body,), carries=1, length=scanned.type.shape[0])
    s.declare(name, row)
    s.assigned[name] = last
    s.loose.append(last)
    return []


@recipe
def branch_with_state(s: Sketch, c: Choices) -> list[Value]:
    """A branch that assigns a variable, and one that does not."""
    name = "chosen"
    if name in s.assigned:
        raise NotApplicableError
    x = s.pick(c, "float", lambda x: x.type.is_static)
    predicate = fit(s, s.pick(c, "truth"), tensor_type(BOOL, SCALAR))

    def write_yes(b: Program, inputs: list[Value]) -> list[Value]:
        old = b.get(name, type_=x.type)
        return [b.put(name, b.tanh(b.add(old, inputs[0])))]

    def write_no(b: Program, inputs: list[Value]) -> list[Value]:
        return [b.get(name, type_=x.type) if c.chance(2) else b.sine(inputs[0])]

    regions = (write_body(c, [x.type], write_yes), write_body(c, [x.type], write_no))
    made = s.cond(predicate, x, regions=regions)
    s.declare(name, x.type)
    s.assigned[name] = made
    s.loose.append(made)
    return []
