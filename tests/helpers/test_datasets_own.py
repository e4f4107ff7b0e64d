"""The reader's own table: whatever spreadsheets write is read or refused in one line, and nothing is guessed."""

import unicodedata

import numpy as np
import pandas as pd
import pytest

from helpers import datasets, report, stats
from helpers.datasets.shared.tables import read_table
from helpers.errors import InputError
from helpers.studies import own_scores

SIMPLE = {"score": "dice", "groups": "sex"}


def table(n=40, **columns):
    rows = {"id": [f"case-{k}" for k in range(n)], "dice": np.linspace(0.5, 0.95, n).round(3)}
    return pd.DataFrame({**rows, "sex": ["f", "m"] * (n // 2), "age": np.arange(n) + 30, **columns})


def load(folder, frame=None, text=None, **asked):
    file = folder / "mine.csv"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    else:
        (table() if frame is None else frame).to_csv(file, index=False)
    return datasets.load_own_scores(file, **{**SIMPLE, **asked})


# What is read


def test_a_plain_table(tmp_path):
    own = load(tmp_path, case="id")
    assert list(own.cases.columns) == ["dice", "sex"] and len(own.cases) == 40
    assert own.groups == ["sex"] and own.notes == [] and own.dropped.empty
    assert "case-0" not in own.cases.to_csv()


WRITTEN = {
    "semicolons and decimal commas": lambda f: f.to_csv(index=False, sep=";", decimal=",").encode(),
    "tabs": lambda f: f.to_csv(index=False, sep="\t").encode(),
    "a byte-order mark": lambda f: f.to_csv(index=False).encode("utf-8-sig"),
    "UTF-16": lambda f: f.to_csv(index=False, sep="\t").encode("utf-16"),
    "Windows-1252": lambda f: f.replace("f", "féminin").to_csv(index=False).encode("cp1252"),
    "quoted decimal commas": lambda f: (
        f.astype({"dice": str}).assign(dice=lambda t: t["dice"].str.replace(".", ",")).to_csv(index=False).encode()
    ),
    "line ends of Windows and blanks": lambda f: (
        f.to_csv(index=False).replace(",", " , ").replace("\n", "\r\n").encode()
    ),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_spreadsheets_write_is_read(name, tmp_path):
    own = load(tmp_path, text=WRITTEN[name](table()))
    assert own.cases["dice"].to_numpy() == pytest.approx(table()["dice"].to_numpy())
    first = "féminin" if name == "Windows-1252" else "f"
    assert list(own.cases["sex"]) == [first, "m"] * 20
    assert ("Windows-1252" in " ".join(own.notes)) == (name == "Windows-1252")
    assert ("decimal commas" in " ".join(own.notes)) == ("decimal commas" in name)


def test_numbers_are_cut_at_edges_and_the_edge_is_in_the_lower_group(tmp_path):
    own = load(tmp_path, groups=" sex , age ", bins="age: 40, 58")
    assert own.groups == ["sex", "age"]
    assert own.cases["age"].value_counts().to_dict() == {"over 40 to 58": 18, "up to 40": 11, "over 58": 11}


def test_missing_groups_stay_missing_and_missing_scores_are_counted(tmp_path):
    frame = table()
    frame.loc[:4, "sex"], frame.loc[5:7, "dice"] = None, np.nan
    own = load(tmp_path, frame)
    assert own.cases["sex"].isna().sum() == 5 and len(own.cases) == 37
    assert own.dropped.to_dict("records") == [{"table": "mine.csv", "reason": "no dice", "n": 3}]


def test_what_looks_odd_is_said(tmp_path):
    frame = table(sex=["Female", "female", "m", "m"] * 10, dice=[1.5, *np.linspace(0.5, 0.9, 39)])
    frame.loc[len(frame)] = ["case-x", np.nan, "lost", 50]
    said = " | ".join(load(tmp_path, frame, span="0, 1").notes)
    assert "'Female' and 'female' differ only by case" in said
    assert "1 value(s) outside 0 to 1" in said and "no case of 'lost' has a score" in said
    assert "outside" not in " ".join(load(tmp_path, frame).notes)


def test_blanks_at_the_ends_and_two_ways_to_write_an_accent_are_one_group(tmp_path):
    own = load(tmp_path, table(sex=[" é", "e\u0301 ", "m", "m"] * 10))
    assert list(own.cases["sex"].cat.categories) == ["m", "é"]


@pytest.mark.parametrize("name", ["x" * 200, "عربي", "中文", "<script>alert(1)</script>", "a\"b'c", "$x$", "-1+1"])
def test_any_name_is_a_name(name, tmp_path):
    own = load(tmp_path, table(sex=[name, "m"] * 20))
    assert name in list(own.cases["sex"].cat.categories)


# What is refused, in one line


def text(content):
    return lambda folder, **asked: load(folder, text=content, **asked)


def frame(**columns):
    return lambda folder, **asked: load(folder, table(**columns), **asked)


BAD = [
    ("missing file", lambda f, **a: datasets.load_own_scores(f / "no.csv", **SIMPLE), {}, "there is no such file"),
    ("no table named", lambda f, **a: datasets.load_own_scores("", **SIMPLE), {}, "SCORES: no table is named"),
    ("a folder", lambda f, **a: datasets.load_own_scores(f, **SIMPLE), {}, "is a folder, not a file"),
    ("empty file", text(""), {}, "the file is empty"),
    ("header only", text("dice,sex\n"), {}, "a header and no rows"),
    ("blank rows only", text("dice,sex\n,\n,\n"), {}, "a header and no rows"),
    ("spreadsheet", text(b"PK\x03\x04abc"), {}, "it is a spreadsheet, but is not named .xlsx"),
    ("not text", text(b"a,b\n\0\0,1\n"), {}, "not a text file"),
    ("two columns of a name", text("dice,sex,dice\n1,f,2\n"), {}, "two columns are called 'dice'"),
    ("bare decimal commas", text("dice,sex\n" + "0,8,f\n0,7,m\n" * 20), {}, "more fields than the header"),
    ("another separator", text("dice~sex\n0.8~f\n"), {}, "there is no column 'dice'"),
    ("wrong column", frame(), {"score": "Dise"}, "Did you mean dice? The columns are id, dice, sex, age"),
    ("wrong group", frame(), {"groups": "sexe"}, "GROUPS, mine.csv: there is no column 'sexe'. Did you mean sex?"),
    ("wrong source", frame(), {"source": "hospital"}, "SOURCE_COLUMN, mine.csv: there is no column 'hospital'"),
    ("no groups", frame(), {"groups": " , "}, "GROUPS: no column of groups is named"),
    ("named twice", frame(), {"groups": "sex", "source": "sex"}, "column 'sex' is also named by SOURCE_COLUMN"),
    ("not a number", frame(dice=["good"] * 40), {}, "row 2, column dice: holds 'good', expected a number (and 39 more"),
    ("infinite", frame(dice=[np.inf] * 40), {}, "holds 'inf', which has no mean (40 such cells)"),
    ("no score at all", frame(dice=[np.nan] * 40), {}, "no case has a score"),
    ("one case", frame(dice=[0.5] + [np.nan] * 39), {}, "one case has a score"),
    ("one group", frame(sex=["f"] * 40), {}, "column sex: all cases are 'f'"),
    ("nothing recorded", frame(sex=[None] * 40), {}, "it is empty for all cases with a score"),
    ("small groups", frame(sex=["f"] * 35 + ["m"] * 5), {}, "fewer than two of its 2 groups have 10 cases"),
    ("repeated case", frame(id=["a"] * 40), {"case": "id"}, "row 3, column id: this case is also in row 2; 39 rows"),
    ("numbers uncut", frame(), {"groups": "age"}, '40 different numbers. Cut it by edges, as BINS="age: 40, 60"'),
    ("free text", frame(sex=[f"t{k}" for k in range(40)]), {}, "40 different values. Name a column of groups"),
    ("odd edges", frame(), {"groups": "age", "bins": "age: 60, 40"}, "BINS: 'age: 60, 40' is not understood"),
    ("edges of another", frame(), {"bins": "age: 40"}, "BINS: must be sex, got 'age'"),
    ("edges of texts", frame(), {"bins": "sex: 1"}, "column sex: holds 'f', expected a number"),
    ("odd span", frame(), {"span": "1, 0"}, "SPAN: '1, 0' is not understood"),
]


@pytest.mark.parametrize(("name", "act", "asked", "says"), BAD, ids=[case[0] for case in BAD])
def test_bad_input_ends_in_one_line(name, act, asked, says, tmp_path):
    with pytest.raises(InputError) as error:
        act(tmp_path, **asked)
    assert says in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert "case-" not in str(error.value)


# Scores from masks


def scored(names=("A1", "A2")):
    return pd.DataFrame({"patient_id": names, "dice": np.linspace(0.6, 0.9, len(names)), "hd95": 1.0, "nsd": 1.0})


def test_masks_find_their_rows_by_name_and_what_has_no_partner_is_counted(tmp_path):
    names = [f"A{k}" for k in range(40)]
    rows = table(id=[f"{name.lower()}.nii.gz" for name in names])
    own = load(tmp_path, rows, case="id", scored=scored([*names[2:], "B1"]))
    assert len(own.cases) == 38 and own.cases["dice"].iloc[0] == pytest.approx(0.6)
    assert dict(zip(own.dropped["reason"], own.dropped["n"], strict=True)) == {
        "no pair of masks of that name": 2,
        "no row of that name in the table": 1,
    }


def test_pairs_without_anything_to_find_are_left_out_and_counted_by_group(tmp_path):
    """Half of the men are healthy and found healthy: with a Dice of 0 for them, the model seemed worse for men."""
    names = [f"A{k}" for k in range(120)]
    men = np.arange(120) < 60
    healthy = men & (np.arange(120) % 2 == 0)
    pairs = pd.DataFrame({"patient_id": names, "dice": np.where(healthy, 0, 0.77), "hd95": 2.1, "nsd": 0.97})
    pairs["status"] = np.where(healthy, "both empty", "scored")
    rows = pd.DataFrame({"id": names, "sex": np.where(men, "M", "F")})
    own = load(tmp_path, rows, case="id", scored=pairs)
    assert own.cases.groupby("sex", observed=True)["dice"].mean().tolist() == [0.77, 0.77]
    assert own.dropped.to_dict("records") == [
        {"table": "masks", "reason": "both masks are empty, so there is nothing to score: M", "n": 30}
    ]
    with pytest.raises(InputError, match="both masks of every pair are empty"):
        load(tmp_path, rows, case="id", scored=pairs.assign(status="both empty"))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_file_names_are_compared_in_one_spelling(form, tmp_path):
    names = [f"Schädel  {k:02d}" for k in range(40)]
    files = [unicodedata.normalize(form, name).upper() for name in names]
    own = load(tmp_path, table(id=names), case="id", scored=scored(files))
    assert len(own.cases) == 40 and not len(own.dropped)
    with pytest.raises(InputError, match="such as '001'; this column has '1'"):
        load(tmp_path, table(id=range(1, 41)), case="id", scored=scored(["001", "002"]))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"case": "id"}, "no name matches a scored pair of masks (40 names, 2 pairs)"),
        ({}, "CASE: no column is named"),
        ({"case": "id", "score": "volume"}, "SCORE of masks: must be"),
    ],
)
def test_masks_that_match_no_row(asked, says, tmp_path):
    with pytest.raises(InputError, match=r"SCORE|CASE") as error:
        load(tmp_path, scored=scored(), **asked)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("a", "", "dice", "higher"), "PREDICTED: only the other folder is named"),
        (("", "b", "dice", "higher"), "EXPERT: only the other folder is named"),
        (("a", "b", "hd95", "higher"), "BETTER: must be lower for hd95, got 'higher'. Set BETTER=lower"),
        (("a", "b", "dice", "lower"), "Set BETTER=higher"),
        (("a", "b", "dice", "higher"), "there is no such folder"),
    ],
)
def test_folders_of_masks_are_checked_before_they_are_scored(words, says, tmp_path):
    expert, predicted, score, better = words
    with pytest.raises(InputError) as error:
        own_scores.score_own(expert, predicted, score=score, better=better, root=tmp_path)
    assert says in str(error.value)


def test_a_small_count_of_cases_left_out_is_suppressed(tmp_path):
    """Joined with the table of masks, of which there are none, counts must stay numbers."""
    _, unmatched = own_scores.score_own("", "", better="higher")
    own = load(tmp_path, table(dice=[np.nan] * 4 + [0.5] * 36))
    joined = pd.concat([unmatched, own.dropped], ignore_index=True)
    assert report.show(joined.set_index("table"))["n"].tolist() == ["<10"]


def test_no_folder_is_no_score():
    frame, dropped = own_scores.score_own("", "", score="dice", better="higher")
    assert frame is None and dropped.empty


# The simulated table


def test_the_simulated_table_takes_the_same_path_and_has_what_was_planted(tmp_path):
    file = datasets.simulate_own_scores(3000, seed=1, folder=tmp_path)
    own = datasets.load_own_scores(file, **datasets.OWN_COLUMNS)
    assert own.groups == ["sex", "age"] and own.second == "dice_silver" and own.source == "hospital"
    means = own.cases.groupby("age", observed=True)[["dice", "dice_silver"]].mean()
    gap = means.loc["over 60"] - means.loc["up to 40"]
    assert gap["dice"] == pytest.approx(datasets.OWN_PLANTED["age"], abs=0.015)
    assert gap["dice_silver"] - gap["dice"] == pytest.approx(datasets.OWN_PLANTED["silver"], abs=0.012)
    assert datasets.simulate_own_scores(3000, seed=1, folder=tmp_path) == file
    with pytest.raises(InputError):
        datasets.simulate_own_scores(20, folder=tmp_path)


def test_the_separator_of_the_header_counts(tmp_path):
    (tmp_path / "a.csv").write_text("a;b\n1,5;x, y, z\n")
    frame, _ = read_table(tmp_path / "a.csv", "SCORES")
    assert frame.to_dict("records") == [{"a": "1,5", "b": "x, y, z"}]


def test_a_group_called_none_is_not_recorded_unless_it_is_kept(tmp_path):
    frame = table(sex=["None", "NA", "f", "m"] * 10, dice=["NA", *np.linspace(0.5, 0.9, 39).round(3)])
    own = load(tmp_path, frame)
    assert own.cases["sex"].value_counts().to_dict() == {"f": 10, "m": 10}
    assert own.cases["sex"].isna().sum() == 19 and own.dropped["n"].tolist() == [1]
    said = "sex: 'NA', 'None' in about 20 rows count as not recorded; NAMES=\"sex: NA=NA\" makes it a group"
    assert said in own.notes
    kept = load(tmp_path, frame, names="sex: None=None")
    assert kept.cases["sex"].value_counts().to_dict() == {"None": 9, "f": 10, "m": 10}
    ages = load(tmp_path, table(age=["NA", *range(39)]), groups="sex, age", bins="age: 20")
    assert ages.cases["age"].isna().sum() == 1 and not any("NAMES" in note for note in ages.notes)
    with pytest.raises(InputError, match="different numbers"):
        load(tmp_path, table(age=["NA", *range(39)]), groups="age")


@pytest.mark.parametrize("root", ["mine", ""])
def test_a_relative_folder_is_joined_once(root, tmp_path, monkeypatch):
    from helpers.book import own_audit

    monkeypatch.chdir(tmp_path)
    words, _ = own_audit.settled([*([f"DATA_ROOT={root}"] if root else []), "SCORES=a.csv", "SCORE=dice"])
    asked = dict(word.split("=") for word in words)
    assert asked["SCORES"] == str(tmp_path / root / "a.csv") and asked["SCORE"] == "dice"
    assert asked.get("DATA_ROOT", "") == (str(tmp_path / root) if root else "")


# Codes with names, groups in an order, patients with several rows


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (["10", "2", "1"], ["1", "2", "10"]),
        (["III", "I", "V"], ["I", "III", "V"]),
        (["60+", "<40", "40-60"], ["<40", "40-60", "60+"]),
        (["over 60", "up to 40", "41 to 60"], ["up to 40", "41 to 60", "over 60"]),
        (["1", "2"], None),
        (["b", "a", "c"], None),
        (["40", "40-50", "50"], None),
    ],
)
def test_steps_of_a_scale_have_an_order(labels, order, tmp_path):
    sex = (labels * 40)[:40]
    groups = load(tmp_path, table(sex=sex)).cases["sex"].cat
    assert groups.ordered == bool(order)
    if order:
        assert list(groups.categories) == order


def test_codes_get_names(tmp_path):
    frame = table(sex=["1", "2.0", "9", "2"] * 10)
    own = load(tmp_path, frame, names="sex: 1=female, 2 = male, 3=other")
    assert own.cases["sex"].value_counts().to_dict() == {"male": 20, "female": 10, "9": 10}
    assert list(own.cases["sex"].cat.categories) == ["female", "male", "9"] and not own.cases["sex"].cat.ordered
    said = " | ".join(own.notes)
    assert "the code '9' has no name" in said and "no row has the code '3'" in said


def test_a_patient_is_one_case(tmp_path):
    frame = table(id=np.repeat([f"case-{k}" for k in range(20)], 2), sex=np.repeat(["f", "m"], 20))
    frame.loc[1, "sex"] = None  # known from the other row
    own = load(tmp_path, frame, patient="id")
    assert len(own.cases) == 20 and own.cases["sex"].value_counts().to_dict() == {"f": 10, "m": 10}
    assert own.cases["dice"].to_numpy() == pytest.approx(frame["dice"].to_numpy().reshape(20, 2).mean(axis=1))
    assert "n counts patients" in own.notes[-1] and "case-" not in own.cases.to_csv() and own.rows is None


# A classifier

TRUTH, LABEL = ["yes", "no"] * 20, (["1", "0", "0", "0"] * 10)
PROBABILITY = np.where(np.arange(40) % 2, 0.2, 0.7)
ASKED = {"score": "", "classifier": {"truth": "dx", "predicted": "label"}}


def classifier(**more):
    return {"score": "", "classifier": {"truth": "dx", "probability": "p"} | more}


def test_predictions_are_right_or_wrong(tmp_path):
    own = load(tmp_path, table(dx=TRUTH, label=LABEL), **ASKED)
    assert own.score == "correct predictions" and own.binary and own.cases[own.score].mean() == 0.75
    assert own.rows.to_numpy().tolist() == [[1, 1], [0, 0], [1, 0], [0, 0]] * 10
    assert own.patient.tolist() == list(range(40))
    assert own.notes == ["a case is positive where dx is 'yes', negative where it is 'no'",
                         "predictions are those of label; no threshold was applied"]  # fmt: skip


def test_true_and_false_are_1_and_0(tmp_path):
    """As pandas writes a column of bool; also next to a truth of other words."""
    wrong = table(dice=[True, False] * 20)
    own = load(tmp_path, wrong)
    assert own.binary and own.cases["dice"].tolist() == [1, 0] * 20
    for truth in (TRUTH, [True, False] * 20):
        own = load(tmp_path, table(dx=truth, label=np.array(LABEL) == "1"), **ASKED)
        assert own.rows.to_numpy().tolist() == [[1, 1], [0, 0], [1, 0], [0, 0]] * 10


@pytest.mark.parametrize(
    ("truth", "positive", "label", "right"),
    [
        (["1", "2"], "2", ["0", "1"], 1),  # codes 1 and 2, predictions 0 and 1
        (["1", "2"], "2", ["1", "2"], 1),
        (["1", "2"], "1", ["0", "1"], 0),
        (["0", "1"], "0", ["0", "1"], 1),  # turned round in both
        (["False", "True"], "False", ["False", "True"], 1),
        (["well", "ill"], "ill", ["0", "1"], 1),
        (["well", "ill"], "well", ["well", "ill"], 1),
    ],
)
def test_predictions_are_in_the_words_of_the_truth_or_0_and_1(truth, positive, label, right, tmp_path):
    asked = {"score": "", "classifier": ASKED["classifier"] | {"positive": positive}}
    own = load(tmp_path, table(dx=truth * 20, label=label * 20, sex=["f", "f", "m", "m"] * 10), **asked)
    assert own.cases[own.score].mean() == right
    assert own.rows["truth"].tolist() == [float(word == positive) for word in truth] * 20


@pytest.mark.parametrize(
    ("truth", "positive", "notes"),
    [
        (["tumour", "None"], "tumour", []),
        (["found", "nil"], "found", []),
        (["+", "-"], "", []),
        (["+", "–"], "+", []),
        (["pos", "neg"], "", []),
        (["yes", "no", "yes", "no", "none"], "", ["dx: 'none' in fewer than 10 rows count as not recorded"]),
        (["yes", "no", "-", "no"], "", ["dx: '-' in 10 rows count as not recorded"]),
    ],
)
def test_words_of_a_class_and_of_nothing_recorded(truth, positive, notes, tmp_path):
    words = np.resize(truth, 40)
    asked = {"score": "", "classifier": ASKED["classifier"] | {"positive": positive}}
    sex = np.resize(np.repeat(["f", "m"], len(truth)), 40)
    own = load(tmp_path, table(dx=words, label=words, sex=sex), **asked)
    known = [word for word in words if word in truth[:2]]
    assert own.rows["truth"].tolist() == own.rows["predicted"].tolist() == [float(w == truth[0]) for w in known]
    assert own.notes[: len(notes)] == notes and len(own.notes) == len(notes) + 2


def test_probabilities_are_rounded_to_their_range_and_commas_noted(tmp_path):
    """A sigmoid in single precision may exceed 1 by 1.2e-7, its last digit."""
    low, high = ["0,2", "-1e-9", "-0.0000001"], ["0,9", "1.0000000000000002", "1.0000001"]
    p = [text for pair in zip(high[1:] * 10, low[1:] * 10, strict=True) for text in pair]
    own = load(tmp_path, table(dx=TRUTH, p=p), **classifier())
    assert own.rows["probability"].tolist() == [1.0, 0.0] * 20 and len(own.notes) == 2
    own = load(tmp_path, table(dx=TRUTH, p=[high[0], low[0]] * 20), **classifier())
    assert own.rows["probability"].tolist() == [0.9, 0.2] * 20
    assert "p: decimal commas were read as points" in own.notes


def test_the_threshold_that_was_set_is_said(tmp_path):
    own = load(tmp_path, table(dx=TRUTH, p=PROBABILITY), **classifier(threshold=0.7))
    assert (own.rows["predicted"] == own.rows["truth"]).all() and "0.7, the threshold that was set" in own.notes[-1]


def test_the_threshold_is_chosen_on_its_part_and_measured_on_the_rest(tmp_path):
    from sklearn.metrics import roc_curve

    rng = np.random.default_rng(2)
    frame = table(
        400, dx=(rng.random(400) < 0.3) * 1, part=["a", "b", "a", None] * 100, sex=["f", "f", "m", "m", "m"] * 80
    )
    frame["p"] = (0.3 * frame["dx"] + 0.7 * rng.random(400)).round(2)
    own = load(tmp_path, frame, **classifier(split="part", choose_on="a"))
    first = frame[frame["part"] == "a"]
    fpr, tpr, cuts = roc_curve(first["dx"], first["p"], drop_intermediate=False)
    best = cuts[np.isclose(tpr - fpr, (tpr - fpr).max())].min()
    assert f"{best:.3g}, chosen by Youden's index on the part 'a' (200 rows)" in own.notes[-1]
    rest = frame[frame["part"] == "b"]
    assert own.rows["predicted"].tolist() == (rest["p"] >= best).astype(float).tolist()
    assert dict(zip(own.dropped["reason"], own.dropped["n"], strict=True)) == {
        "no part": 100,
        "used to choose the threshold (a)": 200,
    }


def test_rows_of_training_are_not_measured(tmp_path):
    part = ["train"] * 20 + ["val"] * 20 + ["test"] * 40
    frame = table(80, dx=np.resize(TRUTH, 80), p=np.resize(PROBABILITY, 80), sex=["f", "f", "m", "m"] * 20, part=part)
    own = load(tmp_path, frame, **classifier(split="part", choose_on="val"))
    assert len(own.rows) == 40 and own.notes[-1].endswith("measured on other parts: test (40 rows)")
    assert own.dropped.set_index("reason")["n"]["part is train: the model was trained on them"] == 20


@pytest.mark.parametrize(("kind", "right"), [("ruler", 0.5), ("model", 0.75)])
def test_second_labels_and_a_second_model(kind, right, tmp_path):
    """Second labels are compared with the predictions, a second model with the truth."""
    second = ["1", "0", "1", "1"] * 10
    own = load(tmp_path, table(dx=TRUTH, label=LABEL, two=second), **ASKED | {"second": "two"} | {
        "classifier": ASKED["classifier"] | {"second_is": kind}})  # fmt: skip
    assert own.cases["two"].mean() == right


BAD_CLASSES = [
    (
        "three values",
        {"dx": ["a", "b", "c", "a"] * 10},
        {},
        "column dx: 3 different values ('a', 'b', 'c'), expected two",
    ),
    ("one class", {"dx": ["1"] * 40}, {}, "column dx: all cases are '1', expected two classes"),
    ("which word", {"dx": ["ill", "well"] * 20}, {}, "column dx: it has the words 'ill' and 'well'. Name the positive"),
    ("wrong word", {}, {"positive": "maybe"}, "POSITIVE: must be no or yes, got 'maybe'"),
    ("none and two words", {"dx": ["none", "ill", "well", "ill"] * 10}, {}, "it has the words 'ill' and 'well'. Name"),
    ("far above 1", {"p": [1.00001] * 40}, {}, "row 2, column p: holds 1.00001, expected a probability"),
    ("percentages", {"p": [50] * 40}, {}, "row 2, column p: holds 50, expected a probability from 0 to 1"),
    ("words as p", {"p": ["high"] * 40}, {}, "row 2, column p: holds 'high', expected a number"),
    (
        "no class",
        {"dx2": [0.5] * 40},
        {"predicted": "dx2"},
        "row 2, column dx2: holds '0.5', expected 0 or 1 or no or yes",
    ),
    (
        "no such part",
        {},
        {"split": "part", "choose_on": "dev"},
        "CHOOSE_ON, mine.csv, column part: must be a or b, got",
    ),
    ("one class in the part", {}, {"split": "sex", "choose_on": "f"}, "the part 'f' has one class"),
    ("no part named", {}, {"split": "part"}, "CHOOSE_ON: it is empty, and SPLIT is named"),
    ("no split", {}, {"choose_on": "a"}, "SPLIT: it is empty, and CHOOSE_ON is named"),
    (
        "nothing to choose",
        {},
        {"split": "part", "choose_on": "a", "predicted": "dx2"},
        "PREDICTED is named, so there is",
    ),
    ("no prediction", {}, {"probability": ""}, "TRUTH: it is named without PROBABILITY or PREDICTED"),
    ("no truth", {}, {"truth": ""}, "PROBABILITY: it is named without TRUTH"),
    ("another kind", {}, {"second_is": "rule"}, "SECOND_IS: must be ruler or model, got 'rule'. Did you mean ruler?"),
    ("wrong column", {}, {"truth": "DX"}, "TRUTH, mine.csv: there is no column 'DX'. Did you mean dx?"),
]


@pytest.mark.parametrize(("name", "columns", "asked", "says"), BAD_CLASSES, ids=[case[0] for case in BAD_CLASSES])
def test_bad_classes_end_in_one_line(name, columns, asked, says, tmp_path):
    given = {"dx": TRUTH, "p": PROBABILITY, "part": ["a", "b"] * 20, "dx2": TRUTH, "cut": np.arange(40) % 2} | columns
    named = classifier(**asked)
    named["groups"] = "cut" if asked.get("split") == "sex" else "sex"
    with pytest.raises(InputError) as error:
        load(tmp_path, table(**given), **named)
    assert says in str(error.value) and len(str(error.value).splitlines()) == 1


PATIENTS = [
    ("missing", {"id": ["a", None] * 20}, {}, "mine.csv, row 3, column id: no patient is named (and in 19 more rows)"),
    (
        "two groups",
        {"id": ["a", "a"] * 20},
        {},
        "column sex: fewer than two of its 2 groups have 10 patients with a score",
    ),
    ("two parts", {"id": ["a"] * 40}, classifier(split="part", choose_on="a"), "1 patient(s) are in several parts"),
    ("a score too", {}, classifier() | {"score": "dice"}, "SCORE: a score and TRUTH are both named"),
    ("names of another", {}, {"names": "age: 1=a"}, "NAMES: must be sex, got 'age'"),
    ("odd names", {}, {"names": "sex: f"}, "NAMES: 'sex: f' is not understood"),
    ("names of bins", {}, {"groups": "age", "bins": "age: 50", "names": "age: 1=a"}, "NAMES: age is cut by BINS"),
    ("repeats", {"id": ["a"] * 40}, {"patient": "", "case": "id"}, "name the column as PATIENT, not CASE"),
]


@pytest.mark.parametrize(("name", "columns", "asked", "says"), PATIENTS, ids=[case[0] for case in PATIENTS])
def test_bad_patients_and_names_end_in_one_line(name, columns, asked, says, tmp_path):
    given = {"dx": TRUTH, "p": PROBABILITY, "part": ["a", "b"] * 20} | columns
    with pytest.raises(InputError) as error:
        load(tmp_path, table(**given), **{"patient": "id"} | asked)
    assert says in str(error.value) and len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"expert": "a", "predicted": "b"}, "EXPERT: TRUTH is named too, and masks have none"),
        ({"expert": "", "predicted": "label", "better": "lower"}, "BETTER: must be higher with TRUTH, got 'lower'"),
    ],
)
def test_a_truth_takes_no_masks(words, says):
    with pytest.raises(InputError, match=says):
        own_scores.score_own(**{"better": "higher"} | words, truth="dx")
    assert own_scores.score_own("", "label", better="higher", truth="dx")[0] is None


def test_a_column_of_predictions_is_no_path():
    from helpers.book import own_audit

    words, _ = own_audit.settled(["SCORES=a.csv", "TRUTH=dx", "PREDICTED=label"])
    assert "PREDICTED=label" in words
    words, _ = own_audit.settled(["SCORES=a.csv", "EXPERT=x", "PREDICTED=label"])
    assert "PREDICTED=label" not in words


def test_equal_scores_are_no_rate(tmp_path):
    """Of a Dice that is 1 in every case the mean is a mean; of 0 and 1 it is a rate."""
    assert not load(tmp_path, table(dice=[1] * 40)).binary
    assert load(tmp_path, table(dice=[0, 1] * 20)).binary
    assert load(tmp_path, table(dx=TRUTH, p=np.where(np.array(TRUTH) == "yes", 0.9, 0.1)), **classifier()).binary


# Small groups that other groups give away


def two_attributes(n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    sex = np.array((["f"] * 100 + ["m"] * 96 + ["another"] * 4)[:n])
    return pd.DataFrame(
        {"dice": rng.random(n).round(4), "sex": sex, "age": rng.permutation(["old"] * 120 + ["young"] * 80)}
    )


def test_a_complete_attribute_does_not_give_a_small_group_of_another_away(tmp_path):
    frame = two_attributes()
    own = load(tmp_path, frame, groups="sex, age")
    assert own.withheld == {"sex": {"another": 4}} and own.dropped["n"].tolist() == [4]
    assert own.cases["age"].value_counts().sum() == own.cases["sex"].value_counts().sum() == 196
    assert list(own.cases["sex"].cat.categories) == ["f", "m"]
    assert own.cases["dice"].tolist() == frame.loc[frame["sex"] != "another", "dice"].tolist()
    assert any(
        note.startswith("sex: of 'another' there are fewer than 10 cases; they are left out") for note in own.notes
    )
    frame.loc[:5, "sex"] = None  # with six that are not recorded, ten are hidden
    assert not load(tmp_path, frame, groups="sex, age").withheld


def test_a_patient_of_a_small_group_is_left_out_with_all_rows(tmp_path):
    frame = two_attributes().assign(patient=lambda t: t.index)
    frame["truth"], frame["label"] = frame.index % 2, (frame.index // 2) % 2
    twice = pd.concat([frame, frame])
    own = load(
        tmp_path,
        twice,
        groups="sex, age",
        score="",
        patient="patient",
        classifier={"truth": "truth", "predicted": "label"},
    )
    assert len(own.cases) == 196 and len(own.rows) == 392 and own.dropped["n"].tolist() == [4]
    right = (own.rows["truth"] == own.rows["predicted"]).groupby(own.patient).mean()
    assert own.cases[own.score].tolist() == right.tolist()


@pytest.mark.parametrize("seed", range(40))
def test_no_small_group_can_be_computed_from_what_is_shown(seed, tmp_path):
    """As a reader would: the largest sum over the groups of any attribute, less what another shows."""
    rng = np.random.default_rng(seed)
    n, names = int(rng.integers(60, 300)), ["a", "b", "c", "d"]
    frame = pd.DataFrame({"dice": rng.random(n).round(4)})
    for name in names:
        levels = np.array(["x", "y", *[f"z{k}" for k in range(rng.integers(1, 4))]])
        share = np.array([1, 0.8, *rng.uniform(0.005, 0.08, len(levels) - 2)])
        frame[name] = rng.choice(levels, n, p=share / share.sum())
        frame.loc[rng.random(n) < rng.choice([0, 0.01, 0.1]), name] = None
    own = load(tmp_path, frame, groups=names)
    sizes = {name: stats.group_sizes(own.cases[name]) for name in names}
    beside = own_scores.beside_small(sizes)
    for name, of in sizes.items():
        shown = [n for group, n in of["n"].items() if n >= 10 and (name, group) not in beside]
        small = [n for group, n in of["n"].items() if n < 10 and group != stats.NOT_RECORDED]
        assert not small or len(own.cases) - sum(shown) >= 10
    assert len(own.cases) == n - own.dropped["n"].sum()
    for name, groups in own.withheld.items():
        assert not own.cases[name].isin(groups).any() and max(groups.values()) < 10


@pytest.mark.parametrize("seed", range(40))
def test_no_small_group_can_be_computed_from_the_difference_of_two_parts(seed, tmp_path):
    """As a reader would: the audit less the comparison of models, the audit less the cases with a source, and these."""
    rng = np.random.default_rng(seed)
    n, names = int(rng.integers(120, 400)), ["a", "b"]
    frame = pd.DataFrame({"id": [f"p{k}" for k in range(n)], "A": rng.permutation(n) / n, "B": rng.random(n).round(4)})
    for name in names:
        levels = np.array(["x", "y", *[f"z{k}" for k in range(rng.integers(0, 3))]])
        share = np.array([1, 0.8, *rng.uniform(0.02, 0.1, len(levels) - 2)])
        frame[name] = rng.choice(levels, n, p=share / share.sum())
    frame["site"] = rng.choice(["p", "q", "r", None], n, p=[0.5, 0.4 - (gone := rng.choice([0, 0.05, 0.3])), 0.1, gone])
    frame.loc[rng.random(n) < rng.choice([0, 0.05, 0.3]), "B"] = np.nan
    long = frame.melt(["id", "site", *names], ["A", "B"], var_name="model", value_name="dice")
    own = load(tmp_path, long.dropna(subset="dice"), groups=names, case="id", model="model", source="site")
    audited = own.cases
    parts = {"models": audited.index.isin(own.models.index), "site": audited["site"].notna().to_numpy()}
    for part in parts.values():
        for inside in (part, ~part):
            assert not 0 < inside.sum() < 10
            for name in names:
                sizes = audited[name].value_counts()
                counts = audited.loc[inside, name].value_counts()[sizes >= 10]
                assert not ((counts > 0) & (counts < 10)).any(), (name, counts)
                rest = inside.sum() - counts.sum() if ((sizes > 0) & (sizes < 10)).any() else 0
                assert not 0 < rest < 10
    counted = own.dropped.set_index("reason")["n"]
    lacking = "not scored for every model: only the comparison of models leaves these cases out"
    assert counted.get(lacking, 0) == (~parts["models"]).sum()
    assert n - len(audited) == counted.drop([r for r in counted.index if "only the" in r]).sum()
    scores = frame.dropna(subset="B").set_index("A")["B"]
    assert own.models["B"].tolist() == scores[own.models["A"]].tolist()


# What people write in cells, each after a public report


UNRECORDED = ["Unknown", "-", "?", ".", "--", "missing", "not reported", "Not Available", "prefer not to say", "9999",
              "n/a", "None", "UNK", "–", "(blank)", "[missing]", "not_reported", "Not-Reported", "Prefer not to say.",
              "refused", "n.d.", "N/R", "u/k", "#REF!", "Don\u2019t know", "Unknown/Not reported", "99"]  # fmt: skip


@pytest.mark.parametrize("word", UNRECORDED)
def test_a_word_for_not_recorded_is_no_group_of_people(word, tmp_path):
    rng = np.random.default_rng(5)
    sex, x, unknown = np.array(["F", "M"])[rng.integers(0, 2, 300)], rng.normal(0.8, 0.05, 300), rng.random(300) < 0.12
    frame = pd.DataFrame({"dice": np.where(unknown, x - 0.08, x).round(4), "sex": np.where(unknown, word, sex)})
    own, blank = load(tmp_path, frame), load(tmp_path, frame.assign(sex=np.where(unknown, None, sex)))
    pd.testing.assert_frame_equal(own.cases, blank.cases)
    assert any(f"{word!r} in {unknown.sum()} rows count as not recorded" in note for note in own.notes)
    found = stats.over_attributes(own.cases["dice"], groups={"sex": own.cases["sex"]}, n_permutations=500)
    assert round(found.loc["sex", "gap"], 4) == 0.0046 and found.loc["sex", "p"] > 0.3


COMMAS = [
    (["300", "999", "1,200", "12,942"], [300, 999, 1200, 12942], "thousands"),
    (["1,234.5", "2,000.25", "12.5"], [1234.5, 2000.25, 12.5], "thousands"),
    (["1,234,567", "12,942"], [1234567, 12942], "thousands"),
    (["0,812", "0,9", "1,200"], [0.812, 0.9, 1.2], "decimal commas"),
    (["1.234,5", "12,25"], [1234.5, 12.25], "decimal commas"),
    (["12 942", "1 200", "300"], [12942, 1200, 300], "blanks"),
    (["12'942", "300"], [12942, 300], "blanks"),
]
DOUBTS = [
    (["1500", "1,200"], "row 3, column um: holds '1,200', where the comma may cut decimals or separate thousands"),
    (["1,200", "2,345"], "row 2, column um: holds '1,200', where the comma may cut decimals or separate thousands"),
    (["0,5", "1.5"], "row 2, column um: '0,5' has a decimal comma and '1.5' a decimal point"),
    (["1,234.5", "0,25"], "row 3, column um: '1,234.5' has separators of thousands and '0,25' a decimal comma"),
]


@pytest.mark.parametrize(("cells", "right", "note"), COMMAS)
def test_a_comma_has_one_meaning_in_a_column(cells, right, note, tmp_path):
    frame = pd.DataFrame({"um": cells * 24, "sex": (["F"] * len(cells) + ["M"] * len(cells)) * 12})
    own = load(tmp_path, frame, score="um")
    assert own.cases["um"].tolist() == right * 24 and note in " ".join(own.notes)


@pytest.mark.parametrize(("cells", "says"), DOUBTS)
def test_a_comma_in_doubt_is_refused(cells, says, tmp_path):
    frame = pd.DataFrame({"um": cells * 12, "sex": ["F", "F", "M", "M"] * 6})
    with pytest.raises(InputError) as refused:
        load(tmp_path, frame, score="um")
    assert str(refused.value).startswith(f"mine.csv, {says}")


def test_bins_of_numbers_with_thousands(tmp_path):
    grams = [f"{k:,}" for k in range(900, 4500, 90)]
    own = load(tmp_path, table(age=grams), groups="age", bins="age: 2700")
    assert own.cases["age"].value_counts().to_dict() == {"up to 2700": 21, "over 2700": 19}


def test_a_source_is_categories_however_many_and_also_numbers(tmp_path):
    own = load(tmp_path, table(120, site=[k % 15 for k in range(120)]), source="site")
    assert own.cases["site"].nunique() == 15
    many = load(tmp_path, table(120, site=[f"hospital {k % 40}" for k in range(120)]), source="site")
    assert many.cases["site"].nunique() == 40


@pytest.mark.parametrize("spellings", [["1.5", "3", "3.0"], ["1", "01", "2"], ["1", "2.0", "2"]])
def test_equal_numbers_are_one_group(spellings, tmp_path):
    own = load(tmp_path, table(60, sex=spellings * 20))
    assert sorted(own.cases["sex"].value_counts()) == [20, 40]
    assert any("are one group" in note for note in own.notes)


def test_a_summary_row_is_no_case(tmp_path):
    rows = [
        "Mean",
        "SD",
        "StdDev",
        "25quantile",
        "75quantile",
        "Average:",
        "Overall",
        "Mean ± SD",
        "Mean f",
        "median_m",
    ]
    frame = pd.concat([table(), pd.DataFrame({"id": rows, "dice": 0.7, "sex": "f"})], ignore_index=True)
    own = load(tmp_path, frame, case="id")
    assert len(own.cases) == 40
    assert own.dropped.loc[own.dropped["reason"] == "summary row, not a case", "n"].tolist() == [10]
    for ids in ([f"Max {k}" for k in range(40)], [*"NABCDEFGHIJKLMOP", "SE", "CI", *map(str, range(22))]):
        assert len(load(tmp_path, table(id=ids), case="id").cases) == 40


def test_an_endless_distance_is_refused_with_what_to_write(tmp_path):
    frame = table(dice=["inf", *np.linspace(1, 30, 39).round(2)])
    with pytest.raises(InputError, match=r"row 2, column dice: holds 'inf', which has no mean \(1 such cells\)"):
        load(tmp_path, frame)


@pytest.mark.parametrize(
    "codes", [["1234567", "1234568", "2234567"], ["20240101", "20240102", "20240103"], ["123456.1", "123456.2", "0.1"]]
)
def test_long_codes_are_compared_to_the_last_digit(codes, tmp_path):
    own = load(tmp_path, table(60, sex=codes * 20))
    assert own.cases["sex"].value_counts().to_dict() == dict.fromkeys(codes, 20)
    named = load(tmp_path, table(60, sex=codes * 20), names=f"sex: {codes[0]}=North, {codes[1]}=South, {codes[2]}=West")
    assert named.cases["sex"].value_counts().to_dict() == {"North": 20, "South": 20, "West": 20}


@pytest.mark.parametrize("cells", [["3T", "3.0T", "1.5T"], ["3 T", "3.0 T", "1.5 T"], ["1e2", "100", "7"]])
def test_equal_numbers_with_a_unit_are_one_group(cells, tmp_path):
    own = load(tmp_path, table(60, sex=cells * 20))
    assert sorted(own.cases["sex"].value_counts()) == [20, 40] and any("are one group" in note for note in own.notes)


@pytest.mark.parametrize(
    ("cells", "right"),
    [
        (["300", "999", "1,200", "12,942"], [300, 999, 1200, 12942]),
        (["1", "1,414", "1,732", "2", "2,236", "3", "3,162"], [1, 1.414, 1.732, 2, 2.236, 3, 3.162]),
        (["1", "1.414", "1.732", "2", "2.236", "3", "3.162"], [1, 1.414, 1.732, 2, 2.236, 3, 3.162]),
        (["0.812", "0.934", "1"], [0.812, 0.934, 1]),
        (["300", "999", "1.234", "12.942"], "row 4, column um: holds '1.234', where the point may cut"),
        (["1.234.567", "300"], "row 2, column um: holds '1.234.567', where the point may cut"),
        (["30", "40", "1,200"], "row 4, column um: holds '1,200', where the comma may cut"),
    ],
)
def test_the_other_numbers_of_a_column_decide_what_a_sign_with_three_digits_means(cells, right, tmp_path):
    frame = pd.DataFrame({"um": cells * 24, "sex": (["F"] * len(cells) + ["M"] * len(cells)) * 12})
    if isinstance(right, str):
        with pytest.raises(InputError) as refused:
            load(tmp_path, frame, score="um")
        assert str(refused.value).startswith(f"mine.csv, {right}")
    else:
        assert load(tmp_path, frame, score="um").cases["um"].tolist() == right * 24


@pytest.mark.parametrize("code", ["9999", "-9", "-1", "999"])
def test_a_code_for_missing_is_no_score(code, tmp_path):
    frame = table(60, hd95=[code if k % 10 == 0 else 2 + k % 5 * 5 for k in range(60)])
    own = load(tmp_path, frame, score="hd95", span="")
    assert len(own.cases) == 54 and any(f"hd95: {code} in fewer than 10 rows" in note for note in own.notes)
    low, high = sorted([float(code), 0.0])
    assert len(load(tmp_path, frame, score="hd95", span=f"{low:g}, {max(high, 30):g}").cases) == 60


def test_a_number_that_may_be_a_score_is_one(tmp_path):
    for values in ([-9, -3, 4], [99, 40, 12], [-1, 0, 1], [999, 700, 300]):
        assert len(load(tmp_path, table(60, change=values * 20), score="change", span="").cases) == 60


@pytest.mark.parametrize(
    ("cells", "left"),
    [
        (["300", "999", "1,200", "12,942"], {"up to 1000": 20, "over 1000 to 5000": 10, "over 5000": 10}),
        (["30", "70", "-1", "50"], {"up to 1000": 30}),
    ],
)
def test_codes_among_numbers_are_told_by_size(cells, left, tmp_path):
    frame = table(w=cells * 10)
    if len(left) == 1:
        with pytest.raises(InputError, match="all cases are 'up to 1000'"):
            load(tmp_path, frame, groups="w", bins="w: 1000, 5000")
        own = load(tmp_path, frame, groups="w", bins="w: 40")
        assert own.cases["w"].value_counts().to_dict() == {"over 40": 20, "up to 40": 10}
    else:
        own = load(tmp_path, frame, groups="w", bins="w: 1000, 5000")
        assert own.cases["w"].value_counts().to_dict() == left


MORE_WORDS = ["N.A", "<unknown>", "unknown?", "DK/NA", "k. A.", "#N/A N/A", "NaT", "Unknown sex", "9 - unknown"]
MORE_WORDS += ["not available (NA)", "Refused to answer", "decline to state", "to be determined", "todo", "unavailable"]
MORE_WORDS += ["*", "_", "/", "....", "-8", "9", "77"]


@pytest.mark.parametrize("word", MORE_WORDS)
def test_more_words_for_not_recorded(word, tmp_path):
    own = load(tmp_path, table(60, sex=["F", "M", word] * 20))
    assert own.cases["sex"].value_counts().to_dict() == {"F": 20, "M": 20}
    assert any(f"{word!r} in 20 rows count as not recorded" in note for note in own.notes)


def test_signs_and_words_with_a_meaning_are_groups(tmp_path):
    for pair in (["+", "-"], ["ER+", "ER-"], [">40", "<40"], ["no", "yes"], ["Nona", "Nil Ratan"], ["9", "8"]):
        own = load(tmp_path, table(60, sex=pair * 30))
        assert own.cases["sex"].value_counts().to_dict() == dict.fromkeys(pair, 30)
