"""Figures of methods of mitigation draw what the tables say, and can be read without colour."""

from __future__ import annotations

from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from helpers import figures
from helpers.errors import InputError
from helpers.figures.tradeoffs import MARKERS

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.transforms import Bbox

POINTS = {"plain": (0.80, 0.20), "fair": (0.70, 0.05), "good": (0.85, 0.10), "worse": (0.75, 0.30)}
MINUS = "\N{MINUS SIGN}"


@pytest.fixture
def ax():
    figures.style()
    figure, axes = plt.subplots(figsize=(7, 5))
    yield axes
    plt.close(figure)


@pytest.fixture
def table() -> pd.DataFrame:
    rows = [(m, k, v, v - 0.02, v + 0.03) for m, p in POINTS.items() for k, v in zip(("auroc", "eodd"), p, strict=True)]
    rows += [(m, "worst_auroc", 1 - p[1], 0.5, 1.0) for m, p in POINTS.items()]
    return pd.DataFrame(rows, columns=["method", "metric", "value", "low", "high"])


@pytest.fixture
def sweep() -> pd.DataFrame:
    rows = [("adversary", s, "eodd", 0.2 - 0.05 * k, 0.1, 0.25) for k, s in enumerate((1.0, 0.0, 0.01))]
    rows += [("reweighting", s, "eodd", 0.1, 0.05, 0.2) for s in (0.1, 0.01)]
    return pd.DataFrame(rows, columns=["method", "strength", "metric", "value", "low", "high"])


@pytest.fixture
def cells() -> pd.DataFrame:
    rows = [
        ("SWiFT", "shortcut", -0.031, -0.052, -0.011, "helps"),
        ("SWiFT", "label bias", 0.0002, -0.02, 0.02, "not shown"),
        ("adversary", "shortcut", 0.04, 0.01, 0.07, "harms"),
        ("adversary", "harder images", np.nan, np.nan, np.nan, "not shown"),
    ]
    return pd.DataFrame(rows, columns=["method", "cause", "change", "low", "high", "verdict"])


def drawn(ax) -> dict[str, object]:
    return {bars.get_label(): bars for bars in ax.containers}


def front(ax):
    return [line for line in ax.lines if line.get_color() == figures.GREY and line.get_linestyle() == "--"]


def test_every_method_is_a_point_with_both_intervals(ax, table):
    assert figures.tradeoff(table, ax=ax) is ax
    for method, bars in drawn(ax).items():
        point, _, (across, up) = bars.lines
        x, y = POINTS[method]
        assert (point.get_xdata()[0], point.get_ydata()[0]) == (x, y)
        assert np.allclose(across.get_segments()[0], [[x - 0.02, y], [x + 0.03, y]])
        assert np.allclose(up.get_segments()[0], [[x, y - 0.02], [x, y + 0.03]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("AUROC", "equalized odds difference")
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names[:4] == list(POINTS) and len(names) == 5  # and the front


def test_methods_are_told_apart_by_shape_beyond_the_colours(ax):
    many = pd.DataFrame({"method": [f"m{k}" for k in range(10)], "value": 0.5, "low": 0.4, "high": 0.6})
    many = pd.concat([many.assign(metric="auroc"), many.assign(metric="eodd")])
    figures.tradeoff(many, ax=ax, front=False)
    assert len({bars.lines[0].get_marker() for bars in ax.containers}) == 10 and not front(ax)
    assert len(set(MARKERS)) == len(MARKERS)
    many = pd.concat([many.assign(method=many["method"] + end) for end in "ab"])
    with pytest.raises(InputError, match="20 methods, but only 14 shapes"):
        figures.tradeoff(many, ax=ax)


def test_front_joins_the_methods_that_no_other_beats(ax, table):
    figures.tradeoff(table, ax=ax)
    (line,) = front(ax)
    assert list(zip(*line.get_data(), strict=True)) == [(0.70, 0.05), (0.85, 0.10)]
    assert line.get_drawstyle() == "steps-pre"  # up at the fairer method, then across


@pytest.mark.parametrize(
    ("x", "y", "style", "better"),
    [("eodd", "auroc", "steps-post", (0, 1)), ("auroc", "worst_auroc", "steps-pre", (1, 1))],
)
def test_front_and_corner_follow_which_end_is_better(ax, table, x, y, style, better):
    figures.tradeoff(table, ax=ax, x=x, y=y)
    (line,) = front(ax)
    assert line.get_drawstyle() == style and len(line.get_xdata()) == 2
    arrow, word = ax.texts
    assert word.get_text() == "better" and np.allclose(np.round(arrow.xy), better)
    ax.figure.canvas.draw()
    taken = Bbox.union([text.get_window_extent() for text in ax.texts])
    for bars in ax.containers:
        for spans in bars.lines[2]:
            assert not taken.overlaps(Bbox(ax.transData.transform(spans.get_segments()[0])))


def test_a_method_that_ties_with_another_is_not_beaten_by_it(ax, table):
    twin = table[table["method"] == "good"].assign(method="twin")
    figures.tradeoff(pd.concat([table, twin]), ax=ax)
    assert len(front(ax)[0].get_xdata()) == 3


def test_order_picks_methods_and_keeps_their_looks(ax, table):
    figures.tradeoff(table, ax=ax, order=["worse", "plain"])
    assert list(drawn(ax)) == ["worse", "plain"]
    assert [bars.lines[0].get_marker() for bars in ax.containers] == MARKERS[:2]
    with pytest.raises(InputError, match=r"order: \['SWiFT'\] have no auroc"):
        figures.tradeoff(table, ax=ax, order=["SWiFT"])


def test_lambdas_stand_on_a_logarithmic_axis_with_0_at_the_left(ax, sweep):
    assert figures.lambdas(sweep, ax=ax, metric="eodd") is ax
    points, _, (spans,) = drawn(ax)["adversary"].lines
    assert np.allclose(points.get_ydata(), [0.15, 0.10, 0.20])  # by strength: 0, 0.01, 1
    places = points.get_xdata()
    assert places[2] - places[1] == pytest.approx(2) and places[0] < places[1] - 0.4
    assert np.allclose([s[:, 1] for s in spans.get_segments()], [[0.1, 0.25]] * 3)
    ticks = dict(zip([t.get_text() for t in ax.get_xticklabels()], ax.get_xticks(), strict=True))
    assert list(ticks) == ["0", "0.01", "0.1", "1"] and ticks["1"] - ticks["0.1"] == pytest.approx(1)
    other = drawn(ax)["reweighting"].lines[0]
    assert other.get_marker() != points.get_marker() and other.get_xdata()[0] != places[1]  # beside it, not behind
    dotted = [line for line in ax.lines if line.get_linestyle() == ":" and len(line.get_xdata()) == 2]
    assert any(np.allclose(line.get_ydata(), [0.15, 0.10]) for line in dotted)


def test_lambdas_without_0_or_within_a_decade_have_ticks(ax, sweep):
    figures.lambdas(sweep[sweep["strength"] > 0].assign(strength=[5.0, 2.0, 3.0, 2.0]), ax=ax, metric="eodd")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["2", "3", "5"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda t: t.drop(columns="low"), "column low: not in the frame"),
        (lambda t: t.assign(metric="eop"), "no row is 'eodd'"),
        (lambda t: t.assign(strength=-1.0), "below 0 or missing"),
        (lambda t: t.assign(strength=0.0), "or all are 0"),
        (lambda t: pd.concat([t, t.head(1)]), "adversary, 1: the table has it more than once"),
    ],
)
def test_lambdas_refuses(ax, sweep, spoil, words):
    with pytest.raises(InputError, match=words):
        figures.lambdas(spoil(sweep), ax=ax, metric="eodd")


def test_verdicts_are_written_in_their_cells(ax, cells):
    assert figures.verdicts(cells, ax=ax) is ax
    said = {(round(t.get_position()[0]), round(t.get_position()[1]), t.get_va()): t.get_text() for t in ax.texts}
    assert (
        said[0, 0, "bottom"] == f"\N{CHECK MARK} {MINUS}0.031" and said[0, 0, "top"] == f"[{MINUS}0.052, {MINUS}0.011]"
    )
    assert said[0, 1, "bottom"] == "\N{BALLOT X} +0.040" and said[0, 1, "top"] == "[+0.010, +0.070]"
    assert said[1, 0, "bottom"] == "0.000" and len(said) == 6  # no sign on nothing; an empty cell says nothing
    assert [t.get_text() for t in ax.get_yticklabels()] == ["SWiFT", "adversary"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["shortcut", "label bias", "harder images"]
    boxes = {tuple(np.round(box.get_xy(), 1)): box for box in ax.patches}
    looks = {tuple(boxes[place].get_facecolor()) for place in ((-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5))}
    assert len(looks) == 3 and boxes[0.5, 0.5].get_hatch() and boxes[1.5, -0.5].get_hatch()
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["\N{CHECK MARK} helps", "= does nothing", "\N{BALLOT X} harms", "not shown"]


def test_nine_methods_and_six_causes_fit_their_cells(ax):
    rows = [(f"method {i}", f"a longer cause {j}", -0.123, -0.456, 0.789, "helps") for i in range(9) for j in range(6)]
    figures.verdicts(pd.DataFrame(rows, columns=["method", "cause", "change", "low", "high", "verdict"]), ax=ax)
    ax.figure.canvas.draw()
    width, height = np.abs(np.diff(ax.transData.transform([(0, 0), (1, 1)]), axis=0))[0]
    sizes = [text.get_window_extent() for text in ax.texts]
    assert max(size.width for size in sizes) < width and max(size.height for size in sizes) < height / 2
    names = [tick.get_window_extent() for tick in ax.get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(names))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda t: t.assign(verdict="better"), "column verdict: must be one of .*, got 'better'"),
        (lambda t: pd.concat([t, t.head(1)]), "SWiFT, shortcut: the table has it more than once"),
        (lambda t: t.drop(columns="cause"), "column cause: not in the frame"),
    ],
)
def test_verdicts_refuses(ax, cells, spoil, words):
    with pytest.raises(InputError, match=words):
        figures.verdicts(spoil(cells), ax=ax)


def test_tradeoff_refuses_a_metric_it_does_not_know_and_a_value_that_is_there_twice(ax, table):
    with pytest.raises(InputError, match=r"metric: must be .*, got 'dice'"):
        figures.tradeoff(table, ax=ax, x="dice")
    with pytest.raises(InputError, match="plain, auroc: the table has it more than once"):
        figures.tradeoff(pd.concat([table, table.head(1)]), ax=ax)
