"""Sets of known images and strangers: from a download, from a table of the user, and from labels alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers import datasets
from helpers.datasets.fetal_planes import layout
from helpers.errors import InputError
from helpers.studies import ood_fetal
from tests.helpers.fetal import as_downloaded


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return datasets.simulate_fetal_planes(200, n_test=120, seed=4, folder=tmp_path_factory.mktemp("made"))


@pytest.fixture
def root(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "download"))


@pytest.fixture(scope="module")
def cohort(made) -> ood_fetal.Cohort:
    return ood_fetal.fetal_cohort(made)


def changed(root: Path, change) -> Path:
    file = root / layout.TABLE
    table = pd.read_csv(file, sep=";", dtype=str)
    change(table).to_csv(file, sep=";", index=False)
    return root


def test_sets_share_no_patient_and_strangers_are_only_in_the_test(cohort):
    rows = cohort.rows
    for name in ("threshold", "known", *cohort.shifts):
        assert set(rows["patient"][rows["set"] == name]).isdisjoint(rows["patient"][rows["set"] == "train"])
    assert set(rows["patient"][rows["set"] == "threshold"]).isdisjoint(rows["patient"][rows["set"] == "known"])
    training = rows[rows["set"] == "train"]
    assert "other plane" not in set(training["plane"]) and set(training["machine"]) == {"Voluson E6", "Aloka"}
    strange = rows[rows["set"] == "unknown plane"]
    assert set(strange["plane"]) == {"other plane"} and set(strange["machine"]) == {"Voluson E6", "Aloka"}
    for machine in ("Voluson S10", "other machines"):
        part = rows[rows["set"] == machine]
        assert set(part["machine"]) == {machine} and "other plane" not in set(part["plane"])
    assert cohort.shifts == {"unknown plane": "anatomy", "Voluson S10": "machine", "other machines": "machine"}
    assert (cohort.first, cohort.rival) == ("plane", "machine") and cohort.tasks[-1] == "habitus"
    assert len(cohort.images) == len(rows) and cohort.images.dtype == np.uint8


def test_a_strange_machine_has_the_mix_of_planes_of_the_known_ones(root):
    """Even where the table's mix differs: all but a third of the brains by the S10 are taken away."""

    def fewer(table):
        brains = table.index[(table["US_Machine"] == "Voluson S10") & (table["Plane"] == "Fetal brain")]
        return table.drop(index=brains[len(brains) // 3 :])

    cohort = ood_fetal.fetal_cohort(changed(root, fewer))
    rows = cohort.rows
    known = rows[rows["set"].isin(["known", "threshold"])]["plane"].value_counts(normalize=True)
    strange = rows[rows["set"] == "Voluson S10"]["plane"].value_counts()
    assert (strange - known * strange.sum()).abs().max() < 1.5
    assert cohort.dropped["n"].sum() > 0


def test_another_stranger_leaves_other_planes_out(made):
    cohort = ood_fetal.fetal_cohort(made, stranger="femur")
    rows = cohort.rows
    assert "other plane" not in set(rows["plane"]) and "femur" not in set(rows["plane"][rows["set"] == "train"])
    assert set(rows["plane"][rows["set"] == "unknown plane"]) == {"femur"}


def test_copies_of_a_file_are_left_out(root):
    cases, _ = datasets.load_fetal_planes(root, progress=False)
    training = cases[(cases["part"] == "train")]["file"]
    shutil.copy(training.iloc[0], training.iloc[1])
    cohort = ood_fetal.fetal_cohort(root)
    copies = cohort.dropped[cohort.dropped["reason"] == "a copy of another file"]
    assert copies["n"].tolist() == [1] and len(cohort.of("train")) == 199


def test_fewer_images_are_whole_patients(made, cohort):
    few = ood_fetal.fetal_cohort(made, most=60)
    sizes = few.rows.groupby("set").size()
    assert sizes.max() <= 60 and sizes["train"] > 40
    whole = cohort.rows.groupby(["set", "patient"]).size()
    part = few.rows[few.rows["set"] == "train"].groupby("patient").size()
    assert (part == whole["train"].loc[part.index]).all()


def test_african_planes_are_strangers_of_a_third_kind(made, tmp_path):
    other = datasets.simulate_african_planes(20, seed=1, folder=tmp_path)
    cohort = ood_fetal.fetal_cohort(made, stranger="femur", african=other)
    rows = cohort.rows[cohort.rows["set"] == "African planes"]
    assert cohort.shifts["African planes"] == "all" and set(rows["plane"]) == {"abdomen", "brain", "thorax"}
    assert rows["machine"].isna().all() and rows["patient"].str.contains("Ghana").any()
    with pytest.raises(InputError, match="pictures: must be files, got 'drawn'"):
        ood_fetal.fetal_cohort(made, african=other, pictures="drawn")


def test_pictures_can_be_drawn_for_labels_alone(root):
    shutil.rmtree(root / layout.IMAGES)
    (root / datasets.CASES).unlink()
    with pytest.raises(InputError, match="holds no image"):
        ood_fetal.fetal_cohort(root)
    cohort = ood_fetal.fetal_cohort(root, pictures="drawn")
    again = ood_fetal.fetal_cohort(root, pictures="drawn")
    assert (cohort.images == again.images).all() and cohort.tasks[-1] == "habitus"
    bright = cohort.images.mean((1, 2, 3))
    known = cohort.rows["set"] == "known"
    assert bright[cohort.of("other machines")].mean() < 0.7 * bright[known].mean()
    assert cohort.rows.groupby("patient")["habitus"].nunique().max() == 1


def test_the_real_labels_can_be_used(real, tmp_path):
    root = as_downloaded(real("fetal_planes") / "fetal_planes_splits.csv", tmp_path / "real")
    cohort = ood_fetal.fetal_cohort(root, pictures="drawn", most=300)
    assert list(cohort.shifts) == ["unknown plane", "Voluson S10"]  # too few known planes by other machines
    assert cohort.rows.groupby("set")["patient"].nunique().min() >= 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.assign(US_Machine="Aloka"), "task machine: has one class left in training"),
        (lambda t: t[t["Plane"] != "Other"], "set unknown plane: 0 images of 0 patients"),
        (lambda t: t.assign(Plane=t["Plane"].where(t["Plane"] == "Other", "Fetal femur")), "task plane: has one class"),
        (lambda t: t.assign(**{"Train ": "0"}), "set train: 0 images"),
    ],
)
def test_a_download_that_cannot_be_used_is_refused(root, change, message):
    with pytest.raises(InputError, match=message):
        ood_fetal.fetal_cohort(changed(root, change))


def test_unknown_choices_are_refused(made):
    with pytest.raises(InputError, match="stranger: must be abdomen, brain"):
        ood_fetal.fetal_cohort(made, stranger="heart")
    with pytest.raises(InputError, match="pictures: must be files or drawn"):
        ood_fetal.fetal_cohort(made, pictures="both")


# A table of the user


@pytest.fixture(scope="module")
def table(made) -> pd.DataFrame:
    """The simulated images as a table in a layout of the user's."""
    cases, _ = datasets.load_fetal_planes(made, progress=False)
    cases = cases[cases["plane"] != "other plane"]
    columns = {"file": cases["file"], "woman": cases["patient"], "device": cases["machine"]}
    return pd.DataFrame(
        columns | {"brain": (cases["plane"] == "brain") * 1, "operator": cases["operator"], "part": cases["part"]}
    )


def read(folder: Path, table: pd.DataFrame, **asked: str) -> datasets.ImageTable:
    table.to_csv(folder / "my.csv", index=False)
    named = {"PATIENT": "woman", "SITE": "device", "TARGETS": "brain", "GROUPS": "operator"} | asked
    return datasets.load_image_table(folder / "my.csv", named)


def test_sites_of_a_table_are_strangers(tmp_path, table):
    cohort = ood_fetal.table_cohort(read(tmp_path, table), strangers="Voluson S10 | other machines")
    rows = cohort.rows
    assert cohort.tasks == ("brain", "site", "operator")
    assert list(cohort.shifts) == ["Voluson S10 | other machines"]
    assert set(rows["site"][rows["set"] == "train"]) == {"Voluson E6", "Aloka"}
    strange = rows[rows["set"] == "Voluson S10 | other machines"]
    assert len(strange) > 200 and strange["site"].isna().all()
    assert set(rows["patient"][rows["set"] == "train"]).isdisjoint(rows["patient"][rows["set"] != "train"])
    assert set(rows["set"]) == {"train", "threshold", "known", *cohort.shifts}


def test_the_smallest_site_is_the_stranger_by_default(tmp_path, table):
    few = table[(table["device"] != "Voluson S10") | (table.groupby("device").cumcount() < 40)]
    assert list(ood_fetal.table_cohort(read(tmp_path, few)).shifts) == ["Voluson S10"]


@pytest.mark.parametrize(
    ("change", "asked", "strangers", "message"),
    [
        (lambda t: t.assign(device="one"), {}, "", "SITE: strangers are the images of some sites"),
        (lambda t: t.drop(columns="device"), {"SITE": ""}, "", "SITE: strangers are the images of some sites"),
        (lambda t: t, {}, "Voluson S9", "STRANGERS: must be Aloka.*Did you mean Voluson S10"),
        (lambda t: t[t["device"].isin(["Aloka", "Voluson S10"])], {"GROUPS": ""}, "Voluson S10", "two are compared"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path, table, change, asked, strangers, message):
    if asked.get("GROUPS") == "":
        table = table.drop(columns="operator")
    with pytest.raises(InputError, match=message):
        ood_fetal.table_cohort(read(tmp_path, change(table), **asked), strangers=strangers)
