"""The book's look is seaborn's white grid with a few settings changed."""

import subprocess
import sys

import matplotlib as mpl
import pytest
import seaborn as sns
from matplotlib.colors import to_hex

from helpers import figures
from helpers.figures.look import PALETTE

CHANGED = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "axes.titleweight": "bold",
    "figure.constrained_layout.use": True,
    "figure.dpi": 110,
    "figure.figsize": [7, 3.6],
    "savefig.facecolor": "white",
}


@pytest.fixture
def defaults():
    with mpl.rc_context():
        mpl.rcdefaults()
        yield


def test_the_look_is_seaborns_white_grid_with_few_changes(defaults):
    sns.set_theme(context="notebook", style="whitegrid", palette=PALETTE)
    theirs = dict(mpl.rcParams)
    mpl.rcdefaults()
    figures.style()
    ours = dict(mpl.rcParams)
    assert [to_hex(c["color"]) for c in ours["axes.prop_cycle"]] == [c.lower() for c in PALETTE]
    assert [to_hex(c["color"]) for c in theirs["axes.prop_cycle"]] == [c.lower() for c in PALETTE]
    different = {name for name in ours if ours[name] != theirs[name]} - {"axes.prop_cycle"}
    # Seaborn's colour map for images is left out: every image of the book has its colours given.
    assert different == {*CHANGED, "image.cmap"}
    assert {name: ours[name] for name in CHANGED} == CHANGED


def test_it_needs_no_seaborn():
    code = "import sys; from helpers import figures; figures.style(); print({'seaborn', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
