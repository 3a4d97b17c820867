"""Every module can be imported first and alone, without what only the extras bring."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Whoever imports `graphc.a.b` imports `graphc` before it. So a package is imported in a fork of one
# process that has imported the other distributions, and what that has not brought along already is
# imported in forks of the fork. What only the extras bring is hidden: the library must do without.
IMPORT_ALONE = """
import importlib, os, sys, traceback, warnings
root, *modules = sys.argv[1:]
sys.path.insert(0, root)
warnings.simplefilter("ignore")
import jax, networkx, numpy, rich.console
sys.modules.update(dict.fromkeys(("sklearn", "pytest", "hypothesis")))

def in_a_fork(module, then=lambda: True):
    sys.stdout.flush()
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    try:
        warnings.simplefilter("error")
        importlib.import_module(module)
    except BaseException:
        print("cannot be imported first and alone:", module)
        traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
        os._exit(1)
    sound = then()
    sys.stdout.flush()
    os._exit(not sound)

def each_of(package):
    inside = [name for name in modules if name.startswith(package + ".")]
    return all([in_a_fork(name) for name in inside if name not in sys.modules])

packages = [name for name in modules if "." not in name]
sys.exit(not all([in_a_fork(name, lambda: each_of(name)) for name in packages]))
"""


def module_names(root: Path) -> list[str]:
    paths = [path for package in ("graphc", "passes") for path in (root / package).rglob("*.py")]
    names = (".".join(path.relative_to(root).with_suffix("").parts) for path in sorted(paths))
    return [name.removesuffix(".__init__") for name in names]


def import_each_alone(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", IMPORT_ALONE, str(root), *module_names(root)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_every_module_of_the_library_can_be_imported_first() -> None:
    assert "graphc.errors" in module_names(ROOT), f"no library found under {ROOT}"
    done = import_each_alone(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


# The façade imports its session at the top, and the session imports the passes at the top: fine
# as long as graphc comes first, an error where the passes do.
CIRCLE = {
    "graphc/__init__.py": "import graphc.session",
    "graphc/session.py": "from passes.pipelines import default",
    "graphc/errors.py": "E = 1",
    "passes/__init__.py": "",
    "passes/pipelines.py": "from graphc.errors import E\ndefault = 1",
}


@pytest.mark.parametrize(
    ("sources", "found"),
    [
        ({"graphc/__init__.py": "", "passes/__init__.py": "import graphc"}, []),
        (CIRCLE, ["passes.pipelines"]),
        ({"graphc/__init__.py": "", "graphc/demo.py": "import sklearn"}, ["graphc.demo"]),
        ({"graphc/__init__.py": "import warnings\nwarnings.warn('old')"}, ["graphc"]),
    ],
    ids=["sound", "circle through the façade", "needs an extra", "warns"],
)
def test_what_cannot_be_imported_first_is_found(
    tmp_path: Path, sources: dict[str, str], found: list[str]
) -> None:
    for name, source in sources.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(source, encoding="utf-8")
    done = import_each_alone(tmp_path)
    failed = [line for line in done.stdout.splitlines() if line.startswith("cannot be imported")]
    assert [line.rpartition(" ")[2] for line in failed] == found
    assert done.returncode == bool(found), done.stdout + done.stderr
