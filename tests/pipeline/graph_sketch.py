"""A graph that is being drawn: nodes with the numbers that they have on the case's own feeds.

A random graph is only useful where its numbers are tame: finite, of moderate size, not at a kink
of a function that has one, and computed by float32 almost as well as by float64. So each node is
evaluated as soon as it is made, and what is made next depends on what is there: a logarithm takes
a tensor whose elements are positive, a comparison two that differ everywhere. What turns out wild
is left behind as dead code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np

import graphc.opset  # noqa: F401, registers the ops
from graphc.dimensions import Dimension, substitute, symbol
from graphc.dtypes import F64, DType
from graphc.errors import GradientError
from graphc.ir.attributes import NO_ATTRIBUTES, Attributes
from graphc.ir.builder import Builder, GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.op import OpSpec, Trait
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.random.threefry import fold
from graphc.reference.evaluator import evaluate
from passes.autodiff import Autodiff
from passes.functional import Functional
from tests.passes.built_programs import Program
from tests.pipeline.tameness import SENSITIVE, is_insensitive, is_smooth

Array = np.ndarray[Any, Any]
T = TypeVar("T")

LARGEST = 1e3
LARGEST_WHOLE = 2**20
MOST_ELEMENTS = 150
MOST_AXES = 4
FLOAT32_ERROR = 1e-5

SEED: Final = "graphc/random_seed"
COUNTER: Final = "graphc/random_counter"

# What moves elements or chooses among them gives the very same numbers by whatever program.
_EXACT = frozenset(
    {
        *("constant", "iota", "reshape", "transpose", "broadcast_in_dim", "reverse", "slice"),
        *("concatenate", "pad", "gather", "dynamic_slice", "dynamic_update_slice", "negate"),
        *("abs", "sign", "floor", "ceil", "stop_gradient", "optimization_barrier", "reduce_max"),
        *("reduce_min", "maximum", "minimum", "dimension_size", "random_uniform"),
    }
)


class NotApplicableError(Exception):
    """A recipe finds nothing in the graph that it could be made of."""


class Choices:
    """Small numbers drawn beforehand; zeros when they run out, so that less is simpler."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = list(reversed(numbers))

    def below(self, count: int) -> int:
        """A number from 0 to `count - 1`."""
        return (self._numbers.pop() if self._numbers else 0) % count

    def of(self, things: Sequence[T]) -> T:
        return things[self.below(len(things))]

    def chance(self, one_in: int) -> bool:
        """True once in a while; False when numbers run out."""
        return self.below(one_in) == one_in - 1


@dataclass(frozen=True)
class Known:
    """What a value is on the case's feeds.

    Attributes:
        precise: with every float as float64.
        native: as the graph declares it.
        is_exact: whether rounding has no part in it.
        is_rough: whether it comes from a place where rounding decides.
    """

    precise: Array
    native: Array
    is_exact: bool
    is_rough: bool = False


class Sketch(Program):
    """A builder that knows the numbers of what it builds.

    Attributes:
        sizes: what symbolic sizes stand for.
        narrow: float32, or float64 where nothing is to be rounded more than by that.
        known: the numbers of values; those of effects and intents are missing.
        pool: the values that may be used next, as they were made.
        loose: values that may only be fetched: nobody knows their numbers.
        state: what variables hold before the run; their types.
        current: what they hold after the assignments so far.
        assigned: the last assignment of each variable.
        closed: variables that hold what nobody knows.
    """

    def __init__(self, sizes: dict[str, int], narrow: DType) -> None:
        super().__init__()
        self.narrow = narrow
        self.sizes = sizes
        self.known: dict[Value, Known] = {}
        self.pool: list[Value] = []
        self.loose: list[Value] = []
        self.state: dict[str, Array] = {}
        self.types: dict[str, TensorType] = {}
        self.current: dict[str, Array] = {}
        self.assigned: dict[str, Value] = {}
        self.closed: set[str] = set()
        self._pending: list[Node] = []

    def make(
        self,
        op: OpSpec,
        inputs: tuple[Value, ...],
        attributes: Attributes = NO_ATTRIBUTES,
        regions: tuple[Graph, ...] = (),
    ) -> Node:
        divides = op.name in ("divide", "remainder") and inputs[1].type.dtype.is_integer
        # XLA ends the process when it folds a whole constant divided by 0.
        if divides and not self.precise(inputs[1]).all():
            raise NotApplicableError
        node = super().make(op, inputs, attributes, regions)
        self._pending.append(node)
        return node

    def learn(self, value: Value, precise: Any, is_exact: bool = True) -> Value:
        """Note the numbers of a value that no op of this graph computes."""
        array = np.asarray(precise)
        wide = array.astype(np.float64) if value.type.dtype.is_floating else array
        self.known[value] = Known(wide, array.astype(value.type.dtype.numpy), is_exact)
        return value

    def settle(self) -> None:
        """Compute the numbers of the nodes that were made since the last time."""
        pending, self._pending = self._pending, []
        stand, values, used = GraphBuilder(), dict[Value, Value](), list[Value]()
        sizes = [
            np.zeros(size)
            for name, size in self.sizes.items()
            if stand.input(tensor_type(F64, (symbol(name),)), f"size of {name}")
        ]
        computed: list[Value] = []
        for node in pending:
            hidden = any(v not in self.known and v not in values for v in node.inputs)
            if hidden or node.op.name == "input" or _has_effects(node):
                continue
            for value in node.inputs:
                if value not in values:
                    values[value] = stand.input(value.type, f"x{len(used)}")
                    used.append(value)
            operands = tuple([values[value] for value in node.inputs])
            made = stand.make(node.op, operands, node.attributes, node.regions)
            values.update(zip(node.outputs, made.outputs, strict=True))
            computed += node.outputs
        graph = Graph(stand.inputs, [values[value] for value in computed], stand.nodes)
        if graph.count("gradient"):
            graph = Autodiff()(graph).graph
        precise = [*sizes, *[self.known[value].precise for value in used]]
        native = [*sizes, *[self.known[value].native for value in used]]
        for value, wide, narrow in zip(
            computed, evaluate(graph, precise, precise=True), evaluate(graph, native), strict=True
        ):
            self.known[value] = self._judged(value, wide, narrow)

    def _judged(self, value: Value, wide: Array, narrow: Array) -> Known:
        node = value.node
        operands = [self.known[operand] for operand in node.inputs]
        exact = all(operand.is_exact for operand in operands)
        arrays = [operand.precise for operand in operands]
        rough = any(operand.is_rough for operand in operands) or not is_smooth(
            node.op.name, node.attributes, arrays, exact
        )
        if node.op.name in SENSITIVE and not rough:
            rough = not is_insensitive(lambda given: _evaluate_wide(node, given), arrays)
        is_exact = not value.type.dtype.is_inexact or (node.op.name in _EXACT and exact)
        return Known(wide, narrow, is_exact, rough)

    def number(self, number: Any, dtype: Any = "float64") -> Value:
        return super().number(number, dtype if isinstance(dtype, str) else dtype.name)

    # -- state -----------------------------------------------------------------------------------

    def declare(self, name: str, type_: TensorType) -> TensorType:
        """The type of a variable; it gets one, and numbers, when it is first asked for."""
        if name not in self.types:
            shape = tuple([self.size(size) for size in type_.shape])
            self.types[name] = type_
            self.state[name] = self.current[name] = some_floats(shape, len(name))
        return self.types[name]

    def random_words(self, stream: int) -> Array:
        """The key of a stream, as the stage `functional` makes it of a seed and a counter."""
        seed, counter = np.uint32(7), np.uint32(3)
        self.state.update({SEED: seed, COUNTER: counter})
        return fold(fold(np.array([0, seed], np.uint32), counter), np.uint32(stream))

    # -- what is there ---------------------------------------------------------------------------

    def precise(self, value: Value) -> Array:
        """The numbers of a value, floats as float64."""
        if value not in self.known:
            self.settle()
        return self.known[value].precise

    def shape(self, value: Value) -> tuple[int, ...]:
        """The shape with sizes in place of symbols."""
        return self.precise(value).shape

    @property
    def symbols(self) -> list[Dimension]:
        """The symbolic sizes there are."""
        return [symbol(name) for name in self.sizes]

    def size(self, dimension: Dimension) -> int:
        found = substitute(dimension, self.sizes)
        assert isinstance(found, int)
        return found

    def is_tame(self, value: Value) -> bool:
        """Whether a value may be used in what is made next."""
        known = self.known.get(value)
        if known is None or known.is_rough:
            return False
        if known.precise.size > MOST_ELEMENTS or value.type.rank > MOST_AXES:
            return False
        if not value.type.dtype.is_inexact:
            small = np.abs(known.precise.astype(np.int64)).max(initial=0) <= LARGEST_WHOLE
            return bool(small and np.array_equal(known.precise, known.native))
        size = np.abs(known.precise).max(initial=0)
        if not (np.isfinite(known.precise).all() and size <= LARGEST):
            return False
        error = np.abs(known.native.astype(known.precise.dtype) - known.precise).max(initial=0)
        return bool(error <= FLOAT32_ERROR * max(1.0, float(size)))

    def keep(self, *values: Value) -> None:
        """Let values be used in what is made next, where they are tame; complex ones never are."""
        self.settle()
        real = [value for value in values if not value.type.dtype.is_complex]
        self.pool += [value for value in real if self.is_tame(value)]

    def pick(
        self, choices: Choices, kind: str, where: Callable[[Value], bool] | None = None
    ) -> Value:
        """A value of a kind: "float", "whole", "truth" or "any"; more often a late one.

        Raises:
            NotApplicableError: there is none.
        """
        fitting = [
            value
            for value in self.pool
            if kind in ("any", kind_of(value.type.dtype)) and (where is None or where(value))
        ]
        if not fitting:
            raise NotApplicableError
        return fitting[-1 - choices.below(len(fitting))]

    def has_derivatives(self, intents: Sequence[Value]) -> bool:
        """Whether no op on the way refuses to be differentiated, as a loop of any length does."""
        try:
            Autodiff()(Functional()(self.graph(*intents)).graph)
        except GradientError:
            return False
        return True

    # -- numbers that are fit for something ------------------------------------------------------

    def positive(self, x: Value) -> Value:
        """`x`, or something like it above 0."""
        if self.precise(x).min(initial=np.inf) > 0.05:
            return x
        return self.add(self.multiply(x, x), self.full_like(x, 0.5))

    def bounded(self, x: Value, limit: float = 4.0) -> Value:
        """`x`, or something like it between -1 and 1 where it is large."""
        small = np.abs(self.precise(x)).max(initial=0) <= limit
        return x if small else self.tanh(self.multiply(x, self.full_like(x, 1 / 8)))

    def nonzero(self, x: Value) -> Value:
        """`x`, or something like it that is not near 0."""
        return x if np.abs(self.precise(x)).min(initial=np.inf) > 0.05 else self.positive(x)


def _has_effects(node: Node) -> bool:
    """Whether nobody knows what a node gives before the stages `functional` or `differentiated`."""
    if node.op.has(Trait.EFFECT | Trait.INTENT):
        return True
    return any(inner.op.has(Trait.EFFECT) for region in node.regions for inner in region.walk())


def _evaluate_wide(node: Node, operands: Sequence[Array]) -> list[Array]:
    """What an op gives for operands whose floats are float64."""
    stand = GraphBuilder()
    types = [v.type.with_shape(x.shape) for v, x in zip(node.inputs, operands, strict=True)]
    inputs = [stand.input(type_, f"x{i}") for i, type_ in enumerate(types)]
    made = stand.make(node.op, tuple(inputs), node.attributes, node.regions)
    return evaluate(stand.finish(made.outputs), operands, precise=True)


def some_floats(shape: tuple[int, ...], seed: int) -> Array:
    """Numbers from -2 to 2 that float32 holds exactly, none of them near 0."""
    numbers = np.random.default_rng(seed).uniform(-2, 2, shape)
    return (
        np.where(numbers < 0, np.minimum(np.rint(numbers * 64), -6), 0) / 64
        + np.where(numbers < 0, 0, np.maximum(np.rint(numbers * 64), 6)) / 64
    )


def kind_of(dtype: DType) -> str:
    """The kind of numbers that recipes ask for."""
    return "truth" if dtype.kind == "bool" else "float" if dtype.is_floating else "whole"


def fit(build: Builder, value: Value, type_: TensorType) -> Value:
    """A value of another type that is made of this one: converted, repeated, summed."""
    if value.type.dtype is not type_.dtype:
        value = build.convert(value, dtype=type_.dtype)
    if value.type is type_:
        return value
    sizes, shape = value.type.shape, type_.shape
    for first in (len(shape) - len(sizes), 0):
        axes = range(first, first + len(sizes))
        aligned = 0 <= first <= len(shape) - len(sizes) and all(
            mine in (1, shape[axis]) for mine, axis in zip(sizes, axes, strict=True)
        )
        if aligned:
            return build.broadcast_in_dim(value, shape=shape, broadcast_dimensions=axes)
    if type_.dtype.kind == "bool":
        value = build.reduce_or(value, axes=range(len(sizes)))
    elif sizes:
        value = build.reduce_sum(value, axes=range(len(sizes)))
    return build.broadcast_in_dim(value, shape=shape, broadcast_dimensions=()) if shape else value
