"""The command line explains itself, and its mistakes are told without tracebacks."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from rich.console import Console

from graphc.errors import GraphcError
from graphc.tools.cli import COMMANDS, main, make_parser
from tests.tools.command_line import AFFINE, call

ROOT = Path(__file__).resolve().parents[2]
NAMES = [command.name for command in COMMANDS]


def test_the_commands_are_those_of_this_version():
    assert set(NAMES) == {
        *("demo", "devices", "passes", "dump", "view", "diff", "run", "bench", "doctor")
    }


def test_help_lists_every_command_with_its_summary():
    called = call("--help")
    assert called.status == 0
    for command in COMMANDS:
        assert command.name in called.output
        assert command.summary in " ".join(called.output.split())


@pytest.mark.parametrize("name", NAMES)
def test_every_command_helps_with_description_arguments_and_examples(name):
    called = call(name, "--help")
    command = COMMANDS[NAMES.index(name)]
    assert called.status == 0
    assert called.errors == ""
    assert called.output.startswith(f"usage: graphc {name}")
    assert command.description in called.output
    assert all(example in called.output for example in command.examples)


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_a_command_line_that_is_understood(name):
    parser = make_parser(Console(quiet=True), Console(quiet=True))
    for example in COMMANDS[NAMES.index(name)].examples:
        words = example.partition("#")[0].partition("|")[0].split()
        while "=" in words[0]:  # environment variables
            words.pop(0)
        assert words.pop(0) == "graphc"
        assert parser.parse_args(words).command.name == name


def test_every_argument_says_what_it_is():
    parser = argparse.ArgumentParser()
    for command in COMMANDS:
        command.add_arguments(added := argparse.ArgumentParser())
        for action in added._actions:
            assert action.help, f"{command.name} {action.dest}"
    assert parser._actions


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required: COMMAND"),
        (["dance"], "invalid choice: 'dance'"),
        (["dump"], "required: FILE"),
        (["dump", "a.txt", "--stag", "fused"], "unrecognized arguments"),
        (["dump", "a.txt", "--size", "n0"], "expected a symbol and its size such as n0=32"),
        (["dump", "a.txt", "--format", "pdf"], "invalid choice: 'pdf'"),
        (["diff", "a.txt"], "give two graphs, or one graph and --stages"),
        (["diff", "a.txt", "b.txt", "--stages", "built", "fused"], "give two graphs, or one"),
        (["demo", "--epochs", "0"], "whole number of at least 1"),
        (["demo", "--epochs", "3", "--short"], "not allowed with"),
        (["bench", "--pairs", "many"], "given 'many'"),
    ],
)
def test_a_command_line_that_is_not_understood_ends_with_2(arguments, words):
    called = call(*arguments)
    assert called.status == 2
    assert called.output == ""
    assert called.errors.startswith("usage: graphc")
    assert words in called.errors


def test_an_error_is_told_without_a_traceback_unless_asked(tmp_path):
    missing = tmp_path / "nothing.txt"
    plain = call("dump", missing)
    assert plain.status == 1
    assert plain.output == ""
    assert plain.errors.startswith("error: the file cannot be read: No such file")
    assert str(missing) in plain.errors
    for arguments in (["--traceback", "dump", missing], ["dump", missing, "--traceback"]):
        called = call(*arguments)
        assert called.status == 1
        assert called.errors.startswith("Traceback (most recent call last)")
        assert "No such file" in called.errors


def test_a_mistake_of_ours_keeps_its_traceback(monkeypatch, tmp_path):
    def fail(*_: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("graphc.tools.dumping.read_graph", fail)
    with pytest.raises(ZeroDivisionError, match="ours"):
        call("dump", tmp_path / "a.txt")


def test_an_interrupt_ends_quietly(monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("graphc.tools.dumping.read_graph", interrupt)
    called = call("dump", "a.txt")
    assert (called.status, called.errors) == (130, "interrupted\n")


def test_an_error_shows_its_notes_and_no_command_of_a_terminal(monkeypatch):
    def fail(*_: object) -> None:
        error = GraphcError("broken [bold]\x1b[31m", given="x" * 10_000)
        error.add_note("found by a pass")
        raise error

    monkeypatch.setattr("graphc.tools.dumping.read_graph", fail)
    errors = call("dump", "a.txt").errors
    assert "broken [bold]\ufffd[31m" in errors
    assert "found by a pass" in errors
    assert max(map(len, errors.splitlines())) < 500


def test_python_m_graphc_is_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "graphc", "--help"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: graphc [-h]")
    assert all(f"\n    {name} " in done.stdout for name in NAMES)


def test_a_reader_that_leaves_early_is_no_error(tmp_path):
    path = tmp_path / "long.txt"
    body = "\n".join(f"  %{i + 1} = negate(%{i}) : f32[2]" for i in range(5000))
    path.write_text(
        f'graphc opset 1\ngraph {{\n  input %0 : f32[2] feed "x"\n{body}\n  return %5000\n}}\n'
    )
    with subprocess.Popen(
        [sys.executable, "-m", "graphc", "dump", str(path), "--stage", "built"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"graphc opset 1\n"
        process.stdout.close()
        assert process.stderr.read() == b""


def test_the_console_script_is_main():
    (script,) = metadata.entry_points(group="console_scripts", name="graphc")
    assert script.load() is main


def test_standard_input_is_read_as_a_file(monkeypatch, tmp_path):
    path = tmp_path / "affine.txt"
    path.write_text(AFFINE)
    with path.open() as opened:
        monkeypatch.setattr(sys, "stdin", opened)
        assert call("dump", "-", "--stage", "built").output == AFFINE
