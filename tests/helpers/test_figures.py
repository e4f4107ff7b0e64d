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


def test_an_embedding_has_a_colour_a_marker_and_a_size_for_each_group(ax):
    rng = np.random.default_rng(0)
    by = pd.Series(rng.permutation(["b"] * 12 + ["a"] * 8 + ["c"] * 5), index=np.arange(25) + 7)
    points = rng.normal(0, 0.1, (25, 6)) + 20 * (by.to_numpy() == "a")[:, None]
    assert figures.embedding(points, by, ax=ax) is ax
    drawn = ax.collections
    assert [c.get_label() for c in drawn] == ["a, n = 8", "b, n = 12", "c, n = 5"]
    assert [len(c.get_offsets()) for c in drawn] == [8, 12, 5]
    assert len({tuple(c.get_facecolor()[0]) for c in drawn}) == len({str(c.get_paths()[0]) for c in drawn}) == 3
    a, others = np.asarray(drawn[0].get_offsets()), np.concatenate([c.get_offsets() for c in drawn[1:]])
    apart = np.linalg.norm(a[:, None] - others[None], axis=2).min(axis=1)
    within = np.linalg.norm(a[:, None] - a[None], axis=2) + 1e9 * np.eye(8)
    assert (within.min(axis=1) < apart).all()  # each point lies by those of its own group


def test_an_embedding_leaves_out_who_has_no_group_and_keeps_the_seed(ax):
    points = np.random.default_rng(0).normal(size=(12, 4))
    by = pd.Series(["a"] * 5 + ["b"] * 5 + [None] * 2)
    for _ in range(2):
        figures.embedding(points, by, ax=ax, seed=3)
    first, second, *again = (np.asarray(c.get_offsets()) for c in ax.collections)
    assert (len(first), len(second)) == (5, 5)
    assert np.array_equal(first, again[0]) and np.array_equal(second, again[1])


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
