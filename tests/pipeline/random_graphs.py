"""Random well-typed graphs with feeds on which their numbers are tame: hypothesis strategies.

    @given(cases())
    def test_something(case: Case) -> None: ...

What is drawn is a plan of small numbers (which recipe, on which of the values there are), so that a
failing case shrinks to few steps and simple ones. `build_case` follows the plan.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from hypothesis import strategies as st

from graphc.dimensions import Dimension, symbol
from graphc.dtypes import BOOL, F32, F64, I32
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.parser import parse
from graphc.ir.types import tensor_type
from tests.pipeline import (
    complex_recipes,  # noqa: F401
    elementwise_recipes,  # noqa: F401
    formula_recipes,  # noqa: F401
    matrix_recipes,  # noqa: F401
    movement_recipes,  # noqa: F401
    nested_recipes,  # noqa: F401
    reduction_recipes,  # noqa: F401
    region_recipes,  # noqa: F401
    rule_recipes,  # noqa: F401
    sample_recipes,  # noqa: F401
    special_recipes,  # noqa: F401
    state_recipes,  # noqa: F401
    tangent_recipes,  # noqa: F401
)
from tests.pipeline.graph_sketch import Array, Choices, NotApplicableError, Sketch, fit, some_floats
from tests.pipeline.recipe_book import RECIPES, follow

OFTEN: Final = {"left_side": 12, "formula": 3, "formula_over_rows": 3, "function_of_one": 3} | {
    **dict.fromkeys(("moves", "reduction", "normalization", "concatenate"), 2),
    **dict.fromkeys(("sample_of_an_op",), 16),
    **dict.fromkeys(("arithmetic_with_a_number", "product_of_matrices", "choice", "arithmetic"), 2),
}
"""How often a recipe is drawn, where that is not once."""

_NAMES: Final = ("", "dense/relu", 'a "quoted" {name}', "größe", "back\\slash, : f32[2]")
_SHAPES: Final[tuple[tuple[Any, ...], ...]] = (
    *(("a", 3), (3,), ("a",), (2, 3), (), (3, "a"), (1, 3), ("a", 1), ("a", "b"), (0,)),
    *((2, "a", 3), (4, 5), (1,), ("b",)),
)

Numbers = tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """What is drawn.

    Attributes:
        sizes: of the axes "a" and "b".
        symbolic: which of the two are symbols.
        has_float32: whether some floats are float32; otherwise all are float64.
        inputs: element type and shape, by number.
        steps: recipes with the numbers that they choose by.
        outputs: numbers of what is fetched.
        fetches_all: whether besides everything is fetched that nothing else uses.
        gradients: for each intent the numbers that it chooses by.
    """

    sizes: tuple[int, int]
    symbolic: tuple[bool, bool]
    has_float32: bool
    inputs: tuple[tuple[int, int], ...]
    steps: tuple[tuple[str, Numbers], ...]
    outputs: Numbers
    fetches_all: bool
    gradients: tuple[Numbers, ...]


@dataclass(frozen=True)
class Case:
    """A graph as a person builds it, and what to run it on.

    Attributes:
        graph: with effects and intents, nodes in creation order.
        arrays: feeds and variables by name.
        sizes: what the symbols stand for.
        has_float32: whether the graph holds constants that float32 may round.
    """

    graph: Graph
    arrays: dict[str, Array]
    sizes: dict[str, int]
    has_float32: bool

    def __repr__(self) -> str:
        return f"\n{format_case(self)}"


def format_case(case: Case) -> str:
    """A case as text: what it is fed as comments, then the graph."""
    lines = [f"// {name} = {size}" for name, size in case.sizes.items()]
    for name, array in case.arrays.items():
        lines.append(f"// {json.dumps(name)} = {json.dumps(array.tolist())}")
    return "\n".join([*lines, str(case.graph)])


def parse_case(text: str) -> Case:
    """The inverse of `format_case`; constants that are named by their hash are lost."""
    graph = parse(text)
    sizes = {name: int(size) for name, size in re.findall(r"^// (\w+) = (\d+)$", text, re.M)}
    types = {value.node.attributes["name"]: value.type for value in graph.inputs}
    for node in graph.walk():
        if node.op.name in ("read", "assign"):
            types[node.attributes["variable"]] = node.outputs[0].type
    arrays: dict[str, Array] = {}
    for name, numbers in re.findall(r'^// (".*") = (.*)$', text, re.M):
        type_ = types[json.loads(name)].substituted(sizes)
        array = np.array(json.loads(numbers), dtype=type_.dtype.numpy)
        arrays[json.loads(name)] = array.reshape(type_.shape)  # type: ignore[arg-type]
    has_float32 = any(v.type.dtype is F32 for node in graph.walk() for v in node.outputs)
    return Case(graph, arrays, sizes, has_float32)


def start_sketch(plan: Plan) -> tuple[Sketch, dict[str, Array]]:
    """A sketch with the inputs of a plan, and what they are fed."""
    dimensions: dict[str, Dimension] = {}
    sizes: dict[str, int] = {}
    for name, size, is_symbolic in zip("ab", plan.sizes, plan.symbolic, strict=True):
        dimensions[name] = symbol(name) if is_symbolic else size
        if is_symbolic:
            sizes[name] = size
    sketch = Sketch(sizes, F32 if plan.has_float32 else F64)
    arrays: dict[str, Array] = {}
    for position, (dtype_number, shape_number) in enumerate(plan.inputs):
        dtype = (F64, sketch.narrow, I32, BOOL)[dtype_number]
        shape = tuple(dimensions.get(size, size) for size in _SHAPES[shape_number])
        value = sketch.input(tensor_type(dtype, shape), f"x{position}", "feed")
        numbers = some_floats(tuple(sketch.size(size) for size in shape), position)
        array = numbers > 0 if dtype is BOOL else np.rint(2 * numbers) if dtype is I32 else numbers
        arrays[f"x{position}"] = array.astype(dtype.numpy)
        sketch.keep(sketch.learn(value, arrays[f"x{position}"]))
    return sketch, arrays


def build_case(plan: Plan) -> Case:
    """Follow a plan."""
    sketch, arrays = start_sketch(plan)
    for line, (name, numbers) in enumerate(plan.steps, start=1):
        sketch.at(line, _NAMES[line % len(_NAMES)])
        follow(name, sketch, Choices(numbers))
    sketch.at(len(plan.steps) + 1)
    outputs = [sketch.pool[-1 - number % len(sketch.pool)] for number in plan.outputs]
    if plan.fetches_all:
        used = {value for node in sketch.nodes for value in node.inputs}
        outputs += [value for value in sketch.pool if value not in used]
    for numbers in plan.gradients:
        outputs += take_gradients(sketch, Choices(numbers))
    outputs += sketch.loose
    outputs += [value for value in sketch.assigned.values() if value not in outputs]
    graph = sketch.graph(*outputs)
    return Case(graph, {**arrays, **sketch.state}, sketch.sizes, plan.has_float32)


def take_gradients(sketch: Sketch, choices: Choices) -> list[Value]:
    """The gradient of one or two values at inputs and interior values, past some stops."""
    try:
        ys = [sketch.pick(choices, "float") for _ in range(1 + choices.below(2))]
        xs = [sketch.pick(choices, "float") for _ in range(1 + choices.below(3))]
        stops = [sketch.pick(choices, "float") for _ in range(max(choices.below(4) - 1, 0))]
        weights = [fit(sketch, sketch.pick(choices, "float"), y.type) for y in ys]
    except NotApplicableError:
        return []
    made = sketch.differentiate(
        ys, xs, weights if choices.chance(2) else (), stops, unconnected="zero"
    )
    if not sketch.has_derivatives(made):
        return []
    if not choices.chance(3):
        return made
    squares = [sketch.multiply(gradient, gradient) for gradient in made]
    second = sketch.differentiate(squares, xs[:1], unconnected="zero")
    return made + second if sketch.has_derivatives(second) else made


_numbers = st.lists(st.integers(0, 99), min_size=2, max_size=14).map(tuple)


def plans(
    *, without: Collection[str] = (), max_gradients: int = 2, min_gradients: int = 0
) -> st.SearchStrategy[Plan]:
    """Plans of graphs.

    Args:
        without: recipes that are left out.
        max_gradients: how many `gradient` intents there may be.
        min_gradients: how many there must be.
    """
    allowed = sorted(RECIPES.keys() - set(without))
    names = [name for name in allowed for _ in range(OFTEN.get(name, 1))]
    return st.builds(
        Plan,
        sizes=st.tuples(st.sampled_from([3, 2, 4, 1, 0]), st.sampled_from([2, 1, 3])),
        symbolic=st.tuples(st.booleans(), st.booleans()),
        has_float32=st.booleans(),
        inputs=st.lists(
            st.tuples(st.integers(0, 3), st.integers(0, len(_SHAPES) - 1)), min_size=1, max_size=4
        ).map(lambda inputs: ((0, 0), *inputs)),
        steps=st.lists(st.tuples(st.sampled_from(names), _numbers), min_size=6, max_size=18).map(
            tuple
        ),
        outputs=st.lists(st.integers(0, 20), min_size=1, max_size=4).map(tuple),
        fetches_all=st.booleans(),
        gradients=st.lists(_numbers, min_size=min_gradients, max_size=max_gradients).map(tuple),
    )


def cases(**options: Any) -> st.SearchStrategy[Case]:
    """Random graphs; the options are those of `plans`."""
    return plans(**options).map(build_case)
