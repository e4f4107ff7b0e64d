"""Pixels of real images: no record takes them, and a page shows a sentence in their place."""

import ast
import inspect

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
from matplotlib.image import AxesImage
from matplotlib.text import Text
from PIL import Image

from helpers import figures, paths, report, widgets
from helpers.errors import InputError
from helpers.figures import withholding
from helpers.report import recording
from helpers.studies import skin_tone
from tests.conftest import ROOT

mpl.use("Agg")
STUDY = "01_label_audit"


@pytest.fixture
def figure():
    """A function that makes a figure with or without pixels."""

    def made(pixels):
        fig, ax = plt.subplots()
        grid = np.zeros((1, 1, 3, 8, 8), np.uint8)
        return fig if not pixels else figures.pictures(grid, rows=["a"], columns=["b"], ax=ax).figure

    yield made
    plt.close("all")


@pytest.mark.parametrize(
    ("source", "pixels", "aggregate", "refused", "kept"),
    [
        ("real", True, True, True, None),
        ("real", True, False, False, 0),
        ("real", False, True, False, 0),
        ("simulated", True, True, False, 1),
        ("simulated", True, False, False, 1),
    ],
)
def test_pixels_of_real_images_are_neither_saved_nor_shown(source, pixels, aggregate, refused, kept, figure, tmp_path):
    names = {"__annotations__": {"RUN_DIR": str, "SOURCE": str}, "SOURCE": source, "RUN_DIR": str(tmp_path / "run")}
    run, fig = report.start(STUDY, names), figure(pixels)
    if refused:
        with pytest.raises(InputError, match="figure fig-x: it shows pixels of real images, which no record may hold"):
            run.save(fig, "fig-x", aggregate=aggregate)
        assert not (run.folder / "figures" / "fig-x.png").exists() and not run.figures
        return
    run.save(fig, "fig-x", aggregate=aggregate)
    assert len(fig.findobj(AxesImage)) == kept  # what the cell shows, too
    assert (withholding.WITHHELD in {text.get_text() for text in fig.findobj(Text)}) == (pixels and not kept)
    with Image.open(run.folder / "figures" / "fig-x.png") as saved:
        assert saved.info.get("Shows") == ("pixels" if kept else None)


@pytest.mark.parametrize(
    ("pixels", "source", "refused"), [(True, "real", True), (False, "real", False), (True, "simulated", False)]
)
def test_a_record_takes_no_figure_with_pixels_of_real_images(pixels, source, refused, figure, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "recorded", lambda: tmp_path / "recorded")
    names = {"__annotations__": {"RUN_DIR": str, "SOURCE": str}, "SOURCE": "simulated", "RUN_DIR": str(tmp_path / "r")}
    run = report.start(STUDY, names)
    run.save(figure(pixels), "fig-x", aggregate=True)
    run.provenance["source"] = source  # planted: its files were saved as those of a simulated run
    report.record(run, values={}, claims=[], dropped=pd.DataFrame(), cases=pd.DataFrame({"x": [1.0]}))
    if refused:
        with pytest.raises(InputError, match="r, figure fig-x: it shows pixels of real images"):
            recording.keep(run.folder, STUDY, "x")
        assert not (tmp_path / "recorded" / STUDY).exists()
    else:
        assert (recording.keep(run.folder, STUDY, "x") / "fig-x.png").is_file()


DRAWS_PIXELS = {"imshow", "matshow", "figimage", "pcolor", "pcolorfast", "pcolormesh", "spy"}
REAL_ASKED = {"cases_view", "explore_cases", "code_view", "explore_codes"}  # that show pictures without a call of save


def functions(path):
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]


def called(node):
    """Names of the functions that a piece of code calls."""
    calls = [n.func for n in ast.walk(node) if isinstance(n, ast.Call)]
    return {func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in calls}


def test_every_function_that_draws_pixels_marks_its_axes():
    found = {f"{p.stem}.{f.name}": called(f) for p in (ROOT / "src" / "helpers").rglob("*.py") for f in functions(p)}
    drawing = {name: calls for name, calls in found.items() if calls & DRAWS_PIXELS}
    assert "images.pictures" in drawing and not [name for name, calls in drawing.items() if "mark_pixels" not in calls]


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem)
def test_every_cell_that_shows_pixels_saves_its_figure_or_states_if_they_are_real(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        tree = ast.parse(cell.source)
        calls = called(tree)
        assert not calls & DRAWS_PIXELS, "figures.pictures marks what it draws"
        assert "pictures" not in calls or "save" in calls
        assert not calls & REAL_ASKED or 'SOURCE == "real"' in cell.source
    assert all("real" in inspect.signature(of).parameters for of in (widgets.cases_view, widgets.explore_cases))
    assert all("real" in inspect.signature(of).parameters for of in (skin_tone.code_view, skin_tone.explore_codes))
