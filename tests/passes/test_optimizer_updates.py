"""Optimizer steps written out: by the formula of their rule, with slots and state around them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.errors import AttributeValueError, GraphcError, ShapeError
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.types import as_type
from graphc.update_rules.registry import UPDATE_RULES
from passes.autodiff import Autodiff
from passes.functional import Functional
from passes.optimizer_updates import OptimizerUpdates
from passes.tap_removal import TapRemoval
from tests.passes.built_programs import F32, VECTOR, Program, body, op_names, run

I64 = as_type("int64")


def step(
    b: Program,
    rule: str,
    variable: Value,
    gradient: Value,
    *slots: Value,
    **hyperparameters: float,
) -> Any:
    rate, iteration = b.number(0.5), b.number(0, "int64")
    return b.apply_update(
        variable, gradient, rate, iteration, *slots, rule=rule, hyperparameters=hyperparameters
    )


def written_out(graph: Graph) -> Graph:
    for each in (Functional(), Autodiff(), TapRemoval(), OptimizerUpdates()):
        graph = each(graph).graph
    return graph


def test_the_graph_of_a_plain_step() -> None:
    program = Program()
    v, g = (program.input(VECTOR, name, "feed") for name in ("v", "g"))
    new = program.at(9, "train/v").apply_update(
        v, g, program.input(F32, "rate", "feed"), program.number(0, "int64"), rule="sgd"
    )
    result = OptimizerUpdates()(program.graph(new))
    assert op_names(result.graph) == ["broadcast_in_dim", "multiply", "subtract"]
    last = result.values[new].node
    assert last is result.graph.outputs[0].node
    assert (last.name, last.origin.line) == ("train/v", 9)
    assert last.origin.rules == ("optimizer_updates",)
    assert result.details == {"updates": {"sgd": 1}}
    found, _ = run(result.graph, feeds={"v": [1, 2, 3], "g": [1, 0, -2], "rate": 0.5})
    np.testing.assert_array_equal(found, [[0.5, 2, 4]])


def test_slots_come_back_after_the_variable() -> None:
    program = Program()
    v, g, m = (program.input(VECTOR, name, "feed") for name in ("v", "g", "m"))
    made = step(program, "sgd", v, g, m, momentum=0.5)
    graph = OptimizerUpdates()(program.graph(*made)).graph
    found, _ = run(graph, feeds={"v": [1, 1, 1], "g": [2, 2, 2], "m": [4, 4, 4]})
    np.testing.assert_array_equal(found, [[2, 2, 2], [1, 1, 1]])


def test_hyperparameters_take_their_defaults() -> None:
    program = Program()
    v, g = (program.input(VECTOR, name, "feed") for name in ("v", "g"))
    zeros = [program.full_like(v, 0) for _ in range(2)]
    new, *_ = step(program, "adam", v, g, *zeros)
    graph = OptimizerUpdates()(program.graph(new)).graph
    found, _ = run(graph, feeds={"v": [1, 1, 1], "g": [0.1, -0.2, 0.3]})
    # the first step of Adam is the learning rate, whatever the size of the gradient
    np.testing.assert_allclose(found, [[0.5, 1.5, 0.5]], rtol=1e-4)


def test_stacked_variables_are_updated_each_by_itself() -> None:
    """Norms and matrices are those of one layer; all rules, those of others too."""
    program, generator = Program(), np.random.default_rng(0)
    fetched, rows_of = [], []
    rate, iteration = program.number(0.5), program.number(2, "int64")
    for name, rule in UPDATE_RULES.items():
        given = rule.complete({})
        slots = rule.slots(as_type("float32", (3, 2)), given)
        shapes = [(3, 2), (3, 2), *[slot.type.shape for slot in slots]]
        arrays = [np.abs(generator.normal(size=(2, *shape))).astype("float32") for shape in shapes]

        def step_of(v: Any, g: Any, *kept: Any, rule: str = name, **stacked: Any) -> list[Value]:
            operands = [program.array(array) for array in (v, g, *kept)]
            v, g, *kept = operands
            made = program.apply_update(v, g, rate, iteration, *kept, rule=rule, **stacked)
            return [made] if isinstance(made, Value) else list(made)

        whole = step_of(*arrays, stacked=True)
        rows = [step_of(*[array[row] for array in arrays]) for row in range(2)]
        rows_of += [(name, len(fetched), len(fetched) + len(whole), len(whole))]
        fetched += [*whole, *rows[0], *rows[1]]
    found, _ = run(OptimizerUpdates()(program.graph(*fetched)).graph)
    for name, whole, first, count in rows_of:
        for k in range(count):
            pair = [found[first + k], found[first + count + k]]
            np.testing.assert_allclose(found[whole + k], pair, rtol=1e-6, err_msg=name)


def training_step(b: Program) -> Value:
    """v ← v - 0.5 · d(v²)/dv, that is 0."""
    v = b.get("v")
    (gradient,) = b.differentiate([b.multiply(v, v)], [v])
    return b.put("v", step(b, "sgd", v, gradient))


def test_a_training_step_of_all_required_passes() -> None:
    program = Program()
    graph = written_out(program.graph(program.group(training_step(program))))
    assert run(graph, {"v": 3}) == ([], {"v": 0})


def test_training_steps_in_a_loop() -> None:
    program = Program()
    region = body(lambda b, count: [b.after(count, training_step(b)), b.get("v")], F32)
    made = program.scan(program.number(0), regions=(region,), carries=1, length=2)
    graph = written_out(program.graph(made[1]))
    assert not [node for node in graph.walk() if node.op.name in ("apply_update", "gradient")]
    (seen,), updates = run(graph, {"v": 3})
    np.testing.assert_array_equal(seen, [3, 0])
    assert updates == {"v": 0}


def test_a_graph_without_steps_comes_back_as_it_is() -> None:
    program = Program()
    graph = program.graph(program.exponential(program.input(VECTOR, "x", "feed")))
    result = OptimizerUpdates()(graph)
    assert result.graph is graph
    assert not result.changed


@pytest.mark.parametrize(
    ("rule", "hyperparameters", "kind", "message"),
    [
        ("sdg", {}, GraphcError, "no update rule named 'sdg'"),
        ("sgd", {"beta_1": 0.9}, AttributeValueError, "no hyperparameter beta_1"),
        ("sgd", {"momentum": 0.9}, ShapeError, "has other slots"),
        ("muon", {}, ShapeError, "matrices only"),
    ],
)
def test_mistakes_name_the_line_of_the_step(
    rule: str, hyperparameters: dict[str, float], kind: type[GraphcError], message: str
) -> None:
    program = Program()
    v = program.at(3).input(VECTOR, "v", "feed")
    made = step(program.at(5), rule, v, v, **hyperparameters)
    with pytest.raises(kind, match=message) as caught:
        OptimizerUpdates()(program.graph(made))
    assert caught.value.origin is not None
    assert caught.value.origin.line == 5


def test_stacked_steps_need_a_row_for_each_variable() -> None:
    program = Program()
    v, m = program.input(VECTOR, "v", "feed"), program.number(0.0)
    with pytest.raises(ShapeError, match="a row for each"):
        program.apply_update(
            v,
            v,
            program.number(0.5),
            program.number(0, "int64"),
            m,
            rule="sgd",
            hyperparameters={"momentum": 0.9},
            stacked=True,
        )
