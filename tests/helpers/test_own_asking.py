"""The user's table as parameters name it: columns with commas, colons and quotes, empty masks, unseen characters."""

import numpy as np
import pandas as pd
import pytest

from helpers import datasets
from helpers.errors import InputError
from helpers.scores import folders
from helpers.studies import own_scores

ODD = ["sex, at birth", "sex", "age: years", "age", "a;b", 'the "kind"', "O'Brien score", "x = 1"]


def load(folder, columns, **asked):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"dice": rng.random(80).round(3)} | {name: np.resize(["u", "v"], 80) for name in columns})
    frame.to_csv(folder / "mine.csv", index=False)
    return datasets.load_own_scores(folder / "mine.csv", **asked)


@pytest.mark.parametrize(
    ("groups", "found"),
    [
        ("sex, at birth", ["sex, at birth"]),
        ("sex, at birth, sex", ["sex, at birth", "sex"]),
        ("sex,  at birth ,age", ["sex, at birth", "age"]),
        ("sex,at birth,age :years", ["sex, at birth", "age: years"]),
        ('"sex, at birth",age', ["sex, at birth", "age"]),
        ("'sex, at birth', \"sex\"", ["sex, at birth", "sex"]),
        ("sex,age", ["sex", "age"]),
        ("age: years,a;b", ["age: years", "a;b"]),
        ('the "kind",sex', ['the "kind"', "sex"]),
        ("O'Brien score, x = 1", ["O'Brien score", "x = 1"]),
        (["sex, at birth", "age"], ["sex, at birth", "age"]),
    ],
)
def test_a_name_with_commas_is_found(groups, found, tmp_path):
    assert load(tmp_path, ODD, groups=groups).groups == found


def test_a_comma_in_a_name_does_not_hide_the_columns_of_its_parts(tmp_path):
    """Of `sex, at birth` and of `sex` and `at birth` the longest name counts, and quotes ask for the parts."""
    columns = ["sex", "at birth", "sex, at birth"]
    assert load(tmp_path, columns, groups="sex, at birth").groups == ["sex, at birth"]
    assert load(tmp_path, columns, groups='"sex", "at birth"').groups == ["sex", "at birth"]
    assert load(tmp_path, columns[:2], groups="sex, at birth").groups == ["sex", "at birth"]


@pytest.mark.parametrize("groups", ["sex at birth", '"sex, at"', "sexes, at birth"])
def test_a_name_that_does_not_exist_is_refused(groups, tmp_path):
    with pytest.raises(InputError, match=r"GROUPS, mine\.csv: there is no column"):
        load(tmp_path, ODD[:1], groups=groups)


@pytest.mark.parametrize("name", ["age: years", "age; in years", "age, in years", "age: 40, 60", "age"])
def test_bins_and_names_of_a_column_with_marks(name, tmp_path):
    pd.DataFrame({"dice": np.linspace(0, 1, 80), name: range(80), "age2": range(80)}).to_csv(tmp_path / "a.csv")
    own = datasets.load_own_scores(tmp_path / "a.csv", groups=[name, "age2"], bins=f"age2: 50; {name}: 30, 60")
    assert own.cases[name].value_counts().to_dict() == {"up to 30": 31, "over 30 to 60": 30, "over 60": 19}
    assert own.cases["age2"].value_counts().to_dict() == {"up to 50": 51, "over 50": 29}
    own = load(tmp_path, [name, "sex"], groups=[name, "sex"], names=f'{name}: u=one, v="two, or; more"; sex: u=female')
    assert list(own.cases[name].cat.categories) == ["one", "two, or; more"]
    assert list(own.cases["sex"].cat.categories) == ["female", "v"]


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        ("sex: u=5 \", v=7 \"", ["5 \"", "7 \""]),  # inches
        ("sex: u=a=b, v=c", ["a=b", "c"]),
        ("sex: 'u'='one', v=two;", ["one", "two"]),
        ("sex: u = White, v = \"Black, African\"", ["White", "Black, African"]),
    ],
)  # fmt: skip
def test_names_of_codes_with_marks(names, groups, tmp_path):
    assert list(load(tmp_path, ["sex"], groups="sex", names=names).cases["sex"].cat.categories) == groups


@pytest.mark.parametrize("names", ["sex", "sex: u", "sex: u=", "sex: =one", "sex: u=one,", "sex; u=one", "sex: u=a, b"])
def test_names_that_are_not_understood(names, tmp_path):
    with pytest.raises(InputError, match=r"NAMES: 'sex.*' is not understood"):
        load(tmp_path, ["sex"], groups="sex", names=names)


UNSEEN = ["\u200b", "\ufeff", "\u2060", "\u00ad", "\u200e", "\u200f"]


@pytest.mark.parametrize("mark", UNSEEN)
def test_characters_that_nobody_sees_are_no_part_of_a_name(mark, tmp_path):
    rows = [f"0.{k},{'F' if k % 2 else f'F{mark}'}" if k % 3 else f"0.{k}{mark},M" for k in range(10, 70)]
    (tmp_path / "mine.csv").write_text(f"di{mark}ce,{mark}sex{mark}\n" + "\n".join([*rows, f"{mark},{mark}"]) + "\n")
    own = datasets.load_own_scores(tmp_path / "mine.csv", groups="sex")
    assert own.cases["sex"].value_counts().to_dict() == {"F": 40, "M": 20} and own.notes == [] and own.dropped.empty
    asked = {"score": f"di{mark}ce", "groups": f"s{mark}ex", "names": f"sex: F{mark}=women"}
    own = datasets.load_own_scores(tmp_path / "mine.csv", **asked)
    assert own.score == "dice" and list(own.cases["sex"].cat.categories) == ["women", "M"]
    (tmp_path / "mine.csv").write_text(f"dice,sex,se{mark}x\n0.1,F,F\n")
    with pytest.raises(InputError, match="two columns are called 'sex'"):
        datasets.load_own_scores(tmp_path / "mine.csv", groups="sex")


def test_letters_are_joined_as_their_script_asks(tmp_path):
    """A non-joiner within a Persian word is a part of its spelling."""
    (tmp_path / "mine.csv").write_text("dice,sex\n" + "0.1,می\u200cخواهم\n0.2,x\n" * 20)
    assert "می\u200cخواهم" in list(datasets.load_own_scores(tmp_path / "mine.csv", groups="sex").cases["sex"])


# Summary rows, and labels that differ by a sign

SUMMARIES = ["Mean (95% CI)", "median [IQR]", "Std. Dev.", "St.Dev", "avg.", "Max.", "Sum", "Subtotal u", "GRAND TOTAL",
             "Mean of u", "mean, u", "# mean", "* mean *", "Mean=", "mean dice", "Dice mean", "Average of all cases",
             "25% quantile", "95quantile", "5th percentile", "percentile 25", "Mean HER2+", "Range",
             "Standard deviation", "total (n=120)", "Std. deviation", "StdErr", "95% CI", "CI 95%", "u mean", "Mean u",
             "Foreground mean", "Mittelwert", "Gesamt", "Moyenne", "Écart-type", "all", "All cases",
             "fold mean", "Mean female", "Var.", "mode", "fold mean ± sd", "5-fold mean", "SD (folds)", "mean, fold 3",
             "Men average", "Test set median", "cross-validation mean", "VAR", "Mode dice"]  # fmt: skip
CASES = ["Max 1", "Max (2)", "Max_3", "Total-4", "sum5", "10%", "min 1 mean", "SE", "CI", "N", "P25", "Q25",
         "Maximilian", "range 3", "50 of all", "Meaning", "median nerve", "Summer", "Mean street", "fold 3", "female",
         "model", "Var 1", "variant", "Modena", "test", "sd card"]  # fmt: skip


def with_row(folder, name):
    rows = {"id": [*map(str, range(80)), name], "dice": np.linspace(0, 1, 81), "sex": [*["u", "HER2+"] * 40, None]}
    pd.DataFrame(rows).to_csv(folder / "mine.csv", index=False)
    return datasets.load_own_scores(folder / "mine.csv", groups="sex", case="id")


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_summary_is_no_case_however_it_is_written(name, tmp_path):
    own = with_row(tmp_path, name)
    assert len(own.cases) == 80 and own.dropped["reason"].tolist() == ["summary row, not a case"]


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_no_summary(name, tmp_path):
    assert len(with_row(tmp_path, name).cases) == 81


# Names with a word of a statistic, and whether the report notes that they are kept.
DOUBTFUL_ALONE = [("Mean street", True), ("N", True), ("P25", True), ("median nerve", True), ("model", False)]


@pytest.mark.parametrize(("name", "noted"), DOUBTFUL_ALONE)
def test_a_row_that_may_be_a_summary_is_never_kept_or_lost_in_silence(name, noted, tmp_path):
    note = "id: fewer than 10 rows are named like a summary, and no other is one: they count as cases"
    assert [n for n in with_row(tmp_path, name).notes if "summary" in n] == [note] * noted
    rows = {"id": [*map(str, range(80)), name, "Mean"], "dice": np.linspace(0, 1, 82), "sex": ["u", "v"] * 41}
    pd.DataFrame(rows).to_csv(tmp_path / "mine.csv", index=False)
    own = datasets.load_own_scores(tmp_path / "mine.csv", groups="sex", case="id")
    assert own.dropped["n"].tolist() == [1 + noted] and not [n for n in own.notes if "summary" in n]


@pytest.mark.parametrize("form", ["P{}", "N {}", "Mean {}", "{}th"])
def test_cases_of_one_doubtful_form_are_cases_next_to_a_mean(form, tmp_path):
    """Identifiers such as P10 to P89 have the form of percentiles; no table has ten of these."""
    texts = [f"{a}{b}" for a in "abcdefgh" for b in "mnopqrstuw"] if form == "Mean {}" else range(10, 90)
    rows = {"id": [*map(form.format, texts), "Mean"], "dice": np.linspace(0, 1, 81), "sex": [*["u", "v"] * 40, None]}
    pd.DataFrame(rows).to_csv(tmp_path / "mine.csv", index=False)
    own = datasets.load_own_scores(tmp_path / "mine.csv", groups="sex", case="id")
    assert len(own.cases) == 80 and own.dropped["n"].tolist() == [1]


DOUBTFUL = ["SE", "n", "CI", "5%", "p25", "N = 80", "Q75", "95th", "upper CI"]


@pytest.mark.parametrize("role", ["case", "patient"])
@pytest.mark.parametrize(
    ("cases", "left_out"),
    [
        ([f"case {k}" for k in range(80)], len(DOUBTFUL)),
        (list(map(str, range(80))), len(DOUBTFUL)),
        ([f"{a}{b}" for a in "abcdefgh" for b in "mnopqrstuv"], len(DOUBTFUL) - 3),  # initials, such as SE, CI and N
        ([f"P{k}" for k in range(100, 180)], len(DOUBTFUL) - 2),  # P25 and Q75
    ],
)
def test_short_statistics_are_summaries_next_to_a_mean_unless_cases_look_alike(cases, left_out, role, tmp_path):
    rows = {"id": [*cases, "Mean", *DOUBTFUL], "dice": np.linspace(0, 1, 81 + len(DOUBTFUL))}
    pd.DataFrame(rows | {"sex": ["u", "v"] * 45}).to_csv(tmp_path / "mine.csv", index=False)
    own = datasets.load_own_scores(tmp_path / "mine.csv", groups="sex", **{role: "id"})
    assert own.dropped.set_index("reason")["n"].to_dict() == {"summary row, not a case": 1 + left_out}


@pytest.mark.parametrize(
    ("spelt", "patients", "notes"),
    [
        (["{0}", "{0}.0"], 40, ["numbers in two spellings, as 1 and 1.0, are one id each (40)"]),
        (["{0}", "00{0}"], 80, ["leading zeros, and count as different (40)"]),
        (["P{0}", "p {0}"], 80, ["leading zeros, and count as different (40)"]),
        (["1_{0}", "2_{0}"], 80, []),
        (["{0}", "{0}.5"], 80, []),
    ],
)
def test_spellings_of_one_patient(spelt, patients, notes, tmp_path):
    ids = [form.format(k) for k in range(10, 50) for form in spelt]
    pd.DataFrame({"id": ids, "dice": np.linspace(0, 1, 80), "sex": np.repeat(["u", "v"], 40)}).to_csv(
        tmp_path / "a.csv"
    )
    own = datasets.load_own_scores(tmp_path / "a.csv", groups="sex", patient="id")
    assert len(own.cases) == patients
    found = [note for note in own.notes if note.startswith("id:")]
    assert len(found) == len(notes) and all(part in note for part, note in zip(notes, found, strict=True))
    if patients == 40:
        with pytest.raises(InputError, match=r"row 3, column id: this case is also in row 2; 40 rows repeat"):
            datasets.load_own_scores(tmp_path / "a.csv", groups="sex", case="id")
        return
    own = datasets.load_own_scores(tmp_path / "a.csv", groups="sex", case="id")
    assert len(own.cases) == 80 and own.notes == found


@pytest.mark.parametrize(("blank", "count"), [(0, ""), (3, "(fewer than 10)"), (12, "(12)")])
def test_cases_without_a_name_are_noted(blank, count, tmp_path):
    rows = {
        "id": [*map(str, range(80 - blank)), *[None] * blank],
        "dice": np.linspace(0, 1, 80),
        "sex": ["u", "v"] * 40,
    }
    pd.DataFrame(rows).to_csv(tmp_path / "mine.csv", index=False)
    own = datasets.load_own_scores(tmp_path / "mine.csv", groups="sex", case="id")
    assert own.notes == [f"id: rows without an identifier count as cases {count}"] * (blank > 0)


@pytest.mark.parametrize(
    ("labels", "noted"),
    [
        (["ER+", "ER-"], False),
        (["ER+/PR-", "ER-/PR+"], False),
        (["Triple +", "Triple -"], False),
        (["+ve", "-ve"], False),
        (["+", "-"], False),
        (["++", "–"], False),
        (["HER2+", "HER2 +"], True),
        (["Black/African", "Black-African"], True),
        (["M", "m"], True),
    ],
)
def test_a_sign_has_a_meaning_and_a_hyphen_none(labels, noted, tmp_path):
    pd.DataFrame({"dice": np.linspace(0, 1, 80), "sex": labels * 40}).to_csv(tmp_path / "mine.csv", index=False)
    own = datasets.load_own_scores(tmp_path / "mine.csv", groups="sex")
    assert own.cases["sex"].value_counts().to_dict() == dict.fromkeys(labels, 40)
    assert any("differ only by case" in note for note in own.notes) == noted and len(own.notes) == noted


def test_a_dash_without_a_plus_is_not_recorded(tmp_path):
    pd.DataFrame({"dice": np.linspace(0, 1, 90), "sex": ["f", "m", "-"] * 30}).to_csv(tmp_path / "a.csv", index=False)
    assert datasets.load_own_scores(tmp_path / "a.csv", groups="sex").cases["sex"].isna().sum() == 30


@pytest.mark.parametrize("codes", [["1,0", "1", "2"], ["2,50", "2,5", "3"], ["1", "01", "7"]])
def test_equal_codes_are_one_group_also_with_a_decimal_comma(codes, tmp_path):
    pd.DataFrame({"dice": np.linspace(0, 1, 90), "sex": codes * 30}).to_csv(tmp_path / "a.csv", index=False)
    own = datasets.load_own_scores(tmp_path / "a.csv", groups="sex")
    assert sorted(own.cases["sex"].value_counts()) == [30, 60] and "are one group" in own.notes[0]


@pytest.mark.parametrize("cell", ["inf", "-inf", "Infinity", "1e400", "∞", "-∞", "1.#INF", "-1.#INF00"])
def test_an_endless_score_is_refused_with_what_to_write(cell, tmp_path):
    """An empty cell would drop the misses, and flatter the group that has most of them."""
    pd.DataFrame({"dice": [cell, *range(79)], "sex": ["f", "m"] * 40}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InputError, match=r"row 2, column dice: .* has no mean \(1 such cells\). Write the worst value"):
        datasets.load_own_scores(tmp_path / "a.csv", groups="sex")


# Masks: pairs without anything to find, and scores that are not defined

N = 120
MEN, HEALTHY = np.arange(N) < 60, (np.arange(N) < 60) & (np.arange(N) % 2 == 0)


def masks(folder, score, empty=None, **scores):
    """Half of the men are healthy, and found healthy; all others have the scores given, with a diagonal of 50 mm."""
    names = [f"A{k}" for k in range(N)]
    found = {"dice": 0.77, "nsd": 0.97, "hd95": 2.1, "iou": 0.6, "assd": 0.9} | scores
    worst = dict.fromkeys(found, 0.0) | {"hd95": 50.0, "assd": np.nan}
    pairs = pd.DataFrame({"patient_id": names} | {n: np.where(HEALTHY, worst[n], of) for n, of in found.items()})
    pairs["status"] = np.where(HEALTHY, "both empty", "scored")
    pairs.attrs["notes"] = ["foreground values differ"]
    pd.DataFrame({"id": names, "sex": np.where(MEN, "M", "F"), "status": "x"}).to_csv(folder / "a.csv", index=False)
    options = {} if empty is None else {"empty": empty}
    own = datasets.load_own_scores(folder / "a.csv", score=score, groups="sex", case="id", scored=pairs, **options)
    assert own.notes[0] == "foreground values differ"
    means = own.cases.groupby("sex", observed=True)[score].mean()
    return own, means["M"], means["F"]


# Means of men, of whom half have a pair of empty masks. Perfect: BraTS; failed: the worst value of each score.
EMPTY = [
    ("dice", None, 0.77),
    ("dice", "leave out", 0.77),
    ("dice", "1", (1 + 0.77) / 2),
    ("dice", "0", 0.77 / 2),
    ("nsd", "1", (1 + 0.97) / 2),
    ("nsd", "0", 0.97 / 2),
    ("iou", "1", (1 + 0.6) / 2),
    ("iou", "0", 0.6 / 2),
    ("hd95", "leave out", 2.1),
    ("hd95", "1", 2.1 / 2),
    ("hd95", "0", (50 + 2.1) / 2),
    ("assd", "1", 0.9 / 2),
    ("assd", "0", (50 + 0.9) / 2),
]


@pytest.mark.parametrize(("score", "empty", "men"), EMPTY)
def test_a_pair_of_empty_masks_counts_as_asked(score, empty, men, tmp_path):
    own, mean, women = masks(tmp_path, score, empty)
    assert (
        mean == pytest.approx(men) and women == {"dice": 0.77, "nsd": 0.97, "iou": 0.6, "hd95": 2.1, "assd": 0.9}[score]
    )
    left_out = empty in (None, "leave out")
    reason = "both masks are empty, so there is nothing to score: M"
    assert own.dropped.to_dict("records") == ([{"table": "masks", "reason": reason, "n": 30}] if left_out else [])
    said = "pairs of two empty masks are left out" if left_out else "30 pairs of two empty masks count as"
    assert own.notes[1].startswith(said) and (f"{score} " in own.notes[1]) != left_out


def test_a_score_that_is_not_defined_is_left_out_and_counted_by_group(tmp_path):
    """Without a lesion in the expert mask no share of lesions is found: of the women, a third."""
    of = np.where(~MEN & (np.arange(N) % 3 == 0), np.nan, 0.5)
    own, men, women = masks(tmp_path, "lesion_sensitivity", lesion_sensitivity=of)
    assert men == women == 0.5 and len(own.cases) == 70
    assert own.dropped.set_index("reason")["n"].to_dict() == {
        "both masks are empty, so there is nothing to score: M": 30,
        "lesion_sensitivity is not defined for this pair: F": 20,
    }
    with pytest.raises(InputError, match="lesion_sensitivity is not defined for any pair"):
        masks(tmp_path, "lesion_sensitivity", lesion_sensitivity=np.full(N, np.nan))


def test_few_pairs_without_a_score_are_counted_without_their_group(tmp_path):
    """Four men: a note of 120 pairs less n would give their number."""
    of = np.where(np.arange(N) < 4, np.nan, 0.5)
    pairs = pd.DataFrame({"patient_id": [f"A{k}" for k in range(N)], "nsd": of, "hd95": 2.1, "dice": 0.7})
    pairs.attrs["notes"] = ["header names no unit (120 cases)", "turned (3 cases)"]
    pd.DataFrame({"id": pairs["patient_id"], "sex": np.where(MEN, "M", "F")}).to_csv(tmp_path / "a.csv", index=False)
    own = datasets.load_own_scores(tmp_path / "a.csv", score="nsd", groups="sex", case="id", scored=pairs)
    assert own.dropped["reason"].tolist() == ["nsd is not defined for this pair: groups with fewer than 10 such pairs"]
    assert own.notes[:2] == ["header names no unit (about 120 cases)", "turned (fewer than 10 cases)"]


def test_an_odd_choice_for_empty_masks_is_refused(tmp_path):
    with pytest.raises(InputError, match="EMPTY: must be leave out, 1 or 0, got 'NaN'"):
        masks(tmp_path, "dice", "NaN")


@pytest.mark.parametrize(
    ("score", "better", "value", "options", "worth"),
    [
        ("", "higher", "", {}, "kept, with dice 0 (12 cases)"),
        ("hd95", "lower", "", {}, "kept, with hd95 the diagonal of the image (12 cases)"),
        ("dice", "higher", "2", {"value": "2"}, "kept, with dice 0 (12 cases)"),
        ("assd", "lower", "", {"more": True}, "kept, with assd the diagonal of the image (12 cases)"),
        ("lesion_f1", "higher", "4", {"value": "4", "more": True}, "kept, with lesion_f1 0 (12 cases)"),
        ("lesion_precision", "higher", "", {"more": True}, ""),  # not defined without a predicted lesion
    ],
)
def test_what_is_asked_of_masks(score, better, value, options, worth, monkeypatch):
    """A stand-in for the scoring of folders takes what it is given; 12 of 30 predicted masks are empty."""
    seen, missed = {}, np.arange(30) < 12
    far, undefined = score in ("hd95", "assd"), score == "lesion_precision"
    of = np.where(missed, np.nan if undefined else 90.0 * far, 0.7)
    pairs = pd.DataFrame({score or "dice": of, "status": np.where(missed, "missed", "scored")})
    pairs.attrs["notes"] = ["a header"]
    reasons = [
        f"{kind} empty: kept, with Dice 0 and the image diagonal as HD95" for kind in ("predicted mask", "both masks")
    ]
    nothing = pd.DataFrame({"table": "scores", "reason": [*reasons, "no expert mask of that name"], "n": [12, 3, 4]})
    monkeypatch.setattr(folders, "score_folders", lambda *_, **given: (seen.update(given) or pairs, nothing))
    scored, dropped = own_scores.score_own("e", "p", score=score, better=better, value=value)
    assert seen == options and dropped["n"].tolist() == [4], "kept cases are not among those left out"
    notes = scored.attrs["notes"]
    assert notes[0] == "a header" and [n for n in notes if worth and n.endswith(worth)] == notes[1:2] * bool(worth)
    assert ("IoU of at least 0.5" in notes[-1]) == score.startswith("lesion")


@pytest.mark.parametrize(
    ("folders", "asked", "says"),
    [
        (("", ""), {"value": "2"}, "MASK_VALUE: no folders of masks are named"),
        (("e", "p"), {"value": "each"}, "MASK_VALUE: 'each' gives a case several scores"),
        (("e", "p"), {"score": "assd"}, "BETTER: must be lower for assd"),
        (("e", "p"), {"score": "lesions"}, "SCORE of masks: must be dice, hd95"),
    ],
)
def test_masks_are_refused_before_they_are_scored(folders, asked, says):
    with pytest.raises(InputError, match=says):
        own_scores.score_own(*folders, **{"better": "higher"} | asked)
