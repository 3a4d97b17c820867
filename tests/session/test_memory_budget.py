"""Budgets: what is asked, what XLA takes, and what is said where it cannot be."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.errors import MemoryBudgetError
from graphc.lowering import jax_internals
from graphc.memory_sizes import format_bytes, parse_bytes
from graphc.rewriting.memory_goal import MemoryGoal
from graphc.session.memory_fitting import fit_memory

pytestmark = pytest.mark.usefixtures("layers_in_loops")

LAYERS, ROWS, WIDTH = 12, 512, 16


@cache
def network() -> tuple[graphc.Graph, Any, Any]:
    with graphc.Graph().as_default() as graph:
        hidden = x = graphc.placeholder("float32", (ROWS, WIDTH), name="x")
        for number in range(LAYERS):
            generator = np.random.default_rng(number)
            up, down = (
                graphc.Variable(generator.normal(0, 0.2, shape).astype(np.float32))
                for shape in ((WIDTH, 4 * WIDTH), (4 * WIDTH, WIDTH))
            )
            hidden = hidden + graphc.random.dropout(graphc.nn.gelu(hidden @ up), 0.2) @ down
        loss = ops.mean(ops.square(hidden))
        train = graphc.optimizers.Adam(1e-2).minimize(loss)
    return graph, x, [loss, train]


def run(budget: int | str | None) -> tuple[list[float], Any]:
    graph, x, fetches = network()
    array = np.random.default_rng(9).normal(size=(ROWS, WIDTH)).astype(np.float32)
    with graphc.Session(graph, memory_budget=budget) as session:
        losses = [float(session.run(fetches, {x: array})[0]) for _ in range(4)]
        return losses, session.compile(fetches).report()


@cache
def unbudgeted() -> tuple[list[float], int]:
    losses, report = run(None)
    assert report.memory is None
    return losses, report.temp_bytes


@pytest.mark.parametrize("share", [0.7, 0.45])
def test_xla_takes_no_more_than_the_budget_and_losses_stay(share: float) -> None:
    expected, before = unbudgeted()
    budget = int(before * share)
    losses, report = run(budget)
    assert report.temp_bytes <= budget
    np.testing.assert_allclose(losses, expected, rtol=1e-5)  # dropout draws what it drew
    fit = report.memory
    assert (fit.asked, fit.unbudgeted, fit.temp_bytes) == (budget, before, report.temp_bytes)
    assert fit.predicted <= budget
    assert 0 < fit.flops_added < fit.total_flops
    assert "memory budget" in str(report)
    assert report.to_dict()["memory"]["asked"] == budget


def test_a_budget_that_is_large_enough_changes_nothing() -> None:
    graph, x, fetches = network()
    _, before = unbudgeted()
    program = graphc.Session(graph).compile(fetches, [x], memory_budget="1GiB")
    report = program.report()
    assert report.memory is not None
    assert report.temp_bytes == before
    assert report.memory.attempts == 1
    assert report.memory.flops_added == 0


def test_an_infeasible_budget_names_the_smallest_and_the_largest_values() -> None:
    graph, x, fetches = network()
    with pytest.raises(MemoryBudgetError, match=r"tried fits into 4 KiB") as caught:
        graphc.Session(graph).compile(fetches, {x: np.zeros((ROWS, WIDTH))}, memory_budget="4KiB")
    error = caught.value
    assert error.smallest is not None
    assert 4096 < error.smallest < unbudgeted()[1]
    assert f"{error.smallest:,}" in str(error)
    assert __file__ in str(error)
    assert error.origin is not None
    assert error.origin.file == __file__


@pytest.mark.parametrize(
    ("written", "size"),
    [
        (None, 0), (1, 1), ("7B", 7), ("512MiB", 512 * 2**20), ("1.5 GiB", 3 * 2**29),
        ("2kb", 2000), (" 3 KiB ", 3072), ("0.25MB", 250_000), ("1GB", 10**9),
    ],
)  # fmt: skip
def test_amounts_of_memory_are_read(written: Any, size: int) -> None:
    assert parse_bytes(written) == size


@pytest.mark.parametrize(
    "written", ["12 bananas", "", "MiB", "1e3", "-5MiB", "50%", "12", 0, -1, 1.5, True, "0B", []]
)
def test_what_is_no_amount_of_memory_is_refused(written: Any) -> None:
    with pytest.raises(MemoryBudgetError, match="budget") as caught:
        graphc.Session(graphc.Graph(), memory_budget=written)
    assert repr(written) in str(caught.value)
    assert "512MiB" in str(caught.value)
    with pytest.raises(MemoryBudgetError):
        graphc.jit(lambda x: x, memory_budget=written)


def test_bytes_are_shown_in_a_unit_that_suits() -> None:
    assert [format_bytes(n) for n in (12, 2048, 3 * 2**19, 2**31)] == [
        "12 B", "2 KiB", "1.5 MiB", "2 GiB",
    ]  # fmt: skip


def fitting(taken: list[tuple[int, int, bool]], budget: int) -> tuple[list[int], Any]:
    """`fit_memory` where attempts remove, take and end as listed; gives what was asked for."""
    asked: list[int] = []

    def attempt(goal: MemoryGoal) -> Any:
        asked.append(goal.remove)
        goal.removed, temp, goal.is_least = taken[len(asked) - 1]
        analysis = SimpleNamespace(temp_size_in_bytes=temp)
        return SimpleNamespace(executable=SimpleNamespace(memory_analysis=lambda: analysis))

    return asked, fit_memory(budget, attempt)[1]


def test_what_types_did_not_see_is_asked_for_the_next_time() -> None:
    taken = [(0, 1000, False), (400, 800, False), (600, 590, False)]
    asked, fit = fitting(taken, 600)
    assert asked == [0, 400, 600]  # XLA saved 200 less than types said
    assert (fit.predicted, fit.temp_bytes, fit.attempts) == (600, 590, 3)


def test_a_program_that_saves_far_too_much_is_not_the_last_attempt() -> None:
    taken = [(0, 1000, False), (500, 300, True), (250, 550, False), (375, 450, False)]
    asked, fit = fitting(taken, 600)
    assert asked == [0, 400, 200]  # types said 200 less than XLA saved
    assert (fit.temp_bytes, fit.attempts) == (550, 3)
    asked, fit = fitting(taken, 500)
    assert asked == [0, 500, 300, 300]  # 250 is too little
    assert (fit.temp_bytes, fit.attempts) == (450, 4)


PLANS = {0: 1000, 700: 500, 800: 550, 900: 650}


def by_plans(budget: int, *forms: dict[int, int]) -> tuple[list[int], Any]:
    """`fit_memory` with programs by what they remove; also which of them were compiled.

    A second form is that of layers written out.
    """
    compiled: list[int] = []

    def attempt(plans: dict[int, int], goal: MemoryGoal) -> Any:
        enough = [removed for removed in plans if removed >= goal.remove]
        goal.steps = sorted(plans)[1:]
        goal.removed = min(enough, default=max(plans))
        removed = goal.removed

        def analysis() -> Any:
            compiled.append(removed)
            return SimpleNamespace(temp_size_in_bytes=plans[removed])

        goal.is_least = not enough
        return SimpleNamespace(executable=SimpleNamespace(memory_analysis=analysis))

    return compiled, fit_memory(budget, *[partial(attempt, plans) for plans in forms])[1]


def smallest_of(budget: int, *forms: dict[int, int]) -> int | None:
    """The smallest that an error says; None where the budget is met."""
    try:
        _, fit = by_plans(budget, *forms)
    except MemoryBudgetError as error:
        return error.smallest
    return None if fit.temp_bytes <= budget else -1


@pytest.mark.parametrize(
    "plans", [PLANS, {0: 1000, 300: 900, 400: 100, 500: 200}, {0: 10}, {0: 10, 5: 20}]
)
def test_the_smallest_that_an_error_says_is_met_when_asked_for(plans: dict[int, int]) -> None:
    for budget in range(9, 1100, 7):
        smallest = smallest_of(budget, plans)
        if smallest is not None:
            assert smallest > budget
            assert smallest_of(smallest, plans) is None


def test_layers_are_written_out_where_loops_of_them_do_not_fit() -> None:
    loops, written_out = {0: 1000, 100: 900}, {0: 950, 300: 600, 400: 500}
    compiled, fit = by_plans(900, loops, written_out)
    assert compiled == [0, 100]
    assert not fit.is_written_out
    compiled, fit = by_plans(600, loops, written_out)
    assert compiled == [0, 100, 0, 400]
    assert (fit.unbudgeted, fit.temp_bytes, fit.attempts) == (1000, 500, 4)
    assert "written out" in str(fit)
    for budget in range(400, 500, 7):
        smallest = smallest_of(budget, loops, written_out)
        assert smallest == 500
        assert smallest_of(smallest, loops, written_out) is None


def test_a_budget_that_jax_meets_is_met(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a loop, stacks of weights would lie beside them: more than all that layers keep."""
    monkeypatch.setattr("passes.layer_rolling.layer_rolling.takes_more_memory", lambda *_: None)

    def loss(weights: Any, x: Any) -> Any:
        for weight in weights:
            x = x + jnp.tanh(x @ weight)
        return jnp.mean(x**2)

    slopes: Any = jax.grad(loss)
    draws = np.random.default_rng(0).normal(size=(9, 64, 64)).astype(np.float32) / 8
    given = [*map(jnp.asarray, draws)], jnp.ones((4, 64))
    taken = jax.jit(slopes).lower(*given).compile().memory_analysis().temp_size_in_bytes
    made = graphc.jit(slopes, memory_budget=taken)
    report = made.report(*given)
    assert report.memory is not None
    assert report.memory.unbudgeted > 2 * taken
    assert report.memory.temp_bytes <= taken
    assert report.memory.is_written_out
    for mine, theirs in zip(made(*given), jax.jit(slopes)(*given), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-7)


def test_what_was_leapt_over_is_tried_where_the_last_program_takes_too_much() -> None:
    plans = {0: 1000, 300: 800, 440: 410, 450: 400, 500: 950, 505: 945}
    assert smallest_of(500, plans) is None
    compiled, fit = by_plans(500, plans)
    assert compiled == [0, 500, 505, 450]  # 440 would be much the same
    assert fit.temp_bytes == 400
    assert smallest_of(300, plans) == 400


def test_loops_are_evened_out_where_nothing_else_fits() -> None:
    asked: list[tuple[bool, int]] = []

    def attempt(goal: MemoryGoal) -> Any:
        asked.append((goal.evens_out, goal.remove))
        goal.is_uneven = goal.is_least = goal.remove > 0
        goal.removed = 550 if goal.remove and goal.evens_out else 0
        analysis = SimpleNamespace(temp_size_in_bytes=1000 - goal.removed)
        return SimpleNamespace(executable=SimpleNamespace(memory_analysis=lambda: analysis))

    _, fit = fit_memory(500, attempt)
    assert asked == [(False, 0), (False, 500), (True, 0), (True, 500)]
    assert (fit.unbudgeted, fit.temp_bytes, fit.attempts) == (1000, 450, 2)
    with pytest.raises(MemoryBudgetError, match="least of the 2 forms") as caught:
        fit_memory(300, attempt)
    assert caught.value.smallest == 450


def test_no_program_is_compiled_twice() -> None:
    for budget in (499, 520, 660, 960):
        compiled, fitted = [], None
        with contextlib.suppress(MemoryBudgetError):
            compiled, fitted = by_plans(budget, PLANS)
        assert len(compiled) == len(set(compiled))
        assert (fitted is None) == (budget == 499)


def test_a_jax_function_keeps_to_a_budget() -> None:
    weights = jnp.stack([jnp.full((WIDTH, 4 * WIDTH), 0.01 * (i + 1)) for i in range(8)])

    def slopes(weights: Any, x: Any) -> Any:
        def step(h: Any, w: Any) -> Any:
            return h + jnp.sin(h @ w) @ w.T, None

        return jax.grad(lambda w: jnp.mean(jax.lax.scan(step, x, w)[0] ** 2))(weights)

    x = jnp.cos(jnp.arange(ROWS * WIDTH, dtype=jnp.float32)).reshape(ROWS, WIDTH)
    plain = graphc.jit(slopes)
    before = plain.report(weights, x).temp_bytes
    tight = graphc.jit(slopes, memory_budget=before // 2)
    np.testing.assert_allclose(tight(weights, x), plain(weights, x), rtol=1e-5, atol=1e-9)
    assert tight.report(weights, x).temp_bytes <= before // 2
    with pytest.raises(MemoryBudgetError, match="no form"):
        graphc.jit(slopes, memory_budget="1KiB")(weights, x)


def test_a_function_with_a_budget_may_be_the_first_that_a_process_compiles() -> None:
    jax_internals._parameters_of_jit.cache_clear()
    x = np.full((8, 8), 0.5, np.float32)
    found = graphc.jit(lambda x: jnp.tanh(x @ x), memory_budget="1MiB")(x)
    np.testing.assert_allclose(found, np.tanh(x @ x), rtol=1e-6)
    jax_internals._parameters_of_jit.cache_clear()
    with jax.disable_jit():
        np.testing.assert_allclose(graphc.Session().run(graphc.ops.tanh(x)), np.tanh(x), rtol=1e-6)


def test_a_function_that_cannot_be_a_graph_keeps_to_no_budget_and_says_so() -> None:
    def prints(x: Any) -> Any:
        jax.debug.print("{}", x)
        return x

    with pytest.raises(MemoryBudgetError, match="runs as it was written"):
        graphc.jit(prints, memory_budget="1MiB")(jnp.ones(3))


def test_what_a_jitted_train_step_takes_with_its_arguments_donated_is_within_the_budget() -> None:
    def step(weights: Any, x: Any) -> tuple[Any, Any]:
        def loss_of(weights: Any) -> Any:
            h = x
            for i in range(3):
                h = jnp.tanh(h @ weights[i]) @ weights[i].T
            return jnp.mean(h**2)

        loss, slopes = jax.value_and_grad(loss_of)(weights)
        return [w - 0.1 * s for w, s in zip(weights, slopes, strict=True)], loss

    weights = [jnp.full((WIDTH, 4 * WIDTH + i), 0.01 * (i + 1)) for i in range(3)]
    x = jnp.cos(jnp.arange(ROWS * WIDTH, dtype=jnp.float32)).reshape(ROWS, WIDTH)

    def taken(budget: Any) -> int:
        jitted = graphc.jit(step, donate_argnums=0, memory_budget=budget)
        made = jitted.lower(weights, x).compile().memory_analysis().temp_size_in_bytes
        assert jitted.report(weights, x).temp_bytes == made
        return made

    before = taken("1GiB")
    with pytest.raises(MemoryBudgetError) as caught:
        taken(1)
    smallest = caught.value.smallest
    assert smallest is not None
    assert smallest <= before
    assert taken(smallest) <= smallest


def test_a_budget_may_be_the_first_that_a_process_asks_for() -> None:
    code = (
        "import graphc, jax.numpy as jnp\n"
        "f = graphc.jit(lambda x: jnp.sum(jnp.sin(x) @ x.T), memory_budget='1GiB')\n"
        "print(float(f(jnp.ones((2, 3)))))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
