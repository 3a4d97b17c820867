"""Stages of a graph in a file can be printed, pictured and read again."""

from __future__ import annotations

import webbrowser

import numpy as np
import pytest

import graphc
from graphc.ir.equality import first_difference
from graphc.ir.literal import as_literal
from graphc.tools.stages import graph_at
from tests.tools.command_line import AFFINE, call


@pytest.fixture
def affine(tmp_path):
    path = tmp_path / "affine.txt"
    path.write_text(AFFINE)
    return path


def test_the_built_stage_is_the_file_itself(affine):
    called = call("dump", affine, "--stage", "built")
    assert (called.status, called.output, called.errors) == (0, AFFINE, "")


def test_passes_run_up_to_the_stage(affine):
    called = call("dump", affine, "--stage", "canonical")
    assert called.output.count("negate") == 0
    assert "f32[n0, 2]" in called.output
    fused = call("dump", affine, "--size", "n0=7").output
    assert "f32[7, 2]" in fused
    assert "n0" not in fused
    assert call("dump", affine, "--stage", "lowered", "--size", "n0=7").output == fused


def test_printed_text_is_neither_wrapped_nor_changed_by_a_narrow_terminal(affine):
    assert call("dump", affine, "--stage", "built", width=20).output == AFFINE
    coloured = call("dump", affine, "--stage", "built", width=20, colours=True).output
    assert "\x1b[" in coloured
    assert len(coloured.splitlines()) == len(AFFINE.splitlines())


def test_what_a_session_dumps_goes_on_from_there(tmp_path):
    """A built graph with variables, random numbers and a gradient, taken up in another process."""
    with graphc.Graph().as_default(), graphc.Session() as session:
        x = graphc.placeholder("float32", [None, 4], name="x")
        layer = graphc.layers.Dense(3, activation="tanh")
        loss = graphc.ops.mean(graphc.random.dropout(layer(x), 0.5))
        train = graphc.optimizers.SGD(0.1).minimize(loss)
        path = tmp_path / "built.txt"
        session.dump([train, loss], stage="built", path=path)
        for stage in ("functional", "canonical", "simplified"):
            expected = session.dump([train, loss], stage=stage)
            found = call("dump", path, "--stage", stage)
            assert found.status == 0, found.errors
            assert first_difference(graphc.parse(expected), graphc.parse(found.output)) is None


def test_a_stage_with_concrete_sizes_says_which_are_missing(affine):
    called = call("dump", affine, "--stage", "fused")
    assert called.status == 1
    assert "--size n0=32" in called.errors
    unknown = call("dump", affine, "--stage", "fused", "--size", "n1=3")
    assert unknown.status == 1
    assert "no size named 'n1'" in unknown.errors


def test_an_unknown_stage_is_told_with_those_there_are(affine):
    called = call("dump", affine, "--stage", "canonica")
    assert called.status == 1
    assert "did you mean 'canonical'?" in called.errors


def test_sizes_that_break_an_equation_are_refused(tmp_path):
    path = tmp_path / "two.txt"
    path.write_text(
        'graphc opset 1\ngraph {\n  input %0 : f32[n0] feed "x"\n  input %1 : f32[n1] feed "y"\n'
        "  %2 = add(%0, %1) : f32[n0]\n  require n0 == n1\n  return %2\n}\n"
    )
    called = call("dump", path, "--size", "n0=3", "n1=4")
    assert called.status == 1
    assert "n0 == n1" in called.errors
    assert "f32[3]" in call("dump", path, "--size", "n0=3", "n1=3").output


def test_pictures_and_files(affine, tmp_path):
    dot = call("dump", affine, "--stage", "built", "--format", "dot").output
    assert dot.startswith('digraph "built" {')
    assert dot.count("->") == 7
    target = tmp_path / "out.html"
    called = call("dump", affine, "--stage", "built", "--format", "html", "-o", target)
    assert called.status == 0
    assert str(target) in called.output
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")
    refused = call("dump", affine, "--stage", "built", "-o", tmp_path / "no" / "out.txt")
    assert refused.status == 1
    assert "cannot be written" in refused.errors


def test_view_writes_a_page_and_opens_it_only_when_asked(affine, tmp_path, monkeypatch):
    opened: list[str] = []

    def note(url: str) -> bool:
        opened.append(url)
        return len(opened) == 1

    monkeypatch.setattr(webbrowser, "open", note)
    monkeypatch.chdir(tmp_path)
    called = call("view", affine, "--stage", "canonical")
    page = tmp_path / "affine.canonical.html"
    assert called.status == 0
    assert page.name in called.output
    assert "stage canonical" in page.read_text(encoding="utf-8")
    assert opened == []
    call("view", affine, "--stage", "canonical", "--open")
    assert opened == [page.as_uri()]
    other = tmp_path / "other.html"
    called = call("view", affine, "--stage", "built", "-o", other, "--open")
    assert other.is_file()
    assert "no browser could be started" in called.output


# -- files that are not as they should be ----------------------------------------------------------


def test_a_parse_error_shows_file_line_column_and_text(tmp_path):
    path = tmp_path / "bad.txt"
    path.write_text(AFFINE.replace("negate(%3)", "negat(%3)"))
    errors = call("dump", path).errors
    assert "line 7, column 8: there is no op named 'negat'" in errors
    assert "did you mean 'negate'?" in errors
    assert f"at: {path}:7" in errors
    *_, text, marker = errors.splitlines()
    assert text[marker.index("^") :].startswith("negat(%3)")


def test_the_marker_of_a_parse_error_stands_right_in_a_long_odd_line(tmp_path):
    path = tmp_path / "long.txt"
    name = "n" * 5000 + "\x1b"
    path.write_text(
        f'graphc opset 1\ngraph {{\n  input %0 : f32[2] feed "{name}"\n  %1 = add('
        + ", ".join(["%0"] * 3000)
        + ', %99) : f32[2] "x"\n  return %1\n}\n'
    )
    errors = call("dump", path).errors
    if "\x1b" in errors:
        pytest.fail("a command reaches the terminal")
    *_, text, marker = errors.splitlines()
    assert len(text) < 200
    assert marker.strip() == "^"
    assert marker.index("^") < len(text)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "line 1, column 1: the text ends too early"),
        (b"graphc opset 1\ngraph {\n  return", "the text ends too early"),
        (b"\x89PNG\r\n", "byte 0 is no UTF-8"),
        (b"graphc opset 99\ngraph {\n  return\n}", "line 1"),
        (b"import os", "expected the line `graphc opset 1`"),
    ],
)
def test_files_that_hold_no_graph_are_refused(tmp_path, content, words):
    path = tmp_path / "odd.txt"
    path.write_bytes(content)
    called = call("dump", path)
    assert called.status == 1
    assert words in called.errors


def test_a_file_too_large_for_a_graph_is_refused_before_it_is_parsed(tmp_path, monkeypatch):
    monkeypatch.setattr("graphc.tools.graph_files._LARGEST_TEXT", 10)
    path = tmp_path / "large.txt"
    path.write_text(AFFINE)
    assert "at most 10 bytes" in call("dump", path).errors


def test_a_folder_is_no_file(tmp_path):
    called = call("dump", tmp_path)
    assert called.status == 1
    assert "Is a directory" in called.errors


# -- constants that the text names by hash ---------------------------------------------------------


HASHED = (
    "graphc opset 1\ngraph {{\n  %0 = constant() {{value=f32[32] sha256:{digest}}} : f32[32]\n"
    "  return %0\n}}\n"
)


def write_hashed(folder):
    with graphc.Graph().as_default(), graphc.Session() as session:
        table = np.arange(32, dtype=np.float32)
        y = graphc.ops.negative(graphc.ops.reshape(graphc.constant(table), [8, 4]))
        session.dump(y, stage="built", path=folder / "hashed.txt")
    np.savez(folder / "constants.npz", anything=table, unused=np.zeros(3))
    return folder / "hashed.txt", folder / "constants.npz"


def test_constants_given_by_file_are_folded_and_without_it_left_alone(tmp_path):
    path, constants = write_hashed(tmp_path)
    without = call("dump", path)
    assert without.status == 0
    assert "negate" in without.output
    given = call("dump", path, "--constants", constants)
    assert given.status == 0
    assert "negate" not in given.output
    assert "f32[8, 4] sha256:" in given.output


def test_a_constant_known_by_its_hash_is_never_taken_for_one_with_elements():
    table = np.arange(32, dtype=np.float32) + 0.25
    text = str(graphc.parse(HASHED.format(digest=as_literal(table).digest)))
    without = graphc.parse(text)
    given = graphc.parse(text, [table])
    again = graphc.parse(text)
    detached = [g.nodes[0].attributes["value"].is_detached for g in (without, given, again)]
    assert detached == [True, False, True]
    assert str(without) == str(given)


@pytest.mark.parametrize("kind", ["missing", "text", "pickle", "float8"])
def test_files_of_constants_that_cannot_be_used_are_told(tmp_path, kind):
    path, constants = write_hashed(tmp_path)
    if kind == "missing":
        constants = tmp_path / "nothing.npz"
    elif kind == "text":
        constants.write_text("no arrays here")
    elif kind == "pickle":
        np.savez(constants, thing=np.array([{}], dtype=object))
    else:
        np.savez(constants, thing=np.zeros(3, dtype="V1"))
    called = call("dump", path, "--constants", constants)
    assert called.status == 1
    assert str(constants) in called.errors
    assert "Traceback" not in called.errors


def test_graph_at_gives_a_graph_of_any_stage_the_passes_it_has_not_had():
    graph = graphc.parse(AFFINE)
    simplified = graph_at(graph, "simplified", {})
    again = graph_at(simplified, "simplified", {})
    assert first_difference(simplified, again) is None
    assert simplified.update_names == ("w",)
