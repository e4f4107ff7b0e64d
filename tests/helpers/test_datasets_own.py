"""The reader's own table: whatever spreadsheets write is read or refused in one line, and nothing is guessed."""

import numpy as np
import pandas as pd
import pytest

from helpers import datasets
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
    own = load(tmp_path, groups=" sex , age ", bins="age: 40, 60")
    assert own.groups == ["sex", "age"]
    assert own.cases["age"].value_counts().to_dict() == {"over 40 to 60": 20, "up to 40": 11, "over 60": 9}


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
    ("another separator", text("dice|sex\n0.8|f\n"), {}, "there is no column 'dice'"),
    ("wrong column", frame(), {"score": "Dise"}, "Did you mean dice? The columns are id, dice, sex, age"),
    ("wrong group", frame(), {"groups": "sexe"}, "GROUPS, mine.csv: there is no column 'sexe'. Did you mean sex?"),
    ("wrong source", frame(), {"source": "hospital"}, "SOURCE_COLUMN, mine.csv: there is no column 'hospital'"),
    ("no groups", frame(), {"groups": " , "}, "GROUPS: no column of groups is named"),
    ("named twice", frame(), {"groups": "sex", "source": "sex"}, "column 'sex' is also named by SOURCE_COLUMN"),
    ("not a number", frame(dice=["good"] * 40), {}, "row 2, column dice: holds 'good', expected a number (and 39 more"),
    ("infinite", frame(dice=[np.inf] * 40), {}, "holds 'inf', expected a number"),
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


def test_a_group_called_none_is_a_group_and_is_said_and_no_number(tmp_path):
    frame = table(sex=["None", "NA", "f", None] * 10, dice=["NA", *np.linspace(0.5, 0.9, 39).round(3)])
    own = load(tmp_path, frame)
    assert own.cases["sex"].value_counts().to_dict() == {"None": 9, "NA": 10, "f": 10}
    assert own.cases["sex"].isna().sum() == 10 and own.dropped["n"].tolist() == [1]
    assert "sex: 'None' is a group of 10 case(s)" in " | ".join(own.notes)
    ages = load(tmp_path, table(age=["NA", *range(39)]), groups="sex, age", bins="age: 20")
    assert ages.cases["age"].isna().sum() == 1
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
