"""The tree of the project: where files stand, how long they are and what none may contain.

Each check is also run on a small tree with one violation planted in it.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

TOP_LEVEL = {"pyproject.toml", "README.md", "LICENSE", ".gitignore"} | {
    *("graphc", "passes", "tests", "examples", "benchmarks", ".ci"),
}
LIBRARY = ("graphc", "passes")
DOCUMENTED = (*LIBRARY, "benchmarks", "examples")
LINE_LIMIT = 400

# Names that do not say what is inside.
EMPTY_NAMES = {"basic", "core", "common", "misc", "util", "utils", "helper", "helpers"}
# Keras's users look for `to_categorical` and `plot_model` under this name and no other.
NAMES_OF_KERAS = {Path("graphc/utils.py")}
# As a part of a name these say nothing either; `common_subexpressions` does.
EMPTY_WORDS = EMPTY_NAMES - {"basic", "core", "common"}

# Folders of somebody's machine, and where this machine gets its packages.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|home|Users)/\w|\b[A-Z]:\\Users\b")
REGISTRY = re.compile(r"\b(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|debian\.org)\b")


def list_files(root: Path) -> list[Path]:
    """All files that are or may become part of the project, relative to its root."""
    command = ["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    files = (Path(name) for name in sorted(set(listed.split("\0"))) if name)
    return [path for path in files if (root / path).is_file()]


def python_files(root: Path, folders: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    for path in list_files(root):
        if path.parts[0] in folders and path.suffix == ".py":
            yield path, (root / path).read_text(encoding="utf-8")


def strange_top_level(root: Path) -> Iterator[str]:
    for name in sorted({path.parts[0] for path in list_files(root)} - TOP_LEVEL):
        yield f"{name}: unexpected at the top level"


def long_files(root: Path) -> Iterator[str]:
    for path, text in python_files(root, (*DOCUMENTED, "tests")):
        count = len(text.splitlines())
        if count > LINE_LIMIT:
            yield f"{path}: {count} lines, more than {LINE_LIMIT}; split it by what is inside"


def empty_names(root: Path) -> Iterator[str]:
    for path, _ in python_files(root, (*DOCUMENTED, "tests")):
        for name in () if path in NAMES_OF_KERAS else path.with_suffix("").parts:
            words = set(name.removeprefix("test_").split("_"))
            if name.removeprefix("test_") in EMPTY_NAMES or words & EMPTY_WORDS:
                yield f"{path}: {name!r} does not say what is inside"


def missing_packages(root: Path) -> Iterator[str]:
    """A folder without `__init__.py` would be left out of the wheel."""
    paths = {path for path, _ in python_files(root, LIBRARY)}
    for folder in sorted({path.parent for path in paths}):
        if folder / "__init__.py" not in paths:
            yield f"{folder}: no __init__.py"


def prints(root: Path) -> Iterator[str]:
    for path, text in python_files(root, LIBRARY):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "pprint.pprint"):
                yield f"{path}:{node.lineno}: print in the library; write to a rich console"


def missing_docstrings(root: Path) -> Iterator[str]:
    for path, text in python_files(root, DOCUMENTED):
        if not ast.get_docstring(ast.parse(text)):
            yield f"{path}: no docstring that says what is inside"


def traces_of_a_machine(root: Path) -> Iterator[str]:
    for path in list_files(root):
        content = (root / path).read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8").splitlines(), start=1):
            for pattern in (MACHINE_PATH, REGISTRY):
                if found := pattern.search(line):
                    yield f"{path}:{number}: {found.group()!r} is of one machine"


Check = Callable[[Path], Iterator[str]]
CHECKS: tuple[Check, ...] = (
    *(strange_top_level, long_files, empty_names, missing_packages, prints),
    *(missing_docstrings, traces_of_a_machine),
)

CLEAN = {
    "pyproject.toml": "",
    ".gitignore": "build/\n",
    "build/leftover.py": "print(1)",
    "graphc/__init__.py": '"""A façade."""\n',
    "graphc/printing.py": '"""Prints nothing: print(1) is in a string."""\n' + "\n" * 399,
    "passes/__init__.py": '"""Passes."""\n',
    "passes/common_subexpressions.py": '"""See https://example.org/root/of/all."""\n',
    "tests/test_dtypes.py": "print('a test may')",
    "examples/picture.png": "\0/home/somebody",
}

JOIN = "/".join  # a path that is planted below must not stand in this file
VIOLATIONS: tuple[tuple[Check, str, str, str], ...] = (
    (strange_top_level, "notes.txt", "", "notes.txt: unexpected"),
    (long_files, "graphc/a.py", "\n" * 401, "401 lines"),
    (long_files, "tests/test_a.py", "\n" * 401, "401 lines"),
    (empty_names, "graphc/core/__init__.py", "", "'core' does not say"),
    (empty_names, "passes/graph_utils.py", "", "'graph_utils' does not say"),
    (empty_names, "tests/test_misc.py", "", "'test_misc' does not say"),
    (missing_packages, "graphc/ir/node.py", "", "graphc/ir: no __init__.py"),
    (prints, "passes/a.py", "def f():\n    print(1)", "passes/a.py:2: print"),
    (missing_docstrings, "graphc/a.py", "x = 1", "no docstring"),
    (missing_docstrings, "examples/a.py", "# a comment", "no docstring"),
    (traces_of_a_machine, "README.md", JOIN(["see ", "home", "me", "x"]), "README.md:1"),
    (traces_of_a_machine, "graphc/a.py", JOIN(["x = '", "work", "main'"]), "graphc/a.py:1"),
    (traces_of_a_machine, "graphc/a.py", "\n# https://" + ".".join(["pypi", "org"]), "a.py:2"),
)


def plant(root: Path, sources: dict[str, str]) -> None:
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    for name, source in sources.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(source, encoding="utf-8")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_project_keeps_its_tree_in_order(check: Check) -> None:
    assert Path("graphc/errors.py") in list_files(ROOT), f"no library found under {ROOT}"
    assert not list(check(ROOT))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_what_is_allowed_raises_no_alarm(tmp_path: Path, check: Check) -> None:
    plant(tmp_path, CLEAN)
    assert not list(check(tmp_path))


@pytest.mark.parametrize(("check", "path", "source", "words"), VIOLATIONS)
def test_a_planted_violation_is_found(
    tmp_path: Path, check: Check, path: str, source: str, words: str
) -> None:
    plant(tmp_path, CLEAN | {path: source})
    (found,) = check(tmp_path)
    assert words in found
