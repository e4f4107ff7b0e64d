"""Pictures of a Fitzpatrick17k folder as arrays."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers import datasets
from helpers.errors import InputError
from tests.helpers.pictures import load_colour
from tests.helpers.skin import N, images


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    return datasets.simulate_dermatology(N, seed=2, size=16, shares=(0.1, *[0.15] * 6), folder=folder)


@pytest.fixture
def root(made, tmp_path) -> Path:
    """A copy of the simulated folder that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "download"))


def test_images_are_squares_of_the_middle(tmp_path):
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = (200, 100, 50)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    Image.fromarray(wide.transpose(1, 0, 2)).save(tmp_path / "tall.png")
    found = load_colour([tmp_path / "wide.png", tmp_path / "tall.png"], 10, progress=False, folder=tmp_path)
    assert found.dtype == np.uint8 and found.shape == (2, 3, 10, 10)
    inside = found[..., 1:-1, 1:-1]
    assert (inside == np.array([200, 100, 50]).reshape(1, 3, 1, 1)).all()


def test_images_keep_order_and_orientation(made, tmp_path):
    files = images(made)
    found = load_colour(files, 16, progress=False, folder=tmp_path)
    for array, file in zip(found, files, strict=True):
        assert np.array_equal(array.transpose(1, 2, 0), np.asarray(Image.open(file)))


def test_second_call_reads_what_is_kept(root, tmp_path, monkeypatch):
    files = images(root)[:5]
    first = load_colour(files, 8, progress=False, folder=tmp_path)
    assert len(list(tmp_path.glob("*.npy"))) == 1 and not list(tmp_path.glob("*.part"))
    monkeypatch.setattr("helpers.datasets.shared.raster.decode", lambda *_: pytest.fail("decoded again"))
    assert np.array_equal(first, load_colour(files, 8, progress=False, folder=tmp_path))


def test_a_changed_file_order_or_size_is_read_anew(root, tmp_path):
    files = images(root)[:3]
    first = load_colour(files, 8, progress=False, folder=tmp_path)
    assert np.array_equal(first[::-1], load_colour(files[::-1], 8, progress=False, folder=tmp_path))
    assert load_colour(files, 4, progress=False, folder=tmp_path).shape == (3, 3, 4, 4)
    shutil.copy(files[1], files[0])
    again = load_colour(files, 8, progress=False, folder=tmp_path)
    assert np.array_equal(again[0], first[1]) and not np.array_equal(again[0], first[0])


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda files: load_colour([], 8), ("files",)),
        (lambda files: load_colour(files, 0), ("size", "0")),
        (lambda files: load_colour(files, 8.5), ("size", "8.5")),
        (lambda files: load_colour([*files, files[0].with_name("no.jpg")], 8), ("no.jpg", "cannot be read")),
        (lambda files: load_colour(files, 8, folder=files[0] / "x", progress=False), ("cannot be written",)),
    ],
)
def test_images_refuse_bad_input(root, act, words):
    with pytest.raises(InputError) as caught:
        act(images(root)[:2])
    assert all(word in str(caught.value) for word in words), caught.value


def test_images_try_all_files_before_they_refuse(root, tmp_path):
    files = images(root)[:4]
    files[0].write_bytes(b"")
    files[2].write_bytes(b"text")
    with pytest.raises(InputError, match=r"is empty \(and 1 more\)") as caught:
        load_colour(files, 8, progress=False, folder=tmp_path)
    assert caught.value.where == str(files[0]) and not list(tmp_path.glob("*.npy"))
