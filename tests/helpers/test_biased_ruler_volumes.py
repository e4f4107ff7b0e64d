"""Volumes on disk, patches of them, and a tiny network that is trained, applied and gone on with."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import ndimage

from helpers import datasets, learn, metrics
from helpers.errors import InputError
from helpers.studies import biased_ruler
from helpers.studies.biased_ruler import volumes

SPACING = 4.0
NETWORK = {"spacing": SPACING, "patch": (16, 16, 16), "steps": 2, "channels": 2, "device": "cpu", "progress": False}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return datasets.simulate_breast_mri(10, seed=1, shape=(32, 32, 12), folder=tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def cases(root) -> pd.DataFrame:
    """Three Young and three Older."""
    patients, _ = datasets.load_mama_mia(root)
    chosen = [patients[patients["age_group"] == group].head(3) for group in ("Young", "Older")]
    return pd.concat(chosen, ignore_index=True).assign(tier=1.0, easy=True)


@pytest.fixture(scope="module")
def files(root, cases, tmp_path_factory) -> list[Path]:
    return prepare(root, cases["patient_id"], tmp_path_factory.mktemp("prepared"))


def prepare(root: Path, patients, folder: Path, spacing: float = SPACING) -> list[Path]:
    return volumes.prepare(root, list(patients), spacing=spacing, folder=folder, progress=False)


# --- prepare


def test_prepared_volumes_are_those_of_data(root, cases, files):
    assert [file.stem for file in files] == cases["patient_id"].tolist()
    for file, patient in list(zip(files, cases["patient_id"], strict=True))[:2]:
        arrays, own = volumes.read(file), datasets.load_volume(root, patient)
        volume = datasets.resample(own, SPACING)
        assert set(arrays) == {"image", "expert", "automatic", "own_expert", "own_automatic"}
        assert arrays["image"].dtype == np.float16 and arrays["expert"].dtype == arrays["automatic"].dtype == bool
        np.testing.assert_allclose(arrays["image"], volume.image, rtol=1e-3, atol=1e-4)
        np.testing.assert_array_equal(arrays["expert"], volume.expert)
        np.testing.assert_array_equal(arrays["automatic"], volume.automatic)
        np.testing.assert_array_equal(arrays["own_expert"], own.expert)
        np.testing.assert_array_equal(arrays["own_automatic"], own.automatic)


def test_volumes_are_prepared_once(root, cases, tmp_path, monkeypatch):
    patients, read = cases["patient_id"].tolist(), []
    original = datasets.load_volume

    def spy(root, patient):
        read.append(patient)
        return original(root, patient)

    monkeypatch.setattr(datasets, "load_volume", spy)
    first = prepare(root, patients[:2], tmp_path)
    assert prepare(root, patients[:3], tmp_path)[:2] == first and read == patients[:3]
    other = prepare(root, patients[:1], tmp_path, spacing=5.0)
    assert other[0] not in first and len(read) == 4
    assert not list(tmp_path.rglob("*.part"))


def test_a_broken_file_is_one_error_that_names_the_patient(root, cases, tmp_path):
    copy, patients = tmp_path / "copy", cases["patient_id"].tolist()[:3]
    shutil.copytree(root, copy)
    mask = datasets.mask_file(copy, "expert", patients[1])
    whole = mask.read_bytes()
    mask.write_bytes(whole[:40])
    with pytest.raises(InputError) as caught:
        prepare(copy, patients, tmp_path / "made")
    assert patients[1].lower() in str(caught.value).lower() and "\n" not in str(caught.value)
    made = {file.stem for file in (tmp_path / "made").rglob("*.npz")}
    assert made == {patients[0], patients[2]}  # the others are finished first
    mask.write_bytes(whole)
    assert all(file.is_file() for file in prepare(copy, patients, tmp_path / "made"))


def test_two_broken_files_are_one_error(root, cases, tmp_path):
    copy, patients = tmp_path / "copy", cases["patient_id"].tolist()[:3]
    shutil.copytree(root, copy)
    for patient in patients[:2]:
        datasets.mask_file(copy, "expert", patient).write_bytes(b"no mask")
    with pytest.raises(InputError, match=r"and 1 more") as caught:
        prepare(copy, patients, tmp_path / "made")
    assert patients[0].lower() in str(caught.value).lower()
    assert len(list((tmp_path / "made").rglob("*.npz"))) == 1


def test_a_data_set_without_automatic_masks_is_refused(root, cases, tmp_path):
    shutil.copytree(root, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "segmentations" / "automatic")
    with pytest.raises(InputError, match="no automatic masks"):
        prepare(tmp_path / "copy", cases["patient_id"], tmp_path / "made")
    assert not list((tmp_path / "made").rglob("*.npz"))


def test_a_folder_that_cannot_be_written_is_told(root, cases, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match="cannot be written"):
        prepare(root, cases["patient_id"], tmp_path / "file" / "prepared")


# --- patches


def save(file: Path, expert: np.ndarray, *, image: np.ndarray | None = None, automatic=None) -> Path:
    image = np.ones((2, *expert.shape), np.float16) if image is None else image
    np.savez(file, image=image, expert=expert, automatic=~expert if automatic is None else automatic)
    return file


def draw(data_set: volumes.Patches, n: int, *, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    torch.manual_seed(seed)
    return [tuple(t.numpy() for t in data_set[i % len(data_set)]) for i in range(n)]


def test_patches_have_their_shape_and_the_target_asked_for(tmp_path):
    expert = np.zeros((20, 24, 12), bool)
    files = [save(tmp_path / f"{k}.npz", expert) for k in range(2)]
    patches = volumes.Patches(files, np.array([False, True]), patch=(8, 16, 8))
    assert len(patches) == 2
    for k, (image, target) in enumerate(draw(patches, 6)):
        assert image.shape == (2, 8, 16, 8) and target.shape == (1, 8, 16, 8)
        assert image.dtype == target.dtype == np.float32
        assert (target == k % 2).all()  # the expert drew nothing, the automatic mask is everything


def test_a_volume_smaller_than_the_patch_is_padded_with_zeros(tmp_path):
    file = save(tmp_path / "a.npz", np.ones((6, 20, 5), bool))
    for image, target in draw(volumes.Patches([file], np.array([False]), patch=(8, 8, 8)), 20):
        inside = image[0] == 1
        np.testing.assert_array_equal(image, np.broadcast_to(inside, image.shape))
        np.testing.assert_array_equal(target[0], inside)
        along_x, along_z = inside.any(axis=(1, 2)), inside.any(axis=(0, 1))
        assert along_x.tolist() == [False, *[True] * 6, False]
        assert along_z.tolist() in ([False, *[True] * 5, False, False], [False, False, *[True] * 5, False])
        assert inside.sum() == 6 * 8 * 5


def test_a_patch_is_cut_as_near_to_its_centre_as_the_volume_allows():
    array = np.arange(10.0)[None, :, None, None] * np.ones((1, 10, 4, 4))
    for centre, first in ((0, 0), (2, 0), (5, 3), (9, 6)):
        patch = datasets.crop(array, np.array([centre, 2, 2]), (4, 4, 4))
        assert patch[0, :, 0, 0].tolist() == [first, first + 1, first + 2, first + 3]


def test_a_third_of_the_patches_is_centred_on_the_target(tmp_path):
    expert = np.zeros((40, 40, 40), bool)
    expert[20, 20, 20] = True
    patches = volumes.Patches([save(tmp_path / "a.npz", expert)], np.array([False]), patch=(8, 8, 8))
    n = 600
    hits = [target for _, target in draw(patches, n) if target.any()]
    # The one voxel is in (8 / 40)^3 of the patches that are drawn anywhere: nearly none.
    expected = 1 / 3 + 2 / 3 * (8 / 40) ** 3
    assert abs(len(hits) / n - expected) < 3 * np.sqrt(expected * (1 - expected) / n)
    centred = [set(np.argwhere(t[0])[0]) <= {3, 4} for t in hits]  # index 4, or 3 where flipped
    assert np.mean(centred) > 0.95


def test_each_axis_is_flipped_in_half_of_them_and_the_mask_with_the_image(tmp_path):
    grid = np.indices((8, 8, 8)).astype(np.float32)
    place = grid[0] + 10 * grid[1] + 100 * grid[2]
    file = save(tmp_path / "a.npz", place % 7 == 0, image=np.stack([place, -place]))
    seen = []
    for image, target in draw(volumes.Patches([file], np.array([False]), patch=(8, 8, 8)), 300):
        np.testing.assert_array_equal(target[0], image[0] % 7 == 0)
        np.testing.assert_array_equal(image[1], -image[0])
        seen.append([np.diff(image[0], axis=k).flat[0] < 0 for k in range(3)])
    assert np.abs(np.mean(seen, axis=0) - 0.5).max() < 3 * 0.5 / np.sqrt(300)
    assert len(np.unique(seen, axis=0)) == 8  # each on its own


def test_patches_follow_the_generator_of_torch(files):
    patches = volumes.Patches(files[:1], np.array([False]), patch=(8, 8, 8))
    first, again, other = (draw(patches, 3, seed=s) for s in (0, 0, 1))
    assert all((x[0] == y[0]).all() for x, y in zip(first, again, strict=True))
    assert any((x[0] != y[0]).any() for x, y in zip(first, other, strict=True))


# --- networks


@pytest.fixture
def fitted(monkeypatch) -> list[learn.Fitted]:
    """What training gave, in this process."""
    results, original = [], learn.fit

    def spy(*arguments, **options):
        results.append(original(*arguments, **options))
        return results[-1]

    monkeypatch.setattr(learn, "fit", spy)
    return results


def test_experiments_on_volumes_are_scored_and_gone_on_with(files, cases, tmp_path, fitted):
    score = volumes.scorer(files, checkpoints=tmp_path / "checkpoints", **NETWORK)
    options = {"seeds": [0, 1, 2], "folds": 2, "seed": 0, "experiments": ["baseline"], "progress": False}
    found = biased_ruler.run(score, cases, keep=tmp_path / "kept", **options)
    assert len(found) == 3 * 2 * 6 and len(fitted) == 6
    assert all(part["patient_id"].nunique() == 6 for _, part in found.groupby(["train_seed", "reference"]))
    assert set(found["reference"]) == {"gold", "silver"} and found["dice"].between(0, 1).all()
    names = {folder.name for folder in (tmp_path / "checkpoints").iterdir()}
    assert names == {f"baseline-seed{s}-fold{k}" for s in range(3) for k in range(2)}
    assert [f.resumed for f in fitted] == [0] * 6

    pd.testing.assert_frame_equal(biased_ruler.run(score, cases, keep=tmp_path / "kept", **options), found)
    assert len(fitted) == 6  # all from what was kept
    shutil.rmtree(tmp_path / "kept")
    pd.testing.assert_frame_equal(biased_ruler.run(score, cases, keep=tmp_path / "kept", **options), found)
    assert [f.resumed for f in fitted[6:]] == [2] * 6  # from the checkpoints, without a step more


def test_a_scorer_trains_on_the_cases_and_masks_asked_for(files, monkeypatch):
    given = {}

    def fit(chosen, silver, **options):
        given.update(files=list(chosen), silver=silver.tolist(), **options)
        return "network"

    def predict_volume(model, image, *, window):
        return image[1:] - 0.5  # one channel of logits, the subtraction image

    monkeypatch.setattr(volumes, "fit", fit)
    monkeypatch.setattr(learn, "predict_volume", predict_volume)
    include, silver = np.array([1, 1, 0, 0, 1, 0], bool), np.array([0, 1, 1, 0, 0, 1], bool)
    score = volumes.scorer(files, **NETWORK)
    found = score(include, silver, np.arange(6) >= 4, 9, "name")
    assert given["files"] == [files[0], files[1], files[4]] and given["silver"] == [False, True, False]
    assert given["seed"] == 9 and given["checkpoint"] is None and given["steps"] == 2
    expected = []
    for file in files[4:]:
        arrays = volumes.read(file)
        masks = [arrays["own_expert"], arrays["own_automatic"]]
        assert masks[0].shape != arrays["expert"].shape  # judged on the grid the masks were drawn on
        logits = arrays["image"][1].astype(np.float32) - 0.5
        factors = np.divide(masks[0].shape, logits.shape)
        predicted = ndimage.zoom(logits, factors, order=1, mode="nearest", grid_mode=True) > 0
        expected.append([metrics.dice(mask, predicted) for mask in masks])
    np.testing.assert_allclose(found, expected)
    assert found.min() < found.max()


def test_the_seed_decides_the_network(files):
    silver = np.zeros(len(files), bool)
    first, again, other = (volumes.fit(files, silver, seed=s, **NETWORK).state_dict() for s in (0, 0, 1))
    assert all((first[name] == again[name]).all() for name in first)
    assert any((first[name] != other[name]).any() for name in first)
