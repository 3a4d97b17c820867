"""The README's snippets run as they stand, in order, and print what the README says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

import graphc
from graphc.ir.registry import REGISTRY

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
WIDTH = 100


def snippets() -> list[tuple[str, str | None]]:
    """Each block of Python, with the block of text that follows it at once."""
    text = README.read_text(encoding="utf-8")
    found: list[tuple[str, str | None]] = []
    blocks = list(BLOCK.finditer(text))
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if block[1] != "python":
            continue
        adjacent = following is not None and not text[block.end() : following.start()].strip()
        printed = following[2] if following and adjacent and following[1] == "text" else None
        found.append((block[2], printed))
    return found


@pytest.fixture
def clean_registry(monkeypatch):
    """What the README registers is gone after the test."""
    monkeypatch.setattr(REGISTRY, "_ops", dict(REGISTRY._ops))


def test_every_snippet_prints_what_the_readme_says(tmp_path, monkeypatch, clean_registry):
    monkeypatch.chdir(tmp_path)
    graphc.reset_default_graph()
    names = {"__name__": "readme"}
    blocks = snippets()
    assert len(blocks) >= 8
    for number, (code, printed) in enumerate(blocks):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile(code, f"README.md block {number}", "exec"), names)
        if printed is not None:
            assert output.getvalue() == printed, f"block {number} prints\n{output.getvalue()}"


def test_the_readme_stays_within_its_width():
    for block in BLOCK.finditer(README.read_text(encoding="utf-8")):
        if block[1] == "python":
            for line in block[2].splitlines():
                assert len(line) <= WIDTH, line


def test_the_snippet_of_the_api_runs_with_both_names():
    source = (README.parent / "examples" / "hello_session.py").read_text(encoding="utf-8")
    as_tf = source.replace("import graphc\n", "import graphc as tf\n").replace("graphc.", "tf.")
    for code in (source, as_tf):
        with graphc.Graph().as_default(), contextlib.redirect_stdout(io.StringIO()) as output:
            exec(compile(code, "hello_session", "exec"), {})
        lines = output.getvalue().splitlines()
        assert lines[0] == "Hello World"
        assert lines[1].startswith("_DeviceAttributes(/device:")
        assert lines[2] == "graphc opset 1"
