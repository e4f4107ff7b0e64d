"""Figures draw what the numbers say, and views work without a widget."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from helpers import audit, figures, simulate, widgets

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture
def ax():
    figures.style()
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


@pytest.fixture(scope="module")
def frame():
    return simulate.breast_mri_table(600, seed=2)[0]


def test_histogram_leaves_small_bars_out(ax):
    values = pd.Series([1.0] * 20 + [3.0] * 9 + [5.0] * 10, name="age")
    by = pd.Series(["a"] * 39, name="source")
    assert figures.histogram(values, by, ax=ax, bins=[0, 2, 4, 6]) is ax
    assert [bar.get_height() for bar in ax.patches] == [20, 0, 10]


def test_means_show_the_intervals(ax, frame):
    table = audit.by_group(frame["dice"], groups=frame["age_group"])
    figures.means({"silver": table}, ax=ax)
    drawn = ax.containers[-1].lines[2][0].get_segments()
    assert np.allclose([[s[0, 1], s[1, 1]] for s in drawn], table[["low", "high"]])
    assert f"n = {table['n'].iloc[0]}" in ax.get_xticklabels()[0].get_text()


def test_forest_has_a_line_a_row_and_the_line_of_no_effect(ax):
    table = pd.DataFrame(
        {"estimate": [0.1, 0.2], "low": [0.0, 0.1], "high": [0.2, 0.3], "n": [20, 30]}, index=["x", "y"]
    )
    figures.forest(table, ax=ax, emphasise=["y"])
    assert [t.get_text() for t in ax.get_yticklabels()] == ["x  (n = 20)", "y  (n = 30)"]
    spans = [tuple(line.get_xdata()) for line in ax.lines[0:4:2]]
    assert spans == [(0.0, 0.2), (0.1, 0.3)]
    assert list(ax.lines[-1].get_xdata()) == [0.0, 0.0]


def test_two_sweeps_have_two_colours(ax, frame):
    table = audit.threshold_sweep(frame["dice"], groups=frame["age_group"], a="Young", b="Older")
    for label in ("one", "two"):
        figures.sweep(table, x="threshold", y="ratio", ax=ax, no_effect=1, label=label)
    lines = {line.get_label(): line.get_color() for line in ax.lines}
    assert lines["one"] != lines["two"]


def test_null_marks_the_observed_value(ax):
    figures.null(np.random.default_rng(0).random(500), 0.7, ax=ax)
    assert any(list(line.get_xdata()) == [0.7, 0.7] for line in ax.lines)


def test_group_view_suppresses_small_groups(frame):
    frame = frame.assign(odd=np.where(np.arange(len(frame)) < 9, "few", "many"))
    table, figure = widgets.group_view(frame, "odd", "dice", 0.8)
    assert table.loc["few"].tolist() == ["<10"] + ["suppressed"] * 6
    good = (frame.loc[frame["odd"] == "many", "dice"] > 0.8).mean()
    assert float(table.loc["many", "rate"]) == pytest.approx(good, abs=5e-4)
    labels = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert labels == [f"many  (n = {len(frame) - 9})"]


def test_explorer_shows_another_view_when_a_choice_changes(frame):
    box = widgets.explore_groups(frame, groups=["age_group", "dataset"], scores=["dice"])
    controls, table, figure = box.children
    assert "Young" in table.value and "DUKE" not in table.value
    first = bytes(figure.value)
    assert first.startswith(b"\x89PNG")
    controls.children[0].value = "dataset"
    assert "DUKE" in table.value and "Young" not in table.value
    assert bytes(figure.value) != first


def test_explorer_shows_markup_in_a_table_as_text(frame):
    frame = frame.assign(odd="<script>alert(1)</script>")
    box = widgets.explore_groups(frame, groups=["odd"], scores=["dice"])
    assert "<script>" not in box.children[1].value
