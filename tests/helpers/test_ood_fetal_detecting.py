"""AUROCs of tasks, shifts and scores, their contrasts, and abstention, on rows whose truth is planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers import metrics, stats
from helpers.errors import InputError
from helpers.learn import STRANGENESS
from helpers.studies import ood_fetal

TASKS = ("plane", "machine", "operator")
SHIFTS = {"unknown plane": "anatomy", "Voluson S10": "machine", "other machines": "machine"}
SETS = ("known", *SHIFTS)


def planted(
    effects: dict[tuple[str, str], float] | None = None, *, seed: int = 0, runs: int = 3, patients: int = 40
) -> tuple[ood_fetal.Cohort, pd.DataFrame]:
    """Rows of normal scores, higher for strangers by the effect of a task and shift, and alike in a patient."""
    rng = np.random.default_rng(seed)
    people = patients * len(SETS)
    rows = pd.DataFrame({"patient": np.repeat(np.arange(people), 3).astype(str)})
    rows["set"] = np.repeat(np.array(SETS, dtype=object), 3 * patients)
    rows["group"] = np.where(rng.random(people) < 0.4, "high", "low")[np.repeat(np.arange(people), 3)]
    aside = rows[: 3 * patients].assign(patient=lambda t: "aside " + t["patient"], set="threshold")
    training = aside.assign(patient=lambda t: "trained " + t["patient"], set="train")
    rows = pd.concat([rows, aside, training], ignore_index=True)
    cohort = ood_fetal.Cohort(np.zeros((len(rows), 1, 2, 2), np.uint8), rows, TASKS, SHIFTS, pd.DataFrame())
    tested, parts = rows[rows["set"] != "train"], []
    own = rng.standard_normal(len(rows))[pd.factorize(rows["patient"])[0]][tested.index]
    for run in range(runs):
        for task in TASKS:
            part = tested.assign(image=tested.index, run=run, task=task, error=(rng.random(len(tested)) < 0.4) * 1.0)
            up = part["set"].map({name: (effects or {}).get((task, name), 0.0) for name in part["set"].unique()})
            shared = rng.standard_normal(len(tested))
            for name in STRANGENESS:
                part[name] = up + 0.7 * own + shared + 0.5 * rng.standard_normal(len(tested))
            parts.append(part)
    return cohort, pd.concat(parts, ignore_index=True)


def detected(effects=None, **how):
    cohort, rows = planted(effects, **how)
    return ood_fetal.detect(cohort, rows, n_boot=200, seed=1)


def test_each_cell_is_the_auroc_of_its_rows():
    cohort, rows = planted({("plane", "unknown plane"): 1.0})
    found = ood_fetal.detect(cohort, rows, n_boot=100)
    table = ood_fetal.auroc_table(found).set_index(["task", "shift", "score"])
    part = rows[(rows["task"] == "machine") & rows["set"].isin(["known", "other machines"])]
    by_run = [metrics.auroc(one["set"] == "other machines", one["MSP"]).value for _, one in part.groupby("run")]
    assert table.loc[("machine", "other machines", "MSP"), "estimate"] == pytest.approx(np.mean(by_run), abs=1e-12)
    assert len(table) == 3 * 3 * 8 and found.n == 160
    means = ood_fetal.task_means(found).set_index(["task", "shift"])["estimate"]
    mean = table["estimate"].groupby(level=["task", "shift"]).mean()
    assert np.allclose(means, mean[means.index])


def test_contrasts_are_what_they_are_named():
    found = detected({("plane", "unknown plane"): 1.5, ("machine", "Voluson S10"): 1.0})
    mean = found.observed.mean(-1)  # (runs, tasks, shifts)
    expected = (mean[:, 0, 0] - mean[:, 1, 0]) - (mean[:, 0, 1] - mean[:, 1, 1])
    both = ood_fetal.interaction(found, "plane", "machine", "unknown plane", "Voluson S10")
    assert both["estimate"] == pytest.approx(expected.mean()) and both["low"] > 0
    best = ood_fetal.best_less_others(found, "plane", "unknown plane")
    assert best["estimate"] == pytest.approx((mean[:, 0, 0] - mean[:, 1:, 0].max(1)).mean()) and best["low"] > 0
    assert ood_fetal.best_less_others(found, "plane", "Voluson S10")["high"] < 0
    some = ood_fetal.best_less_others(found, "machine", "Voluson S10", ood_fetal.DISTANCES)
    chosen = [found.scores.index(name) for name in ood_fetal.DISTANCES]
    part = found.observed[..., chosen].mean(-1)[:, :, 1]
    assert some["estimate"] == pytest.approx((part[:, 1] - part[:, [0, 2]].max(1)).mean())


def test_a_largest_gap_is_compared_with_chance():
    gap = ood_fetal.task_gap(detected({("plane", "unknown plane"): 1.5}), "unknown plane")
    assert gap["low"] > 0 and gap["p"] < 0.025 and gap["gap"] > gap["chance"] > 0
    assert gap["estimate"] == pytest.approx(gap["gap"] - gap["chance"])


@pytest.mark.parametrize(("runs", "cohorts", "most"), [(1, 12, 3), pytest.param(3, 40, 5, marks=pytest.mark.slow)])
def test_without_strangers_alarms_are_rare(runs, cohorts, most):
    """More alarms in cohorts where nothing is shifted would come from an error of 5% in one of 300, or of 70, tests."""
    alarms = dict.fromkeys(("gap", "interaction", "best", "rises"), 0)
    for seed in range(cohorts):
        found = detected(seed=seed, runs=runs, patients=25)
        alarms["gap"] += ood_fetal.task_gap(found, "unknown plane")["low"] > 0
        both = ood_fetal.interaction(found, "plane", "machine", "unknown plane", "Voluson S10")
        alarms["interaction"] += both["low"] > 0 or both["high"] < 0
        alarms["best"] += ood_fetal.best_less_others(found, "plane", "unknown plane")["low"] > 0
        mean = ood_fetal.rises(found)
        alarms["rises"] += mean["low"] > 0 or mean["high"] < 0
    assert max(alarms.values()) <= most, alarms


def test_rises_counts_cells_on_both_sides():
    found = ood_fetal.rises(detected({(task, "unknown plane"): 2.0 for task in TASKS} | {("plane", "Voluson S10"): -2}))
    assert found["above"] >= 24 and 8 <= found["below"] <= 16 and found["cells"] == 72


def test_scores_that_cannot_be_ranked_are_refused():
    cohort, rows = planted()
    with pytest.raises(InputError, match="is the same for all images"):
        ood_fetal.detect(cohort, rows.assign(MSP=0.5))
    rows.loc[3, "views"] = np.nan
    with pytest.raises(InputError, match="NaN or infinite"):
        ood_fetal.detect(cohort, rows)


# Abstention


def with_errors(detects: str, abstains: str, seed: int = 0) -> tuple[ood_fetal.Cohort, pd.DataFrame]:
    """One score finds strangers by machines and not their errors, another finds the errors and not the strangers."""
    cohort, rows = planted(seed=seed)
    strange = rows["set"].isin(["Voluson S10", "other machines"])
    rows.loc[strange, detects] += 3
    rows.loc[strange, abstains] += 2.5 * (rows.loc[strange, "error"] - 0.5)
    return cohort, rows


def test_the_best_detector_need_not_be_the_best_abstainer():
    cohort, rows = with_errors("Mahalanobis", "MSP")
    found = ood_fetal.detector_less_abstainer(cohort, rows, n_boot=200)
    table = ood_fetal.abstention_table(cohort, rows).groupby("score")[["auroc", "augrc"]].mean()
    assert table["auroc"].idxmax() == "Mahalanobis" and table["augrc"].idxmin() == "MSP"
    assert found["low"] > 0
    fpr = ood_fetal.abstention_table(cohort, rows).set_index(["shift", "score"])["fpr"]
    part = rows[(rows["task"] == "plane") & rows["set"].isin(["known", "Voluson S10"])]
    by_run = [
        metrics.false_positive_rate_at(one["set"] == "Voluson S10", one["energy"]) for _, one in part.groupby("run")
    ]
    assert fpr["Voluson S10", "energy"] == pytest.approx(np.mean(by_run))
    assert found["estimate"] == pytest.approx(table["augrc"]["Mahalanobis"] - table["augrc"]["MSP"], abs=0.02)


def test_where_one_score_does_both_there_is_no_difference():
    cohort, rows = with_errors("MSP", "MSP")
    assert ood_fetal.detector_less_abstainer(cohort, rows, n_boot=100)["estimate"] == 0


def test_equal_scores_differ_by_chance_to_both_sides():
    """The two scores are chosen on other patients, so that the best of eight is not better by selection."""
    found = [ood_fetal.detector_less_abstainer(*planted(seed=s, runs=2), n_boot=20)["estimate"] for s in range(12)]
    assert min(found) < 0 < max(found) and abs(np.mean(found)) < 2.5 * np.std(found) / np.sqrt(12)


def test_flags_of_groups_are_rates_above_a_threshold_of_other_patients():
    cohort, rows = planted()
    known = (rows["set"] == "known") & (rows["group"] == "high") & (rows["task"] == "plane")
    rows.loc[known, "energy"] += 2
    table = ood_fetal.flagged(cohort, rows, high="high", low="low", n_boot=200).set_index(["task", "score"])
    assert table.loc[("plane", "energy"), "low"] > 0.1 and abs(table.loc[("machine", "mean"), "estimate"]) < 0.2
    rates = []
    for _, one in rows[rows["task"] == "plane"].groupby("run"):
        threshold = np.sort(one["energy"][one["set"] == "threshold"])[int(0.9 * 120) - 1]
        high = one[(one["set"] == "known") & (one["group"] == "high")]
        rates.append((high["energy"] > threshold).mean())
    assert table.loc[("plane", "energy"), "rate_high"] == pytest.approx(np.mean(rates))
    mean = table["estimate"].drop("mean", level="score").groupby("task").mean()
    assert np.allclose(table["estimate"].xs("mean", level="score")[mean.index], mean)


def test_accuracy_of_the_kept_is_that_of_the_least_uncertain():
    cohort, rows = with_errors("energy", "MSP")
    table = ood_fetal.kept_accuracy(cohort, rows, "MSP")
    strange = table[table["set"] == "Voluson S10"]
    assert (strange["accuracy_kept"] > strange["accuracy"]).all()
    images = rows[(rows["set"] == "Voluson S10") & (rows["task"] == "plane") & (rows["run"] == 0)]
    shares = images["group"].value_counts(normalize=True)
    assert (strange.set_index("group")["kept"] * shares).sum() == pytest.approx(0.8, abs=0.01)


def test_a_view_has_the_shares_above_a_threshold():
    _, rows = planted({("plane", "unknown plane"): 4.0})
    view = ood_fetal.flag_view(rows, task="plane", score="MSP", kept=0.9)
    assert view.loc["unknown plane", "flagged"].min() > 0.7 and view.loc["known", "flagged"].max() < 0.3
    with pytest.raises(InputError, match="task: must be plane"):
        ood_fetal.flag_view(rows, task="age", score="MSP", kept=0.9)


# Worlds


def test_what_a_cohort_cannot_show_is_left_out():
    cohort, rows = planted()
    found = ood_fetal.detect(cohort, rows, n_boot=50)
    every = set(ood_fetal.statistics(cohort, rows, found, n_boot=50, seed=0))
    assert {"task-matters", "best-scanner-beyond", "interaction", "ours-groups"} <= every
    one = cohort._replace(shifts={"Voluson S10": "machine"}, rows=cohort.rows.assign(group="a"))
    part = ood_fetal.statistics(one, rows, ood_fetal.detect(one, rows, n_boot=50), n_boot=50, seed=0)
    assert set(part) == {"rises", "best-scanner", "best-scanner-distances", "abstention"}
    other = one._replace(tasks=("plane", "operator", "machine"))
    part = ood_fetal.statistics(other, rows, ood_fetal.detect(other, rows, n_boot=50), n_boot=50, seed=0)
    assert set(part) == {"rises", "abstention"}


def test_rates_and_means_of_worlds():
    rows = [
        {"world": world, "seed": seed, "statistic": "interaction", "estimate": mean + 0.01 * seed, "low": mean - 0.1}
        for world, mean in (("independent", 0.5), ("tied", 0.05))
        for seed in range(4)
    ]
    rows += [
        {"world": "nothing shifted", "seed": seed, "statistic": "intervals that hold one half", "estimate": share}
        for seed, share in enumerate((0.9, 0.95, 1.0))
    ]
    frame = pd.DataFrame(rows)
    claims = frame[frame["statistic"] == "interaction"]
    table = stats.world_rates(claims, claims["low"] > 0).set_index("world")
    assert table["rate"].to_dict() == {"independent": 1.0, "tied": 0.0} and (table["n"] == 4).all()
    assert table.loc["tied", "high"] == pytest.approx(stats.rates_by(frame[4:8], [False] * 4, by=["world"])["high"][0])
    values = ood_fetal.world_values(frame)
    assert values["tie"]["estimate"] == pytest.approx(0.45) and values["coverage"]["estimate"] == pytest.approx(0.95)
    assert values["rates"]["independent"]["interaction"]["mean"]["estimate"] == pytest.approx(0.515)
