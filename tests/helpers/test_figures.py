"""Figures draw what the numbers say."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from helpers import datasets, figures, stats
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
def frame():
    return datasets.simulate_breast_mri_table(600, seed=2)[0]


def test_histogram_leaves_small_bars_out(ax):
    values = pd.Series([1.0] * 20 + [3.0] * 9 + [5.0] * 10, name="age")
    by = pd.Series(["a"] * 39, name="source")
    assert figures.histogram(values, by, ax=ax, bins=[0, 2, 4, 6]) is ax
    assert [bar.get_height() for bar in ax.patches] == [20, 0, 10]
    assert ax.get_ylim()[0] == 0 and not ax.texts


def test_histogram_says_where_no_bar_is_left(ax):
    few = pd.Series([1.0, 3.0, 5.0], name="age")
    figures.histogram(few, pd.Series(["a"] * 3, name="source"), ax=ax, bins=[0, 2, 4, 6])
    assert [text.get_text() for text in ax.texts] == ["no bar of 10 or more"]
    assert ax.get_ylim() == (0, 10) and ax.get_xlim() == (0, 6)


def test_means_show_the_intervals(ax, frame):
    table = stats.by_group(frame["dice"], groups=frame["age_group"])
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
    spans = [[tuple(ends[:, 0]) for ends in lines.get_segments()] for lines in ax.collections]
    assert spans == [[(0.0, 0.2)], [(0.1, 0.3)]]
    assert [list(line.get_ydata()) for line in ax.lines[:2]] == [[1], [0]]
    assert list(ax.lines[-1].get_xdata()) == [0.0, 0.0]


def test_two_sweeps_have_two_colours(ax, frame):
    table = stats.threshold_sweep(frame["dice"], groups=frame["age_group"], a="Young", b="Older")
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


# -- labels side by side


def test_bars_count_each_category_by_both_labels(ax):
    first = pd.Series([1] * 12 + [2] * 11 + [None] * 10 + [6] * 2, dtype="Int64")
    second = pd.Series([1] * 20 + [3] * 15, dtype="Int64")
    figures.bars(pd.DataFrame({"scale": first, "centaur": second}), ax=ax, xlabel="skin type")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "2", "3", "6", "unknown"]
    heights = [[bar.get_height() for bar in container] for container in ax.containers]
    assert heights == [[12, 11, 0, 0, 10], [20, 0, 15, 0, 0]]  # two cases of type 6 are left out
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["scale", "centaur"]
    left, right = (container[0] for container in ax.containers)
    assert left.get_x() + left.get_width() == pytest.approx(right.get_x()) == pytest.approx(0)
    assert left.get_hatch() != right.get_hatch() and left.get_facecolor() != right.get_facecolor()


# -- boxes


def measured(n: int = 60) -> pd.DataFrame:
    """Errors of three trainings; every cell has a mean of its own, and group light twice as many rows."""
    rng = np.random.default_rng(0)
    means = {
        ("A", "light"): 1,
        ("A", "dark"): 5,
        ("B", "light"): 2,
        ("B", "dark"): 3,
        ("C", "light"): 6,
        ("C", "dark"): 4,
    }
    parts = [
        pd.DataFrame({"training": t, "group": g, "mse": rng.normal(mean, 0.2, n * (1 + (g == "light")))})
        for (t, g), mean in means.items()
    ]
    return pd.concat(parts).sample(frac=1, random_state=0)


def boxes_of(ax) -> list:
    return [patch for patch in ax.patches if isinstance(patch, mpl.patches.PathPatch)]


def test_boxes_stand_in_pairs_and_show_the_quartiles(ax):
    rows = measured()
    assert figures.boxes(rows, y="mse", ax=ax, groups=["light", "dark"], ylabel="error") is ax
    cells = rows.groupby(["group", "training"])["mse"]
    drawn = [patch.get_path().get_extents() for patch in boxes_of(ax)]
    assert len(drawn) == 6
    for box, key in zip(drawn, [(g, t) for g in ("light", "dark") for t in "ABC"], strict=True):
        assert (box.y0, box.y1) == pytest.approx(tuple(cells.get_group(key).quantile([0.25, 0.75])))
    middles = [(box.x0 + box.x1) / 2 for box in drawn]
    assert middles == pytest.approx([-0.2, 0.8, 1.8, 0.2, 1.2, 2.2])
    assert max(box.width for box in drawn) < 0.4  # they do not touch
    assert [t.get_text() for t in ax.get_xticklabels()] == ["A", "B", "C"]
    assert [t.get_text() for t in ax.get_xticklabels(minor=True)] == ["120"] * 3 + ["60"] * 3
    assert list(ax.get_xticks(minor=True)) == pytest.approx(middles)
    assert ax.get_ylabel() == "error"


def test_boxes_of_two_groups_differ_without_colour_and_are_in_the_legend(ax):
    figures.boxes(measured(), y="mse", ax=ax, groups=["light", "dark"])
    boxes = boxes_of(ax)
    assert [patch.get_hatch() for patch in boxes] == [""] * 3 + ["///"] * 3
    assert len({patch.get_facecolor() for patch in boxes}) == 2
    handles = ax.get_legend().legend_handles
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["light", "dark"]
    assert [handle.get_hatch() for handle in handles] == ["", "///"]


def test_boxes_take_the_order_they_are_given_or_else_sort(ax):
    rows = measured()
    figures.boxes(rows, y="mse", ax=ax, order=["C", "A"], groups=["dark"])
    assert [t.get_text() for t in ax.get_xticklabels()] == ["C", "A"]
    assert len(boxes_of(ax)) == 2
    other = plt.figure().add_subplot()
    figures.boxes(rows, y="mse", ax=other)
    assert [t.get_text() for t in other.get_legend().get_texts()] == ["dark", "light"]
    plt.close(other.figure)


def test_few_outliers_are_drawn_and_the_farthest_of_them(ax):
    values = np.concatenate([np.linspace(0, 1, 1000), np.linspace(3, 9, 200), [-40.0]])
    rows = pd.DataFrame({"training": "A", "group": "dark", "mse": values})
    figures.boxes(rows, y="mse", ax=ax, outliers=25)
    (drawn,) = (line.get_ydata() for line in ax.lines if line.get_marker() == ".")
    assert len(drawn) == 25
    assert (min(drawn), max(drawn)) == (-40, 9)
    assert set(drawn) <= set(values)
    assert np.diff(np.sort(drawn)[1:]).max() < 0.4  # evenly thinned


def test_boxes_name_what_is_missing(ax):
    rows = measured()
    with pytest.raises(InputError, match="column ssim"):
        figures.boxes(rows, y="ssim", ax=ax)
    with pytest.raises(InputError, match=r"column mse: 3 of 540 values are NaN"):
        figures.boxes(rows.assign(mse=rows["mse"].where(np.arange(len(rows)) > 2)), y="mse", ax=ax)
    lacking = rows[(rows["training"] != "C") | (rows["group"] != "dark")]
    with pytest.raises(InputError, match="no row has training 'C' and group 'dark'"):
        figures.boxes(lacking, y="mse", ax=ax)


# -- one group against the other


def conditions(n: int = 30) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    light = rng.uniform(0.01, 0.05, n)
    table = pd.DataFrame({"light": light, "dark": light + rng.normal(0, 0.001, n), "n": rng.integers(5, 300, n)})
    table["name"] = [f"a condition with a long name, {i}" for i in range(n)]
    table.loc[[3, 7, 11, 12, 20], "dark"] = table.loc[[3, 7, 11, 12, 20], "light"] + [0.02, -0.01, 0.01, 0.011, -0.009]
    return table.sample(frac=1, random_state=2)


def annotations(ax) -> list:
    return [child for child in ax.get_children() if isinstance(child, mpl.text.Annotation)]


def test_against_draws_each_row_on_equal_axes_with_the_line_of_equality(ax):
    table = conditions()
    assert figures.against(table, x="light", y="dark", size="n", label="name", ax=ax, xlabel="l", ylabel="d") is ax
    (dots,) = ax.collections
    assert np.allclose(dots.get_offsets(), table[["light", "dark"]])
    assert np.allclose(dots.get_sizes() / dots.get_sizes().max(), table["n"] / table["n"].max())
    assert ax.get_xlim() == ax.get_ylim() and ax.get_aspect() == 1
    assert ax.get_xlim()[0] < table[["light", "dark"]].min().min()
    (line,) = ax.lines
    assert line.get_slope() == 1 and line.get_xy1()[0] == line.get_xy1()[1]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("l", "d")
    shown = [float(text.get_text()) for text in ax.get_legend().get_texts()]
    sizes = [handle.get_markersize() ** 2 for handle in ax.get_legend().legend_handles]
    assert np.allclose(sizes, np.array(shown) / table["n"].max() * dots.get_sizes().max())


@pytest.mark.parametrize("size", [None, "n"])
def test_the_farthest_are_named_without_overlap(ax, size):
    table = conditions()
    ax.figure.set_size_inches(7, 3.6)
    figures.against(table, x="light", y="dark", size=size, label="name", ax=ax)
    named = annotations(ax)
    assert {text.get_text().split()[-1] for text in named} == {"3", "7", "11", "12", "20"}
    for text in named:
        row = table[table["name"] == text.get_text()].iloc[0]
        assert text.xy == (row["light"], row["dark"])
    ax.figure.canvas.draw()
    frames = [mpl.text.Text.get_window_extent(text) for text in named]
    if size:
        frames.append(ax.get_legend().get_window_extent())
    assert not any(a.overlaps(b) for i, a in enumerate(frames) for b in frames[:i])
    assert all(ax.figure.bbox.x1 >= frame.x1 and frame.x0 > ax.bbox.x1 for frame in frames)


def test_names_that_are_close_are_moved_apart_and_stay_in_the_axes(ax):
    table = pd.DataFrame(
        {"light": np.linspace(0, 1, 6), "dark": [1, 0.999, 0.998, 0.997, 0, 0.001]}, index=list("abcdef")
    )
    figures.against(table, x="light", y="dark", ax=ax, named=6)
    named = {text.get_text(): text.xyann[1] for text in annotations(ax)}
    heights = np.array([named[name] for name in "efdcba"])  # as the points themselves
    assert (np.diff(heights) >= 0.1 - 1e-9).all() and heights[0] >= 0 and heights[-1] <= 1


def test_against_without_names_and_with_bad_values(ax):
    table = conditions()
    figures.against(table, x="light", y="dark", ax=ax, named=0)
    assert annotations(ax) == []
    with pytest.raises(InputError, match="column tone"):
        figures.against(table, x="light", y="tone", ax=ax)
    with pytest.raises(InputError, match="column dark: 1 of 30 values are NaN"):
        figures.against(
            table.assign(dark=table["dark"].where(table["dark"] < table["dark"].max())), x="light", y="dark", ax=ax
        )
    with pytest.raises(InputError, match="column n: a count is not above 0"):
        figures.against(table.assign(n=table["n"] - table["n"].min()), x="light", y="dark", size="n", ax=ax)


def test_against_without_the_line_has_axes_of_two_units_and_names_all(ax):
    table = conditions().head(8)
    table["dark"] *= 100
    ax.figure.set_size_inches(4, 3.4)
    figures.against(table, x="light", y="dark", label="name", ax=ax, named=8, line=False)
    assert not ax.lines and ax.get_aspect() == "auto" and ax.get_ylim()[1] > 10 * ax.get_xlim()[1]
    named = annotations(ax)
    assert {text.get_text() for text in named} == set(table["name"])
    ax.figure.canvas.draw()
    frames = [mpl.text.Text.get_window_extent(text) for text in named]
    assert not any(a.overlaps(b) for i, a in enumerate(frames) for b in frames[:i])


# -- pictures


def test_pictures_stand_in_their_row_and_column_with_names(ax):
    grid = np.random.default_rng(0).integers(0, 255, (2, 4, 3, 32, 16)).astype(np.uint8)
    assert figures.pictures(grid, rows=["x", "y"], columns=["original", "A", "B", "C"], ax=ax) is ax
    shown = np.asarray(ax.images[0].get_array())
    across, down = ([int(place) for place in places] for places in (ax.get_xticks(), ax.get_yticks()))
    for i, y in enumerate(down):
        for j, x in enumerate(across):
            tile = shown[y - 15 : y + 17, x - 7 : x + 9]
            assert np.array_equal(tile, grid[i, j].transpose(1, 2, 0))
    inside = np.zeros(shown.shape[:2], bool)
    for y in down:
        for x in across:
            inside[y - 15 : y + 17, x - 7 : x + 9] = True
    assert (shown[~inside] == 255).all() and (~inside).mean() < 0.1
    assert [t.get_text() for t in ax.get_xticklabels()] == ["original", "A", "B", "C"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["x", "y"]
    assert all(tick.tick1line.get_markersize() == 0 for tick in ax.xaxis.get_major_ticks())


def test_pictures_take_lists_and_refuse_what_is_no_grid(ax):
    image = np.zeros((3, 8, 8), np.uint8)
    names = {"rows": ["x"], "columns": ["a", "b"]}
    figures.pictures([[image, image]], **names, ax=ax)
    assert ax.images[0].get_array().shape == (8, 17, 3)
    with pytest.raises(InputError, match="differ in size"):
        figures.pictures([[image, image], [image]], **names, ax=ax)
    with pytest.raises(InputError, match=r"found float64 \(1, 2, 3, 8, 8\)"):
        figures.pictures([[image / 255, image]], **names, ax=ax)
    with pytest.raises(InputError, match="1 and 2 names for 1 rows and 1 columns"):
        figures.pictures([[image]], **names, ax=ax)


def test_of_many_groups_the_largest_are_drawn_and_the_others_counted(ax):
    by = pd.Series(np.repeat([f"g{k:02}" for k in range(20)], np.arange(20) + 20), name="group")
    figures.histogram(pd.Series(1.0, index=by.index, name="score"), by, ax=ax, bins=1)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == [f"g{k:02}" for k in range(6, 20)]
    assert ax.get_title(loc="left") == "the 14 largest groups; 6 more are left out"


def test_maps_in_colours_each_by_itself():
    ramp = np.linspace(0, 1, 100).reshape(10, 10)
    one, ten, flat = figures.heat([ramp, 10 * ramp, 0 * ramp])
    assert one.shape == (3, 10, 10) and one.dtype == np.uint8
    assert (one == ten).all() and (np.diff(one.astype(int).sum(0).ravel()) >= 0).all()
    assert len(np.unique(flat.reshape(3, -1), axis=1).T) == 1
