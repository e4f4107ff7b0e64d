"""Design weights in the audit: read or refused, and every weighted number is the one that is computed by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from helpers import datasets
from helpers import stats as stats_
from helpers.datasets.own.judgements import youden
from helpers.errors import InputError
from helpers.studies import own_scores
from helpers.studies.own_scores import weighing
from tests.helpers import weights as sampled

N = 120


def table(**columns):
    """Two rows a patient; weights that vary within patients."""
    rng = np.random.default_rng(3)
    rows = {"patient": [f"p{k // 2}" for k in range(N)], "dice": rng.beta(8, 2, N).round(3)}
    rows |= {"dice2": rng.beta(8, 2, N).round(3), "sex": np.resize(["f", "f", "m", "m"], N)}
    rows |= {"step": np.repeat(np.resize(["1", "2", "3"], N // 2), 2), "w": rng.choice([1.0, 2.5, 7], N)}
    rows |= {"truth": rng.integers(0, 2, N), "label": rng.integers(0, 2, N), "p": rng.random(N).round(2)}
    return pd.DataFrame({**rows, **columns})


SCORED = {"score": "dice", "groups": "sex"}
JUDGED = {"groups": "sex", "classifier": {"truth": "truth", "predicted": "label", "probability": "p"}}


def load(folder, frame, **asked):
    frame.to_csv(folder / "mine.csv", index=False)
    return datasets.load_own_scores(folder / "mine.csv", **asked)


def one(value, row=0):
    return {"w": pd.Series(1.0, range(N)).astype(object).where(np.arange(N) != row, value)}


BAD = [
    ("zero", one(0), {}, "mine.csv, row 2, column w: holds '0', expected a number above 0. Give every row"),
    ("negative", one(-2, 7), {}, "row 9, column w: holds '-2', expected a number above 0"),
    ("infinite", one("inf"), {}, "row 2, column w: holds 'inf', expected a number above 0"),
    ("not a number", one("NaN"), {}, "row 2, column w: holds 'NaN', expected a number above 0"),
    ("empty", one(None), {}, "row 2, column w: is empty, expected a number above 0"),
    ("not recorded", one("unknown"), {}, "row 2, column w: holds 'unknown', expected a number above 0"),
    ("text", one("often"), {}, "row 2, column w: holds 'often', expected a number above 0"),
    ("many", {"w": 0}, {}, "expected a number above 0 (and 119 more cells)"),
    ("too large for a number", one("1e999"), {}, "holds '1e999', expected a number above 0"),
    ("all in one group", {"w": [1e-300, 1] * (N // 2)}, {}, "column w: holds '1e-300', and the largest weight is 1"),
    ("commas of any kind", {"w": ["1,200", "2,345"] * (N // 2)}, {}, "mine.csv, row 2, column w: holds '1,200'"),
    ("no such column", {}, {"weight": "weights"}, "WEIGHT"),
    ("the score", {}, {"weight": "dice"}, "WEIGHT: column 'dice' is also named by SCORE. Use each column once"),
    ("the patient", {}, {"weight": "patient", "patient": "patient"}, "column 'patient' is also named by PATIENT"),
    ("a group", {}, {"weight": "sex"}, "GROUPS: column 'sex' is also named by WEIGHT"),
    ("the truth", {}, JUDGED | {"weight": "truth", "score": ""}, "WEIGHT: column 'truth' is also named by TRUTH"),
    ("models", {"model": ["a", "b"] * (N // 2)}, {"model": "model", "case": "patient"}, "MODEL: WEIGHT is named too"),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "asked", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_weight_is_one_line(columns, asked, message, tmp_path):
    with pytest.raises(InputError) as error:
        load(tmp_path, table(**columns), **{**SCORED, "weight": "w", **asked})
    assert message in str(error.value) and "\n" not in str(error.value)


def test_weights_are_asked_of_measured_rows_only(tmp_path):
    """A row that is not scored needs no weight; one of the part on which a threshold is chosen does."""
    frame = table()
    frame.loc[:9, ["dice", "w"]] = np.nan
    own = load(tmp_path, frame, **SCORED, weight="w")
    assert len(own.cases) == len(own.weights) == N - 10
    frame = table(part=["a", "a", "b", "b"] * (N // 4))
    frame.loc[0, "w"] = 0
    asked = {"truth": "truth", "probability": "p", "split": "part", "choose_on": "a"}
    with pytest.raises(InputError, match="row 2, column w: holds '0"):
        load(tmp_path, frame, groups="sex", classifier=asked, weight="w")


def test_decimal_commas_are_read(tmp_path):
    plain = load(tmp_path, table(), **SCORED, weight="w").weights
    text = load(tmp_path, table(w=table()["w"].map(lambda w: f"{w}".replace(".", ","))), **SCORED, weight="w").weights
    pd.testing.assert_series_equal(plain, text)


@pytest.mark.parametrize("asked", [SCORED, JUDGED], ids=["scores", "classifier"])
@pytest.mark.parametrize("patient", ["", "patient"])
def test_equal_weights_change_nothing(asked, patient, tmp_path):
    """Not the last bit of a table, whatever the weight is."""
    plain, ones = (load(tmp_path, table(w=0.3), **asked, patient=patient, weight=w) for w in ("", "w"))
    pd.testing.assert_frame_equal(plain.cases, ones.cases, check_exact=True)
    assert ones.weights is None and ones.notes == [
        *plain.notes,
        "w: all weights are equal, so that nothing is weighted",
    ]
    if plain.rows is not None:
        pd.testing.assert_frame_equal(plain.rows, ones.rows, check_exact=True)


@pytest.mark.parametrize("patient", [np.arange(N), np.arange(N) // 2], ids=["one row", "two rows"])
def test_the_weight_1_is_no_other_way_to_compute(patient):
    """The rates and their replicates, which have one path, are the same to the last bit."""
    rows = table()[["truth", "label", "p"]].set_axis(["truth", "predicted", "probability"], axis=1)
    groups = pd.Series(np.resize(["f", "m"], patient.max() + 1), dtype="category")
    plain, ones = (
        own_scores.group_rates(own_scores.classified(of, patient), groups=groups, n_boot=50)
        for of in (rows, rows.assign(weight=1.0))
    )
    for name in ("estimate", "draws", "n", "patients"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(ones, name))
    np.testing.assert_array_equal(ones.effective, plain.n)


FUNCTIONS = {
    "sizes_of": lambda s, g: own_scores.sizes_of(g),
    "means": lambda s, g: own_scores.means(s, groups=g),
    "contrasts": lambda s, g: own_scores.contrasts(s, groups=g, n_boot=50),
}
PLAIN = {
    "sizes_of": lambda s, of: stats_.group_sizes(of),
    "means": lambda s, of: stats_.described(s, groups=of)[["n", "mean", "sd", "low", "high", "median"]],
    "contrasts": lambda s, of: stats_.against_reference(s, groups=of, n_boot=50),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_without_weights_the_tables_are_those_of_stats(name):
    score, groups = table()["dice"], table()["sex"].astype("category")
    found = FUNCTIONS[name](score, {"sex": groups})["sex"]
    pd.testing.assert_frame_equal(found, PLAIN[name](score, groups), check_exact=True)


# By hand, in plain loops


def by_hand(frame, of):
    """Weighted rates of a classifier from sums over rows."""
    rows = [row for row in frame.to_dict("records") if of(row)]

    def share(hit, among):
        return sum(r["w"] for r in rows if among(r) and hit(r)) / sum(r["w"] for r in rows if among(r))

    pairs = [(a, b) for a, b in itertools.product(rows, rows) if a["truth"] and not b["truth"]]
    won = sum(a["w"] * b["w"] * ((a["p"] > b["p"]) + (a["p"] == b["p"]) / 2) for a, b in pairs)
    whole = sum(r["w"] for r in rows)
    return {
        "sensitivity": share(lambda r: r["label"], lambda r: r["truth"]),
        "specificity": share(lambda r: not r["label"], lambda r: not r["truth"]),
        "positive predictive value": share(lambda r: r["truth"], lambda r: r["label"]),
        "negative predictive value": share(lambda r: not r["truth"], lambda r: not r["label"]),
        "accuracy": share(lambda r: r["truth"] == r["label"], lambda r: True),
        "AUROC": won / sum(a["w"] * b["w"] for a, b in pairs),
        "calibration-in-the-large": sum(r["w"] * (r["p"] - r["truth"]) for r in rows) / whole,
        "Brier score": sum(r["w"] * (r["p"] - r["truth"]) ** 2 for r in rows) / whole,
    }


@pytest.mark.parametrize("factor", [1, 0.01, 3])
def test_rates_and_gaps_by_hand(factor, tmp_path):
    """A constant factor changes nothing."""
    frame = table()
    own = load(tmp_path, frame.assign(w=factor * frame["w"]), **JUDGED, patient="patient", weight="w")
    found, few = own_scores.classified(own.rows, own.patient), {"n_boot": 60, "n_permutations": 60}
    groups = {"sex": own.cases["sex"]}
    gaps = own_scores.compare_rates(found, groups=groups, **few)
    right = {group: by_hand(frame, lambda row, group=group: row["sex"] == group) for group in "fm"}
    of = gaps.rates["sex"]
    for k, name in enumerate(of.measures):
        for g, group in enumerate(of.levels):
            assert of.estimate[k, g] == pytest.approx(right[group][name], abs=1e-9), (name, group)
        assert gaps.table.loc[("sex", name), "estimate"] == pytest.approx(
            abs(right["f"][name] - right["m"][name]), abs=1e-9
        )
    whole = own_scores.prevalences(found, gaps, groups=groups, n_boot=60)
    for group in "fm":
        inside = frame[frame["sex"] == group]
        for kind, column in (("by the truth", "truth"), ("by the prediction", "label")):
            expected = np.average(inside[column], weights=inside["w"])
            assert whole.loc[("sex", group, kind), "estimate"] == pytest.approx(expected, abs=1e-9)
    at = whole["estimate"].unstack("of").loc["sex"]
    np.testing.assert_allclose(at["change"], at["by the prediction"] - at["by the truth"], rtol=0, atol=1e-12)
    gap = whole["gap"].dropna()
    less = at.diff().iloc[-1] * (1 if gap.index[0][1] == "m" else -1)
    np.testing.assert_allclose(gap.droplevel([0, 1])[less.index], less, rtol=0, atol=1e-12)


@pytest.mark.parametrize("patient", ["", "patient"])
def test_means_contrasts_and_rates_of_scores_by_hand(patient, tmp_path):
    """A patient has the weighted mean of the rows, and the mean of their weights."""
    frame = table()
    asked = SCORED | {"second": "dice2", "patient": patient, "weight": "w"}
    own = load(tmp_path, frame, **asked)
    if patient:
        of = frame.groupby("patient", sort=False)
        columns = {c: of.apply(lambda rows, c=c: np.average(rows[c], weights=rows["w"])) for c in ("dice", "dice2")}
        frame = pd.DataFrame({**columns, "sex": of["sex"].first(), "w": of["w"].mean()})
    mean = {g: {c: np.average(f[c], weights=f["w"]) for c in ("dice", "dice2")} for g, f in frame.groupby("sex")}
    score, weights, groups = own.cases["dice"], own.weights, {"sex": own.cases["sex"]}
    tables = own_scores.means(score, groups=groups, weights=weights)["sex"]
    for group, of in frame.groupby("sex"):
        y, w = of["dice"].to_numpy(), of["w"].to_numpy()
        error = np.sqrt(len(y) / (len(y) - 1) * (w**2 * (y - mean[group]["dice"]) ** 2).sum()) / w.sum()
        assert tables.loc[group, "mean"] == pytest.approx(mean[group]["dice"], abs=1e-9)
        half = (tables.loc[group, "high"] - tables.loc[group, "low"]) / 2
        assert (
            half == pytest.approx(weighing.student.ppf(0.975, len(y) - 1) * error, abs=1e-9)
            if hasattr(weighing, "student")
            else half > error
        )
        assert tables.loc[group, "effective n"] == round(w.sum() ** 2 / (w**2).sum(), 1)
    again = {"groups": groups, "weights": weights, "n_boot": 60}
    row = own_scores.contrasts(score, **again)["sex"].iloc[0]
    group = "m" if row["reference"] == "f" else "f"
    less = {c: mean[group][c] - mean[row["reference"]][c] for c in ("dice", "dice2")}
    assert row["estimate"] == pytest.approx(less["dice"], abs=1e-9) and row["low"] < row["estimate"] < row["high"]
    tested = own_scores.gaps_tested(score, **again)
    assert tested.loc["sex", "gap"] == pytest.approx(abs(less["dice"]), abs=1e-9)
    assert tested.attrs["nulls"]["sex"].null.mean() == tested.loc["sex", "expected"]
    change = own_scores.changes_of_ruler(score, own.cases["dice2"], **again)["sex"].loc[group]
    assert change["change"] == pytest.approx(less["dice2"] - less["dice"], abs=1e-9)
    rates, extremes = own_scores.success_tables(score, threshold=0.8, **again)
    right = {g: np.average(f["dice"] > 0.8, weights=f["w"]) for g, f in frame.groupby("sex")}
    assert rates.loc["sex", "rate"].to_dict() == pytest.approx(right, abs=1e-9)
    assert (rates["n"] == [(frame["sex"] == g).sum() for g in "fm"]).all()  # not weighted
    assert extremes.loc["sex", "DPD"] == pytest.approx(abs(right["f"] - right["m"]), abs=1e-9)
    swept = own_scores.sweeps(score, groups=groups["sex"], weights=weights)[group].dropna(subset=["ratio"])
    for _, at in swept.iterrows():
        a, b = (np.average(f["dice"] > at["threshold"], weights=f["w"]) for f in (
            frame[frame["sex"] == group], frame[frame["sex"] != group]))  # fmt: skip
        assert (at["rate_a"], at["ratio"]) == pytest.approx((a, a / b), abs=1e-9)
    assert own_scores.mean_of(score, weights=weights) == pytest.approx(np.average(frame["dice"], weights=frame["w"]))


@pytest.mark.parametrize("binary", [True, False], ids=["outcomes", "scores"])
def test_whole_weights_are_repeated_rows(binary):
    """For trends, medians and standard deviations, whose estimates repeat a row as often as its weight says."""
    rng = np.random.default_rng(5)
    y, codes, w = rng.random(90).round(1), np.resize([0, 1, 2], 90), rng.integers(1, 5, 90)
    y = (y > 0.5) * 1.0 if binary else y
    found = weighing.weighted_trend(y, codes, w, n_boot=40)
    repeated = stats_.trend(np.repeat(y, w), groups=np.repeat(codes, w), n=10, n_boot=10)
    assert found["estimate"] == pytest.approx(repeated["estimate"], abs=1e-12) and found["test"] == repeated["test"]
    assert 0 < found["p"] <= 1 and found["low"] < found["estimate"] < found["high"]
    of, n = weighing.weighted_mean(y, w.astype(float)), w.sum()
    factor = np.sqrt(len(y) / (len(y) - 1) * (n - 1) / n)
    assert of.sd == pytest.approx(np.repeat(y, w).std(ddof=1) * factor)
    ones = weighing.weighted_mean(y, np.ones(90))
    assert ones == pytest.approx((y.mean(), y.std(ddof=1) / 90**0.5, y.std(ddof=1), np.median(y)))


@pytest.mark.parametrize("seed", range(5))
def test_a_threshold_is_chosen_with_weights(seed):
    rng = np.random.default_rng(seed)
    truth, p, w = rng.integers(0, 2, 60), rng.random(60).round(1), rng.integers(1, 6, 60)
    assert youden(truth, p, w) == youden(np.repeat(truth, w), np.repeat(p, w))
    assert youden(truth, p, 0.1 * w) in p
    cuts = np.unique(p)
    index = [
        w[(truth == 1) & (p >= c)].sum() / w[truth == 1].sum() - w[(truth == 0) & (p >= c)].sum() / w[truth == 0].sum()
        for c in cuts
    ]
    assert youden(truth, p, w) == cuts[np.isclose(index, max(index))].min()


def test_auroc_is_that_of_scikit_learn():
    rows, owner, groups = sampled.images(np.random.default_rng(0), 700)
    of = own_scores.group_rates(own_scores.classified(rows, owner), groups=groups, n_boot=10)
    for g, group in enumerate(of.levels):
        inside = rows[(groups[owner] == group).to_numpy()]
        right = roc_auc_score(inside["truth"], inside["probability"], sample_weight=inside["weight"])
        assert of.estimate[of.measures.index("AUROC"), g] == pytest.approx(right, abs=1e-9)


# The sample and the population


def test_weights_undo_a_draw_that_was_unequal():
    """Predicted positives were drawn twice as often: the plain sensitivity is too high, the weighted one right."""
    found = {}
    for weighted in (True, False):
        rows, owner, groups = sampled.images(np.random.default_rng(1), 20_000)
        rows = rows if weighted else rows.drop(columns="weight")
        of = own_scores.group_rates(own_scores.classified(rows, owner), groups=groups, n_boot=20)
        found[weighted] = of.estimate[0]
    right = [sampled.TRUE[f"sensitivity {g}"] for g in "FM"]
    assert np.abs(found[True] - right).max() < 0.015 and (found[False] - right).min() > 0.03


def test_bias_and_coverage_quickly():
    """Of 60 samples: four standard errors and a coverage that 95% gives in all but one run of a thousand."""
    found = sampled.judged(60, n_boot=200, patients=700)
    assert found["errors"].abs().max() < 4 and found["cover"].min() > 0.83


@pytest.mark.slow
def test_bias():
    """A ratio of two sums has a bias of one over n, which some thousand rows make small."""
    assert sampled.judged(2000, n_boot=2, patients=3000)["errors"].abs().max() < 2


@pytest.mark.slow
def test_coverage():
    assert sampled.judged(2000, n_boot=300, patients=700)["cover"].between(0.93, 0.97).all()


def flat_groups(seed, patients=160):
    """A null: two groups of one sensitivity, of which the sample of one is drawn far less evenly."""
    rng = np.random.default_rng(seed)
    owner, group = np.repeat(np.arange(patients), 2), np.arange(patients) % 2
    hit = rng.random(2 * patients) < norm.cdf(0.8 + rng.normal(size=patients)[owner])
    weight = np.where(group[owner], rng.choice([1.0, 6.0], 2 * patients), 1.0)
    rows = pd.DataFrame({"truth": 1.0, "predicted": hit * 1.0, "weight": weight})
    rows.loc[::5, "truth"] = 0.0
    return rows, owner, pd.Series(group).astype("category")


@pytest.mark.parametrize("many", [100, pytest.param(2000, marks=pytest.mark.slow)])
def test_the_p_of_a_gap_keeps_its_level(many):
    """At 5% in no more than 7%, with two standard errors, also if weights and patients differ between the groups."""
    alarms = []
    for seed in range(many):
        rows, owner, groups = flat_groups(seed)
        of = own_scores.group_rates(own_scores.classified(rows, owner), groups=groups, n_boot=200, seed=seed)
        null = of.null(0, np.array([0, 1]), seed=seed)
        alarms.append(weighing.judged(float(np.ptp(of.estimate[0])), null)["p"] <= 0.05)
    assert np.mean(alarms) < 0.07 + 2 * (0.05 * 0.95 / many) ** 0.5


def test_a_rate_of_1_has_an_interval_and_no_sure_p():
    """All twelve positives of a group are found: the bootstrap has no spread, and Wilson's is for the effective n."""
    rows = pd.DataFrame({"truth": 1.0, "predicted": 1.0, "weight": np.resize([1.0, 5.0], 72)})
    rows.loc[24:, "predicted"] = np.resize([1, 1, 1, 1, 0], 48)
    rows.loc[12:23, "truth"] = rows.loc[60:, "truth"] = 0.0
    groups = pd.Series(np.repeat(["a", "b"], [24, 48])).astype("category")
    of = own_scores.group_rates(own_scores.classified(rows, np.arange(72)), groups=groups, n_boot=200)
    n = 36**2 / (6 * 1 + 6 * 25)
    assert of.effective[0, 0] == pytest.approx(n)
    low, high = of.interval(0, 0)
    z = norm.ppf(0.975)
    assert (low, high) == pytest.approx((n / (n + z**2), 1))
    assert weighing.judged(float(np.ptp(of.estimate[0])), of.null(0, np.array([0, 1]), seed=0))["p"] > 0.1


# The report


def test_sizes_have_kish_next_to_n(tmp_path):
    """Small groups and the classes of few patients stay suppressed, by numbers that are not weighted."""
    frame = table(sex=["tiny"] * 8 + ["f", "f", "m", "m"] * 28)
    frame.loc[frame["sex"] == "f", "truth"] = 0
    frame.loc[8:9, "truth"] = 1
    own = load(tmp_path, frame, **JUDGED | {"groups": "sex, step"}, weight="w")
    sizes = own_scores.sizes_of({"sex": own.cases["sex"]}, weights=own.weights)
    w = frame.loc[frame["sex"] == "m", "w"]
    assert sizes["sex"].loc["m"].tolist() == [56, round(w.sum() ** 2 / (w**2).sum(), 1)]
    gaps = own_scores.compare_rates(
        own_scores.classified(own.rows, own.patient), groups={"sex": own.cases["sex"]}, n_boot=20, n_permutations=20
    )
    shown = own_scores.rate_table(gaps, hidden={"sex": {"tiny": 8}}).loc["sex"]
    assert shown.loc["m", "effective n"] == f"{w.sum() ** 2 / (w**2).sum():.1f}"
    assert shown.loc["f", ["positives", "effective positives"]].tolist() == ["<10", "suppressed"]
    assert shown.loc["tiny", ["n", "effective n"]].tolist() == ["<10", "suppressed"]
    of = own_scores.prevalence_table(
        own_scores.classified(own.rows, own.patient), gaps, groups={"sex": own.cases["sex"]}, n_boot=20
    ).loc["sex"]
    assert of.loc["f", ["by the truth", "change"]].tolist() == ["suppressed", "suppressed"]


def test_findings_name_what_is_weighted_and_what_is_left_out():
    score, groups = table()["dice"], {"sex": table()["sex"].astype("category")}
    asked = {"groups": groups, "weights": table()["w"], "n_boot": 40}
    overall, contrasts = own_scores.gaps_tested(score, **asked), own_scores.contrasts(score, **asked)
    words = own_scores.findings("dice", overall, contrasts, weight="w")["finding"]
    assert "bootstrap p = " in words["sex"] and "permutation" not in words["sex"]
    assert words["weights"].startswith("By w, ") and "are not weighted" in words["weights"]
    assert "Left out, because they have no weighted form here" in words["weights"]
    assert "weights" not in own_scores.findings("dice", overall, contrasts).index
