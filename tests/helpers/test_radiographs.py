"""Radiographs on disk as one array: stretched, resized, kept, and refused where they are no pictures."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers import datasets
from helpers.errors import InputError
from tests.helpers.pictures import load_grey


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return datasets.simulate_chest_xrays(12, seed=2, size=32, folder=tmp_path_factory.mktemp("simulated"))


@pytest.fixture
def root(made, tmp_path) -> Path:
    """A copy of the simulated folder that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "download"))


def load(files, size=16, **options) -> np.ndarray:
    return load_grey(files, size, progress=False, **options)


def test_images_are_stretched_squares_in_order(made, tmp_path):
    files = datasets.load_chexpert(made)[0]["file"]
    images = load(files, 32, folder=tmp_path)
    assert images.shape == (len(files), 1, 32, 32) and images.dtype == np.float32
    assert (images.min(axis=(1, 2, 3)) == 0).all() and (images.max(axis=(1, 2, 3)) == 1).all()
    raw = np.asarray(Image.open(files[3]), float)
    assert np.allclose(images[3, 0], (raw - raw.min()) / np.ptp(raw), atol=1e-6)
    assert (load(files[::-1], 32, folder=tmp_path) == images[::-1]).all()
    # A half as large averages; the mean stays.
    assert np.allclose(load(files, folder=tmp_path).mean(axis=(1, 2, 3)), images.mean(axis=(1, 2, 3)), atol=0.01)


def test_images_are_kept_and_made_anew_where_a_file_differs(root, tmp_path):
    files = datasets.load_chexpert(root)[0]["file"][:4]
    first = load(files, folder=tmp_path / "kept").copy()
    (kept,) = (tmp_path / "kept").iterdir()
    again = load(files, folder=tmp_path / "kept", workers=2)
    assert (again == first).all() and list((tmp_path / "kept").iterdir()) == [kept]
    again[:] = 0
    assert (load(files, folder=tmp_path / "kept") == first).all()
    shutil.copy(files[1], files[0])
    os.utime(files[0], ns=(1, 1))
    assert (load(files, folder=tmp_path / "kept")[0] == first[1]).all()


@pytest.mark.parametrize("mode", ["RGB", "P", "CMYK", "LA"])
def test_pictures_of_other_modes_become_grey(mode, tmp_path):
    grey = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    (tmp_path / "a").mkdir()
    grey.save(tmp_path / "a" / "grey.png")
    other = tmp_path / "a" / ("other.tif" if mode == "CMYK" else "other.png")
    grey.convert("RGB").convert(mode).save(other) if mode == "CMYK" else grey.convert(mode).save(other)
    one, two = load([tmp_path / "a" / "grey.png", other], folder=tmp_path)
    assert np.abs(one - two).max() < 0.02


def test_bad_images_are_one_clear_line(made, tmp_path):
    good = datasets.load_chexpert(made)[0]["file"][0]
    content = Path(good).read_bytes()
    files = {name: tmp_path / f"{name}.jpg" for name in ("cut", "page", "flat", "none")}
    files["cut"].write_bytes(content[: len(content) // 2])
    files["page"].write_bytes(b"<html>404</html>")
    Image.new("L", (20, 20), 7).save(files["flat"])
    words = {"cut": "cut off", "page": "no image", "flat": "pixels are equal", "none": "cannot be read"}
    for name, file in files.items():
        with pytest.raises(InputError, match=words[name]) as caught:
            load([good, file], folder=tmp_path / "kept")
        assert file.name in str(caught.value)
    with pytest.raises(InputError, match="and 1 more"):
        load([files["cut"], good, files["flat"]], folder=tmp_path / "kept")
    for size in (0, 1.5, True):
        with pytest.raises(InputError, match="size"):
            load([good], size, folder=tmp_path / "kept")
    with pytest.raises(InputError, match="no file is given"):
        load([], folder=tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []
