"""Methods of mitigation compared: their numbers, intervals over patients and training seeds, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from helpers.errors import InputError
from helpers.metrics.rates import equal_opportunity_difference, equalized_odds_difference
from helpers.stats.crossed import resample_seeds
from helpers.studies import mitigation
from helpers.studies.mitigation import comparing

GROUP_METRICS = comparing.METRICS[1:]


def study(seed=0, *, patients=160, cases=1, seeds=3, gaps=(0.0, 0.0), better=0.0, run_sd=0.0, noise=0.3) -> dict:
    """Two methods on the cases of patients. The classes are apart by a shift: wider in group "a" than in "b" by four
    times the gap of the method, wider in both by `better` in the second, and varying with the training by `run_sd`."""
    rng = np.random.default_rng(seed)
    n, patient = patients * cases, np.repeat(np.arange(patients), cases)
    truth, side = (rng.random(patients) < 0.4)[patient].astype(float), np.where(patient % 2, -1, 1)
    ease, found = rng.normal(size=patients)[patient], {}
    for name, gap, more in (("plain", gaps[0], 0.0), ("other", gaps[1], better)):
        own = rng.normal(0, 0.5, patients)[patient] + rng.normal(0, noise, (seeds, n))
        shift = 1.6 + more + 2 * side * gap + rng.normal(0, run_sd, (seeds, 1))
        found[name] = 1 / (1 + np.exp(-shift * (truth - 0.5) - ease - own))
    decided = {name: (given > 0.5).astype(int) for name, given in found.items()}
    groups = np.where(side == 1, "a", "b").astype(object)
    return {"y_true": truth, "probabilities": found, "decisions": decided, "groups": groups, "patient": patient}


def compared(given: dict, **options) -> pd.DataFrame:
    return mitigation.compare_methods(
        *list(given.values())[:3], groups=given["groups"], patient=given["patient"], **options
    )


def change(table: pd.DataFrame, metric: str) -> pd.Series:
    return table[table["method"] != "plain"].set_index("metric").loc[metric]


def by_hand(truth, score, decided, groups) -> dict[str, float]:
    """Every metric of one training, by scikit-learn and `helpers.metrics`."""
    cells = [groups == g for g in sorted({g for g in groups if isinstance(g, str)})]
    areas = [roc_auc_score(truth[cell], score[cell]) for cell in cells]
    return {
        "auroc": roc_auc_score(truth, score),
        "worst_auroc": min(areas),
        "auroc_gap": max(areas) - min(areas),
        "eodd": equalized_odds_difference(truth, decided, groups=groups, minimum=1),
        "eop": equal_opportunity_difference(truth, decided, groups=groups, minimum=1),
        "worst_accuracy": min(balanced_accuracy_score(truth[cell], decided[cell]) for cell in cells),
    }


def test_values_are_means_over_seeds_of_what_other_libraries_give():
    given = study(gaps=(0.3, 0.1), better=0.2)
    for name, scores in given["probabilities"].items():
        given["probabilities"][name] = np.round(scores, 1)  # many ties
    given["groups"] = np.array(list("abc"))[np.arange(160) % 3].astype(object)
    given["groups"][:5] = None
    given["y_true"][-5:] = np.nan
    table = compared(given, n_boot=20).set_index(["method", "metric"])
    judged = ~np.isnan(given["y_true"])
    for name in ("plain", "other"):
        rows = [
            by_hand(given["y_true"][judged], score[judged], decided[judged], given["groups"][judged])
            for score, decided in zip(given["probabilities"][name], given["decisions"][name], strict=True)
        ]
        for metric, value in pd.DataFrame(rows).mean().items():
            assert table.loc[(name, metric), "value"] == pytest.approx(value, abs=1e-12)
    both = table.loc["other"], table.loc["plain"]
    pd.testing.assert_series_equal(both[0]["change"], both[0]["value"] - both[1]["value"], check_names=False)
    pd.testing.assert_series_equal(both[0]["baseline"], both[1]["value"], check_names=False)
    assert both[1][["change", "change_low", "change_high", "p", "q"]].isna().all(axis=None)
    assert (table["n"].unstack("method") == np.r_[155, [150] * 5][:, None]).loc[list(comparing.METRICS)].all(axis=None)
    assert table["seeds"].eq(3).all() and table["left_out"].eq("").all()


def test_draws_are_those_of_a_loop_over_resampled_cases():
    """Cases are written down again as often as their patient is drawn, and every metric computed anew."""
    given = study(patients=60, cases=2, gaps=(0.3, 0.0))
    judged = comparing._check(*given.values(), "plain", 1)
    drawn = comparing._draw(judged, 4, seed=5)
    rng = np.random.default_rng(5)
    for k in range(4):
        patients = rng.integers(0, 60, 60)
        rows = np.concatenate([np.flatnonzero(given["patient"] == p) for p in patients])
        for i, name in enumerate(("plain", "other")):
            for s in range(3):
                score, decided = given["probabilities"][name][s, rows], given["decisions"][name][s, rows]
                for metric, value in by_hand(given["y_true"][rows], score, decided, given["groups"][rows]).items():
                    assert drawn[metric][k, i, s] == pytest.approx(value, abs=1e-12)


def test_draws_do_not_depend_on_how_many_are_made_at_a_time(monkeypatch):
    given = study(patients=80, cases=2)
    whole = compared(given, n_boot=50)
    monkeypatch.setattr(comparing, "BLOCK", 1000)
    pd.testing.assert_frame_equal(compared(given, n_boot=50), whole)


def test_variance_is_that_of_patients_and_of_seeds_with_what_is_common_counted_once():
    """Made-up draws with a known share of patients, of seeds, and of both together."""
    rng, n, seeds = np.random.default_rng(0), 200, 40
    for sd_patient, sd_seed, sd_both in ((1, 0, 0), (1, 0, 3), (1, 0.2, 3), (0, 0.2, 0)):
        cells = sd_patient * rng.normal(size=(n, 1)) + sd_seed * rng.normal(size=seeds)
        cells = cells + sd_both * rng.normal(size=(n, seeds))
        draws = rng.multinomial(n, np.full(n, 1 / n), size=4000) / n @ cells
        weights = resample_seeds(seeds, n_boot=4000, seed=1)
        spread = comparing._cross(cells.mean(axis=0), draws, weights).std()
        expected = np.sqrt(sd_patient**2 / n + sd_seed**2 / seeds + sd_both**2 / n / seeds)
        assert spread == pytest.approx(expected, rel=0.2)
    twice = (draws * weights).sum(axis=1).std()
    assert twice == pytest.approx(spread, rel=0.1)  # without anything common both ways agree


def test_a_planted_improvement_is_found_with_its_sign():
    table = compared(study(patients=600, gaps=(0.4, 0.0), better=0.8, run_sd=0.05), n_boot=300)
    for metric in comparing.METRICS:
        row, sign = change(table, metric), 1 if metric in ("auroc", "worst_auroc", "worst_accuracy") else -1
        assert row["change"] * sign > 0
        assert (row["p"] < 0.05) == (row["change_low"] > 0 or row["change_high"] < 0)
    found = table[table["p"] < 0.05]["metric"]
    assert {"auroc", "worst_auroc", "auroc_gap", "worst_accuracy"} <= set(found)
    assert (
        table.attrs["tests"] == 6 and (change(table, list(comparing.METRICS))["q"] >= table["p"].dropna().min()).all()
    )


def test_intervals_hold_their_values_and_stay_within_bounds():
    table = compared(study(patients=120, gaps=(0.0, 0.1)), n_boot=200)
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()
    assert table["low"].ge(0).all() and table["high"].le(1).all()


@pytest.fixture
def alarms(monkeypatch):
    """In how many of 200 studies each p is below 0.05, and the fewest and most that 5% allow, but for 1 in 500."""
    monkeypatch.setattr(comparing, "add_q", lambda table: table)  # takes longer than all else, and changes no p

    def count(**options) -> tuple[pd.Series, int, int]:
        tables = [compared(study(k, **options), n_boot=199, seed=k) for k in range(200)]
        counts = (pd.DataFrame([change(table, list(comparing.METRICS))["p"] for table in tables]) < 0.05).sum()
        return counts, *(int(end) for end in stats.binom.ppf([0.001, 0.999], len(tables), 0.05))

    return count


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [1, 3])
def test_two_methods_that_differ_by_chance_alarm_in_one_study_of_twenty(alarms, seeds):
    counts, fewest, most = alarms(seeds=seeds, run_sd=0.05)
    assert fewest <= counts["auroc"] <= most
    assert (counts <= most).all()  # gaps of groups that are alike alarm less often


@pytest.mark.slow
def test_a_gap_that_both_methods_have_is_no_alarm(alarms):
    counts, fewest, most = alarms(gaps=(0.3, 0.3))
    assert fewest <= counts["worst_auroc"] <= most and (counts <= most).all()


def test_seeds_that_vary_widen_the_interval_and_one_seed_cannot_show_it():
    def width(**options) -> float:
        row = change(compared(study(4, patients=300, **options), n_boot=300), "auroc")
        return row["change_high"] - row["change_low"]

    assert width(run_sd=0.8) > 2 * width(run_sd=0.0)
    assert width(run_sd=0.8, seeds=1) < 2 * width(run_sd=0.0, seeds=1)


def test_cases_of_one_patient_are_no_new_patients():
    """Each case ten times over: the interval stays as wide, but for who takes the copies for patients."""
    once = study(3, patients=100, seeds=1)
    copies = {name: np.repeat(once[name], 10) for name in ("y_true", "groups", "patient")}
    many = once | copies
    for name in ("probabilities", "decisions"):
        many[name] = {method: np.repeat(rows, 10, axis=1) for method, rows in once[name].items()}
    widths = []
    for given in (once, many, many | {"patient": np.arange(1000)}):
        row = compared(given, n_boot=200).set_index("metric").loc["auroc"].iloc[0]
        widths.append((row["high"] - row["low"], row["n"], row["n_patients"]))
    assert widths[1] == (pytest.approx(widths[0][0]), 1000, 100)
    assert widths[2][0] < 0.5 * widths[1][0] and widths[2][2] == 1000


def test_small_groups_are_left_out_and_named():
    given = study()
    positive = np.flatnonzero(given["y_true"] == 1)
    given["groups"][positive[:9]] = "few"
    given["groups"][np.flatnonzero(given["y_true"] == 0)[:30]] = "few"
    table = compared(given, n_boot=20).set_index(["method", "metric"]).loc["other"]
    assert table.loc[list(GROUP_METRICS), "left_out"].eq("few").all() and table.loc["auroc", "left_out"] == ""
    assert table.loc["eodd", "n"] == 160 - 39 and table.loc["auroc", "n"] == 160
    cells = [given["y_true"][given["groups"] == g] for g in "ab"]
    assert table.loc["eodd", "n_smallest"] == min(min(c.sum(), (1 - c).sum()) for c in cells)
    kept = compared(given, n_boot=20, minimum=9)
    assert kept["left_out"].eq("").all() and kept["n_smallest"].eq(9).sum() == 10


def test_with_one_group_left_there_is_no_metric_of_groups_and_no_test():
    given = study()
    given["groups"] = np.where(np.arange(160) < 5, "few", "many")
    table = compared(given, n_boot=20)
    rows = table[table["metric"] != "auroc"]
    assert rows[["value", "low", "high", "change", "p", "q", "n_smallest"]].isna().all(axis=None)
    assert rows["left_out"].eq("few").all() and rows["n"].eq(0).all()
    assert table.attrs["tests"] == 1 and change(table, "auroc")["p"] == change(table, "auroc")["q"]


def test_cases_without_a_group_count_in_the_overall_numbers_alone():
    given = study()
    absent = given | {"groups": np.where(np.arange(160) % 5 == 0, None, given["groups"])}
    whole, part = (compared(x, n_boot=20).set_index(["method", "metric"])["value"] for x in (given, absent))
    assert whole["plain", "auroc"] == part["plain", "auroc"]
    assert whole["plain", "worst_auroc"] != part["plain", "worst_auroc"]


def test_equal_methods_differ_by_nothing():
    given = study()
    given["probabilities"]["other"] = given["probabilities"]["plain"] ** 3  # the same order
    given["decisions"]["other"] = given["decisions"]["plain"]
    row = change(compared(given, n_boot=50), list(comparing.METRICS))
    assert row[["change", "change_low", "change_high"]].eq(0).all(axis=None) and row["p"].eq(1).all()


def without(name: str):
    return lambda given: given | {name: {"plain": given[name]["plain"]}}


def put(name: str, value: float):
    def spoil(given: dict) -> dict:
        rows = given[name]["other"].astype(float)
        rows[1, 7] = value
        return given | {name: given[name] | {"other": rows}}

    return spoil


@pytest.mark.parametrize(
    ("spoil", "options", "words"),
    [
        (lambda g: g, {"baseline": "erm"}, "baseline: must be plain or other, got 'erm'"),
        (lambda g: g, {"n_boot": 0}, "n_boot: must be 1 or more, got 0"),
        (without("decisions"), {}, r"decisions: \['other'\] are in one of the mappings only"),
        (put("probabilities", np.nan), {}, r"probabilities\['other'\]: 1 of 480 values are NaN"),
        (put("probabilities", 1.2), {}, r"probabilities\['other'\]: 1 of 480 values are outside 0 to 1"),
        (put("decisions", 0.5), {}, r"decisions\['other'\]: values other than 0 and 1"),
        (lambda g: g | {"y_true": g["y_true"] + 1}, {}, "labels are not 0, 1 or NaN"),
        (lambda g: g | {"y_true": np.ones(160)}, {}, "y_true: 160 positives and 0 negatives"),
        (lambda g: g | {"patient": np.arange(160) // 2}, {}, "80 patients have more than one, the first in row 0"),
        (lambda g: g | {"patient": np.where(np.arange(160) == 3, np.nan, 1.0)}, {}, "patient: missing in 1 of 160"),
        (lambda g: g | {"groups": g["groups"][1:]}, {}, "groups: 159 labels for 160"),
        (lambda g: g | {"y_true": g["y_true"][1:]}, {}, r"shape \(3, 160\), expected \(seeds, 159\)"),
    ],
)  # fmt: skip
def test_bad_input_is_named(spoil, options, words):
    with pytest.raises(InputError, match=words):
        compared(spoil(study()), **({"n_boot": 20} | options))


def test_shapes_and_seeds_of_a_method_are_checked():
    given = study()
    for rows, words in ((given["probabilities"]["other"][0], r"shape \(160,\)"), ([["a"]], "not numbers")):
        with pytest.raises(InputError, match=words):
            compared(given | {"probabilities": given["probabilities"] | {"other": rows}})
    fewer = {name: given[name] | {"other": given[name]["other"][:2]} for name in ("probabilities", "decisions")}
    with pytest.raises(InputError, match="training seeds: some methods have 2, others 3"):
        compared(given | fewer)
    with pytest.raises(InputError, match="groups: its index is not that of the labels"):
        compared(given | {"y_true": pd.Series(given["y_true"]), "groups": pd.Series(given["groups"]).iloc[::-1]})


def images(seeds: int, sd: float = 0.5) -> mitigation.Compared:
    """PSNR of 200 images of 100 patients: a method loses 1 dB, by `sd` more or less with the training."""
    rng = np.random.default_rng(3)
    cases = pd.DataFrame({"patient_id": np.repeat(np.arange(100), 2)})
    plain = 30 + rng.normal(0, 1, 200) + rng.normal(0, 0.1, (seeds, 200))
    other = plain - 1 + rng.normal(0, sd, (seeds, 1)) + rng.normal(0, 0.1, (seeds, 200))
    return mitigation.Compared(pd.DataFrame(), {}, {}, {"worst": {"plain": plain, "other": other}}, {"test": cases})


def test_the_change_of_psnr_varies_with_patients_and_trainings(monkeypatch):
    monkeypatch.setattr("helpers.studies.mitigation.summaries.BASELINE", "plain")
    found = images(5)
    row = mitigation.image_quality(found, rule="worst").loc["other"]
    by_seed = (found.psnr["worst"]["other"] - found.psnr["worst"]["plain"]).mean(axis=1)
    assert row["change"] == pytest.approx(by_seed.mean())
    low, high = stats.t.interval(0.95, 4, by_seed.mean(), stats.sem(by_seed))  # the trainings are nearly all of it
    assert 0.8 < (row["change_high"] - row["change_low"]) / (high - low) < 1.25  # draws of five values are coarse
    assert row["change_low"] < row["change_low90"] < row["change_high90"] < row["change_high"]
    assert row["seeds_share"] > 0.9 and (row["seeds"], row["n"]) == (5, 100)
    once = mitigation.image_quality(images(1), rule="worst").loc["other"]  # one training: the patients alone
    assert once["change_high"] - once["change_low"] < 0.1 < row["change_high"] - row["change_low"]
    assert once["seeds_share"] is None or np.isnan(once["seeds_share"])
