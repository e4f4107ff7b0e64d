"""Long tables: one model is audited, and all are compared on the same cases, paired and with patients resampled."""

import numpy as np
import pandas as pd
import pytest

from helpers import datasets, stats
from helpers.errors import InputError
from helpers.studies import own_scores

FEW = {"n_boot": 400, "n_permutations": 400}


def wide(n=120, seed=0, gain=0.0):
    """Scores of three models: B is 0.05 better than A, and better still for f by `gain`; C is A with noise."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"id": [f"p{k}" for k in range(n)], "sex": np.where(np.arange(n) % 3 == 0, "f", "m")})
    frame["A"] = rng.normal(0.7, 0.08, n)
    frame["B"] = frame["A"] + 0.05 + gain * (frame["sex"] == "f") + rng.normal(0, 0.01, n)
    return frame.assign(C=frame["A"] + rng.normal(0, 0.02, n)).round(4)


def long(frame, names=("A", "B", "C")):
    rest = [c for c in frame if c not in names]
    return frame.melt(rest, list(names), var_name="model", value_name="dice")


def load(folder, table, **asked):
    table.to_csv(folder / "mine.csv", index=False)
    return datasets.load_own_scores(folder / "mine.csv", **{"groups": "sex", "case": "id", "model": "model"} | asked)


def compare(own, **more):
    return own_scores.compare_models(own.models, groups={n: own.cases[n] for n in own.groups}, **FEW | more)


@pytest.mark.parametrize("order", ["by model", "by case", "shuffled"])
def test_one_model_is_audited_and_all_are_paired(order, tmp_path):
    frame = wide()
    table = long(frame)
    table = {"by model": table, "by case": table.sort_values("id", kind="stable")}.get(
        order, table.sample(frac=1, random_state=3)
    )
    own = load(tmp_path, table, model="model: A")
    assert len(own.cases) == 120 and list(own.models) == ["A", *own.models.columns[1:]] and own.dropped.empty
    assert own.models["A"].tolist() == own.cases["dice"].tolist()
    found = own.models.assign(sex=own.cases["sex"].astype(str)).sort_values(["A", "B"], ignore_index=True)[
        ["A", "B", "C", "sex"]
    ]
    pd.testing.assert_frame_equal(
        found, frame.sort_values(["A", "B"], ignore_index=True)[["A", "B", "C", "sex"]], check_dtype=False
    )
    assert any(note.startswith("the audit is of the model 'A'") for note in own.notes)


@pytest.mark.parametrize(
    ("asked", "first"), [("model", "A"), ("model: C", "C"), ("model:  C", "C"), ("'model': B", "B")]
)
def test_the_first_model_of_the_table_is_audited_or_the_one_that_is_named(asked, first, tmp_path):
    frame = wide()
    own = load(tmp_path, long(frame), model=asked)
    assert own.models.columns[0] == first and own.cases["dice"].tolist() == frame[first].tolist()
    renamed = load(
        tmp_path,
        long(frame).rename(columns={"model": "model: kind"}),
        model=asked.replace("'", "").replace("model", "model: kind"),
    )
    assert renamed.models.equals(own.models)


def test_means_contrasts_and_changes_are_those_of_the_scores(tmp_path):
    frame = wide(gain=0.04)
    own = load(tmp_path, long(frame))
    found, women = compare(own), frame["sex"] == "f"
    assert found.means["estimate"].tolist() == pytest.approx([frame[m].mean() for m in "ABC"])
    assert found.mean_changes["change"].tolist() == pytest.approx([(frame[m] - frame["A"]).mean() for m in "BC"])
    for model in "ABC":
        row = found.contrasts.loc["sex", model, "f"]
        assert row["estimate"] == pytest.approx(frame.loc[women, model].mean() - frame.loc[~women, model].mean())
        assert (row["reference"], row["n"], row["n_reference"]) == ("m", 40, 80)
    change = found.contrast_changes.loc["sex"]
    by_ruler = stats.changed_by_ruler(frame["A"], frame["B"], groups=frame["sex"], n_boot=1000).loc["f"]
    assert change.loc[("B", "f"), "change"] == pytest.approx(by_ruler["change"])
    assert change.loc[("B", "f"), ["low", "high"]].tolist() == pytest.approx(
        [by_ruler["low"], by_ruler["high"]], abs=1.5e-3
    )
    assert (
        change.loc[("B", "f"), "p_holm"] == pytest.approx(2 * change.loc[("B", "f"), "p"])
        and change.loc[("B", "f"), "p"] < 0.01
    )
    assert change.loc[("C", "f"), "p"] > 0.05
    pooled = (frame["B"] - frame["A"]).std() / np.sqrt(120)  # of paired differences, not of two means
    b = found.mean_changes.loc["B"]
    assert b["high"] - b["low"] == pytest.approx(2 * 1.96 * pooled, rel=0.15)
    said = own_scores.model_findings("dice", found)
    assert (
        "sex: the contrast f less m changes by" in said
        and "from A to B" in said
        and "to C" not in said.split("sex:")[1]
    )
    values = own_scores.model_values(found)
    assert set(values["contrast_changes"]["sex"]["B"]["f"]) >= {"estimate", "low", "high", "n", "p_holm"}


def test_equal_models_do_not_differ(tmp_path):
    frame = wide()
    found = compare(load(tmp_path, long(frame.assign(B=frame["A"], C=frame["A"]))))
    assert (found.mean_changes[["change", "low", "high"]] == 0).all(axis=None)
    assert (found.contrast_changes[["change", "low", "high"]] == 0).all(axis=None)
    assert (found.contrast_changes[["p", "p_holm"]] == 1).all(axis=None)
    assert "No contrast between groups was shown to differ" in own_scores.model_findings("dice", found)


def test_a_case_without_a_model_stays_in_the_audit(tmp_path):
    """Of 120 cases 36 have no row of B, and 30 others no score of C."""
    frame = wide()
    table = long(frame)
    table = table[~((table["model"] == "B") & table["id"].isin([f"p{k}" for k in range(36)]))]
    table.loc[(table["model"] == "C") & table["id"].isin([f"p{k}" for k in range(50, 80)]), "dice"] = np.nan
    own = load(tmp_path, table)
    assert len(own.cases) == 120 and len(own.models) == 54 and not own.models.isna().any(axis=None)
    kept = [k for k in range(120) if k >= 36 and k not in range(50, 80)]
    assert own.models.index.tolist() == kept and own.models["B"].tolist() == frame.loc[kept, "B"].tolist()
    reason = "not scored for every model: only the comparison of models leaves these cases out"
    assert own.dropped.set_index("reason")["n"].to_dict() == {reason: 66}
    assert compare(own).means["n"].tolist() == [54] * 3


def test_rows_of_a_patient_are_paired_and_averaged(tmp_path):
    """Patients are the units; with CASE, a lesion without all models is left out of its patient's means."""
    frame = wide(120)
    frame["patient"] = np.arange(120) // 2
    frame["sex"] = np.where(frame["patient"] % 3 == 0, "f", "m")
    table = long(frame)
    own = load(tmp_path, table, patient="patient")
    right = frame.groupby("patient")[["A", "B", "C"]].mean()
    assert len(own.cases) == 60 and own.models.to_numpy() == pytest.approx(right.to_numpy())
    assert load(tmp_path, table, patient="patient", case="").models.to_numpy() == pytest.approx(right.to_numpy())
    assert compare(own).contrasts["n"].tolist() == [20] * 3
    lacking = table[~((table["model"] == "C") & table["id"].isin([f"p{2 * k}" for k in range(30)]))]
    own = load(tmp_path, lacking, patient="patient")
    assert own.models.iloc[0].tolist() == pytest.approx(frame.loc[1, ["A", "B", "C"]].tolist())
    assert own.cases["dice"].iloc[0] == pytest.approx(frame.loc[:1, "A"].mean()) and len(own.models) == 60


def test_what_another_row_of_the_case_records_counts(tmp_path):
    table = long(wide())
    table.loc[table["model"] == "A", "sex"] = None
    assert load(tmp_path, table).cases["sex"].value_counts().to_dict() == {"m": 80, "f": 40}


def test_small_groups_of_the_compared_cases_are_suppressed(tmp_path):
    """Of the group x, four of 24 have every model; the other attribute would give them away."""
    frame = wide()
    frame.loc[:23, "sex"] = "x"
    frame["age"] = np.where(np.arange(120) % 2, "old", "young")
    table = long(frame)
    table = table[~((table["model"] == "B") & table["id"].isin([f"p{k}" for k in range(20)]))]
    own = load(tmp_path, table, groups="sex, age")
    assert len(own.cases) == 120 and len(own.models) == 96
    found = compare(own)
    lost = found.contrasts.xs("x", level=2)
    assert (lost["n"] < 10).all() and lost["estimate"].isna().all() and len(lost) == 3
    assert found.contrast_changes.xs("x", level=2)["p_holm"].isna().all()


def test_few_cases_without_a_model_leave_the_audit_too(tmp_path):
    """Five of 40 f lack B: from 40 in one table and 35 in the next a reader would compute their mean."""
    frame = wide()
    lacking = frame.index[frame["sex"] == "f"][:5]
    table = long(frame)
    table = table[~((table["model"] == "B") & table["id"].isin(frame.loc[lacking, "id"]))]
    own = load(tmp_path, table)
    assert len(own.cases) == len(own.models) == 115 and own.cases["sex"].value_counts().to_dict() == {"m": 80, "f": 35}
    assert own.models["A"].tolist() == own.cases["dice"].tolist() == frame.drop(index=lacking)["A"].tolist()
    (row,) = own.dropped.itertuples()
    assert row.reason.startswith("not scored for every model, and a group has fewer than 10") and row.n == 5
    assert compare(own).contrasts["n"].tolist() == [35] * 3


def test_a_withheld_group_is_not_counted_among_those_without_a_model(tmp_path):
    """All four of x lack B: 19 without every model less 15 of the audit would give the size of x."""
    frame = wide()
    frame.loc[[0, 1, 2, 3], "sex"] = "x"
    table = long(frame)
    lacking = [f"p{k}" for k in [0, 1, 2, 3, *range(4, 49, 3)]]  # and 15 of m
    own = load(tmp_path, table[~((table["model"] == "B") & table["id"].isin(lacking))])
    assert len(own.cases) == 116 and len(own.models) == 101 and own.withheld == {"sex": {"x": 4}}
    counted = own.dropped.set_index("reason")["n"].to_dict()
    assert counted.pop("not scored for every model: only the comparison of models leaves these cases out") == 15
    assert list(counted.values()) == [4]


def test_a_patient_with_one_lesion_without_a_model_gives_no_other_mean(tmp_path):
    """The mean of p0 would change from the audit to the comparison, with the same n in both."""
    frame = wide(120)
    frame["patient"] = np.arange(120) // 2
    frame["sex"] = np.where(frame["patient"] % 3 == 0, "f", "m")
    table = long(frame)
    own = load(tmp_path, table[~((table["model"] == "C") & (table["id"] == "p0"))], patient="patient")
    assert len(own.cases) == len(own.models) == 59 and own.dropped["n"].tolist() == [1]
    assert own.models["A"].to_numpy() == pytest.approx(own.cases["dice"].to_numpy())


def test_cases_without_the_audited_model_are_counted_in_patients(tmp_path):
    frame = wide(120)
    frame["patient"] = np.arange(120) // 2
    frame["sex"] = np.where(frame["patient"] % 3 == 0, "f", "m")
    table = long(frame)
    own = load(tmp_path, table[~((table["model"] == "A") & (table["patient"] >= 48))], patient="patient")
    assert own.dropped.to_dict("records") == [{"table": "mine.csv", "reason": "no row of the model 'A'", "n": 12}]


def test_the_reference_is_the_largest_group_of_the_audit(tmp_path):
    """Of 70 m half have every model, of 50 f all: m stays the reference, as in the first table."""
    frame = wide()
    frame["sex"] = np.where(np.arange(120) < 70, "m", "f")
    table = long(frame)
    own = load(tmp_path, table[~((table["model"] == "B") & table["id"].isin([f"p{k}" for k in range(35)]))])
    found = compare(own)
    assert (found.contrasts["reference"] == "m").all() and found.contrasts["n_reference"].tolist() == [35] * 3
    assert own_scores.model_findings("dice", found).endswith("corrected for 2 comparisons; level 5%.")
    two = compare(own._replace(models=own.models[["A", "B"]]))
    assert own_scores.model_findings("dice", two).endswith("Permutation p; level 5%.")


def test_few_cases_with_every_model_are_not_compared(tmp_path):
    table = long(wide())
    own = load(tmp_path, table[(table["model"] == "A") | table["id"].isin([f"p{k}" for k in range(9)])])
    assert own.models is None and any("too few cases have a score of every model" in note for note in own.notes)


def test_the_test_of_a_change_holds_its_level():
    """The gain of B is the same in both groups, and its spread too: about one p in twenty is under 5%."""
    rng, found = np.random.default_rng(0), []
    sex = pd.Series(np.repeat(["f", "m"], [40, 80]), dtype="category", name="sex")
    for k in range(120):
        first = rng.normal(0.7, 0.1, 120)
        scores = pd.DataFrame({"A": first, "B": first + 0.1 + rng.normal(0, 0.05, 120)})
        table = own_scores.compare_models(scores, groups={"sex": sex}, n_boot=100, n_permutations=199, seed=k)
        found.append(table.contrast_changes["p"].iloc[0])
    assert 1 <= (np.array(found) <= 0.05).sum() <= 14  # binomial of 120 and 5%: beyond 14 once in a thousand


BAD = [
    ("no identifier", {}, {"case": ""}, "MODEL: nothing joins the rows of a case"),
    ("a truth", {}, {"classifier": {"truth": "sex", "predicted": "sex"}}, "MODEL: TRUTH is named too"),
    ("masks", {}, {"scored": pd.DataFrame({"patient_id": ["p0"], "dice": [0.5]})}, "MODEL: EXPERT is named too"),
    ("no column", {}, {"model": "modell"}, "MODEL, mine.csv: there is no column 'modell'. Did you mean model?"),
    ("no such model", {}, {"model": "model: D"}, "MODEL, mine.csv, column model: must be A, B or C, got 'D'"),
    ("one model", {"model": "A", "id": range(360)}, {}, "column model: all rows are of 'A'"),
    ("many", {"model": [f"m{k}" for k in range(360)]}, {}, "column model: 360 different values. Name the column of"),
    ("used twice", {}, {"groups": "model"}, "column 'model' is also named by MODEL"),
    ("two rows", {"id": ["p0"] * 360}, {}, "row 3, column id: this case is also in row 2; 357 rows repeat"),
    ("two sexes", {"sex": ["f", "m", "m"] * 80 + ["m", "f", "f"] * 40}, {}, "120 case(s) have more than one value"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "columns", "asked", "says"), BAD, ids=[case[0] for case in BAD])
def test_bad_tables_of_models_end_in_one_line(name, columns, asked, says, tmp_path):
    table = long(wide()).assign(**columns)
    with pytest.raises(InputError) as error:
        load(tmp_path, table, **asked)
    assert says in str(error.value) and len(str(error.value).splitlines()) == 1


def test_a_long_table_without_the_parameter_is_refused_with_its_name(tmp_path):
    with pytest.raises(InputError, match="if each model has one, name its column as MODEL"):
        load(tmp_path, long(wide()), model="")
