"""A run starts without what it does not use, writes its notebook seldom, and draws each figure no more than it must."""

import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import papermill
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from matplotlib._pylab_helpers import Gcf
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from myst_nb import glue
from papermill import engines

from helpers import figures, report
from helpers.book import executing
from helpers.figures import withholding
from helpers.report import values

mpl.use("Agg")
CSV = "dice,sex\\n" + "0.8,f\\n0.7,m\\n" * 30
# What is done, and the libraries that it leaves alone. SciPy's statistics take as long to import as pandas.
LEFT_ALONE = {
    "the command of an audit": (
        f"from helpers.book import own_audit, workflow; open('a.csv', 'w').write('{CSV}'); "
        "own_audit.time_ahead({'SCORES': 'a.csv', 'GROUPS': 'sex'})",
        {"IPython", "matplotlib", "nbformat", "papermill", "scipy", "seaborn", "statsmodels"},
    ),
    "making a run": (
        "from helpers.book import executing, running, status; from helpers.report import recording",
        {"matplotlib", "scipy", "seaborn", "statsmodels", "rfc3987_syntax.syntax_helpers"},
    ),
    "a page": (
        "from helpers.book import collected, page; from helpers.report import claims, tables",
        {"nbformat", "scipy.stats", "seaborn", "statsmodels"},
    ),
    "an audit without masks": (
        f"from helpers import datasets, report, widgets; from helpers.studies import own_scores; "
        f"open('a.csv', 'w').write('{CSV}'); own_scores.score_own('', '', better='higher'); "
        "own = datasets.load_own_scores('a.csv', score='dice', groups='sex'); of = {'sex': own.cases['sex']}; "
        "own_scores.contrasts(own.cases['dice'], groups=of, n_boot=20); report.show(own.cases[:1]); "
        "from helpers.report import values; values.glue({'a': 1}); widgets.group_view",
        {"jsonschema", "nbformat", "nibabel", "pydicom", "scikit_posthocs", "seaborn", "skimage", "sklearn", "torch"},
    ),
}


@pytest.mark.parametrize(("code", "left"), LEFT_ALONE.values(), ids=LEFT_ALONE)
def test_libraries_that_are_not_used_are_not_imported(code, left, tmp_path):
    code = f"import sys; {code}; print(*({left} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not done.stdout.splitlines()[-1]


def executed(tmp_path, *cells, **options):
    """Run cells by the engine; the notebook that is on disk afterwards, and the error."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "in.ipynb")
    try:
        papermill.execute_notebook(
            tmp_path / "in.ipynb", tmp_path / "out.ipynb", engine_name=executing.ENGINE, progress_bar=False, **options
        )
        error = None
    except Exception as found:
        error = found
    return nbformat.read(tmp_path / "out.ipynb", as_version=4), error


def test_a_notebook_is_written_thrice_whatever_its_cells(tmp_path, monkeypatch):
    written = []
    for module in (engines, sys.modules["papermill.execute"]):
        write = module.write_ipynb
        monkeypatch.setattr(module, "write_ipynb", lambda *given, write=write: written.append(1) or write(*given))
    notebook, error = executed(tmp_path, *[f"print({k})" for k in range(8)])
    assert error is None and len(written) == 3
    assert [cell.outputs[0].text for cell in notebook.cells] == [f"{k}\n" for k in range(8)]
    assert all(cell.metadata.papermill.status == "completed" for cell in notebook.cells)


def test_a_long_notebook_is_written_in_between(tmp_path):
    look = "import pathlib, time\ntime.sleep(1)\nprint('first' in pathlib.Path('out.ipynb').read_text())"
    asked = {"autosave_cell_every": 0.5, "cwd": str(tmp_path)}
    notebook, _ = executed(tmp_path, "print('fir' + 'st')\nimport time; time.sleep(1)", look, **asked)
    assert notebook.cells[1].outputs[0].text == "True\n"


@pytest.mark.parametrize("last", ["1 / 0", "import os; os._exit(1)"], ids=["a cell fails", "the kernel dies"])
def test_a_notebook_that_fails_shows_how_far_it_came(last, tmp_path):
    notebook, error = executed(tmp_path, "print('done')", last, "print('never')")
    assert error is not None
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cells[0].outputs[0].text == "done\n" and not cells[2].outputs


def test_a_value_is_kept_in_the_outputs_that_the_books_directive_reads():
    InteractiveShell.instance()
    known, found = {"a.b": 0.25, "c": "text", "d": 3}, []
    for keep in (values.glue, lambda known: [glue(*of, display=False) for of in known.items()]):
        with capture_output() as caught:
            keep(known)
        found.append([(output.data, output.metadata) for output in caught.outputs])
    assert found[0] == found[1] and len(found[0]) == 3
    assert not caught.stdout


@pytest.fixture
def run(tmp_path):
    names = {"__annotations__": {"RUN_DIR": str}, "RUN_DIR": str(tmp_path / "run")}
    yield report.start("01_label_audit", names)
    plt.close("all")


def test_a_saved_figure_is_not_drawn_again_before_it_is_shown(run, monkeypatch):
    figures.style()
    fig, ax = plt.subplots()
    ax.plot(np.arange(5))
    run.save(fig, "fig-x")
    drawn, draw = [], FigureCanvasAgg.draw
    monkeypatch.setattr(FigureCanvasAgg, "draw", lambda canvas: drawn.append(1) or draw(canvas))
    Gcf.draw_all()  # what Matplotlib does after each cell
    assert not drawn
    ax.set_title("later")
    Gcf.draw_all()
    assert drawn


def test_the_parts_of_a_saved_figure_keep_their_places(run, monkeypatch):
    figures.style()
    fig, axes = plt.subplots(2, sharex=True)
    axes[0].set(ylabel="a long label\nof two lines", title="title")
    run.save(fig, "fig-first")
    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", lambda *_: pytest.fail("arranged again"))
    fig.savefig(run.folder / "shown.png", dpi=144, bbox_inches="tight")
    assert (run.folder / "shown.png").read_bytes() == (run.folder / "figures" / "fig-first.png").read_bytes()


@pytest.mark.parametrize("where", ["axes", "inset", "inset of an inset", "figure in a figure"])
def test_pixels_are_found_wherever_they_are_drawn(where):
    fig = Figure()
    holder = fig.subfigures(1, 2)[1] if where == "figure in a figure" else fig
    ax = holder.subplots()
    for _ in range(where.count("inset")):
        ax = ax.inset_axes([0.5, 0.5, 0.4, 0.4])
    assert not withholding.shows_pixels(fig)
    figures.mark_pixels(ax)
    assert withholding.shows_pixels(fig)
