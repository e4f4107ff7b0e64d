"""One score over several attributes: references, what could be seen, crossings, sources, rulers, false alarms."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.power import TTestIndPower

from helpers import stats
from helpers.errors import InputError
from helpers.stats import hypothesis


@pytest.fixture
def cases():
    """Scores that fall by 0.1 in group b; group c has four cases; site 2 is 0.2 worse and holds most of d."""
    rng = np.random.default_rng(0)
    group = np.array(["a"] * 200 + ["b"] * 150 + ["c"] * 4)
    site = np.array(["1", "2"] * 177)
    frame = pd.DataFrame({"group": group, "site": site, "score": rng.normal(0.8, 0.1, 354)})
    frame.loc[frame["group"] == "b", "score"] -= 0.1
    return frame.assign(other=np.where(rng.random(354) < 0.5, "x", "y"))


def test_small_groups_and_missing_ones_are_compared_with_nothing(cases):
    groups = cases["group"].where(cases.index > 20)
    assert list(stats.comparable(groups).cat.categories) == ["a", "b"]
    assert stats.group_sizes(groups)["n"].to_dict() == {"a": 179, "b": 150, "c": 4, "not recorded": 21}
    assert stats.described(cases["score"], groups=groups).loc["not recorded", "n"] == 21
    with pytest.raises(InputError, match="1 group"):
        stats.comparable(cases["group"].where(cases["group"] != "b"))


def test_the_reference_is_the_largest_group_and_the_planted_contrast_is_found(cases):
    table = stats.against_reference(cases["score"], groups=cases["group"], n_boot=2000)
    assert list(table.index) == ["b"] and table.loc["b", "reference"] == "a"
    low, high = table.loc["b", ["low", "high"]]
    assert low < -0.1 < high < 0


@pytest.mark.parametrize(("n_a", "n_b"), [(12, 12), (30, 200), (500, 400)])
def test_what_could_be_seen_agrees_with_the_power_of_a_t_test(n_a, n_b):
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=n_a), rng.normal(size=n_b)
    pooled = np.sqrt((a.var(ddof=1) * (n_a - 1) + b.var(ddof=1) * (n_b - 1)) / (n_a + n_b - 2))
    size = stats.detectable_difference(a, b) / pooled
    assert TTestIndPower().power(size, n_a, 0.05, n_b / n_a) == pytest.approx(0.8, abs=0.01)


def test_every_attribute_is_one_question_of_the_family(cases):
    attributes = {"group": cases["group"], "other": cases["other"]} | stats.intersections(cases[["site", "other"]])
    table = stats.over_attributes(cases["score"], groups=attributes, n_permutations=500)
    assert list(table.index) == ["group", "other", "site and other"]
    assert table.loc["group", "p_holm"] < 0.05 < table.loc["other", "p"]
    assert (table["p_holm"] >= table["p"]).all() and (table["expected"] > 0).all()
    tiny = pd.Series(["p"] * 350 + ["q"] * 4, name="tiny")
    table = stats.over_attributes(cases["score"], groups={"group": cases["group"], "tiny": tiny}, n_permutations=200)
    assert np.isnan(table.loc["tiny", "p"]) and "1 group(s)" in table.loc["tiny", "note"]
    (null,) = table.attrs["nulls"].values()  # of the attribute that is compared
    again = stats.permutation(cases["score"], groups=stats.comparable(cases["group"]), n=200)
    assert (null.p, null.statistic) == (table.loc["group", "p"], table.loc["group", "gap"])
    assert np.array_equal(null.null, again.null)
    assert table.loc["group", "p_holm"] == table.loc["group", "p"]


def test_crossed_groups_are_missing_where_either_is():
    frame = pd.DataFrame({"s": ["f", "m", None], "t": ["x", "y", "x"]})
    (both,) = stats.intersections(frame).values()
    assert both[:2].tolist() == ["f, x", "m, y"] and both.isna()[2]
    assert stats.intersections(frame[["s"]]) == {}


def test_a_gap_that_is_the_source_goes_when_the_source_is_given():
    rng = np.random.default_rng(2)
    source = pd.Series(rng.choice(["s'1", 's"2'], 800))
    group = pd.Series(np.where(rng.random(800) < np.where(source == "s'1", 0.2, 0.8), "g) + 1", "h"))
    score = pd.Series(rng.normal(0, 0.1, 800) - 0.2 * (source == 's"2'))
    row = stats.given_source(score, groups=group, sources=source).iloc[0]
    assert row["alone_low"] > 0 or row["alone_high"] < 0
    assert row["low"] < 0 < row["high"] and abs(row["given"]) < 0.03
    same = stats.given_source(score, groups=group, sources=group).iloc[0]
    assert np.isnan(same["given"]) and same["note"]


def test_the_change_by_the_source_has_the_interval_of_a_paired_bootstrap():
    rng = np.random.default_rng(3)
    source = pd.Series(rng.choice(["s", "t", "u"], 600, p=[0.5, 0.3, 0.2]))
    group = pd.Series(np.where(rng.random(600) < np.where(source == "s", 0.3, 0.6), "b", "a")).astype("category")
    score = pd.Series(rng.normal(0, np.where(group == "b", 0.2, 0.1)) - 0.1 * (source == "u"))
    row = stats.given_source(score, groups=group, sources=source).loc["b" if (group == "a").sum() > 300 else "a"]
    assert row["change"] == pytest.approx(row["given"] - row["alone"])
    inside = pd.get_dummies(source, dtype=float).to_numpy()
    own = (group == row.name).to_numpy(float)
    draws = []
    for _ in range(2000):
        rows = rng.integers(0, 600, 600)
        alone = np.column_stack([own, np.ones(600)])[rows]
        given = np.column_stack([own, inside])[rows]
        fits = [np.linalg.lstsq(x, score.to_numpy()[rows], rcond=None)[0][0] for x in (alone, given)]
        draws.append(fits[1] - fits[0])
    low, high = np.quantile(draws, [0.025, 0.975])
    width = high - low
    assert row["change_low"] == pytest.approx(low, abs=0.12 * width)
    assert row["change_high"] == pytest.approx(high, abs=0.12 * width)
    # The group's own source explains nothing of itself, and a case alone in its source neither.
    same = stats.given_source(score, groups=group, sources=group).iloc[0]
    assert np.isnan(same[["change", "change_low", "change_high"]].astype(float)).all()
    odd = stats.given_source(score, groups=group, sources=source.mask(source.index == 0, "alone")).iloc[0]
    assert np.isfinite(odd["change_low"])


def test_a_second_ruler_that_hides_a_gap_is_said_to_hide_it(cases):
    second = cases["score"] + 0.08 * (cases["group"] == "b")
    row = stats.changed_by_ruler(cases["score"], second, groups=cases["group"], n_boot=1000).loc["b"]
    assert row["change"] == pytest.approx(0.08) and row["verdict"] == "hides"
    same = stats.changed_by_ruler(cases["score"], cases["score"], groups=cases["group"], n_boot=1000).loc["b"]
    assert same["change"] == 0 and same["verdict"] == "shifts within noise"


def test_rates_turn_round_where_lower_is_better(cases):
    _, high = stats.rates_at(cases["score"], groups=cases["group"], threshold=0.75, n=200)
    table, low = stats.rates_at(-cases["score"], groups=cases["group"], threshold=-0.75, better="lower", n=200)
    assert low == high and high["n"] == 350 and 0 < high["DIR"] < 1
    assert table.loc["a", "rate"] > table.loc["b", "rate"]
    up = stats.sweep_against_reference(cases["score"], groups=cases["group"])["b"]
    down = stats.sweep_against_reference(-cases["score"], groups=cases["group"], better="lower")["b"]
    assert up["ratio"].to_numpy() == pytest.approx(down["ratio"].to_numpy(), nan_ok=True)
    assert up["threshold"].to_numpy() == pytest.approx(-down["threshold"].to_numpy())
    with pytest.raises(InputError, match="up"):
        stats.rates_at(cases["score"], groups=cases["group"], threshold=0, better="up")
    _, none = stats.rates_at(cases["score"], groups=cases["group"], threshold=9, n=200)
    assert none["DPD"] == 0 and np.isnan(none["DIR"])


def test_shuffled_scores_give_about_one_false_alarm_in_twenty(cases):
    found = stats.false_alarms(cases["score"], groups=cases["group"], n=400)
    assert found.shape == (400,) and 0.02 <= found.mean() <= 0.09
    inside = cases["score"] - 0.5 * (cases["site"] == "2")
    found = stats.false_alarms(inside, groups=cases["group"], strata=cases["site"], n=400)
    assert 0.02 <= found.mean() <= 0.09


@pytest.mark.parametrize("name", ["ANOVA", "Welch", "Kruskal-Wallis"])
def test_the_control_asks_the_test_that_was_chosen(name, monkeypatch):
    rng = np.random.default_rng(0)
    sizes, spread = ((15, 20) if name == "Kruskal-Wallis" else (40, 60)), (3 if name == "Welch" else 1)
    values = np.r_[rng.exponential(size=sizes[0]) * spread, rng.exponential(size=sizes[1])]
    groups = pd.Series(np.repeat(["a", "b"], sizes))
    assert stats.choose_test(values, groups=groups)[0].name == name
    asked, real = [], hypothesis.test_named
    monkeypatch.setattr(hypothesis, "test_named", lambda name, *args: asked.append(name) or real(name, *args))
    stats.false_alarms(pd.Series(values), groups=groups, n=20)
    assert asked[1:] == [name] * 20  # the first is that of the choice


def test_the_control_outlives_a_shuffled_group_without_spread():
    # Rare outcomes: Welch is chosen, and in half of the shuffles the small group has none and leaves Welch undefined.
    score = pd.Series(np.r_[np.zeros(299), np.ones(6), np.zeros(25)])
    groups = pd.Series(np.repeat(["a", "b"], (300, 30)))
    assert stats.choose_test(score, groups=groups)[0].name == "Welch"
    assert stats.false_alarms(score, groups=groups, n=20).shape == (20,)


@pytest.mark.parametrize("score", [np.ones(60), np.r_[np.zeros(59), 1.0], np.tile([0.0, 1.0], 30)])
def test_scores_without_spread_and_outcomes_are_audited_too(score):
    score, groups = pd.Series(score), pd.Series(["a", "b", "b"] * 20)
    assert np.isfinite(stats.against_reference(score, groups=groups, n_boot=200)["estimate"]).all()
    assert len(stats.false_alarms(score, groups=groups, n=20)) == 20
    assert stats.over_attributes(score, groups={"g": groups}, n_permutations=200)["p"].between(0, 1).all()


@pytest.mark.parametrize("succeed", [(3, 60), (60, 97)])
def test_a_rate_of_few_successes_or_failures_is_not_given_away(succeed):
    groups = pd.Series(np.repeat(["a", "b"], 100), name="g")
    score = pd.Series(np.concatenate([np.where(np.arange(100) < k, 0.9, 0.1) for k in succeed]))
    table, summary = stats.rates_at(score, groups=groups, threshold=0.5, n=200)
    assert table["rare"].sum() == 1 and np.isnan(summary["DPD"]) and np.isnan(summary["DIR"])
    _, told = stats.rates_at(score, groups=groups, threshold=0.05, n=200)
    assert told["DPD"] == 0


def test_swept_points_of_few_successes_or_failures_are_left_out():
    rng = np.random.default_rng(3)
    groups = pd.Series(np.repeat(["a", "b"], [120, 80]), name="g")
    swept = stats.sweep_against_reference(pd.Series(rng.random(200)), groups=groups)["b"]
    for side in "ab":
        count, n = swept[f"count_{side}"].dropna(), swept[f"n_{side}"].iloc[0]
        assert not count.between(1, 9).any() and not (n - count).between(1, 9).any()
    left_out = swept["count_a"].isna()
    assert 0 < left_out.sum() < len(swept)
    assert swept.loc[left_out, ["ratio", "ratio_low", "difference"]].isna().all(axis=None)


def test_no_small_cell_of_a_crossing_comes_back_by_subtraction():
    sizes = {
        ("f", "old"): 40,
        ("f", "young"): 60,
        ("m", "old"): 5,
        ("m", "young"): 80,
        ("x", "old"): 70,
        ("x", "young"): 30,
    }
    rows = [pair for pair, n in sizes.items() for _ in range(n)]
    crossed = stats.intersections(pd.DataFrame(rows, columns=["sex", "age"]))["sex and age"]
    shown = crossed.value_counts()
    assert shown["m, old"] == 5  # told as "<10"
    assert "m, young" not in shown and "f, old" not in shown and "f, young" not in shown
    assert shown["x, old"] == 70 and shown["x, young"] == 30


def test_a_crossing_without_a_lone_small_cell_is_whole():
    frame = pd.DataFrame({"sex": ["f", "m"] * 50, "age": ["old"] * 50 + ["young"] * 50})
    assert stats.intersections(frame)["sex and age"].notna().all()


# Sizes of cells, one row a sex and one column an age, and the large cells to hide next to the small ones.
CROSSED = [
    ([[3, 4, 50, 20], [60, 70, 80, 90], [30, 40, 50, 60]], {"0, 3", "2, 0", "2, 1", "2, 3"}),  # 3 + 4
    ([[5, 5, 50], [60, 70, 80], [30, 40, 50]], {"2, 0", "2, 1"}),  # 5 + 5 are ten
    ([[3, 4], [3, 40], [50, 60]], {"1, 1", "2, 0", "2, 1"}),  # 3 + 3 in a column; the first row has no other cell
    ([[30, 40], [50, 60]], set()),
    ([[3, 4, 0], [0, 0, 80], [30, 40, 50]], {"2, 0", "2, 1"}),  # a cell without cases hides nothing
]


def crossing(sizes):
    rows = [(str(i), str(k)) for i, row in enumerate(sizes) for k, n in enumerate(row) for _ in range(n)]
    frame = pd.DataFrame(rows, columns=["sex", "age"])
    both = frame["sex"] + ", " + frame["age"]
    return set(both) - set(stats.intersections(frame)["sex and age"].dropna())


@pytest.mark.parametrize(("sizes", "hidden"), CROSSED)
def test_hidden_cells_of_a_line_have_ten_cases_or_more_together(sizes, hidden):
    assert crossing(sizes) == hidden


@pytest.mark.parametrize(
    ("unrecorded", "hidden"),
    [
        ({"f": 20}, {"f, old", "m, young", "m, old"}),  # the report shows 20 without an age: all are of f
        ({"f": 20, "m": 15}, {"m, young"}),  # which of the 35 are of f, nobody can tell
    ],
)
def test_cases_without_an_age_hide_a_small_cell_only_where_their_place_is_unknown(unrecorded, hidden):
    sizes = {("f", "young"): 4, ("f", "old"): 60, ("m", "young"): 70, ("m", "old"): 80, ("x", "old"): 90}
    sizes |= {(sex, None): n for sex, n in unrecorded.items()}
    frame = pd.DataFrame([pair for pair, n in sizes.items() for _ in range(n)], columns=["sex", "age"])
    crossed = stats.intersections(frame)["sex and age"]
    known = frame["age"].notna()
    assert set((frame["sex"] + ", " + frame["age"])[known]) - set(crossed[known].dropna()) == hidden


def test_no_line_of_any_crossing_gives_away_a_sum_under_ten():
    rng = np.random.default_rng(4)
    for _ in range(60):
        counts = rng.choice([0, 2, 4, 6, 9, 15, 30, 80], tuple(rng.integers(2, 6, 2)))
        names = crossing(counts.tolist())
        hidden = (counts > 0) & (counts < 10)
        for i, k in np.ndindex(counts.shape):
            hidden[i, k] |= f"{i}, {k}" in names
        for sizes, of in ((counts, hidden), (counts.T, hidden.T)):
            for line, lost in zip(sizes, of, strict=True):
                safe = not lost.any() or (lost.sum() > 1 and line[lost].sum() >= 10)
                assert safe or (line[lost].sum() == line.sum() < 10 or (lost.sum() == 1 == (line > 0).sum()))


@pytest.mark.parametrize("seed", range(6))
def test_contrasts_given_the_source_are_those_of_a_model_of_all_cases(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(60, 400))
    source = pd.Series(rng.choice(list("stuvw")[: 2 + seed % 4], n))
    shift = source.map(dict(zip("stuvw", range(5), strict=True)))
    group = pd.Series(pd.Categorical(rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2]))).mask(rng.random(n) < 0.05)
    score = pd.Series(rng.exponential(size=n) + 0.3 * shift).round(seed % 3 + 1)
    if seed % 2:
        source[0] = "alone"  # a case that decides its fitted value
    found = stats.given_source(score, groups=group, sources=source)
    frame = pd.DataFrame({"score": score, "group": group, "source": source})
    for level, row in found.iterrows():
        for columns, adjust in ((["alone", "alone_low", "alone_high"], []), (["given", "low", "high"], ["source"])):
            pair = {"group": "group", "a": stats.reference_group(group), "b": level}
            whole = stats.adjusted_contrast(frame, score="score", adjust=adjust, robust=True, **pair)
            assert row[columns].tolist() == pytest.approx([whole.estimate, whole.low, whole.high], rel=1e-9, abs=1e-12)
