"""Rates of a classifier by group: against scikit-learn, fairlearn and a bootstrap in a loop, and their words."""

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import equal_opportunity_difference, equalized_odds_difference
from sklearn.metrics import brier_score_loss, confusion_matrix, roc_auc_score

from helpers import stats
from helpers.stats.intervals import wilson
from helpers.studies import own_scores

RATES = ("sensitivity", "specificity", "positive predictive value", "negative predictive value", "accuracy")
FEW = {"n_boot": 200, "n_permutations": 200}


def made(seed, patients=260, rows=3, groups=3):
    """A random table with several rows a patient; missing groups, and a group of three."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), rng.integers(1, rows + 1, patients))
    of = rng.choice([*"abcd"[:groups]], patients).astype(object)
    of[:3], of[3:8] = "tiny", None
    truth = rng.random(len(patient)) < 0.4
    probability = np.clip(0.3 * truth + 0.7 * rng.random(len(patient)) + 0.1 * (of[patient] == "a"), 0, 1).round(2)
    table = pd.DataFrame({"truth": truth * 1.0, "probability": probability, "predicted": (probability >= 0.55) * 1.0})
    return own_scores.classified(table, patient), pd.Series(of).astype("category"), table, patient


def by_hand(part):
    """The measures of some rows, from scikit-learn."""
    tn, fp, fn, tp = confusion_matrix(part["truth"], part["predicted"], labels=[0, 1]).ravel()
    found = [tp / (tp + fn), tn / (tn + fp), tp / (tp + fp), tn / (tn + fn), (tp + tn) / len(part)]
    found += [part["probability"].mean() - part["truth"].mean(), brier_score_loss(part["truth"], part["probability"])]
    return [*found, roc_auc_score(part["truth"], part["probability"])]


@pytest.mark.parametrize("seed", range(6))
def test_measures_agree_with_scikit_learn(seed):
    found, groups, table, patient = made(seed, groups=2 + seed % 3)
    ours = own_scores.group_rates(found, groups=groups, n_boot=20)
    assert "tiny" not in ours.levels and found.clustered
    for k, group in enumerate(ours.levels):
        inside = (groups == group).to_numpy()[patient]
        assert ours.estimate[:, k] == pytest.approx(by_hand(table[inside])), group
        assert ours.n[:5, k].tolist() == [
            *table[inside]["truth"].value_counts().loc[[1, 0]], *table[inside]["predicted"].value_counts().loc[[1, 0]],
            inside.sum()]  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_the_odds_differences_agree_with_fairlearn(seed):
    found, groups, table, patient = made(seed)
    gaps = own_scores.compare_rates(found, groups={"g": groups}, **FEW)
    odds = own_scores.odds_differences(gaps)["estimate"]["g"]
    of = groups.to_numpy()[patient]
    kept = pd.Series(of).isin(gaps.rates["g"].levels).to_numpy()
    asked = {"y_true": table["truth"][kept], "y_pred": table["predicted"][kept], "sensitive_features": of[kept]}
    assert odds["equal-opportunity difference"] == pytest.approx(equal_opportunity_difference(**asked))
    assert odds["equalised-odds difference"] == pytest.approx(equalized_odds_difference(**asked, agg="mean"))


def test_intervals_agree_with_a_bootstrap_in_a_loop():
    """Whole patients are drawn, and every measure is computed anew from their rows."""
    found, groups, table, patient = made(1, patients=120)
    ours = own_scores.group_rates(found, groups=groups, n_boot=3000)
    rng, of = np.random.default_rng(8), groups.to_numpy()[patient]
    rows_of = [np.flatnonzero(patient == k) for k in range(120)]
    draws = []
    for _ in range(1500):
        drawn = np.concatenate([rows_of[k] for k in rng.integers(0, 120, 120)])
        values = []
        for group in ours.levels:
            inside = drawn[of[drawn] == group]
            y, hit, p = (table[name].to_numpy()[inside] for name in ("truth", "predicted", "probability"))
            pairs = p[y == 1][:, None] - p[y == 0]
            area = ((pairs > 0) + (pairs == 0) / 2).mean()
            rates = [hit[y == 1].mean(), 1 - hit[y == 0].mean(), y[hit == 1].mean(), 1 - y[hit == 0].mean()]
            values.append([*rates, (y == hit).mean(), (p - y).mean(), ((p - y) ** 2).mean(), area])
        draws.append(np.transpose(values))
    theirs, spread = np.quantile(draws, [0.025, 0.975], axis=0), np.std(draws, axis=0)
    for measure in range(8):
        for k in range(len(ours.levels)):
            ends = np.array(ours.interval(measure, k))
            np.testing.assert_allclose(ends, theirs[:, measure, k], atol=0.3 * spread[measure, k])
    difference = np.array(draws)[:, 1, 1] - np.array(draws)[:, 1, 0]
    np.testing.assert_allclose(
        ours.contrast(1, 0, 1)[1:], np.quantile(difference, [0.025, 0.975]), atol=0.3 * difference.std()
    )


def test_single_rows_have_wilson_and_no_spread_has_an_interval():
    found, groups, table, _ = made(2, rows=1)
    ours = own_scores.group_rates(found, groups=groups, n_boot=50)
    part = table[(groups == "a").to_numpy()]
    hits = part[part["truth"] == 1]["predicted"]
    assert ours.interval(0, ours.levels.index("a")) == pytest.approx(wilson(hits.sum(), len(hits)))
    twice = own_scores.classified(table.assign(predicted=table["truth"]).iloc[[*range(260), 0]], np.r_[0:260, 0])
    low, high = own_scores.group_rates(twice, groups=groups, n_boot=50).interval(0, 0)
    assert high == pytest.approx(1) and 0.8 < low < 0.99


def test_a_perfect_classifier_has_intervals_too():
    """At 0 and 1 the bootstrap has no spread: Wilson, and Newcombe's interval of the difference."""
    from statsmodels.stats.proportion import confint_proportions_2indep

    _, groups, table, patient = made(4, rows=1, groups=2)
    table = table.assign(predicted=table["truth"], probability=table["truth"])
    found = own_scores.classified(table, patient)
    gaps = own_scores.compare_rates(found, groups={"g": groups}, **FEW)
    row = gaps.table.loc[("g", "sensitivity")]
    n = {row[side]: row[f"n_{side}"] for side in ("lowest", "highest")}
    theirs = confint_proportions_2indep(n["b"], n["b"], n["a"], n["a"], compare="diff", method="newcomb")
    ends = sorted([abs(row["low"]), abs(row["high"])])
    assert row["estimate"] == 0 and ends == pytest.approx(sorted(np.abs(theirs))) and row["p"] == 1
    of = gaps.rates["g"]
    assert of.interval(of.measures.index("AUROC"), 0)[0] < 0.97 and of.interval(
        of.measures.index("Brier score"), 0
    ) == (0, 0)
    odds = own_scores.odds_differences(gaps)
    assert (odds["low"] == 0).all() and (odds["high"] > 0.01).all()


def test_what_cannot_be_compared_is_named():
    _, groups, table, patient = made(5, rows=1, groups=2)
    table["truth"] = (np.arange(len(table)) % 60 == 0) * 1.0
    gaps = own_scores.compare_rates(own_scores.classified(table, patient), groups={"g": groups}, **FEW)
    words = own_scores.rate_findings(gaps)["g"]
    assert "ten patients who count for them: sensitivity, specificity, AUROC" in words
    assert "Accuracy alone does not show the kind of error." in words


def test_suppression():
    """A class of few patients hides the other class too, and both predictive values likewise."""
    found, groups, table, patient = made(3, rows=1)
    table.loc[groups == "a", "truth"] = (np.arange((groups == "a").sum()) < 4) * 1.0
    found = own_scores.classified(table, patient)
    gaps = own_scores.compare_rates(found, groups={"g": groups}, **FEW)
    hidden = own_scores.suppressed({"g": stats.group_sizes(groups)})
    assert hidden == {"g": {"tiny": 3}}
    shown = own_scores.rate_table(gaps, hidden=hidden).loc["g"]
    assert shown.loc["a", ["positives", "sensitivity", "specificity"]].tolist() == ["<10", "suppressed", "suppressed"]
    assert "[" in shown.loc["a", "accuracy"] and "[" in shown.loc["b", "sensitivity"]
    assert shown.loc["tiny", "n"] == "<10" and set(shown.loc["tiny"].drop("n")) == {"suppressed"}
    names = {"names": {"g": "clinic"}, "levels": {"g": {"a": "A", "b": "B", "c": "C"}}}
    rows = own_scores.rate_intervals(gaps, "specificity", **names)
    assert list(rows.index) == ["clinic: B", "clinic: C"] and list(rows.columns) == ["n", "estimate", "low", "high"]
    assert (rows["low"] < rows["estimate"]).all() and (rows["estimate"] < rows["high"]).all()
    of_b = table[(table["truth"] == 0) & (groups == "b").to_numpy()[patient]]
    assert rows.loc["clinic: B", ["n", "estimate"]].tolist() == pytest.approx(
        [len(of_b), (of_b["predicted"] == 0).mean()]
    )
    assert gaps.table.loc["g"].loc[["sensitivity", "accuracy"], "groups"].tolist() == [2, 3]
    assert "AUROC" in gaps.table.loc["g"].index and gaps.table.loc[("g", "AUROC"), "groups"] == 2


# Equal accuracy, other errors: three clinics, from their counts

CLINICS = (("a", 208, 49, 0.44, 0.78), ("b", 241, 74, 0.16, 0.92), ("c", 207, 48, 0.39, 0.85))


def clinics():
    rows = []
    for clinic, n, positives, sensitivity, specificity in CLINICS:
        found, cleared = round(sensitivity * positives), round(specificity * (n - positives))
        counts = {(1, 1): found, (1, 0): positives - found, (0, 0): cleared, (0, 1): n - positives - cleared}
        rows += [(clinic, *key) for key, count in counts.items() for _ in range(count)]
    table = pd.DataFrame(rows, columns=["clinic", "truth", "predicted"]).astype({"truth": float, "predicted": float})
    return own_scores.classified(table, np.arange(len(table))), table["clinic"].astype("category")


@pytest.fixture(scope="module")
def compared():
    found, groups = clinics()
    return own_scores.compare_rates(found, groups={"clinic": groups}, n_boot=400, n_permutations=4000)


def test_accuracy_hides_what_sensitivity_and_specificity_show(compared):
    found, groups = clinics()
    table = compared.table.loc["clinic"]
    for measure in RATES:
        values, rows = found.parts()[measure]
        theirs = stats.chi_square(values[rows], groups=groups[rows].reset_index(drop=True)).p
        assert table.loc[measure, "p"] == pytest.approx(theirs, abs=0.04), measure
    assert table.loc["accuracy", "p"] == pytest.approx(0.41, abs=0.03)
    assert table.loc["specificity", "p"] < 0.005 and table.loc["sensitivity", "p"] < 0.005
    assert table["p_holm"].tolist() == pytest.approx(stats.adjust_p(table["p"])["holm"].tolist())


def test_the_findings_name_the_gaps(compared):
    words = own_scores.rate_findings(compared)["clinic"]
    assert words.startswith("S") and "Sensitivity differs between groups: 0.162 for b (n = 74)" in words
    assert "Specificity differs between groups: 0.780 for a (n = 159), 0.922 for b (n = 167)" in words
    assert "Accuracy alone does not show this (p = 0.4" in words and "corrected for 5 tests" in words
    none = words[words.index("No difference was shown of") :]
    assert "accuracy" in none and "specificity" not in none and "no proof of equality" in none
    overall = pd.DataFrame(
        [{"gap": 0.05, "expected": 0.05, "p": 0.4, "p_holm": 0.4, "groups": 3, "n": 656}], ["clinic"]
    )
    said = own_scores.findings("correct predictions", overall, {}, rates={"clinic": words}).loc["clinic", "finding"]
    assert said == words
    lead = own_scores.leading_rate(compared)
    assert (
        lead["score"] in {"sensitivity", "specificity"}
        and lead["low"] > 0
        and {lead["group"], lead["reference"]} == {"a", "b"}
    )
    assert own_scores.rate_values(compared)["clinic"]["specificity"]["n"] == 326


def test_rows_of_one_patient_are_no_more_evidence():
    """Ten copies of each row, as one patient: p and intervals stay."""
    found, groups = clinics()
    patient = np.repeat(np.arange(len(groups)), 10)
    many = own_scores.classified(
        pd.DataFrame({"truth": found.truth, "predicted": found.predicted}).iloc[patient] * 1.0, patient
    )
    table = own_scores.compare_rates(many, groups={"clinic": groups}, n_boot=400, n_permutations=1000).table.loc[
        "clinic"
    ]
    assert table.loc["accuracy", "p"] == pytest.approx(0.41, abs=0.06) and table.loc["accuracy", "n_lowest"] == 2410
    once = own_scores.compare_rates(found, groups={"clinic": groups}, n_boot=400, n_permutations=100).table.loc[
        "clinic"
    ]
    assert table["low"].tolist() == pytest.approx(once["low"].tolist(), abs=1e-9)


def test_no_difference_is_found_in_about_one_table_of_twenty():
    """The tests hold their level with several rows a patient, the AUROC among them."""
    low = []
    for seed in range(40):
        found, groups, *_ = made(100 + seed, patients=100, groups=2)
        shuffled = groups.sample(frac=1, random_state=seed).reset_index(drop=True)
        low.append(
            own_scores.compare_rates(found, groups={"g": shuffled}, n_boot=10, n_permutations=100).table["p"] < 0.05
        )
    assert 0.02 < np.mean(low) < 0.09


def test_a_coarsening_counts_once():
    found, groups = clinics()
    both = pd.DataFrame(
        {"clinic": groups, "b or not": (groups == "b").map({True: "b", False: "other"}).astype("category")}
    )
    same = stats.coarsenings(both)
    asked = {"groups": {name: both[name] for name in both}, "same": same, **FEW}
    gaps = own_scores.compare_rates(found, **asked)
    assert gaps.table.attrs["questions"] == 5 and len(gaps.table) == 10
    words = own_scores.rate_findings(gaps, same=same)
    assert "It has the groups of clinic, or joins them" in words["b or not"] and "joins" not in words["clinic"]


@pytest.mark.parametrize(("kind", "says"), [("ruler", "shows less of it"), ("model", "its gap is smaller")])
def test_a_ruler_hides_and_a_model_has_another_gap(kind, says):
    found, groups = clinics()
    table = pd.DataFrame({"truth": found.truth * 1.0, "predicted": found.predicted * 1.0})
    table["second"] = table["predicted" if kind == "ruler" else "truth"]  # agrees with all, so that no gap is left
    patient = np.arange(len(table))
    pair = [own_scores.classified(table, patient, second=second) for second in ("", kind)]
    changed = own_scores.changed_rates(*pair, groups={"clinic": groups}, n_boot=300)
    row = changed.loc[("clinic", "specificity", "a")]
    assert row["first"] == pytest.approx(0.7799 - 0.9222, abs=1e-4) and row["second"] == 0
    assert row["change"] == pytest.approx(-row["first"]) and row["low"] > 0
    gaps = own_scores.compare_rates(found, groups={"clinic": groups}, **FEW)
    words = own_scores.rate_findings(gaps, changed=changed, second="other", second_is=kind)["clinic"]
    assert says in words and ("hides" in words) is False
    verdicts = own_scores.by_kind(changed, kind)["verdict"]
    assert ("hides" in set(verdicts)) == (kind == "ruler") and ("gap is smaller" in set(verdicts)) == (kind == "model")


def test_a_trend_of_each_rate():
    found, groups = clinics()
    steps = pd.Series(pd.Categorical(groups.map({"b": "I", "c": "II", "a": "III"}), ["I", "II", "III"], ordered=True))
    gaps = own_scores.compare_rates(found, groups={"skin": steps}, **FEW)
    table = own_scores.rate_trends(found, gaps, groups={"skin": steps}, n=500, n_boot=200).loc["skin"]
    slope = np.polyfit(steps.cat.codes[found.truth], found.predicted[found.truth], 1)[0]
    assert table.loc["sensitivity", "estimate"] == pytest.approx(slope) and table.loc["sensitivity", "p_holm"] < 0.05
    assert table.loc["specificity", "estimate"] < 0 and set(table["test"]) == {"Cochran-Armitage"}
    words = own_scores.rate_findings(gaps, trends=pd.concat({"skin": table}))["skin"]
    assert "Over the groups in order sensitivity rises" in words and "specificity falls" in words
    assert own_scores.rate_trends(found, gaps, groups={"skin": groups}).empty  # without an order
