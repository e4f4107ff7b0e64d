"""A user's table of images in the comparison of methods: read whole, or refused before anything is trained."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers import datasets
from helpers.errors import InputError
from helpers.studies import mitigation

PATIENTS = 120


def frame(**changed):
    """Two grey pictures of each patient; labels and groups are unrelated."""
    k = np.arange(2 * PATIENTS) // 2
    table = {"image": [f"{i}.png" for i in range(2 * PATIENTS)], "patient": k, "sex": np.where(k % 2, "F", "M")}
    table |= {"ill": k // 2 % 2, "stage": np.array(["a", "b", "c"])[k % 3], "ward": np.where(k < 110, "1", "2")}
    return pd.DataFrame(table | changed)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for i in range(2 * PATIENTS):
        Image.fromarray(rng.integers(0, 255, (40, 32), dtype=np.uint8)).save(place / f"{i}.png")
    return place


def load(folder, table, *, target="", task="chest", **columns):
    table.to_csv(folder / "my.csv", index=False)
    read = datasets.load_image_table(folder / "my.csv", columns)
    return mitigation.load(task, read, size=32, seed=0, target=target, folder=folder / "degraded")


@pytest.mark.parametrize("task", ["chest", "xray", "mri"])
def test_every_patient_is_in_one_part_and_every_image_in_a_row(folder, task):
    study = load(folder, frame(), GROUPS="sex", TARGETS="ill", task=task)
    assert (study.target, study.attribute) == ("ill", "sex")
    rows = study.rows[study.rows["part"] != "shifted"]
    assert len(rows) == 2 * PATIENTS and (rows.groupby("patient_id")["part"].nunique() == 1).all()
    for name, cases in study.parts.items():
        assert cases.images.shape == (len(study.of(name)), 1, 32, 32)
        assert cases.labels[:, 0].tolist() == study.of(name)["label"].tolist()
    truth = frame().assign(case=[f"row {i + 2}" for i in range(2 * PATIENTS)]).set_index("case")["ill"]
    assert rows.set_index("case")["label"].eq(truth).all()


def test_parts_of_the_table_are_kept_and_the_external_set_is_of_its_training_patients(folder):
    part = np.where(np.arange(2 * PATIENTS) // 2 < 70, "train", "test")
    study = load(folder, frame(split=part), TARGETS="ill")
    where = study.rows[study.rows["part"] != "shifted"].set_index("case")["part"]
    given = pd.Series(part, [f"row {i + 2}" for i in range(2 * PATIENTS)])
    assert ((where == "test") == (given == "test").reindex(where.index)).all()
    assert set(where) == {"train", "external", "validation", "test"}


def test_rows_without_a_part_are_not_called_unlabelled(folder):
    part = np.where(np.arange(2 * PATIENTS) // 2 < 70, "train", "test").astype(object)
    part[-2:] = None
    dropped = load(folder, frame(split=part), TARGETS="ill").dropped.set_index("reason")["n"]
    assert dropped["no part is named"] == 2 and dropped["ill unknown"] == 0


def test_groups_are_compared_by_patients(folder):
    """Each group has ten pictures of each class or more, of few patients: no group can be compared."""
    patient = np.arange(2 * PATIENTS) // 6
    with pytest.raises(InputError, match=r"ill: left out, since sex \w has \d patients in test, expected 10 or more"):
        load(folder, frame(patient=patient, sex=np.where(patient % 2, "F", "M"), ill=patient // 2 % 2), TARGETS="ill")


def test_without_ten_tested_patients_of_each_class_the_run_goes_on_and_says_so(folder):
    """Of the women 22 patients are ill, so about seven of them are tested."""
    k = np.arange(2 * PATIENTS) // 2
    rare = np.where(k % 2, k % 6 == 1, k // 2 % 2).astype(int)
    study = load(folder, frame(rare=rare), GROUPS="sex", TARGETS="rare")
    said = "rare: no measure of groups, since sex F has fewer than 10 patients of a class in test"
    assert study.target == "rare" and said in study.dropped["reason"].tolist()
    other = load(folder, frame(rare=rare), GROUPS="sex", TARGETS="rare, ill")
    assert other.target == "ill" and said in other.dropped["reason"].tolist()


def test_a_single_small_group_of_a_part_is_not_given_away_by_the_size_of_the_part():
    index = pd.MultiIndex.from_tuples([(p, g) for p in ("train", "test") for g in "abc"])
    table = pd.DataFrame({"n": [40, 30, 12, 20, 9, 8], "n_patients": [40, 30, 9, 20, 9, 8]}, index)
    assert mitigation.beside_small(table) == [("train", "b")]
    assert mitigation.beside_small(table.assign(n=50, n_patients=20)) == []


def test_the_first_label_that_can_be_compared_is_taken_and_the_others_are_named(folder):
    rare = (np.arange(2 * PATIENTS) < 2).astype(int)
    study = load(folder, frame(rare=rare), GROUPS="sex", TARGETS="rare, ill")
    assert study.target == "ill"
    reasons = study.dropped.loc[study.dropped["table"] == "labels", "reason"]
    assert reasons.str.contains("rare: left out, since it has only 0").any()


LOPSIDED = [
    ("one class", {"ill": 1}, {"TARGETS": "ill"}, "target: ill: left out, since it has only 1 in validation"),
    ("no label", {"ill": None}, {"TARGETS": "ill"}, "column ill: is empty"),
    ("nothing to predict", {"ill": np.nan, "stage": np.nan}, {}, "target: there is no label"),
    ("a small group", {}, {"GROUPS": "ward", "TARGETS": "ill"}, "ill: left out, since ward 2 has"),
    ("one group", {"sex": "F"}, {"GROUPS": "sex", "TARGETS": "ill"}, "column sex: has the one value 'F'"),
    ("no group", {"sex": None}, {"TARGETS": "ill"}, "GROUPS: no column of groups is named or recognised"),
    ("label in one group", {"ill": np.arange(240) // 2 % 2}, {"TARGETS": "ill"}, "ill: left out, since sex F has"),
    ("a reserved name", {"label": "x"}, {"COMPARE": "label: x | y"}, "no row has y"),
]


@pytest.mark.parametrize(("changed", "columns", "expected"), [c[1:] for c in LOPSIDED], ids=[c[0] for c in LOPSIDED])
def test_a_lopsided_table_is_refused_before_training(folder, changed, columns, expected):
    with pytest.raises(InputError) as refused:
        load(folder, frame(**changed), **columns)
    assert expected in str(refused.value) and "\n" not in str(refused.value)
