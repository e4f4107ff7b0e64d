"""Training and scoring of the study, what a table of labels tells, and the tiny run of the page."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers import datasets, learn, paths
from helpers.studies import ood_fetal
from tests.helpers.fetal import as_downloaded

TINY = {"runs": 2, "members": 2, "epochs": 1, "device": "cpu"}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> ood_fetal.Cohort:
    root = datasets.simulate_fetal_planes(120, n_test=60, seed=2, folder=tmp_path_factory.mktemp("made"))
    return ood_fetal.fetal_cohort(root)


@pytest.fixture(scope="module")
def rows(cohort, tmp_path_factory) -> pd.DataFrame:
    return ood_fetal.run(cohort, **TINY, keep=tmp_path_factory.mktemp("kept"))


def test_every_tested_image_has_scores_of_each_task_and_run(cohort, rows):
    tested = (cohort.rows["set"] != "train").sum()
    assert len(rows) == tested * 4 * 2 and set(learn.STRANGENESS) <= set(rows)
    assert np.isfinite(rows[list(learn.STRANGENESS)]).all().all() and "train" not in set(rows["set"])
    assert (
        rows.loc[rows["task"] == "plane", "error"]
        .isna()
        .equals(rows.loc[rows["task"] == "plane", "set"] == "unknown plane")
    )
    runs = [rows[(rows["run"] == run) & (rows["task"] == "plane")]["MSP"].to_numpy() for run in (0, 1)]
    assert not np.allclose(*runs)


def test_a_second_call_goes_on_from_the_checkpoints(cohort, rows, tmp_path, monkeypatch):
    first = ood_fetal.run(cohort, **TINY, keep=tmp_path)
    pd.testing.assert_frame_equal(first, rows)
    steps = []
    plain = learn.fit
    monkeypatch.setattr(learn, "fit", lambda *a, **k: steps.append(found := plain(*a, **k)) or found)
    pd.testing.assert_frame_equal(ood_fetal.run(cohort, **TINY, keep=tmp_path), rows)
    assert len(steps) == 16 and all(fitted.resumed > 0 for fitted in steps)


def test_only_training_images_are_trained_on(cohort, monkeypatch):
    given, plain = [], learn.fit
    monkeypatch.setattr(learn, "fit", lambda m, data, *a, **k: given.append(data[0]) or plain(m, data, *a, **k))
    ood_fetal.run(cohort, runs=1, members=1, epochs=1, device="cpu")
    assert len(given) == 4 and all(np.array_equal(images, cohort.pixels(cohort.of("train"))) for images in given)


def test_an_oracle_scores_the_patients_that_it_has_not_seen(cohort, monkeypatch):
    given, plain = [], learn.fit
    monkeypatch.setattr(learn, "fit", lambda m, data, *a, **k: given.append(data[0]) or plain(m, data, *a, **k))
    scored = ood_fetal.references(cohort, epochs=2, device="cpu")
    assert len(given) == 6 and scored[list(ood_fetal.REFERENCES)].notna().all().all()
    for shift, (one, other) in zip(cohort.shifts, zip(given[::2], given[1::2], strict=True), strict=True):
        part = scored[scored["shift"] == shift]
        assert len(one) + len(other) == len(part)
        seen = {image.tobytes() for image in one}
        assert seen.isdisjoint(image.tobytes() for image in other)
    table = ood_fetal.reference_table(scored, n_boot=100).set_index(["shift", "reference"])
    assert table.loc[("other machines", "trivial"), "low"] > 0.8
    assert (table["estimate"].xs("random", level="reference") - 0.5).abs().max() < 0.25


def test_a_world_gives_a_row_for_each_claim(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "data", lambda: tmp_path)
    size = {"n": 100, "n_test": 60, "size": 32, "members": 1, "epochs": 1, "n_boot": 50, "device": "cpu"}
    found = pd.DataFrame(ood_fetal.world_job("tied", 3, **size)).set_index("statistic")
    names = {"task-matters", "interaction", "best-anatomy", "best-scanner", "rises", "abstention", "ours-groups"}
    assert names <= set(found.index) and found["estimate"].notna().all()
    assert 0 <= found.loc["intervals that hold one half", "estimate"] <= 1
    with pytest.raises(ValueError, match="world: must be independent"):
        ood_fetal.world_job("tide", 3, **size)


# What a table of labels tells


def labels(n: int = 400, seed: int = 0) -> pd.DataFrame:
    """Labels in which operator 1 has the Aloka alone, and the machine decides half of the planes."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(n // 2), 2)
    machine = np.where(rng.random(n // 2) < 0.5, "Aloka", "Voluson E6")[patient]
    plane = np.where(rng.random(n) < 0.5, np.where(machine == "Aloka", "brain", "femur"), "thorax")
    operator = np.where(machine == "Aloka", "operator 1", "operator 2")
    part = np.where(patient % 2, "train", "test")
    columns = {"image": [f"i{k}" for k in range(n)], "patient": patient.astype(str), "machine": machine}
    return pd.DataFrame(columns | {"plane": plane, "operator": operator, "part": part})


def test_association_is_one_where_one_factor_decides_the_other():
    found = ood_fetal.association(labels(), "operator", "machine")
    assert found["estimate"] == pytest.approx(1) and found["n"] == 200
    free = labels().assign(operator=np.random.default_rng(1).choice(["operator 1", "operator 2"], 400))
    none = ood_fetal.association(free, "operator", "machine")
    assert none["low"] <= none["estimate"] <= none["high"] < 0.25


def test_the_plane_is_predicted_from_the_machine():
    """By the commonest plane of each machine in training; a third plane is shared out over two, so that it is not."""
    cases = labels()
    free = cases["plane"] == "thorax"
    cases.loc[free, "plane"] = np.where(np.arange(free.sum()) % 2, "cervix", "abdomen")
    found = ood_fetal.plane_from_machine(cases)
    test = cases[cases["part"] == "test"]
    expected = (test["plane"] == test["machine"].map({"Aloka": "brain", "Voluson E6": "femur"})).mean()
    assert found["machine"]["estimate"] == pytest.approx(expected)
    assert found["gain"]["estimate"] == pytest.approx(found["machine"]["estimate"] - found["commonest"]["estimate"])
    assert found["gain"]["low"] > 0


def test_crowding_is_the_mean_that_an_image_meets():
    cases = pd.DataFrame({"patient": ["a"] * 8 + ["b", "c"]})
    assert ood_fetal.crowding(cases) == {"patients": 3.0, "largest": 8.0, "effective": 66 / 10}


def test_small_cells_and_those_that_reveal_them_are_hidden():
    """Nine patients in one cell of three rows and columns: another of its row and of its column is hidden too."""
    counts = {("a", "x"): 9, ("a", "y"): 30, ("a", "z"): 20, ("b", "x"): 40, ("b", "y"): 50, ("b", "z"): 60}
    counts |= {("c", "x"): 70, ("c", "y"): 80, ("c", "z"): 90}
    pairs = [pair for pair, n in counts.items() for _ in range(n)]
    cases = pd.DataFrame(pairs, columns=["first", "second"]).assign(patient=range(len(pairs)))
    table, hidden = ood_fetal.crossed_factors(cases, "first", "second")
    assert np.isnan(table.loc["a", "x"]) and hidden == 4
    assert (table.isna().sum(axis=0).isin([0, 2])).all() and (table.isna().sum(axis=1).isin([0, 2])).all()
    twice = pd.concat([cases] * 2).assign(patient=range(2 * len(cases)))
    plain, none = ood_fetal.crossed_factors(twice, "first", "second")
    assert none == 0 and plain.loc["a", "x"] == 18


def test_what_the_real_labels_tell(real, tmp_path):
    root = as_downloaded(real("fetal_planes") / "fetal_planes_splits.csv", tmp_path / "real")
    cases, _ = datasets.load_fetal_planes(root, images=False)
    found = ood_fetal.label_values(cases, n_boot=50)
    assert found["machines"]["Voluson S10"] == {"n": 1_082, "n_test": 1_071} and found["patients"] == 1_792
    assert round(found["operator_machine"]["estimate"], 2) == 0.61
    assert round(found["plane_machine"]["estimate"], 2) == 0.31
    assert [round(found["plane"][name]["estimate"], 2) for name in ("machine", "commonest")] == [0.40, 0.31]
    assert (found["largest"], round(found["effective"])) == (88, 17)


# The page


def test_the_tiny_run_has_every_claim_and_the_rulers(tiny_run):
    values = tiny_run("08_ood_fetal").results["values"]
    assert {"task-matters", "interaction", "best-anatomy", "best-scanner", "abstention"} <= set(values["tests"])
    assert abs(values["rulers"]["other machines, random"]["estimate"] - 0.5) < 0.2
    assert values["rulers"]["other machines, trivial"]["estimate"] > 0.9
    assert values["naive"]["patients"] > 0
    cases = tiny_run("08_ood_fetal").cases
    assert "patient" not in cases and set(cases["task"]) == {"plane", "machine", "operator", "habitus"}
