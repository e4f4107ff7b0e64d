"""Data sets as tasks: who is in which part, where a cause is planted, and what a method starts from."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from helpers import learn, paths
from helpers.datasets.chexpert import layout
from helpers.errors import InputError
from helpers.studies import mitigation
from helpers.studies.mitigation.tasks import PARTS

SIZE = 32
SIZES = {"chest": 60, "skin": 120, "xray": 24, "mri": 24}
CHANNELS = {"chest": 1, "skin": 3, "xray": 1, "mri": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where everything that is simulated goes."""
    place = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "data", lambda: place)
        yield place


@pytest.fixture(scope="module")
def roots(folder) -> dict[str, Path]:
    return {task: mitigation.simulated(task, n, size=SIZE, seed=1) for task, n in SIZES.items()}


@pytest.fixture(scope="module")
def read(folder, roots):
    """Studies by task and options, each read once."""
    found = {}

    def load(task: str, **options) -> mitigation.Study:
        key = (task, *sorted(options.items()))
        if key not in found:
            usual = {"size": SIZE, "seed": 0} | ({"folder": folder / "degraded"} if task in ("xray", "mri") else {})
            found[key] = mitigation.load(task, roots[task], **usual | options)
        return found[key]

    return load


@pytest.mark.parametrize("task", SIZES)
def test_a_study_has_all_parts_with_a_row_an_image(task, read):
    made = read(task)
    assert list(made.parts) == list(PARTS) and made.task == task and made.target == mitigation.TARGETS[task]
    for name, cases in made.parts.items():
        rows = made.of(name)
        assert cases.images.shape == (len(rows), CHANNELS[task], SIZE, SIZE) and len(rows) > 0
        assert cases.images.dtype == np.float32 and cases.images.min() >= 0 and cases.images.max() <= 1
        np.testing.assert_array_equal(cases.labels[:, 0], rows["label"])
        assert set(np.unique(cases.labels)) <= {0, 1}
        assert list(cases.attributes) == [made.attribute] and cases.attributes.index.equals(rows.index)
        assert cases.attributes[made.attribute].tolist() == rows[made.attribute].tolist()
        assert (cases.clean is not None) == (task in ("xray", "mri"))
    assert made.rows[made.attribute].dropna().nunique() == 2 and {"table", "reason", "n"} <= set(made.dropped)


@pytest.mark.parametrize("task", SIZES)
def test_no_patient_is_in_two_parts(task, read):
    made = read(task)
    own = {name: set(made.of(name)["patient_id"]) for name in PARTS}
    assert own["shifted"] == own["test"]
    separate = [own[name] for name in PARTS[:4]]
    assert len(set.union(*separate)) == sum(map(len, separate))
    shares = np.array([len(part) for part in separate]) / sum(map(len, separate))
    np.testing.assert_allclose(shares, (0.4, 0.1, 0.15, 0.35), atol=1.5 / sum(map(len, separate)))


def test_a_split_is_repeated_by_its_seed(roots, read):
    first, again = read("chest"), mitigation.load("chest", roots["chest"], size=SIZE, seed=0)
    pd.testing.assert_frame_equal(first.rows, again.rows)
    for name in PARTS:
        np.testing.assert_array_equal(first.parts[name].images, again.parts[name].images)
    assert not first.rows.equals(read("chest", seed=1).rows)


@pytest.mark.parametrize("task", ["chest", "skin"])
@pytest.mark.parametrize("cause", ["label bias", "under-representation", "prevalence shift"])
def test_training_and_validation_alone_are_faulty(task, cause, read):
    clean, faulty = read(task), read(task, cause=cause, strength=1.0)
    first = sorted(clean.rows[clean.attribute].dropna().unique())[0]
    assert first == ("F" if task == "chest" else "dark")
    for name in ("external", "test", "shifted"):
        pd.testing.assert_frame_equal(clean.of(name), faulty.of(name))
        np.testing.assert_array_equal(clean.parts[name].images, faulty.parts[name].images)
    for name in ("train", "validation"):
        before, after = clean.of(name), faulty.of(name)
        assert len(before) > len(after) or cause == "label bias"
        within, wanted = after[after[clean.attribute] == first], before[before[clean.attribute] == first]
        assert wanted["label"].sum() > 0 and within["label"].sum() == 0
        assert len(within) == {"label bias": len(wanted), "under-representation": 0}.get(
            cause, (wanted["label"] == 0).sum()
        )
        outside = [rows[rows[clean.attribute] != first].reset_index(drop=True) for rows in (before, after)]
        pd.testing.assert_frame_equal(*outside)


@pytest.mark.parametrize("cause", ["shortcut", "difficulty"])
def test_what_is_in_images_is_in_all_parts(cause, read):
    clean, faulty = read("chest"), read("chest", cause=cause)
    for name in PARTS:
        changed = (clean.parts[name].images != faulty.parts[name].images).any((1, 2, 3))
        women = (clean.of(name)["sex"] == "F").to_numpy()
        assert changed[women].any() and (cause == "shortcut" or name == "shifted" or not changed[~women].any())
        pd.testing.assert_frame_equal(clean.of(name), faulty.of(name))


@pytest.mark.parametrize("cause", ["label bias", "under-representation", "prevalence shift"])
def test_slices_of_a_brain_are_faulty_together(cause, read):
    whole, made = read("mri"), read("mri", cause=cause, strength=0.5)
    assert (whole.rows.groupby(["part", "case"]).size() > 1).any()
    slices, left = (study.rows.groupby(["part", "case"]).size() for study in (whole, made))
    assert left.equals(slices[left.index])  # all of a case, or none
    assert (made.rows.groupby(["part", "case"])["label"].nunique() == 1).all()


def test_a_mark_in_a_reconstruction_is_in_the_clean_image_too(read):
    """Else a reconstruction that takes the mark away would be right, and its reader never see one."""
    whole, made = read("xray"), read("xray", cause="shortcut")
    for name in PARTS[:4]:
        both = [(getattr(whole.parts[name], of), getattr(made.parts[name], of)) for of in ("images", "clean")]
        worse, clean = ((before != after).any((1, 2, 3)) for before, after in both)
        np.testing.assert_array_equal(worse, clean)
        assert name != "train" or 0 < clean.sum() < len(clean)
    noisy = read("xray", cause="difficulty")
    np.testing.assert_array_equal(noisy.parts["test"].clean, whole.parts["test"].clean)


def test_the_shifted_part_is_the_tested_one_on_another_device(read):
    made = read("chest")
    tested, shifted = made.parts["test"], made.parts["shifted"]
    np.testing.assert_array_equal(shifted.images, mitigation.other_scanner(tested.images, seed=0))
    np.testing.assert_array_equal(shifted.labels, tested.labels)


def test_another_cohort_can_be_the_shifted_part(folder, read):
    other = mitigation.simulated("chest", 30, size=SIZE, seed=7)
    made = read("chest", shifted_root=other)
    pd.testing.assert_frame_equal(made.of("test"), read("chest").of("test"))
    shifted = made.of("shifted")
    whole = mitigation.load("chest", other, size=SIZE, seed=3)
    assert len(shifted) == sum(len(whole.of(name)) for name in PARTS[:4])
    assert made.parts["shifted"].images.shape == (len(shifted), 1, SIZE, SIZE)


def test_a_person_has_one_sex_and_age(read):
    rows = read("chest", attributes=("sex", "age_group")).rows
    assert (rows.groupby("patient_id")[["sex", "age_group"]].nunique() <= 1).all(axis=None)


def test_attributes_and_targets_can_be_chosen(read):
    made = read("chest", attributes=("age_group", "sex"), target="Edema")
    assert made.attribute == "age_group" and list(made.parts["train"].attributes) == ["age_group", "sex"]
    assert made.target == "Edema" and not made.rows["label"].equals(read("chest").rows["label"])
    assert made.dropped["reason"].str.contains("Edema unknown").any()


def test_groups_of_a_simulated_cohort_look_different(read):
    """Women's lungs and dark skin: what the tasks are about can be seen."""
    for task in ("chest", "skin"):
        made = read(task)
        rows = made.rows[made.rows["part"] != "shifted"]
        images = np.concatenate([made.parts[name].images for name in PARTS[:4]])
        first = (rows[made.attribute] == sorted(rows[made.attribute].dropna().unique())[0]).to_numpy()
        known = rows[made.attribute].notna().to_numpy()
        middle = [images[known & side].mean((1, 2, 3)) for side in (first, ~first)]
        spread = np.std(np.concatenate(middle))
        assert abs(middle[0].mean() - middle[1].mean()) > 0.2 * spread


def without_race(root: Path) -> Path:
    """The same cohort as a release without its demographics."""
    other = Path(shutil.copytree(root, root.parent / "bare", dirs_exist_ok=True))
    (other / layout.DEMOGRAPHICS).unlink()
    return other


BAD = {
    "task": (
        lambda r: mitigation.load("feet", r, size=SIZE, seed=0),
        "task: must be chest, skin, xray or mri, got 'feet'",
    ),
    "simulation": (lambda r: mitigation.simulated("feet", 9, size=SIZE, seed=0), "task: must be .*, got 'feet'"),
    "target": (
        lambda r: mitigation.load("chest", r, size=SIZE, seed=0, target="Gout"),
        "target: must be .*Edema.*, got 'Gout'",
    ),
    "attribute": (
        lambda r: mitigation.load("chest", r, size=SIZE, seed=0, attributes=("shoe",)),
        "attribute shoe.*sex",
    ),
    "second attribute": (
        lambda r: mitigation.load("chest", r, size=SIZE, seed=0, attributes=("sex", "case_id")),
        "attribute case_id",
    ),
    "attribute of another cohort": (
        lambda r: mitigation.load("chest", r, size=SIZE, seed=0, attributes=("race",), shifted_root=without_race(r)),
        "attribute race.*absent",
    ),
    "cause": (lambda r: mitigation.load("chest", r, size=SIZE, seed=0, cause="luck"), "cause: must be .*, got 'luck'"),
    "strength": (
        lambda r: mitigation.load("chest", r, size=SIZE, seed=0, cause="shortcut", strength=2),
        "strength = 2",
    ),
    "folder": (lambda r: mitigation.load("xray", r, size=SIZE, seed=0), "folder"),
    "nothing there": (lambda r: mitigation.load("chest", r / "none", size=SIZE, seed=0), "none"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_error(case, roots):
    act, words = BAD[case]
    with pytest.raises(InputError, match=words):
        act(roots["xray" if case == "folder" else "chest"])


# -- what methods start from


@pytest.fixture
def quick(monkeypatch):
    """U-Net and reader of two steps."""
    for dataset in learn.RESTORATION_DATASETS:
        short = {
            part: {**given, "steps": 2} for part, given in learn.RESTORATION_OPTIMISATION["small"][dataset].items()
        }
        monkeypatch.setitem(learn.RESTORATION_OPTIMISATION["small"], dataset, short)


START = {"network": "small", "steps": 2, "batch_size": 16, "lr": 1e-3, "device": "cpu"}


@pytest.mark.parametrize("task", SIZES)
def test_a_start_fits_its_study(task, read, quick, tmp_path):
    made = read(task)
    model, reader = mitigation.starter(made, **START, keep=tmp_path)(5)
    images = torch.from_numpy(made.parts["test"].images[:3])
    outputs = model(images)
    assert (reader is None) == (task in ("chest", "skin")) and not model.training
    if reader is None:
        assert outputs.shape == (3, 1)
    else:
        assert outputs.shape == images.shape and reader(outputs).shape == (3, 1)
    again = mitigation.starter(made, **START, keep=tmp_path)(5)[0]
    torch.testing.assert_close(again(images), outputs, rtol=0, atol=0)
    other = mitigation.starter(made, **START)(6)[0]
    assert not torch.equal(other(images), outputs)
