"""`graphc passes` names every stage, pass and rule, each with what it does."""

from __future__ import annotations

from graphc.rewriting.rule_pass import RulePass
from graphc.session.standard_passes import default_pipeline
from graphc.tools.pipeline_tables import first_line
from tests.tools.command_line import call


def test_every_stage_and_pass_is_listed_with_its_documentation():
    called = call("passes")
    assert called.status == 0
    text = " ".join(called.output.split())
    pipeline = default_pipeline()
    for stage in pipeline.stages:
        assert stage.name in called.output
    for each in pipeline.passes:
        assert each.name in called.output
        assert first_line(type(each))
        assert first_line(type(each)) in text


def test_a_pass_is_explained_once_and_required_ones_are_marked():
    lines = call("passes").output.splitlines()
    algebra = [line for line in lines if " algebra " in line]
    assert len(algebra) > 1
    assert ["as in canonical" in line for line in algebra] == [False] + [True] * (len(algebra) - 1)
    assert any(" autodiff* " in line for line in lines)
    assert any("canonical ↻" in line for line in lines)


def test_every_rule_is_listed_once_with_what_it_does_to_numbers():
    called = call("passes", "--rules", width=400)
    assert called.status == 0
    rows = [line.split() for line in called.output.splitlines()]
    listed = [(row[0], row[1]) for row in rows if len(row) > 2]
    sets = {each.name: each for each in default_pipeline().passes if isinstance(each, RulePass)}
    assert len(sets) >= 3
    for each in sets.values():
        assert f"{each.name}: {len(each.active_rules.rules)} rules" in called.output
        for rule in each.active_rules:
            assert (rule.name, rule.numerics) in listed, rule.name
    assert len([row for row in listed if row[1] in ("exact", "reassociates", "stabilises")]) == sum(
        len(each.active_rules.rules) for each in sets.values()
    )
