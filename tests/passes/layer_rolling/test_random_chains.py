"""Random blocks, repeated with random disturbances: rolling never changes a number."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from graphc.ir.graph import Graph
from graphc.ir.node import Value
from tests.passes.layer_rolling.chains import MATRIX, ROW, VECTORS, Chain, roll, same_numbers

_ELEMENTWISE = ("tanh", "sine", "logistic", "abs")


@dataclass(frozen=True)
class Step:
    """One step of a block: what it does to which of the values that the block has so far."""

    kind: str
    left: int
    right: int


@dataclass(frozen=True)
class Plan:
    """A chain of blocks.

    Attributes:
        steps: of every block.
        carried: how many values go from block to block.
        count: how many blocks there are.
        odd: the blocks that do something else at first.
        tied: whether all blocks share their weights.
        reads_start: whether every block reads the very first value.
        skip: what besides the last value is fetched, as the number of a block.
        differentiated: whether the gradient of the first value is written out.
    """

    steps: tuple[Step, ...]
    carried: int
    count: int
    odd: frozenset[int]
    tied: bool
    reads_start: bool
    skip: int | None
    differentiated: bool


_steps = st.builds(
    Step,
    kind=st.sampled_from(("product", "add", "multiply", "row", "constant", *_ELEMENTWISE)),
    left=st.integers(0, 9),
    right=st.integers(0, 9),
)
_plans = st.builds(
    Plan,
    steps=st.lists(_steps, min_size=2, max_size=9).map(tuple),
    carried=st.integers(1, 3),
    count=st.integers(4, 9),
    odd=st.frozensets(st.integers(0, 8), max_size=2),
    tied=st.booleans(),
    reads_start=st.booleans(),
    skip=st.none() | st.integers(0, 8),
    differentiated=st.booleans(),
)


def _block(chain: Chain, plan: Plan, values: list[Value], weights: Value | None) -> list[Value]:
    made = list(values)
    for number, step in enumerate(plan.steps):
        left, right = made[-1 - step.left % len(made)], made[-1 - step.right % len(made)]
        if step.kind == "product":
            made.append(chain.product(left, weights or chain.feed(MATRIX)))
        elif step.kind == "row":
            made.append(chain.add(left, chain.rows(chain.feed(ROW), left)))
        elif step.kind == "constant":
            number_of_step = chain.full(0.25 + number / 8, VECTORS.dtype, VECTORS.shape)
            made.append(chain.multiply(left, number_of_step))
        elif step.kind in ("add", "multiply"):
            made.append(getattr(chain, step.kind)(left, right))
        else:
            made.append(getattr(chain, step.kind)(left))
    # bounded, so that ten blocks of products stay numbers that can be compared
    return [chain.tanh(value) for value in made[-plan.carried :]]


def _build(plan: Plan) -> tuple[Chain, Graph]:
    chain = Chain()
    start = [chain.feed(VECTORS) for _ in range(plan.carried)]
    weights = chain.feed(MATRIX) if plan.tied else None
    values, seen = start, []
    for number in range(plan.count):
        if number in plan.odd:
            values = [chain.cosine(value) for value in values]
        if plan.reads_start:
            values = [*values[:-1], chain.add(values[-1], start[0])]
        values = _block(chain, plan, values, weights)
        values = (values + start)[: plan.carried]
        seen.append(values[-1])
    outputs = list(values)
    if plan.skip is not None:
        outputs.append(seen[plan.skip % len(seen)])
    if plan.differentiated:
        total = chain.reduce_sum(outputs[0], axes=[0, 1])
        outputs += chain.differentiate([total], start, unconnected="zero")
    return chain, chain.done(*outputs)


@given(_plans)
def test_rolling_a_random_chain_changes_no_number(plan: Plan) -> None:
    chain, graph = _build(plan)
    if plan.differentiated:
        graph = _written_out(graph)
    result, _ = roll(graph)
    same_numbers(chain, graph, result.graph)


def _written_out(graph: Graph) -> Graph:
    """The graph with its gradients written out, as a train step that comes from elsewhere."""
    from passes.autodiff import Autodiff
    from passes.common_subexpressions import CommonSubexpressions

    return CommonSubexpressions()(Autodiff()(graph).graph).graph
