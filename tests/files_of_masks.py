"""Masks and images as tools write them, each with the right value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from helpers import metrics
from helpers.datasets.own.loader import load_own_scores
from helpers.scores import score_folders
from tests.files import case
from tests.files_of_tables import refused
from tests.helpers import mask_files as write
from tests.helpers.mask_files import AFFINE, A, B

MASKS, IMAGES = "masks", "images"
RIGHT = {"dice": 0.770, "hd95": 2.119, "nsd": 0.969, "expert_cc": 2.067, "automatic_cc": 2.067}


def scored(folder: Path, **options: object) -> pd.DataFrame:
    """Score the folders e and p."""
    return score_folders(folder / "e", folder / "p", keep=folder / "kept", workers=1, progress=False, **options)[0]


def right(frame: pd.DataFrame, **other: float) -> None:
    """Check that all rows have the scores of the two balls, or others."""
    for name, value in (RIGHT | other).items():
        assert frame[name].round(3).eq(value).all(), frame[name].tolist()


def noted(frame: pd.DataFrame, text: str) -> None:
    """Check that a note has a text."""
    assert any(text in note for note in frame.attrs["notes"]), frame.attrs["notes"]


def pair(folder: Path, expert: Callable[[Path], None], predicted: Callable[[Path], None]) -> Path:
    """Write both masks of a case."""
    for name in "ep":
        (folder / name).mkdir(parents=True, exist_ok=True)
    expert(folder / "e")
    predicted(folder / "p")
    return folder


def nifti(values: np.ndarray, name: str = "c.nii.gz", **options: object) -> Callable[[Path], None]:
    """Make a writer of a NIfTI file."""
    return lambda folder: write.nifti(folder / name, values, **options)


@case(
    MASKS,
    "`.nii`, `.nii.gz`, `.mgz`, `.mha`, `.mhd`, `.nrrd`, in any pair",
    "read; the same scores from each",
    "DIAGNijmegen/PANTHER_baseline#2",
)
def formats(folder: Path) -> None:
    writers = {
        ".nii": write.nifti,
        ".nii.gz": write.nifti,
        ".mgz": write.mgz,
        ".mha": write.itk,
        ".mhd": write.itk,
        ".nrrd": write.itk,
    }
    for k, here in enumerate(writers):
        for there in writers:
            name = f"c{k}{there.strip('.').replace('.', '')}"
            writers[here](folder / "e" / f"{name}{here}", A)
            writers[there](folder / "p" / f"{name}{there}", B)
    frame = scored(folder)
    assert len(frame) == 36
    right(frame)


@case(MASKS, "3D Slicer's `.seg.nrrd`, with segments by name in two layers", "`MASK_VALUE=name` takes a segment")
def slicer(folder: Path) -> None:
    segments = write.slicer(("organ", 1, 0), ("lesion", 1, 1))
    write.nrrd(folder / "e" / "c.seg.nrrd", [np.ones_like(A), A], segments)
    write.nifti(folder / "p" / "c.nii.gz", B)
    right(scored(folder, value="lesion"))
    refused("segments .lesion. .1., .organ. .1.*MASK_VALUE", scored, folder)


@case(MASKS, "DICOM segmentation objects: frames in any order, empty planes left out", "each frame at its position")
def dicom(folder: Path) -> None:
    seg = {"lesion": A, "organ": np.ones_like(A)}
    write.seg(folder / "e" / "c.dcm", seg, order=np.random.default_rng(0))
    write.nifti(folder / "p" / "c.nii.gz", B)
    right(scored(folder, value="lesion"))


@case(
    MASKS,
    "a folder of `.png` slices, a 2-D mask, `.npy`",
    "read; distances in voxels, with a note, unless the other mask has a voxel size",
)
def unsized(folder: Path) -> None:
    write.pictures(folder / "e" / "c", A * 255)
    write.npy(folder / "p" / "c.npy", B)
    frame = scored(folder)
    assert frame["dice"].round(3).tolist() == [0.770]
    noted(frame, "distances are in voxels")
    sized = pair(folder / "sized", lambda place: write.npy(place / "c.npy", A), nifti(B))
    right(scored(sized))


@case(MASKS, "trailing axes of one, (x, y, z, 1)", "left out", "MIC-DKFZ/nnUNet#1247")
def trailing_axes(folder: Path) -> None:
    right(scored(pair(folder, nifti(A[..., None, None]), nifti(B[..., None]))))


@case(
    MASKS,
    "a leading axis of one, colours, complex numbers",
    "refused by file; the other cases are finished and kept",
    "nipy/nibabel#84; nipy/nibabel#299",
)
def odd_voxels(folder: Path) -> None:
    colours = np.zeros(A.shape, [("R", "u1"), ("G", "u1"), ("B", "u1")])
    for k, values in enumerate((A[None], colours, A.astype(complex), A)):
        pair(folder, nifti(values, f"c{k}.nii"), nifti(B, f"c{k}.nii"))
    says = r"c0\.nii: .*\(2 more cases cannot be scored: c1, c2\).*1 other cases are finished"
    refused(says, scored, folder)


@case(
    MASKS,
    "a header in metres or microns (NIfTI `xyzt_units`)",
    "lengths in mm",
    "nipreps/fmriprep#786; khanlab/zarrnii#180",
)
def units(folder: Path) -> None:
    for name, factor in (("meter", 0.001), ("micron", 1000.0)):
        scaled = np.diag([factor] * 3 + [1]) @ AFFINE
        unit = {"affine": scaled, "edit": lambda image, name=name: image.header.set_xyzt_units(name)}
        pair(folder, nifti(A, f"{name}.nii", **unit), nifti(B, f"{name}.nii"))
    right(scored(folder))


@case(
    MASKS,
    "sheared grids, as after a gantry tilt",
    "volumes by the determinant, distances between positions",
    "rordenlab/dcm2niix#697; nipy/heudiconv#409",
)
def sheared(folder: Path) -> None:
    from scipy.ndimage import binary_erosion
    from scipy.spatial import cKDTree

    affine = AFFINE.copy()
    affine[1, 2] = 2 * np.tan(np.radians(20))
    frame = scored(pair(folder, nifti(A, affine=affine), nifti(B, affine=affine)))
    edges = [np.argwhere(m & ~binary_erosion(m)) @ affine[:3, :3].T for m in (A > 0, B > 0)]
    ways = [np.percentile(cKDTree(edges[1 - k]).query(edges[k])[0], 95) for k in (0, 1)]
    assert np.isclose(frame["hd95"][0], max(ways)) and round(frame["expert_cc"][0], 4) == 2.0668


@case(MASKS, "axes flipped or permuted, at the same positions", "brought to the expert mask's order, without loss")
def turned(folder: Path) -> None:
    affine = AFFINE.copy()
    affine[:3, 0] *= -1
    affine[:3, 3] += AFFINE[:3, 0] * (B.shape[0] - 1)
    right(scored(pair(folder, nifti(A), nifti(B[::-1], affine=affine))))
    turn = AFFINE[:, [2, 0, 1, 3]]
    right(scored(pair(folder / "turned", nifti(A), nifti(B.transpose(2, 0, 1), affine=turn))))


@case(
    MASKS,
    "a mask cropped to its extent, on the same grid",
    "filled with background; refused where grids do not coincide",
)
def cropped(folder: Path) -> None:
    affine = AFFINE.copy()
    affine[:3, 3] += AFFINE[:3, :3] @ [8, 6, 1]
    right(scored(pair(folder, nifti(A), nifti(B[8:, 6:, 1:], affine=affine))))
    affine[0, 3] += 0.3
    says = "Resample the prediction"
    refused(says, scored, pair(folder / "off", nifti(A), nifti(B[8:, 6:, 1:], affine=affine)))


@case(MASKS, "grids that differ by more than 0.01 mm, or by a tenth of a small voxel", "refused, with the distance")
def apart(folder: Path) -> None:
    affine = AFFINE.copy()
    affine[0, 3] += 0.05
    refused(r"positions are up to 0\.05 mm apart", scored, pair(folder, nifti(A), nifti(B, affine=affine)))
    small = np.diag([0.01, 0.01, 0.02, 1])
    moved = small.copy()
    moved[0, 3] = 0.005
    refused("apart", scored, pair(folder / "small", nifti(A, affine=small), nifti(B, affine=moved)))


@case(
    MASKS,
    "`sform` and `qform` that disagree, or neither",
    "the `sform`; with neither, voxels by their order; with a note",
)
def two_places(folder: Path) -> None:
    def edit(image: object) -> None:
        other = AFFINE.copy()
        other[0, 3] += 5
        image.set_sform(AFFINE, 1)
        image.set_qform(other, 1)

    frame = scored(pair(folder, nifti(A, edit=edit), nifti(B)))
    right(frame)
    noted(frame, "sform and qform put the voxels in different places: the sform was taken")

    def bare(image: object) -> None:
        image.set_qform(AFFINE, 0)
        image.set_sform(AFFINE, 0)

    frame = scored(pair(folder / "bare", nifti(A, edit=bare), nifti(B, edit=bare)))
    right(frame)
    noted(frame, "no position (neither sform nor qform)")


@case(
    MASKS,
    "several labels in a file, as BraTS 1, 2, 4",
    "`MASK_VALUE=4` or `1,4`; refused without, with the labels found",
)
def several_labels(folder: Path) -> None:
    pair(folder, nifti(A * 4 + (1 - A)), nifti(B * 4 + (1 - B)))
    refused("labels 1, 4.*MASK_VALUE|MASK_VALUE.*1, 4|1, 4", scored, folder)
    right(scored(folder, value="4"))


@case(
    MASKS,
    "rounded labels: `0.9999999`, `1e-07`",
    "the whole number next to them, within 0.001",
    "spinalcordtoolbox/spinalcordtoolbox#4346",
)
def rounded(folder: Path) -> None:
    odd = np.where(np.indices(B.shape)[0] % 2, 1, 0.9999999)
    right(scored(pair(folder, nifti(A), nifti(np.where(B, odd, 1e-7)))))
    says = r"the values 0, 0\.99, 1"
    refused(says, scored, pair(folder / "shares", nifti(A), nifti(B * np.where(odd < 1, 0.99, 1))))


@case(
    MASKS,
    "foreground 2 in one mask and 1 in the other",
    "scored, with a note; 255 and 1 are alike",
    "MIC-DKFZ/nnUNet#1183",
)
def other_values(folder: Path) -> None:
    frame = scored(pair(folder, nifti(A * 2), nifti(B)))
    right(frame)
    noted(frame, "foreground is 2 in the expert masks and 1 in the predicted ones: are they one structure?")
    assert not any("foreground" in n for n in scored(pair(folder / "b", nifti(A * 255), nifti(B))).attrs["notes"])


@case(
    MASKS,
    "both masks empty",
    "left out of the audit, counted by group where a group has ten; `EMPTY=1` or `0` scores them so",
    "MIC-DKFZ/nnUNet#1428; loli/medpy#111",
)
def both_empty(folder: Path) -> None:
    for k in range(32):
        sick = k >= 20 or k % 2 == 0
        pair(folder, nifti(A * sick, f"c{k}.nii"), nifti(B * sick, f"c{k}.nii"))
    table = pd.DataFrame({"id": [f"c{k}" for k in range(32)], "sex": ["M"] * 20 + ["F"] * 12})
    table.to_csv(folder / "my.csv", index=False)
    asked = {"groups": "sex", "case": "id", "scored": scored(folder)}
    own = load_own_scores(folder / "my.csv", **asked)
    assert own.cases.groupby("sex", observed=True)["dice"].mean().round(3).to_dict() == {"F": 0.770, "M": 0.770}
    assert own.dropped["n"].tolist() == [10] and own.dropped["reason"].str.endswith(": M").all()
    ones = load_own_scores(folder / "my.csv", empty="1", **asked)
    assert ones.cases.groupby("sex", observed=True)["dice"].mean().round(3)["M"] == 0.885


@case(
    MASKS,
    "file names in composed and decomposed letters (NFC, NFD), other case, two blanks",
    "the same names",
    "saltstack/salt#33332; nextflow-io/nextflow#4629",
)
def spellings(folder: Path) -> None:
    import unicodedata

    decomposed = unicodedata.normalize("NFD", "Schädel 1")
    right(scored(pair(folder, nifti(A, "Schädel 1.nii"), nifti(B, f"{decomposed.upper()}.nii"))))
    right(scored(pair(folder / "b", nifti(A, "a  1.nii"), nifti(B, "a 1.nii"))))


@case(
    MASKS, "a file of a format that is not read, next to masks", "counted as such, not as absent", "MIC-DKFZ/nnUNet#637"
)
def unread(folder: Path) -> None:
    pair(folder, nifti(A, "a.nii"), nifti(B, "a.nii"))
    pair(folder, nifti(A, "b.nii"), lambda place: (place / "b.mat").write_bytes(b"\0" * 40))
    _, dropped = score_folders(folder / "e", folder / "p", keep=folder / "kept", workers=1, progress=False)
    assert dropped["reason"].str.contains("format that is not read").any()


@case(MASKS, "one folder for expert and predicted masks", "refused: every score would be perfect")
def one_folder(folder: Path) -> None:
    pair(folder, nifti(A), nifti(B))
    refused("name one folder", score_folders, folder / "e", folder / "e", keep=folder / "kept", progress=False)


@case(IMAGES, "complex images", "refused: take magnitudes first", "PTB-MR/mrpro#996")
def complex_images(folder: Path) -> None:
    x = np.random.default_rng(0).random((1, 1, 64, 64))
    for measure in (metrics.psnr, metrics.ssim):
        refused("magnitude", measure, x + 0j, x * np.exp(1j * np.linspace(0, 3, 64)))


@case(IMAGES, "float32 images on a pedestal, such as 1000 to 1001", "SSIM as in exact numbers; 5.07 by sums in float32")
def pedestal(folder: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.random((1, 1, 64, 64))
    y = x + rng.normal(0, 0.05, x.shape)
    moved = [(image + 1000).astype(np.float32) for image in (x, y)]
    assert abs(metrics.ssim(*moved)[0] - 0.985) < 0.001
    exact = metrics.ssim(*[image.astype(float) for image in moved])
    assert np.allclose(metrics.ssim(*moved), exact, rtol=0, atol=1e-6)


@case(IMAGES, 'masked arrays, tensors with a gradient, `data_range="1"`', "refused in one line")
def odd_images(folder: Path) -> None:
    import torch

    x = np.random.default_rng(0).random((1, 1, 64, 64))
    refused("mask", metrics.psnr, np.ma.masked_less(x, 0.1), x)
    refused("gradient|grad|detach", metrics.psnr, torch.tensor(x, requires_grad=True), x)
    refused("data_range", metrics.ssim, x, x, data_range="1")
