"""Variables that a rolled loop reads stacked: kept as rows, seen by name as before."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

import graphc
import passes
from graphc.rewriting.pipeline import Pipeline

pytestmark = pytest.mark.usefixtures("layers_in_loops")

DEPTH, WIDTH = 6, 4
X = np.random.default_rng(0).normal(size=(5, WIDTH)).astype(np.float32)


def unrolled() -> Pipeline:
    stages = passes.default_pipeline().stages
    return Pipeline(tuple(replace(s, passes=()) if s.name == "rolled" else s for s in stages))


class Net:
    """Six equal layers, in a graph of its own."""

    def __init__(
        self, pipeline: Pipeline | None = None, optimizer=None, constraint=None, **options
    ) -> None:
        self.graph = graphc.Graph()
        with self.graph.as_default():
            self.x = graphc.placeholder("float32", [None, WIDTH], name="x")
            value = self.x
            self.layers = []
            for number in range(DEPTH):
                with graphc.name_scope(f"layer_{number}"):
                    layer = graphc.layers.Dense(
                        WIDTH, activation="tanh", kernel_constraint=constraint
                    )
                    value = layer(value)
                    self.layers.append(layer)
            self.result = value
            self.loss = graphc.ops.mean(graphc.ops.square(value - 1.0))
            self.train = (optimizer or graphc.optimizers.Adam(0.01)).minimize(self.loss)
        self.session = graphc.Session(self.graph, pipeline=pipeline, seed=3, **options)

    def steps(self, count: int) -> list[float]:
        return [
            float(self.session.run([self.train, self.loss], {self.x: X})[1]) for _ in range(count)
        ]

    def variables(self) -> dict[str, np.ndarray]:
        names = list(self.graph.variables)
        found = self.session.run([self.graph.variables[name] for name in names])
        return dict(zip(names, found, strict=True))


def is_packed(net: Net) -> bool:
    return any(name in net.session.store.packs.members for name in net.session.store.arrays)


def close(left: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> None:
    assert left.keys() == right.keys()
    for name, array in left.items():
        np.testing.assert_allclose(array, right[name], rtol=2e-5, atol=1e-7, err_msg=name)


def test_training_rolled_and_unrolled_is_the_same() -> None:
    rolled, plain = Net(), Net(unrolled())
    np.testing.assert_allclose(rolled.steps(20), plain.steps(20), rtol=1e-5)
    assert is_packed(rolled)
    assert not is_packed(plain)
    close(rolled.variables(), plain.variables())


def test_packs_begin_as_their_variables_would_alone() -> None:
    """Kernels are drawn, biases and moments are fixed; both in one program, as rows or alone."""
    rolled, plain = Net(), Net(unrolled())
    alone = plain.variables()
    program = rolled.session.compile([rolled.loss, rolled.train], [rolled.x])
    program.show_for([X])
    names = program.concrete().state_names
    rolled.session.store.ensure(names, rolled.session.compute_initial_values)
    assert is_packed(rolled)
    assert not set(alone) & set(rolled.session.store.packs.members)
    for name, array in rolled.variables().items():
        np.testing.assert_array_equal(array, alone[name], err_msg=name)


def test_a_pack_keeps_the_values_that_some_of_its_variables_have() -> None:
    net, plain = Net(), Net(unrolled())
    kernel = net.layers[2].kernel
    given = np.full((WIDTH, WIDTH), 0.25, np.float32)
    net.session.set_variables({kernel: given})
    plain.session.set_variables({plain.layers[2].kernel: given})
    np.testing.assert_allclose(net.steps(3), plain.steps(3), rtol=1e-5)
    close(net.variables(), plain.variables())


scaled = graphc.optimizers.LossScaleOptimizer
OPTIMIZERS = {
    "adam": (lambda: graphc.optimizers.Adam(0.01), 6),
    "adamw": (lambda: graphc.optimizers.AdamW(0.01, weight_decay=0.1), 6),
    "momentum": (lambda: graphc.optimizers.SGD(0.01, momentum=0.9, nesterov=True), 4),
    "clipnorm": (lambda: graphc.optimizers.SGD(0.01, clipnorm=0.1), 2),
    "clipvalue": (lambda: graphc.optimizers.SGD(0.01, clipvalue=0.1), 2),
    "global clipnorm": (lambda: graphc.optimizers.SGD(0.01, global_clipnorm=0.1), 2),
    "accumulated": (
        lambda: graphc.optimizers.Adam(0.01, gradient_accumulation_steps=2, use_ema=True),
        10,
    ),
    "nadam": (lambda: graphc.optimizers.Nadam(0.01), 6),
    "lamb": (lambda: graphc.optimizers.Lamb(0.01), 6),
    "adafactor": (lambda: graphc.optimizers.Adafactor(0.1), 5),
    "muon": (lambda: graphc.optimizers.Muon(0.01), 5),
    "loss scale": (lambda: scaled(graphc.optimizers.Adam(0.01)), 6),
    "averages": (lambda: graphc.optimizers.RMSprop(0.01, use_ema=True, ema_momentum=0.9), 6),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_nothing_is_stacked_in_the_step(name: str) -> None:
    make, packs = OPTIMIZERS[name]
    net = Net(optimizer=make())
    graph = net.session.compile([net.train, net.loss], [net.x]).graph("simplified")
    stacked = [node for node in graph.walk() if node.op.name == "concatenate"]
    assert all(node.output.type.rank == 1 for node in stacked), "norms at most, no variable"
    assert sum(bool(v.node.attributes["members"]) for v in graph.inputs) == packs


@pytest.mark.parametrize(
    "name", ["adamw", "clipnorm", "lamb", "adafactor", "muon", "loss scale", "accumulated"]
)
def test_optimizers_change_packs_as_they_change_variables(name: str) -> None:
    make, _ = OPTIMIZERS[name]
    rolled, plain = Net(optimizer=make()), Net(unrolled(), optimizer=make())
    np.testing.assert_allclose(rolled.steps(5), plain.steps(5), rtol=1e-5)
    close(rolled.variables(), plain.variables())


def test_constraints_hold_row_by_row() -> None:
    limit = graphc.constraints.MaxNorm(0.5)
    rolled, plain = Net(constraint=limit), Net(unrolled(), constraint=limit)
    np.testing.assert_allclose(rolled.steps(2), plain.steps(2), rtol=1e-5)
    close(rolled.variables(), plain.variables())
    norms = [np.linalg.norm(rolled.session.run(layer.kernel), axis=0) for layer in rolled.layers]
    assert np.max(norms) < 0.5001
    program = rolled.session.compile([rolled.train, rolled.loss], [rolled.x])
    stacked = [n for n in program.graph("simplified").walk() if n.op.name == "concatenate"]
    assert stacked == []


def test_a_variable_is_read_assigned_and_reset_by_its_name() -> None:
    net = Net()
    kernel = net.layers[2].kernel
    before = net.session.run(kernel)
    net.steps(2)
    assert is_packed(net)
    changed = net.session.run(kernel)
    assert not np.array_equal(before, changed)
    with net.graph.as_default():
        double = kernel.assign(kernel * 2.0)
    net.session.run(double)
    np.testing.assert_array_equal(net.session.run(kernel), changed * 2)
    others = net.session.run(net.layers[3].kernel)
    with net.graph.as_default():
        reset = graphc.global_variables_initializer()
    net.session.run(reset)
    np.testing.assert_array_equal(net.session.run(kernel), before)
    assert not np.array_equal(net.session.run(net.layers[3].kernel), others)


def test_the_forward_pass_alone_uses_the_same_pack() -> None:
    net = Net()
    first = net.session.run(net.result, {net.x: X})
    packs = dict(net.session.store.packs.members)
    assert packs
    net.steps(1)
    assert packs.items() <= net.session.store.packs.members.items()
    assert not np.array_equal(first, net.session.run(net.result, {net.x: X}))


@pytest.mark.parametrize("direction", ["to a rolled session", "to an unrolled one"])
def test_checkpoints_go_from_one_to_the_other(tmp_path, direction: str) -> None:
    first, second = Net(), Net(unrolled())
    if direction == "to a rolled session":
        first, second = second, first
    first.steps(3)
    second.steps(1)
    first.session.save(tmp_path / "variables")
    second.session.restore(tmp_path / "variables")
    close(first.variables(), second.variables())
    np.testing.assert_allclose(first.steps(3), second.steps(3), rtol=1e-5)


def test_going_on_from_a_checkpoint_is_equal_to_the_last_bit(tmp_path) -> None:
    first = Net()
    first.steps(3)
    first.session.save(tmp_path / "variables")
    expected = first.steps(4)
    second = Net()
    second.session.restore(tmp_path / "variables")
    assert second.steps(4) == expected


def test_a_program_of_one_layer_works_before_and_after_packing() -> None:
    net = Net()
    with net.graph.as_default():
        norm = graphc.ops.sum(graphc.ops.square(net.layers[1].kernel))
        shrink = net.layers[1].kernel.assign(net.layers[1].kernel * 0.5)
    before = net.session.run(norm)
    net.steps(1)
    after = net.session.run(norm)
    assert before != after
    net.session.run(shrink)
    np.testing.assert_allclose(net.session.run(norm), after / 4, rtol=1e-6)


def test_threads_see_whole_variables_while_packs_form() -> None:
    net = Net()
    with net.graph.as_default():
        bump = net.layers[0].bias.assign_add(np.ones(WIDTH, np.float32))
    failures: list[BaseException] = []

    def work(fetch, feeds) -> None:
        try:
            for _ in range(20):
                net.session.run(fetch, feeds)
        except BaseException as problem:
            failures.append(problem)

    jobs = [(bump, {}), (net.result, {net.x: X}), (net.layers[0].bias, {}), (net.loss, {net.x: X})]
    threads = [threading.Thread(target=work, args=job) for job in jobs * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    np.testing.assert_array_equal(net.session.run(net.layers[0].bias), np.full(WIDTH, 40))


def test_a_failed_program_names_the_variables_it_lost_not_the_pack() -> None:
    net = Net()
    net.steps(1)
    store = net.session.store
    (pack, members) = next(iter(store.packs.members.items()))
    store.arrays[pack].delete()
    assert set(store.lost()) == set(members)


def test_verify_compares_packs_row_by_row() -> None:
    net = Net()
    report = net.session.verify([net.train, net.loss], {net.x: X})
    assert report.ok, str(report)
    net.steps(2)
    assert net.session.verify([net.train, net.loss], {net.x: X}).ok


def test_check_numerics_keeps_the_rows_of_a_step_that_went_wrong() -> None:
    net = Net(check_numerics=True)
    net.steps(1)
    before = net.variables()
    with pytest.raises(graphc.errors.NumericsError):
        net.session.run([net.train, net.loss], {net.x: np.full_like(X, np.nan)})
    after = net.variables()
    for name, array in before.items():
        np.testing.assert_array_equal(array, after[name], err_msg=name)


def test_dropout_of_a_rolled_layer_draws_what_the_layer_would_have_drawn() -> None:
    def outputs(pipeline: Pipeline | None) -> np.ndarray:
        with graphc.Graph().as_default():
            value = x = graphc.placeholder("float32", [None, WIDTH])
            for _ in range(DEPTH):
                weights = graphc.Variable(np.eye(WIDTH, dtype=np.float32))
                value = graphc.random.dropout(graphc.ops.matmul(value, weights), 0.3)
            session = graphc.Session(pipeline=pipeline, seed=11)
            found = [session.run(value, {x: np.ones((50, WIDTH), np.float32)}) for _ in range(2)]
            rolled = session.compile(value).graph("rolled").count("scan")
            assert rolled == (0 if pipeline else 1)
            return np.stack(found)

    rolled = outputs(None)
    np.testing.assert_array_equal(rolled == 0, outputs(unrolled()) == 0)
    np.testing.assert_allclose(rolled, outputs(unrolled()), rtol=1e-6)
    assert not np.array_equal(rolled[0], rolled[1])
