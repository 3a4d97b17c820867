"""`verify` passes what is right and names what is wrong: the pass, the rule, the result."""

from __future__ import annotations

import json

import numpy as np
import pytest

import graphc
import passes
from graphc.errors import FeedError, GraphcError, PassError, VerifyError
from graphc.session.verifying.differences import Bounds, same_bits, same_signature, within
from tests.session.broken_passes import (
    AddsAConstant,
    BreaksTypes,
    DropsAnUpdate,
    ForgetsASample,
    WidensAFetch,
    associating_rules,
    wrong_rules,
)

pytestmark = pytest.mark.usefixtures("layers_in_loops")


def train_step():
    x = graphc.placeholder("float32", [None, 6], name="x")
    labels = graphc.placeholder("int32", [None], name="labels")
    hidden = graphc.random.dropout(graphc.layers.Dense(5, activation="tanh")(x), 0.2)
    logits = graphc.layers.Dense(3)(hidden)
    loss = graphc.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits)
    step = graphc.optimizers.Adam(0.01).minimize(loss)
    generator = np.random.default_rng(0)
    feeds = {x: generator.random((4, 6)), labels: generator.integers(0, 3, 4)}
    return [step, loss, graphc.ops.argmax(logits, axis=-1)], feeds


def small_step():
    """Two variables, a gradient, a fetch: what XLA compiles quickly."""
    x = graphc.placeholder("float32", [4], name="x")
    w = graphc.Variable(np.full(4, 0.3, np.float32), name="w")
    count = graphc.Variable(0, trainable=False, name="count")
    loss = graphc.ops.sum(graphc.ops.tanh(x * w))
    slope = graphc.gradients(loss, w)
    return [loss, w.assign_sub(slope * 0.1).op, count.assign_add(1).op], {x: [1.0, 2.0, 3.0, 4.0]}


def report_of(pipeline, build):
    with graphc.Graph().as_default(), graphc.Session(pipeline=pipeline) as session:
        fetches, feeds = build()
        return session.verify(fetches, feeds)


def test_a_training_step_is_verified_and_nothing_changes():
    with graphc.Graph().as_default(), graphc.Session(seed=4) as session:
        fetches, feeds = train_step()
        session.run(fetches, feeds)
        before = session.store.snapshot()
        report = session.verify(fetches, feeds)
        after = session.store.snapshot()
        report.raise_if_broken()
    assert report.ok
    assert report.first_broken is None
    assert all(np.array_equal(before[name], after[name]) for name in before)
    names = [row.name for row in report.rows]
    assert names[0] == "functional"
    assert names[-2:] == ["XLA in float64", "XLA as declared"]
    assert "autodiff" in names
    assert "elementwise_fusion" in names
    assert len(report.results) == len(set(report.results)) > 10
    assert all(row.precise_error < 1e-6 for row in report.rows if row.precise_error is not None)
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["ok"] is True
    assert [row["stage"] for row in plain["rows"]][-1] == "lowered"
    for name in names:
        assert name.split(" + ")[0] in str(report)


@pytest.mark.parametrize("place", ["functional", "canonical", "legalized", "elementwise_fusion"])
def test_a_pass_that_is_wrong_by_a_constant_is_named_wherever_it_stands(place):
    pipeline = passes.default_pipeline().before(place, AddsAConstant())
    report = report_of(pipeline, small_step)
    row = report.first_broken
    assert row is not None
    assert row.name == "adds_a_constant"
    with pytest.raises(VerifyError, match="adds_a_constant") as caught:
        report.raise_if_broken()
    assert "relative error of" in str(caught.value)
    assert "pipeline.without('adds_a_constant')" in str(caught.value)
    assert row.difference.index is not None
    assert json.loads(json.dumps(report.to_dict()))["ok"] is False
    assert "too far" in str(report)


def test_the_tolerance_is_what_decides():
    pipeline = passes.default_pipeline().after("legalized", AddsAConstant(amount=1e-4))
    with graphc.Graph().as_default(), graphc.Session(pipeline=pipeline) as session:
        x = graphc.placeholder("float64", [3], name="x")
        y = graphc.ops.tanh(x) * 2
        feeds = {x: [1.0, 2.0, 3.0]}
        report = session.verify(y, feeds)
        row = report.first_broken
        assert row.name == "adds_a_constant"
        assert row.precise_error == pytest.approx(1e-4, rel=0.1)
        assert report.tolerance == 1e-9
        assert session.verify(y, feeds, tolerance=1e-2).ok


def test_numbers_that_are_tiny_are_held_to_their_own_digits():
    pipeline = passes.default_pipeline().after("legalized", AddsAConstant(amount=1e-12))

    def build():
        x = graphc.placeholder("float64", [2], name="x")
        return graphc.ops.tanh(x), {x: [1e-9, 2e-9]}

    assert report_of(pipeline, build).first_broken.name == "adds_a_constant"


@pytest.mark.parametrize("place", ["functional", "updated", "budgeted"])
def test_a_pass_that_widens_a_result_is_named(place):
    report = report_of(passes.default_pipeline().after(place, WidensAFetch()), small_step)
    row = report.first_broken
    assert row.name == "widens_a_fetch"
    assert "element type" in row.difference.problem


@pytest.mark.parametrize("place", ["functional", "simplified", "fused"])
def test_a_pass_that_drops_an_update_is_named(place):
    report = report_of(passes.default_pipeline().after(place, DropsAnUpdate()), small_step)
    row = report.first_broken
    assert row.name == "drops_an_update"
    assert "new value of" in row.difference.result
    with pytest.raises(VerifyError, match="missing"):
        report.raise_if_broken()


def test_a_pass_that_breaks_a_type_fails_as_it_always_does():
    with pytest.raises(PassError, match="breaks_types"):
        report_of(
            passes.default_pipeline().after("functional", BreaksTypes()),
            lambda: (graphc.ops.tanh(graphc.constant(1.0)), {}),
        )


def sums():
    x, y, z = (graphc.placeholder("float32", [3], name=name) for name in "xyz")
    total = x - y - z
    other = -x - y
    feeds = {x: [4.6, 8.6, 1.3], y: [8.5, 2.8, 3.8], z: [7.4, 3.7, 4.9]}
    return [total, other], feeds


@pytest.mark.parametrize("place", ["functional", "canonical", "legalized"])
def test_a_rule_that_is_declared_exact_and_reassociates_is_named(place):
    pipeline = passes.default_pipeline().after(place, associating_rules("exact"))
    row = report_of(pipeline, sums).first_broken
    assert row is not None
    assert row.rule == "associates.to_the_right"
    assert "to the bit" in row.difference.problem
    assert report_of(
        passes.default_pipeline().after(place, associating_rules("reassociates")),
        lambda: (sums()[0], {f"{name}:0": [0.1, 0.2, 0.3] for name in "xyz"}),
    ).ok


@pytest.mark.parametrize("place", ["algebra", "simplified", "budgeted"])
def test_the_rule_to_blame_is_found_among_many(place):
    def build():
        x = graphc.placeholder("float64", [3], name="x")
        y = graphc.ops.sin(-x) + graphc.ops.cos(-x)
        return [y + y, graphc.ops.log(graphc.ops.exp(x) + 1.0)], {x: [0.5, 1.0, 2.0]}

    report = report_of(passes.default_pipeline().after(place, wrong_rules()), build)
    row = report.first_broken
    assert "trigonometry" in row.name
    assert row.rule == "trigonometry.odd"
    with pytest.raises(VerifyError, match=r"by its rule 'trigonometry\.odd'"):
        report.raise_if_broken()


def test_only_a_rule_that_stabilises_may_make_numbers_finite():
    def build():
        x = graphc.placeholder("float64", [3], name="x")
        return graphc.ops.log(graphc.nn.softmax(x)), {x: [0.0, 1.0, 2000.0]}

    report = report_of(passes.default_pipeline(), build)
    assert report.ok
    assert any("stabilises" in row.numerics for row in report.rows)

    def zeros():
        x = graphc.placeholder("float64", [3], name="x")
        return graphc.ops.log(x), {x: [0.0, 1.0, 2.0]}

    pipeline = passes.default_pipeline().after("legalized", ForgetsASample())
    assert report_of(passes.default_pipeline(), zeros).ok
    row = report_of(pipeline, zeros).first_broken
    assert row.name == "forgets_a_sample"


def test_random_numbers_loops_and_branches_are_verified():
    def build():
        x = graphc.placeholder("float32", [3, 2], name="x")
        w = graphc.Variable(graphc.random.normal([2]), name="w")

        def body(carry, row):
            noise = graphc.random.uniform([2])
            return carry * 0.5 + row * w + noise, graphc.ops.tanh(carry)

        last, rows = graphc.scan(body, graphc.ops.zeros([2]), x)
        chosen = graphc.cond(graphc.ops.sum(x) > 0, lambda: last, lambda: graphc.random.normal([2]))
        slope = graphc.gradients(graphc.ops.sum(rows) + graphc.ops.sum(chosen), w)
        mixed = graphc.random.truncated_normal([4], dtype="float32")
        return [chosen, slope, w.assign_sub(slope * 0.1), mixed], {x: np.ones((3, 2))}

    report = report_of(passes.default_pipeline(), build)
    report.raise_if_broken()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "complex64", "int32"])
def test_other_element_types_are_verified(dtype):
    def build():
        x = graphc.placeholder(dtype, [5], name="x")
        y = x * x + x * 2 - 1
        return [y, graphc.ops.sum(y)], {x: np.arange(5)}

    report_of(passes.default_pipeline(), build).raise_if_broken()


def test_mistakes_in_what_is_asked_for():
    with graphc.Graph().as_default(), graphc.Session() as session:
        x = graphc.placeholder("float32", [2], name="x")
        with pytest.raises(FeedError, match="needed and not fed"):
            session.verify(x * 2)
        with pytest.raises(GraphcError, match="no tolerance"):
            session.verify(x * 2, {x: [1.0, 2.0]}, tolerance=-1)
        with pytest.raises(GraphcError, match="no program to verify"):
            session.verify(graphc.constant("text"))


# -- comparing -------------------------------------------------------------------------------------


def one(*numbers, dtype=np.float64):
    return {"r": np.array(numbers, dtype)}


def test_bits_are_compared_with_signs_and_any_nan_for_another():
    assert same_bits(one(0.0, np.nan), one(0.0, -np.nan), {"r"}) is None
    assert same_bits(one(0.0), one(-0.0), {"r"}).index == (0,)
    assert same_bits(one(1.0), one(1 + 2e-16), {"r"}) is not None
    assert same_bits(one(1, dtype=int), one(2, dtype=int), {"r"}) is not None


def test_bounds_are_relative_and_forgive_only_what_they_should():
    bounds = Bounds(1e-3, {})
    assert within(one(1e-9), one(1.0001e-9), bounds)[0] is None
    assert within(one(1.0), one(1.01), bounds)[0].error == pytest.approx(0.0099, rel=0.01)
    assert within(one(np.inf), one(np.inf), bounds)[0] is None
    assert within(one(np.inf), one(-np.inf), bounds)[0] is not None
    assert within(one(1.0), one(np.inf), bounds)[0] is not None
    assert within(one(np.nan), one(1.0), Bounds(1.0, {}, forgives=True))[0] is not None
    assert within(one(5.0), one(np.nan), Bounds(1e-3, {}, forgives=True))[0] is None
    assert within(one(1.0), one(1.01), Bounds(1e-3, {"r": 1e-3}))[0] is None
    assert within(one(1, dtype=int), one(2, dtype=int), bounds)[0] is not None


def test_results_that_are_missing_or_of_other_types_are_seen():
    assert same_signature({}, one(1.0)).problem == "it is missing"
    assert same_signature(one(1.0), {}).problem == "nobody asked for it"
    assert "element type" in same_signature(one(1, dtype=int), one(1.0)).problem
    assert "shape" in same_signature(one(1.0, 2.0), one(1.0)).problem
