"""State through branches and loops: branches select it, loops carry it.

A region op whose bodies touch state becomes one that takes the variables as operands and gives
their new values as results. What a loop changes is a carry, what it only reads is loop-invariant. A
loop that draws counts its iterations, and folds the number into the base of its random keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.errors import StateError
from graphc.ir.builder import Builder
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.registry import OpRegistry
from graphc.ir.types import TensorType
from passes.functional.functional_graphs import (
    LOOP,
    WORD,
    BodyCloser,
    FunctionalBody,
    Scope,
    union_of_states,
    union_of_updates,
)


@dataclass(frozen=True)
class RegionSite:
    """A region op that is about to be written anew.

    Attributes:
        node: the op as it was built.
        bodies: its regions, functional.
        operands: its operands as they are now.
        state: gives the value that a variable has where the op stands.
        random_base: gives what random keys derive from there.
        build: makes the new node.
        registry: the ops that may be made.
    """

    node: Node
    bodies: Sequence[FunctionalBody]
    operands: tuple[Value, ...]
    state: Callable[[str, TensorType], Value]
    random_base: Callable[[], Value]
    build: Builder
    registry: OpRegistry

    @property
    def draws(self) -> bool:
        return any(body.draws for body in self.bodies)

    def states(self, variables: Mapping[str, TensorType]) -> list[Value]:
        return [self.state(variable, type_) for variable, type_ in variables.items()]

    def closers(self) -> list[BodyCloser]:
        return [BodyCloser(body, self.registry) for body in self.bodies]

    def make(
        self, operands: Sequence[Value], regions: Sequence[Graph], **attributes: Any
    ) -> tuple[Value, ...]:
        """The results of the new node."""
        op = self.node.op
        changed = op.attributes.make({**self.node.attributes, **attributes}, op.name)
        return self.build.make(op, tuple(operands), changed, tuple(regions)).outputs


@dataclass(frozen=True)
class RegionResults:
    """What came of a region op.

    Attributes:
        results: by position among the old op's results; operations (tokens) have none.
        updates: the new values of the variables it changes.
    """

    results: Mapping[int, Value]
    updates: Mapping[str, Value]


def scope_of(node: Node) -> Scope:
    """What the bodies of a region op are."""
    return "loop" if node.op.name in ("scan", "vectorized_map", "while_loop") else "branch"


def write_region_op(site: RegionSite) -> RegionResults:
    """Write a region op whose bodies are functional.

    Raises:
        StateError: it is none that state goes through, or a loop's condition assigns.
    """
    writer = _WRITERS.get(site.node.op.name)
    if writer is not None:
        return writer(site)
    if any(body.states or body.updates or body.draws for body in site.bodies):
        raise StateError(
            f"state and random numbers do not go through {site.node.op.name}",
            expected="one of " + ", ".join(_WRITERS),
            fix="read and assign outside, and hand values through",
            origin=site.node.origin,
        )
    regions = [closer.close(closer.body.inputs, closer.body.results) for closer in site.closers()]
    return RegionResults(dict(enumerate(site.make(site.operands, regions))), {})


def _write_cond(site: RegionSite) -> RegionResults:
    updates = union_of_updates(site.bodies)
    states = union_of_states(site.bodies)
    for variable, type_ in updates.items():
        if any(variable not in body.updates for body in site.bodies):
            states.setdefault(variable, type_)  # a branch that leaves it alone hands it through
    regions: list[Graph] = []
    for closer in site.closers():
        taken = {variable: closer.state(variable, type_) for variable, type_ in states.items()}
        body = closer.body
        given = [body.updates[v] if v in body.updates else taken[v] for v in updates]
        key = [closer.base()] if site.draws else []
        regions.append(closer.close([*body.inputs, *taken.values(), *key], [*body.results, *given]))
    key = [site.random_base()] if site.draws else []
    made = site.make([*site.operands, *site.states(states), *key], regions)
    kept = site.bodies[0].kept
    return RegionResults(
        dict(zip(kept, made, strict=False)),
        dict(zip(updates, made[len(kept) :], strict=True)),
    )


def _write_scan(site: RegionSite) -> RegionResults:
    _refuse_operations(site)
    (closer,) = site.closers()
    body, loop = closer.body, _LoopState.of(site)
    carries, invariants = (site.node.attributes[name] for name in ("carries", "invariants"))
    inputs, counter = loop.inputs(closer, carries)
    given = [*(body.updates[name] for name in loop.updates), *_next(closer, counter)]
    outputs = [*body.results[:carries], *given, *body.results[carries:]]
    made = site.make(
        loop.operands(site, carries),
        [closer.close(inputs, outputs)],
        carries=carries + len(given),
        invariants=invariants + len(loop.reads) + len(counter),
    )
    return loop.results(made, carries)


def _write_vectorized_map(site: RegionSite) -> RegionResults:
    """What the body reads is the same for all slices; each draws with its own number."""
    _refuse_operations(site)
    (closer,) = site.closers()
    body, loop = closer.body, _LoopState.of(site)
    if loop.updates:
        raise StateError(
            f"a function that is mapped over slices assigns {next(iter(loop.updates))!r}",
            given="all slices at once, so there is no order among the assignments",
            expected="a function that only reads",
            fix="go through the slices one after another with ops.map or ops.scan",
            origin=site.node.origin,
        )
    invariants, length = (site.node.attributes[name] for name in ("invariants", "length"))
    mapped = len(site.operands) - invariants
    inputs, counter = loop.inputs(closer, mapped)
    operands = loop.operands(site, mapped)
    if counter:  # in a loop it is the first of the numbers, here it is all of them
        operands[mapped] = site.build.iota(dtype=WORD.dtype, shape=(length,), iota_dimension=0)
    made = site.make(
        operands,
        [closer.close(inputs, body.results)],
        invariants=invariants + len(loop.reads) + len(counter),
    )
    return RegionResults(dict(enumerate(made)), {})


def _write_custom_gradient(site: RegionSite) -> RegionResults:
    """What its two functions read and draw become further operands, which both take."""
    forward, backward = site.closers()
    if updates := union_of_updates(site.bodies):
        raise StateError(
            f"a function with its own gradient assigns the variable {next(iter(updates))!r}",
            expected="a function that only reads",
            fix="assign outside, and hand values through",
            origin=site.node.origin,
        )
    states = union_of_states(site.bodies)
    count = len(site.operands)

    def close(closer: BodyCloser) -> Graph:
        own = closer.body.inputs
        taken = [closer.state(*variable) for variable in states.items()]
        key = [closer.base()] if site.draws else []
        return closer.close([*own[:count], *taken, *key, *own[count:]], closer.body.results)

    key = [site.random_base()] if site.draws else []
    unknown = [*site.node.attributes["unknown"], *range(count, count + len(states))]
    made = site.make(
        [*site.operands, *site.states(states), *key],
        [close(forward), close(backward)],
        unknown=unknown,
    )
    return RegionResults(dict(enumerate(made)), {})


def _write_while(site: RegionSite) -> RegionResults:
    _refuse_operations(site)
    condition, body = site.closers()
    if condition.body.updates:
        raise StateError(
            f"a loop's condition assigns the variable {next(iter(condition.body.updates))!r}",
            expected="a condition that only reads",
            fix="assign in the loop's body",
            origin=site.node.origin,
        )
    loop, carries = _LoopState.of(site), site.node.attributes["carries"]
    condition_inputs, _ = loop.inputs(condition, carries)
    inputs, counter = loop.inputs(body, carries)
    given = [*(body.body.updates[name] for name in loop.updates), *_next(body, counter)]
    own = body.body.results
    regions = [
        condition.close(condition_inputs, condition.body.results),
        body.close(inputs, [*own[:carries], *given, *own[carries:]]),
    ]
    made = site.make(loop.operands(site, carries), regions, carries=carries + len(given))
    return loop.results(made, carries)


@dataclass(frozen=True)
class _LoopState:
    """The state of a loop: carries after its own carries, invariants after its own invariants.

    Attributes:
        updates: the variables that it changes: carries.
        reads: those that it only reads: invariants.
        draws: whether it counts its iterations, in a carry, and takes a base of random keys.
    """

    updates: Mapping[str, TensorType]
    reads: Mapping[str, TensorType]
    draws: bool

    @classmethod
    def of(cls, site: RegionSite) -> _LoopState:
        updates, states = union_of_updates(site.bodies), union_of_states(site.bodies)
        reads = {name: type_ for name, type_ in states.items() if name not in updates}
        return cls(updates, reads, site.draws)

    def inputs(self, closer: BodyCloser, carries: int) -> tuple[list[Value], list[Value]]:
        """The inputs of a region, and the one among them that counts iterations."""
        own = closer.body.inputs
        updates = [closer.state(*variable) for variable in self.updates.items()]
        reads = [closer.state(*variable) for variable in self.reads.items()]
        counter = [closer.iteration()] if self.draws else []
        base = [closer.base()] if self.draws else []
        return [*own[:carries], *updates, *counter, *own[carries:], *reads, *base], counter

    def operands(self, site: RegionSite, carries: int) -> list[Value]:
        updates, reads = site.states(self.updates), site.states(self.reads)
        counter = [site.build.full(0, WORD.dtype)] if self.draws else []
        own = site.operands
        return [*own[:carries], *updates, *counter, *own[carries:], *reads, *self.base(site)]

    def base(self, site: RegionSite) -> list[Value]:
        """What the iterations fold their numbers into: never what a key outside is made of."""
        if not self.draws:
            return []
        return [site.build.random_fold(site.random_base(), site.build.full(LOOP, WORD.dtype))]

    def results(self, made: Sequence[Value], carries: int) -> RegionResults:
        after_updates = carries + len(self.updates)
        own = [*made[:carries], *made[after_updates + self.draws :]]
        changed = zip(self.updates, made[carries:after_updates], strict=True)
        return RegionResults(dict(enumerate(own)), dict(changed))


def _next(closer: BodyCloser, counter: Sequence[Value]) -> list[Value]:
    """The number of the iteration after this one, where iterations are counted."""
    return [closer.build.add(value, closer.build.full(1, WORD.dtype)) for value in counter]


def _refuse_operations(site: RegionSite) -> None:
    pairs = zip(site.bodies, site.node.regions, strict=True)
    if any(len(body.kept) != len(region.outputs) for body, region in pairs):
        raise StateError(
            f"an operation is among the results of the body of {site.node.op.name}",
            expected="tensors",
            fix="give back a tensor under control_dependencies([the operation])",
            origin=site.node.origin,
        )


_WRITERS: dict[str, Callable[[RegionSite], RegionResults]] = {
    "case": _write_cond,
    "cond": _write_cond,
    "custom_gradient": _write_custom_gradient,
    "scan": _write_scan,
    "vectorized_map": _write_vectorized_map,
    "while_loop": _write_while,
}
