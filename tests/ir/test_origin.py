"""Origins: the user's line, not the library's, and what rules made of it since."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import graphc.dtypes
from graphc.ir import origin
from graphc.ir.origin import UNKNOWN, Origin, capture_origin, treat_as_internal

LIBRARY = Path(graphc.dtypes.__file__).parent


def compiled(path: str, source: str, **names: object) -> dict[str, object]:
    """The functions of a source, as if they stood in a file."""
    namespace: dict[str, object] = dict(names)
    exec(compile(source, path, "exec"), namespace)
    return namespace


def here(depth: int = 1) -> Origin:
    return capture_origin(depth)


def test_the_nearest_line_of_the_user_is_found() -> None:
    found = capture_origin()
    assert Path(found.file) == Path(__file__)
    assert found.function == "test_the_nearest_line_of_the_user_is_found"
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    assert lines[found.line - 1].strip() == "found = capture_origin()"


def test_each_place_has_one_origin_and_two_places_have_two() -> None:
    repeated = {here() for _ in range(3)}
    assert len(repeated) == 1
    pair = (capture_origin(), capture_origin())
    assert pair[0] is not pair[1], "two calls in one line are two places"
    assert pair[0].line == pair[1].line


def test_frames_are_skipped_as_told() -> None:
    assert here(1).function == "here"
    assert here(2).function == "test_frames_are_skipped_as_told"


def test_the_librarys_own_frames_are_passed_over() -> None:
    for package in (LIBRARY, LIBRARY.parent / "passes"):
        inside = compiled(str(package / "some" / "file.py"), "def call(f): return f()")
        found = inside["call"](capture_origin)  # type: ignore[operator]
        assert found.function == "test_the_librarys_own_frames_are_passed_over"
        # the same code to the last byte, in a file of another folder
        beside = compiled(f"{package}_more/file.py", "def call(f): return f()")
        assert beside["call"].__code__ == inside["call"].__code__  # type: ignore
        assert beside["call"](capture_origin).file == f"{package}_more/file.py"  # type: ignore


def test_a_library_that_builds_graphs_for_a_user_can_be_passed_over_too(monkeypatch) -> None:
    monkeypatch.setattr(origin, "_INTERNAL_PREFIXES", list(origin._INTERNAL_PREFIXES))
    helper = compiled("/opt/builder/model.py", "def call(f): return f()")
    try:
        assert helper["call"](capture_origin).file == "/opt/builder/model.py"  # type: ignore
        treat_as_internal("/opt/builder/")
        assert Path(helper["call"](capture_origin).file) == Path(__file__)  # type: ignore
    finally:
        origin._IS_INTERNAL.clear()


def test_a_call_from_nowhere_has_an_unknown_origin() -> None:
    found: list[Origin] = []
    internal = compiled(str(LIBRARY / "file.py"), "def call(): found.append(f())", f=capture_origin)
    internal["found"] = found
    call = internal["call"]
    thread = threading.Thread(target=call)  # whose frames are Python's own, and call's
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(origin, "_INTERNAL_PREFIXES", [f"{LIBRARY}/", threading.__file__])
        origin._IS_INTERNAL.clear()
        thread.start()
        thread.join()
    origin._IS_INTERNAL.clear()
    assert found == [UNKNOWN]


def test_the_same_function_in_two_files_is_two_places() -> None:
    files = ("/models/one.py", "/models/two.py")
    calls = [compiled(file, "def call(f):\n    return f()")["call"] for file in files]
    found = [call(capture_origin) for call in calls]  # type: ignore[operator]
    assert [each.file for each in found] == list(files)


def test_rules_are_added_in_order_and_once() -> None:
    user = Origin("model.py", 3, "f")
    first = user.with_rule("fold")
    both = first.with_rule("fuse")
    assert (user.rules, first.rules, both.rules) == ((), ("fold",), ("fold", "fuse"))
    assert (both.file, both.line, both.function) == ("model.py", 3, "f")
    assert both.with_rule("fold").rules == ("fold", "fuse")
    assert user.with_rule("fold") is first, "one object for ten thousand rewritten nodes"
    assert str(user) == "model.py:3"
    assert str(both) == "model.py:3 (fold, fuse)"
