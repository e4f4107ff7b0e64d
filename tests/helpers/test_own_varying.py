"""Attributes that vary within patients: groups of images, whose numbers are those of plain sums over rows."""

import itertools

import numpy as np
import pandas as pd
import pytest

from helpers import datasets, stats
from helpers.errors import InputError
from helpers.stats import drawing
from helpers.studies import own_scores
from helpers.studies.own_scores import units
from helpers.studies.own_scores.weighing import contributions, weighted_mean

PATIENTS, BOOT = 90, 40
COUNTS = {"n_boot": BOOT, "seed": 2}


def table(**columns):
    """One to four images a patient: the sex is constant, and the view, the age and the weight vary."""
    rng = np.random.default_rng(4)
    owner = np.sort(np.concatenate([np.arange(PATIENTS), rng.integers(0, PATIENTS, 130)]))
    n = len(owner)
    view = rng.choice(["AP", "PA"], n)
    rows = {"patient": [f"p{k}" for k in owner], "sex": np.array(["f", "m"])[owner % 2], "view": view}
    rows |= {"step": rng.choice(["1", "2", "3"], n), "w": rng.choice([1.0, 2.0, 6.0], n), "p": rng.random(n).round(2)}
    rows |= {"truth": rng.integers(0, 2, n), "dice": rng.beta(8, 2, n).round(3), "dice2": rng.beta(8, 2, n).round(3)}
    rows |= {"label": (rng.random(n) < np.where(view == "PA", 0.7, 0.4)) * 1}
    return pd.DataFrame({**rows, **columns})


ASKED = {
    "judged": {"classifier": {"truth": "truth", "predicted": "label", "probability": "p"}},
    "scored": {"score": "dice", "second": "dice2"},
}


def load(folder, frame, kind, groups="sex, view", **asked):
    frame.to_csv(folder / "mine.csv", index=False)
    return datasets.load_own_scores(folder / "mine.csv", groups=groups, patient="patient", **ASKED[kind], **asked)


def groups_of(own):
    """The groups of all attributes and their crossings, and the patient of each row if any varies."""
    patient = own.patient if own.varying else None
    return {n: own.cases[n] for n in own.groups} | stats.intersections(own.cases[own.groups], cluster=patient), patient


RATES = {
    "sensitivity": (lambda y, h: y & h, lambda y, h: y),
    "specificity": (lambda y, h: ~y & ~h, lambda y, h: ~y),
    "positive predictive value": (lambda y, h: y & h, lambda y, h: h),
    "accuracy": (lambda y, h: y == h, lambda y, h: y | ~y),
}


@pytest.mark.parametrize("weight", ["", "w"])
@pytest.mark.parametrize("name", ["sex", "view", "sex and view"])
def test_rates_and_gaps_by_hand(name, weight, tmp_path):
    """Sums over rows, and over the rows of drawn patients; n of patients counts each once in a group."""
    frame = table()
    frame["sex and view"] = frame["sex"] + ", " + frame["view"]
    own = load(tmp_path, frame, "judged", weight=weight)
    groups, _ = groups_of(own)
    found = own_scores.classified(own.rows, own.patient)
    of = own_scores.group_rates(found, groups=groups[name], **COUNTS)
    owner, w = pd.factorize(frame["patient"])[0], frame["w"] if weight else pd.Series(1.0, frame.index)
    (drawn,) = drawing.blocks(PATIENTS, n_boot=BOOT, seed=2, step=BOOT)
    times = np.concatenate([np.ones((1, PATIENTS)), drawn])[:, owner] * w.to_numpy()
    y, h = frame["truth"].to_numpy() == 1, frame["label"].to_numpy() == 1
    right = {}
    for (g, level), (measure, (hit, among)) in itertools.product(enumerate(of.levels), RATES.items()):
        inside, k = (frame[name] == level).to_numpy() & among(y, h), of.measures.index(measure)
        right[k, g] = times @ (inside & hit(y, h)) / (times @ inside)
        assert of.estimate[k, g] == pytest.approx(right[k, g][0], abs=1e-12)
        np.testing.assert_allclose(of.draws[:, k, g], right[k, g][1:], rtol=0, atol=1e-12)
        assert (of.n[k, g], of.patients[k, g]) == (inside.sum(), frame["patient"][inside].nunique())
        if not weight:
            assert of.interval(k, g) == pytest.approx(tuple(np.quantile(right[k, g][1:], [0.025, 0.975])))
    value, low, high = of.contrast(0, 0, 1)
    less = right[0, 1] - right[0, 0]
    assert value == pytest.approx(less[0], abs=1e-12) and low < value < high
    if not weight:
        assert (low, high) == pytest.approx(tuple(np.quantile(less[1:], [0.025, 0.975])), abs=1e-12)
    assert of.shared == (name != "sex")


def test_prevalences_by_hand(tmp_path):
    frame = table()
    own = load(tmp_path, frame, "judged")
    groups, _ = groups_of(own)
    found = own_scores.classified(own.rows, own.patient)
    gaps = own_scores.compare_rates(found, groups=groups, n_permutations=20, **COUNTS)
    rows = own_scores.prevalences(found, gaps, groups=groups, **COUNTS).loc["view"]
    for view, of in frame.groupby("view"):
        row = rows.loc[view, "change"]
        assert row["estimate"] == pytest.approx((of["label"] - of["truth"]).mean(), abs=1e-12)
        assert (row["n"], row["patients"]) == (len(of), of["patient"].nunique())


@pytest.mark.parametrize("weight", ["", "w"])
def test_constant_attributes_have_the_numbers_of_an_audit_by_patient(weight, tmp_path):
    """To the last bit, whether an attribute that varies is named too or not: rates, gaps, p, means and sizes."""
    alone, both = (load(tmp_path, table(), "judged", groups=g, weight=weight) for g in ("sex", "sex, view"))
    assert (alone.varying, both.varying) == ((), ("view",)) and len(alone.cases) < len(both.cases)
    found = []
    for own in (alone, both):
        groups, patient = {"sex": own.cases["sex"]}, own.patient if own.varying else None
        judged = own_scores.classified(own.rows, own.patient)
        gaps = own_scores.compare_rates(judged, groups=groups, n_permutations=30, **COUNTS)
        asked, score = {"weights": own.weights, "patient": patient}, own.cases[own.score]
        asked_of = asked | {"groups": groups}
        tables = [gaps.table, own_scores.sizes_of(groups, **asked)["sex"], own_scores.means(score, **asked_of)["sex"]]
        tables += [own_scores.prevalences(judged, gaps, groups=groups, **COUNTS), own_scores.odds_differences(gaps)]
        tables += [own_scores.contrasts(score, **asked_of, **COUNTS)["sex"]]
        tables += [
            own_scores.gaps_tested(score, **asked_of, n_permutations=30, **COUNTS)[["n", "gap", "expected", "p"]]
        ]
        tables += own_scores.success_tables(score, threshold=0.4, **asked_of, n_permutations=30, **COUNTS)
        tables += own_scores.sweeps(score, groups=groups["sex"], **asked).values()
        tables += [pd.Series(own_scores.mean_of(score, **asked)).to_frame()]
        found.append([gaps.rates["sex"], tables])
    for name in ("estimate", "draws", "n", "patients", "effective"):
        np.testing.assert_array_equal(getattr(found[0][0], name), getattr(found[1][0], name))
    for one, other in zip(found[0][1], found[1][1], strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.parametrize("weight", ["", "w"])
def test_scores_by_hand(weight, tmp_path):
    """A patient counts once in each group, with the mean of the rows there, and patients are resampled."""
    frame = table()
    own = load(tmp_path, frame, "scored", weight=weight)
    weighed = frame.assign(w=frame["w"] if weight else 1.0)
    rows = []
    for (who, view), of in weighed.groupby(["patient", "view"]):
        rows.append({"patient": who, "view": view, "w": of["w"].mean()})
        rows[-1] |= {name: np.average(of[name], weights=of["w"]) for name in ("dice", "dice2")}
    of = pd.DataFrame(rows)
    mean = {view: {n: np.average(g[n], weights=g["w"]) for n in ("dice", "dice2")} for view, g in of.groupby("view")}
    asked = {"weights": own.weights, "patient": own.patient, "groups": {"view": own.cases["view"]}}
    score = own.cases["dice"]
    means = own_scores.means(score, **asked)["view"]
    assert means["mean"].to_dict() == pytest.approx({view: m["dice"] for view, m in mean.items()}, abs=1e-12)
    assert means["n"].to_dict() == of["view"].value_counts().to_dict()
    row = own_scores.contrasts(score, **asked, **COUNTS)["view"].iloc[0]
    first, second = row["reference"], {"AP": "PA", "PA": "AP"}[row["reference"]]
    assert row["estimate"] == pytest.approx(mean[second]["dice"] - mean[first]["dice"], abs=1e-12)
    names = sorted(set(of["patient"]), key=lambda name: int(name[1:]))
    owner = of["patient"].map({name: k for k, name in enumerate(names)}).to_numpy()
    (drawn,) = drawing.blocks(PATIENTS, n_boot=BOOT, seed=2, step=BOOT)
    side = {view: drawn[:, owner] * of["w"].to_numpy() * (of["view"] == view).to_numpy() for view in ("AP", "PA")}
    less = [side[view] @ of["dice"] / side[view].sum(axis=1) for view in (second, first)]
    ends = np.quantile(less[0] - less[1], [0.025, 0.975])
    assert (row["low"], row["high"]) == pytest.approx(tuple(ends), abs=1e-12)
    change = own_scores.changes_of_ruler(score, own.cases["dice2"], **asked, **COUNTS)["view"].loc[second]
    right = mean[second]["dice2"] - mean[first]["dice2"] - mean[second]["dice"] + mean[first]["dice"]
    assert change["change"] == pytest.approx(right, abs=1e-12)
    rates, _ = own_scores.success_tables(score, threshold=0.8, **asked, **COUNTS)
    right = {view: np.average(g["dice"] > 0.8, weights=g["w"]) for view, g in of.groupby("view")}
    assert rates.loc["view", "rate"].to_dict() == pytest.approx(right, abs=1e-12)
    swept = own_scores.sweeps(score, groups=own.cases["view"], weights=own.weights, patient=own.patient)[second]
    known = swept.dropna(subset=["ratio_low"])
    assert len(known) and ((known["ratio_low"] < known["ratio"]) & (known["ratio"] < known["ratio_high"])).all()
    trend = own_scores.trends(score, **asked | {"groups": {"step": stepped(frame)}}, n=20, **COUNTS).loc["step"]
    assert trend["low"] < trend["estimate"] < trend["high"]


def stepped(frame):
    return frame["step"].astype(pd.CategoricalDtype(["1", "2", "3"], ordered=True))


def test_a_patient_who_is_in_both_groups_cancels():
    """Both images of each patient are alike: no difference of the groups, and an interval of no length."""
    rng = np.random.default_rng(0)
    owner, hit = np.repeat(np.arange(60), 2), np.repeat(rng.random(60) < 0.6, 2)
    rows = pd.DataFrame({"truth": 1.0, "predicted": hit * 1.0})
    rows = pd.concat([rows, rows.assign(truth=0.0)], ignore_index=True)
    found = own_scores.classified(rows, np.concatenate([owner, owner]))
    view = pd.Series(np.tile(["AP", "PA"], 120), dtype="category")
    of = own_scores.group_rates(found, groups=view, n_boot=50)
    assert of.contrast(0, 0, 1) == (0, 0, 0)
    one = own_scores.group_rates(own_scores.classified(rows.assign(weight=1.0), found.patient), groups=view, n_boot=50)
    low, high = one.interval(0, 0)
    left = abs((one.estimate[0, 0] - low) - (high - one.estimate[0, 0]))  # Newcombe's interval at a correlation of 1
    assert one.contrast(0, 0, 1) == pytest.approx((0, -left, left), abs=1e-9) and left < (high - low) / 10
    score = pd.Series(hit * 1.0)
    with_both = {"groups": {"view": view[:120]}, "patient": owner}
    row = own_scores.contrasts(score, **with_both, n_boot=50)["view"].iloc[0]
    assert (row["estimate"], row["low"], row["high"]) == (0, 0, 0)
    swept = own_scores.sweeps(score, groups=view[:120], patient=owner)
    ratio = next(iter(swept.values())).dropna(subset=["ratio_low"])
    assert len(ratio) and np.allclose(ratio[["ratio", "ratio_low", "ratio_high"]], 1, rtol=0, atol=1e-12)


def test_contributions_have_the_length_of_the_error():
    rng = np.random.default_rng(1)
    y, w = rng.random(30), rng.random(30)
    length = np.linalg.norm(contributions(y, w, np.arange(30)))
    assert length == pytest.approx(weighted_mean(y, w).error)


def null_rows(seed, patients=80):
    """A null: two views of each patient or one, with one sensitivity, and images of a patient that are alike."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(patients), 3)
    hit = (rng.random(patients) < 0.6)[owner] ^ (rng.random(len(owner)) < 0.2)
    rows = pd.DataFrame({"truth": 1.0, "predicted": hit * 1.0})
    rows.loc[::4, "truth"] = 0.0
    return own_scores.classified(rows, owner), pd.Series(rng.choice(["AP", "PA"], len(owner)), dtype="category")


def test_the_p_of_a_gap_keeps_its_level():
    """At 5% in no more than 7%, with two standard errors."""
    many, alarms = 100, []
    for seed in range(many):
        found, view = null_rows(seed)
        gaps = own_scores.compare_rates(found, groups={"view": view}, n_boot=100, n_permutations=2, seed=seed)
        alarms.append(gaps.table.loc[("view", "sensitivity"), "p"] <= 0.05)
    assert np.mean(alarms) < 0.07 + 2 * (0.05 * 0.95 / many) ** 0.5


# Sizes, and what must not be shown


def lateral(patients, unrecorded=0):
    """The first images of some patients are lateral, and those of others have no view."""
    frame = table()
    first = np.flatnonzero(~frame["patient"].duplicated())
    frame.loc[first[:patients], "view"] = "LAT"
    frame.loc[first[patients : patients + unrecorded], "view"] = None
    return frame


SIZES = [
    ("shown", lateral(12), {"LAT": 12}, {}, 0),
    ("under ten next to many unrecorded", lateral(6, 15), {"LAT": 6, "not recorded": 15}, {}, 0),
    ("given away by the rest", lateral(6), {}, {"view": {"LAT": 6}}, 6),
    ("given away with a few unrecorded", lateral(6, 3), {}, {"view": {"LAT": 6}}, 6),
]


@pytest.mark.parametrize(("frame", "sizes", "withheld", "lost"), [s[1:] for s in SIZES], ids=[s[0] for s in SIZES])
def test_sizes_count_patients(frame, sizes, withheld, lost, tmp_path):
    own = load(tmp_path, frame, "judged")
    groups, patient = groups_of(own)
    found = own_scores.sizes_of(groups, patient=patient)["view"]["n"]
    left = frame.iloc[own.cases.index] if not lost else frame[frame["view"] != "LAT"]
    right = {view: left.loc[left["view"] == view, "patient"].nunique() for view in ("AP", "PA")}
    assert found[["AP", "PA"]].to_dict() == right
    assert {name: found[name] for name in sizes} == sizes and own.withheld == withheld
    assert len(frame) - len(own.cases) == lost


def test_a_patient_in_two_small_cells_of_a_line_counts_once():
    """Six patients have both hidden cells of a line: together under ten, so that another cell is hidden too."""
    rows = [(k, "f", view) for k in range(6) for view in ("LAT", "OBL")]
    rows += [(k, sex, view) for k, (sex, view) in enumerate(itertools.product("fm", ["AP", "PA"] * 15), 100)]
    rows += [(k, "m", view) for k in range(300, 320) for view in ("LAT", "OBL")]
    owner, sex, view = map(np.array, zip(*rows, strict=True))
    frame = pd.DataFrame({"sex": sex, "view": view}).astype("category")
    both = stats.intersections(frame, cluster=owner)["sex and view"]
    shown = set(both[(frame["sex"] == "f").to_numpy()].dropna())
    assert len(shown & {"f, AP", "f, PA"}) == 1  # by rows 12 are hidden, and nothing more would be
    assert {"f, AP", "f, PA"} <= set(stats.intersections(frame)["sex and view"].dropna())


def test_the_report_tells_what_varies(tmp_path):
    own = load(tmp_path, table(), "scored", groups="sex, view, step")
    groups, patient = groups_of(own)
    assert own.varying == ("view", "step") and own.rows is None and own.source == ""
    note = next(note for note in own.notes if note.startswith("view: "))
    assert "several values; a group is then a set of rows, n counts its patients" in note
    shared = own_scores.shared(groups, patient)
    assert shared == [name for name in groups if name != "sex"]
    asked = {"groups": groups, "patient": patient, **COUNTS}
    overall, contrasts = (
        own_scores.gaps_tested(own.cases["dice"], **asked),
        own_scores.contrasts(own.cases["dice"], **asked),
    )
    words = own_scores.findings("dice", overall, contrasts, varying=own.varying, shared=shared)["finding"]
    assert "permutation p" in words["sex"] and "bootstrap p" in words["view"]
    assert words["images"].startswith("view and step vary from image to image within a patient")
    assert "sizes do not add up" in words["images"] and "Left out" in words["images"]


REFUSED = [
    ("models", {"model": np.resize(["a", "b"], 220)}, {"model": "model"}, "have more than one value, the first in row"),
    (
        "few patients in a view",
        {"view": ["LAT"] * 3 + ["AP"] * 217},
        {},
        "fewer than two of its 2 groups have 10 patients",
    ),
]


@pytest.mark.parametrize(("columns", "asked", "message"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_what_cannot_vary_is_one_line(columns, asked, message, tmp_path):
    with pytest.raises(InputError) as error:
        load(tmp_path, table(**columns), "scored", **asked)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_rows_without_a_patient_are_units():
    scores, groups = pd.DataFrame({"s": [1.0, 2.0]}), pd.Series(["a", "b"], dtype="category")
    assert units.units_of(scores, groups).scores is scores and own_scores.shared({"g": groups}, None) == []
