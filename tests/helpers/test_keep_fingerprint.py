"""Which code made a number: imports are followed by name, and only to what computes."""

import json
from pathlib import Path

import pytest

from helpers import metrics
from helpers.keep import fingerprint
from tests.conftest import ROOT

SOURCES = {
    "__init__.py": "",
    "errors.py": "class InputError(ValueError): ...",
    "audit/__init__.py": "from helpers.audit.gaps import gap\nfrom helpers.audit.ruler import judge, ruler",
    "audit/gaps.py": "import numpy as np\nfrom helpers.audit import shared\ndef gap(): return np.mean(shared.WIDTH)",
    "audit/shared.py": "WIDTH = 1",
    "audit/ruler.py": "from helpers.errors import InputError\n\n\ndef ruler(): ...\n\n\ndef judge(): ...",
    "audit/alone.py": "from helpers import audit\ndef every(): return [getattr(audit, n) for n in ('gap', 'ruler')]",
    "train/__init__.py": "from helpers.train.loop import fit",
    "train/loop.py": """
from typing import TYPE_CHECKING
import torch
if TYPE_CHECKING:
    from helpers.audit import ruler
def fit():
    from helpers.train import steps
    return steps.step()
""",
    "train/steps.py": "def step(): ...",
    "figures/__init__.py": "from helpers.figures.bars import bars",
    "figures/bars.py": "from helpers.audit import judge\n\nCOLOUR = 'blue'\n\n\ndef bars(): return judge()",
}
CELLS = {
    "gaps": "from helpers import audit\naudit.gap()",
    "rulers": "from helpers import audit, figures\nfigures.bars(audit.ruler())",
    "drawn": "from helpers import audit, figures\nfigures.bars(audit.gap())",
    "trained": "import helpers.train\nhelpers.train.fit()",
}
GAPS, RULER = {"helpers.audit.gaps", "helpers.audit.shared"}, {"helpers.audit.ruler"}


@pytest.fixture
def root(tmp_path) -> Path:
    """Folder of a small package of the same name."""
    for name, text in SOURCES.items():
        (tmp_path / "helpers" / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / "helpers" / name).write_text(text)
    for name, text in CELLS.items():
        write(tmp_path / f"{name}.ipynb", text)
    return tmp_path


def write(file: Path, *sources: str, tags: tuple[str, ...] = ()) -> Path:
    cells = [{"cell_type": "code", "source": text.splitlines(True), "metadata": {}} for text in sources]
    cells[-1]["metadata"]["tags"] = list(tags)
    file.write_text(json.dumps({"cells": cells}))
    return file


def named(thing, root, **options) -> set[str]:
    return set(fingerprint.modules_of(thing, root=root, **options))


@pytest.mark.parametrize(
    ("notebook", "modules"),
    [
        ("gaps", GAPS),
        ("rulers", RULER),
        ("drawn", GAPS),
        ("trained", {"helpers.train.loop", "helpers.train.steps"}),
    ],
)
def test_names_are_followed_to_the_module_that_defines_them(notebook, modules, root):
    assert named(root / f"{notebook}.ipynb", root) == modules


def test_what_a_drawing_module_imports_is_not_computed_with(root):
    drawn = named(root / "drawn.ipynb", root, looking=True)
    assert drawn == GAPS | RULER | {"helpers.figures.bars", "helpers.errors"}


def test_a_name_without_what_follows_is_the_whole_package(root):
    assert named("helpers.audit.alone", root) == GAPS | RULER | {"helpers.audit.alone"}
    assert named("helpers.audit", root) == GAPS | RULER | {"helpers.audit.alone"}


def test_a_face_that_loads_late_names_modules_in_its_stub(root):
    (root / "helpers" / "audit" / "__init__.pyi").write_text("from .gaps import gap\nfrom .ruler import ruler\n")
    (root / "helpers" / "audit" / "__init__.py").write_text("import lazy_loader\n")
    assert named(root / "gaps.ipynb", root) == GAPS


def test_cells_aside_count_only_where_one_looks(root):
    file = write(root / "aside.ipynb", CELLS["gaps"], "from helpers import train\ntrain.fit()", tags=("explore",))
    assert named(file, root) == GAPS
    assert "helpers.train.loop" in named(file, root, looking=True)


@pytest.mark.parametrize(
    ("module", "change", "old"),
    [
        ("audit/gaps.py", "\n\nMORE = 1\n", {"gaps", "drawn"}),
        ("audit/shared.py", "\n\nMORE = 1\n", {"gaps", "drawn"}),
        ("audit/ruler.py", "\n\nMORE = 1\n", {"rulers"}),
        ("train/steps.py", "\n\nMORE = 1\n", {"trained"}),
        ("audit/gaps.py", "\n# a comment\n", set()),
        ("figures/bars.py", "\n\nCOLOUR = 'red'\n", set()),
        ("errors.py", "\n\nMORE = 1\n", set()),
    ],
)
def test_a_change_makes_old_what_computes_with_it(module, change, old, root):
    def codes():
        return {name: fingerprint.code_of(root / f"{name}.ipynb", root=root) for name in CELLS}

    before, file = codes(), root / "helpers" / module
    file.write_text(file.read_text() + change)
    after = codes()
    assert {name for name in CELLS if before[name] != after[name]} == old


def test_a_colour_is_what_pages_are_drawn_with(root):
    def codes():
        return {name: fingerprint.code_of(root / f"{name}.ipynb", root=root, looking=True) for name in CELLS}

    before, file = codes(), root / "helpers" / "figures" / "bars.py"
    file.write_text(file.read_text().replace("blue", "red"))
    after = codes()
    assert {name for name in CELLS if before[name] != after[name]} == {"rulers", "drawn"}


def test_libraries_are_those_that_the_code_imports(root):
    assert set(fingerprint.made_by(root / "gaps.ipynb", root=root)["libraries"]) == {"numpy"}
    assert set(fingerprint.made_by(root / "trained.ipynb", root=root)["libraries"]) == {"torch"}


def test_a_function_stands_for_its_module():
    assert fingerprint.code_of(metrics.psnr) == fingerprint.code_of("helpers.metrics.images")
    assert fingerprint.modules_of(len, lambda: 1) == {}


def test_every_module_that_a_study_loads_by_a_name_is_found():
    """Of the real package: no study computes with a module that draws, and each finds what it trains with."""
    every = {file.stem: fingerprint.modules_of(file) for file in (ROOT / "notebooks").glob("[0-9]*.ipynb")}
    assert all(fingerprint.computes(module) for modules in every.values() for module in modules)
    trained = {name for name, modules in every.items() if "helpers.learn.loop" in modules}
    assert {"02_five_worlds", "03_skin_tone_vae", "05_mitigation", "06_vae_uncertainty"} <= trained
    assert not {"00_calibration", "01_label_audit", "07_your_own_scores"} & trained
    audited = {name for name, modules in every.items() if "helpers.stats.attributes" in modules}
    new = {name for name in audited if name > "07_your_own_scores"}  # a later study may use any module
    assert audited - new == {"07_your_own_scores"}


def test_a_stub_that_changes_is_followed_anew(root):
    user, stub = "helpers.train.user", root / "helpers" / "audit" / "__init__.pyi"
    (root / "helpers" / "train" / "user.py").write_text("from helpers import audit\ndef use(): return audit.gap()")
    stub.write_text("from helpers.audit.gaps import gap")
    assert named(user, root) == {user, *GAPS}
    stub.write_text("from helpers.audit.ruler import ruler as gap")
    assert named(user, root) == {user, *RULER}


def test_hidden_files_are_no_code(root):
    """Such as the lock of an editor, a link to nowhere, and JupyterLab's copies."""
    before = fingerprint.code_of("helpers.audit", root=root)
    (root / "helpers" / "audit" / ".#gaps.py").symlink_to("nobody@nowhere")
    (root / "helpers" / "audit" / "gone.txt.py").symlink_to("nowhere.py")
    copies = root / "helpers" / "audit" / ".ipynb_checkpoints"
    copies.mkdir()
    (copies / "gaps-checkpoint.py").write_text("more = 1")
    assert fingerprint.code_of("helpers.audit.gaps", root=root)
    (root / "helpers" / "audit" / "gone.txt.py").unlink()
    assert fingerprint.code_of("helpers.audit", root=root) == before
