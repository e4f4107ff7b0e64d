"""Two masks on one grid: flipped, permuted and cropped axes, and the planes of DICOM segmentations."""

import itertools

import numpy as np
import pytest

from helpers.errors import InputError
from helpers.scores import read_pair, score_folders
from tests.helpers import mask_files as write
from tests.helpers.mask_files import AFFINE, TILTED, A, B

SPACING = (0.7, 0.7, 2.0)
BOX = (slice(9, 30), slice(8, 27), slice(2, 21))  # holds the foreground of both masks


def turned(values, affine, order, flips):
    """Permute and flip the axes of a volume; its positions stay the same."""
    values, affine = values.transpose(order), affine[:, [*order, 3]].copy()
    for axis in flips:
        affine[:, 3] += (values.shape[axis] - 1) * affine[:, axis]
        affine[:, axis] *= -1
        values = np.flip(values, axis)
    return values, affine


def cropped(values, affine, box=BOX):
    affine = affine.copy()
    affine[:, 3] = affine @ [*(part.start or 0 for part in box), 1]
    return values[box], affine


def pair(folder, first, second):
    """Write two masks, each its values, affine and name, and read them on one grid."""
    for side, (values, affine, name) in (("e", first), ("p", second)):
        WRITERS[name](folder / side / name, values, affine)
    return read_pair(folder / "e" / first[2], folder / "p" / second[2])


WRITERS = {
    "c.nii": write.nifti,
    "c.mha": write.itk,
    "c.seg.nrrd": lambda p, v, a: write.nrrd(p, [v], write.slicer(("tumour", 1, 0)), a),
    "c.dcm": lambda p, v, a: write.seg(p, {"tumour": v}, a, order=np.random.default_rng(1)),
}
FLIPS = [(), (0,), (1, 2), (0, 1, 2)]


@pytest.mark.parametrize("affine", [AFFINE, TILTED], ids=["straight", "tilted"])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_flipped_and_permuted_axes_are_those_of_the_expert_mask(tmp_path, order, affine):
    for flips in FLIPS:
        first, second, spacing = pair(tmp_path, (A, affine, "c.nii"), (*turned(B, affine, order, flips), "c.nii"))
        assert np.array_equal(first, A) and np.array_equal(second, B)
        assert spacing == pytest.approx(SPACING, rel=1e-6)


@pytest.mark.parametrize(("expert", "predicted"), list(itertools.product(WRITERS, WRITERS)))
def test_a_mask_that_was_cropped_is_filled(tmp_path, expert, predicted):
    """A turned and cropped prediction of any format: foreground is at the same positions."""
    part = cropped(*turned(B, AFFINE, (2, 0, 1), (1,)), (slice(2, 21), slice(9, 30), slice(8, 27)))
    first, second, spacing = pair(tmp_path, (A, AFFINE, expert), (*part, predicted))
    assert spacing == pytest.approx(SPACING, rel=1e-6)
    assert first.astype(bool).sum() == A.sum() and second.astype(bool).sum() == B.sum()
    assert (first.astype(bool) & second.astype(bool)).sum() == (A & B).sum()
    moved = np.argwhere(second).mean(axis=0) - np.argwhere(first).mean(axis=0)
    assert moved == pytest.approx([2, 1, 1])


def test_notes_count_what_was_brought_to_one_grid(tmp_path):
    masks = {
        "same": (A, AFFINE),
        "flipped": turned(B, AFFINE, (0, 1, 2), (0,)),
        "cropped": cropped(B, AFFINE),
        "larger": (np.pad(B, 3), cropped(B, AFFINE, (slice(-3, None),) * 3)[1]),
    }
    for name, (values, affine) in masks.items():
        write.nifti(tmp_path / "e" / f"{name}.nii", A)
        write.nifti(tmp_path / "p" / f"{name}.nii", values, affine)
    frame, dropped = score_folders(tmp_path / "e", tmp_path / "p", keep=tmp_path / "k", workers=1, progress=False)
    assert frame["dice"].round(3).tolist() == [0.77, 0.77, 0.77, 1] and dropped.empty
    assert sorted(note[:22] + note[-9:] for note in frame.attrs["notes"]) == [
        "a mask that covers a p (1 case)",
        "axes of the predicted  (1 case)",
        "background of the pred (1 case)",
    ]


def with_corner(values):
    values = np.pad(values, 3)
    values[0, 0, 0] = 1
    return values


AWAY = np.eye(4, k=3) * [[1], [0], [0], [0]]
REFUSED = {
    "moved by whole voxels": ((B, AFFINE + 0.7 * 5 * AWAY), "positions are up to 3.5 mm apart"),
    "moved by half a voxel": ((B, AFFINE + 0.35 * AWAY), "positions are up to 0.35 mm apart"),
    "mirrored in the scanner": ((B, AFFINE @ np.diag([-1.0, 1, 1, 1])), "affines differ"),
    "cropped, half a voxel away": ((B[BOX], AFFINE + 0.35 * AWAY), "shapes differ"),
    "other voxels": ((B, AFFINE @ np.diag([2.0, 1, 1, 1])), "voxel sizes differ: 0.7 x 0.7 x 2 and 1.4 x 0.7 x 2 mm"),
    "turned by 3 degrees": ((B, AFFINE @ np.array(
        [[np.cos(0.05), -np.sin(0.05), 0, 0], [np.sin(0.05), np.cos(0.05), 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])),
        "affines differ"),
    "foreground outside": ((with_corner(B), cropped(B, AFFINE, (slice(-3, None),) * 3)[1]), "foreground outside"),
    "partly outside": ((B, cropped(B, AFFINE, (slice(-3, None), slice(3, None), slice(0, None)))[1]), "affines differ"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_other_grids_are_refused(tmp_path, kind):
    part, error = REFUSED[kind]
    with pytest.raises(InputError, match=rf"e.c\.nii and .*p.c\.nii: .*{error}"):
        pair(tmp_path, (A, AFFINE, "c.nii"), (*part, "c.nii"))


# -- DICOM segmentations


def planes(values, kept):
    found = np.zeros_like(values)
    found[..., kept] = values[..., kept]
    return found


SEGS = {  # kept planes of A, distances in the file, planes that are moved, and the planes' distance or the error
    "all planes": (range(4, 20), None, {}, 2.0),
    "gaps": ([4, 5, 9, 12, 13], None, {}, 2.0),
    "gaps alone, distance in the file": ([4, 8, 12], None, {}, 2.0),
    "gaps, no distance in the file": ([4, 5, 9, 13], {}, {}, 2.0),
    "wrong distance in the file": ([4, 5, 9], {"SpacingBetweenSlices": 1.3}, {}, 2.0),
    "thickness is no distance": ([4, 5, 9], {"SliceThickness": 4.0}, {}, 2.0),
    "one plane": ([11], {"SliceThickness": 5.0}, {}, 2.0),
    "irregular gaps": ([4, 6, 9], {}, {}, "4, 6 mm apart, which are no multiples of one distance"),
    "rounded positions": (range(4, 20), {}, {5: 0.004, 11: -0.004, 19: 0.004}, 2.0),
    "a moved plane": ([4, 5, 6, 9], None, {6: 0.5}, "mm apart, which are no multiples"),
}


@pytest.mark.parametrize("kind", SEGS)
def test_planes_of_a_segmentation_are_at_their_positions(tmp_path, kind):
    kept, measures, shift, wanted = SEGS[kind]
    values = planes(A, list(kept))
    write.nifti(tmp_path / "a.nii", values)
    write.seg(tmp_path / "b.dcm", {"t": values}, order=np.random.default_rng(2), measures=measures, shift=shift)
    if isinstance(wanted, str):
        with pytest.raises(InputError, match=rf"b\.dcm.*{wanted}"):
            read_pair(tmp_path / "a.nii", tmp_path / "b.dcm")
        return
    first, second, spacing = read_pair(tmp_path / "a.nii", tmp_path / "b.dcm")
    assert (
        spacing[2] == pytest.approx(wanted) and np.array_equal(first, values) and np.array_equal(second > 0, values > 0)
    )


def test_two_segmentations_with_other_planes_share_a_grid(tmp_path):
    write.seg(tmp_path / "a.dcm", {"t": planes(A, [4, 5, 9])})
    write.seg(tmp_path / "b.dcm", {"t": planes(A, [5, 9, 12])})
    first, second, spacing = read_pair(tmp_path / "a.dcm", tmp_path / "b.dcm")
    assert first.shape == second.shape == (40, 36, 9) and spacing == pytest.approx(SPACING)
    assert (first & second).sum() == A[..., [5, 9]].sum()


def edited(change):
    def make(path):
        from pydicom import dcmread

        write.seg(path, {"t": A, "u": B})
        data = dcmread(path)
        change(data, data.PerFrameFunctionalGroupsSequence)
        data.save_as(path)

    return make


def slanted(data, frames):
    frames[3].PlanePositionSequence[0].ImagePositionPatient[0] += 1


def twice(data, frames):
    frames[1].PlanePositionSequence = frames[0].PlanePositionSequence


def rolled(data, frames):
    frames[1].PlaneOrientationSequence = [write.item(ImageOrientationPatient=[0, 1, 0, 1, 0, 0])]


def ct(data, frames):
    data.Modality = "CT"


def unplaced(data, frames):
    del frames[2].PlanePositionSequence


def short(data, frames):
    del frames[-1]


ODD = {
    "shifted within a plane": (slanted, "some are shifted within their planes"),
    "two frames of a plane": (twice, "two frames show segment 1 in the same plane"),
    "other orientation": (rolled, "differ in orientation"),
    "image": (ct, r"modality CT, and no segmentation \(SEG\)"),
    "frame without a position": (unplaced, "truncated or no DICOM segmentation"),
    "frame without a group": (short, r"has \d+ frames and positions of \d+"),
}


@pytest.mark.parametrize("kind", ODD)
def test_segmentations_without_a_regular_grid_are_refused(tmp_path, kind):
    change, error = ODD[kind]
    write.nifti(tmp_path / "a.nii", A)
    edited(change)(tmp_path / "b.dcm")
    with pytest.raises(InputError, match=rf"b\.dcm.*{error}"):
        read_pair(tmp_path / "a.nii", tmp_path / "b.dcm", value="t")
