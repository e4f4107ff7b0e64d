"""Loading a CheXpert folder: simulated, other layouts, and broken downloads."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers import datasets
from helpers.datasets.chexpert import layout
from helpers.errors import InputError

FINDINGS = list(datasets.FINDINGS)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return datasets.simulate_chest_xrays(24, seed=2, size=32, folder=tmp_path_factory.mktemp("simulated"))


@pytest.fixture
def root(made, tmp_path) -> Path:
    """A copy of the simulated folder that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "download"))


def table_file(root: Path) -> Path:
    return root / layout.FOLDERS[0] / layout.TRAIN


def table_of(root: Path) -> pd.DataFrame:
    return pd.read_csv(table_file(root), dtype=str)


def write(root: Path, table: pd.DataFrame) -> None:
    table.to_csv(table_file(root), index=False)


def sheet_of(root: Path) -> pd.DataFrame:
    return pd.read_excel(root / layout.DEMOGRAPHICS, dtype=object)


def counted(dropped: pd.DataFrame, words: str) -> int:
    return int(dropped.loc[dropped["reason"].str.contains(words, regex=False), "n"].sum())


# The cases


def test_loader_gives_what_was_drawn(made):
    cases, dropped = datasets.load_chexpert(made)
    drawn = pd.read_csv(made / datasets.CASES).set_index(layout.PATH)
    assert tuple(cases) == layout.CASE_COLUMNS
    assert set(cases["image"]) == {path for path in drawn.index if "/train/" in path}
    drawn = drawn.loc[cases["image"]].reset_index()
    for name in ("patient_id", "sex", "age", "view"):
        assert (cases[name] == drawn[name]).all(), name
    known = drawn["race"] != "Unknown"
    assert (cases["race"][known] == drawn["race"][known]).all() and cases["race"][~known].isna().all()
    assert counted(dropped, "race unknown") == (~known).sum() > 0
    assert all(Path(file).is_file() for file in cases["file"])
    assert ((cases["age"] <= 62) == (cases["age_group"] == "<=62")).all() and cases["age_group"].nunique() == 2
    assert (cases.groupby("patient_id")["split"].nunique() == 1).all() and cases["split"].nunique() == 3
    valid = pd.read_csv(made / layout.FOLDERS[0] / layout.VALID)
    assert counted(dropped, "another way of labelling") == len(valid)


def test_labels_follow_the_rules(made):
    table = pd.read_csv(table_file(made))
    raw, healthy = table[FINDINGS], table[layout.NO_FINDING] == 1
    assert healthy.any() and (raw == -1).any().any() and raw[healthy].isna().any().any()
    cases, dropped = datasets.load_chexpert(made)
    expected = raw.replace(-1, np.nan)
    expected.loc[healthy] = 0.0
    pd.testing.assert_frame_equal(cases[FINDINGS], expected, check_dtype=False)
    assert counted(dropped, "label missing") == expected.isna().sum().sum()
    assert counted(dropped, "uncertain") == (raw == -1).sum().sum()
    for word, number in (("positive", 1), ("negative", 0)):
        taken, _ = datasets.load_chexpert(made, uncertain=word, no_finding=False)
        pd.testing.assert_frame_equal(taken[FINDINGS], raw.replace(-1, number), check_dtype=False)


def test_no_finding_overrides_and_is_counted(root):
    table = table_of(root)
    row = table.index[table[layout.NO_FINDING].astype(float) == 1][0]
    table.loc[row, "Edema"] = "1.0"
    write(root, table)
    cases, dropped = datasets.load_chexpert(root)
    assert cases.loc[row, "Edema"] == 0 and counted(dropped, "beside No Finding") == 1
    assert datasets.load_chexpert(root, no_finding=False)[0].loc[row, "Edema"] == 1


def test_views_age_and_seed_are_chosen(made):
    everything, _ = datasets.load_chexpert(made)
    frontal, dropped = datasets.load_chexpert(made, views="frontal", age_cut=50)
    assert set(frontal["view"]) == {"frontal"}
    assert counted(dropped, "from the side") == len(everything) - len(frontal) > 0
    assert ((frontal["age"] <= 50) == (frontal["age_group"] == "<=50")).all()
    split = everything.set_index("image")["split"]
    assert (split[frontal["image"]].to_numpy() == frontal["split"]).all()
    other, _ = datasets.load_chexpert(made, seed=1)
    assert (other["split"] != everything["split"]).any()


@pytest.mark.parametrize("place", ["parent", "itself", "full", "sheet inside"])
def test_root_may_be_the_folder_or_its_parent(root, place):
    expected, _ = datasets.load_chexpert(root)
    given = root
    inner = root / layout.FOLDERS[0]
    if place == "itself":
        given = inner
    elif place == "full":
        table = table_of(root)
        table[layout.PATH] = table[layout.PATH].str.replace(layout.FOLDERS[0], layout.FOLDERS[1])
        write(root, table)
        inner.rename(root / layout.FOLDERS[1])
    elif place == "sheet inside":
        (root / layout.DEMOGRAPHICS).rename(inner / "chexpert demo.xlsx")
    cases, _ = datasets.load_chexpert(given)
    columns = [name for name in expected if name not in ("image", "file")]
    pd.testing.assert_frame_equal(cases[columns], expected[columns])


def test_both_ways_to_write_sex(root):
    expected, _ = datasets.load_chexpert(root)
    table = table_of(root)
    table[layout.SEX] = table[layout.SEX].str[0]
    table.loc[0, layout.SEX] = "Unknown"
    write(root, table)
    cases, dropped = datasets.load_chexpert(root)
    assert (cases["sex"][1:] == expected["sex"][1:]).all() and pd.isna(cases.loc[0, "sex"])
    assert counted(dropped, "sex missing") == 1


def test_an_age_of_0_is_missing(root):
    table = table_of(root)
    table.loc[[0, 1], layout.AGE] = ["0", None]
    write(root, table)
    cases, dropped = datasets.load_chexpert(root)
    assert cases.loc[[0, 1], ["age", "age_group"]].isna().all().all() and counted(dropped, "age missing") == 2


def test_no_demographics_are_no_failure(root):
    (root / layout.DEMOGRAPHICS).unlink()
    cases, dropped = datasets.load_chexpert(root)
    assert cases["race"].isna().all() and cases["sex"].notna().all()
    assert counted(dropped, "no such file: race missing") == len(cases)


def test_patients_absent_from_the_demographics_are_counted(root):
    sheet = sheet_of(root)
    sheet[3:].to_excel(root / layout.DEMOGRAPHICS, index=False)
    cases, dropped = datasets.load_chexpert(root)
    gone = cases["patient_id"].isin(sheet["PATIENT"][:3])
    assert cases["race"][gone].isna().all() and counted(dropped, "patient in no row") == 3


def test_a_patient_with_two_rows_of_one_race(root):
    expected, _ = datasets.load_chexpert(root)
    sheet = sheet_of(root)
    again = sheet[:1].assign(PRIMARY_RACE="Unknown")
    pd.concat([again, sheet, sheet[:1]]).to_excel(root / layout.DEMOGRAPHICS, index=False)
    assert datasets.load_chexpert(root)[0]["race"].equals(expected["race"])


def test_missing_images_are_left_out_and_counted(root):
    cases, _ = datasets.load_chexpert(root)
    for file in cases["file"][:2]:
        Path(file).unlink()
    fewer, dropped = datasets.load_chexpert(root)
    assert counted(dropped, "no such file: row left out") == 2
    pd.testing.assert_frame_equal(fewer, cases[2:].reset_index(drop=True))


@pytest.mark.parametrize(
    ("text", "race"),
    [
        ("White", "White"),
        ("White, non-Hispanic", "White"),
        ("White or Caucasian", "White"),
        ("Black or African American", "Black"),
        ("BLACK, HISPANIC", "Black"),
        ("Asian - Historical Conv", "Asian"),
        ("Native Hawaiian or Other Pacific Islander", "Native Hawaiian or Other Pacific Islander"),
        ("Pacific Islander, non-Hispanic", "Native Hawaiian or Other Pacific Islander"),
        ("Native American, non-Hispanic", "American Indian or Alaska Native"),
        ("American Indian or Alaska Native", "American Indian or Alaska Native"),
        ("Other, non-Hispanic", "Other"),
        ("Race and Ethnicity Unknown", None),
        ("Patient Refused", None),
        ("Hispanic - Historical Conv", None),
        (" ", None),
        (np.nan, None),
    ],
)
def test_race_is_mapped_by_its_words(text, race):
    assert datasets.mapped_race(text) == race


# Broken downloads


def cell(column: str, value: object):
    def act(root: Path) -> object:
        table = table_of(root)
        table.loc[2, column] = value
        write(root, table)
        return datasets.load_chexpert(root)

    return act


def changed(change):
    def act(root: Path) -> object:
        write(root, change(table_of(root)))
        return datasets.load_chexpert(root)

    return act


def sheet(change):
    def act(root: Path) -> object:
        change(sheet_of(root)).to_excel(root / layout.DEMOGRAPHICS, index=False)
        return datasets.load_chexpert(root)

    return act


def without(name: str):
    def act(root: Path) -> object:
        place = root / layout.FOLDERS[0] / name
        place.unlink() if place.is_file() else shutil.rmtree(place)
        return datasets.load_chexpert(root)

    return act


def no_sheet(root: Path) -> object:
    (root / layout.DEMOGRAPHICS).write_text("PATIENT,PRIMARY_RACE\n")
    return datasets.load_chexpert(root)


def another_race(table: pd.DataFrame) -> pd.DataFrame:
    table["PRIMARY_RACE"] = "White"
    return pd.concat([table, table[:1].assign(PRIMARY_RACE="Asian")])


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda root: datasets.load_chexpert(root / "none"), ("none", "no such folder")),
        (without("train.csv"), ("there is no train.csv",)),
        (without("train"), ("holds no image",)),
        (changed(lambda t: t.drop(columns="Edema")), ("train.csv", "column Edema", "no such column")),
        (changed(lambda t: t.drop(columns="Sex")), ("train.csv", "column Sex", "no such column")),
        (changed(lambda t: t[:0]), ("no rows",)),
        (changed(lambda t: pd.concat([t, t[:1]])), ("column Path", "each image once")),
        (cell("Edema", "2.0"), ("row 4", "column Edema", "'2.0'")),
        (cell("No Finding", "yes"), ("row 4", "column No Finding", "'yes'")),
        (cell("Sex", "woman"), ("row 4", "column Sex", "'woman'")),
        (cell("Age", "old"), ("row 4", "column Age", "'old'")),
        (cell("Age", "121"), ("row 4", "column Age", "'121'")),
        (cell("Path", "train/view1_frontal.jpg"), ("row 4", "column Path", "train/view1_frontal.jpg")),
        (cell("Path", None), ("row 4", "column Path", "is empty")),
        (cell("Frontal/Lateral", "Oblique"), ("row 4", "column Frontal/Lateral", "'Oblique'")),
        (sheet(lambda t: t.assign(PRIMARY_RACE=["Martian", *t["PRIMARY_RACE"][1:]])), ("row 2", "'Martian'")),
        (sheet(another_race), ("CHEXPERT DEMO.xlsx", "column PRIMARY_RACE", "'Asian'", "same patient")),
        (sheet(lambda t: t.drop(columns="PATIENT")), ("CHEXPERT DEMO.xlsx", "column PATIENT")),
        (no_sheet, ("CHEXPERT DEMO.xlsx", "xlsx spreadsheet")),
        (lambda root: datasets.load_chexpert(root, age_cut="old"), ("age_cut",)),
        (lambda root: datasets.load_chexpert(root, views="lateral"), ("views", "lateral")),
        (lambda root: datasets.load_chexpert(root, uncertain="random"), ("uncertain", "random")),
        (lambda root: datasets.load_chexpert(root, shares=(1, 0, 0)), ("shares",)),
    ],
)
def test_bad_input_is_one_clear_line(root, act, words):
    with pytest.raises(InputError) as caught:
        act(root)
    message = str(caught.value)
    assert [word for word in words if word not in message] == [], message
    assert "\n" not in message
