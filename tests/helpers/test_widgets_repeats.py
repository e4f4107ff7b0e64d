"""The explorer of a sweep's runs."""

import numpy as np
import pandas as pd
import pytest

from helpers import stats, widgets
from helpers.errors import InputError


@pytest.fixture
def runs():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"configuration": np.repeat(["plain", "<b>other</b>"], 4), "SEED": [0, 1, 2, 3] * 2})
    return frame.assign(gap=rng.normal(size=8), rate=rng.normal(size=8))


def test_the_table_is_the_mean_over_seeds_and_the_figure_has_every_run(runs):
    table, figure = widgets.repeats_view(runs, "gap")
    means = stats.over_seeds(runs, "gap", configuration=["configuration"])
    assert list(table.index) == list(means["configuration"]) and (table["seeds"].astype(int) == 4).all()
    points = next(line for line in figure.axes[0].lines if line.get_label() == "a run")
    assert len(points.get_xdata()) == len(runs)


def test_another_value_is_another_table_and_figure(runs):
    controls, table, figure = widgets.explore_repeats(runs, ["gap", "rate"]).children
    first = table.value, figure.value
    assert "<b>other" not in first[0] and "&lt;b&gt;other" in first[0]
    controls.children[0].value = "rate"
    assert table.value != first[0] and figure.value != first[1]


def test_what_cannot_be_shown_is_said(runs):
    table = widgets.explore_repeats(runs, []).children[1]
    assert "no values yet" in table.value
    with pytest.raises(InputError, match="gone"):
        widgets.repeats_view(runs, "gone")
    assert len(widgets.repeats_view(runs.iloc[:0], "gap")[0]) == 0
