"""The simulated MAMA-MIA: layout, marginals, planted effects, null, determinism, atomic writing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from helpers import datasets
from helpers.datasets.mama_mia import layout, patients, population
from helpers.datasets.shared import masks

SMALL = (32, 32, 16)
NULL = {"age_slope": 0, "source_effect": 0, "ethnic_effect": 0, "size_slope": 0, "accepted_older_excess": 0}
# Effect settings whose table cohorts must agree with the exact expected contrasts.
SETTINGS = {
    "default": {},
    "null": NULL,
    "confounded": NULL | {"source_effect": 0.3, "source_age_shift": 12.0},
    "strong age": NULL | {"age_slope": 0.004, "missed_share": 0.05},
    "reversed age": NULL | {"age_slope": -0.003, "accepted_share": 0.1},
    "accepted alone": NULL | {"accepted_older_excess": 0.2},
    "ethnic alone": NULL | {"ethnic_effect": -0.2},
}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return datasets.simulate_breast_mri(60, seed=3, shape=SMALL, folder=tmp_path_factory.mktemp("simulated"))


def load(path: Path) -> np.ndarray:
    return np.asarray(nib.load(path).dataobj)


def contrasts(frame: pd.DataFrame) -> dict[str, float]:
    """The observed counterparts of the exact contrasts; missing where a group is empty."""
    good = frame["dice"] > 0.8
    older, young = (frame["age_group"] == g for g in ("Older", "Young"))
    found = {
        "age": frame["dice"][older].mean() - frame["dice"][young].mean(),
        "age rate": good[older].mean() - good[young].mean(),
    }
    black, white = (frame["ethnicity"] == e for e in ("African American", "Caucasian"))
    for source in ("DUKE", "ISPY2"):
        there = frame["dataset"] == source
        found[f"age {source}"] = frame["dice"][older & there].mean() - frame["dice"][young & there].mean()
        found[f"ethnic {source}"] = frame["dice"][black & there].mean() - frame["dice"][white & there].mean()
    return found


def expected(truth: dict) -> dict[str, float]:
    dice = truth["dice"]
    found = {"age": truth["older_minus_young"], "age rate": truth["older_minus_young_rate"]}
    for source in ("DUKE", "ISPY2"):
        found[f"age {source}"] = dice["older_minus_young_by_source"][source]
        found[f"ethnic {source}"] = dice["african_american_minus_caucasian_by_source"][source]
    return found


def test_layout_on_disk(root):
    frame, _ = datasets.simulate_breast_mri_table(60, seed=3)
    sheets = pd.read_excel(root / layout.SPREADSHEET, sheet_name=None)
    assert list(sheets) == ["dataset_info", "legend"]
    assert list(sheets["dataset_info"].columns) == list(layout.COLUMNS) and len(layout.COLUMNS) == 49
    for name in frame["patient_id"]:
        for file in (
            root / "images" / name / f"{name.lower()}_0000.nii.gz",
            root / "images" / name / f"{name.lower()}_0001.nii.gz",
            root / "segmentations" / "expert" / f"{name.lower()}.nii.gz",
            root / "segmentations" / "automatic" / f"{name}.nii.gz",
            root / "patient_info_files" / f"{name.lower()}.json",
        ):
            assert file.is_file(), file
    splits = pd.read_csv(root / layout.SPLITS)
    assert list(splits.columns) == ["train_split", "test_split"]
    assert splits["train_split"].notna().sum() > splits["test_split"].notna().sum() > 0
    assert sorted(splits.stack().dropna()) == sorted(frame["patient_id"])
    assert (root / layout.QUALITY).is_file() and (root / layout.WEIGHTS / layout.WEIGHTS_ARCHIVE).is_file()


def test_later_release_has_50_columns(tmp_path):
    root = datasets.simulate_breast_mri(5, shape=(16, 16, 8), images=False, density_column=True, folder=tmp_path)
    columns = pd.read_excel(root / layout.SPREADSHEET, sheet_name="dataset_info").columns
    assert len(columns) == 50 and columns[columns.get_loc("breast_density") - 1] == "bmi_group"
    assert not (root / "images").exists()


def test_values_follow_the_real_conventions():
    drawn = patients.draw(3000, seed=0, planted=population.effects())
    sheet, _ = patients_sheet(drawn)
    site = sheet.groupby("dataset")["site"]
    assert site.get_group("DUKE").isna().all() and (site.get_group("NACT") == 4493).all()
    assert site.get_group("ISPY1").str.startswith("Site ").all() and site.get_group("ISPY2").str.endswith(" ").all()
    codes = {d: set(g.str.replace("Site ", "").str.strip()) for d, g in site if d in ("ISPY1", "ISPY2")}
    assert codes["ISPY1"] & codes["ISPY2"], "site codes of the two collections must collide"
    assert set(sheet["ethnicity"].dropna()) == set(layout.ETHNICITY_STRINGS) and sheet["ethnicity"].isna().any()
    assert set(sheet["menopause"].dropna()) == set(layout.MENOPAUSE_STRINGS.values())
    assert sheet["menopause"][sheet["dataset"].isin(["ISPY1", "NACT"])].isna().all()
    assert 0 < sheet["age"].isna().sum() < 40
    assert sheet["pixel_spacing"].str.fullmatch(r"\[[\d.]+, [\d.]+\]").all()
    assert set(sheet["her2"]) <= {0.0, 1.0}


def patients_sheet(drawn):
    from helpers.datasets.mama_mia import records

    return records.spreadsheet(drawn, seed=0, shape=SMALL, density=False)


def test_ids_lie_outside_the_real_ranges():
    frame, _ = datasets.simulate_breast_mri_table(3000)
    assert frame["patient_id"].is_unique
    digits = frame["patient_id"].str.split("_").str[1].str.len()
    longest = frame["dataset"].astype(str).map({"DUKE": 3, "ISPY1": 4, "ISPY2": 6, "NACT": 2})
    assert (digits > longest).all()


def test_marginals_are_near_the_published_aggregates():
    frame, _ = datasets.simulate_breast_mri_table(60_000, seed=1)
    share = frame["dataset"].value_counts(normalize=True)
    published = {"ISPY2": 0.651, "DUKE": 0.193, "ISPY1": 0.114, "NACT": 0.042}
    assert all(abs(share[name] - value) < 0.01 for name, value in published.items())
    assert abs(frame["age"].mean() - 48.5) < 0.3 and abs(frame["age"].std() - 10.4) < 0.3
    assert frame["age"].between(21, 77).sum() == frame["age"].notna().sum()
    ethnicity = frame["ethnicity"].value_counts(normalize=True)
    for name, value in {"Caucasian": 0.749, "African American": 0.16, "Asian": 0.057, "Missing": 0.011}.items():
        assert abs(ethnicity[name] - value) < 0.01, name
    by_age = frame.groupby("age_group", observed=True)
    for group, mean, sd, cc in (
        ("Young", 0.808, 0.219, 29.6),
        ("Middle", 0.820, 0.214, 24.4),
        ("Older", 0.861, 0.168, 18.1),
    ):
        assert abs(by_age["dice"].mean()[group] - mean) < 0.02, group
        assert abs(by_age["dice"].std()[group] - sd) < 0.03, group
        assert abs(by_age["expert_cc"].mean()[group] / cc - 1) < 0.15, group
    assert frame["dice"].median() > frame["dice"].mean() + 0.05, "Dice is skewed to the left"


@pytest.mark.parametrize("cohorts", [20, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", SETTINGS)
def test_mean_of_many_cohorts_is_the_exact_truth(name, cohorts):
    setting = SETTINGS[name]
    found = []
    for seed in range(cohorts):
        frame, truth = datasets.simulate_breast_mri_table(1500, seed=seed, **setting)
        found.append(contrasts(frame))
    found = pd.DataFrame(found)
    error = found.mean() - pd.Series(expected(truth))
    standard_error = found.std() / np.sqrt(found.count())
    assert (error.abs() < 3 * standard_error).all(), (error / standard_error).to_dict()


def test_null_is_exactly_null_whatever_the_age_shift():
    for kind in ("dice", "rate"):
        found = datasets.breast_truth(**NULL, source_age_shift=5)[kind]
        assert found["older_minus_young"] == 0 and found["african_american_minus_caucasian"] == 0
        assert set(found["older_minus_young_by_source"].values()) == {0.0}


def test_source_confounds_only_when_it_shifts_both():
    both = datasets.breast_truth(**NULL | {"source_effect": 0.3}, source_age_shift=12)["dice"]
    assert both["older_minus_young"] > 0.02
    assert set(both["older_minus_young_by_source"].values()) == {0.0}
    assert datasets.breast_truth(**NULL | {"source_effect": 0.3}, source_age_shift=0)["older_minus_young"] == 0


def test_ethnic_effect_exists_at_one_source_only():
    found = datasets.breast_truth(**NULL | {"ethnic_effect": -0.1})["dice"][
        "african_american_minus_caucasian_by_source"
    ]
    assert found.pop("ISPY2") < -0.09
    assert set(found.values()) == {0.0}


def test_size_and_point_masses_follow_their_arguments():
    frame, _ = datasets.simulate_breast_mri_table(
        40_000, size_slope=-0.03, accepted_share=0.05, accepted_older_excess=0.1, missed_share=0.03
    )
    slope = np.polyfit(frame["age"].dropna(), np.log(frame["expert_cc"][frame["age"].notna()]), 1)[0]
    assert abs(slope + 0.03) < 0.002
    ones = (frame["dice"] == 1).groupby(frame["age_group"], observed=True).mean()
    assert np.allclose(ones, [0.05, 0.10, 0.15], atol=0.01)
    missed = frame["dice"] == 0
    assert abs(missed.mean() - 0.03) < 0.004
    assert (frame["automatic_cc"][missed] == 0).all()
    accepted = frame[frame["dice"] == 1]
    assert (accepted["automatic_cc"] == accepted["expert_cc"]).all()
    none, _ = datasets.simulate_breast_mri_table(2000, accepted_share=0, accepted_older_excess=0, missed_share=0)
    assert none["dice"].between(0, 1, inclusive="neither").all()


def test_volumes_and_dice_are_possible_together():
    frame, _ = datasets.simulate_breast_mri_table(20_000, seed=2)
    small, large = (frame[["expert_cc", "automatic_cc"]].agg(how, axis=1) for how in ("min", "max"))
    assert (frame["dice"] <= 2 * small / (small + large) + 1e-9).all()


def test_table_is_drawn_at_once_and_is_deterministic():
    """Ten times as many patients take less than five times as long: none is drawn by itself."""
    datasets.simulate_breast_mri_table(1500, seed=0)
    times = {150: [], 1500: []}
    for n, of in times.items():
        for seed in range(15):
            start = time.process_time()
            first, _ = datasets.simulate_breast_mri_table(n, seed=seed)
            of.append(time.process_time() - start)
    again, _ = datasets.simulate_breast_mri_table(1500, seed=14)
    pd.testing.assert_frame_equal(first, again)
    assert not first["dice"].equals(datasets.simulate_breast_mri_table(1500, seed=13)[0]["dice"])
    assert min(times[1500]) < 5 * min(times[150])


def test_truth_is_a_copy():
    datasets.breast_truth()["dice"]["older_minus_young"] = 9.0
    assert datasets.breast_truth()["dice"]["older_minus_young"] < 1


def test_masks_have_the_drawn_dice_and_volume(root):
    frame, truth = datasets.simulate_breast_mri_table(60, seed=3)
    written = json.loads((root / "truth.json").read_text())
    assert written["dice"] == truth["dice"] and written["arguments"]["n"] == 60
    worst = 0.0
    for row in frame.itertuples():
        expert = load(root / "segmentations" / "expert" / f"{row.patient_id.lower()}.nii.gz")
        automatic = load(root / "segmentations" / "automatic" / f"{row.patient_id}.nii.gz")
        assert set(np.unique(expert)) == {0, 1} and expert.shape == SMALL
        dice = 2 * np.sum(expert & automatic) / (expert.sum() + automatic.sum())
        assert (dice == 1) == (row.dice == 1) and (dice == 0) == (row.dice == 0)
        assert abs(dice - row.dice) <= 1 / min(expert.sum(), max(automatic.sum(), 1)) or row.dice == 0
        worst = max(worst, abs(dice - row.dice))
    assert worst == pytest.approx(written["max_dice_deviation"], abs=1e-12)


def test_default_volumes_meet_the_drawn_dice_to_two_hundredths():
    rng = np.random.default_rng(0)
    spacing = (1.7578, 1.7578, 4.0)
    for dice, cc in zip(rng.uniform(0.01, 0.99, 25), np.exp(rng.normal(2.6, 1.1, 25)).clip(0.6, 190), strict=True):
        expert, automatic = masks.pair(
            rng, shape=patients.SHAPE, spacing=spacing, expert_cc=cc, automatic_cc=1.2 * cc, dice=dice
        )
        assert abs(expert.sum() * np.prod(spacing) / 1000 - cc) <= np.prod(spacing) / 1000
        assert abs(2 * np.sum(expert & automatic) / (expert.sum() + automatic.sum()) - dice) < 0.02


def test_contrast_agent_is_taken_up_by_the_tumour(root):
    name = datasets.simulate_breast_mri_table(60, seed=3)[0]["patient_id"][0]
    before, after = (load(root / "images" / name / f"{name.lower()}_000{k}.nii.gz").astype(float) for k in (0, 1))
    tumour = load(root / "segmentations" / "expert" / f"{name.lower()}.nii.gz") > 0
    uptake = after - before
    assert uptake[tumour].mean() > uptake[~tumour].mean() + 100


def test_spacing_is_written_and_anisotropic(root):
    frame, _ = datasets.simulate_breast_mri_table(60, seed=3)
    row = frame.iloc[7]
    image = nib.load(root / "segmentations" / "expert" / f"{row.patient_id.lower()}.nii.gz")
    assert np.allclose(image.header.get_zooms(), [row.pixel_spacing_mm] * 2 + [row.slice_thickness_mm], rtol=1e-6)
    assert row.slice_thickness_mm > 1.5 * row.pixel_spacing_mm
    assert frame["pixel_spacing_mm"].nunique() > 3 and frame["slice_thickness_mm"].nunique() > 3


def test_same_content_whatever_the_number_of_workers(tmp_path):
    one = datasets.simulate_breast_mri(12, seed=5, shape=SMALL, folder=tmp_path / "one")
    two = datasets.simulate_breast_mri(12, seed=5, shape=SMALL, folder=tmp_path / "two", workers=2)
    assert one.name == two.name
    files = sorted(p.relative_to(one) for p in one.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(two) for p in two.rglob("*") if p.is_file())
    for file in files:
        if file.name.endswith(".nii.gz"):
            assert np.array_equal(load(one / file), load(two / file)), file
        elif file.suffix in (".csv", ".json"):
            assert (one / file).read_bytes() == (two / file).read_bytes(), file
    pd.testing.assert_frame_equal(*(pd.read_excel(r / layout.SPREADSHEET) for r in (one, two)))


def test_made_once_and_found_again(root):
    stamp = (root / "truth.json").stat().st_mtime_ns
    assert datasets.simulate_breast_mri(60, seed=3, shape=SMALL, folder=root.parent, workers=2) == root
    assert (root / "truth.json").stat().st_mtime_ns == stamp
    other = datasets.simulate_breast_mri(4, seed=4, shape=(16, 16, 8), images=False, folder=root.parent)
    assert other != root
    assert not list(root.parent.glob(".mama-mia-*")), "nothing is left beside the complete folders"


def test_key_depends_on_the_generator_code(tmp_path, monkeypatch):
    arguments = {"shape": (16, 16, 8), "images": False, "folder": tmp_path}
    first = datasets.simulate_breast_mri(3, **arguments)
    monkeypatch.setattr("helpers.keep.fingerprint.made_by", lambda *things: "other code")
    assert datasets.simulate_breast_mri(3, **arguments) != first


@pytest.mark.slow
def test_a_killed_run_leaves_nothing_under_the_final_name(tmp_path):
    code = "from helpers import datasets; datasets.simulate_breast_mri(400, seed=1, shape=(32, 32, 16), folder={!r})"
    process = subprocess.Popen([sys.executable, "-c", code.format(str(tmp_path))])
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list(tmp_path.glob(".mama-mia-*/segmentations/automatic/*")):
        assert process.poll() is None, "ended before it could be killed"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert list(tmp_path.glob(".mama-mia-*/segmentations/automatic/*")), "it was killed in the middle"
    assert not list(tmp_path.glob("mama-mia-*"))


def test_two_runs_at_once_meet_in_one_complete_folder(tmp_path):
    code = (
        f"from helpers import datasets; "
        f"print(datasets.simulate_breast_mri(30, shape=(16, 16, 8), folder={str(tmp_path)!r}))"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = {run.communicate(timeout=90)[0].strip() for run in runs}
    assert [run.returncode for run in runs] == [0, 0] and len(outputs) == 1
    assert [p.name for p in tmp_path.iterdir()] == [Path(outputs.pop()).name]


def test_scored_masks_joined_to_the_loaded_cohort_give_back_the_table(root, tmp_path):
    from helpers import datasets, scores

    scored, _ = scores.score_folders(*datasets.masks(root), keep=tmp_path / "kept", progress=False, workers=1)
    frame, _ = datasets.join_scores(datasets.load_mama_mia(root)[0], scored, where="masks")
    drawn, _ = datasets.simulate_breast_mri_table(60, seed=3)
    tolerance = json.loads((root / "truth.json").read_text())["max_dice_deviation"]
    assert list(frame["patient_id"]) == list(drawn["patient_id"])
    assert (frame["dice"] - drawn["dice"]).abs().max() <= tolerance + 1e-9
    assert ((frame["dice"] == 0) == (drawn["dice"] == 0)).all() and ((frame["dice"] == 1) == (drawn["dice"] == 1)).all()
