"""Images and masks of a patient, from disk to what a network reads."""

import nibabel as nib
import numpy as np
import pytest

from helpers import datasets
from helpers.errors import InputError


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return datasets.simulate_breast_mri(4, seed=8, shape=(32, 40, 12), folder=tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def patient(root):
    return datasets.load_mama_mia(root)[0]["patient_id"].iloc[0]


def test_a_volume_keeps_grid_and_enhancement(root, patient):
    volume = datasets.load_volume(root, patient.lower())
    assert volume.image.shape == (2, 32, 40, 12)
    assert volume.image.dtype == np.float32
    assert volume.expert.dtype == volume.automatic.dtype == bool
    assert volume.expert.any()
    file = next(p for p in (root / "images" / patient).iterdir() if "_0000" in p.name)
    assert volume.spacing == pytest.approx(nib.load(file).header.get_zooms())
    inside = volume.image[1][volume.expert].mean()
    assert inside > volume.image[1][~volume.expert].mean() + 1  # tumours enhance more than the rest


def test_phases_share_one_scale(root, patient):
    """Mean and SD are those of all phases together, so the difference of the phases is that of the raw values."""
    volume = datasets.load_volume(root, patient)
    files = sorted((root / "images" / patient).iterdir())
    before, after = (np.asarray(nib.load(f).dataobj, float) for f in files)
    both = np.stack([before, after])
    assert np.allclose(volume.image[0], (after - both.mean()) / both.std(), atol=1e-4)
    assert np.allclose(volume.image[1], (after - before) / both.std(), atol=1e-4)


def test_resampling_keeps_place_and_volume(root, patient):
    volume = datasets.load_volume(root, patient)
    fine = datasets.resample(volume, 1.0)
    assert fine.spacing == (1.0, 1.0, 1.0)
    extent = np.array(volume.expert.shape) * volume.spacing
    assert np.abs(np.array(fine.expert.shape) - extent).max() <= 0.5
    cc = volume.expert.sum() * np.prod(volume.spacing) / 1000
    assert fine.expert.sum() / 1000 == pytest.approx(cc, rel=0.1)
    centre = (np.argwhere(volume.expert) + 0.5).mean(axis=0) * volume.spacing
    assert np.allclose((np.argwhere(fine.expert) + 0.5).mean(axis=0), centre, atol=0.6)
    back = datasets.to_grid(fine.expert.astype(float), volume.expert.shape) >= 0.5
    overlap = 2 * (back & volume.expert).sum() / (back.sum() + volume.expert.sum())
    assert overlap > 0.85


@pytest.mark.parametrize("size", [16, 24, 64])
def test_the_largest_slice_is_a_square_around_the_tumour(root, patient, size):
    volume = datasets.load_volume(root, patient)
    image, expert, automatic = datasets.largest_slice(volume, size)
    assert image.shape == (2, size, size)
    assert expert.shape == automatic.shape == (size, size)
    areas = volume.expert.sum(axis=(0, 1))
    if size >= 40:
        assert expert.sum() == areas.max()
    middle = np.argwhere(expert).mean(axis=0)
    assert ((middle > 0.1 * size) & (middle < 0.9 * size)).all()


def test_folds_hold_each_stratum_evenly():
    strata = np.repeat(["Young", "Middle", "Older"], [20, 40, 30])
    fold = datasets.folds(strata, n=5, seed=1)
    for stratum in np.unique(strata):
        counts = np.bincount(fold[strata == stratum], minlength=5)
        assert counts.max() - counts.min() <= 1
    assert (fold == datasets.folds(strata, n=5, seed=1)).all()
    assert (fold != datasets.folds(strata, n=5, seed=2)).any()


def damaged(root, tmp_path, patient):
    """A copy of the data set of one patient."""
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    return copy, copy / "images" / patient, next((copy / "segmentations" / "expert").glob(f"{patient.lower()}*"))


def test_what_is_wrong_with_a_patient_is_said(root, patient, tmp_path):
    copy, images, expert = damaged(root, tmp_path, patient)
    with pytest.raises(InputError, match="no folder for NOBODY"):
        datasets.load_volume(copy, "NOBODY")
    mask = nib.load(expert)
    voxels = np.asarray(mask.dataobj)
    nib.save(nib.Nifti1Image(voxels * 2, mask.affine), expert)
    with pytest.raises(InputError, match="other than 0 and 1"):
        datasets.load_volume(copy, patient)
    nib.save(nib.Nifti1Image(voxels[1:], mask.affine), expert)
    with pytest.raises(InputError, match=r"the shapes differ: \(32, 40, 12\) and \(31, 40, 12\)"):
        datasets.load_volume(copy, patient)
    expert.unlink()
    with pytest.raises(InputError, match=f"no mask of {patient}"):
        datasets.load_volume(copy, patient)
    first = next(p for p in images.iterdir() if "_0001" in p.name)
    first.write_bytes(first.read_bytes()[:200])
    with pytest.raises(InputError, match="truncated"):
        datasets.load_volume(copy, patient)
    first.unlink()
    with pytest.raises(InputError, match=r"holds phases \[0\], expected 0 and 1"):
        datasets.load_volume(copy, patient)


TURN = np.array([[np.cos(0.4), -np.sin(0.4), 0], [np.sin(0.4), np.cos(0.4), 0], [0, 0, 1]])  # 23 degrees
AXIS = np.roll(np.eye(3), 1, axis=0)
# Matrices that are applied to the positions of a patient's voxels, and whether axes stay at right angles.
GRIDS = {
    "turned": (TURN, True),
    "turned twice": (TURN @ AXIS @ TURN, True),
    "axes exchanged": (AXIS, True),
    "mirrored": (np.diag([-1, 1, 1]), True),
    "sheared": (np.array([[1, 0, 0], [0, 1, np.tan(np.radians(20))], [0, 0, 1]]), False),
    "sheared by one degree": (np.array([[1, np.tan(np.radians(1)), 0], [0, 1, 0], [0, 0, 1]]), False),
    "sheared and turned": (TURN @ np.array([[1, 0, 0.3], [0, 1, 0], [0, 0, 1]]), False),
}


@pytest.mark.parametrize("kind", GRIDS)
def test_a_turned_grid_keeps_voxels_and_a_sheared_one_is_refused(kind, root, patient, tmp_path):
    matrix, right = GRIDS[kind]
    copy, images, expert = damaged(root, tmp_path, patient)
    before = datasets.load_volume(copy, patient)
    masks = [p for p in (copy / "segmentations" / "automatic").iterdir() if patient.lower() in p.name.lower()]
    for file in (*images.iterdir(), expert, *masks):
        image = nib.load(file)
        affine = image.affine.copy()
        affine[:3] = matrix @ affine[:3]
        nib.save(nib.Nifti1Image(np.asarray(image.dataobj), affine), file)
    if not right:
        with pytest.raises(InputError, match=r"not at right angles, .*\. Resample images and masks"):
            datasets.load_volume(copy, patient)
        return
    after = datasets.load_volume(copy, patient)
    assert all(np.array_equal(a, b) for a, b in zip(before[:3], after[:3], strict=True))
    assert after.spacing == pytest.approx(before.spacing, rel=1e-6)
    assert np.prod(after.spacing) == pytest.approx(np.prod(before.spacing), rel=1e-6)


def test_folds_need_enough_of_each_stratum():
    with pytest.raises(InputError, match="Young has 1 patient"):
        datasets.folds(np.array(["Young", *["Older"] * 9]), n=2, seed=0)
    with pytest.raises(InputError, match="2 or more"):
        datasets.folds(np.array(["Older"] * 9), n=1, seed=0)
