"""Simulated worlds: their slices and silver masks, whole runs on one, and many of them; networks tiny."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from helpers import datasets, paths
from helpers.errors import InputError
from helpers.studies import biased_ruler
from helpers.studies.biased_ruler import labeller

SIZE = 32


def threshold(image: np.ndarray, spacing: tuple) -> np.ndarray:
    """Largest part of the smoothed subtraction image above a threshold."""
    uptake = ndimage.gaussian_filter(image[1] - image[0], 2 / np.array(spacing))
    parts, n = ndimage.label(uptake > 120)
    return parts == 1 + np.argmax(np.bincount(parts.ravel())[1:]) if n else parts > 0


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A simulated world of 12 patients, Young and Older."""
    made = {"labeller": threshold, "labeller_key": "threshold", "age_shares": (0.5, 0.0, 0.5), "shape": (32, 32, 8)}
    return datasets.simulate_breast_mri_world("all", 12, seed=1, folder=tmp_path_factory.mktemp("world"), **made)


def test_slices_of_patients_come_in_their_order(root):
    patients = datasets.load_mama_mia(root)[0]["patient_id"].tolist()[:4]
    loaded = biased_ruler.load_slices(root, patients[::-1], size=SIZE, progress=False)
    assert loaded.image.shape == (4, 2, SIZE, SIZE) and loaded.image.dtype == np.float32
    assert loaded.expert.shape == loaded.automatic.shape == (4, SIZE, SIZE)
    assert loaded.expert.dtype == loaded.automatic.dtype == bool
    for k, patient in enumerate(patients[::-1]):
        image, expert, automatic = datasets.largest_slice(datasets.load_volume(root, patient), SIZE)
        np.testing.assert_array_equal(loaded.image[k], image)
        np.testing.assert_array_equal(loaded.expert[k], expert)
        np.testing.assert_array_equal(loaded.automatic[k], automatic)


def test_slices_can_be_resampled_before(root):
    patients = datasets.load_mama_mia(root)[0]["patient_id"].tolist()[:2]
    own, fine = (biased_ruler.load_slices(root, patients, size=48, spacing=mm, progress=False) for mm in (0.0, 1.0))
    area = datasets.load_volume(root, patients[0]).spacing[0] ** 2
    assert fine.expert[0].sum() == pytest.approx(own.expert[0].sum() * area, rel=0.25) != own.expert[0].sum()


def test_a_silver_labeller_makes_the_masks_of_a_world(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "data", lambda: tmp_path)
    biased_ruler.silver_labeller.cache_clear()
    first = biased_ruler.world("reverses", 6, seed=3, steps=1, device="cpu")
    assert biased_ruler.world("reverses", 6, seed=3, steps=1, device="cpu") == first
    assert first.parent == tmp_path / "simulated" and "reverses" in first.name
    assert len(list((first / "segmentations" / "automatic").iterdir())) == 6
    biased_ruler.silver_labeller.cache_clear()
    labeller, key = biased_ruler.silver_labeller(6, steps=1, seed=3, device="cpu")
    volume = np.random.default_rng(0).normal(100, 20, (2, 48, 48, 12)).astype(np.float32)
    assert labeller(volume, (2.0, 2.0, 4.0)).shape == (48, 48, 12)
    assert f'"labeller": "{key}"' in (first / "truth.json").read_text()  # the same weights again
    assert biased_ruler.silver_labeller(6, steps=2, seed=3, device="cpu")[1] != key
    biased_ruler.silver_labeller.cache_clear()


def test_a_simulated_world_tells_who_is_a_hard_case(root, tmp_path):
    cases = datasets.load_mama_mia(root)[0].iloc[::-1]
    found = biased_ruler.known_difficulty(root, cases)
    assert found["patient_id"].tolist() == cases["patient_id"].tolist()
    flags = pd.read_csv(root / datasets.CASES).set_index("patient_id")["hard"]
    assert set(flags) == {0, 1}
    assert found["hard"].tolist() == flags[found["patient_id"]].tolist()
    assert biased_ruler.known_difficulty(tmp_path, cases) is cases


def test_one_set_of_predictions_has_a_score_by_gold_and_by_silver(root):
    found = biased_ruler.two_rulers(root, size=SIZE, steps=2, folds=2, seed=0, device="cpu")
    assert list(found) == ["patient_id", "age_group", "gold", "silver"]
    patients = datasets.load_mama_mia(root)[0]
    assert sorted(found["patient_id"]) == sorted(patients["patient_id"])
    groups = patients.set_index("patient_id")["age_group"]
    assert (found["age_group"].astype(str).to_numpy() == groups[found["patient_id"]].astype(str).to_numpy()).all()
    assert found[["gold", "silver"]].stack().between(0, 1).all()
    assert (found["gold"] != found["silver"]).any()


def test_a_world_is_read_in_each_way(root, monkeypatch):
    monkeypatch.setattr(labeller, "world", lambda name, n, **options: root)
    options = {"n": 12, "seed": 0, "steps": 1, "folds": 2, "train_seeds": 3, "size": SIZE, "n_boot": 50}
    rows = pd.DataFrame(biased_ruler.diagnose_world("all", device="cpu", **options))
    assert rows["reading"].tolist() == list(biased_ruler.READINGS)
    assert set(rows["truth"]) == {"all"} and (rows["verdict"] != "").all()
    ours = rows[rows["reading"] == "ours"].iloc[0]
    assert np.isfinite([ours[c] for c in biased_ruler.CAUSES]).all()
    unknown = rows[rows["reading"] == "ours, difficulty unknown"].iloc[0]
    assert unknown[["images", "share"]].isna().all()  # they cannot be parted
    assert rows[rows["reading"] == "paper"][list(biased_ruler.CAUSES)].isna().all(axis=None)


def test_an_unknown_world_is_refused():
    with pytest.raises(InputError, match="world: must be none, labels, images, share or all, got 'hides'"):
        biased_ruler.diagnose_world("hides", n=40, seed=0, steps=1, folds=2, train_seeds=1)


# --- many worlds


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Verdicts of 4 and 3 studies of two worlds, read in two ways."""
    verdicts = {
        ("ours", "labels"): ["labels", "labels", "labels", "cannot tell"],
        ("ours", "none"): ["none", "images", "labels; cannot tell: images"],
        ("paper", "labels"): ["share", "labels", "share", "share"],
        ("paper", "none"): ["labels", "labels", "labels"],
    }
    flat = [(reading, truth, k, v) for (reading, truth), found in verdicts.items() for k, v in enumerate(found)]
    return pd.DataFrame(flat, columns=["reading", "truth", "seed", "verdict"]).sample(frac=1, random_state=0)


def test_confusion_gives_the_share_of_each_verdict(rows):
    table = biased_ruler.confusion(rows)
    assert sorted(table.index) == [("ours", "labels"), ("ours", "none"), ("paper", "labels"), ("paper", "none")]
    assert [reading for reading, _ in table.index] == ["ours", "ours", "paper", "paper"]
    expected = {
        ("ours", "labels"): {"labels": 0.75, "cannot tell": 0.25, "n": 4},
        ("ours", "none"): {"none": 1 / 3, "images": 1 / 3, "in part, wrong": 1 / 3, "n": 3},
        ("paper", "labels"): {"share": 0.75, "labels": 0.25, "n": 4},
        ("paper", "none"): {"labels": 1.0, "n": 3},
    }
    for key, row in expected.items():
        found = table.loc[key]
        assert found[found > 0].to_dict() == pytest.approx(row)


@pytest.mark.parametrize(
    ("verdict", "truth", "shown"),
    [
        ("labels; cannot tell: images, share", "labels", "in part, right"),
        ("labels; cannot tell: images, share", "share", "in part, wrong"),
        ("images and share; cannot tell: labels", "all", "in part, right"),
        ("images and share; cannot tell: labels", "images", "in part, wrong"),
        ("cannot tell", "images", "cannot tell"),
        ("labels and images", "images", "labels and images"),
    ],
)
def test_a_verdict_in_part_is_told_by_whether_what_it_names_is_at_work(verdict, truth, shown):
    one = pd.DataFrame({"reading": ["ours"], "truth": [truth], "seed": [0], "verdict": [verdict]})
    assert biased_ruler.confusion(one).columns.drop("n").tolist() == [shown]


def test_over_several_worlds_an_interval_counts_seeds(rows):
    table = biased_ruler.right(rows, by=["reading"])
    assert table.loc["ours", "rate"] == pytest.approx(4 / 7) and table.loc["ours", "n"] == 4
    assert tuple(table.loc["ours", ["low", "high"]]) == pytest.approx(by_formula(4 * 4 / 7, 4), abs=1e-12)


def test_right_is_the_share_of_true_causes_with_wilsons_interval(rows):
    table = biased_ruler.right(rows)
    assert list(table) == ["rate", "low", "high", "n"]
    expected = {"labels, ours": (3, 4), "none, ours": (1, 3), "labels, paper": (1, 4), "none, paper": (0, 3)}
    assert set(table.index) == set(expected)
    for name, (hits, n) in expected.items():
        row = table.loc[name]
        assert (row["rate"], row["n"]) == (pytest.approx(hits / n), n)
        assert (row["low"], row["high"]) == pytest.approx(by_formula(hits, n), abs=1e-12)


def by_formula(hits: float, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson 1927: the roots of (p - share)^2 = z^2 p (1 - p) / n."""
    share = hits / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return middle - half, middle + half
