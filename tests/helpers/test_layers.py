"""Imports of helpers go one way, nothing slow is imported before it is needed, and a public name has one meaning."""

import ast
import re
import subprocess
import sys

import pytest

from helpers import audit
from tests.conftest import ROOT

PACKAGE = ROOT / "src" / "helpers"
# A module imports only from those that stand after it.
ORDER = "workflow exercises widgets report figures uncertainty mitigate reconstruct segment generate train models"
ORDER += " degrade scores data simulate audit metrics cache processor parallel fingerprint parsed paths errors faces"
ORDER = ORDER.split()
FILES = sorted(PACKAGE.rglob("*.py"))
FACES = sorted(PACKAGE.glob("*/__init__.py"))


def layer(dotted: str) -> str:
    return dotted.split(".")[1]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{a.name}" if node.module == "helpers" else node.module for a in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own == "__init__":
        return
    assert own in ORDER, f"{own} has no place in the order"
    for name in imported(path):
        if name.startswith("helpers.") and layer(name) != own:
            assert ORDER.index(layer(name)) > ORDER.index(own), f"{own} imports {name}"


# A third is docstrings; to be split with a proof that no number changes (make restamp).
LONGER = {"audit/variance.py": 430}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_are_small_and_do_not_print(path):
    text = path.read_text()
    assert len(text.splitlines()) <= LONGER.get(str(path.relative_to(PACKAGE)), 330)
    if path.name not in {"__main__.py", "workflow.py"}:
        calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
        assert "print" not in calls
    assert "plt.show" not in text
    assert not re.search(r"(?<!allow_)pickle|allow_pickle=True", text)


@pytest.mark.parametrize("path", FACES, ids=lambda p: p.parent.name)
def test_a_package_only_attaches_what_its_stub_imports(path):
    code = [n for n in ast.parse(path.read_text()).body if not isinstance(n, ast.Expr)]
    assert [ast.unparse(n) for n in code] == ["from helpers.faces import attach", "__all__ = attach(__name__)"]
    stub = [n for n in ast.parse(path.with_suffix(".pyi").read_text()).body if not isinstance(n, ast.Expr)]
    *imports, names = stub
    assert all(isinstance(n, ast.ImportFrom) for n in imports)
    below = ORDER[ORDER.index(path.parent.name) :]
    assert all(layer(n.module) in below for n in imports), "a face names what its package or one below it defines"
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

faces = [m.name for m in pkgutil.iter_modules(helpers.__path__, "helpers.") if m.ispkg]

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
    with pytest.raises(AttributeError, match=r"module 'helpers\.audit' has no attribute 'gapp'"):
        audit.gapp  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'gapp'"):
        exec("from helpers.audit import gapp")


def test_importing_a_package_imports_none_of_its_modules():
    code = (
        "import sys; from helpers import audit, report, train; print([m for m in sys.modules if m.count('.') > 1 and "
    )
    code += "m.startswith('helpers.')], 'pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[] False", done.stderr


def test_only_paths_reads_the_environment():
    for path in FILES:
        if path.stem != "paths":
            assert "environ" not in path.read_text() and "getenv" not in path.read_text(), path


def test_what_most_notebooks_use_leaves_torch_alone():
    code = "import sys; from helpers import audit, data, figures, report, scores, simulate, widgets; "
    code += "[getattr(p, n) for p in (audit, data, figures, report, scores, simulate, widgets) for n in p.__all__]; "
    code += "print('torch' in sys.modules, 'nbformat' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "False False", done.stderr
