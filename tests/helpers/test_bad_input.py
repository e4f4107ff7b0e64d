"""Bad input, one case a row: each gives one clear `InputError` that names the file and the field, on one line.

A case is ``(name, act, words)``: `act` takes a fresh copy of a small simulated download and must raise; each of `words`
must stand in the message. To add a case, append to `CASES`.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from helpers import datasets, paths, report
from helpers import scores as scoring
from helpers.datasets.mama_mia import layout
from helpers.errors import InputError

Act = Callable[[Path], object]
FIRST = "DUKE_9001"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    return datasets.simulate_breast_mri(12, seed=3, shape=(16, 16, 8), images=False, folder=folder)


# Ways to spoil a download, then read it


def sheet(change: Callable[[pd.DataFrame], pd.DataFrame | None], name: str = layout.SHEET) -> Act:
    """Spoil the spreadsheet by a function of its frame (in place, or returning another), then load the cohort."""

    def act(root: Path) -> object:
        frame = pd.read_excel(root / layout.SPREADSHEET, sheet_name=layout.SHEET, dtype=object)
        changed = change(frame)
        (frame if changed is None else changed).to_excel(root / layout.SPREADSHEET, sheet_name=name, index=False)
        return datasets.load_mama_mia(root)

    return act


def cell(column: str, value: object, row: int = 4) -> Act:
    """Put `value` in spreadsheet row `row` (the header is row 1), then load the cohort."""

    def change(frame: pd.DataFrame) -> None:
        frame[column] = frame[column].astype(object)
        frame.loc[row - 2, column] = value

    return sheet(change)


def replaced(name: str, content: str | bytes | None) -> Act:
    """Replace a file by `content`, or by a folder where None, then load the cohort."""

    def act(root: Path) -> object:
        (root / name).unlink()
        if content is None:
            (root / name).mkdir()
        else:
            (root / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return datasets.load_mama_mia(root)

    return act


def scores(text: str | bytes, name: str = "mine.csv") -> Act:
    """Write a table of scores and read it."""

    def act(root: Path) -> object:
        (root / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return datasets.read_scores(root / name)

    return act


def archive(**members: str) -> Act:
    """Write an archive of per-fold tables, ``fold_0=text``, and read it."""

    def act(root: Path) -> object:
        path = root / "weights.zip"
        with zipfile.ZipFile(path, "w") as file:
            for name, text in members.items():
                file.writestr(f"{name}/metrics_{name}.csv", text)
        return datasets.read_scores(path)

    return act


def join(table: pd.DataFrame) -> Act:
    return lambda root: datasets.join_scores(datasets.load_mama_mia(root)[0], table, where=root / "mine.csv")


def without_spreadsheet(root: Path) -> object:
    (root / layout.SPREADSHEET).unlink()
    return datasets.load_mama_mia(root)


def sheet_cut_short(root: Path) -> object:
    path = root / layout.SPREADSHEET
    path.write_bytes(path.read_bytes()[:3000])
    return datasets.load_mama_mia(root)


def bad_json(content: str) -> Act:
    def act(root: Path) -> object:
        (root / "patient_info_files" / f"{FIRST.lower()}.json").write_text(content)
        return datasets.load_mama_mia(root)

    return act


def two_score_tables(root: Path) -> object:
    for name in ("one.csv", "two.csv"):
        (root / name).write_text("id,dice\nDUKE_000,0.5\n")
    return datasets.find_scores(root)


def archive_cut_short(root: Path) -> object:
    path = root / layout.WEIGHTS / layout.WEIGHTS_ARCHIVE
    path.write_bytes(path.read_bytes()[:-40])
    return datasets.find_scores(root)


def archive_with_spoilt_bytes(root: Path) -> object:
    path = root / layout.WEIGHTS / layout.WEIGHTS_ARCHIVE
    content = bytearray(path.read_bytes())
    content[70:130] = bytes(60)
    path.write_bytes(content)
    return datasets.read_scores(path)


def unwritable(root: Path) -> object:
    (root / "a file").write_text("")
    return datasets.simulate_breast_mri(2, shape=(16, 16, 8), folder=root / "a file")


SPLIT_HEAD = "train_split,test_split\n"
RATING_HEAD = "patient_id,expert_1_qs,expert_2_qs\n"
SHEET = layout.SPREADSHEET


def mask(change: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]) -> Act:
    """Spoil the voxels or the affine of the first automatic mask, then score the masks."""

    def act(root: Path) -> object:
        file = sorted((root / "segmentations" / "automatic").iterdir())[0]
        image = nib.load(file)
        voxels, affine = change(np.asarray(image.dataobj), image.affine.copy())
        nib.save(nib.Nifti1Image(voxels, affine), file)
        return score_masks(root)

    return act


def score_masks(root: Path) -> object:
    expert, automatic = (root / "segmentations" / name for name in ("expert", "automatic"))
    return scoring.score_folders(expert, automatic, keep=root / "kept.jsonl", workers=1, progress=False)


def cut_mask(root: Path) -> object:
    file = sorted((root / "segmentations" / "automatic").iterdir())[0]
    file.write_bytes(file.read_bytes()[:-40])
    return score_masks(root)


def no_common_mask(root: Path) -> object:
    for i, file in enumerate(sorted((root / "segmentations" / "automatic").iterdir())):
        file.rename(file.with_name(f"other_{i}.nii.gz"))
    return score_masks(root)


def started(**parameters: object) -> Act:
    """Start a run with these parameters, as a notebook's setup cell does."""
    types = {"SEED": int, "SOURCE": str, "N_CASES": int, "RUN_DIR": str}
    names = {"__annotations__": types, **parameters}
    return lambda root: report.start("01_label_audit", names, limits={"N_CASES": (60, 20000)})


def nothing_to_score(root: Path) -> object:
    shutil.rmtree(root / "segmentations" / "automatic")
    return scoring.collect(root)


CASES: list[tuple[str, Act, tuple[str, ...]]] = [
    # folders and the spreadsheet
    ("missing folder", lambda root: datasets.load_mama_mia(root / "no"), ("no such folder", SHEET)),
    ("a file for a folder", lambda root: datasets.load_mama_mia(root / layout.SPLITS), (layout.SPLITS, "not a folder")),
    ("masks of a missing folder", lambda root: datasets.masks(root / "no"), ("no such folder",)),
    ("scores of a missing folder", lambda root: datasets.find_scores(root / "no"), ("no such folder",)),
    ("check of a missing folder", lambda root: datasets.check_data(root / "no"), ("no such folder",)),
    ("missing spreadsheet", without_spreadsheet, (SHEET, "there is no")),
    ("not an xlsx", replaced(SHEET, "patient_id,age\n"), (SHEET, "xlsx")),
    ("a folder for the spreadsheet", replaced(SHEET, None), (SHEET, "cannot be read")),
    ("spreadsheet of no bytes", replaced(SHEET, ""), (SHEET, "cannot be read")),
    ("spreadsheet cut short", sheet_cut_short, (SHEET, "cannot be read")),
    ("wrong sheet", sheet(lambda f: None, name="Sheet1"), (SHEET, "no sheet 'dataset_info'", "Sheet1")),
    ("header and no patients", sheet(lambda f: f.iloc[:0]), (SHEET, "no patients")),
    ("missing column", sheet(lambda f: f.drop(columns="age")), (SHEET, "column age")),
    ("two missing columns", sheet(lambda f: f.drop(columns=["site", "ethnicity"])), (SHEET, "ethnicity, site")),
    ("column twice", sheet(lambda f: f.assign(menopausal_status="pre")), (SHEET, "column menopause", "twice")),
    # its cells
    ("duplicate id", cell("patient_id", FIRST), (SHEET, "row 4", "patient_id", FIRST, "row 2")),
    ("no id", cell("patient_id", None), (SHEET, "row 4", "patient_id", "empty")),
    ("id of another pattern", cell("patient_id", "case 7"), (SHEET, "row 4", "patient_id", "CASE 7")),
    ("unknown collection", cell("dataset", "ISPY3"), (SHEET, "row 4", "dataset", "ISPY3")),
    ("no collection", cell("dataset", None), (SHEET, "row 4", "dataset", "empty")),
    ("blank collection", cell("dataset", " "), (SHEET, "row 4", "dataset", "duke")),
    ("collection and id differ", cell("dataset", "NACT"), (SHEET, "row 4", "dataset", "NACT")),
    ("unknown ethnicity", cell("ethnicity", "martian"), (SHEET, "row 4", "ethnicity", "martian")),
    ("unknown menopause", cell("menopause", "premature"), (SHEET, "row 4", "menopause", "premature")),
    ("age as text", cell("age", "forty"), (SHEET, "row 4", "column age", "forty")),
    ("negative age", cell("age", -5), (SHEET, "row 4", "column age", "-5")),
    ("age 200", cell("age", 200), (SHEET, "row 4", "column age", "200")),
    ("infinite age", cell("age", "inf"), (SHEET, "row 4", "column age", "inf")),
    ("pcr 2", cell("pcr", 2), (SHEET, "row 4", "pcr", "2")),
    ("spacing no list", cell("pixel_spacing", "0.7 x 0.7"), (SHEET, "row 4", "pixel_spacing", "0.7 x 0.7")),
    ("spacing of one number", cell("pixel_spacing", "[0.7]"), (SHEET, "row 4", "pixel_spacing", "[0.7]")),
    ("spacing not closed", cell("pixel_spacing", "[0.7, 0.7"), (SHEET, "row 4", "pixel_spacing", "list")),
    ("spacing is code", cell("pixel_spacing", "__import__('os')"), (SHEET, "row 4", "pixel_spacing", "list")),
    ("spacing zero", cell("pixel_spacing", "[0, 0]"), (SHEET, "row 4", "pixel_spacing")),
    ("spacing empty", cell("pixel_spacing", None), (SHEET, "row 4", "pixel_spacing", "empty")),
    ("no slice thickness", cell("slice_thickness", None), (SHEET, "row 4", "slice_thickness", "empty")),
    ("half a phase", cell("num_phases", 2.5), (SHEET, "row 4", "num_phases", "2.5")),
    ("negative rows", cell("image_rows", -16), (SHEET, "row 4", "image_rows", "-16")),
    ("field strength 150", cell("field_strength", 150), (SHEET, "row 4", "field_strength", "150")),
    ("edges the wrong way", lambda root: datasets.load_mama_mia(root, young=60, old=50), ("young, old", "60")),
    ("an edge as text", lambda root: datasets.load_mama_mia(root, young="40"), ("young, old", "'40'")),
    # split, ratings, JSON
    (
        "unknown id in the split",
        replaced(layout.SPLITS, SPLIT_HEAD + "DUKE_000,\n"),
        (layout.SPLITS, "row 2", "DUKE_000"),
    ),
    (
        "id in both splits",
        replaced(layout.SPLITS, SPLIT_HEAD + f"{FIRST},{FIRST}\n"),
        (layout.SPLITS, "row 2", "test_split", FIRST),
    ),
    ("split without its columns", replaced(layout.SPLITS, "a,b\n"), (layout.SPLITS, "train_split")),
    ("empty split", replaced(layout.SPLITS, ""), (layout.SPLITS, "empty")),
    ("a folder for the split", replaced(layout.SPLITS, None), (layout.SPLITS, "cannot be read")),
    ("split not in UTF-8", replaced(layout.SPLITS, b"\xff\xfe\x00\x80"), (layout.SPLITS, "cannot be read")),
    (
        "bad rating",
        replaced(layout.QUALITY, RATING_HEAD + f"{FIRST},Good,Fair\n"),
        (layout.QUALITY, "row 2", "expert_2_qs", "Fair"),
    ),
    (
        "rated twice",
        replaced(layout.QUALITY, RATING_HEAD + f"{FIRST},Good,Poor\n" * 2),
        (layout.QUALITY, "row 3", "patient_id", FIRST),
    ),
    ("ratings without ids", replaced(layout.QUALITY, "expert_1_qs,expert_2_qs\n"), (layout.QUALITY, "patient_id")),
    ("ratings of one expert", replaced(layout.QUALITY, "patient_id,expert_1_qs\n"), (layout.QUALITY, "expert_2_qs")),
    ("JSON cut short", bad_json('{"patient_id": '), (f"{FIRST.lower()}.json", "JSON")),
    ("JSON without its object", bad_json("{}"), (f"{FIRST.lower()}.json", "clinical_data")),
    ("JSON of a list", bad_json(json.dumps([1])), (f"{FIRST.lower()}.json", "clinical_data")),
    # scores
    ("no such table", lambda root: datasets.read_scores(root / "no.csv"), ("no.csv", "no such file")),
    ("a folder for a table", lambda root: datasets.read_scores(root / "segmentations"), ("segmentations", "a folder")),
    ("empty table", scores(""), ("mine.csv", "empty")),
    ("table without rows", scores("id,dice\n"), ("mine.csv", "no rows")),
    ("table of footers alone", scores("id,dice\nmean,0.5\n"), ("mine.csv", "no scores")),
    ("table without ids", scores("dice\n0.5\n"), ("mine.csv", "patient_id")),
    ("table without Dice", scores("id,iou\nDUKE_000,0.5\n"), ("mine.csv", "column dice", "iou")),
    ("name over two lines", scores('"id\n2",iou\nDUKE_000,0.5\n'), ("mine.csv", "id 2")),
    ("Dice twice", scores("id,dice,DSC\nDUKE_000,0.5,0.5\n"), ("mine.csv", "dice", "DSC")),
    ("ids twice", scores("case,id,dice\n1,DUKE_000,0.5\n"), ("mine.csv", "case", "id")),
    ("patient twice", scores("id,dice\nDUKE_000,0.5\nduke_000.nii.gz,1\n"), ("mine.csv", "row 3", "DUKE_000")),
    ("row without an id", scores("id,dice\nDUKE_000,0.5\n,1\n"), ("mine.csv", "row 3", "column id")),
    ("Dice missing", scores("id,dice\nDUKE_000,0.5\nNACT_00,\n"), ("mine.csv", "row 3", "dice", "empty")),
    ("Dice NaN", scores("id,dice\nDUKE_000,NaN\n"), ("mine.csv", "row 2", "dice")),
    ("Dice over 1", scores("id,DSC\nDUKE_000,87.5\n"), ("mine.csv", "row 2", "DSC", "87.5")),
    ("Dice negative", scores("id,dice\nDUKE_000,-0.1\n"), ("mine.csv", "row 2", "dice", "-0.1")),
    ("Dice as text", scores("id,dice\nDUKE_000,good\n"), ("mine.csv", "row 2", "dice", "good")),
    ("HD95 negative", scores("id,dice,hd95\nDUKE_000,0.5,-3\n"), ("mine.csv", "row 2", "hd95", "-3")),
    ("HD95 missing beside an overlap", scores("id,dice,hd95\nDUKE_000,0.5,\n"), ("mine.csv", "row 2", "hd95")),
    ("HD95 infinite beside an overlap", scores("id,dice,hd95\nDUKE_000,0.5,inf\n"), ("mine.csv", "row 2", "hd95")),
    ("HD95 infinite, what to do", scores("id,dice,hd95\nDUKE_000,0.5,inf\n"), ("the worst value", "diagonal")),
    ("Dice infinite, what to do", scores("id,dice\nDUKE_000,-inf\n"), ("row 2, column dice", "the worst value")),
    ("volume negative", scores("id,dice,gt_cc\nDUKE_000,0.5,-1\n"), ("mine.csv", "row 2", "gt_cc", "-1")),
    ("surface Dice over 1", scores("id,dice,nsd\nDUKE_000,0.5,2\n"), ("mine.csv", "row 2", "nsd", "2")),
    ("fold as text", scores("id,dice,fold\nDUKE_000,0.5,two\n"), ("mine.csv", "row 2", "fold", "two")),
    ("half a fold", scores("id,dice,fold\nDUKE_000,0.5,1.5\n"), ("mine.csv", "row 2", "fold", "1.5")),
    ("more fields than names", scores("id,dice\nDUKE_000,0.5,3,4\n"), ("mine.csv", "header")),
    ("quotation not closed", scores('id,dice\n"DUKE_000,0.5\n'), ("mine.csv",)),
    ("table of no known encoding", scores(b"id,dice\n\x81\x8d,1\n"), ("mine.csv", "encoding")),
    ("Dice in doubt", scores('id,dice\nDUKE_000,"1,200"\n'), ("mine.csv, row 2", "dice", "'1,200'")),
    ("archive that is none", scores("id,dice\n", name="mine.zip"), ("mine.zip", "zip archive")),
    ("archive without folds", archive(plans="{}"), ("weights.zip", "fold_k")),
    (
        "patient in two folds",
        archive(fold_0="id,dice\nDUKE_000,1\n", fold_1="id,dice\nDUKE_000,1\n"),
        ("weights.zip", "DUKE_000"),
    ),
    ("Dice over 1 in a fold", archive(fold_0="id,dice\nDUKE_000,9\n"), ("fold_0", "row 2", "dice", "9")),
    ("archive cut short", archive_cut_short, (layout.WEIGHTS_ARCHIVE, "zip archive")),
    ("archive with spoilt bytes", archive_with_spoilt_bytes, (layout.WEIGHTS_ARCHIVE, "zip archive")),
    ("two tables of a kind", two_score_tables, ("one.csv", "two.csv")),
    # cohort and scores together
    (
        "no id in common",
        join(pd.DataFrame({"patient_id": ["DUKE_000"], "dice": [0.5]})),
        ("mine.csv", "no id of 1 is among"),
    ),
    ("scores without Dice", join(pd.DataFrame({"patient_id": [FIRST]})), ("mine.csv", "column dice")),
    (
        "score of NaN",
        join(pd.DataFrame({"patient_id": ["DUKE_000", FIRST], "dice": [0.5, np.nan]})),
        ("mine.csv", "row 3", "dice"),
    ),
    ("score twice", join(pd.DataFrame({"patient_id": [FIRST] * 2, "dice": 0.5})), ("mine.csv", "row 3", FIRST)),
    # masks
    ("mask not binary", mask(lambda v, a: ((v * 3 + 1).astype(np.uint8), a)), ("automatic", "binary")),
    ("shapes differ", mask(lambda v, a: (v[:-1], a + np.eye(4, k=3) / 3)), ("expert", "automatic", "shapes differ")),
    ("voxel sizes differ", mask(lambda v, a: (v, a @ np.diag([2, 1, 1, 1]))), ("automatic", "voxel sizes differ")),
    ("positions differ", mask(lambda v, a: (v, a + np.eye(4, k=3) * 5)), ("automatic", "affines differ")),
    ("four-dimensional mask", mask(lambda v, a: (np.stack([v, v], axis=3), a)), ("automatic", "three-dimensional")),
    ("truncated mask", cut_mask, ("automatic", "truncated")),
    ("no mask has a partner", no_common_mask, ("expert", "automatic", "no file names match")),
    ("neither scores nor masks", nothing_to_score, ("neither a table", "SCORES")),
    # parameters and folders of a run
    ("unknown parameter", started(SEEDS=1), ("parameter SEEDS", "SEED?")),
    ("wrong source", started(SOURCE="fake"), ("parameter SOURCE", "simulated or real")),
    ("parameter as text", started(SEED="1"), ("parameter SEED", "expected int")),
    ("parameter out of range", started(N_CASES=5), ("parameter N_CASES", "60")),
    ("folder that cannot be written", started(RUN_DIR="/dev/null/run"), ("RUN_DIR", "cannot be written")),
    ("no folder of real data", lambda root: paths.data_root(root / "none"), ("DATA_ROOT", "no such folder")),
    # simulation
    ("no patients", lambda root: datasets.simulate_breast_mri(0, folder=root), ("n:", "0")),
    ("patients as text", lambda root: datasets.simulate_breast_mri_table("many"), ("n:", "many")),
    ("negative seed", lambda root: datasets.simulate_breast_mri_table(5, seed=-1), ("seed", "-1")),
    ("effect of NaN", lambda root: datasets.simulate_breast_mri_table(5, age_slope=np.nan), ("age_slope", "nan")),
    ("effect too large", lambda root: datasets.simulate_breast_mri_table(5, age_slope=0.1), ("age_slope", "mean Dice")),
    ("share over 1", lambda root: datasets.simulate_breast_mri_table(5, missed_share=1.2), ("missed_share",)),
    ("share negative", lambda root: datasets.simulate_breast_mri_table(5, accepted_share=-0.1), ("accepted_share",)),
    ("unknown effect", lambda root: datasets.breast_truth(age_slop=0.1), ("age_slop", "age_slope")),
    (
        "volume too small",
        lambda root: datasets.simulate_breast_mri(2, shape=(4, 4, 4), folder=root),
        ("shape", "(4, 4, 4)"),
    ),
    (
        "volume of two numbers",
        lambda root: datasets.simulate_breast_mri(2, shape=(64, 64), folder=root),
        ("shape", "(64, 64)"),
    ),
    ("no workers", lambda root: datasets.simulate_breast_mri(2, workers=0, folder=root), ("workers", "0")),
    ("nowhere to write", unwritable, ("a file", "cannot be written")),
]


@pytest.mark.parametrize(("act", "words"), [pytest.param(act, words, id=name) for name, act, words in CASES])
def test_bad_input(act, words, made, tmp_path):
    root = Path(shutil.copytree(made, tmp_path / "download"))
    with pytest.raises(InputError) as caught:
        act(root)
    message = str(caught.value)
    assert [word for word in words if word not in message] == [], message
    assert "\n" not in message and len(message) < 600, message
    assert caught.value.fix, "it says what to do"


def test_there_are_enough_cases_and_each_has_its_own_name():
    names = [name for name, _, _ in CASES]
    assert len(set(names)) == len(names) >= 30
