"""Scores by groups and their intersections, and what input may do to such a view."""

import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from helpers import datasets, figures, stats, widgets
from helpers.errors import InputError
from helpers.widgets import showing

mpl.use("Agg")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return datasets.simulate_breast_mri_table(600, seed=2)[0]


@pytest.fixture(autouse=True)
def no_warning():
    """Such as that a font lacks a letter."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


class Explorer:
    """Controls by name, and what they show."""

    def __init__(self, box):
        bar, self._table, self._figure = box.children
        self.controls = {control.description: control for control in bar.children}

    def pick(self, **values):
        for name, value in values.items():
            control = self.controls[name.replace("_", " ")]
            control.value = showing.NOTHING if value is None else value
        return self

    def chosen(self, name: str) -> object:
        return showing.chosen(self.controls[name])

    @property
    def table(self) -> str:
        return self._table.value

    @property
    def figure(self) -> str:
        return self._figure.value


def explore(frame, groups=("odd",), scores=("dice",)) -> Explorer:
    return Explorer(widgets.explore_groups(frame, groups=groups, scores=scores))


def drawn_names(figure) -> list[str]:
    return [tick.get_text() for tick in figure.axes[0].get_yticklabels()]


def test_small_groups_are_suppressed(frame):
    frame = frame.assign(odd=np.where(np.arange(len(frame)) < 9, "few", "many"))
    table, figure = widgets.group_view(frame, "odd", "dice", 0.8)
    assert table.loc["few"].tolist() == ["<10"] + ["suppressed"] * 6
    good = (frame.loc[frame["odd"] == "many", "dice"] > 0.8).mean()
    assert float(table.loc["many", "rate"]) == pytest.approx(good, abs=5e-4)
    assert drawn_names(figure) == [f"many  (n = {len(frame) - 9})"]


def test_a_rate_of_one_to_nine_successes_is_suppressed_as_in_the_audit():
    cases = pd.DataFrame({"g": ["a"] * 60 + ["b"] * 60 + ["c"] * 60, "score": 0.5})
    cases.loc[[*range(9), *range(60, 70), *range(120, 180)], "score"] = 0.9  # 9 of a, 10 of b, all of c
    table, figure = widgets.group_view(cases, "g", "score", 0.8)
    audited, _ = stats.rates_at(cases["score"], groups=cases["g"], threshold=0.8, n=200)
    assert (table["rate"] == "suppressed").tolist() == audited["rare"].tolist() == [True, False, False]
    assert table.loc["a", ["rate_low", "rate_high"]].tolist() == ["suppressed"] * 2
    assert table.loc["a", "n"] == 60 and table.loc["a", "mean"] == "0.560"
    assert table.loc["b", "rate"] == "0.167" and table.loc["c", "rate"] == "1.000"
    assert 9 / 60 not in [x for line in figure.axes[1].get_lines() for x in np.atleast_1d(line.get_xdata())]


def test_an_intersection_is_the_group_of_the_cases_in_both(frame):
    table, figure = widgets.group_view(frame, "age_group", "dice", 0.8, cross="dataset")
    both = frame[(frame["age_group"] == "Young") & (frame["dataset"] == "ISPY2")]
    one = stats.by_group(both["dice"], groups=both["dataset"]).iloc[0]
    row = table.loc["Young × ISPY2"]
    assert (row["n"], row["mean"], row["low"]) == (len(both), f"{one['mean']:.3f}", f"{one['low']:.3f}")
    known = frame["age_group"].notna()
    assert len(table) == len(frame[known].groupby(["age_group", "dataset"], observed=True))
    assert list(table.index[:2]) == ["Young × DUKE", "Young × ISPY1"]  # in the order of their levels
    assert all(" × " in name for name in drawn_names(figure))


def test_crossing_an_attribute_with_itself_is_that_attribute(frame):
    alone, crossed = (widgets.group_view(frame, "dataset", "dice", 0.8, cross=c)[0] for c in (None, "dataset"))
    assert alone.equals(crossed)


def test_another_source_leaves_the_others_out(frame):
    table, _ = widgets.group_view(frame, "age_group", "dice", 0.8, only=("dataset", "DUKE"))
    assert table["n"].sum() == ((frame["dataset"] == "DUKE") & frame["age_group"].notna()).sum()
    with pytest.raises(InputError, match="dataset MOON: no case has this value"):
        widgets.group_view(frame, "age_group", "dice", 0.8, only=("dataset", "MOON"))


def test_each_control_changes_table_and_figure(frame):
    explorer = explore(frame, ["age_group", "menopause"])
    assert [*explorer.controls] == ["group", "cross with", "source", "score", "success >"]
    assert [o for o, _ in explorer.controls["source"].options] == ["–", "DUKE", "ISPY1", "ISPY2", "NACT"]
    seen = [(explorer.table, explorer.figure)]
    assert "Young" in seen[0][0] and "data:image/png" in seen[0][1]
    for picked in ({"group": "menopause"}, {"cross_with": "age_group"}, {"source": "ISPY2"}, {"success_>": 0.5}):
        explorer.pick(**picked)
        seen.append((explorer.table, explorer.figure))
    assert len({table for table, _ in seen}) == len({figure for _, figure in seen}) == 5


def test_a_frame_without_several_sources_has_no_such_choice(frame):
    assert "source" not in explore(frame.assign(dataset="ISPY2"), ["age_group"]).controls
    assert "source" not in explore(frame.drop(columns="dataset"), ["age_group"]).controls


def test_the_note_counts_who_is_left_out(frame):
    frame = frame.assign(odd="a")
    frame.loc[frame.index[:7], "dice"] = np.nan
    frame.loc[frame.index[5:9], "odd"] = None
    assert "591 cases; 9 more have no score or no group." in explore(frame).table


# -- bad input


def test_nothing_to_choose_from_and_nothing_chosen(frame):
    for empty in ({"groups": []}, {"scores": []}):
        assert "there is no column to choose from" in explore(frame, **{"groups": ["dataset"], **empty}).table
    for part in (frame.head(0), frame.assign(dice=np.nan)):
        explorer = explore(part, ["age_group"])
        assert "no case of this selection has a score" in explorer.table and explorer.figure == ""
    assert "has both a group and a score" in explore(frame.assign(odd=None)).table


def test_a_selection_that_empties_says_so_and_comes_back(frame):
    frame = frame.assign(odd=frame["dice"].where(frame["dataset"] != "DUKE"))
    explorer = explore(frame, ["age_group"], ["odd"])
    first = explorer.figure
    explorer.pick(source="DUKE")
    assert 'role="status"' in explorer.table and explorer.figure == ""
    assert explorer.pick(source=None).figure == first


def test_a_single_case(frame):
    table, figure = widgets.group_view(frame.head(1), "dataset", "dice", 0.8)
    assert table["n"].tolist() == ["<10"] and (table.iloc[0, 1:] == "suppressed").all()
    assert [text.get_text() for text in figure.axes[0].texts] == ["no group of 10 or more"]
    assert "data:image/png" in explore(frame.head(1), ["dataset"]).figure


def test_a_group_without_scores_is_a_row_of_none(frame):
    frame = frame.assign(dice=frame["dice"].where(frame["dataset"] != "DUKE"))
    table, figure = widgets.group_view(frame, "dataset", "dice", 0.8)
    assert table.loc["DUKE"].tolist() == [0] + ["–"] * 6
    assert not any("DUKE" in name for name in drawn_names(figure))


def test_scores_that_are_none(frame):
    assert "infinite" in explore(frame.assign(odd="a", dice=np.inf)).table
    assert "not numbers" in explore(frame.assign(odd="a", dice="good")).table


def test_columns_that_are_not_there_or_twice(frame):
    assert "column odd: the table has no such column" in explore(frame).table
    twice = pd.concat([frame, frame[["dataset"]]], axis=1)
    assert "column dataset: it occurs twice" in explore(twice.drop(columns="age_group"), ["dataset"]).table


def test_rows_that_stand_twice_count_twice_and_names_are_offered_once(frame):
    doubled = pd.concat([frame, frame])  # with an index that stands twice
    table, _ = widgets.group_view(doubled, "dataset", "dice", 0.8, cross="age_group")
    once, _ = widgets.group_view(frame, "dataset", "dice", 0.8, cross="age_group")
    assert table.loc["ISPY2 × Middle", "n"] == 2 * once.loc["ISPY2 × Middle", "n"]
    assert len(explore(doubled, ["dataset", "dataset"]).controls["group"].options) == 1


def test_intersections_of_one_name_are_refused():
    frame = pd.DataFrame({"a": ["x × y", "x"], "b": ["z", "y × z"], "dice": 0.5})
    with pytest.raises(InputError, match="two groups have one name"):
        widgets.group_view(frame, "a", "dice", 0.8, cross="b")


def test_markup_is_shown_as_text(frame):
    evil = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    frame = frame.assign(odd=evil).rename(columns={"dice": evil})
    explorer = explore(frame, ["odd"], [evil])
    for shown in (explorer.table, explorer.figure):
        assert "<script" not in shown and "<img src=x" not in shown
    assert "&lt;script&gt;" in explorer.table
    assert "<script" not in explore(frame, [evil + "?"], [evil]).table  # in a message


NAMES = {
    "long": "x" * 200,
    "Hebrew": "נשים צעירות",
    "Arabic": "نساء شابات",
    "Chinese": "年轻女性",
    "Hindi": "युवा महिलाएँ",
    "emoji": "👩🏽",
    "lines": "two\nlines\tand a tab",
    "formula": "$\\frac{1}$ and $100",
    "nothing": "",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_any_name_stands_in_the_table_in_full_and_in_the_figure_as_far_as_it_can(frame, name):
    frame = frame.assign(odd=np.where(np.arange(len(frame)) % 2, name, "other"))
    explorer = explore(frame)
    if "\n" not in name:
        assert f">{name}</th>" in explorer.table
    assert 'dir="auto"' in explorer.table and "data:image/png" in explorer.figure


def test_names_that_the_font_lacks_are_rows_of_the_table():
    names = ["Ærø 60 µm², ≥ 40", *(NAMES[k] for k in ("Hebrew", "Arabic", "Chinese", "Hindi"))]
    assert list(figures.labels(names, "row").values()) == [
        "Ærø 60 µm², ≥ 40",
        *(f"row {k}" for k in (2, 3, 4, 5)),
    ]
    assert list(figures.labels(["x" * 200, "x" * 201]).values()) == [f"group {k}: {'x' * 22}…" for k in (1, 2)]
    assert figures.labels(["a\n b", "a b", "$1"]) == {"a\n b": "a b", "a b": "a b (2)", "$1": "\\$1"}


def test_where_lower_is_better_the_rate_is_that_of_successes(frame):
    frame = frame.assign(error=10 * (1 - frame["dice"]))
    table, figure = widgets.group_view(frame, "dataset", "error", 2, better="lower")
    good = (frame.loc[frame["dataset"] == "DUKE", "error"] < 2).mean()
    assert float(table.loc["DUKE", "rate"]) == pytest.approx(good, abs=5e-4)
    assert figure.axes[1].get_xlabel() == "share with error < 2"
    with pytest.raises(InputError, match="better: must be higher or lower, got 'low'"):
        widgets.group_view(frame, "dataset", "error", 2, better="low")


def test_the_slider_reaches_over_the_scores_and_starts_at_the_threshold(frame):
    frame = frame.assign(error=np.linspace(0.3, 47, len(frame)), odd=np.arange(len(frame)) % 2)
    box = Explorer(widgets.explore_groups(frame, groups=["odd"], scores=["error"], better="lower", threshold=5))
    slider = box.controls["success <"]
    assert (slider.min, slider.value, slider.max) == (0, 5, 47)
    assert "below 5" in box.figure
    usual = explore(frame).controls["success >"]
    assert (usual.min, usual.value, usual.max, usual.step) == (0.05, 0.8, 0.95, 0.05)
    assert explore(frame.assign(flat=7.0), scores=["flat"]).controls["success >"].value == 0.8


def test_missing_values_and_mixed_kinds_of_names(frame):
    odd = pd.Series([1, "1.5", None, np.nan, True, 2.5] * 100, index=frame.index, dtype=object)
    table, _ = widgets.group_view(frame.assign(odd=odd), "odd", "dice", 0.8)
    assert table["n"].sum() == frame.loc[odd.notna(), "dice"].notna().sum()


def test_a_column_with_a_value_a_case_is_cut_to_what_can_be_read(frame):
    many = frame.assign(odd=[f"g{k % 40:02}" for k in range(len(frame))])
    table, figure = widgets.group_view(many, "odd", "dice", 0.8)
    assert len(table) == 40 and len(drawn_names(figure)) == 24
    assert figure.axes[0].get_title(loc="left") or figure.axes[0].get_title() == "the 24 largest of 40 groups"
    alone = frame.assign(odd=[f"g{k}" for k in range(len(frame))])
    assert "data:image/png" in explore(alone).figure
