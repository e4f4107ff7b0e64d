"""Slices of FLAIR images: which, how they are scaled, what their masks are, and files that cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers import datasets
from helpers.errors import InputError

SHAPE = (20, 24, 10)
# Slices whose middle lies between 60/155 and 131/155 of the height of ten.
TAKEN = [4, 5, 6, 7]


def save(values: np.ndarray, path: Path, affine: np.ndarray | None = None) -> str:
    nib.save(nib.Nifti1Image(values, np.eye(4) if affine is None else affine), path)
    return str(path)


def voxels(path: str) -> np.ndarray:
    return np.asarray(nib.load(path).dataobj).copy()


@pytest.fixture
def cases(tmp_path) -> pd.DataFrame:
    """Two exams of noise, with a box of each label."""
    rng = np.random.default_rng(0)
    rows = []
    for exam in ("a", "b"):
        image = rng.integers(0, 1000, SHAPE).astype(np.int16)
        mask = np.zeros(SHAPE, np.uint8)
        mask[2:8, 4:12], mask[4:6, 6:10], mask[10:14, 12:20] = 2, 1, 4
        flair, segmentation = (
            save(image, tmp_path / f"{exam}_FLAIR.nii.gz"),
            save(mask, tmp_path / f"{exam}_seg.nii.gz"),
        )
        rows.append((exam, exam, flair, segmentation, "F"))
    return pd.DataFrame(rows, columns=["exam", "patient_id", "flair", "segmentation", "sex"])


def load(cases: pd.DataFrame, size: int = 24, **options) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    return datasets.load_flair_slices(cases, size, progress=False, **options)


def change(path: str, how: Callable[[np.ndarray], None]) -> None:
    values = voxels(path)
    how(values)
    save(values, Path(path))


def test_frame_images_and_masks_belong_together(cases):
    slices, images, masks = load(cases)
    assert list(slices) == ["exam", "patient_id", "slice", "sex"]
    assert slices["exam"].tolist() == ["a"] * 4 + ["b"] * 4 and slices["slice"].tolist() == TAKEN * 2
    assert (images.shape, images.dtype) == ((8, 1, 24, 24), np.float32)
    assert (masks.shape, masks.dtype, set(np.unique(masks))) == ((8, 1, 24, 24), np.uint8, {0, 1})
    alone, first, _ = load(cases[1:])
    assert alone["exam"].tolist() == ["b"] * 4 and (first == images[4:]).all()


def test_a_slice_is_scaled_by_its_own_range_and_stands_upright(cases, tmp_path):
    image = voxels(cases["flair"][0])[:, :20].astype(float)
    cases.loc[0, "flair"] = save(image, tmp_path / "square.nii.gz")
    mask = voxels(cases["segmentation"][0])[:, :20]
    cases.loc[0, "segmentation"] = save(mask, tmp_path / "mask.nii.gz")
    _, images, masks = load(cases[:1], 20)
    for k, found, seen in zip(TAKEN, images[:, 0], masks[:, 0], strict=True):
        plane = image[:, :, k].T
        assert found == pytest.approx((plane - plane.min()) / (plane.max() - plane.min()), abs=1e-6)
        assert (found.min(), found.max()) == (0, 1)
        assert (seen == np.isin(mask[:, :, k].T, (1, 2))).all()


@pytest.mark.parametrize(
    ("depth", "options", "expected"),
    [
        (155, {}, range(60, 131)),
        (155, {"first": 70, "last": 70}, [70]),
        (16, {}, range(6, 14)),
        (16, {"first": 3, "last": 4, "depth": 16}, [3, 4]),
        (16, {"first": 0, "last": 154}, range(16)),
    ],
)
def test_slices_are_those_of_the_same_part_of_the_height(tmp_path, depth, options, expected):
    rng = np.random.default_rng(1)
    paths = [save(v, tmp_path / f"{i}.nii.gz") for i, v in enumerate(rng.integers(0, 2, (2, 4, 4, depth), np.uint8))]
    cases = pd.DataFrame({"exam": ["a"], "patient_id": ["a"], "flair": paths[:1], "segmentation": paths[1:]})
    slices, _, _ = load(cases, 4, **options)
    assert slices["slice"].tolist() == list(expected)


def test_targets_are_their_labels(cases):
    counts = {t: load(cases[:1], target=t)[2][0].sum() for t in ("core_and_edema", "whole", "enhancing")}
    assert counts["whole"] == counts["core_and_edema"] + counts["enhancing"]
    _, _, default = load(cases[:1])
    assert default[0].sum() == counts["core_and_edema"] > counts["enhancing"] > 0


def test_resizing_averages_images_and_takes_the_greater_half_of_masks(cases):
    for path in cases["segmentation"]:
        change(path, lambda v: v.fill(0))
        change(path, lambda v: v.__setitem__((slice(0, 10), slice(0, 12)), 1))
    _, images, masks = load(cases, 10)
    image = voxels(cases["flair"][0])[:, :, TAKEN[0]].T.astype(np.float32)
    scaled = Image.fromarray((image - image.min()) / np.ptp(image))
    expected = np.asarray(scaled.resize((10, 10), Image.Resampling.BILINEAR))
    assert images[0, 0] == pytest.approx(expected, abs=1e-6) and images[0].std() < 0.75 * np.asarray(scaled).std()
    corner = np.zeros((10, 10))
    corner[:5, :5] = 1
    assert (masks[:, 0] == corner).all()
    enlarged = load(cases, 40)[2]
    assert enlarged[0, 0].sum() == 400 and enlarged.dtype == np.uint8


def test_the_number_of_workers_changes_nothing(cases):
    one, two = load(cases), load(cases, workers=2)
    pd.testing.assert_frame_equal(one[0], two[0])
    assert (one[1] == two[1]).all() and (one[2] == two[2]).all()


# Files that cannot be used


def test_image_and_segmentation_of_different_grids_are_named(cases, tmp_path):
    smaller = voxels(cases["segmentation"][1])[:-1]
    cases.loc[1, "segmentation"] = save(smaller, tmp_path / "smaller.nii.gz")
    with pytest.raises(InputError, match=r"b_FLAIR.nii.gz and smaller.nii.gz: the shapes differ"):
        load(cases)
    moved = voxels(cases["segmentation"][0])
    cases.loc[1, "segmentation"] = save(moved, tmp_path / "moved.nii.gz", np.diag([2.0, 1, 1, 1]))
    with pytest.raises(InputError, match=r"moved.nii.gz: the voxel sizes differ"):
        load(cases)


def test_a_label_of_three_is_named(cases):
    change(cases["segmentation"][1], lambda v: v.__setitem__((0, 0, 0), 3))
    with pytest.raises(InputError, match=r"b_seg.nii.gz: holds the value 3, expected 0, 1, 2 and 4"):
        load(cases)


def test_labels_near_whole_numbers_are_those(cases):
    _, _, before = load(cases)
    values = (voxels(cases["segmentation"][1]) * 0.9999999).astype(np.float32)
    save(values, Path(cases["segmentation"][1]))
    assert (values % 1).any() and np.array_equal(load(cases)[2], before)


def test_the_unit_of_length_of_a_file_is_applied(cases):
    image = nib.Nifti1Image(voxels(cases["segmentation"][1]), np.diag([1000.0, 1000, 1000, 1]))
    image.header.set_xyzt_units("micron")
    nib.save(image, cases["segmentation"][1])
    assert len(load(cases)[0]) == 2 * len(TAKEN)


def test_a_file_that_is_cut_off_or_missing_is_named(cases):
    path = Path(cases["flair"][1])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"b_FLAIR.nii.gz: is truncated or not a NIfTI file"):
        load(cases)
    path.unlink()
    with pytest.raises(InputError, match=r"b_FLAIR.nii.gz"):
        load(cases)


def test_a_slice_without_a_scale_is_named(cases):
    change(cases["flair"][0], lambda v: v.__setitem__((..., TAKEN[0] - 1), 7))
    load(cases)  # a constant slice that is not taken does no harm
    change(cases["flair"][0], lambda v: v.__setitem__((..., TAKEN[1]), 7))
    with pytest.raises(InputError, match=r"a_FLAIR.nii.gz, slice 5: has the value 7 everywhere"):
        load(cases)


def test_values_that_are_not_finite_are_named(cases, tmp_path):
    image = voxels(cases["flair"][0]).astype(np.float32)
    image[3, 3, TAKEN[2]] = np.nan
    cases.loc[0, "flair"] = save(image, tmp_path / "nan.nii.gz")
    with pytest.raises(InputError, match=r"nan.nii.gz, slice 6: holds values that are not finite"):
        load(cases)


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"size": 0}, "size"),
        ({"size": 2.5}, "size"),
        ({"target": "tumour"}, "target"),
        ({"first": 131}, "first, last, depth"),
        ({"last": 155}, "first, last, depth"),
        ({"first": -1}, "first, last, depth"),
    ],
)
def test_arguments_out_of_range_are_refused(cases, options, where):
    with pytest.raises(InputError) as error:
        load(cases, **options)
    assert error.value.where == where


def test_no_cases_and_no_slices_are_refused(cases):
    with pytest.raises(InputError, match="there is no case"):
        load(cases[:0])
    with pytest.raises(InputError, match="no slice of 10 is between first and last"):
        load(cases, first=60, last=60)
