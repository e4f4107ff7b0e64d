"""A quick calibration, the machinery around it, and the audit of cohorts that lack something."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers import stats
from helpers.errors import InputError
from helpers.studies import calibration

N, MEAN, PRECISION, THRESHOLD = 500, 0.8, 5.0, 0.8


def null_cohort(seed: int) -> tuple[pd.DataFrame, dict[str, float]]:
    """Dice that does not depend on age: both contrasts are exactly 0."""
    rng = np.random.default_rng(seed)
    age = rng.normal(48, 11, N).round()
    dice = rng.beta(MEAN * PRECISION, (1 - MEAN) * PRECISION, N)
    return _frame(dice, age), {"older_minus_young": 0.0, "older_minus_young_rate": 0.0, "young_over_older_rate": 1.0}


def shifted_cohort(seed: int) -> tuple[pd.DataFrame, dict[str, float]]:
    """Uniform Dice: Young on 0.5 to 0.9, the others 0.1 higher; the truth is arithmetic."""
    rng = np.random.default_rng(seed)
    age = rng.normal(48, 11, N).round()
    dice = rng.uniform(0.5, 0.9, N) + 0.1 * (age > 40)
    truth = {"older_minus_young": 0.1, "older_minus_young_rate": 0.25, "young_over_older_rate": 0.5}
    return _frame(dice, age), truth


def _frame(dice: np.ndarray, age: np.ndarray) -> pd.DataFrame:
    groups = pd.cut(age, [-np.inf, 40, 55, np.inf], labels=["Young", "Middle", "Older"])
    return pd.DataFrame({"dice": dice, "age": age, "age_group": groups})


def test_null_cohorts():
    """600 cohorts: rates within four binomial standard errors of what is promised, above and below."""
    options = {"n_boot": 500, "n_permutations": 200, "progress": False}
    table = calibration.calibration_summary(calibration.calibration_cohorts(null_cohort, n_cohorts=600, **options))
    assert (table["n_cohorts"] == 600).all()
    slack = 4 * np.sqrt(0.95 * 0.05 / 600)
    coverage = table[table["kind"] == "coverage"]["value"]
    assert len(coverage) == 3
    assert coverage.between(0.95 - slack, 0.95 + slack).all()
    size = table[table["kind"] == "size"].set_index("what")["value"]
    assert len(size) == 8
    assert size.between(0.05 - slack, 0.05 + slack).all()
    assert slack < 0.05, "a test that never rejects must fail here"
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()


def test_planted_effect_is_recovered():
    options = {"n_boot": 400, "n_permutations": 200, "progress": False, "workers": 1}
    table = calibration.calibration_summary(calibration.calibration_cohorts(shifted_cohort, n_cohorts=60, **options))
    estimate = table[table["kind"] == "estimate"].set_index("what")
    assert estimate["expected"].tolist() == pytest.approx([0.1, 0.25, 0.5])
    error = (estimate["high"] - estimate["low"]) / (2 * 1.96)
    assert ((estimate["value"] - estimate["expected"]).abs() < 4 * error).all()
    assert (table[table["kind"] == "power"]["value"] > 0.9).all()
    assert "size" not in set(table["kind"])


def test_rows_depend_on_the_seed_alone(tmp_path):
    options = {"n_boot": 50, "n_permutations": 50, "progress": False}
    one = calibration.calibration_cohorts(null_cohort, n_cohorts=45, workers=1, **options)
    two = calibration.calibration_cohorts(null_cohort, n_cohorts=45, workers=2, **options)
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    other = calibration.calibration_cohorts(null_cohort, n_cohorts=5, workers=1, seed=1, **options)
    assert not np.isclose(other["mean_estimate"], one["mean_estimate"][:5]).any()


def test_finished_cohorts_are_kept(tmp_path):
    options = {
        "n_boot": 50,
        "n_permutations": 50,
        "progress": False,
        "workers": 1,
        "keep": tmp_path,
    }
    calls = []

    def counted(seed):
        if len(calls) == 30:
            raise KeyboardInterrupt
        calls.append(seed)
        return null_cohort(seed)

    with pytest.raises(KeyboardInterrupt):
        calibration.calibration_cohorts(counted, n_cohorts=40, **options)
    assert len(list(tmp_path.iterdir())) == 1  # a whole batch of 20
    calls.clear()
    resumed = calibration.calibration_cohorts(counted, n_cohorts=40, **options)
    assert len(calls) == 20
    fresh = calibration.calibration_cohorts(null_cohort, n_cohorts=40, **(options | {"keep": None}))
    pd.testing.assert_frame_equal(resumed, fresh, check_exact=True)
    calls.clear()
    other = calibration.calibration_cohorts(counted, n_cohorts=20, seed=5, **options)
    assert len(calls) == 20 and not np.isclose(other["mean_estimate"], fresh["mean_estimate"][:20]).any()


def test_truth_without_the_contrast_is_said():
    with pytest.raises(InputError, match="older_minus_young"):
        calibration.calibration_cohorts(lambda seed: (null_cohort(seed)[0], {}), n_cohorts=1, workers=1, progress=False)


@pytest.fixture(scope="module")
def small() -> pd.DataFrame:
    frame = null_cohort(3)[0]
    rng = np.random.default_rng(4)
    frame["dataset"] = rng.choice(["DUKE", "ISPY1"], N)
    frame["ethnicity"] = rng.choice(["Caucasian", "African American", "Asian", "Other", "Missing"], N)
    frame["expert_cc"] = rng.lognormal(2, 1, N)
    return frame


def test_what_a_cohort_cannot_give_is_none(small):
    values = stats.silver_values(small, n_boot=100)
    missing = pd.json_normalize(values).isna().iloc[0]
    assert list(missing.index[missing]) == ["ethnicity_ISPY2.DPD_global_threshold"]
    alone = stats.silver_values(small[small["dataset"] == "DUKE"], n_boot=100)
    assert alone["source_adjustment_agegroup"]["F"] is None
    assert alone["interaction_agegroup_x_dataset_p"] is None
    assert pd.json_normalize(stats.out_of_fold_values(small, n_boot=100)).notna().all(axis=None)
    sizes = stats.cohort_values(small)
    assert sum(sizes["dataset"].values()) == N
    missing = sizes["ethnicity"]["missing"]
    assert f"Other_including_{missing}_missing" in sizes["ethnicity"]
    with pytest.raises(InputError, match="expert_cc"):
        stats.volume_values(small.drop(columns="expert_cc"))


def test_volumes_that_do_not_vary_have_no_ratio_of_spreads(small):
    values = stats.volume_values(small.assign(expert_cc=2.0))
    assert values["mean_ratio_YO"] == 1
    assert values["sd_ratio_YO"] is None
    assert values["variance_ratio_YO"] is None


def test_choices_say_what_is_undefined(small):
    table = stats.choices(small[small["dataset"] == "DUKE"], n_boot=100, n_permutations=100)
    undefined = table[table["verdict"] == "undefined"]
    assert len(undefined)
    assert (undefined["note"] != "").all()
    assert table[table["verdict"] != "undefined"][["effect", "low", "high", "p"]].notna().all(axis=None)


def test_unknown_ethnicity_is_said(small):
    with pytest.raises(InputError, match="Martian"):
        stats.paper_ethnicity(small["ethnicity"].replace("Other", "Martian"))


def test_hidden_gap_finds_a_planted_one_and_no_other(small):
    groups, sources = small["ethnicity"], small["dataset"]
    nothing = stats.hidden_gap(small["dice"], groups=groups, sources=sources, n=400)
    planted = small["dice"] - 0.15 * ((groups == "Asian") & (sources == "ISPY1"))
    found = stats.hidden_gap(planted, groups=groups, sources=sources, n=400)
    assert found["source"] == "ISPY1"
    assert found["p"] < 0.01 < nothing["p"]
    assert found["gap"] > found["pooled_gap"]
    none = stats.hidden_gap(planted, groups=groups, sources=sources, smallest_cell=N)
    assert none["gap"] is None
    assert none["note"] == f"no source has two groups of {N} cases"


def test_within_source_says_what_it_cannot_compare():
    groups, sources = list("aabbaabb"), list("sssstttz")
    score = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    options = {"groups": groups, "sources": sources, "a": "a", "b": "b", "n_boot": 50, "n_permutations": 50}
    table = stats.within_source(score, smallest_cell=2, **options)
    assert table.loc["s", "contrast"] == pytest.approx(0.2)
    assert table.loc["t", "note"] == "1 group(s) to compare; under 2 cases, left out: b"
    assert table.loc["z", "n_a"] == 0
    assert np.isnan(table.loc["z", "gap"])
    assert table.loc["pooled", "n"] == 8
    nothing = stats.within_source(score, **options)  # all groups are under 10
    assert nothing["gap"].isna().all()
    assert (nothing["note"] != "").all()
    picked = stats.within_source(score, smallest_cell=2, **{**options, "a": None, "b": None})
    assert picked.loc["s", ["a", "b"]].tolist() == ["a", "b"]
    assert picked.loc["t", ["a", "b"]].isna().all()
    assert picked.loc["t", ["n_a", "n_b"]].tolist() == [0, 0]


SOURCED = {
    "groups": ["a"] * 4 + ["b"] * 4 + ["a"] * 4 + ["b"] * 2 + ["c", None],
    "sources": ["s"] * 8 + ["t"] * 6 + ["s", "t"],
}
SOURCED_SCORE = [0.0, 1, 2, 1, 3, 2, 3, 4, 8, 9, 8, 7, 9, 9, 50, 60]


def test_within_source_by_hand():
    options = SOURCED | {"a": "a", "b": "b", "smallest_cell": 2, "n_boot": 300, "n_permutations": 200}
    table = stats.within_source(SOURCED_SCORE, **options)
    assert list(table.index) == ["pooled", "pooled, permuted within sources", "s", "t"]
    assert table.loc["s", ["n", "n_a", "mean_a", "n_b", "mean_b", "contrast", "gap"]].tolist() == [9, 4, 1, 4, 3, 2, 2]
    assert table.loc["t", ["n", "n_a", "mean_a", "n_b", "mean_b", "contrast", "gap"]].tolist() == [6, 4, 8, 2, 9, 1, 1]
    assert table.loc["pooled", ["n", "n_a", "mean_a", "n_b", "mean_b", "gap"]].tolist() == [15, 8, 4.5, 6, 5, 0.5]
    assert ["left out: c" in note for note in table["note"]] == [True, True, True, False]
    assert table.attrs["missing"] == 0
    for source, chosen in (("s", slice(0, 8)), ("t", slice(8, 14))):
        plain = {"groups": SOURCED["groups"][chosen], "seed": 0}
        permuted = stats.permutation(SOURCED_SCORE[chosen], **plain, n=200)
        assert (table.loc[source, "p"], table.loc[source, "expected"]) == (permuted.p, permuted.null.mean())
        assert table.loc[source, "low"] < table.loc[source, "contrast"] < table.loc[source, "high"]
    holm = stats.adjust_p(table.loc[["s", "t"], "p"])["holm"]
    assert table.loc[["s", "t"], "p_holm"].tolist() == holm.tolist()
    assert table.loc[["pooled", "pooled, permuted within sources"], "p_holm"].isna().all()
    large = [group if group != "c" else None for group in SOURCED["groups"]]
    for row, strata in (("pooled", None), ("pooled, permuted within sources", SOURCED["sources"])):
        assert table.loc[row, "p"] == stats.permutation(SOURCED_SCORE, groups=large, strata=strata, n=200).p
    assert table["gap"].iloc[0] == table["gap"].iloc[1]


def test_within_source_picks_the_lowest_and_the_highest_group_unless_told():
    table = stats.within_source(SOURCED_SCORE, **SOURCED, smallest_cell=1, n_boot=50, n_permutations=50)
    assert table.loc["s", ["a", "b", "contrast"]].tolist() == ["a", "c", 49]
    assert table.loc["t", ["a", "b", "contrast"]].tolist() == ["a", "b", 1]
    assert table["note"].str.contains("picked").all()
    absent = stats.within_source(SOURCED_SCORE, **SOURCED, a="a", b="c", smallest_cell=1, n_boot=50, n_permutations=50)
    assert absent.loc["t", ["contrast", "low", "high"]].isna().all()
    assert absent.loc["t", "gap"] == 1
    assert absent.loc["t", "note"] != ""
    holes = SOURCED | {"sources": [None, None, *SOURCED["sources"][2:]]}
    assert (
        stats.within_source(SOURCED_SCORE, **holes, smallest_cell=1, n_boot=50, n_permutations=50).attrs["missing"] == 2
    )


def test_a_hidden_gap_by_hand():
    found = stats.hidden_gap(SOURCED_SCORE, **SOURCED, smallest_cell=2, n=300)
    assert (found["source"], found["gap"], found["n_sources"], found["note"]) == ("s", 2, 2, "")
    assert found["pooled_gap"] == 50 - 4.5
    assert 0 < found["expected"] < 20
    small = stats.hidden_gap(SOURCED_SCORE, **SOURCED, smallest_cell=1, n=50)
    assert (small["source"], small["gap"]) == ("s", 49)
    only = stats.hidden_gap(SOURCED_SCORE, **SOURCED, smallest_cell=3, n=50)
    assert (only["source"], only["gap"], only["n_sources"]) == ("s", 2, 1)
    none = stats.hidden_gap(SOURCED_SCORE, **SOURCED, smallest_cell=9)
    assert [none[name] for name in ("source", "gap", "pooled_gap", "p", "expected", "n_sources")] == [None] * 5 + [0]


def test_a_gap_in_one_source_that_noise_cannot_make_has_the_smallest_p():
    score, groups = [0.0] * 10 + [1.0] * 10 + [0.0, 1.0] * 10, ["a"] * 10 + ["b"] * 10 + ["a", "a", "b", "b"] * 5
    order = np.random.default_rng(0).permutation(40)
    sources = np.repeat(["s", "t"], 20)[order]
    found = stats.hidden_gap(np.array(score)[order], groups=np.array(groups)[order], sources=sources, n=199)
    assert (found["source"], found["gap"], found["p"]) == ("s", 1, 1 / 200)
