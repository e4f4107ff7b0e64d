"""Many pictures and masks as one array on disk, in bounded memory; and headers of a sample."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps

from helpers import datasets
from helpers.datasets.shared import loading
from helpers.errors import InputError
from tests.helpers.pictures import dicom, load_colour, load_grey

RNG = np.random.default_rng(0)
BILINEAR = Image.Resampling.BILINEAR


def picture(folder: Path, name: str, shape: tuple[int, ...] = (24, 30), low: int = 0, high: int = 256) -> Path:
    Image.fromarray(RNG.integers(low, high, shape, dtype=np.uint8)).save(folder / name)
    return folder / name


def load(files, size=12, **options) -> np.ndarray:
    return datasets.load_pictures(files, size, progress=False, **options)


def plain_crop(file: Path, size: int) -> np.ndarray:
    image = Image.open(file).convert("RGB")
    return np.asarray(ImageOps.fit(image, (size, size), method=BILINEAR)).transpose(2, 0, 1)


def plain_squeeze(file: Path, size: int) -> np.ndarray:
    values = np.asarray(Image.open(file).convert("RGB").convert("L"), np.float32)
    stretched = Image.fromarray((values - values.min()) / (values.max() - values.min()))
    return np.asarray(stretched.resize((size, size), BILINEAR)).clip(0, 1)[None]


@pytest.mark.parametrize(("loader", "plain"), [(load_colour, plain_crop), (load_grey, plain_squeeze)])
def test_both_loaders_equal_plain_pillow_to_the_last_digit(tmp_path, loader, plain):
    shapes = {"a.png": (24, 30), "b.png": (31, 17, 3), "c.jpg": (24, 24, 3), "d.jpg": (24, 40), "e.png": (12, 12, 3)}
    files = [picture(tmp_path, name, shape) for name, shape in shapes.items()]
    for size in (12, 15, 40):
        found = loader(files, size, progress=False, folder=tmp_path / "kept")
        np.testing.assert_array_equal(found, np.stack([plain(file, size) for file in files]))


def test_a_large_jpeg_is_near_the_whole_decoding(tmp_path):
    smooth = Image.fromarray(RNG.integers(0, 256, (20, 26, 3), dtype=np.uint8)).resize((520, 400), BILINEAR)
    smooth.save(tmp_path / "a.jpg", quality=95)
    found = load_colour([tmp_path / "a.jpg"], 50, progress=False, folder=tmp_path)[0].astype(float)
    off = np.abs(found - plain_crop(tmp_path / "a.jpg", 50))
    assert off.mean() < 1 and off.max() < 8


@pytest.mark.parametrize(
    ("channels", "fit", "scale", "dtype"),
    [(1, "crop", "bytes", np.uint8), (3, "crop", "minmax", np.float32), (3, "squeeze", "bytes", np.uint8)],
)
def test_channels_and_scales(tmp_path, channels, fit, scale, dtype):
    files = [picture(tmp_path, "grey.png", (16, 16)), picture(tmp_path, "colour.png", (16, 16, 3), 50, 201)]
    found = load(files, 16, channels=channels, fit=fit, scale=scale, folder=tmp_path / "kept")
    assert found.shape == (2, channels, 16, 16) and found.dtype == dtype
    grey, colour = (np.asarray(Image.open(file)) for file in files)
    if scale == "bytes":
        assert (found[0] == grey).all()
        expected = colour.transpose(2, 0, 1) if channels == 3 else np.asarray(Image.open(files[1]).convert("L"))[None]
        assert (found[1] == expected).all()
    else:  # one minimum and maximum for the three channels
        np.testing.assert_allclose(found[1], (colour.transpose(2, 0, 1) - 50) / 150, atol=1e-6)
        assert (found[0] == found[0, :1]).all()


def test_slices_of_a_volume_are_named_by_the_table(tmp_path):
    volume = RNG.integers(0, 900, (10, 12, 5)).astype(np.int16)
    nib.save(nib.Nifti1Image(volume, np.eye(4)), tmp_path / "v.nii.gz")
    frames = RNG.integers(0, 900, (3, 12, 10)).astype(np.uint16)
    dicom(tmp_path / "f", frames, NumberOfFrames=3)
    files = [tmp_path / "v.nii.gz"] * 3 + [tmp_path / "f"]
    found = load(files, 12, fit="squeeze", slices=pd.Series([0, np.nan, 4.0, 2]), folder=tmp_path)
    for taken, expected in zip(found, [volume[..., 0].T, volume[..., 2].T, volume[..., 4].T, frames[2]], strict=True):
        values = expected.astype(np.float32)
        stretched = Image.fromarray((values - values.min()) / np.ptp(values)).resize((12, 12), BILINEAR)
        np.testing.assert_array_equal(taken[0], np.asarray(stretched).clip(0, 1))


@pytest.mark.parametrize("workers", [1, 3])
def test_memory_is_bounded_by_the_buffer(tmp_path, monkeypatch, workers):
    file = picture(tmp_path, "a.png", (32, 32))
    other = picture(tmp_path, "b.png", (32, 32))
    files = [file, other, file, file] * 50
    monkeypatch.setattr(loading, "BUFFER", 40_000)
    load(files[:4], 32, folder=tmp_path, workers=workers)  # imports
    tracemalloc.start()
    found = load(files, 32, folder=tmp_path, workers=workers)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.nbytes == 200 * 4096 and peak < 400_000
    assert (found[1::4] == found[1]).all() and (found[2::4] == found[0]).all() and (found[0] != found[1]).any()


def test_files_in_flight_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "AHEAD", 2)
    taken = []

    def cases():
        for k in range(50):
            taken.append(k)
            yield (k,)

    for done, k in enumerate(loading._in_order(lambda k: k, cases(), 3)):
        assert k == done and len(taken) <= done + 1 + 6
    assert len(taken) == 50


def test_results_are_kept_and_made_anew_where_anything_differs(tmp_path):
    files = [picture(tmp_path, f"{k}.png") for k in range(3)]
    kept = tmp_path / "kept"
    first = load(files, folder=kept, workers=2)
    first[:] = 0
    assert load(files, folder=kept).any() and len(list(kept.iterdir())) == 1
    for options in ({"channels": 3}, {"fit": "squeeze"}, {"scale": "bytes"}, {"slices": [0, 0, 0]}, {"size": 13}):
        load(files, folder=kept, **options)
    picture(tmp_path, "1.png")
    load(files, folder=kept)
    assert len(list(kept.iterdir())) == 7


def bad(folder: Path) -> list[Path]:
    files = [picture(folder, f"{k}.png") for k in range(5)]
    files[1].write_bytes(b"")
    Image.new("L", (20, 20), 7).save(files[3])
    return files


@pytest.mark.parametrize("workers", [1, 2])
def test_all_bad_files_are_counted_and_the_first_is_named(tmp_path, workers):
    with pytest.raises(InputError, match=r"is empty \(and 1 more\)") as caught:
        load(bad(tmp_path), folder=tmp_path / "kept", workers=workers)
    assert caught.value.where == str(tmp_path / "1.png") and not list((tmp_path / "kept").iterdir())


def test_missing_files_are_counted_at_once(tmp_path):
    with pytest.raises(InputError, match=r"no0.png: cannot be read \(No such file or directory\) \(and 1 more\)"):
        load([picture(tmp_path, "a.png"), tmp_path / "no0.png", tmp_path / "no1.png"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"files": []}, "no file is given"),
        ({"files": [None]}, "files, number 0: None"),
        ({"files": [float("nan")]}, "files, number 0: nan"),
        ({"size": 0}, "size: 0"),
        ({"channels": 2}, "channels: must be 1 or 3, got 2"),
        ({"fit": "crops"}, "Did you mean crop"),
        ({"scale": "max"}, "scale: must be minmax or bytes"),
        ({"slices": [1, 2]}, "slices: 2 are given for 1 files"),
        ({"slices": [1.5]}, "slices, number 0: '1.5'"),
        ({"slices": [-1]}, "slices, number 0: '-1'"),
        ({"slices": ["x"]}, "slices, number 0: 'x'"),
        ({"slices": [1]}, "a.png: has 1 frame, so none is number 1"),
        ({"workers": 0}, "workers: 0"),
    ],
)
def test_bad_arguments_are_one_line(tmp_path, options, words):
    given = {"files": [picture(tmp_path, "a.png")], "folder": tmp_path / "kept"} | options
    with pytest.raises(InputError, match=words):
        load(**given)


def test_an_array_larger_than_memory_is_opened(tmp_path):
    shape = (10**6, 1, 400, 400)  # 640 GB, of which the disk holds nothing
    with (tmp_path / "large.npy").open("wb") as stream:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        stream.truncate(stream.tell() + 4 * int(np.prod(shape)))
    found = loading.mapped(tmp_path / "large.npy")
    assert found.shape == shape and (found[-1] == 0).all()


def test_deep_pictures_and_a_full_disk_are_refused(tmp_path, monkeypatch):
    Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="more than 8 bits"):
        load([tmp_path / "a.png"], scale="bytes", folder=tmp_path)
    monkeypatch.setattr(loading.shutil, "disk_usage", lambda place: type("", (), {"free": 10}))
    with pytest.raises(InputError, match=r"1e-08 GB free, and the pictures take 5.76e-07 GB"):
        load([tmp_path / "a.png"], folder=tmp_path)


MASK = np.zeros((16, 20), np.uint8)
MASK[4:12, 5:15], MASK[4:6, 5:9] = 2, 3


def masked(path: Path) -> Path:
    if path.suffix == ".nii":
        nib.save(nib.Nifti1Image(MASK.T[..., None], np.eye(4)), path)
    elif path.suffix == ".dcm":
        dicom(path, MASK, PhotometricInterpretation="MONOCHROME1")
    elif path.stem == "palette":
        image = Image.fromarray(MASK, "P")
        image.putpalette([0, 0, 0, 9, 9, 9, 0, 0, 0, 200, 0, 0])
        image.save(path)
    else:
        Image.fromarray(np.dstack([MASK] * 3) if path.stem == "colour" else MASK).save(path)
    return path


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.nii", "a.dcm", "palette.png", "colour.png"])
def test_a_mask_is_every_value_above_0_or_the_listed_ones(tmp_path, name):
    file = masked(tmp_path / name)
    assert (datasets.read_mask(file) == (MASK > 0)).all()
    assert (datasets.read_mask(file, inside=[3]) == (MASK == 3)).all()


def test_labels_of_a_mask_are_rounded_within_a_thousandth(tmp_path):
    values = np.where(MASK > 0, MASK * 0.9999999, 1e-7).T[..., None]
    nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / "m.nii")
    assert (datasets.read_mask(tmp_path / "m.nii") == (MASK > 0)).all()
    assert (datasets.read_mask(tmp_path / "m.nii", inside=[3]) == (MASK == 3)).all()


def volumes(folder: Path, slices: int, affine: np.ndarray) -> tuple[Path, Path]:
    nib.save(nib.Nifti1Image(np.zeros((6, 5, 4), np.int16), np.eye(4)), folder / "p.nii")
    nib.save(nib.Nifti1Image(np.zeros((6, 5, slices), np.int16), affine), folder / "m.nii")
    return folder / "p.nii", folder / "m.nii"


@pytest.mark.parametrize(
    ("slices", "affine", "words"),
    [(3, np.eye(4), "has 3 slices, and its picture .* has 4"), (4, np.diag([-1, 1, 1, 1]), "axes LAS, and .* has RAS")],
)
def test_a_mask_volume_is_that_of_its_picture(tmp_path, slices, affine, words):
    picture_file, mask_file = volumes(tmp_path, slices, affine)
    with pytest.raises(InputError, match=words):
        datasets.read_mask(mask_file, picture=picture_file)


def test_a_mask_of_one_page_belongs_to_the_slice_that_is_named(tmp_path):
    picture_file, _ = volumes(tmp_path, 4, np.eye(4))
    Image.fromarray(np.eye(5, 6, dtype=np.uint8)).save(tmp_path / "m.png")
    assert (datasets.read_mask(tmp_path / "m.png", picture=picture_file, slice=3) == np.eye(5, 6)).all()


def test_a_mask_of_one_bit(tmp_path):
    Image.fromarray(MASK > 0).save(tmp_path / "a.png")
    assert (datasets.read_mask(tmp_path / "a.png", inside=[1]) == (MASK > 0)).all()


def test_masks_are_resized_with_their_pictures(tmp_path):
    file, picture_file = masked(tmp_path / "a.png"), picture(tmp_path, "p.png", (16, 20))
    options = {"pictures": [picture_file], "fit": "squeeze", "progress": False, "folder": tmp_path / "kept"}
    soft = Image.fromarray((MASK > 0).astype(np.float32)).resize((10, 10), BILINEAR)
    found = datasets.load_masks([file], 10, **options)
    assert found.dtype == np.uint8 and (found == (np.asarray(soft) >= 0.5)).all() and 0 < found.mean() < 1
    nearest = datasets.load_masks([file], 10, resize="nearest", inside=[3], **options)
    assert (nearest == np.asarray(Image.fromarray((MASK == 3).astype(np.uint8)).resize((10, 10), 0))).all()
    crop = datasets.load_masks([file], 16, **options | {"fit": "crop"})
    assert (crop[0, 0] == (MASK[:, 2:18] > 0)).all()


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (
            lambda f: datasets.read_mask(masked(f / "a.png"), picture=picture(f, "p.png", (20, 16))),
            "20 x 16 pixels, and",
        ),
        (lambda f: datasets.read_mask(picture(f, "a.jpg")), "JPEG, which changes"),
        (lambda f: datasets.read_mask(picture(f, "a.png", (9, 9, 3))), "in colour"),
        (lambda f: datasets.load_masks([masked(f / "a.png")], 8, pictures=[f, f]), "pictures: 2 are given for 1 masks"),
        (lambda f: datasets.load_masks([masked(f / "a.png")], 8, resize="near"), "nearest"),
    ],
)
def test_masks_that_cannot_be_used_are_refused(tmp_path, act, words):
    with pytest.raises(InputError, match=words):
        act(tmp_path)


def test_headers_of_a_sample_are_a_table(tmp_path):
    files = [picture(tmp_path, f"{k:02}.png", (10 + k, 30)) for k in range(20)]
    nib.save(nib.Nifti1Image(np.zeros((7, 8, 9), np.float32), np.eye(4)), tmp_path / "v.nii.gz")
    found = datasets.check_pictures([*files, tmp_path / "v.nii.gz"], rows=range(2, 23), sample=3)
    assert found.to_dict("list") == {
        "row": [2, 9, 16, 22],
        "width": [30, 30, 30, 7],
        "height": [10, 17, 24, 8],
        "bits": [8, 8, 8, 32],
        "colour": ["grey"] * 4,
        "frames": [1, 1, 1, 9],
    }
    assert len(datasets.check_pictures(files, sample=None)) == 20


def two_pages(folder: Path) -> Path:
    image = Image.new("L", (9, 9))
    image.save(folder / "a.tif", save_all=True, append_images=[image])
    return folder / "a.tif"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (lambda f: {"files": [f / "x.png", picture(f, "a.png"), f / "y.png"]}, r"row 5, .*x.png: .*\(and 1 more file"),
        (lambda f: {"files": [picture(f, "a.png"), f, f / "a.png"]}, "row 6, .*is a folder"),
        (
            lambda f: {"files": [f / "a.png"] * 3 if (f / "a.png").write_bytes(b"x") else 0},
            "row 5, .*a.png: is no image",
        ),
        (lambda f: {"files": [two_pages(f)] * 3}, "row 5, .*a.tif: has 2 frames, and no slice is named"),
        (lambda f: {"files": [two_pages(f)] * 3, "slices": [1, 0, 2]}, "row 7, .*none is number 2"),
        (lambda f: {"files": [picture(f, "a.png")] * 3, "sample": 0}, "sample: 0"),
        (lambda f: {"files": [picture(f, "a.png")]}, "rows: 3 are given for 1 files"),
    ],
)
def test_headers_that_cannot_be_used_name_row_and_file(tmp_path, given, words):
    with pytest.raises(InputError, match=words):
        datasets.check_pictures(**{"rows": [5, 6, 7]} | given(tmp_path))
