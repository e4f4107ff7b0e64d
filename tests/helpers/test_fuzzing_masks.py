"""Random masks with random headers: every pair is scored, or refused in one line.

`FUZZ=100000 python -m pytest tests/helpers/test_fuzzing_masks.py` tries that many.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from helpers import scores
from tests.helpers import mask_files as write
from tests.helpers.test_fuzzing import SOME, read_or_refused

SHAPES = st.lists(st.integers(1, 6), min_size=2, max_size=4).map(tuple)
NUMBERS = st.sampled_from([0.7, 1.0, 2.0, -1.0, 0.0, 1e-4, 1e6, float("nan"), float("inf")])
TYPES = st.sampled_from(["u1", "i2", "f4", "f8", "i4"])
DAMAGE = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=2)


@st.composite
def voxels(draw: st.DrawFn, shape: tuple[int, ...]) -> np.ndarray:
    """Draw a mask: mostly of 0 and 1, with other labels, shares or numbers that are none now and then."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    values = rng.integers(0, draw(st.sampled_from([1, 2, 2, 2, 4])), shape).astype(draw(TYPES))
    if values.dtype.kind == "f" and draw(st.integers(0, 5)) == 3:
        values[(0,) * values.ndim] = draw(st.sampled_from([0.9999999, 0.5, -1.0, float("nan"), float("inf")]))
    return values


@st.composite
def affines(draw: st.DrawFn) -> np.ndarray:
    """Draw an affine: mostly of voxel sizes, at times sheared, flipped or unusable."""
    affine = np.diag([0.7, 0.7, 2.0, 1.0])
    if draw(st.integers(0, 3)) == 2:
        affine[draw(st.integers(0, 2)), draw(st.integers(0, 3))] = draw(NUMBERS)
    return affine


def damaged(path: Path, places: list[tuple[float, int]]) -> None:
    """Replace bytes in the first part of a file, where its header is."""
    data = bytearray(path.read_bytes())
    for share, byte in places:
        data[int(share * min(len(data) - 1, 352))] = byte
    path.write_bytes(bytes(data))


@st.composite
def masks(draw: st.DrawFn) -> tuple[str, object]:
    """Draw the ending of a file and the function that writes it."""
    shape = draw(SHAPES) if draw(st.integers(0, 3)) == 2 else (5, 4, 3)
    values, affine = draw(voxels(shape)), draw(affines())
    unit, codes = draw(st.integers(0, 7)), (draw(st.integers(0, 4)), draw(st.integers(0, 4)))
    size, places = draw(NUMBERS), draw(DAMAGE) if draw(st.integers(0, 3)) == 2 else []
    kind = draw(st.sampled_from(["nii", "nii", "nii", "nrrd", "mha", "npy", "dcm", "mgz"]))

    def edit(image: nib.Nifti1Image) -> None:
        image.header["xyzt_units"] = unit
        image.set_sform(affine, codes[0])
        image.header["qform_code"] = codes[1]
        if unit == 7:
            image.header["pixdim"][1] = size

    def make(path: Path) -> None:
        small = values.astype("u1") if values.dtype.kind != "f" or np.isfinite(values).all() else np.ones(shape, "u1")
        while small.ndim < 3:
            small = small[..., None]
        if kind == "nii":
            write.nifti(path, values, affine, edit)
        elif kind == "nrrd":
            write.nrrd(
                path,
                [small.reshape(*small.shape[:2], -1)],
                {"space units": " ".join(['"um"' if unit else '"mm"'] * 3)},
                affine,
            )
        elif kind == "mha":
            write.meta(path, small.reshape(*small.shape[:2], -1), affine, DistanceUnits="um" if unit == 3 else None)
        elif kind == "npy":
            write.npy(path, values)
        elif kind == "dcm":
            write.seg(path, {"a": small.reshape(*small.shape[:2], -1) > 0}, affine)
        else:
            write.mgz(path, small, affine)
        damaged(path, places)

    return kind, make


@SOME
@given(
    first=masks(),
    second=masks(),
    alike=st.booleans(),
    value=st.sampled_from(["", "", "1", "2", "1,2", "each", "a", "-1"]),
)
def test_a_pair_of_masks_is_scored_or_refused_in_one_line(first, second, alike, value, tmp_path_factory):
    folder = tmp_path_factory.mktemp("masks")
    second = first if alike else second
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the writers and readers about odd headers
        try:
            for name, (ending, make) in (("e", first), ("p", second)):
                make(folder / name / f"c.{ending}")
        except Exception:  # what the writer refuses is no file
            return
        options = {"value": value, "more": True, "keep": folder / "kept", "workers": 1, "progress": False}
        found = read_or_refused(scores.score_folders, folder / "e", folder / "p", **options)
    if found is not None and len(found[0]):
        frame = found[0]
        assert frame[["dice", "nsd", "iou"]].apply(lambda column: column.between(0, 1)).all(axis=None)
        assert (frame[["hd95", "assd", "expert_cc", "automatic_cc"]] >= 0).all(axis=None)
