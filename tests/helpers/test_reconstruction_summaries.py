"""Tables of the reconstruction study, against scikit-learn and against what is planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from helpers import degrade, learn, metrics, stats
from helpers.errors import InputError
from helpers.learn.restoration_measuring import Measured
from helpers.studies import reconstruction

TARGETS = ["x", "y", "z"]
DRAWS = {"n_boot": 200, "seed": 0}


def measured(seed: int = 0, n: int = 160, loss: float = 0.0) -> Measured:
    """Two cases a patient; a U-Net that takes `loss` of Dice, and nothing that tells the groups apart."""
    rng = np.random.default_rng(seed)
    patient = np.repeat([f"p{k}" for k in range(n // 2)], 2)
    cases = pd.DataFrame({"case": range(n), "patient_id": patient})
    cases["split"] = np.repeat(np.where(np.arange(n // 2) % 4, "test", "validation"), 2)
    cases["sex"] = np.repeat(rng.choice(["F", "M"], n // 2), 2)
    cases[TARGETS] = rng.integers(0, 2, (n, 3)).astype(float)
    cases.loc[rng.choice(n, 9, replace=False), "y"] = np.nan
    own = np.repeat(rng.normal(0, 1, n // 2), 2)
    psnr = pd.DataFrame({"degraded": 25 + own, "unet": 30 + own + rng.normal(0, 1, n)})
    dice = pd.DataFrame({"original": rng.uniform(0.6, 0.9, n)})
    dice["unet"] = dice["original"] - loss + rng.normal(0, 0.01, n)
    chances = {
        arm: expit(2 * cases[TARGETS].fillna(0.5) - 1 + rng.normal(0, noise, (n, 3))).round(1)
        for arm, noise in (("original", 0.5), ("degraded", 2), ("unet", 0.8))
    }
    return Measured(cases, {"psnr": psnr, "dice": dice}, chances)


def test_performance_is_the_tested_cases_and_its_change_is_arm_minus_original():
    every = measured(loss=0.1)
    table = reconstruction.performance({"middle": every}, targets=TARGETS, **DRAWS)
    tested = every.part("test")
    by = table.set_index(["level", "metric", "target", "arm"])
    dice = tested.scores["dice"].mean()
    original, unet = by.loc["none", "dice", "dice", "original"], by.loc["middle", "dice", "dice", "unet"]
    assert (original["estimate"], original["change"]) == (pytest.approx(dice["original"]), 0)
    assert unet["estimate"] == pytest.approx(dice["unet"])
    assert unet["change"] == pytest.approx(dice["unet"] - dice["original"])
    assert unet["change_low"] < unet["change"] < unet["change_high"] < 0
    assert unet["change_high"] - unet["change_low"] < 0.5 * (unet["high"] - unet["low"])  # pairs share what varies
    areas = []
    for target in TARGETS:
        known = tested.cases[target].notna()
        given = tested.probabilities["unet"][target]
        areas.append(roc_auc_score(tested.cases[target][known], given[known]))
        assert by.loc[("middle", "auroc", target, "unet"), "estimate"] == pytest.approx(areas[-1])
    assert by.loc[("middle", "auroc", "mean", "unet"), "estimate"] == pytest.approx(np.mean(areas))
    assert np.isnan(by.loc[("middle", "psnr", "psnr", "unet"), "change"])  # the original has no PSNR
    assert set(table["n"]) == {tested.cases["patient_id"].nunique()}


def test_an_auroc_counts_the_patients_who_have_its_label():
    every = measured()
    tested = every.cases["split"] == "test"
    three = every.cases.loc[tested, "patient_id"].unique()[:3]
    every.cases.loc[every.cases["patient_id"].isin(three), "y"] = np.nan
    every.cases.loc[every.cases["patient_id"] == three[0], TARGETS] = np.nan
    table = reconstruction.performance({"middle": every}, targets=TARGETS, **DRAWS)
    n = table[table["arm"] == "unet"].set_index("target")["n"]
    patients = every.cases.loc[tested, "patient_id"].nunique()
    assert n.to_dict() == {"psnr": patients, "dice": patients} | dict(
        zip([*TARGETS, "mean"], patients - np.array([1, 3, 1, 1]), strict=True)
    )


def test_the_original_stands_once_and_a_seed_repeats():
    levels = {"low": measured(), "high": measured(loss=0.2)}
    table = reconstruction.performance(levels, targets=TARGETS, **DRAWS)
    assert not table.duplicated(["level", "metric", "target", "arm"]).any()
    assert set(table.loc[table["arm"] == "original", "level"]) == {"none"}
    pd.testing.assert_frame_equal(reconstruction.performance(levels, targets=TARGETS, **DRAWS), table)
    assert not reconstruction.performance(levels, targets=TARGETS, n_boot=200, seed=1)["low"].equals(table["low"])


def test_intervals_resample_patients_not_images():
    """Twice the images of the same people are no more people: the interval stays as wide."""
    every = measured()
    twice = Measured(
        pd.concat([every.cases] * 2, ignore_index=True),
        {name: pd.concat([frame] * 2, ignore_index=True) for name, frame in every.scores.items()},
        {arm: pd.concat([frame] * 2, ignore_index=True) for arm, frame in every.probabilities.items()},
    )
    once, more = (reconstruction.performance({"m": part}, targets=TARGETS, **DRAWS) for part in (every, twice))
    np.testing.assert_allclose(once[["low", "high"]], more[["low", "high"]], rtol=1e-9)


def test_thresholds_are_of_the_split_that_is_asked_for():
    every = measured()
    found = {where: reconstruction.thresholds(every, targets=TARGETS, where=where) for where in ("validation", "test")}
    for where, chosen in found.items():
        part = every.part(where)
        for arm in part.probabilities:
            expected = stats.choose_threshold(part.cases["x"], part.probabilities[arm]["x"])
            assert chosen[arm]["x"] == expected
    assert found["validation"] != found["test"]


def test_optimism_names_each_target():
    table = reconstruction.optimism(measured(), targets=TARGETS, arm="unet", attribute="sex", minimum=3, **DRAWS)
    assert set(table["target"]) == set(TARGETS)
    assert {"balance", "accuracy", "eodd"} == set(table["statistic"])
    np.testing.assert_allclose(table["difference"], table["from_test"] - table["from_validation"])


def test_groups_drawn_by_lot_are_found_unequal_in_one_of_twenty():
    control = {"score": "psnr", "arm": "unet", "attribute": "sex", "baseline": "degraded", "seed": 0}
    found = reconstruction.negative_control(measured(n=120), n=300, **control)
    assert found["n"] == 300 and found["low"] < found["estimate"] < found["high"]
    low, high = scipy.stats.binom.ppf([0.0005, 0.9995], 300, 0.05) / 300
    assert low <= found["estimate"] <= high


@pytest.fixture(scope="module")
def tasks() -> dict[str, learn.Task]:
    """Smooth blobs, as images of either data set."""
    y, x = np.mgrid[:32, :32]
    middle = np.random.default_rng(0).uniform(10, 22, (2, 6, 1, 1))
    images = np.exp(-((y - middle[0]) ** 2 + (x - middle[1]) ** 2) / 20).astype(np.float32)[:, None]
    rows = pd.DataFrame({"case": list("aabbcd"), "patient_id": list("aabbcc"), "split": ["test"] * 5 + ["train"]})
    rows = rows.assign(sex=list("FFMMMM"), x=[1, 1, 0, 0, 1, 1.0], y=[1, 1, np.nan, np.nan, 0, 1])
    rest = (rows, images, None, ["x", "y"], ["sex"], pd.DataFrame())
    return {name: learn.Task(name, *rest) for name in learn.RESTORATION_DATASETS}


def test_cohort_counts_the_tested_cases(tasks):
    table = reconstruction.cohort(tasks["ucsf-pdgm"])
    assert table.loc[("sex", "M"), ["n", "n_patients", "x", "y"]].tolist() == [2, 2, 0.5, 0]
    assert table.loc[("sex", "F"), ["n", "n_patients", "x", "y"]].tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("mode", ["corrected", "as_published"])
@pytest.mark.parametrize("dataset", learn.RESTORATION_DATASETS)
def test_noise_table_is_of_the_images_that_are_used(dataset, mode, tasks, tmp_path):
    options = {"mode": mode, "pattern": "uniform", "seed": 0}
    table = reconstruction.noise_table(tasks[dataset], **options)
    assert list(table.index) == ["low", "middle", "high"]
    for level in table.index:
        worse = learn.degraded(tasks[dataset], level, **options, folder=tmp_path)
        assert table.loc[level, "psnr"] == pytest.approx(metrics.psnr(worse, tasks[dataset].images).mean(), rel=1e-6)


def test_noise_table_says_what_was_measured(tasks):
    table = reconstruction.noise_table(tasks["ucsf-pdgm"], mode="corrected", pattern="uniform", seed=0)
    mask = degrade.radial_mask(32, degrade.spokes_for(8, 32), pattern="uniform")
    assert table.loc["middle", "measured"] == pytest.approx(1 / mask.mean())
    assert list(table["nominal"]) == [4, 8, 16]
    psnr_no_noise = {
        mode: reconstruction.noise_table(tasks["chexpert"], mode=mode, pattern="uniform", seed=0)["psnr_no_noise"]
        for mode in ("corrected", "as_published")
    }
    assert (psnr_no_noise["corrected"] > psnr_no_noise["as_published"] + 3).all()


BAD = {
    "one class": (
        lambda m: m.cases.__setitem__("x", 1.0),
        lambda m: reconstruction.thresholds(m, targets=TARGETS, where="validation"),
        "x, validation: 1 of two classes",
    ),
    "no split": (
        lambda m: None,
        lambda m: reconstruction.thresholds(m, targets=TARGETS, where="training"),
        "x, training: 0 of two classes among 0 cases",
    ),
    "three groups": (
        lambda m: m.cases.__setitem__("sex", [f"g{k // 2 % 3}" for k in range(len(m.cases))]),
        lambda m: reconstruction.negative_control(
            m, score="psnr", arm="unet", attribute="sex", baseline="degraded", n=5, seed=0
        ),
        "attribute sex: 3 groups",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_error(case):
    spoil, act, words = BAD[case]
    given = measured()
    spoil(given)
    with pytest.raises(InputError, match=words):
        act(given)


def test_a_noise_without_a_name_is_refused(tasks):
    with pytest.raises(InputError, match=r"mode: must be .*, got 'real'"):
        reconstruction.noise_table(tasks["ucsf-pdgm"], mode="real", pattern="uniform", seed=0)
