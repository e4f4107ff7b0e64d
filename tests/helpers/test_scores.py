"""Masks of two folders to scores: values, resuming, killed runs, bad files."""

import gzip
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

from helpers import metrics, paths
from helpers.errors import InputError
from helpers.scores import COLUMNS, score_folders
from helpers.scores import folders as scoring
from helpers.scores import kept as kept_cases
from helpers.studies.biased_ruler import shapes

SPACING = (0.8, 0.9, 2.0)
SHAPE = (20, 18, 12)


def write(path: Path, mask: np.ndarray, spacing=SPACING, origin=(0, 0, 0), affine=None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if affine is None:
        affine = np.diag([*spacing, 1.0])
        affine[:3, 3] = origin
    nib.save(nib.Nifti1Image(mask, affine), path)
    return path


def tumour(seed: int, shape=SHAPE, value=1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    grid = np.indices(shape)
    centre = rng.uniform(0.35, 0.65, 3) * shape
    distance = sum(((g - c) * s) ** 2 for g, c, s in zip(grid, centre, SPACING, strict=True))
    return ((distance < rng.uniform(3, 5) ** 2) * value).astype(np.uint8)


@pytest.fixture
def folders(tmp_path):
    """Six cases, one of them missed, and one mask on each side without a partner."""
    expert, predicted = tmp_path / "expert", tmp_path / "predicted"
    for i in range(6):
        write(expert / f"case_{i:03d}.nii.gz", tumour(i))
        write(predicted / f"CASE_{i:03d}.nii{'.gz' * (i % 2)}", tumour(i + 50, value=255) * (i != 3))
    write(expert / "CASE_100.nii.gz", tumour(7))
    write(predicted / "CASE_200.nii.gz", tumour(8))
    (expert / "notes.txt").write_text("no mask")
    (predicted / "._case_000.nii.gz").write_text("a file manager's leftover")
    return expert, predicted, tmp_path / "kept.jsonl"


def score(folders, **settings):
    expert, predicted, keep = folders
    return score_folders(expert, predicted, **{"keep": keep, "workers": 1, "progress": False, **settings})


@pytest.fixture
def scored(monkeypatch):
    """Names of the cases that are scored in this process."""
    names, original = [], scoring._score

    def spy(name, *rest):
        names.append(name)
        return original(name, *rest)

    monkeypatch.setattr(scoring, "_score", spy)
    return names


def test_values_are_those_of_metrics(folders):
    frame, dropped = score(folders)
    assert tuple(frame.columns) == COLUMNS
    assert frame["patient_id"].tolist() == [f"CASE_{i:03d}" for i in range(6)]
    for i, row in frame.iterrows():
        wanted = metrics.scores(tumour(i), tumour(i + 50) * (i != 3), spacing=SPACING)
        assert row["status"] == wanted.pop("status")
        assert {name: row[name] for name in wanted} == pytest.approx(wanted, rel=1e-6)
    missed = frame.iloc[3]
    assert (missed["status"], missed["dice"], missed["nsd"]) == ("missed", 0, 0)
    assert missed["hd95"] == pytest.approx(np.linalg.norm(np.multiply(SHAPE, SPACING)), rel=1e-6)
    assert dropped.set_index("table")["n"].to_dict() == {"expert masks": 1, "predicted masks": 1, "scores": 1}
    assert list(dropped.columns) == ["table", "reason", "n"]


def test_processes_and_bar_change_nothing(folders, capfd):
    alone = score(folders)[0]
    together = score(folders, workers=2, keep=folders[2].with_name("other.jsonl"), progress=True)[0]
    pd.testing.assert_frame_equal(alone, together)
    shown = capfd.readouterr()
    assert shown.out == "" and "6/6" in shown.err


def test_second_call_scores_nothing(folders, scored):
    first, _ = score(folders)
    assert len(scored) == 6
    again, _ = score(folders)
    assert len(scored) == 6
    pd.testing.assert_frame_equal(first, again)


def test_changed_file_or_setting_is_scored_again(folders, scored):
    score(folders)
    expert, predicted, _ = folders
    write(predicted / "CASE_002.nii", tumour(99))
    os.utime(expert / "case_004.nii.gz", ns=(1, 1))
    scored.clear()
    frame, _ = score(folders)
    assert scored == ["case_002", "case_004"]
    assert frame["dice"][2] == pytest.approx(metrics.dice(tumour(2), tumour(99)))
    scored.clear()
    score(folders)
    assert scored == []
    score(folders, tolerance=1.0)
    assert len(scored) == 6
    score(folders)  # the first setting's cases are still kept in the same file
    assert len(scored) == 6


def test_torn_line_is_no_result(folders, scored):
    first, _ = score(folders)
    keep = folders[2]
    whole = keep.read_bytes()
    for cut in (1, 2, 30, 200):
        keep.write_bytes(whole[:-cut])
        scored.clear()
        frame, _ = score(folders)
        assert len(scored) <= 1 + (cut == 200)
        pd.testing.assert_frame_equal(frame, first)
        scored.clear()
        score(folders)
        assert scored == []
    keep.write_bytes(b"\x00\xff not json\n[]\n{}\n" + json.dumps({"name": "case_000"}).encode())
    scored.clear()
    pd.testing.assert_frame_equal(score(folders)[0], first)
    assert len(scored) == 6


SLOW = """
import sys, time
import helpers.scores.folders as scores
original = scores._score
def slow(name, *rest):
    time.sleep(0.15)
    return original(name, *rest)
scores._score = slow
scores.score_folders(sys.argv[1], sys.argv[2], keep=sys.argv[3], workers=1, progress=False)
"""


def test_killed_run_is_resumed(folders, scored):
    keep = folders[2]
    process = subprocess.Popen([sys.executable, "-c", SLOW, *map(str, folders)])
    deadline = time.monotonic() + 60
    while not keep.exists() or keep.read_bytes().count(b"\n") < 2:
        assert process.poll() is None and time.monotonic() < deadline, "the run ended before it could be killed"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    finished = keep.read_bytes().count(b"\n")
    assert 2 <= finished < 6
    frame, _ = score(folders)
    assert len(scored) == 6 - finished
    pd.testing.assert_frame_equal(frame, score(folders, keep=keep.with_name("fresh.jsonl"))[0])


def test_killed_parallel_run_leaves_whole_cases_and_no_process(folders, scored):
    pids = folders[2].with_name("pids")
    pids.mkdir()
    script = (
        "import os, sys, time\n"
        "import helpers.scores.folders as scores\n"
        "original = scores._score\n"
        "def slow(*job):\n"
        f"    open({str(pids)!r} + '/' + str(os.getpid()), 'w').close()\n"
        "    time.sleep(0.3)\n"
        "    return original(*job)\n"
        "scores._score = slow\n"
        "scores.score_folders(*sys.argv[1:3], keep=sys.argv[3], workers=2, progress=False)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, *map(str, folders)])
    deadline = time.monotonic() + 60
    while not folders[2].exists() or folders[2].read_bytes().count(b"\n") < 1:
        assert process.poll() is None and time.monotonic() < deadline, "the run ended before it could be killed"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = folders[2].read_bytes().count(b"\n")
    workers = [int(path.name) for path in pids.iterdir()]
    assert workers and process.pid not in workers
    while any(alive(pid) for pid in workers):
        assert time.monotonic() < deadline, "a worker outlived the run"
        time.sleep(0.05)
    score(folders)
    assert len(scored) == 6 - finished


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_default_keep_is_under_the_data_folder(folders, tmp_path, monkeypatch, scored):
    monkeypatch.setattr(paths, "data", lambda: tmp_path / "data")
    expert, predicted, _ = folders
    for tolerance in (2.0, 2.0, 1.0):
        score_folders(expert, predicted, workers=1, progress=False, tolerance=tolerance)
    assert len(list((tmp_path / "data" / "scores").iterdir())) == 2
    assert len(scored) == 12


def test_any_names_and_double_endings(tmp_path):
    for name, other in [("lesion.v2.nii", "Lesion.V2.NII.GZ"), ("ISPY2_000000.nii.gz", "ispy2_000000.nii")]:
        write(tmp_path / "a" / name, tumour(1))
        path = write(tmp_path / "b" / other.lower(), tumour(1))
        path.rename(path.with_name(other))
    frame, dropped = score_folders(tmp_path / "a", tmp_path / "b", keep=tmp_path / "k", workers=1, progress=False)
    assert frame["patient_id"].tolist() == ["ISPY2_000000", "LESION.V2"]
    assert frame["dice"].tolist() == [1, 1] and dropped.empty


def test_oblique_and_flipped_axes_keep_their_voxel_size(tmp_path):
    turn = np.array([[0, -0.8, 0, 5], [0.6, 0, 1.6, -9], [0.8, 0, -1.2, 3], [0, 0, 0, 1]])  # columns 1.0, 0.8, 2.0 mm
    for folder, seed in (("a", 1), ("b", 2)):
        write(tmp_path / folder / "case.nii.gz", tumour(seed), affine=turn)
    frame, _ = score_folders(tmp_path / "a", tmp_path / "b", keep=tmp_path / "k", workers=1, progress=False)
    assert frame["hd95"][0] == pytest.approx(metrics.hd95(tumour(1), tumour(2), spacing=(1.0, 0.8, 2.0)), rel=1e-5)


# -- bad input: every other case is finished, then the bad one is named


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flatten(path: Path) -> None:
    """A header whose affine maps all voxels to one plane."""
    image = nib.Nifti1Image(tumour(1), np.diag([*SPACING, 1.0]))
    image.header["srow_z"] = 0
    image.header["sform_code"], image.header["qform_code"] = 2, 0
    path.write_bytes(gzip.compress(image.header.binaryblock + b"\0" * 4 + tumour(1).tobytes(order="F")))


BAD = {
    "shape": (
        lambda p: write(p, np.ones((20, 18, 13), "u1"), origin=(0, 0, 0.5)),
        r"case_001.*CASE_001.*shapes differ: \(20, 18, 12\) and",
    ),
    "voxel size": (lambda p: write(p, tumour(1), (0.8, 0.9, 2.1)), "case_001.*CASE_001.* 0.9 x 2 and 0.8 x 0.9 x 2.1"),
    "origin": (lambda p: write(p, tumour(1), origin=(0, 0, 0.5)), "case_001.*CASE_001.*affines differ.*0.5 mm apart"),
    "flip": (lambda p: write(p, tumour(1), affine=np.diag([-0.8, 0.9, 2, 1])), "affines differ.*32 mm apart"),
    "labels": (lambda p: write(p, tumour(1) + tumour(2)), "CASE_001.*binary mask.*0, 1, 2"),
    "probabilities": (lambda p: write(p, np.linspace(0, 1, 4320).reshape(SHAPE).astype("f4")), "CASE_001.*binary"),
    "nan": (lambda p: write(p, np.where(tumour(1), np.nan, 0).astype("f4")), "CASE_001.*binary.*nan"),
    "four dimensions": (lambda p: write(p, tumour(1)[..., None].repeat(2, 3)), "CASE_001.*three-dimensional"),
    "truncated": (truncate, "CASE_001.*truncated or not a NIfTI"),
    "empty file": (lambda p: p.write_bytes(b""), "CASE_001.*truncated or not a NIfTI"),
    "text": (lambda p: p.write_text("mask"), "CASE_001.*truncated or not a NIfTI"),
    "text in gzip": (lambda p: p.write_bytes(gzip.compress(b"mask" * 500)), "CASE_001.*truncated or not a NIfTI"),
    "no voxel size": (lambda p: flatten(p), "CASE_001.*no usable affine"),
    "dangling link": (lambda p: (p.unlink(), p.symlink_to("nowhere")), "CASE_001.*truncated or not a NIfTI"),
}


@pytest.mark.parametrize("what", BAD)
def test_one_bad_case_loses_no_other(folders, scored, what):
    spoil, message = BAD[what]
    spoil(folders[1] / "CASE_001.nii.gz")
    with pytest.raises(InputError, match=message) as caught:
        score(folders)
    assert "5 other cases are finished and kept" in str(caught.value)
    assert len(folders[2].read_bytes().splitlines()) == 5
    (folders[1] / "CASE_001.nii.gz").unlink()
    write(folders[1] / "CASE_001.nii.gz", tumour(51))
    scored.clear()
    assert len(score(folders)[0]) == 6 and scored == ["case_001"]


def test_several_bad_cases_are_all_named(folders):
    truncate(folders[0] / "case_001.nii.gz")
    truncate(folders[1] / "CASE_005.nii.gz")
    with pytest.raises(InputError, match=r"case_001.nii.gz.*1 more cases? cannot be.*case_005.*4 other") as caught:
        score(folders, workers=2)
    assert caught.value.__cause__ is None and "Traceback" not in str(caught.value)


@pytest.mark.parametrize("name", ["expert", "predicted"])
def test_missing_folder(folders, name):
    gone = folders[0].with_name("gone")
    pair = {"expert": folders[0], "predicted": folders[1], name: gone}
    with pytest.raises(InputError, match=f"{name} = .*gone: there is no such folder"):
        score_folders(**pair, keep=folders[2])


def test_no_matching_names(folders, tmp_path):
    write(tmp_path / "else" / "other.nii.gz", tumour(0))
    with pytest.raises(InputError, match=r"\(7 expert masks found, 1 predicted\)"):
        score((folders[0], tmp_path / "else", folders[2]))


def test_two_masks_of_one_case(folders):
    write(folders[0] / "CASE_000.nii", tumour(0))
    with pytest.raises(InputError, match="two masks of one case"):
        score(folders)


@pytest.mark.parametrize("keep", ["notes.txt/kept.jsonl", "."])
def test_keep_that_cannot_be_written(folders, keep):
    with pytest.raises(InputError, match=r"keep = .*finished cases cannot be written"):
        score(folders, keep=folders[0] / keep)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_keep_on_a_full_disk(folders, monkeypatch):
    monkeypatch.setattr(kept_cases, "open_end", lambda file: Path("/dev/full").open("wb", buffering=0))  # noqa: SIM115
    with pytest.raises(InputError, match=r"keep = .*No space left"):
        score(folders)


@pytest.mark.parametrize("settings", [{"workers": 0}, {"workers": 1.5}, {"tolerance": -1}, {"tolerance": "wide"}])
def test_bad_settings(folders, settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        score(folders, **settings)


def test_worker_ended_from_outside_is_said(folders, monkeypatch):
    monkeypatch.setattr(scoring, "_score", killed)
    with pytest.raises(InputError, match=r"workers = 2.*ended from outside"):
        score(folders, workers=2)


def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def ellipsoid(*radii: float) -> np.ndarray:
    """Mask with these radii in mm, large enough to be smoothed by a voxel's length."""
    middle = [(n - 1) / 2 for n in SHAPE]
    parts = zip(np.indices(SHAPE), middle, SPACING, radii, strict=True)
    return (sum(((g - c) * s / r) ** 2 for g, c, s, r in parts) < 1).astype(np.uint8)


def test_shapes_are_those_of_metrics_in_the_order_asked_for(tmp_path):
    masks = {f"CASE_{i:03d}": ellipsoid(5 + i, 6, 7) for i in range(3)}
    for name, mask in masks.items():
        write(tmp_path / "segmentations" / "expert" / f"{name.lower()}.nii.gz", mask)
    asked = ["CASE_002", "CASE_000"]
    table = shapes(tmp_path, asked)
    assert list(table) == ["volume_cc", "sphericity", "elongation", "surface_to_volume"] and len(table) == 2
    for (_, row), name in zip(table.iterrows(), asked, strict=True):
        expected = metrics.shape(masks[name], spacing=SPACING, smooth=2.0)
        assert row.to_dict() == pytest.approx({key: expected[key] for key in table}, rel=1e-5)
    assert table["volume_cc"].nunique() == 2


def test_masks_without_a_form_have_a_row_of_nan(tmp_path):
    voxel = np.zeros(SHAPE, np.uint8)
    voxel[9, 9, 5] = 1  # nothing of it is left when it is smoothed
    for name, mask in {"empty": np.zeros(SHAPE, np.uint8), "whole": ellipsoid(6, 6, 6), "voxel": voxel}.items():
        write(tmp_path / "segmentations" / "expert" / f"{name}.nii.gz", mask)
    table = shapes(tmp_path, ["empty", "whole", "voxel"])
    assert table.isna().all(axis=1).tolist() == [True, False, True]
    assert table.loc[1].notna().all() and all(dtype.kind == "f" for dtype in table.dtypes)
    assert shapes(tmp_path, ["empty"]).shape == (1, 4)


def test_shapes_of_masks_that_are_missing_broken_or_not_binary_are_refused(tmp_path):
    expert = tmp_path / "segmentations" / "expert"
    write(expert / "whole.nii.gz", ellipsoid(6, 6, 6))
    write(expert / "two.nii.gz", ellipsoid(6, 6, 6) + ellipsoid(4, 4, 4))
    (expert / "broken.nii.gz").write_bytes((expert / "whole.nii.gz").read_bytes()[:60])
    with pytest.raises(InputError, match="no mask of absent"):
        shapes(tmp_path, ["whole", "absent"])
    with pytest.raises(InputError, match=r"broken\.nii\.gz"):
        shapes(tmp_path, ["whole", "broken"])
    with pytest.raises(InputError, match=r"two\.nii\.gz: expected a binary mask"):
        shapes(tmp_path, ["whole", "two"])
