"""Programs that run once: options of XLA, and what becomes of those that it does not know."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.types import as_type
from graphc.lowering import compile_options
from graphc.lowering.disk_cache import DiskCache
from graphc.lowering.executable import Executable


def doubled() -> Graph:
    build = GraphBuilder()
    x = build.input(as_type("float32", (4,)), "x")
    return build.finish([build.add(x, x)])


X = np.arange(4, dtype=np.float32)


def test_what_xla_refuses_is_compiled_without_and_not_offered_again(monkeypatch) -> None:
    monkeypatch.setattr(compile_options, "_OPTIONS", {"cpu": {"xla_has_no_such_option": True}})
    monkeypatch.setattr(compile_options, "_refused", set())
    first = Executable(doubled(), runs_once=True)
    np.testing.assert_array_equal(first.call(X)[0], 2 * X)
    assert not compile_options.options_to_compile_soon("cpu")
    second = Executable(doubled(), runs_once=True)
    np.testing.assert_array_equal(second.call(X)[0], 2 * X)


def test_what_cannot_be_compiled_at_all_says_so_and_costs_no_options(monkeypatch) -> None:
    monkeypatch.setattr(compile_options, "_OPTIONS", {"cpu": {"xla_cpu_use_fusion_emitters": True}})
    monkeypatch.setattr(compile_options, "_refused", set())
    executable = Executable(doubled(), runs_once=True)

    class Refusing:
        def compile(self) -> None:
            raise ValueError("no room")

    monkeypatch.setattr(executable, "_write", lambda options: None)
    executable._stages = Refusing()
    with pytest.raises(ValueError, match="no room"):
        executable.compile()
    assert compile_options.options_to_compile_soon("cpu")


def test_programs_that_run_once_have_files_of_their_own_in_the_cache(tmp_path) -> None:
    cache = DiskCache(tmp_path / "cache")
    found = []
    for runs_once in (False, True, False, True):
        executable = Executable(doubled(), disk_cache=cache, runs_once=runs_once)
        np.testing.assert_array_equal(executable.call(X)[0], 2 * X)
        found.append(executable.cache)
    assert found == ["miss", "miss", "hit", "hit"]
