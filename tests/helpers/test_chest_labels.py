"""Chest labels: weights, rates, clustered errors and the twin's worlds, against slow and hand-computed ones."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from helpers import datasets
from helpers.stats import drawing
from helpers.studies import chest_labels
from helpers.studies.chest_labels import tilting, weighing


def table(**columns) -> pd.DataFrame:
    """Images with all columns of a cohort; labels that are not given are 0."""
    n = len(next(iter(columns.values())))
    given = {"sex": ["F"] * n, "age": ["under 50"] * n, "view": ["PA"] * n, "drawn": [False] * n}
    return pd.DataFrame(given | dict.fromkeys(chest_labels.LABELS, 0) | columns)


def cohort_of(images: pd.DataFrame, **columns) -> chest_labels.Cohort:
    """A cohort of which the panel read the drawn images."""
    position = np.flatnonzero(images["drawn"])
    panel = images.loc[position, ["patient", "sex", "age", "view"]].reset_index(drop=True)
    panel = panel.assign(position=position, part="test", age_2019=panel["age"])
    zeros = {f"{f}_{ruler}": 0 for f in chest_labels.FINDINGS for ruler in ("mined", "panel")}
    return chest_labels.Cohort(images, panel.assign(**zeros | columns), int(images["patient"].max()) + 1)


@pytest.fixture(scope="module")
def tables():
    return datasets.draw_nih_labels("selection only", 900, seed=3)


@pytest.fixture(scope="module")
def cohort(tables):
    return chest_labels.prepare(tables)


# Keys from fine to coarse, images of one patient each; all are drawn but those marked "-".
@pytest.mark.parametrize(
    ("fine", "coarse", "expected"),
    [
        ("a" * 10 + "b" * 10, "x" * 20, "1" * 10 + "2" * 10),
        ("a" * 9 + "b" * 9, "x" * 18, "1" * 18),
        ("a" * 12 + "b" * 3, "x" * 15, "1" * 15),  # what is left joins the largest stratum of its coarse key
        ("a" * 12 + "b" * 11 + "c" * 3, "x" * 26, "1" * 12 + "2" * 11 + "1" * 3),
        ("a" * 12 + "b" * 3, "x" * 12 + "y" * 3, "1" * 12 + "2" * 3),  # of another coarse key: stays alone
    ],
)
def test_small_strata_are_joined(fine, coarse, expected):
    keys = [pd.factorize(np.array(list(text)))[0] for text in (fine, coarse)]
    n = len(fine)
    found = chest_labels.strata(keys, np.ones(n, bool), np.arange(n))
    assert (found == pd.factorize(np.array(list(expected)))[0]).all()


def test_ten_images_of_nine_patients_are_too_few():
    keys = [np.repeat([0, 1], 10), np.zeros(20, int)]
    patient = np.concatenate([np.arange(10), [10, 10, *range(11, 19)]])
    found = chest_labels.strata(keys, np.ones(20, bool), patient)
    assert len(np.unique(found)) == 1


def test_weights_are_one_over_the_share_drawn():
    """40 women of whom 10 are drawn, 60 men of whom 20 are: weights 4 and 3."""
    sex, drawn = ["F"] * 40 + ["M"] * 60, [True] * 10 + [False] * 30 + [True] * 20 + [False] * 40
    found = cohort_of(table(patient=np.arange(100), sex=sex, drawn=drawn))
    weights = chest_labels.design(found, "sex").weights()
    np.testing.assert_allclose(weights, [[4.0] * 10 + [3.0] * 20])


def test_each_part_stands_for_all_images():
    """100 images; part test read 10 and part val 30 of them: weights (10/40) 100/10 and (30/40) 100/30."""
    found = cohort_of(table(patient=np.arange(100), drawn=[True] * 40 + [False] * 60))
    found.panel["part"] = ["test"] * 10 + ["val"] * 30
    np.testing.assert_allclose(chest_labels.design(found, "view").weights(), [[2.5] * 40])


def test_images_without_a_group_have_no_weight():
    age = ["under 50"] * 20 + ["50 and over"] * 20 + [None] * 5
    found = cohort_of(table(patient=np.arange(45), age=age, drawn=[True] * 10 + [False] * 10 + [True] * 25))
    weights = chest_labels.design(found, "age").weights()[0]
    np.testing.assert_allclose(weights, [2.0] * 10 + [1.0] * 20 + [0.0] * 5)


@pytest.mark.parametrize("by", list(chest_labels.ATTRIBUTES))
def test_weights_add_up_to_all_images_of_each_group(cohort, by):
    weights = chest_labels.design(cohort, by).weights()[0]
    sums = pd.Series(weights).groupby(cohort.panel[by].to_numpy()).sum()
    alike = {"check_names": False, "check_index_type": False}
    pd.testing.assert_series_equal(sums, cohort.images[by].value_counts().sort_index().astype(float), **alike)


def slow_rates(panel: pd.DataFrame, weights: np.ndarray, finding: str, by: str, level: str) -> list[float]:
    sums = np.zeros((2, 2))
    for row, weight in zip(panel.to_dict("records"), weights, strict=True):
        if row[by] == level:
            sums[row[f"{finding}_panel"], row[f"{finding}_mined"]] += weight
    total = sums.sum()
    return [sums[1, 1] / sums[1].sum(), sums[0, 0] / sums[0].sum(), sums[1].sum() / total, sums[:, 1].sum() / total]


def test_rates_and_replicates_agree_with_a_slow_bootstrap(cohort):
    """Draw whole patients, count images and drawn images of each stratum again, and weigh and count row by row."""
    by, seed = "sex", 5
    plan = chest_labels.design(cohort, by)
    comparison = chest_labels.compare(cohort, plan, by)
    draws = chest_labels.resample({"it": comparison}, n_patients=cohort.n_patients, n_boot=3, seed=seed)["it"]
    times = drawing.counts(cohort.n_patients, 3, np.random.default_rng(seed))
    parts = sorted(cohort.panel["part"].unique())
    share = cohort.panel["part"].value_counts(normalize=True)
    known, patient = weighing.ladder(cohort.images, by), cohort.images["patient"].to_numpy()
    for many, found in zip([np.ones(cohort.n_patients), *times], [draws.estimate, *draws.replicates], strict=True):
        weights = np.zeros(len(cohort.panel))
        for part in parts:
            rows = np.flatnonzero(cohort.panel["part"] == part)
            position = cohort.panel["position"].to_numpy()[rows]
            drawn = np.isin(np.arange(len(cohort.images)), position)
            code = chest_labels.strata(known, drawn, patient)
            every = pd.Series(many[patient]).groupby(code).sum()
            some = pd.Series(many[patient] * drawn).groupby(code).sum()
            ratio = (every / some * share[part]).to_numpy()[code[position]]
            weights[rows] = many[patient[position]] * np.nan_to_num(ratio, posinf=0)
        for w, used in enumerate((many[cohort.panel["patient"]], weights)):
            for f, finding in enumerate(chest_labels.FINDINGS):
                for k, level in enumerate(comparison.levels):
                    slow = slow_rates(cohort.panel, used, finding, by, level)
                    np.testing.assert_allclose(found[w, f, k], slow, rtol=1e-10)


def test_gaps_and_changes_are_differences_of_the_same_replicates(cohort):
    comparison = chest_labels.compare(cohort, chest_labels.design(cohort, "view"), "view")
    draws = chest_labels.resample({"it": comparison}, n_patients=cohort.n_patients, n_boot=200, seed=1)["it"]
    gaps = chest_labels.gap_table(comparison, draws)
    row = gaps.loc["airspace_opacity", "sensitivity"]
    gap = draws.replicates[:, :, 2, 1, 0] - draws.replicates[:, :, 2, 0, 0]
    change = gap[:, 1] - gap[:, 0]
    np.testing.assert_allclose(row[["change_low", "change_high"]].astype(float), np.quantile(change, [0.025, 0.975]))
    assert row["change"] == pytest.approx(row["weighted"] - row["plain"])
    assert row["weighted_z"] == pytest.approx(row["weighted"] / gap[:, 1].std(ddof=1))
    rates = chest_labels.rate_table(comparison, draws).loc["airspace_opacity"].loc["sensitivity"]
    assert row["plain"] == pytest.approx(rates.loc["AP", "plain"] - rates.loc["PA", "plain"])
    assert row["n"] == rates["n"].sum() and row["n_patients"] < rates["n_patients"].sum()
    rulers = chest_labels.ruler_table(comparison, draws)["estimate"].unstack()
    np.testing.assert_allclose(rulers["mined less panel"], rulers["mined"] - rulers["panel"])
    # Holm over the eighteen, whose p are those of the weighted differences
    joined = chest_labels.primary(dict.fromkeys(chest_labels.ATTRIBUTES, gaps))
    assert len(joined) == 18 and joined["holm"].min() == pytest.approx(min(1, 18 * joined["p"].min()))


@pytest.mark.parametrize("positives", [9, 10])
def test_groups_of_under_ten_patients_are_suppressed_with_their_complement(positives):
    sex = ["F"] * 40 + ["M"] * 40
    images = table(patient=np.arange(80), sex=sex, drawn=[True] * 80)
    panel = [1] * positives + [0] * (40 - positives) + [1] * 20 + [0] * 20
    found = cohort_of(images, pneumothorax_panel=panel)
    comparison = chest_labels.compare(found, chest_labels.design(found, "sex"), "sex")
    draws = chest_labels.resample({"it": comparison}, n_patients=80, n_boot=50, seed=0)["it"]
    rates = chest_labels.rate_table(comparison, draws).loc["pneumothorax"].loc["sensitivity"]
    gaps = chest_labels.gap_table(comparison, draws).loc["pneumothorax", "sensitivity"]
    shown = [*rates["weighted"].notna(), not np.isnan(gaps["weighted"])]
    assert shown == [positives >= 10] * 3
    assert chest_labels.rate_table(comparison, draws).loc["pneumothorax"].loc["specificity"]["plain"].notna().all()


def test_means_count_each_image_or_each_patient_once():
    rows = pd.DataFrame({"y": [1, 0, 0, 1, 1.0]})
    where = {"cells": np.array([0, 0, 0, 1, -1]), "patient": np.array([0, 1, 1, 1, 0]), "n_patients": 2}
    once = np.ones((1, 2))
    by_image, by_patient = (chest_labels.means(rows, **where, by_patient=p)(once)[0, :, 0] for p in (False, True))
    np.testing.assert_allclose(by_image, [1 / 3, 1])
    np.testing.assert_allclose(by_patient, [1 / 2, 1])
    assert np.isnan(chest_labels.means(rows, **where)(np.array([[1.0, 0.0]]))[0, 1, 0]), "no row of the cell is drawn"


def sandwich(values: np.ndarray, patient: np.ndarray) -> float:
    """Standard error of a mean with patients as clusters, from its influence function."""
    return np.sqrt((np.bincount(patient, values - values.mean()) ** 2).sum()) / len(values)


def test_clustered_errors_are_those_of_the_influence_function():
    found = chest_labels.prepare(datasets.draw_nih_labels("patients", 1500, seed=2))
    draws = chest_labels.resample(chest_labels.prevalences(found), n_patients=1500, n_boot=1000, seed=0)
    shown = chest_labels.prevalence_table(found, draws).loc["infiltration"]
    sides = [found.images[found.images["sex"] == s] for s in "FM"]
    se = np.sqrt(sum(sandwich(s["infiltration"].to_numpy(float), s["patient"].to_numpy()) ** 2 for s in sides))
    naive = np.sqrt(sum(s["infiltration"].var(ddof=0) / len(s) for s in sides))
    assert shown["naive"] == pytest.approx(naive)
    assert shown["predicted"] == pytest.approx(se / naive), "the design effect is exact with pairs as weights"
    assert shown["clustered"] == pytest.approx(se, rel=0.1)
    assert shown["ratio"] > 1.5, "errors that take images as independent are too small"
    equal = [s.groupby("patient")["infiltration"].mean().mean() for s in sides]
    assert shown["by_patient"] == pytest.approx(equal[0] - equal[1])


@pytest.mark.parametrize(("many", "bound"), [([1] * 8 + [6, 6], 4), ([1, 1, 1], 1), ([5], 5)])
def test_numbers_of_images_bound_the_design_effect(many, bound):
    assert chest_labels.crowding(np.array(many)) == bound


def test_tilted_weights_restore_a_population_selected_by_the_truth():
    """60 positives and 140 negatives, of whom 20 and 20 are drawn: odds (20/40) / (20/120) = 3."""
    drawn = np.r_[[True] * 20, [False] * 40, [True] * 20, [False] * 120]
    found = cohort_of(table(patient=np.arange(200), drawn=drawn), pneumothorax_panel=[1] * 20 + [0] * 20)
    comparison = chest_labels.compare(found, chest_labels.design(found, "sex"), "sex")
    weights = chest_labels.tilted_weights(comparison, 0, np.full(40, 3.0))
    np.testing.assert_allclose([weights[:20].sum(), weights[20:].sum()], [60, 140])
    plain = chest_labels.tilted_weights(comparison, 0, np.ones(40))
    np.testing.assert_allclose(plain, comparison.once)


@pytest.mark.parametrize(
    ("y", "expected"), [([-1, 1, 3], 0.5**0.5), ([1, 2, 3], np.nan), ([3, 1, -1], 2**0.5), ([-1, 1, -3], 2**0.25)]
)
def test_the_nearest_crossing_is_found(y, expected):
    assert tilting._crossing(np.log([0.5, 1, 2]), np.array(y, float)) == pytest.approx(expected, nan_ok=True)


def test_releases_of_age_are_compared_on_the_same_images(tables, cohort):
    counts = chest_labels.releases(tables)
    years = tables.panel.merge(tables.images, on="image")
    assert counts["differ"] == (years["age"] != years["age_2019"]).sum() > 0
    assert counts["cross 50"] == (cohort.panel["age"] != cohort.panel["age_2019"]).sum()
    groups = chest_labels.age_groups(pd.Series([49, 50, np.nan]))
    assert groups.tolist() == ["under 50", "50 and over", None]
    plan = chest_labels.design(cohort, "age")
    new, old = (chest_labels.compare(cohort, plan, by) for by in ("age", "age_2019"))
    draws = chest_labels.resample({"new": new, "old": old}, n_patients=cohort.n_patients, n_boot=50, seed=0)
    rows = chest_labels.change_table(new, draws["old"], draws["new"], names=("2019", "2020"))
    change = rows.loc["airspace_opacity"].loc["sensitivity"]
    assert change.loc["change", "plain"] == pytest.approx(change.loc["2020", "plain"] - change.loc["2019", "plain"])
    assert np.ptp(change.loc["change", ["plain_low", "plain_high"]]) < np.ptp(
        change.loc["2020", ["plain_low", "plain_high"]]
    )


def test_boxes_are_measured_by_finding_and_sex(tables):
    boxes = chest_labels.joined_boxes(tables)
    n = tables.images["patient"].nunique()
    draws = chest_labels.resample({"it": chest_labels.box_means(boxes, n_patients=n)}, n_patients=n, n_boot=50, seed=0)
    shown = chest_labels.box_table(boxes, draws["it"]).loc["infiltration", "area"]
    rows = tables.boxes.merge(tables.images[["image", "sex"]], on="image").query("finding == 'infiltration'")
    area = (rows["width"] * rows["height"] / 1024**2).groupby(rows["sex"]).mean()
    assert (
        shown["estimate"] == pytest.approx(area["F"] - area["M"]) and shown["low"] < shown["estimate"] < shown["high"]
    )


def audits(world: str, n: int, **options) -> pd.DataFrame:
    rows = [
        {"world": world, "seed": s, **row} for s in range(n) for row in chest_labels.audit_cohort(world, s, **options)
    ]
    return pd.DataFrame(rows)


def test_a_planted_difference_is_found():
    rows = audits("sex", 2, n_patients=4000, n_boot=60)
    found = chest_labels.world_rates(rows).set_index("test")
    assert (found["kind"] == "hits").all() and (found.loc[["plain", "weighted"], "rate"] == 1).all()
    assert found.loc["weighted", "mean"] == pytest.approx(-0.15, abs=0.08)


def test_under_selection_the_plain_difference_is_wrong_and_the_weighted_right():
    rows = audits("selection only", 6, n_patients=2000, n_boot=60)
    estimates = rows.pivot(index="seed", columns="test", values="estimate")
    error = estimates["weighted"].std() / np.sqrt(len(estimates))
    truth = datasets.nih_truth("selection only").set_index(["finding", "sex"])["plain_sensitivity"]["airspace_opacity"]
    assert estimates["plain"].mean() == pytest.approx(truth["F"] - truth["M"], abs=0.04)
    assert abs(estimates["weighted"].mean()) < 3 * error < 0.08


@pytest.mark.slow
@pytest.mark.parametrize(
    ("world", "test", "low", "high"),
    [
        ("none", "plain", 0.02, 0.09),
        ("none", "weighted", 0.02, 0.09),
        ("none", "patients as clusters", 0.02, 0.09),
        ("selection only", "plain", 0.8, 1),
        ("selection only", "weighted", 0.02, 0.09),
        ("patients", "images independent", 0.2, 1),
        ("patients", "patients as clusters", 0.02, 0.09),
    ],
)
def test_alarms_over_many_cohorts(world, test, low, high):
    rows = audits(world, 200, n_patients=3000, n_boot=200)
    rate = chest_labels.world_rates(rows[rows["test"] == test])["rate"][0]
    assert low <= rate <= high


def test_the_tiny_run_finds_what_is_planted_and_names_nobody(tiny_run):
    results = tiny_run("16_chest_labels").results
    planted = results["values"]["primary"]["sex airspace opacity sensitivity"]
    assert planted["high"] < 0 < planted["n"]
    name = re.compile(r"(?<![\d.])\d{8}(_\d{3})?(?![\d.])")  # of an image, not digits of a number
    assert name.search('"00000000_000.png"') and name.search('"00000000"')
    assert not name.search(json.dumps(results["values"]))
