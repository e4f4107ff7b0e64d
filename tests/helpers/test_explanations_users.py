"""A table of the user's images, with and without a network of theirs: what is found, and what is refused."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from helpers import datasets, learn
from helpers.errors import InputError
from helpers.studies import explanations

PATIENTS, SIZE = 140, 16
NAMES = ("gradient", "SmoothGrad", "IG zero", "IG mean", "occlusion zero", "occlusion mean")
QUICK = {"size": SIZE, "epochs": 10, "names": NAMES, "device": "cpu"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A table of pictures with a disc in those of label 1, masks of the disc, and two images of some patients."""
    folder = tmp_path_factory.mktemp("mine")
    drawn = explanations.draw_world("one cue", PATIENTS, size=32, seed=5)
    for k, (image, mask) in enumerate(zip(drawn.images[:, 0], drawn.places["A"], strict=True)):
        Image.fromarray((255 * image).astype(np.uint8)).save(folder / f"{k}.png")
        Image.fromarray(255 * (mask & bool(drawn.labels[k])).astype(np.uint8)).save(folder / f"mask_{k}.png")
    rows = pd.DataFrame({"image": [f"{k}.png" for k in range(PATIENTS)], "patient": range(PATIENTS)})
    rows["mask"] = [f"mask_{k}.png" for k in range(PATIENTS)]
    rows["sex"] = np.where(np.random.default_rng(0).random(PATIENTS) < 0.5, "female", "male")
    rows["ill"] = pd.Series(drawn.labels).astype("Int64")  # whole numbers, although some are missing
    rows.loc[[0, 1], "ill"] = pd.NA
    rows.to_csv(folder / "my.csv", index=False)
    return folder


def table(place, change=lambda rows: rows, **columns):
    rows = change(pd.read_csv(place / "my.csv").astype({"ill": "Int64"}))
    rows.to_csv(place / "changed.csv", index=False)
    return datasets.load_image_table(place / "changed.csv", {"GROUPS": "sex", "TARGETS": "ill", **columns})


@pytest.fixture(scope="module")
def given(place):
    return explanations.explain_table(table(place), **QUICK)


def test_what_decides_is_found_in_the_user_s_images(given):
    assert given.label == "ill" and given.groups == ("female", "male") and given.auroc["low"] > 0.7
    tables = explanations.user_tables(given, n_boot=50)
    assert set(tables) >= {"AUROC", "switch", "network", "mask", "mask, less the image"}
    mask = tables["mask"].loc["occlusion mean"]
    assert mask["answer"] == "yes" and tables["switch"].loc["mean to zero", "found"]
    assert all({"estimate", "low", "high", "n"} <= set(one) for one in tables.values())


def test_images_are_of_tested_patients_with_the_label(given):
    found = given.found
    assert set(found.explained.labels) == {1} and len(found.explained.labels) >= 10
    assert found.training.images.shape[1:] == (3, SIZE, SIZE) and set(found.training.labels) == {0, 1}
    assert len(found.training.labels) + len(found.tested.labels) == PATIENTS - 2
    unknown = given.dropped.set_index("reason")["n"]
    assert unknown["ill is not known"] == 2


def test_one_image_of_each_patient_is_explained(place):
    twice = lambda rows: rows.assign(patient=rows["patient"] // 2)  # noqa: E731
    found = explanations.explain_table(table(place, twice), **{**QUICK, "epochs": 1, "names": NAMES[:1]}).found
    tested = 0.3 * PATIENTS / 2
    assert 10 <= len(found.explained.labels) <= tested + 1 < 2 * tested - 4 <= len(found.tested.labels)


def saved(folder, content):
    torch.save(content, folder / "mine.pt")
    return folder / "mine.pt"


def test_a_network_of_the_user_s_is_explained_as_it_is(place, tmp_path, given):
    file = saved(tmp_path, given.found.networks[1].state_dict())
    found = explanations.explain_table(table(place), weights=file, **QUICK)
    assert len(found.found.networks) == 1 and found.auroc["low"] > 0.7
    tables = explanations.user_tables(found, n_boot=50)
    assert "network" not in tables and not any("agreement" in name for name in tables)
    want, got = given.found.before[1]["IG mean"], found.found.before[0]["IG mean"]
    np.testing.assert_allclose(got, want, atol=1e-6)


class Stranger:
    """No tensor."""


@pytest.mark.parametrize(("content", "message"), [
    (lambda: learn.classifier("small", 2, channels=1).state_dict(), r"shape \(16, 3, 3, 3\), found \(16, 1, 3, 3\)"),
    (lambda: learn.classifier("small", 3, channels=3).state_dict(), "found \\(3, 64\\)"),
    (lambda: {"net.0.weight": torch.zeros(2)}, "found none"),
    (lambda: {"state": {"weight": torch.zeros(2)}}, "not a table of tensors"),
    (lambda: learn.classifier("small", 2, channels=3), "not a complete file of weights alone"),
    (lambda: Stranger(), "not a complete file of weights alone"),
    (lambda: {n: t * float("nan") if t.is_floating_point() else t
              for n, t in learn.classifier("small", 2, channels=3).state_dict().items()}, "holds NaN or infinity"),
])  # fmt: skip
def test_a_file_that_is_no_such_network_is_one_clear_line(place, tmp_path, content, message):
    with pytest.raises(InputError, match=message) as error:
        explanations.explain_table(table(place), weights=saved(tmp_path, content()), **QUICK)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("change", "columns", "message"), [
    (lambda rows: rows.drop(columns="ill"), {"TARGETS": ""}, "TARGETS: no label is named"),
    (lambda rows: rows.assign(ill=(rows.index < 12).astype(int)), {}, "patients with ill are tested"),
    (lambda rows: rows.assign(split=np.where(rows["ill"].eq(1).fillna(True), "train", "test")), {}, "it has only"),
    (lambda rows: rows.drop(columns="sex"), {"GROUPS": ""}, "GROUPS: no column of groups"),
])  # fmt: skip
def test_a_table_that_cannot_be_explained_is_refused_before_training(place, monkeypatch, change, columns, message):
    monkeypatch.setattr("helpers.studies.explanations.users.train", lambda *a, **k: pytest.fail("trained"))
    with pytest.raises(InputError, match=message):
        explanations.explain_table(table(place, change, **columns), **QUICK)


def test_a_missing_file_and_a_mask_without_pixels(place, tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        explanations.explain_table(table(place), weights=tmp_path / "none.pt", **QUICK)
    Image.fromarray(np.zeros((32, 32), np.uint8)).save(place / "empty.png")
    bare = lambda rows: rows.assign(mask="empty.png")  # noqa: E731
    found = explanations.explain_table(table(place, bare), **{**QUICK, "epochs": 1, "names": NAMES[:1]})
    assert not any(name.startswith("mask") for name in explanations.user_tables(found, n_boot=20))
