"""Imports of helpers go one way, nothing slow is imported before it is needed, and a public name has one meaning."""

import ast
import re
import subprocess
import sys

import pytest

from helpers import stats
from tests.conftest import ROOT

PACKAGE = ROOT / "src" / "helpers"
# A module imports only from those that stand after it.
ORDER = "studies book exercises widgets report figures learn degrade scores datasets stats metrics keep"
ORDER += " paths disclosure errors faces"
ORDER = ORDER.split()
FILES = sorted(PACKAGE.rglob("*.py"))
FACES = sorted(stub.with_suffix(".py") for stub in PACKAGE.rglob("__init__.pyi"))


def layer(dotted: str) -> str:
    return dotted.split(".")[1]


def room(dotted: str) -> str:
    """The layer, and of studies which one."""
    parts = dotted.split(".")
    return ".".join(parts[1:3]) if parts[1] == "studies" else parts[1]


def dotted(path) -> str:
    return ".".join(["helpers", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = node.module in {"helpers", "helpers.studies"}
            yield from (f"{node.module}.{a.name}" if whole else node.module for a in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down(path):
    """Nothing imports a study but itself, and no study another."""
    if path == PACKAGE / "__init__.py":
        return
    own = dotted(path)
    assert layer(own) in ORDER, f"{own} has no place in the order"
    for name in imported(path):
        if name.startswith("helpers.") and room(name) != room(own):
            assert ORDER.index(layer(name)) > ORDER.index(layer(own)), f"{own} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_module_has_the_name_of_what_it_defines_or_its_face_names(path):
    """Else a name would be one or the other by the order of imports."""
    defined = [n.name for n in ast.parse(path.read_text()).body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    assert path.stem not in defined
    stub = path.parent / "__init__.pyi"
    if path.name != "__init__.py" and stub.is_file():
        imports = [n for n in ast.parse(stub.read_text()).body if isinstance(n, ast.ImportFrom)]
        assert path.stem not in {
            a.asname or a.name for n in imports if n.module != dotted(path.parent) for a in n.names
        }


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_are_small_and_do_not_print(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 330
    if path.name not in {"__main__.py", "workflow.py"}:
        calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
        assert "print" not in calls
    assert "plt.show" not in text
    assert not re.search(r"(?<!allow_)pickle|allow_pickle=True", text)


def test_every_package_is_a_face_but_those_that_only_hold_others():
    plain = {dotted(file) for file in PACKAGE.rglob("*/__init__.py")} - {dotted(file) for file in FACES}
    assert all(name == "helpers.studies" or name.startswith("helpers.datasets.") for name in plain)
    texts = [(PACKAGE.parent.joinpath(*name.split(".")) / "__init__.py").read_text() for name in plain]
    assert all(isinstance(node, ast.Expr) for text in texts for node in ast.parse(text).body)


@pytest.mark.parametrize("path", FACES, ids=lambda p: p.parent.name)
def test_a_package_only_attaches_what_its_stub_imports(path):
    code = [n for n in ast.parse(path.read_text()).body if not isinstance(n, ast.Expr)]
    assert [ast.unparse(n) for n in code] == ["from helpers.faces import attach", "__all__ = attach(__name__)"]
    stub = [n for n in ast.parse(path.with_suffix(".pyi").read_text()).body if not isinstance(n, ast.Expr)]
    *imports, names = stub
    assert all(isinstance(n, ast.ImportFrom) for n in imports)
    own = dotted(path)
    below = ORDER[ORDER.index(layer(own)) + 1 :]
    good = [room(n.module) == room(own) or layer(n.module) in below for n in imports]
    assert all(good), "a face names what its package or one below it defines"
    named = [a.asname or a.name for n in imports for a in n.names]
    assert len(named) == len(set(named))
    assert isinstance(names, ast.Assign) and ast.unparse(names.targets) == "__all__"
    assert sorted(ast.literal_eval(names.value)) == sorted(named)


# Every public name is what its stub imports, whether its module was imported before or after, and never the module
# of the same name.
NAMES = """
import ast, importlib, pkgutil, sys
from pathlib import Path
from types import ModuleType
import helpers

packages = [m for m in pkgutil.walk_packages(helpers.__path__, "helpers.") if m.ispkg]
places = {m.name: Path(m.module_finder.path, m.name.rpartition(".")[2], "__init__.pyi") for m in packages}
faces = [name for name, stub in places.items() if stub.is_file()]

def modules():
    for m in pkgutil.walk_packages(helpers.__path__, "helpers."):
        if not m.name.endswith("__main__"):
            importlib.import_module(m.name)

def names():
    for name in faces:
        face = importlib.import_module(name)
        stub = ast.parse(Path(face.__file__).with_suffix(".pyi").read_text())
        public = [(n.module, a) for n in stub.body if isinstance(n, ast.ImportFrom) for a in n.names]
        assert len(public) == len(face.__all__) > 0 and set(face.__all__) <= set(dir(face)), name
        for module, alias in public:
            found = getattr(face, alias.asname or alias.name)
            if f"{module}.{alias.name}" in sys.modules and module in faces:
                assert found is sys.modules[f"{module}.{alias.name}"], (name, alias.name)
            else:
                assert not isinstance(found, ModuleType), (name, alias.name)
                assert found is getattr(importlib.import_module(module), alias.name), (name, alias.name)
            there = {}
            exec(f"from {name} import {alias.asname or alias.name} as it", there)
            assert there["it"] is found

"""


@pytest.mark.parametrize(
    "order",
    [
        pytest.param("names(); modules(); names()", id="names first"),
        pytest.param("modules(); names()", id="modules first", marks=pytest.mark.slow),
    ],
)
def test_a_public_name_is_never_the_module_of_the_same_name(order):
    done = subprocess.run([sys.executable, "-c", NAMES + order], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_face_has_no_other_names():
    with pytest.raises(AttributeError, match=r"module 'helpers\.stats' has no attribute 'gapp'"):
        stats.gapp  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'gapp'"):
        exec("from helpers.stats import gapp")


def test_importing_a_package_imports_none_of_its_modules():
    code = (
        "import sys; from helpers import learn, report, stats; print([m for m in sys.modules if m.count('.') > 1 and "
    )
    code += "m.startswith('helpers.')], 'pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[] False", done.stderr


def test_only_paths_reads_the_environment():
    for path in FILES:
        if path.stem != "paths":
            assert "environ" not in path.read_text() and "getenv" not in path.read_text(), path


def test_what_most_notebooks_use_leaves_torch_alone():
    code = "import sys; from helpers import datasets, figures, report, scores, stats, widgets; "
    code += "[getattr(p, n) for p in (datasets, figures, report, scores, stats, widgets) for n in p.__all__]; "
    code += "print('torch' in sys.modules, 'nbformat' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "False False", done.stderr
