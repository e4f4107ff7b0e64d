"""The data sets of the reconstruction study in one form, and their images as poorer acquisitions give them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers import datasets, degrade, learn
from helpers.datasets.chexpert import layout
from helpers.errors import InputError
from helpers.learn.restoration_experiment import Outputs
from helpers.studies import reconstruction

SIZE = 32
OPTIONS = {"mode": "corrected", "pattern": "uniform", "seed": 0}


@pytest.fixture(scope="module")
def chest_root(tmp_path_factory) -> Path:
    return datasets.simulate_chest_xrays(24, seed=2, size=SIZE, folder=tmp_path_factory.mktemp("chests"))


@pytest.fixture(scope="module")
def chest(chest_root) -> learn.Task:
    return learn.load_task("chexpert", chest_root, size=SIZE, seed=0)


@pytest.fixture(scope="module")
def brain(tmp_path_factory) -> learn.Task:
    root = datasets.simulate_brain_tumours(12, seed=2, shape=(SIZE, SIZE, 12), folder=tmp_path_factory.mktemp("brains"))
    return learn.load_task("ucsf-pdgm", root, size=SIZE, seed=0, test_share=0.4)


def few(task: learn.Task) -> learn.Task:
    """The same with six images: each is degraded by itself."""
    return task._replace(rows=task.rows[:6], images=task.images[:6])


@pytest.mark.parametrize("name", ["brain", "chest"])
def test_a_task_has_a_row_an_image_and_a_split_a_patient(name, request):
    task = request.getfixturevalue(name)
    assert task.images.shape == (len(task.rows), 1, SIZE, SIZE)
    assert list(task.rows.columns[:4]) == ["case", "patient_id", "split", "age"]
    assert set(task.rows.columns[4:]) == {*task.attributes, *task.targets}
    assert task.rows["split"].isin(["train", "validation", "test"]).all()
    assert (task.rows.groupby("patient_id")["split"].nunique() == 1).all()
    assert ((task.rows[task.targets].isin([0, 1])) | task.rows[task.targets].isna()).all(axis=None)


def test_a_brain_is_a_case_of_many_slices_with_masks(brain):
    assert brain.rows.groupby("case").size().min() > 1
    assert brain.masks.shape == brain.images.shape and set(np.unique(brain.masks)) == {0, 1}
    patients = brain.rows.drop_duplicates("patient_id")
    assert (patients["split"] == "test").mean() == pytest.approx(0.4, abs=0.1)


def test_a_patient_whose_ages_are_on_both_sides_of_the_cut_has_one_age_group(chest_root, tmp_path):
    root = Path(shutil.copytree(chest_root, tmp_path / "download"))
    file = root / layout.FOLDERS[0] / layout.TRAIN
    table, cut = pd.read_csv(file, dtype=str), layout.AGE_CUT
    patient = table[layout.PATH].str.extract(r"(patient\d+)")[0]
    several = patient[patient.duplicated()].iloc[0]
    images = np.flatnonzero(patient == several)
    table.loc[images, "Age"] = [str(cut), *[str(cut + 1)] * (len(images) - 1)]
    table.to_csv(file, index=False)
    assert datasets.load_chexpert(root)[0].query("patient_id == @several")["age_group"].nunique() == 2
    rows = learn.load_task("chexpert", root, size=SIZE, seed=0).rows
    own = rows[rows["patient_id"] == several]
    assert len(own) == len(images)
    assert set(own["age"]) == {cut} and set(own["age_group"]) == {f"<={cut}"}


def test_a_release_without_its_demographics_is_read_without_race(chest_root, tmp_path):
    root = Path(shutil.copytree(chest_root, tmp_path / "download"))
    (root / layout.DEMOGRAPHICS).unlink()
    task = learn.load_task("chexpert", root, size=SIZE, seed=0)
    assert task.attributes == ["sex", "age_group"] and "race" not in task.rows
    assert task.dropped["reason"].str.contains("race missing").any()


@pytest.mark.parametrize("name", ["brain", "chest"])
def test_degraded_images_are_made_once_and_differ_between_modes(name, request, tmp_path, monkeypatch):
    task = few(request.getfixturevalue(name))
    worse = learn.degraded(task, "high", **OPTIONS, folder=tmp_path)
    published = learn.degraded(task, "high", **OPTIONS | {"mode": "as_published"}, folder=tmp_path)
    assert worse.shape == task.images.shape and worse.dtype == np.float32
    assert worse.min() >= 0 and worse.max() <= 1
    assert np.abs(worse - published).max() > 1e-3
    for function in ("undersample", "low_dose"):
        monkeypatch.setattr(degrade, function, lambda *args, **rest: pytest.fail("made again"))
    np.testing.assert_array_equal(learn.degraded(task, "high", **OPTIONS, folder=tmp_path), worse)
    with pytest.raises(pytest.fail.Exception, match="again"):
        learn.degraded(task, "low", **OPTIONS, folder=tmp_path)


def test_more_noise_leaves_less(brain, chest, tmp_path):
    for task in (few(brain), few(chest)):
        error = [
            np.mean((learn.degraded(task, level, **OPTIONS, folder=tmp_path) - task.images) ** 2)
            for level in ("low", "middle", "high")
        ]
        assert error[0] < error[1] < error[2]


def test_only_two_networks_of_the_published_mri_are_trained_on_other_images(brain, chest, tmp_path):
    published, brain, chest = OPTIONS | {"mode": "as_published"}, few(brain), few(chest)
    assert learn.published_training(brain, "middle", **OPTIONS, folder=tmp_path) == {}
    assert learn.published_training(chest, "middle", **published, folder=tmp_path) == {}
    other = learn.published_training(brain, "middle", **published, folder=tmp_path)
    assert set(other) == {"pix2pix", "sde"}
    magnitude = learn.degraded(brain, "middle", **OPTIONS, folder=tmp_path)
    for images in other.values():
        np.testing.assert_array_equal(images, magnitude)


def test_examples_are_held_out_and_of_the_brain_the_largest_tumours(brain, chest):
    for task in (brain, chest):
        held_out = np.flatnonzero(task.rows["split"] != "train")
        outputs = Outputs(held_out, {"original": task.images[held_out], "unet": 1 - task.images[held_out]}, {}, {})
        shown = reconstruction.examples(task, outputs, n=2)
        assert shown.shape == (2, 2, 3, SIZE, SIZE) and shown.dtype == np.uint8
        tested = np.flatnonzero(task.rows["split"] == "test")
        size = np.zeros(len(tested)) if task.masks is None else task.masks[tested].sum((1, 2, 3))
        first = (255 * task.images[tested[np.argmax(size)], 0]).round()
        np.testing.assert_array_equal(shown[0, 0, 0], first)
        assert not np.array_equal(shown[0, 0], shown[1, 0])


BAD = {
    "no data set": (lambda t, f: learn.load_task("brats", f, size=SIZE, seed=0), "dataset: must be .*, got 'brats'"),
    "no simulation": (
        lambda t, f: learn.simulated_task("brats", 5, size=SIZE, seed=0),
        "dataset: must be .*, got 'brats'",
    ),
    "share": (lambda t, f: learn.load_task("chexpert", f, size=SIZE, seed=0, test_share=0.9), "test_share = 0.9"),
    "no level": (lambda t, f: learn.degraded(t, "extreme", **OPTIONS, folder=f), "level: must be .*, got 'extreme'"),
    "no mode": (
        lambda t, f: learn.degraded(t, "low", **OPTIONS | {"mode": "real"}, folder=f),
        "mode: must be .*, got 'real'",
    ),
    "no mode of training": (
        lambda t, f: learn.published_training(t, "low", **OPTIONS | {"mode": "published"}, folder=f),
        "mode: must be .*, got 'published'",
    ),
    "side": (
        lambda t, f: learn.read_task(t, t.images, network="paper", sampler="ddim", steps=2, seed=0),
        "SIZE: 32 pixels do not fit the paper networks",
    ),
    "one class": (
        lambda t, f: learn.read_task(
            t._replace(rows=t.rows.assign(type=1.0)), t.images, network="small", sampler="ddim", steps=2, seed=0
        ),
        "type: left out, since it has only 1 in train",
    ),
    "no network": (
        lambda t, f: learn.read_task(t, t.images, network="large", sampler="ddim", steps=2, seed=0),
        "network: must be .*, got 'large'",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_error(case, brain, tmp_path):
    act, words = BAD[case]
    with pytest.raises(InputError, match=words):
        act(brain, tmp_path)


def test_effort_shortens_a_training_and_never_to_nothing():
    from helpers.learn.restoration_tasks import _shortened

    assert _shortened({"steps": 200, "lr": 1}, 0.05) == {"steps": 10, "lr": 1}
    assert _shortened({"epochs": 5}, 0.01) == {"epochs": 1}
    with pytest.raises(InputError, match="effort"):
        _shortened({"epochs": 5}, 0)
