"""Loading a MAMA-MIA folder and tables of scores: simulated, real where the rows are there, and odd releases."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers import datasets
from helpers.datasets.mama_mia import layout


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    return datasets.simulate_breast_mri(60, seed=3, shape=(24, 24, 12), images=False, folder=folder)


@pytest.fixture
def root(made, tmp_path) -> Path:
    """A copy of the simulated folder that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "download"))


def sheet_of(root: Path) -> pd.DataFrame:
    return pd.read_excel(root / layout.SPREADSHEET, sheet_name=layout.SHEET, dtype=object)


def write_sheet(root: Path, sheet: pd.DataFrame) -> None:
    sheet.to_excel(root / layout.SPREADSHEET, sheet_name=layout.SHEET, index=False)


def counted(dropped: pd.DataFrame, words: str) -> int:
    rows = dropped[dropped["reason"].str.contains(words, regex=False)]
    return int(rows["n"].sum())


def scores_csv(tmp_path: Path, **columns) -> Path:
    path = tmp_path / "scores.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


# The cohort


def test_loader_gives_the_cohort_that_was_drawn(made):
    cohort, dropped = datasets.load_mama_mia(made)
    drawn, _ = datasets.simulate_breast_mri_table(60, seed=3)
    # The small volume of this fixture has another diagonal than the default one.
    drawn["image_diagonal_mm"] = np.sqrt(
        2 * (24 * drawn["pixel_spacing_mm"]) ** 2 + (12 * drawn["slice_thickness_mm"]) ** 2
    )
    pd.testing.assert_frame_equal(cohort, drawn[list(cohort.columns)])
    assert tuple(cohort.columns) == layout.COHORT_COLUMNS
    assert list(dropped.columns) == ["table", "reason", "n"] and (dropped["n"] > 0).all()
    assert counted(dropped, "menopause missing") == (cohort["menopause"] == "unknown").sum() > 0


def test_default_volume_has_the_table_s_diagonal(tmp_path):
    root = datasets.simulate_breast_mri(4, seed=1, images=False, folder=tmp_path)
    cohort, _ = datasets.load_mama_mia(root)
    pd.testing.assert_frame_equal(cohort, datasets.simulate_breast_mri_table(4, seed=1)[0][list(cohort.columns)])


def test_names_may_differ_in_case(root):
    before, _ = datasets.load_mama_mia(root)
    (root / layout.SPREADSHEET).rename(root / layout.SPREADSHEET.upper())
    (root / layout.SPLITS).rename(root / "Train_Test_Splits.CSV")
    (root / layout.QUALITY).rename(root / layout.QUALITY.removeprefix("preliminary_").title())
    (root / "segmentations").rename(root / "Segmentations")
    (root / "patient_info_files").rename(root / "Patient_Info_Files")
    after, _ = datasets.load_mama_mia(root)
    pd.testing.assert_frame_equal(before, after)
    assert datasets.masks(root) == (root / "Segmentations" / "expert", root / "Segmentations" / "automatic")


def test_spreadsheet_alone_is_enough(root, tmp_path):
    (tmp_path / "alone").mkdir()
    shutil.copy(root / layout.SPREADSHEET, tmp_path / "alone")
    cohort, dropped = datasets.load_mama_mia(tmp_path / "alone")
    assert (cohort["split"] == "unassigned").all() and cohort["expert_1_qs"].isna().all()
    assert (cohort["breast_density"] == "unknown").all()
    assert counted(dropped, "no such file") == 120
    assert datasets.masks(tmp_path / "alone") is None and datasets.find_scores(tmp_path / "alone") == {}


def test_menopausal_status_is_an_alias_and_columns_may_differ_in_case(root):
    before, _ = datasets.load_mama_mia(root)
    sheet = sheet_of(root).rename(columns={"menopause": "menopausal_status", "age": "Age "})
    write_sheet(root, sheet[sheet.columns[::-1]])
    pd.testing.assert_frame_equal(before, datasets.load_mama_mia(root)[0])


def test_density_of_the_later_release_comes_from_the_spreadsheet(root):
    sheet = sheet_of(root)
    sheet["breast_density"] = ["a", "B", None] + ["d"] * 57
    write_sheet(root, sheet)
    assert list(datasets.load_mama_mia(root)[0]["breast_density"][:4]) == ["a", "b", "unknown", "d"]


def test_density_of_the_first_release_comes_from_the_json_files(root):
    for letter, path in zip(["c", "x", None], sorted((root / "patient_info_files").iterdir())[:3], strict=True):
        record = json.loads(path.read_text())
        record["clinical_data"]["breast_density"] = letter
        path.write_text(json.dumps(record))
    shutil.copy(path, path.with_name("duke_000.json"))
    cohort, dropped = datasets.load_mama_mia(root)
    assert list(cohort["breast_density"][:3]) == ["c", "unknown", "unknown"]
    assert counted(dropped, "not a, b, c or d") == 1 and counted(dropped, "not in the spreadsheet") == 1


def test_later_release_with_clean_sites_gives_the_same_sites(root):
    before, _ = datasets.load_mama_mia(root)
    sheet = sheet_of(root)
    sheet["site"] = sheet["site"].map(lambda v: v.removeprefix("Site ").strip() if isinstance(v, str) else v)
    write_sheet(root, sheet)
    pd.testing.assert_frame_equal(before, datasets.load_mama_mia(root)[0])
    collide = before.groupby("site")["dataset"].nunique()
    assert collide.max() > 1 and before.groupby("dataset_site")["dataset"].nunique().max() == 1


def test_age_groups_follow_the_edges(root):
    sheet = sheet_of(root)
    sheet["age"] = [39, 40, 41, 55, 56, None] + [50] * 54
    write_sheet(root, sheet)
    cohort, dropped = datasets.load_mama_mia(root)
    assert list(cohort["age_group"][:5]) == ["Young", "Young", "Middle", "Middle", "Older"]
    assert pd.isna(cohort["age_group"][5]) and counted(dropped, "age missing") == 1
    assert list(datasets.load_mama_mia(root, young=39, old=60)[0]["age_group"][:3]) == ["Young", "Middle", "Middle"]


def test_blank_rows_are_no_patients(root):
    sheet = sheet_of(root)
    blank = pd.DataFrame([[None] * sheet.shape[1]], columns=sheet.columns)
    write_sheet(root, pd.concat([sheet.iloc[:5], blank, sheet.iloc[5:]]))
    assert len(datasets.load_mama_mia(root)[0]) == 60


def test_real_rows_have_the_published_counts(real_rows):
    cohort, dropped = datasets.load_mama_mia(real_rows)
    assert cohort.shape == (1506, 20) and cohort["patient_id"].is_unique
    assert cohort["dataset"].value_counts().to_dict() == {"ISPY2": 980, "DUKE": 291, "ISPY1": 171, "NACT": 64}
    assert cohort["age_group"].value_counts().to_dict() == {"Young": 349, "Middle": 754, "Older": 400}
    assert cohort["age"].isna().sum() == counted(dropped, "age missing") == 3
    ethnicity = {"Caucasian": 1128, "African American": 241, "Asian": 86, "Other": 35, "Missing": 16}
    assert cohort["ethnicity"].value_counts().to_dict() == ethnicity
    assert cohort["menopause"].value_counts().to_dict() == {"pre": 643, "post": 420, "unknown": 408, "peri": 35}
    assert (cohort["site"][cohort["dataset"] == "DUKE"] == "unknown").all()
    assert not cohort["site"].str.contains(r"^\s|\s$|Site", regex=True).any()
    assert cohort["dataset_site"].nunique() == 33  # 1 + 9 + 22 + 1
    assert cohort["image_diagonal_mm"].between(250, 850).all()  # one row says 256 slices of 3 mm
    below = datasets.load_mama_mia(real_rows, young=39)[0]["age_group"]
    assert below.value_counts().to_dict() == {"Young": 317, "Middle": 786, "Older": 400}


def test_real_tables_of_scores_are_found_and_joined(real_rows):
    cohort, _ = datasets.load_mama_mia(real_rows)
    tables = datasets.find_scores(real_rows)
    assert set(tables) == {"automatic", "out_of_fold"}
    expected = json.loads((real_rows / "expected_numbers.json").read_text())
    for kind, key in (("automatic", "silver_vs_gold_dice"), ("out_of_fold", "nnunet_cv_vs_gold_dice")):
        scores, _ = datasets.read_scores(tables[kind])
        frame, dropped = datasets.join_scores(cohort, scores, where=tables[kind])
        assert len(frame) == 1506
        for group, (mean, sd) in expected[key]["mean_sd_by_age"].items():
            dice = frame["dice"][frame["age_group"] == group]
            assert (round(dice.mean(), 4), round(dice.std(), 4)) == (mean, sd)
    # The two empty predictions of the out-of-fold table, found by their property.
    empty = (scores["dice"] == 0) & (scores["hd95"] == 0)
    assert empty.sum() == counted(dropped, "image diagonal") == 2
    joined = frame.set_index("patient_id").loc[scores["patient_id"][empty]]
    assert (joined["hd95"] == joined["image_diagonal_mm"]).all()


# Scores


def test_simulated_archive_holds_out_of_fold_scores(made):
    assert list(datasets.find_scores(made)) == ["out_of_fold"]
    scores, dropped = datasets.read_scores(datasets.find_scores(made)["out_of_fold"])
    assert list(scores.columns) == ["patient_id", "dice", "hd95", "fold"] and len(scores) == 60
    assert set(scores["fold"]) == {0, 1, 2, 3, 4}
    assert counted(dropped, "summary row") == 10
    cohort, _ = datasets.load_mama_mia(made)
    frame, dropped = datasets.join_scores(cohort, scores, where="archive")
    assert len(frame) == 60 and counted(dropped, "image diagonal") == 2
    assert frame["hd95"].gt(0).all()


@pytest.mark.parametrize(
    "names",
    [
        ("patient_id", "dice", "hd95", "expert_cc", "automatic_cc"),
        ("Case", "DSC", "HD95_mm", "GT_cc", "Pred volume (cc)"),
        ("Subject ID", "Dice coefficient", "Hausdorff 95", "expert_volume", "automatic_volume"),
        ("filename", "Dice-Score", "hausdorff_distance_95", "gt_volume", "silver_cc"),
        ("NAME", "DICE", "95HD", "Gold_CC", "auto_cc"),
    ],
)
def test_columns_go_by_aliases_in_any_case(tmp_path, names):
    rows = [["DUKE_000", "ISPY1_0000"], [0.5, 1], [3.25, 0.0], [7, 8], [9, 10]]
    scores, _ = datasets.read_scores(scores_csv(tmp_path, **dict(zip(names, rows, strict=True)), other=["x", "y"]))
    assert list(scores.columns) == ["patient_id", "dice", "hd95", "expert_cc", "automatic_cc"]
    assert scores.iloc[0].tolist() == ["DUKE_000", 0.5, 3.25, 7, 9]


def test_ids_lose_folder_suffix_and_case(tmp_path):
    ids = ["duke_000.nii.gz", "/scans/ispy1_0000.NII.GZ", "C:\\scans\\nact_00.nii", " ISPY2_000000 "]
    scores, _ = datasets.read_scores(scores_csv(tmp_path, id=ids, dice=[0.1, 0.2, 0.3, 0.4]))
    assert list(scores["patient_id"]) == ["DUKE_000", "ISPY1_0000", "NACT_00", "ISPY2_000000"]


def workbook(file, rows):
    pd.DataFrame(rows).to_excel(file, index=False, header=False)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("decimal commas", lambda file: file.write_text("patient_id;dice\nduke_000;0,83\nispy2_0000;1,0\n")),
        ("UTF-16 and tabs", lambda file: file.write_text("id\tdice\nDUKE_000\t0.83\nISPY2_0000\t1\n", "utf-16")),
        ("sep=", lambda file: file.write_text("sep=;\nid;dice\nDUKE_000;0.83\nISPY2_0000;1\n")),
        ("Windows-1252", lambda file: file.write_bytes(b"id,dice,from\nDUKE_000,0.83,Z\xfcrich\nISPY2_0000,1,Bern\n")),
        ("a title", lambda file: file.write_text("Scores of the network\n\nid,dice\nDUKE_000,0.83\nISPY2_0000,1\n")),
        ("rounding", lambda file: file.write_text("id,dice\nDUKE_000,0.83\nISPY2_0000,1.0000000000000002\n")),
        (
            "summaries",
            lambda f: f.write_text("id,dice\nDUKE_000,.83\nISPY2_0000,1\nAverage:,.9\nMean ± SD,\n25quantile,.8\n"),
        ),
        ("a workbook.xlsx", lambda file: workbook(file, [["id", "dice"], ["DUKE_000", 0.83], ["ISPY2_0000", 1]])),
    ],
)
def test_scores_are_read_as_tools_write_them(name, write, tmp_path):
    file = tmp_path / (name if "." in name else f"{name}.csv")
    write(file)
    scores, _ = datasets.read_scores(file)
    assert scores.to_numpy().tolist() == [["DUKE_000", 0.83], ["ISPY2_0000", 1.0]]


def test_summary_rows_and_unwanted_patients_are_counted(tmp_path):
    path = scores_csv(tmp_path, case=["DUKE_000", "ISPY1_0000", "mean", "Std"], dice=[0.4, 0.6, 0.5, 0.1])
    scores, dropped = datasets.read_scores(path, patients=["duke_000"])
    assert list(scores["patient_id"]) == ["DUKE_000"]
    assert counted(dropped, "summary row") == 2 and counted(dropped, "not asked for") == 1


def test_ids_in_one_table_alone_are_counted(made):
    cohort, _ = datasets.load_mama_mia(made)
    scores = pd.DataFrame({"patient_id": [*cohort["patient_id"][:50].str.lower(), "DUKE_000"], "dice": 0.5})
    frame, dropped = datasets.join_scores(cohort, scores, where="mine.csv")
    assert len(frame) == 50
    assert counted(dropped, "score without a patient") == 1 and counted(dropped, "patient without a score") == 10
    assert set(dropped["table"]) == {"mine.csv"}
    assert list(frame["patient_id"]) == list(cohort["patient_id"][:50])


@pytest.mark.parametrize("distance", [0.0, np.nan, np.inf])
def test_empty_prediction_gets_the_diagonal_and_a_wrong_one_keeps_its_distance(made, tmp_path, distance):
    cohort, _ = datasets.load_mama_mia(made)
    ids = cohort["patient_id"][:3]
    scores, _ = datasets.read_scores(scores_csv(tmp_path, patient_id=ids, dice=[0, 0, 1], hd95=[distance, 12.5, 0]))
    frame, dropped = datasets.join_scores(cohort, scores, where="scores.csv")
    assert frame["hd95"].tolist() == [cohort["image_diagonal_mm"][0], 12.5, 0]
    assert counted(dropped, "image diagonal") == 1


def test_rating_file_and_other_tables_are_no_score_tables(root):
    ratings = pd.read_csv(root / layout.QUALITY).rename(columns={"DiceCoef": "Dice"})
    ratings.to_csv(root / layout.QUALITY, index=False)
    pd.DataFrame({"id": [1], "note": ["x"]}).to_csv(root / "notes.csv", index=False)
    (root / "broken.csv").write_bytes(b"\xff\xfe\x00\x80")
    assert list(datasets.find_scores(root)) == ["out_of_fold"]


def test_a_table_with_folds_goes_before_the_archive(root, tmp_path):
    pd.DataFrame({"id": ["DUKE_000"], "dsc": [0.5]}).to_csv(root / "silver.csv", index=False)
    pd.DataFrame({"id": ["DUKE_000"], "dsc": [0.5], "Fold": [2]}).to_csv(root / "network.csv", index=False)
    found = datasets.find_scores(root)
    assert found == {"automatic": root / "silver.csv", "out_of_fold": root / "network.csv"}
    assert datasets.read_scores(found["out_of_fold"])[0]["fold"].tolist() == [2]


def test_summary_rows_of_an_archive_are_counted_once(root):
    _, dropped = datasets.read_scores(datasets.find_scores(root)["out_of_fold"])
    summaries = dropped[dropped["reason"].str.startswith("summary row")]
    assert summaries["table"].tolist() == [layout.WEIGHTS_ARCHIVE]
    assert summaries["n"].item() % 5 == 0  # as many in each of the five folds


def test_archive_without_fold_tables_is_no_score_table(root):
    with zipfile.ZipFile(root / layout.WEIGHTS / layout.WEIGHTS_ARCHIVE, "w") as archive:
        archive.writestr("fold_0/checkpoint_final.pth", b"weights")
    assert datasets.find_scores(root) == {}


# The summary for who has just downloaded


def test_check_data_says_what_is_there_and_what_is_missing(root):
    (root / layout.SPLITS).unlink()
    summary = datasets.check_data(root).set_index("item")
    assert list(summary.columns) == ["found", "expected", "note"]
    assert summary.loc["segmentations/expert", "found"] == summary.loc["patient_info_files", "found"] == "60"
    assert summary.loc["images", "found"] == "missing"
    assert summary.loc["scores: out_of_fold", "found"] == "60"
    assert "missing" in list(summary.loc[[layout.SPLITS], "found"])


def test_check_data_tells_of_an_unusable_file_and_goes_on(root):
    (root / layout.SPREADSHEET).write_text("not a spreadsheet")
    summary = datasets.check_data(root).set_index("item")
    assert summary.loc[layout.SPREADSHEET, "found"] == "unusable"
    assert "xlsx" in summary.loc[layout.SPREADSHEET, "note"]
    assert summary.loc["segmentations/automatic", "found"] == "60"


def test_check_data_from_the_command_line(root, tmp_path):
    done = subprocess.run([sys.executable, "-m", "helpers.datasets", str(root)], capture_output=True, text=True)
    assert done.returncode == 0 and "60 patients" in done.stdout and done.stderr == ""
    done = subprocess.run(
        [sys.executable, "-m", "helpers.datasets", str(tmp_path / "no")], capture_output=True, text=True
    )
    assert done.returncode == 1 and "no such folder" in done.stderr and "Traceback" not in done.stderr
