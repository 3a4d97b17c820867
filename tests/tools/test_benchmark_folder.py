"""`graphc bench` finds, checks and runs the benchmarks of a checkout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphc.errors import GraphcError
from graphc.tools import benchmark_folder
from graphc.tools.benchmark_folder import find_benchmarks, run_benchmark
from tests.tools.command_line import call

ROOT = Path(__file__).resolve().parents[2]

BENCHMARK = '''"""What is measured.

More about it.
"""
import pathlib, sys

def make_cases(smoke):
    return []

if __name__ == "__main__":
    pathlib.Path("seen.txt").write_text(repr(sys.argv[1:]))
    sys.exit(3)
'''


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    folder.joinpath("harness.py").write_text('"""Not one."""\n')
    folder.joinpath("speed.py").write_text(BENCHMARK)
    monkeypatch.setattr(benchmark_folder, "_ROOT", tmp_path)
    monkeypatch.setattr(find_benchmarks, "__defaults__", (tmp_path,))
    monkeypatch.setattr(run_benchmark, "__defaults__", (tmp_path,))
    return tmp_path


def test_the_benchmarks_of_this_checkout_are_listed_with_their_summaries():
    called = call("bench")
    assert called.status == 0
    names = set(find_benchmarks(ROOT))
    assert {"dispatch", "compile_throughput"} <= names
    assert "harness" not in names
    for name, summary in find_benchmarks(ROOT).items():
        assert name in called.output
        assert summary in called.output


def test_a_benchmark_runs_in_its_checkout_with_the_arguments_given(checkout, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    options = ("--smoke", "--pairs", "4", "--json", "out.jsonl", "--only", "call")
    called = call("bench", "speed", *options)
    assert called.status == 3
    seen = checkout.joinpath("seen.txt").read_text()
    expected = ["--smoke", "--pairs", "4", "--json", str(elsewhere / "out.jsonl"), "--only", "call"]
    assert seen == repr(expected)


def test_an_unknown_benchmark_is_told(checkout):
    called = call("bench", "sped")
    assert called.status == 1
    assert "did you mean 'speed'?" in called.errors
    assert call("bench", "harness").status == 1
    assert not checkout.joinpath("seen.txt").exists()


def test_without_a_checkout_the_error_says_what_to_do(tmp_path):
    with pytest.raises(GraphcError, match="not installed with the package") as caught:
        find_benchmarks(tmp_path)
    assert "clone" in str(caught.value)


@pytest.mark.slow
def test_a_benchmark_of_this_checkout_runs(tmp_path):
    out = tmp_path / "out.jsonl"
    called = call("bench", "dispatch", "--smoke", "--pairs", 1, "--json", out)
    assert called.status == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert {line["benchmark"] for line in lines} == {"dispatch"}
    assert all(line["smoke"] for line in lines)
