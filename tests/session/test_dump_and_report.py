"""Stages can be read, pictured and reported; programs can be kept on disk."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

import graphc
from graphc.errors import GraphcError

pytestmark = pytest.mark.usefixtures("layers_in_loops")


@pytest.fixture
def session():
    with graphc.Graph().as_default(), graphc.Session() as opened:
        yield opened


@pytest.fixture
def step(session):
    x = graphc.placeholder("float32", [None, 4], name="x")
    y = graphc.placeholder("int32", [None], name="y")
    hidden = graphc.layers.Dense(8, activation="relu")(x)
    loss = graphc.losses.SparseCategoricalCrossentropy(from_logits=True)(
        y, graphc.layers.Dense(3)(hidden)
    )
    train = graphc.optimizers.Adam(0.01).minimize(loss)
    feeds = {x: np.ones((5, 4), np.float32), y: np.zeros(5, np.int32)}
    return [train, loss], feeds


STAGES = (
    "built", "functional", "canonical", "composed", "cast", "rolled", "differentiated", "updated",
    "simplified", "specialised", "placed", "legalized", "budgeted", "fused", "lowered",
)  # fmt: skip


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_prints_and_is_read_back_to_the_same_text(session, step, stage):
    fetches, feeds = step
    text = session.dump(fetches, stage=stage, feed_dict=feeds)
    constants = [
        node.attributes["value"]
        for node in session.compile(fetches, feeds).graph(stage).walk()
        if node.op.name == "constant"
    ]
    assert str(graphc.parse(text, constants)) == text


def test_symbolic_stages_need_no_feeds_and_later_ones_use_the_last_run(session, step):
    fetches, feeds = step
    assert "f32[n0, 4]" in session.dump(fetches, stage="simplified")
    session.run(fetches, feeds)
    assert "f32[5, 4]" in session.dump(fetches, stage="fused")
    assert "f32[5, 4]" in session.dump(stage="fused")


def test_pictures_and_xla_text(session, step, tmp_path):
    fetches, feeds = step
    session.run(fetches, feeds)
    dot = session.dump(fetches, format="dot")
    assert dot.startswith("digraph")
    assert dot.count("->") > 20
    page = session.dump(fetches, format="html", path=tmp_path / "graph.html")
    assert (tmp_path / "graph.html").read_text() == page + "\n"
    assert os.path.basename(__file__) in page
    assert "stablehlo." in session.dump(fetches, format="stablehlo")
    hlo = session.dump(fetches, format="hlo")
    assert "HloModule" in hlo
    assert "dense/" in hlo  # users' scopes reach XLA


def test_the_report_adds_up(session, step):
    fetches, feeds = step
    session.run(fetches, feeds)
    program = session.compile(fetches, feeds)
    report = program.report()
    assert report.xla_seconds > 0
    assert report.lowering_seconds > 0
    assert report.alias_bytes > 0  # updated variables are donated
    assert report.argument_bytes >= report.alias_bytes
    assert report.sizes == {"n0": 5, "n1": 5}
    names = [row.name for row in report.passes]
    assert names.index("functional") < names.index("autodiff") < names.index("optimizer_updates")
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["cache"] == "off"
    for row in report.passes:
        assert row.name in str(report)


def test_the_report_counts_rules(session):
    x = graphc.placeholder("float32", [4], name="x")
    y = graphc.ops.log(graphc.ops.exp(x) + 1.0)
    report = session.compile(y, [x]).report()
    assert sum(report.fired.values()) > 0
    assert any(rule.startswith("stabilisation.") for rule in report.fired)


def test_without_donation_nothing_is_in_place():
    with graphc.Graph().as_default(), graphc.Session(donate=False) as session:
        w = graphc.Variable(np.ones(64, np.float32))
        step = w.assign_add(np.ones(64, np.float32))
        session.run(step)
        assert session.compile(step).report().alias_bytes == 0


def test_programs_are_kept_on_disk(tmp_path):
    def compiled():
        with graphc.Graph().as_default(), graphc.Session(cache_dir=tmp_path / "cache") as session:
            x = graphc.placeholder("float32", [4], name="x")
            y = graphc.ops.exp(graphc.ops.sin(x) * 3)
            return session.run(y, {x: np.ones(4)}), session.compile(y, [x]).report().cache

    first, second = compiled(), compiled()
    assert (first[1], second[1]) == ("miss", "hit")
    np.testing.assert_array_equal(first[0], second[0])
    for file in (tmp_path / "cache").iterdir():
        file.write_bytes(file.read_bytes()[:-1] + b"?")
    third = compiled()
    assert third[1] == "miss"  # damaged code never runs
    np.testing.assert_array_equal(first[0], third[0])


def test_a_cache_that_others_can_write_is_refused(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(GraphcError, match="others can write"):
        graphc.Session(cache_dir=shared)


def test_programs_without_64_bit_types_do_without_the_flag(session):
    x = graphc.constant(np.ones(3, np.float32))
    wide = graphc.constant(np.ones(3))
    assert not session.compile(x * 2).concrete().executable.lowered.needs_x64
    assert session.compile(wide * 2).concrete().executable.lowered.needs_x64


def test_the_report_tells_of_rolled_layers_and_estimates_what_they_saved():
    with graphc.Graph().as_default() as graph:
        x = value = graphc.placeholder("float32", [2, 4])
        for number in range(10):
            value = graphc.layers.Dense(4, activation=("tanh", "relu")[number % 2])(value)
        report = graphc.Session(graph).compile(value, [x]).report()
    (loop,) = report.loops
    assert (loop["iterations"], loop["period"]) == (5, 2)
    assert loop["nodes before"] == 5 * loop["body nodes"]
    savings = report.savings
    assert savings is not None
    assert savings.loops == 1
    assert savings.nodes_written_out > savings.nodes
    expected = report.xla_seconds * (savings.nodes_written_out / savings.nodes - 1) / 20
    assert savings.xla_seconds_saved == pytest.approx(expected)
    assert "instead of" in str(report)
    assert "period 2" in str(report)
    assert report.to_dict()["savings"]["nodes"] == savings.nodes


@pytest.mark.cpu
def test_the_report_says_what_is_stacked_and_what_is_in_no_loop_and_why():
    with graphc.Graph().as_default() as graph:
        x = value = graphc.placeholder("float32", [2, 4])
        for number in range(13):
            activation = "relu" if number == 6 else "tanh"
            value = graphc.layers.Dense(4, activation=activation)(value)
        loss = graphc.ops.mean(graphc.ops.square(value))
        train = graphc.optimizers.Adam(0.01).minimize(loss)
        report = graphc.Session(graph).compile([train, loss], [x]).report()
    text = " ".join(str(report).split())
    assert len(report.loops) == 2
    assert report.loops[0]["line"].startswith("test_dump_and_report.py:")
    (first, _) = report.loops
    assert f"({first['line']}): {first['iterations']} iterations" in text
    assert "kept stacked between runs, a row per layer: dense/" in text
    assert "updated in the loops that make their gradients" in text
    assert "in no loop of layers: - dot_general" in text
    assert "relu 'dense_6/relu' against tanh" in text


def test_rules_are_counted_where_they_fired_and_what_did_not_run_is_not_shown(session):
    x = graphc.placeholder("float32", [3])
    report = session.compile(graphc.ops.log(graphc.nn.softmax(x)), [x]).report()
    fired = {row.stage: row.fired for row in report.passes if row.name == "stabilisation"}
    assert sum(fired["canonical"].values()) == 1
    assert not fired["simplified"]
    assert any(row.was_skipped for row in report.passes)
    shown = [line for line in str(report).splitlines() if "stabilisation" in line]
    ran = [row for row in report.passes if row.name == "stabilisation" and not row.was_skipped]
    assert len(shown) == len(ran)


def test_a_report_without_loops_estimates_nothing(session):
    x = graphc.placeholder("float32", [2])
    report = session.compile(x + 1, [x]).report()
    assert report.savings is None
    assert report.loops == ()
