"""A body without effects: its own inputs and results, and the state it takes and gives beside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from graphc.dtypes import U32
from graphc.ir.builder import Builder
from graphc.ir.graph import Graph, topological_order
from graphc.ir.node import Node, Value
from graphc.ir.op import Constraint
from graphc.ir.registry import OpRegistry
from graphc.ir.types import TensorType, tensor_type

Scope = Literal["program", "branch", "loop"]
"""What a graph is: the whole program, something that runs at most once, or a loop's body."""

WORD: Final = tensor_type(U32, ())
KEY: Final = tensor_type(U32, (2,))
BASE: Final = "graphc/random_base"
ITERATION: Final = "graphc/iteration"
LOOP: Final = 2**32 - 1
"""Folded into the base of random keys on the way into a loop. No stream has this number, so no key
of a loop is one that is used outside."""


@dataclass(frozen=True)
class FunctionalBody:
    """A graph whose state is explicit.

    Attributes:
        inputs: its own.
        results: its own, without operations (tokens).
        kept: the positions that `results` had before.
        states: the variables that it takes, as inputs.
        updates: the new values of those that it changes.
        base: the input that random keys derive from, where it draws.
        iteration: the input that counts iterations, where it is a loop's and draws.
        constraints: equations between sizes.
    """

    inputs: tuple[Value, ...]
    results: tuple[Value, ...]
    kept: tuple[int, ...]
    states: Mapping[str, Value]
    updates: Mapping[str, Value]
    base: Value | None
    iteration: Value | None
    constraints: tuple[Constraint, ...]

    @property
    def draws(self) -> bool:
        return self.base is not None


class BodyCloser:
    """Gives a functional body the inputs and outputs that its op wants, and closes it."""

    def __init__(self, body: FunctionalBody, registry: OpRegistry) -> None:
        self.body = body
        self._added: list[Node] = []
        self.build = Builder(self._added.append, registry)

    def state(self, variable: str, type_: TensorType) -> Value:
        """The input that holds a variable; a new one where the body does not look at it."""
        found = self.body.states.get(variable)
        return self.build.input(type_, variable) if found is None else found

    def base(self) -> Value:
        found = self.body.base
        return self.build.input(KEY, BASE) if found is None else found

    def iteration(self) -> Value:
        found = self.body.iteration
        return self.build.input(WORD, ITERATION) if found is None else found

    def close(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Graph:
        order = topological_order(outputs, inputs)
        return Graph(inputs, outputs, order, constraints=self.body.constraints)


def union_of_states(bodies: Iterable[FunctionalBody]) -> dict[str, TensorType]:
    """The variables that some body takes, with their types, in the order of first need."""
    found: dict[str, TensorType] = {}
    for body in bodies:
        for variable, value in body.states.items():
            found.setdefault(variable, value.type)
    return found


def union_of_updates(bodies: Iterable[FunctionalBody]) -> dict[str, TensorType]:
    """The variables that some body changes, with their types, in the order of first change."""
    found: dict[str, TensorType] = {}
    for body in bodies:
        for variable, value in body.updates.items():
            found.setdefault(variable, value.type)
    return found
