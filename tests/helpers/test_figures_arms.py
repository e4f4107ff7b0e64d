"""Figures of several arms draw what the tables say, and the view of changes works without a widget."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from helpers import figures, stats, widgets
from helpers.errors import InputError

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture
def ax():
    figures.style()
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


@pytest.fixture(scope="module")
def odds() -> pd.DataFrame:
    """Changes of two findings under two arms, by sex and age; three men are positive for one finding."""
    rng = np.random.default_rng(0)
    truth = pd.DataFrame(rng.integers(0, 2, (120, 2)).astype(float), columns=["Edema", "Fracture"])
    attributes = pd.DataFrame({"sex": rng.choice(["F", "M"], 120), "age": rng.choice(["old", "young"], 120)})
    men = np.flatnonzero((attributes["sex"] == "M") & (truth["Fracture"] == 1))
    truth.loc[men[3:], "Fracture"] = 0
    decided = {arm: pd.DataFrame(rng.uniform(size=(120, 2)) < 0.5, columns=truth.columns) for arm in ARMS}
    return stats.prediction_fairness(truth, decided, attributes=attributes, patient=range(120), minimum=2, n_boot=50)


ARMS = ["original", "unet", "sde"]
LEVELS = pd.DataFrame(
    [
        ("none", "original", 0.72, 0.70, 0.74),
        ("high", "unet", 0.67, 0.60, 0.71),
        ("low", "unet", 0.71, 0.69, 0.73),
        ("low", "sde", 0.70, 0.68, 0.72),
    ],
    columns=["level", "arm", "estimate", "low", "high"],
).assign(metric="dice", target="dice")


def test_levels_stand_from_left_to_right_with_intervals(ax):
    other = LEVELS.assign(metric="psnr", target="psnr", estimate=30.0)
    assert figures.levels(pd.concat([LEVELS, other]), metric="dice", ax=ax, ylabel="Dice") is ax
    drawn = {bars.get_label(): bars for bars in ax.containers}
    assert set(drawn) == {"U-Net", "SDE", "original"}
    line, _, (spans,) = drawn["U-Net"].lines
    assert list(line.get_ydata()) == [0.71, 0.67]  # low before high, as named, not as given
    assert [round(x) for x in line.get_xdata()] == [1, 3]
    assert np.allclose([s[:, 1] for s in spans.get_segments()], [[0.69, 0.73], [0.60, 0.71]])
    assert [t.get_text() for t in ax.get_xticklabels()] == ["none", "low", "middle", "high"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("level of noise", "Dice")


@pytest.mark.parametrize(("metric", "target", "name"), [("psnr", "", "PSNR (dB)"), ("auroc", "mean", "mean AUROC")])
def test_levels_name_the_measure_with_its_unit(ax, metric, target, name):
    figures.levels(LEVELS.assign(metric=metric, target=target or metric), metric=metric, target=target, ax=ax)
    assert ax.get_ylabel() == name


def test_levels_show_published_values_in_grey_with_the_marker_of_the_arm(ax):
    theirs = pd.DataFrame({"level": ["low", "high"], "metric": "dice", "arm": "unet", "value": [0.72, 0.66]})
    figures.levels(LEVELS, metric="dice", theirs=theirs, ax=ax)
    (given,) = (line for line in ax.lines if line.get_linestyle() == ":" and line.get_xdata().tolist() == [1, 3])
    assert given.get_ydata().tolist() == [0.72, 0.66] and given.get_color() == figures.GREY
    own = next(bars.lines[0] for bars in ax.containers if bars.get_label() == "U-Net")
    assert given.get_marker() == own.get_marker() and own.get_color() != figures.GREY
    assert "published" in [t.get_text() for t in ax.get_legend().get_texts()]


def test_changes_have_a_place_for_each_row_and_a_marker_for_each_arm(ax):
    table = pd.DataFrame({"finding": ["a", "a", "b"], "arm": ["unet", "sde", "unet"]})
    table[["change", "low", "high"]] = [[0.1, 0.0, 0.2], [0.2, 0.1, 0.3], [-0.1, -0.2, 0.1]]
    assert figures.changes(table, ax=ax) is ax
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"]
    points = {line.get_label(): line for line in ax.lines if line.get_marker() not in ("None", None)}
    unet, sde = points["U-Net"], points["SDE"]
    assert list(unet.get_xdata()) == [0.1, -0.1]
    assert np.array_equal(sde.get_xdata(), [0.2, np.nan], equal_nan=True)  # b has none
    assert np.round(unet.get_ydata()).tolist() == ax.get_yticks().tolist()
    assert unet.get_marker() != sde.get_marker() and unet.get_color() != sde.get_color()
    spans = ax.collections[0].get_segments()
    assert np.allclose([s[:, 0] for s in spans], [[0.0, 0.2], [-0.2, 0.1]])


def test_changes_stand_beside_published_ones_of_the_same_row(ax):
    table = pd.DataFrame({"finding": ["a", "b"], "arm": "unet", "change": [0.1, 0.2], "low": 0.0, "high": 0.3})
    theirs = pd.DataFrame({"finding": ["b", "c"], "arm": "unet", "change": [0.05, 0.9]})
    figures.changes(table, theirs=theirs, ax=ax)
    (given,) = (line for line in ax.lines if line.get_color() == figures.GREY and len(line.get_xdata()) == 2
                and line.get_marker() == "o")  # fmt: skip
    assert np.array_equal(given.get_xdata(), [np.nan, 0.05], equal_nan=True)  # c is not ours


def test_a_row_with_an_arm_twice_is_refused(ax, odds):
    with pytest.raises(InputError, match="Edema, unet: the table has it more than once"):
        figures.changes(odds, ax=ax)


def test_change_view_shows_the_rows_and_suppresses_small_groups(odds):
    table, figure = widgets.change_view(odds, "sex", "eop")
    part = odds[(odds["attribute"] == "sex") & (odds["metric"] == "eop")].set_index(["finding", "arm"])
    change = f"{part.loc[('Edema', 'unet'), 'change']:.3f}".replace("-", "\N{MINUS SIGN}")
    shown = table[table["arm"] == "unet"]
    assert shown.loc["Edema", "change [95% interval]"].startswith(f"{change} [")
    assert shown.loc["Fracture", "change [95% interval]"] == "suppressed"  # three men have it
    assert figure.axes[0].get_xlabel() == "change of eop between groups of sex"
    assert not plt.get_fignums()


def test_change_view_of_scores_has_one_row(odds):
    rng = np.random.default_rng(0)
    scores = pd.DataFrame(rng.uniform(0.5, 0.9, (60, 3)), columns=ARMS)
    groups = pd.DataFrame({"sex": rng.choice(["F", "M"], 60)})
    gaps = stats.score_fairness(scores, attributes=groups, patient=range(60), n_boot=50)
    table, figure = widgets.change_view(gaps, "sex", "ser")
    assert list(table.index) == ["ser", "ser"] and list(table["arm"]) == ["unet", "sde"]
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["ser"]
    with pytest.raises(InputError, match="race, ser: the table has no such rows"):
        widgets.change_view(gaps, "race", "ser")


def test_explorer_shows_another_view_when_a_choice_changes(odds):
    box = widgets.explore_changes(odds)
    controls, table, figure = box.children
    first, picture = table.value, figure.value
    assert "data:image/png" in picture and "Edema" in first
    controls.children[0].value = "age"
    assert table.value != first and figure.value != picture
    second = table.value
    controls.children[1].value = "eop"
    assert table.value != second
