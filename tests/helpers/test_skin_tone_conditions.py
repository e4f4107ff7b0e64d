"""What the label table alone says: known tables, chance, and the real table where it is there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from helpers import datasets
from helpers.errors import InputError
from helpers.studies import skin_tone

LIGHT_DARK = {"a": "light", "b": "dark"}
BANDS = {"light": (1, 2), "between": (3, 4), "dark": (5, 6)}


def drawn(n: int = 4000, *, shift: float = 0.0, seed: int = 0) -> pd.DataFrame:
    """Cases of 8 conditions in 2 classes; in dark, `shift` of the first of each class is the second instead."""
    rng = np.random.default_rng(seed)
    group = rng.choice(["light", "dark", "other"], n, p=[0.6, 0.3, 0.1])
    label = rng.choice(8, n, p=[0.2, 0.1, 0.1, 0.1, 0.2, 0.1, 0.1, 0.1])
    moved = (group == "dark") & (label % 4 == 0) & (rng.random(n) < shift)
    label = label + moved
    return pd.DataFrame({"group": group, "fine": [f"c{k}" for k in label], "coarse": [f"C{k // 4}" for k in label]})


@pytest.fixture(scope="module")
def real(real_labels) -> pd.DataFrame:
    return datasets.load_fitzpatrick17k(real_labels, images=False)[0]


# Prevalence


def test_prevalence_counts_each_condition_in_both_groups():
    condition = ["x"] * 3 + ["y"] + ["x"] + ["y"] * 4 + ["z", None, "x"]
    groups = ["light"] * 4 + ["dark"] * 5 + ["other", "dark", None]
    table = skin_tone.prevalence(condition, groups=groups, **LIGHT_DARK)
    assert list(table.index) == ["y", "x"]  # the largest difference first; nobody in either group has z
    assert table.loc["x", ["count_a", "n_a", "count_b", "n_b"]].tolist() == [3, 4, 1, 5]
    assert table["difference"].tolist() == pytest.approx([0.8 - 0.25, 0.2 - 0.75])
    assert table["rate_a"].sum() == table["rate_b"].sum() == 1
    assert (table["low"] < table["difference"]).all() and (table["difference"] < table["high"]).all()


def test_prevalence_intervals_cover_the_truth_as_often_as_they_say():
    covered = []
    for seed in range(60):
        frame = drawn(600, shift=0.5, seed=seed)
        table = skin_tone.prevalence(frame["fine"], groups=frame["group"], **LIGHT_DARK)
        truth = pd.Series({f"c{k}": 0.1 * (k % 4 == 1) - 0.1 * (k % 4 == 0) for k in range(8)})
        covered += ((table["low"] <= truth[table.index]) & (truth[table.index] <= table["high"])).tolist()
    assert abs(np.mean(covered) - 0.95) < 0.03


def test_shift_is_that_of_its_formulas():
    frame = drawn(shift=0.7)
    table = skin_tone.prevalence_shift(frame, levels=["coarse", "fine"], n_permutations=50)
    by_group = pd.crosstab(frame["fine"], frame["group"], normalize="columns")
    row = table.loc["fine"]
    assert row["pearson"] == pytest.approx(np.corrcoef(by_group["light"], by_group["dark"])[0, 1])
    assert row["spearman"] == pytest.approx(stats.spearmanr(by_group["light"], by_group["dark"]).statistic)
    assert row["total_variation"] == pytest.approx((by_group["light"] - by_group["dark"]).abs().sum() / 2)
    assert table["conditions"].tolist() == [2, 8]
    assert row[["n_a", "n_b"]].tolist() == [(frame["group"] == g).sum() for g in ("light", "dark")]


def test_shift_tells_a_difference_from_chance():
    alike = skin_tone.prevalence_shift(drawn(), levels=["coarse", "fine"], n_permutations=500)
    assert (alike["p"] > 0.05).all()
    assert (alike["total_variation"] < alike["total_variation_chance_high"]).all()
    other = skin_tone.prevalence_shift(drawn(shift=0.5), levels=["coarse", "fine"], n_permutations=500)
    assert other.loc["fine", "p"] == pytest.approx(1 / 501) and other.loc["coarse", "p"] > 0.05
    assert other.loc["fine", "pearson"] < other.loc["fine", "pearson_chance_low"]
    assert other.loc["fine", "total_variation"] > other.loc["fine", "total_variation_chance_high"]


@pytest.mark.slow
def test_what_is_beyond_chance_has_both_intervals():
    how = {"levels": ["coarse", "fine"], "n_permutations": 400}
    wide, narrow = (skin_tone.prevalence_shift(drawn(shift=0.5), level=level, **how) for level in (0.95, 0.9))
    found = skin_tone.beyond_chance(wide, narrow)
    row = found.loc["fine"]
    assert row["low"] < row["low90"] < row["estimate"] < row["high90"] < row["high"]
    assert row["low"] == wide.loc["fine", "total_variation"] - wide.loc["fine", "total_variation_chance_high"]
    assert row["high90"] == narrow.loc["fine", "total_variation"] - narrow.loc["fine", "total_variation_chance_low"]
    assert row["n"] == wide.loc["fine", ["n_a", "n_b"]].sum()
    assert skin_tone.beyond_chance(*(skin_tone.prevalence_shift(drawn(50), levels=[]) for _ in range(2))).empty


def test_p_is_uniform_where_nothing_differs():
    p = [
        skin_tone.prevalence_shift(drawn(400, seed=seed), levels=["fine"], n_permutations=99).loc["fine", "p"]
        for seed in range(150)
    ]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_shift_counts_conditions_of_one_group_alone():
    frame = pd.DataFrame({"group": ["light"] * 4 + ["dark"] * 3, "label": list("wxyzxyv")})
    row = skin_tone.prevalence_shift(frame, levels=["label"], n_permutations=20).loc["label"]
    assert (row["conditions"], row["only_a"], row["only_b"]) == (5, 2, 1)


def test_correlation_of_equal_shares_is_not_a_number():
    frame = pd.DataFrame({"group": ["light"] * 4 + ["dark"] * 4, "label": list("xyxyxxxy")})
    row = skin_tone.prevalence_shift(frame, levels=["label"], n_permutations=20).loc["label"]
    assert np.isnan(row["pearson"]) and row["total_variation"] == 0.25


# Sampling


def test_distinct_cases_are_those_that_sampling_gives():
    groups = ["light"] * 90 + ["dark"] * 45 + [None] * 10
    table = skin_tone.sampling(groups, held_out=15, draws=40, **LIGHT_DARK)
    rng = np.random.default_rng(0)
    for name, drawn_a, drawn_b in (("light only", 40, 0), ("half and half", 20, 20), ("dark only", 0, 40)):
        counts = [
            len(set(rng.integers(75, size=drawn_a))) + len(set(rng.integers(30, size=drawn_b))) for _ in range(2000)
        ]
        row = table.loc[name]
        assert abs(np.mean(counts) - row["distinct"]) < 4 * np.std(counts) / np.sqrt(2000)
        assert row["distinct"] == row["distinct_a"] + row["distinct_b"]
        assert row["without_replacement"] == (drawn_b <= 30)


# Agreement


def test_agreement_is_that_of_its_formulas():
    rng = np.random.default_rng(1)
    first = rng.integers(1, 7, 500)
    second = np.clip(first + rng.integers(-2, 3, 500), 1, 6)
    table = skin_tone.label_agreement(pd.array([*first, None, 3], "Int64"), [*second, 2, np.nan])
    assert table["n"].tolist() == [500] * 3 and table.attrs["missing"] == 2
    assert table.loc["exact", "estimate"] == (first == second).mean()
    assert table.loc["within one", "estimate"] == (np.abs(first - second) <= 1).mean()
    assert table.loc["weighted kappa", "estimate"] == pytest.approx(
        cohen_kappa_score(first, second, weights="quadratic")
    )
    assert (table["low"] < table["estimate"]).all() and (table["estimate"] < table["high"]).all()
    same = skin_tone.label_agreement(first, first)
    assert same["estimate"].tolist() == [1, 1, 1]


def test_kappa_is_nothing_where_labels_are_unrelated_and_its_interval_covers_it():
    rng = np.random.default_rng(2)
    rows = [
        skin_tone.label_agreement(rng.integers(1, 7, 300), rng.integers(1, 7, 300)).loc["weighted kappa"]
        for _ in range(100)
    ]
    assert abs(np.mean([row["low"] < 0 < row["high"] for row in rows]) - 0.95) < 0.06


def test_a_scale_need_not_be_used_in_full():
    first, second = [1, 1, 6, 6, 6], [1, 6, 6, 6, 1]
    kappa = skin_tone.label_agreement(first, second).loc["weighted kappa", "estimate"]
    assert kappa == pytest.approx(cohen_kappa_score(first, second, weights="quadratic"))


def test_bands_by_either_label():
    table = skin_tone.band_table([1, 2, 3, 5, 6, None], [2, 3, 4, 5, 1, 5], bands=BANDS)
    assert table.to_numpy().tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 1]]
    assert list(table) == list(table.index) == list(BANDS) and table.attrs["missing"] == 1


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: skin_tone.prevalence(["x"] * 3, groups=["light"] * 2, **LIGHT_DARK), ("groups", "2 for 3")),
        (lambda: skin_tone.prevalence(["x"] * 2, groups=["light"] * 2, **LIGHT_DARK), ("'dark'",)),
        (lambda: skin_tone.prevalence([None, "x"], groups=["light", "dark"], **LIGHT_DARK), ("condition", "no case")),
        (lambda: skin_tone.prevalence_shift(drawn(50), levels=["finest"]), ("column finest",)),
        (lambda: skin_tone.prevalence_shift(drawn(50), levels=["fine"], group="tone"), ("column tone",)),
        (
            lambda: skin_tone.sampling(["light", "dark"], held_out=1, draws=5, **LIGHT_DARK),
            ("held_out", "'light' has 1"),
        ),
        (lambda: skin_tone.sampling(["light", "dark"], held_out=-1, draws=5, **LIGHT_DARK), ("held_out", "-1")),
        (lambda: skin_tone.sampling(["light", "dark"], held_out=0, draws=2.5, **LIGHT_DARK), ("draws", "2.5")),
        (lambda: skin_tone.label_agreement([1, 2], [1]), ("1 for 2",)),
        (lambda: skin_tone.label_agreement([1, 2.5], [1, 2]), ("first labels", "whole numbers")),
        (lambda: skin_tone.label_agreement([1, 2], ["one", "two"]), ("second labels", "not numbers")),
        (lambda: skin_tone.label_agreement([None, 1], [1, None]), ("no case has both",)),
        (lambda: skin_tone.label_agreement([2, 2], [2, 2]), ("same label",)),
        (lambda: skin_tone.band_table([1, 9], [1, 2], bands=BANDS), ("bands", "label 9")),
    ],
)
def test_bad_input_is_named(act, words):
    with pytest.raises(InputError) as caught:
        act()
    assert [word for word in words if word not in str(caught.value)] == [], caught.value
    assert "\n" not in str(caught.value)


# The real table


def test_real_prevalences_are_alike_in_classes_and_differ_in_conditions(real):
    table = skin_tone.prevalence_shift(real, levels=["three", "nine", "label"], n_permutations=300)
    assert table["conditions"].tolist() == [3, 9, 114]
    assert table["pearson"].round(4).iloc[0] == 0.9999
    assert table["pearson"].round(3).tolist()[1:] == [0.990, 0.413]
    assert table["spearman"].round(3).tolist()[1:] == [0.833, 0.151]
    assert table["total_variation"].round(3).tolist() == [0.108, 0.119, 0.381]
    assert table["only_a"].tolist() == [0, 0, 2]
    assert (table["p"] == 1 / 301).all()
    # A correlation over three classes says nothing: theirs is as high as chance gives, and the shares differ.
    assert table["pearson"].iloc[0] > table["pearson_chance_low"].iloc[0]
    assert table["pearson"].iloc[2] < table["pearson_chance_low"].iloc[2]


def test_real_prevalences_with_type_4_counted_as_dark(real):
    wide = real["skin_type"].map({1: "light", 2: "light", 4: "dark", 5: "dark", 6: "dark"})
    table = skin_tone.prevalence_shift(
        real.assign(wide=wide), levels=["three", "nine", "label"], group="wide", n_permutations=9
    )
    assert table["n_b"].tolist() == [4949] * 3
    assert table["pearson"].tolist() == pytest.approx([0.9995, 0.9925, 0.519], abs=5e-4)


def test_real_conditions_that_differ_most(real):
    table = skin_tone.prevalence(real["label"], groups=real["group"], **LIGHT_DARK)
    points = (100 * table["difference"]).round(1)
    first = [
        "pityriasis rubra pilaris",
        "lichen planus",
        "neurofibromatosis",
        "vitiligo",
        "lupus erythematosus",
        "scabies",
    ]
    assert list(table.index[:6]) == first and points.iloc[:6].tolist() == [5.5, 3.4, 2.9, 2.5, 2.1, 2.0]
    assert table.index[-1] == "allergic contact dermatitis" and points.iloc[-1] == -2.2
    assert ((table["count_b"] < 5).sum(), (table["count_b"] < 10).sum()) == (26, 54)
    assert table.loc["rosacea", "count_b"] == 0


def test_real_pools_give_the_training_sets_of_the_paper(real):
    table = skin_tone.sampling(real["group"], held_out=500, draws=1668, **LIGHT_DARK)
    assert table[["pool_a", "pool_b"]].iloc[0].tolist() == [7255, 1668]
    assert table["distinct"].round().tolist() == [1490, 1444, 1055]
    assert table.loc["half and half", ["distinct_a", "distinct_b"]].astype(float).round().tolist() == [788, 656]
    assert table["without_replacement"].all()


def test_real_labels_agree_in_half_of_all_cases(real):
    table = skin_tone.label_agreement(real["scale"], real["centaur"])
    assert table["n"].tolist() == [15_230] * 3
    assert table["estimate"].round(3).tolist()[:2] == [0.479, 0.910]
    bands = skin_tone.band_table(real["scale"], real["centaur"], bands=BANDS)
    assert bands.to_numpy().sum() == 15_230 and bands.attrs["missing"] == 16_577 - 15_230
    both = real[["scale", "centaur"]].dropna()
    assert bands.loc["dark", "light"] == ((both["scale"] >= 5) & (both["centaur"] <= 2)).sum() > 0
    assert bands.loc["dark"].sum() == (both["scale"] >= 5).sum()
