"""Masks in any format of the field: each pair of files gives the scores of its arrays."""

import sys

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from helpers import metrics
from helpers.errors import InputError
from helpers.scores import read_pair, score_folders
from tests.helpers import mask_files as write
from tests.helpers.mask_files import AFFINE, TILTED, A, B

SPACING = (0.7, 0.7, 2.0)
TRUTH = {"dice": 0.770, "hd95": 2.119, "nsd": 0.969, "expert_cc": 2.067}  # of (A, B), to the last digit shown
VOXELS = {"dice": 0.770, "hd95": 2.236, "expert_cc": 2.109}  # of voxels of 1 mm


def score(root, **settings):
    return score_folders(root / "e", root / "p", **{"keep": root / "k", "workers": 1, "progress": False, **settings})


def check(root, truth=None) -> list[str]:
    """Check the scores of the only case, and return its notes."""
    frame, dropped = score(root)
    assert len(frame) == 1 and dropped.empty
    spacing = SPACING if truth is None else (1, 1, 1)
    exact = metrics.scores(A, B, spacing=spacing)
    for key, value in (truth or TRUTH).items():
        assert frame[key][0] == pytest.approx(exact[key], rel=1e-5), key
        assert round(frame[key][0], 3) == pytest.approx(value), key
    return frame.attrs["notes"]


def tilted(function):
    return lambda path, values: function(path, values, TILTED)


def segment(path, values, affine=AFFINE):
    write.nrrd(path, [values], write.slicer(("tumour", 1, 0)), affine)


# Files with positions, on one grid: name of the file, and its writer.
PLACED = {
    "nii": ("c.nii", write.nifti),
    "nii.gz": ("c.nii.gz", write.nifti),
    "mgz": ("c.mgz", write.mgz),
    "mgh": ("c.mgh", write.mgz),
    "hdr and img": ("c.hdr", lambda p, v: (p.parent.mkdir(exist_ok=True), nib.save(nib.Nifti1Pair(v, AFFINE), p))),
    "mha": ("c.mha", write.itk),
    "mhd": ("c.mhd", write.itk),
    "nrrd": ("c.nrrd", write.itk),
    "nhdr": ("c.nhdr", write.itk),
    "seg.nrrd": ("c.seg.nrrd", segment),
    "seg": ("c.dcm", lambda p, v: write.seg(p, {"tumour": v}, order=np.random.default_rng(3))),
    "seg in a folder": ("c/1-1.dcm", lambda p, v: write.seg(p, {"tumour": v})),
    "fractional seg": ("c.dcm", lambda p, v: write.seg(p, {"tumour": v * 200}, kind="FRACTIONAL")),
    "label map": ("c.dcm", lambda p, v: write.seg(p, {"tumour": v}, kind="LABELMAP")),
}
OBLIQUE = {
    "nii.gz": ("c.nii.gz", tilted(write.nifti)),
    "mgz": ("c.mgz", tilted(write.mgz)),
    "mha": ("c.mha", tilted(write.itk)),
    "nrrd": ("c.nrrd", tilted(write.itk)),
    "seg.nrrd": ("c.seg.nrrd", tilted(segment)),
    "seg": ("c.dcm", lambda p, v: write.seg(p, {"tumour": v}, TILTED, order=np.random.default_rng(4))),
}
UNSIZED = {
    "npy": ("c.npy", write.npy),
    "folder of png": ("c", write.pictures),
}


@pytest.mark.parametrize("kind", PLACED)
def test_any_format_against_itself_and_nifti(tmp_path, kind):
    name, writer = PLACED[kind]
    write.nifti(tmp_path / "e" / "c.nii.gz", A)
    writer(tmp_path / "p" / name, B)
    check(tmp_path)
    (tmp_path / "e" / "c.nii.gz").unlink()
    writer(tmp_path / "e" / name, A)
    check(tmp_path)


@pytest.mark.parametrize("kind", OBLIQUE)
def test_positions_of_oblique_grids(tmp_path, kind):
    name, writer = OBLIQUE[kind]
    write.nifti(tmp_path / "e" / "c.nii.gz", A, TILTED)
    writer(tmp_path / "p" / name, B)
    check(tmp_path)


@pytest.mark.parametrize("kind", UNSIZED)
def test_files_without_a_voxel_size(tmp_path, kind):
    name, writer = UNSIZED[kind]
    writer(tmp_path / "e" / name, A)
    writer(tmp_path / "p" / name, B)
    assert any("in voxels" in note for note in check(tmp_path, VOXELS))
    write.nifti(tmp_path / "n" / "e" / "c.nii.gz", A)
    writer(tmp_path / "n" / "p" / name, B)
    assert any("matched by their order (1 case)" in note for note in check(tmp_path / "n"))


@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp"])
def test_planes(tmp_path, ending):
    """A disc of 8 pixels' radius, moved by one: distances are in pixels."""
    write.pictures(tmp_path / "e" / f"c{ending}", A[..., 11] * 255)
    write.pictures(tmp_path / "p" / f"c{ending}", np.roll(A[..., 11], 1, 0) * 255)
    first, second, spacing = read_pair(tmp_path / "e" / f"c{ending}", tmp_path / "p" / f"c{ending}")
    assert spacing == (1, 1, 1) and (first[..., 0] > 0).tolist() == A[..., 11].astype(bool).tolist()
    frame, _ = score(tmp_path)
    assert frame["hd95"][0] == 1 and frame["dice"][0] == metrics.dice(first, second) < 1
    assert sum("one slice" in note for note in frame.attrs["notes"]) == 2


def test_pages_of_a_tiff_are_slices_and_numbers_order_pictures(tmp_path):
    write.pictures(tmp_path / "c", A)  # slice10 comes after slice9
    pages = [Image.fromarray(A[..., k].T) for k in range(A.shape[2])]
    pages[0].save(tmp_path / "c.tif", save_all=True, append_images=pages[1:])
    first, second, _ = read_pair(tmp_path / "c", tmp_path / "c.tif")
    assert np.array_equal(first, A) and np.array_equal(second, A)


# -- headers


def units(name: str, factor: float):
    def edit(image):
        affine = AFFINE.copy()
        affine[:3] *= factor
        image.set_sform(affine, 2)
        image.set_qform(affine, 1)
        image.header.set_xyzt_units(name)

    return lambda path, values: write.nifti(path, values, edit=edit)


LENGTHS = {
    "metre": ("c.nii.gz", units("meter", 0.001)),
    "micron": ("c.nii.gz", units("micron", 1000)),
    "unknown": ("c.nii.gz", units("unknown", 1)),
    "seconds in the same byte": ("c.nii", lambda p, v: write.nifti(p, v, edit=lambda i: i.header.set_xyzt_units(2, 8))),
    "mha in um": ("c.mha", lambda p, v: write.meta(p, v, scaled(1000), DistanceUnits="um")),
    "mha in mm": ("c.mha", lambda p, v: write.meta(p, v, DistanceUnits="mm")),
    "nrrd in um": ("c.nrrd", lambda p, v: write.nrrd(p, [v], {"space units": '"um" "um" "um"'}, scaled(1000))),
    "nrrd in m": ("c.nrrd", lambda p, v: write.nrrd(p, [v], {"space units": '"m" "m" "m"'}, scaled(0.001))),
}


def scaled(factor):
    return np.diag([factor] * 3 + [1]) @ AFFINE


@pytest.mark.parametrize("kind", LENGTHS)
def test_the_unit_of_length_is_applied(tmp_path, kind):
    """NIfTI-1 has metre, mm and micron; NRRD has `space units`. The other mask is in mm, at the same place."""
    name, writer = LENGTHS[kind]
    write.nifti(tmp_path / "e" / "c.nii.gz", A)
    writer(tmp_path / "p" / name, B)
    notes = check(tmp_path)
    assert notes == (
        ["predicted masks: the header names no unit of length: mm was taken (1 case)"] * (kind == "unknown")
    )


def test_small_voxels_are_usable_and_their_slack_is_smaller(tmp_path):
    affine = np.diag([0.001, 0.001, 0.001, 1])
    write.nifti(tmp_path / "a.nii", A, affine)
    write.nifti(tmp_path / "b.nii", B, affine)
    assert read_pair(tmp_path / "a.nii", tmp_path / "b.nii")[2] == pytest.approx((0.001,) * 3)
    affine[0, 3] = 0.0004  # less than a voxel, and less than 0.01 mm
    write.nifti(tmp_path / "b.nii", B, affine)
    with pytest.raises(InputError, match=r"positions are up to 0\.0004 mm apart"):
        read_pair(tmp_path / "a.nii", tmp_path / "b.nii")


@pytest.mark.parametrize(("degrees", "matrix"), [(10, True), (20, True), (0.001, False)])
def test_a_sheared_grid_has_a_matrix(tmp_path, degrees, matrix):
    affine = AFFINE.copy()
    affine[1, 2] = 2 * np.tan(np.radians(degrees))
    for name, values in (("a", A), ("b", B)):
        write.nifti(tmp_path / f"{name}.nii", values, affine)
    spacing = read_pair(tmp_path / "a.nii", tmp_path / "b.nii")[2]
    assert isinstance(spacing, np.ndarray) == matrix
    if matrix:
        assert spacing == pytest.approx(affine[:3, :3], rel=1e-6)
        assert A.sum() * abs(np.linalg.det(spacing)) / 1000 == pytest.approx(2.0668, abs=1e-4)
    else:
        assert spacing == pytest.approx(SPACING, rel=1e-6)


def codes(sform, qform, zooms=None, move=0):
    def edit(image):
        moved = AFFINE.copy()
        moved[0, 3] += move
        image.set_qform(moved, qform)
        image.set_sform(AFFINE, sform)
        if zooms:
            image.header["pixdim"][1:4] = zooms

    return edit


READERS = {
    "both agree": (codes(1, 1), ""),
    "both differ": (codes(1, 1, move=5), "sform and qform put the voxels in different places: the sform was taken"),
    "qform alone": (codes(0, 1), ""),
    "sform and pixdim differ": (codes(1, 0, (1, 1, 1)), "the voxel sizes of sform and pixdim differ"),
    "neither": (codes(0, 0), "directions of the axes are a guess"),
}


@pytest.mark.parametrize("kind", READERS)
def test_a_header_that_readers_take_in_two_ways_is_noted(tmp_path, kind):
    edit, note = READERS[kind]
    write.nifti(tmp_path / "e" / "c.nii", A)
    write.nifti(tmp_path / "p" / "c.nii", B, edit=edit)
    notes = check(tmp_path)
    assert [note in text for text in notes[:1]] == [True] * bool(note)
    assert all(text.startswith("predicted masks: ") for text in notes[:1])


NOWHERE = {"space": None, "space directions": None, "space origin": None}
PARTLY = {  # headers without a position, or without the size of a voxel as well
    "nrrd, no space": ("c.nrrd", lambda p: write.nrrd(p, [B], {"space": None, "space dimension": 3}), "no position"),
    "nrrd, spacings": ("c.nrrd", lambda p: write.nrrd(p, [B], NOWHERE | {"spacings": "0.7 0.7 2"}), "no position"),
    "nrrd, nan": ("c.nrrd", lambda p: write.nrrd(p, [B], NOWHERE | {"spacings": "nan nan nan"}), "no voxel size"),
    "nrrd, bare": ("c.nrrd", lambda p: write.nrrd(p, [B], NOWHERE), "no voxel size"),
    "mha, no offset": ("c.mha", lambda p: write.meta(p, B, Offset=None), "no position"),
    "mha, bare": ("c.mha", lambda p: write.meta(p, B, Offset=None, ElementSpacing=None), "no voxel size"),
}


@pytest.mark.parametrize("kind", PARTLY)
def test_a_header_without_a_position_is_matched_by_order(tmp_path, kind):
    name, writer, note = PARTLY[kind]
    write.nifti(tmp_path / "e" / "c.nii", A)
    (tmp_path / "p").mkdir()
    writer(tmp_path / "p" / name)
    notes = check(tmp_path)
    assert note in notes[0] and notes[0].startswith("predicted masks: ") and "by their order" in notes[-1]


def test_sizes_are_compared_where_positions_are_not(tmp_path):
    write.nifti(tmp_path / "a.nii", A)
    write.meta(tmp_path / "b.mha", B, Offset=None, ElementSpacing="0.7 0.7 2.001")
    with pytest.raises(InputError, match=r"voxel sizes differ: 0\.7 x 0\.7 x 2 and 0\.7 x 0\.7 x 2\.001 mm"):
        read_pair(tmp_path / "a.nii", tmp_path / "b.mha")


@pytest.mark.parametrize("writer", [write.meta, lambda p, v, a: write.nrrd(p, [v], {}, a)], ids=["mha", "nrrd"])
def test_sheared_axes_of_itk_are_those_of_nifti(tmp_path, writer):
    affine = AFFINE.copy()
    affine[1, 2] = 2 * np.tan(np.radians(20))
    write.nifti(tmp_path / "a.nii", A, affine)
    name = "b.mha" if writer is write.meta else "b.nrrd"
    writer(tmp_path / name, B, affine)
    first, second, spacing = read_pair(tmp_path / "a.nii", tmp_path / name)
    assert spacing == pytest.approx(affine[:3, :3], rel=1e-6) and second.sum() == first.sum() == A.sum()


def plane(path, values):
    """Write a file of two axes by SimpleITK: axes to the right and to the front, as in `AFFINE`."""
    import SimpleITK as sitk  # noqa: N813

    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(values.T)
    image.SetSpacing((0.7, 0.7))
    image.SetOrigin((12, -5))
    image.SetDirection((-1, 0, 0, -1))
    sitk.WriteImage(image, str(path))


@pytest.mark.parametrize("names", [("c.nii", "c.nii"), ("c.nii", "c.mha"), ("c.mha", "c.nii"), ("c.nrrd", "c.mha")])
def test_files_of_two_axes_are_compared_within_their_plane(tmp_path, names):
    """Two discs, one moved by a pixel of 0.7 mm."""
    for side, name, values in zip("ep", names, (A[..., 11], np.roll(A[..., 11], 1, 0)), strict=True):
        (write.nifti if name == "c.nii" else plane)(tmp_path / side / name, values)
    frame, _ = score(tmp_path)
    assert frame["hd95"][0] == pytest.approx(0.7, rel=1e-6)
    assert [note for note in frame.attrs["notes"] if "one slice (1 case)" not in note] == []


def test_a_plane_is_not_compared_with_a_volume(tmp_path):
    write.nifti(tmp_path / "e" / "c.nii", A)
    write.nifti(tmp_path / "p" / "c.nii", A[..., 11])
    with pytest.raises(InputError, match="one mask is a plane of 40 x 36 pixels, the other a volume"):
        score(tmp_path)
    write.nifti(tmp_path / "e" / "c.nii", A[..., 11:12])
    assert score(tmp_path)[0]["dice"].tolist() == [1.0]


# -- shapes and types


COLOURS = np.zeros(A.shape, [("R", "u1"), ("G", "u1"), ("B", "u1")])
AXES = {
    "one trailing": (A[..., None], None),
    "two trailing": (A[..., None, None], None),
    "leading": (A[None], r"found shape \(1, 40, 36, 24\).*first axis.*shape \(40, 36, 24\)"),
    "two volumes": (np.stack([A, A], -1), "expected a three-dimensional volume"),
    "colours": (COLOURS, "holds colours, expected one number a voxel"),
    "complex": (A.astype(np.complex64), "holds complex numbers"),
}


@pytest.mark.parametrize("kind", AXES)
def test_axes_and_types(tmp_path, kind):
    values, error = AXES[kind]
    for name in ("a", "z"):
        write.nifti(tmp_path / "e" / f"{name}.nii", A)
        write.nifti(tmp_path / "p" / f"{name}.nii", B)
    write.nifti(tmp_path / "e" / "c.nii", values)
    write.nifti(tmp_path / "p" / "c.nii", B)
    if error is None:
        assert score(tmp_path)[0]["dice"].round(3).tolist() == [0.77] * 3
    else:
        with pytest.raises(InputError, match=rf"c\.nii.*{error}.*The 2 other cases are finished and kept"):
            score(tmp_path)


def test_what_no_reader_foresees_is_one_line_of_that_case(tmp_path, monkeypatch):
    for name in ("a", "c"):
        write.nifti(tmp_path / "e" / f"{name}.nii", A)
        write.nifti(tmp_path / "p" / f"{name}.nii", B)

    def broken(image):
        if "c.nii" in image.get_filename():
            raise KeyError("odd")
        return np.diag([0.7, 0.7, 2, 1])

    monkeypatch.setattr(nib.Nifti1Image, "affine", property(broken))
    with pytest.raises(InputError, match=r"c\.nii.*cannot be scored \(KeyError: 'odd'\).*The 1 other cases"):
        score(tmp_path)


ROUNDED = {
    "one value": B * 0.9999999,
    "some below": B * np.where(np.indices(B.shape)[0] % 2, 1, 0.9999999),
    "noise": np.where(B, 1.0, 1e-7),
    "a small foreground": B * 0.0005,
    "shares": np.where(np.indices(B.shape)[0] % 2, 0.998, 1) * B,
}


@pytest.mark.parametrize("kind", ROUNDED)
def test_labels_are_rounded_within_a_thousandth(tmp_path, kind):
    write.nifti(tmp_path / "e" / "c.nii", A)
    write.nifti(tmp_path / "p" / "c.nii", ROUNDED[kind])
    if kind == "shares":
        with pytest.raises(InputError, match=r"found the values 0, 0\.998, 1\. Threshold probabilities"):
            score(tmp_path)
    else:
        check(tmp_path)
        assert np.array_equal(read_pair(tmp_path / "e" / "c.nii", tmp_path / "p" / "c.nii")[1] > 0.0001, B > 0)


# -- files that cannot be read


def without_itk(monkeypatch):
    monkeypatch.setitem(sys.modules, "SimpleITK", None)


@pytest.mark.parametrize(("name", "kind"), [("c.mha", "MetaImage"), ("c.seg.nrrd", "NRRD")])
def test_without_simpleitk_the_install_line_is_given(tmp_path, monkeypatch, name, kind):
    write.nifti(tmp_path / "a.nii", A)
    write.itk(tmp_path / name, B)
    without_itk(monkeypatch)
    with pytest.raises(InputError, match=rf'a file in {kind} format.*pip install "simpleitk>=2\.5,<3"'):
        read_pair(tmp_path / "a.nii", tmp_path / name)


def cut(writer):
    def spoil(path):
        writer(path, B)
        path.write_bytes(path.read_bytes()[:-200])

    return spoil


def colour(path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 36, 3), "u1")).save(path)


NPY = b"\x93NUMPY\x01\x00\x06\x00{'a':\n"  # ends within the header, which NumPy parses as code


def headless(path):
    """Write a segmentation that has frames, without their positions and pixels."""
    from pydicom import dcmread

    write.seg(path, {"t": B})
    data = dcmread(path)
    del data.PerFrameFunctionalGroupsSequence, data.PixelData
    data.save_as(path)


BROKEN = {
    "cut mha": ("c.mha", cut(write.itk), "truncated or not a MetaImage file"),
    "text as nrrd": ("c.nrrd", lambda p: p.write_text("mask"), "truncated or not a NRRD file"),
    "vectors": ("c.nrrd", lambda p: write.nrrd(p, [A, B], {}), "holds 2 numbers a voxel"),
    "inches": ("c.nrrd", lambda p: write.nrrd(p, [B], {"space units": '"in" "in" "in"'}), "lengths are in in"),
    "cut dcm": ("c.dcm", cut(lambda p, v: write.seg(p, {"t": v})), "truncated or no DICOM segmentation"),
    "text as dcm": ("c.dcm", lambda p: p.write_text("mask"), "truncated or no DICOM segmentation"),
    "text as npy": ("c.npy", lambda p: p.write_text("mask"), "cannot be read as an array"),
    "objects": ("c.npy", lambda p: np.save(p, np.array([None]), allow_pickle=True), "cannot be read as an array"),
    "a header cut short": ("c.npy", lambda p: p.write_bytes(NPY), "cannot be read as an array"),
    "letters": ("c.npy", lambda p: np.save(p, np.array([["a"]])), "expected one number a voxel"),
    "no voxels": ("c.npy", lambda p: np.save(p, np.zeros((0, 3, 3))), "holds no voxel"),
    "z, y, x": ("c.npy", lambda p: np.save(p, B.T), r"\(40, 36, 24\) and \(24, 36, 40\).*transpose one"),
    "colour": ("c.png", colour, "holds colours"),
    "cut png": (
        "c.png",
        cut(lambda p, v: write.pictures(p, np.random.default_rng(0).integers(0, 255, (40, 36), "u1"))),
        "cut off",
    ),
    "sizes": ("c", lambda p: [write.pictures(p / f"{k}.png", A[:k, :, 3]) for k in (9, 8)], "pictures differ in size"),
    "two masks": ("c", lambda p: [write.nifti(p / n, B) for n in ("a.nii", "b.nii")], "holds 2 files of masks"),
    "two segmentations": (
        "c",
        lambda p: [write.seg(p / f"1-{k}.dcm", {"t": B}) for k in (1, 2)],
        r"holds 2 files of masks\. Keep one file in it, or a file with all its segments",
    ),
    "a segmentation cut after its header": ("c.dcm", lambda p: headless(p), "truncated or no DICOM segmentation"),
    "unknown": ("c.xyz", lambda p: p.write_text("mask"), r"is no mask format that is read: \.seg\.nrrd, \.nii\.gz"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(tmp_path, kind):
    name, make, error = BROKEN[kind]
    write.nifti(tmp_path / "a.nii", A)
    make(tmp_path / name)
    with pytest.raises(InputError, match=rf"{name}.*{error}") as caught:
        read_pair(tmp_path / "a.nii", tmp_path / name)
    assert "\n" not in str(caught.value)


NOTHING = np.zeros_like(A)
# The other mask of a segmentation without frames.
OTHERS = {
    "nii": ("c.nii", write.nifti),
    "an oblique nii": ("c.nii", tilted(write.nifti)),
    "npy": ("c.npy", write.npy),
    "seg": ("c.dcm", lambda p, v: write.seg(p, {"tumour": v}, empty=True)),
}


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize(
    ("value", "label"), [("", "tumour"), ("tumour", "tumour"), ("1", "lesion"), ("each", "tumour")]
)
def test_a_segmentation_without_frames_is_an_empty_mask_on_the_other_grid(kind, value, label, tmp_path):
    name, writer = OTHERS[kind]
    writer(tmp_path / "e" / name, A)
    write.seg(tmp_path / "p" / "c.dcm", {label: NOTHING})
    frame, _ = score(tmp_path, value=value)
    wanted = metrics.scores(A, NOTHING, spacing=(1, 1, 1) if kind == "npy" else SPACING)
    assert wanted["status"] == "missed"
    found = frame.loc[0].to_dict()
    assert {key: found[key] for key in wanted} == {k: pytest.approx(v, rel=1e-5) if k != "status" else v
                                                   for k, v in wanted.items()}  # fmt: skip
    assert any("without frames was read as an empty mask" in note for note in frame.attrs["notes"])


def test_two_segmentations_without_frames_have_no_grid(tmp_path):
    for side in "ep":
        write.seg(tmp_path / side / "c.dcm", {"tumour": NOTHING})
    with pytest.raises(InputError, match=r"without frames, so their grid is unknown\. Leave the case out"):
        score(tmp_path)
