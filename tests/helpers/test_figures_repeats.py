"""Figures of a grid of runs draw what the tables say."""

from __future__ import annotations

from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from helpers import figures, stats
from helpers.errors import InputError

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture
def ax():
    figures.style()
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def grid(n: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    names = [f"group robust optimization, {k}" for k in range(n)]
    rows = pd.DataFrame({"configuration": np.repeat(names, 4), "SEED": np.tile(range(4), n)})
    return rows.assign(gap=rng.normal(0, 1, 4 * n) + np.repeat(range(n), 4))


def test_every_run_is_a_point_beside_its_configuration(ax):
    runs = grid()
    means = stats.over_seeds(runs, "gap", configuration=["configuration"])
    assert figures.repeats(runs, means, value="gap", ax=ax, no_effect=0.0) is ax
    drawn = {line.get_label(): line for line in ax.lines}
    points, middle = drawn["a run"], drawn["mean over seeds, 95% interval"]
    assert list(points.get_xdata()) == list(runs["gap"])
    assert np.round(points.get_ydata()).tolist() == [2] * 4 + [1] * 4 + [0] * 4  # the first stands on top
    assert list(middle.get_xdata()) == list(means["mean"])
    assert np.round(middle.get_ydata()).tolist() == [2, 1, 0] == ax.get_yticks().tolist()
    spans = ax.collections[0]
    assert np.allclose([s[:, 0] for s in spans.get_segments()], means[["low", "high"]])
    assert points.get_marker() != middle.get_marker() and points.get_color() != middle.get_color()
    assert ax.get_xlabel() == "gap"
    assert [0.0, 0.0] in [list(line.get_xdata()) for line in ax.lines]


def test_labels_of_a_dozen_configurations_do_not_meet_and_leave_half_of_a_narrow_figure(ax):
    runs, figure = grid(12), ax.figure
    figure.set_size_inches(5, 0.8 + 0.45 * 12)
    means = stats.over_seeds(runs, "gap", configuration=["configuration"])
    figures.repeats(runs, means, value="gap", ax=ax)
    figure.canvas.draw()
    boxes = [t.get_window_extent() for t in ax.get_yticklabels()]
    assert all(below.y1 <= above.y0 for above, below in pairwise(boxes))
    assert ax.get_window_extent().width > 0.5 * figure.get_window_extent().width
    legend = ax.get_legend().get_window_extent()
    assert legend.x0 >= 0 and legend.x1 <= figure.get_window_extent().x1


def test_a_configuration_with_one_seed_is_a_point_without_an_interval(ax):
    runs = grid()[:9]
    figures.repeats(runs, stats.over_seeds(runs, "gap", configuration=["configuration"]), value="gap", ax=ax)
    spans = ax.collections[0]
    assert [len(s) for s in spans.get_segments()] == [2, 2, 0]


SHARES = pd.DataFrame(
    [
        ("gap", "configuration", 0.6, 0.2, 0.9),
        ("gap", "seed", 0.3, 0.0, 0.7),
        ("gap", "rest", 0.1, 0.05, 0.3),
        ("dice", "seed and rest", 1.0, np.nan, np.nan),
        ("rare", None, np.nan, np.nan, np.nan),
    ],
    columns=["value", "component", "share", "low", "high"],
)


def test_shares_are_bars_with_intervals_told_apart_by_more_than_colour(ax):
    assert figures.shares(SHARES, ax=ax) is ax
    bars = {bar.get_label(): bar for bar in ax.containers}
    assert list(bars) == ["configuration", "seed", "rest", "seed and rest"]
    widths = {name: [patch.get_width() for patch in bar] for name, bar in bars.items()}
    assert widths["seed"][0] == 0.3 and np.isnan(widths["seed"][1:]).all()
    assert widths["seed and rest"][1] == 1.0
    assert len({bar[0].get_hatch() for bar in bars.values()}) == len(bars)
    assert len({bar[0].get_facecolor() for bar in bars.values()}) == len(bars)
    spans = [c.get_segments()[0][:, 0].tolist() for c in ax.collections[:3]]
    assert spans == [[0.2, 0.9], [0.0, 0.7], [0.05, 0.3]]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["gap", "dice", "rare"]


def test_a_long_name_is_broken_behind_a_dot(ax):
    names = {"gap": "change.worst_auroc.adversary.skin", "dice": "dice", "rare": "rare"}
    figures.shares(SHARES.assign(value=SHARES["value"].map(names)), ax=ax)
    assert ax.get_yticklabels()[0].get_text() == "change.worst_auroc.\nadversary.skin"


def test_without_runs_the_figures_say_so(ax):
    figures.shares(SHARES[:0], ax=ax)
    assert [t.get_text() for t in ax.texts] == ["no runs are recorded yet"]
    figure, other = plt.subplots()
    runs = grid()[:0]
    figures.repeats(runs, stats.over_seeds(runs, "gap", configuration=["configuration"]), value="gap", ax=other)
    assert [t.get_text() for t in other.texts] == ["no runs are recorded yet"]
    plt.close(figure)


def test_tables_that_say_a_thing_twice_are_refused(ax):
    with pytest.raises(InputError, match="gap, seed: the table has it more than once"):
        figures.shares(pd.concat([SHARES, SHARES]).iloc[1:], ax=ax)
    with pytest.raises(InputError, match=r"must be one of .*, got 'luck'"):
        figures.shares(SHARES.assign(component="luck"), ax=ax)
    runs = grid()
    means = stats.over_seeds(runs, "gap", configuration=["configuration"])
    with pytest.raises(InputError, match="more than once"):
        figures.repeats(runs, pd.concat([means, means]), value="gap", ax=ax)
