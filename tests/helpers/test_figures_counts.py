"""Stacked counts say their numbers, and refuse what is none."""

import matplotlib as mpl
import pandas as pd
import pytest

from helpers import figures
from helpers.errors import InputError

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture
def ax():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def test_bars_stand_on_each_other_with_their_numbers(ax):
    table = pd.DataFrame({"same": [3, 0], "unused": [0, 0], "other": [1, 2]}, index=["a", "b"])
    assert figures.stacked(table, ax=ax, xlabel="claims") is ax
    assert [(bar.get_x(), bar.get_width()) for bar in ax.patches] == [(0, 3), (0, 0), (3, 1), (0, 2)]
    assert [text.get_text() for text in ax.texts] == ["3", "1", "2"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a: 4", "b: 2"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["same", "other"]


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"a": [0.5]}),
        pd.DataFrame({"a": [-1]}),
        pd.DataFrame({"a": pd.Series(dtype=int)}),
        pd.DataFrame({str(i): [1] for i in range(9)}),
    ],
)
def test_what_is_no_table_of_counts_is_refused(ax, table):
    with pytest.raises(InputError):
        figures.stacked(table, ax=ax)


def test_no_counts_draw_an_empty_bar(ax):
    figures.stacked(pd.DataFrame({"a": [0]}, index=["x"]), ax=ax)
    assert not ax.patches and ax.get_legend() is None
