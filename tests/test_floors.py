"""The floors of graphc: imports go down only.

The tables below are the whole of what is allowed. Each check is also run on a small tree with one
violation planted in it, so that none can fall silent. A new package needs a line in `FLOORS`, and
one that uses a neighbour of its own floor a line in `SIDEWAYS`.
"""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import networkx
import pytest

ROOT = Path(__file__).resolve().parent.parent

FLOORS = {
    0: (
        *("errors", "settings", "dtypes", "dimensions", "dimension_algebra"),
        *("garbage_collection", "naming", "memory_sizes", "missing_names", "tracking"),
    ),
    1: ("ir",),
    2: ("opset",),
    3: (
        *("rewriting", "lowering", "reference", "update_rules", "instrumentation"),
        *("configurable", "custom_objects"),
    ),
    4: (
        *("ops", "nn", "random", "layers", "losses", "metrics", "initializers"),
        *("optimizers", "activations", "regularizers", "constraints", "preparation"),
        *("importers", "exporters", "backend", "config", "dtype_policies", "mixed_precision"),
        "passes",
    ),
    5: (
        *("session", "callbacks", "training", "files", "models", "tools", "utils", "saving"),
        *("__init__", "__main__"),
    ),
}
FLOOR_OF = {place: floor for floor, places in FLOORS.items() for place in places}

# What may be imported from a neighbour of the same floor: all else stands side by side.
SIDEWAYS = {
    # A user's mistake raises an error of the family, on the lowest floor too.
    "settings": {"errors"},
    "dtypes": {"errors"},
    "memory_sizes": {"errors"},
    "missing_names": {"errors"},
    "dimension_algebra": {"errors"},
    "dimensions": {"errors", "dimension_algebra"},
    # A pass like any other, but none that a pipeline has unless it is asked for.
    "instrumentation": {"rewriting"},
    # What data describe may be a user's own.
    "configurable": {"custom_objects"},
    # Layers are made of functions, models of layers.
    **{key: {"ops"} for key in ("nn", "random", "activations", "regularizers", "constraints")},
    "preparation": {"ops"},
    "initializers": {"ops", "random"},
    "optimizers": {"ops", "initializers"},
    "losses": {"ops", "nn"},
    "metrics": {"ops", "nn", "initializers", "losses"},
    "layers": {
        *("ops", "nn", "random", "importers", "activations", "initializers"),
        *("regularizers", "constraints"),
    },
    "importers": {"ops", "nn"},
    "backend": {"ops", "preparation"},
    "config": {"backend", "layers"},
    "dtype_policies": {"layers"},
    "mixed_precision": {"config", "layers", "optimizers"},
    # The tools are users: they write `import graphc` as a user does.
    "training": {"session", "callbacks"},
    "files": {"session"},
    "models": {"training", "files"},
    "tools": {"session", "training", "models", "__init__"},
    "utils": {"models"},
    "saving": {"files"},
    "__init__": {"session", "callbacks", "training", "files", "models", "utils", "saving"},
    "__main__": {"tools"},
}

# The modules of graphc/opset/ that belong to no family: all families may use the first, only
# the second may use families.
OPSET_SHARED = {"elementwise_definition", "lowerings", "samples", "type_rules"}
OPSET_GATHERING = {"__init__"}

# The only file that may touch JAX's private modules.
JAX_INTERNALS = "graphc.lowering.jax_internals"
# And the one test that runs JAX's own cases, which have no public name.
JAX_CASES = "tests.importers.jax_functions.jax_harnesses", "jax._src.internal_test_util"


@dataclass(frozen=True)
class Import:
    """One import, of a module of the tree or of another distribution."""

    source: str
    target: str
    line: int
    function: str | None
    typing_only: bool
    named_facade: bool
    relative: bool

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.target}"


@dataclass
class Tree:
    """The modules under a root and what they import."""

    modules: dict[str, Path] = field(default_factory=dict)
    imports: list[Import] = field(default_factory=list)


def read_tree(root: Path, packages: tuple[str, ...] = ("graphc", "passes")) -> Tree:
    tree = Tree()
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            tree.modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    for module, path in tree.modules.items():
        collector = Collector(module, tree.modules)
        collector.visit(ast.parse(path.read_text(encoding="utf-8"), str(path)))
        tree.imports += collector.imports
    return tree


class Collector(ast.NodeVisitor):
    """Finds the imports of one module, with the function and the `if TYPE_CHECKING` around each."""

    def __init__(self, module: str, modules: dict[str, Path]) -> None:
        self.module = module
        self.modules = modules
        self.imports: list[Import] = []
        self.functions: list[str] = []
        self.scopes: list[str] = []
        self.typing_only = False

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.scopes.append(node.name)
        self.generic_visit(node)
        self.scopes.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.scopes.append(node.name)
        self.functions.append(".".join(self.scopes))
        self.generic_visit(node)
        self.functions.pop()
        self.scopes.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815, the name that ast calls

    def visit_If(self, node: ast.If) -> None:
        outside, test = self.typing_only, ast.unparse(node.test)
        self.typing_only = outside or test in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for child in node.body:
            self.visit(child)
        self.typing_only = outside
        for child in node.orelse:
            self.visit(child)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.add(alias.name, node.lineno, named_facade=alias.name == "graphc")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        source = node.module or ""
        facade = source == "graphc" and node.level == 0
        for alias in node.names:
            name = f"{source}.{alias.name}"
            target = name if name in self.modules or name == "jax._src" else source
            self.add(target, node.lineno, facade, relative=node.level > 0)

    def visit_Call(self, node: ast.Call) -> None:
        """An import by a function is one too, where its argument can be read."""
        name = ast.unparse(node.func).rpartition(".")[2]
        if name in ("import_module", "__import__") and node.args:
            argument = node.args[0]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                self.add(argument.value, node.lineno)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr == "_src" and ast.unparse(node.value) == "jax":
            self.add("jax._src", node.lineno)
        self.generic_visit(node)

    def add(
        self, target: str, line: int, named_facade: bool = False, relative: bool = False
    ) -> None:
        function = self.functions[0] if self.functions else None
        self.imports.append(
            Import(self.module, target, line, function, self.typing_only, named_facade, relative)
        )


def place_of(module: str) -> str:
    """The part of the building a module is in: `graphc.ir.node` is in `ir`."""
    first, *rest = module.split(".")
    return "passes" if first == "passes" else rest[0] if rest else "__init__"


def is_ours(module: str) -> bool:
    return module.partition(".")[0] in ("graphc", "passes")


def unknown_places(tree: Tree) -> Iterator[str]:
    for place in sorted({place_of(module) for module in tree.modules} - set(FLOOR_OF)):
        yield f"graphc/{place} has no floor: give it one in FLOORS"


def upward_imports(tree: Tree) -> Iterator[str]:
    for each in tree.imports:
        if is_ours(each.target):
            here, there = (FLOOR_OF.get(place_of(name), 5) for name in (each.source, each.target))
            if there > here:
                yield f"{each}: from floor {here} up to floor {there}"


def sideways_imports(tree: Tree) -> Iterator[str]:
    for each in tree.imports:
        here, there = place_of(each.source), place_of(each.target)
        same_floor = FLOOR_OF.get(here) == FLOOR_OF.get(there)
        if is_ours(each.target) and same_floor and there not in {here, *SIDEWAYS.get(here, ())}:
            yield f"{each}: {here} and {there} stand side by side"


def family_imports(tree: Tree) -> Iterator[str]:
    def family(module: str) -> str | None:
        package, opset, member, *_ = (*module.split("."), "", "__init__")
        return member or "__init__" if (package, opset) == ("graphc", "opset") else None

    for each in tree.imports:
        here, there = family(each.source), family(each.target)
        if here is None or there is None or here == there:
            continue
        if here not in OPSET_GATHERING and there not in OPSET_SHARED:
            yield f"{each}: op families never import each other"


def doors_to_passes(tree: Tree) -> Iterator[str]:
    """graphc may import `passes` in one function: at the top it would be imported by its user."""
    doors = [
        each
        for each in tree.imports
        if place_of(each.target) == "passes" and each.source.startswith("graphc")
    ]
    for each in doors:
        if each.function is None:
            yield f"{each}: not inside the one function that may"
    if len({(each.source, each.function) for each in doors}) > 1:
        yield "more than one function imports passes: " + "; ".join(map(str, doors))


def short_paths(tree: Tree) -> Iterator[str]:
    for each in tree.imports:
        if each.relative:
            yield f"{each.source}:{each.line}: a relative import; write the full path"
        elif each.named_facade and place_of(each.source) != "tools":
            yield f"{each}: through the façade; import the submodule by its full path"


def local_imports(tree: Tree) -> Iterator[str]:
    for each in tree.imports:
        door = place_of(each.target) == "passes" and each.source.startswith("graphc")
        if each.function and is_ours(each.target) and not door:
            yield f"{each} inside {each.function}: plaster over a cycle"


def private_jax_imports(tree: Tree) -> Iterator[str]:
    for each in tree.imports:
        is_private = f"{each.target}.".startswith("jax._src.")
        are_cases = each.source == JAX_CASES[0] and each.target.startswith(JAX_CASES[1])
        if is_private and not are_cases and each.source != JAX_INTERNALS:
            yield f"{each}: only {JAX_INTERNALS} may"


def cycles(tree: Tree) -> Iterator[str]:
    graph = networkx.DiGraph(
        (each.source, each.target)
        for each in tree.imports
        if is_ours(each.target) and not each.typing_only and each.function is None
    )
    for component in networkx.strongly_connected_components(graph):
        if len(component) > 1:
            yield "these modules import each other: " + ", ".join(sorted(component))


Check = Callable[[Tree], Iterator[str]]
CHECKS: tuple[Check, ...] = (
    *(unknown_places, upward_imports, sideways_imports, family_imports, doors_to_passes),
    *(short_paths, local_imports, private_jax_imports, cycles),
)


@pytest.fixture(scope="module")
def tree() -> Tree:
    tree = read_tree(ROOT)
    assert "graphc.errors" in tree.modules, f"no library found under {ROOT}"
    return tree


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_library_keeps_to_its_floors(tree: Tree, check: Check) -> None:
    assert not list(check(tree))


def test_tests_benchmarks_and_examples_leave_private_jax_alone() -> None:
    assert not list(private_jax_imports(read_tree(ROOT, ("tests", "benchmarks", "examples"))))


def test_neighbours_do_not_lean_on_each_other_in_a_circle() -> None:
    assert list(graphlib.TopologicalSorter(SIDEWAYS).static_order())


# A tree that breaks nothing, although it has most of what is allowed.
CLEAN = {
    "graphc/__init__.py": "from graphc.session.session import Session",
    "graphc/errors.py": "import sys",
    "graphc/dtypes.py": "from graphc.errors import DTypeError",
    "graphc/ir/__init__.py": "",
    "graphc/ir/node.py": "import typing\nif typing.TYPE_CHECKING:\n    import graphc.ir.graph",
    "graphc/ir/graph.py": "from graphc.ir.node import Node\nimport graphc.dtypes",
    "graphc/opset/__init__.py": "from graphc.opset import elementwise, shapes",
    "graphc/opset/type_rules.py": "from graphc.ir.node import Node",
    "graphc/opset/elementwise.py": "from graphc.opset.type_rules import define",
    "graphc/opset/shapes/reshape.py": "from graphc.opset.shapes.rules import size",
    "graphc/opset/shapes/rules.py": "",
    "graphc/lowering/jax_internals.py": "from jax._src import core",
    "graphc/ops/arithmetic.py": "import graphc.opset.type_rules",
    "graphc/nn/softmax.py": "from graphc.ops.arithmetic import add",
    "graphc/session/session.py": "class S:\n    def f(self):\n        import passes.pipelines",
    "graphc/tools/demo.py": "import graphc",
    "passes/pipelines.py": "from graphc.ir.graph import Graph\nimport passes.algebra",
    "passes/algebra.py": "",
}

VIOLATIONS: tuple[tuple[Check, str, str, str], ...] = (
    (unknown_places, "graphc/plumbing/pipe.py", "", "graphc/plumbing has no floor"),
    (
        upward_imports,
        "graphc/ir/node.py",
        "import graphc.opset.type_rules",
        "floor 1 up to floor 2",
    ),
    (upward_imports, "passes/a.py", "import graphc.session.session", "floor 4 up to floor 5"),
    (upward_imports, "graphc/ir/node.py", "if TYPE_CHECKING:\n  import graphc", "up to floor 5"),
    (upward_imports, "graphc/ir/a.py", "import_module('graphc.ops')", "floor 1 up to floor 4"),
    (sideways_imports, "graphc/errors.py", "import graphc.dtypes", "errors and dtypes"),
    (sideways_imports, "graphc/lowering/a.py", "import graphc.reference", "lowering and reference"),
    (sideways_imports, "graphc/ops/a.py", "from graphc.nn.softmax import f", "ops and nn"),
    (sideways_imports, "passes/a.py", "from graphc.ops import arithmetic", "passes and ops"),
    (family_imports, "graphc/opset/a.py", "from graphc.opset import shapes", "op families"),
    (
        family_imports,
        "graphc/opset/type_rules.py",
        "import graphc.opset.shapes.rules",
        "op families",
    ),
    (doors_to_passes, "graphc/session/session.py", "import passes", "not inside the one function"),
    (doors_to_passes, "graphc/tools/a.py", "def f():\n  import passes", "more than one function"),
    (short_paths, "graphc/opset/a.py", "from graphc import dtypes", "through the façade"),
    (short_paths, "graphc/session/a.py", "import graphc", "through the façade"),
    (short_paths, "graphc/ir/a.py", "from .node import Node", "a relative import"),
    (local_imports, "graphc/ir/a.py", "def f():\n  import graphc.ir.node", "inside f: plaster"),
    (local_imports, "passes/a.py", "def f():\n  import passes.algebra", "inside f: plaster"),
    (private_jax_imports, "graphc/ir/a.py", "from jax._src import core", "only graphc.lowering"),
    (private_jax_imports, "graphc/ir/a.py", "import jax._src.core as c", "only graphc.lowering"),
    (private_jax_imports, "graphc/ir/a.py", "from jax import _src", "only graphc.lowering"),
    (private_jax_imports, "graphc/ir/a.py", "import jax\njax._src.core", "only graphc.lowering"),
    (cycles, "graphc/dtypes.py", "import graphc.ir.graph", "graphc.dtypes, graphc.ir.graph"),
)


def plant(root: Path, sources: dict[str, str]) -> None:
    for name, source in sources.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(source, encoding="utf-8")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_what_is_allowed_raises_no_alarm(tmp_path: Path, check: Check) -> None:
    plant(tmp_path, CLEAN)
    assert not list(check(read_tree(tmp_path)))


@pytest.mark.parametrize(("check", "path", "source", "words"), VIOLATIONS)
def test_a_planted_violation_is_found(
    tmp_path: Path, check: Check, path: str, source: str, words: str
) -> None:
    plant(tmp_path, CLEAN | {path: source})
    (found,) = check(read_tree(tmp_path))
    assert words in found
