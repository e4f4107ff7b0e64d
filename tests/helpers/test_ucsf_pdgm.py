"""Loading a UCSF-PDGM folder: simulated, in its other layouts, and broken downloads."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers import datasets
from helpers.datasets.ucsf_pdgm import layout
from helpers.errors import InputError

N, SHAPE, FOLLOW_UPS = 20, (24, 24, 8), 3


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    options = {"seed": 3, "shape": SHAPE, "follow_ups": FOLLOW_UPS, "unknown_share": 0.0}
    return datasets.simulate_brain_tumours(N, shares=(0.3, 0.2, 0.5), folder=folder, **options)


@pytest.fixture
def root(made, tmp_path) -> Path:
    """A copy of the simulated folder that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "download"))


@pytest.fixture(scope="module")
def cases(made) -> pd.DataFrame:
    return datasets.load_ucsf_pdgm(made)[0]


def edit(root: Path, row: int, column: str, value: str) -> None:
    """Set a cell of the table; rows count from 0."""
    table = pd.read_csv(root / layout.TABLE, dtype=str)
    table.loc[row, column] = value
    table.to_csv(root / layout.TABLE, index=False)


def counted(dropped: pd.DataFrame, words: str) -> int:
    return int(dropped.loc[dropped["reason"].str.contains(words, regex=False), "n"].sum())


# The exams


def test_loader_gives_what_was_drawn(made, cases):
    drawn = pd.read_csv(made / datasets.CASES)[:N]
    assert tuple(cases) == layout.CASE_COLUMNS and len(cases) == N
    assert cases["exam"].tolist() == drawn["exam"].tolist() == cases["patient_id"].tolist()
    for name in ("sex", "age", "grade", "diagnosis"):
        assert cases[name].tolist() == drawn[name].tolist(), name
    assert ((cases["grade4"] == 1) == (drawn["grade"] == 4)).all() and set(cases["grade4"]) == {0.0, 1.0}
    assert ((cases["glioblastoma"] == 1) == (drawn["diagnosis"] == layout.GLIOBLASTOMA)).all()
    assert (cases["age_group"] == np.where(drawn["age"] > 58, ">58", "<=58")).all()
    assert cases["split"].value_counts().to_dict() == {"train": 14, "validation": 2, "test": 4}
    ends = {"flair": "_FLAIR.nii.gz", "segmentation": "_tumor_segmentation.nii.gz"}
    for name, end in ends.items():
        assert [Path(p).name for p in cases[name]] == [exam + end for exam in cases["exam"]]
    _, dropped = datasets.load_ucsf_pdgm(made)
    assert (
        list(dropped) == ["table", "reason", "n"] and counted(dropped, "follow-up") == FOLLOW_UPS == dropped["n"].sum()
    )


def test_a_follow_up_that_is_kept_is_in_its_patients_split(made, cases):
    kept, dropped = datasets.load_ucsf_pdgm(made, follow_ups="keep")
    assert len(kept) == N + FOLLOW_UPS and dropped.empty
    later = kept[kept["exam"] != kept["patient_id"]]
    assert len(later) == FOLLOW_UPS and later["exam"].str.fullmatch(r"UCSF-PDGM-\d{4}_FU\d{3}d").all()
    assert (kept.groupby("patient_id")["split"].nunique() == 1).all()
    first = kept[kept["exam"] == kept["patient_id"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, cases)


def test_a_follow_up_without_a_row_has_its_patients(root):
    kept, _ = datasets.load_ucsf_pdgm(root, follow_ups="keep")
    table = pd.read_csv(root / layout.TABLE, dtype=str)
    table[~table["ID"].str.contains("_FU")].to_csv(root / layout.TABLE, index=False)
    again, dropped = datasets.load_ucsf_pdgm(root, follow_ups="keep")
    pd.testing.assert_frame_equal(again, kept)
    assert dropped.empty


def test_ids_of_four_digits_and_any_case_are_the_same_patients(root, cases):
    table = pd.read_csv(root / layout.TABLE, dtype=str)
    table["ID"] = table["ID"].str.replace("PDGM-", "PDGM-0").str.lower()
    table["Sex"] = table["Sex"].map({"F": "female", "M": "Male"})
    table.to_csv(root / layout.TABLE, index=False)
    again, _ = datasets.load_ucsf_pdgm(root)
    paths = ["flair", "segmentation"]
    pd.testing.assert_frame_equal(again.drop(columns=paths), cases.drop(columns=paths))


@pytest.mark.parametrize("kind", ["table inside", "images given", "images given, table inside", "flat"])
def test_other_places_of_table_and_folders_are_found(root, cases, kind):
    images, given = root / layout.IMAGES, root
    if "inside" in kind:
        (root / layout.TABLE).rename(images / layout.TABLE)
    if "given" in kind:
        given = images
    if kind == "flat":
        for place in list(images.iterdir()):
            place.rename(root / place.name)
        images.rmdir()
    again, _ = datasets.load_ucsf_pdgm(given)
    assert again["exam"].tolist() == cases["exam"].tolist() and all(Path(p).is_file() for p in again["flair"])


def test_variants_of_an_image_are_not_taken_for_it(root, cases):
    for exam in cases["exam"]:
        place = root / layout.IMAGES / f"{exam}_nifti"
        for name in (f"{exam}_FLAIR_bias", f"{exam}_T1", f"._{exam}_FLAIR", f"{exam}_brain_parenchyma_segmentation"):
            (place / f"{name}.nii.gz").write_bytes(b"")
    again, _ = datasets.load_ucsf_pdgm(root)
    assert [Path(p).name for p in again["flair"]] == [Path(p).name for p in cases["flair"]]
    assert [Path(p).name for p in again["segmentation"]] == [Path(p).name for p in cases["segmentation"]]


def test_unknown_is_missing_and_counted(root):
    for column, value in (("Sex", "Unknown"), ("Age at MRI", "unknown"), ("WHO CNS Grade", ""), ("MGMT status", "")):
        edit(root, 1, column, value)
    edit(root, 2, "Final pathologic diagnosis (WHO 2021)", "unknown")
    found, dropped = datasets.load_ucsf_pdgm(root)
    assert found.loc[1, ["sex", "age", "age_group", "grade", "grade4"]].isna().all()
    assert found.loc[2, ["diagnosis", "glioblastoma"]].isna().all() and found.loc[2, "sex"] in ("F", "M")
    assert found.drop(index=[1, 2]).notna().all(axis=None) and len(found) == N
    for column in ("Sex", "Age at MRI", "WHO CNS Grade", "Final pathologic diagnosis (WHO 2021)"):
        assert counted(dropped, f"{column} missing: kept") == 1


def test_rows_without_a_folder_and_folders_without_a_row_are_left_out_and_counted(root, cases):
    shutil.rmtree(root / layout.IMAGES / f"{cases['exam'][0]}_nifti")
    table = pd.read_csv(root / layout.TABLE, dtype=str)
    table.drop(index=[4, 5]).to_csv(root / layout.TABLE, index=False)
    base = cases["exam"][[4, 5]].tolist()
    found, dropped = datasets.load_ucsf_pdgm(root)
    assert found["exam"].tolist() == [e for e in cases["exam"][1:] if e not in base]
    assert counted(dropped, "row without a folder") == 1
    assert counted(dropped, "folder without a row") == 2


def test_age_cut_moves_the_groups(made):
    found, _ = datasets.load_ucsf_pdgm(made, age_cut=50.5)
    assert (found["age_group"] == np.where(found["age"] > 50.5, ">50.5", "<=50.5")).all()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("Sex", "X", "row 5, column Sex: holds 'X', expected F or M"),
        ("Age at MRI", "-5", "row 5, column Age at MRI: holds '-5'"),
        ("Age at MRI", "old", "row 5, column Age at MRI: holds 'old'"),
        ("WHO CNS Grade", "5", "row 5, column WHO CNS Grade: holds '5', expected a grade from 2 to 4"),
        ("ID", "PDGM-4", "row 5, column ID: holds 'PDGM-4'"),
        ("ID", "", "row 5, column ID: is empty"),
    ],
)
def test_a_cell_that_cannot_be_is_named(root, column, value, message):
    edit(root, 3, column, value)
    with pytest.raises(InputError, match=message):
        datasets.load_ucsf_pdgm(root)


def test_an_id_that_stands_twice_is_named(root):
    table = pd.read_csv(root / layout.TABLE, dtype=str)
    edit(root, 6, "ID", table.loc[2, "ID"].replace("PDGM-", "PDGM-0"))  # the same number, another spelling
    with pytest.raises(InputError, match=r"row 8, column ID: .* is also in row 4"):
        datasets.load_ucsf_pdgm(root)


def test_missing_tables_columns_folders_and_files_are_named(root, cases, tmp_path):
    with pytest.raises(InputError, match="there is no such folder"):
        datasets.load_ucsf_pdgm(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no folder such as"):
        datasets.load_ucsf_pdgm(tmp_path / "empty")
    path = root / layout.IMAGES / f"{cases['exam'][7]}_nifti" / f"{cases['exam'][7]}_FLAIR.nii.gz"
    shutil.copy(path, path.with_name("again_FLAIR.nii.gz"))
    with pytest.raises(InputError, match=f"{cases['exam'][7]}_nifti: holds 2 files that end in _FLAIR"):
        datasets.load_ucsf_pdgm(root)
    path.unlink()
    path.with_name("again_FLAIR.nii.gz").unlink()
    with pytest.raises(InputError, match=f"{cases['exam'][7]}_nifti: has no file _FLAIR.nii.gz"):
        datasets.load_ucsf_pdgm(root)
    table = pd.read_csv(root / layout.TABLE, dtype=str)
    table.drop(columns="Sex").to_csv(root / layout.TABLE, index=False)
    with pytest.raises(InputError, match=f"{layout.TABLE}, column Sex: there is no such column"):
        datasets.load_ucsf_pdgm(root)
    table[:0].to_csv(root / layout.TABLE, index=False)
    with pytest.raises(InputError, match="has a header and no rows"):
        datasets.load_ucsf_pdgm(root)
    table.assign(ID=[f"UCSF-PDGM-{i:03d}" for i in range(len(table))]).to_csv(root / layout.TABLE, index=False)
    with pytest.raises(InputError, match=r"no folder with images belongs to any of the \d+ rows"):
        datasets.load_ucsf_pdgm(root)
    (root / layout.TABLE).unlink()
    with pytest.raises(InputError, match=f"there is no {layout.TABLE}"):
        datasets.load_ucsf_pdgm(root)


@pytest.mark.parametrize(("name", "value"), [("follow_ups", "all"), ("age_cut", -1), ("age_cut", "58"), ("seed", -1)])
def test_arguments_of_the_exams_are_checked(made, name, value):
    with pytest.raises(InputError) as error:
        datasets.load_ucsf_pdgm(made, **{name: value})
    assert error.value.where == name
