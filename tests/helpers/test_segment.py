"""The controlled experiments: who is trained on, by which masks, who scores whom, and what is kept; networks tiny."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from helpers import audit, data, metrics, models, paths, segment, simulate
from helpers.errors import InputError
from helpers.segment import experiments, slices, worlds

SIZE = 32
TINY = {"steps": 2, "channels": 2, "device": "cpu"}


def cohort(n: int = 40, *, seed: int = 0) -> pd.DataFrame:
    """Three groups of different size; tier and ease are drawn."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(["Young", "Middle", "Older"], [n // 4, n // 4, n - 2 * (n // 4)])
    tier = rng.choice([1.0, 1.5, 2.0, 3.0], n)
    tier[[0, 1, n - 2, n - 1]] = [1.0, 3.0, 1.0, 3.0]
    names = [f"case{i}" for i in range(n)]
    return pd.DataFrame({"patient_id": names, "age_group": rng.permutation(groups), "tier": tier, "easy": tier < 2})


def sizes(cases: pd.DataFrame, chosen: np.ndarray) -> dict[str, int]:
    return cases.loc[chosen, "age_group"].value_counts().to_dict()


class Fake:
    """A score function that trains nothing: it notes its calls, and gives numbers that tell who was scored."""

    def __init__(self, stop_after: int = 1000) -> None:
        self.calls, self.stop_after = [], stop_after

    def __call__(self, include, silver, held_out, seed, name):
        if len(self.calls) == self.stop_after:
            raise KeyboardInterrupt
        self.calls.append((include.copy(), silver.copy(), held_out.copy(), seed, name))
        gold = np.flatnonzero(held_out) / 1000 + seed / 10
        return np.stack([gold, gold + 1 / 3], axis=1)

    @property
    def names(self) -> list[str]:
        return [call[-1] for call in self.calls]


RUN = {"seeds": [0, 4], "folds": 3, "seed": 7, "progress": False}


# --- training_set


def test_a_baseline_has_as_many_of_each_age_group_and_gold_masks():
    cases = cohort()
    include, silver = segment.training_set("baseline", cases, seed=0)
    assert sizes(cases, include) == {"Young": 10, "Middle": 10, "Older": 10}
    assert not silver.any()


def test_patients_without_an_age_group_are_not_trained_on():
    cases = cohort()
    cases.loc[::5, "age_group"] = None
    include, _ = segment.training_set("baseline", cases, seed=0)
    assert include.any() and cases.loc[include, "age_group"].notna().all()


@pytest.mark.parametrize("group", ["Young", "Older"])
def test_a_swap_gives_silver_to_tier_1_of_its_group_alone(group):
    cases = cohort()
    include, silver = segment.training_set(f"swap_{group.lower()}", cases, seed=0)
    expected = (cases["age_group"] == group) & (cases["tier"] == 1)
    assert 0 < expected.sum() < (cases["age_group"] == group).sum()
    np.testing.assert_array_equal(silver, expected)
    np.testing.assert_array_equal(include, segment.training_set("baseline", cases, seed=0)[0])


def test_biased_input_has_the_cases_of_the_baseline_and_silver_masks():
    cases = cohort()
    include, silver = segment.training_set("biased_input", cases, seed=0)
    assert silver.all()
    np.testing.assert_array_equal(include, segment.training_set("baseline", cases, seed=0)[0])


def test_difficulty_balanced_has_equal_easy_and_equal_hard_in_each_group():
    cases = cohort(80, seed=3)
    table = pd.crosstab(cases["age_group"], cases["easy"])
    assert table.nunique().min() > 1  # else nothing is to be balanced
    include, silver = segment.training_set("difficulty_balanced", cases, seed=0)
    chosen = cases[include]
    found = pd.crosstab(chosen["age_group"], chosen["easy"])
    for easy in (True, False):
        assert found[easy].tolist() == [table[easy].min()] * 3
    assert not silver.any()


def test_the_seed_decides_who_of_a_larger_group_is_taken():
    cases = cohort()
    first, again, other = (segment.training_set("baseline", cases, seed=s)[0] for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    small = (cases["age_group"] != "Older").to_numpy()
    assert first[small].all() and other[small].all()


@pytest.mark.parametrize("name", ["basline", "swap_old", "swap_", "Baseline"])
def test_unknown_experiments_and_groups_are_refused(name):
    with pytest.raises(InputError, match=f"experiment {name}: "):
        segment.training_set(name, cohort(), seed=0)


# --- run


def test_every_case_is_scored_once_by_a_network_that_never_saw_it():
    cases, fake = cohort(), Fake()
    found = segment.run(fake, cases, **RUN)
    assert list(found) == ["patient_id", "age_group", "experiment", "train_seed", "reference", "dice"]
    keys = ["experiment", "train_seed", "reference"]
    for key, part in found.groupby(keys):
        assert sorted(part["patient_id"]) == sorted(cases["patient_id"]), key
    assert len(found) == len(segment.EXPERIMENTS) * 2 * 2 * len(cases)
    assert len(set(fake.names)) == len(fake.calls) == len(segment.EXPERIMENTS) * 2 * 3
    for include, silver, held_out, _, name in fake.calls:
        assert held_out.any() and not (include & held_out).any(), name
        chosen, expected = segment.training_set(name.split("-")[0], cases, seed=7)
        np.testing.assert_array_equal(include, chosen & ~held_out)
        np.testing.assert_array_equal(silver, expected)


def test_scores_stand_at_their_case_seed_and_reference():
    cases = cohort().set_index(np.arange(40) * 3 + 100)  # an index that is no position
    found = segment.run(Fake(), cases, experiments=["baseline"], **RUN)
    number = found["patient_id"].str.removeprefix("case").astype(int)
    expected = number / 1000 + found["train_seed"] / 10 + (found["reference"] == "silver") / 3
    np.testing.assert_allclose(found["dice"], expected)
    groups = cases.set_index("patient_id")["age_group"]
    assert (found["age_group"].to_numpy() == groups[found["patient_id"]].to_numpy()).all()


def test_folds_are_spread_over_age_groups_and_the_same_for_every_experiment():
    cases, fake = cohort(), Fake()
    segment.run(fake, cases, **RUN)
    by_fold = {}
    for _, _, held_out, _, name in fake.calls:
        by_fold.setdefault(name.split("-")[-1], []).append(held_out)
        assert set(sizes(cases, held_out)) == {"Young", "Middle", "Older"}
        assert sizes(cases, held_out)["Young"] in (3, 4)
    assert sorted(by_fold) == ["fold0", "fold1", "fold2"]
    for parts in by_fold.values():
        assert all((part == parts[0]).all() for part in parts)


def test_a_second_call_takes_all_from_what_was_kept(tmp_path):
    cases, again = cohort(), Fake()
    first = segment.run(Fake(), cases, keep=tmp_path / "kept", **RUN)
    second = segment.run(again, cases, keep=tmp_path / "kept", **RUN)
    assert again.calls == []
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_a_stopped_run_goes_on_with_what_is_missing(tmp_path):
    cases, stopped, rest, whole = cohort(), Fake(stop_after=4), Fake(), Fake()
    expected = segment.run(whole, cases, **RUN)
    with pytest.raises(KeyboardInterrupt):
        segment.run(stopped, cases, keep=tmp_path, **RUN)
    found = segment.run(rest, cases, keep=tmp_path, **RUN)
    assert stopped.names + rest.names == whole.names and len(stopped.names) == 4
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_a_fold_of_one_case_is_kept_as_well(tmp_path):
    cases, again = cohort().iloc[:2].assign(age_group="Young"), Fake()
    options = RUN | {"experiments": ["baseline"], "folds": 2, "keep": tmp_path}
    first = segment.run(Fake(), cases, **options)
    pd.testing.assert_frame_equal(first, segment.run(again, cases, **options))
    assert again.calls == []


def test_a_case_without_an_age_group_is_refused():
    cases, fake = cohort(), Fake()
    cases.loc[3, "age_group"] = None
    with pytest.raises(InputError, match="no age group"):
        segment.run(fake, cases, **RUN)
    assert fake.calls == []


def test_a_keep_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match="cannot be written"):
        segment.run(Fake(), cohort(), keep=tmp_path / "file" / "kept", **RUN)


def test_keep_has_a_folder_for_what_reaches_a_network(tmp_path):
    parameters = {"STEPS": 3, "FOLDS": 2, "SEED": 0, "N_BOOTSTRAP": 100, "RUN_DIR": "a", "DEVICE": "cpu"}
    place = segment.keep(tmp_path, parameters)
    assert place.parent == paths.data() / "networks" and not place.exists()
    without = {"N_BOOTSTRAP": 200, "N_PERMUTATIONS": 7, "RUN_DIR": "b", "DEVICE": "cuda", "DATA_ROOT": "c"}
    assert segment.keep(tmp_path, parameters | without) == place
    changed = [segment.keep(tmp_path, parameters | {name: 9}) for name in ("STEPS", "FOLDS", "SEED", "NEW")]
    assert len({place, *changed, segment.keep(tmp_path / "other", parameters)}) == 6


def test_keep_changes_with_the_code(tmp_path, monkeypatch):
    place = segment.keep(tmp_path, {"STEPS": 3})
    monkeypatch.setattr(experiments.fingerprint, "package", lambda *folders: "other")
    assert segment.keep(tmp_path, {"STEPS": 3}) != place


# --- slices


@pytest.fixture(scope="module")
def squares() -> slices.Slices:
    """Bright squares on noise; the expert draws the square, the automatic mask is its left half."""
    rng = np.random.default_rng(0)
    image = rng.normal(0, 0.3, (24, 2, SIZE, SIZE)).astype(np.float32)
    expert = np.zeros((24, SIZE, SIZE), bool)
    for mask, (x, y) in zip(expert, rng.integers(2, SIZE - 14, (24, 2)), strict=True):
        mask[x : x + 12, y : y + 12] = True
    image[:, 1][expert] += 3
    return slices.Slices(image, expert, np.roll(expert, 8, axis=1))


def mean_dice(expert: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.mean([metrics.dice(e, p) for e, p in zip(expert, predicted, strict=True)]))


def test_a_network_learns_bright_squares_in_a_few_steps(squares):
    options = {"batch_size": 8, "lr": 2e-2, "channels": 4, "device": "cpu"}
    before, after = (slices.fit(squares.image[:16], squares.expert[:16], steps=n, **options) for n in (1, 40))
    predicted = slices.predict(after, squares.image[16:])
    assert predicted.shape == (8, SIZE, SIZE) and predicted.dtype == bool
    assert mean_dice(squares.expert[16:], predicted) > 0.75
    assert mean_dice(squares.expert[16:], slices.predict(before, squares.image[16:])) < 0.5
    assert slices.embed(after, squares.image[16:]).shape == (8, 16)


def test_the_seed_decides_the_network(squares):
    first, again, other = (
        slices.fit(squares.image, squares.expert, seed=s, batch_size=4, **TINY).state_dict() for s in (0, 0, 1)
    )
    assert all((first[name] == again[name]).all() for name in first)
    assert any((first[name] != other[name]).any() for name in first)


def test_networks_are_trained_on_silver_where_asked(squares, monkeypatch):
    given = {}

    def fit(image, target, **options):
        given.update(image=image, target=target, **options)
        return "network"

    monkeypatch.setattr(slices, "fit", fit)
    monkeypatch.setattr(slices, "predict", lambda model, image: squares.automatic[16:])
    include, silver = np.arange(24) < 16, np.arange(24) % 3 == 0
    found = slices.scorer(squares, steps=5)(include, silver, ~include, 4, "name")
    assert given["seed"] == 4 and given["steps"] == 5
    np.testing.assert_array_equal(given["image"], squares.image[:16])
    for target, gold, auto, swapped in zip(given["target"], squares.expert, squares.automatic, silver, strict=False):
        np.testing.assert_array_equal(target, auto if swapped else gold)
    assert found.shape == (8, 2)
    np.testing.assert_array_equal(found[:, 1], 1)
    gold = [metrics.dice(e, p) for e, p in zip(squares.expert[16:], squares.automatic[16:], strict=True)]
    np.testing.assert_allclose(found[:, 0], gold)


def test_what_a_network_learns_follows_the_masks_it_is_given(squares):
    empty = squares._replace(automatic=np.zeros_like(squares.expert))
    score = slices.scorer(empty, steps=25, batch_size=8, lr=2e-2, channels=4, device="cpu")
    include, none = np.arange(24) < 16, np.zeros(24, bool)
    by_gold, by_silver = (score(include, silver, ~include, 0, "") for silver in (none, ~none))
    assert by_gold[:, 0].mean() > by_silver[:, 0].mean() + 0.3


# --- slices, the labeller and whole runs on a simulated world


def threshold(image: np.ndarray, spacing: tuple) -> np.ndarray:
    """Largest part of the smoothed subtraction image above a threshold."""
    uptake = ndimage.gaussian_filter(image[1] - image[0], 2 / np.array(spacing))
    parts, n = ndimage.label(uptake > 120)
    return parts == 1 + np.argmax(np.bincount(parts.ravel())[1:]) if n else parts > 0


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A simulated world of 12 patients, Young and Older."""
    made = {"labeller": threshold, "labeller_key": "threshold", "age_shares": (0.5, 0.0, 0.5), "shape": (32, 32, 8)}
    return simulate.breast_mri_world("all", 12, seed=1, folder=tmp_path_factory.mktemp("world"), **made)


def test_slices_of_patients_come_in_their_order(root):
    patients = data.load_mama_mia(root)[0]["patient_id"].tolist()[:4]
    loaded = segment.load_slices(root, patients[::-1], size=SIZE, progress=False)
    assert loaded.image.shape == (4, 2, SIZE, SIZE) and loaded.image.dtype == np.float32
    assert loaded.expert.shape == loaded.automatic.shape == (4, SIZE, SIZE)
    assert loaded.expert.dtype == loaded.automatic.dtype == bool
    for k, patient in enumerate(patients[::-1]):
        image, expert, automatic = data.largest_slice(data.load_volume(root, patient), SIZE)
        np.testing.assert_array_equal(loaded.image[k], image)
        np.testing.assert_array_equal(loaded.expert[k], expert)
        np.testing.assert_array_equal(loaded.automatic[k], automatic)


def test_slices_can_be_resampled_before(root):
    patients = data.load_mama_mia(root)[0]["patient_id"].tolist()[:2]
    own, fine = (segment.load_slices(root, patients, size=48, spacing=mm, progress=False) for mm in (0.0, 1.0))
    area = data.load_volume(root, patients[0]).spacing[0] ** 2
    assert fine.expert[0].sum() == pytest.approx(own.expert[0].sum() * area, rel=0.25) != own.expert[0].sum()


def test_a_labeller_has_a_key_of_its_weights():
    networks = [models.light_unet(2, 2, 1, features=[2, 4], seed=s) for s in (0, 0, 1)]
    first, again, other = (segment.as_labeller(network)[1] for network in networks)
    assert first == again != other
    next(networks[1].parameters()).data.view(-1)[0] += 1
    assert segment.as_labeller(networks[1])[1] not in (first, other)


def test_a_labeller_gives_the_largest_part_slice_by_slice(monkeypatch):
    predicted = np.zeros((6, 16, 20), bool)  # slice first
    predicted[1:3, 2:5, 2:5] = True
    predicted[4, 8:14, 8:16] = True
    seen = []

    def predict(model, image):
        seen.append(image)
        return predicted

    monkeypatch.setattr(slices, "predict", predict)
    label, _ = segment.as_labeller(models.light_unet(2, 2, 1, features=[2, 4]))
    phases = np.random.default_rng(0).normal(100, 20, (2, 16, 20, 6)).astype(np.float32)
    mask = label(phases, (1.0, 1.0, 3.0))
    assert mask.shape == (16, 20, 6) and mask.dtype == bool
    expected = np.zeros((16, 20, 6), bool)
    expected[8:14, 8:16, 4] = True
    np.testing.assert_array_equal(mask, expected)
    assert seen[0].shape == (6, 2, 16, 20)
    np.testing.assert_array_equal(seen[0][3], data.enhancement(phases)[..., 3])
    predicted[:] = False
    assert label(phases, (1.0, 1.0, 3.0)).sum() == 0


def test_a_silver_labeller_makes_the_masks_of_a_world(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "data", lambda: tmp_path)
    segment.silver_labeller.cache_clear()
    first = segment.world("reverses", 6, seed=3, steps=1, device="cpu")
    assert segment.world("reverses", 6, seed=3, steps=1, device="cpu") == first
    assert first.parent == tmp_path / "simulated" and "reverses" in first.name
    assert len(list((first / "segmentations" / "automatic").iterdir())) == 6
    segment.silver_labeller.cache_clear()
    labeller, key = segment.silver_labeller(6, steps=1, seed=3, device="cpu")
    volume = np.random.default_rng(0).normal(100, 20, (2, 48, 48, 12)).astype(np.float32)
    assert labeller(volume, (2.0, 2.0, 4.0)).shape == (48, 48, 12)
    assert f'"labeller": "{key}"' in (first / "truth.json").read_text()  # the same weights again
    assert segment.silver_labeller(6, steps=2, seed=3, device="cpu")[1] != key
    segment.silver_labeller.cache_clear()


def test_a_simulated_world_tells_who_is_a_hard_case(root, tmp_path):
    cases = data.load_mama_mia(root)[0].iloc[::-1]
    found = segment.known_difficulty(root, cases)
    assert found["patient_id"].tolist() == cases["patient_id"].tolist()
    flags = pd.read_csv(root / simulate.CASES).set_index("patient_id")["hard"]
    assert set(flags) == {0, 1}
    assert found["hard"].tolist() == flags[found["patient_id"]].tolist()
    assert segment.known_difficulty(tmp_path, cases) is cases


def test_one_set_of_predictions_has_a_score_by_gold_and_by_silver(root):
    found = segment.two_rulers(root, size=SIZE, steps=2, folds=2, seed=0, device="cpu")
    assert list(found) == ["patient_id", "age_group", "gold", "silver"]
    patients = data.load_mama_mia(root)[0]
    assert sorted(found["patient_id"]) == sorted(patients["patient_id"])
    groups = patients.set_index("patient_id")["age_group"]
    assert (found["age_group"].astype(str).to_numpy() == groups[found["patient_id"]].astype(str).to_numpy()).all()
    assert found[["gold", "silver"]].stack().between(0, 1).all()
    assert (found["gold"] != found["silver"]).any()


def test_a_world_is_read_in_each_way(root, monkeypatch):
    monkeypatch.setattr(worlds, "world", lambda name, n, **options: root)
    options = {"n": 12, "seed": 0, "steps": 1, "folds": 2, "train_seeds": 3, "size": SIZE, "n_boot": 50}
    rows = pd.DataFrame(segment.diagnose_world("all", device="cpu", **options))
    assert rows["reading"].tolist() == list(segment.READINGS)
    assert set(rows["world"]) == set(rows["truth"]) == {"all"} and (rows["verdict"] != "").all()
    ours = rows[rows["reading"] == "ours"].iloc[0]
    assert np.isfinite([ours[c] for c in audit.CAUSES]).all()
    unknown = rows[rows["reading"] == "ours, difficulty unknown"].iloc[0]
    assert unknown[["images", "share"]].isna().all()  # they cannot be parted
    assert rows[rows["reading"] == "paper"][list(audit.CAUSES)].isna().all(axis=None)


# --- many worlds


@pytest.fixture
def diagnosed(monkeypatch) -> list[tuple]:
    """Calls of `diagnose_world`, which gives two rows at once."""
    calls = []

    def fake(name, *, seed, **options):
        calls.append((name, seed, options))
        row = {"world": name, "seed": seed, "truth": name, "verdict": "labels", "labels": 0.1, "share": None}
        return [row | {"reading": reading} for reading in ("ours", "paper")]

    monkeypatch.setattr(worlds, "diagnose_world", fake)
    return calls


def test_worlds_are_kept_and_a_second_call_goes_on(diagnosed, tmp_path):
    options = {"seeds": [0, 1], "keep": tmp_path / "kept", "workers": 1, "progress": False, "n": 40}
    first = segment.diagnose_worlds(["none", "labels"], **options)
    assert [call[:2] for call in diagnosed] == [("none", 0), ("labels", 0), ("none", 1), ("labels", 1)]
    assert all(call[2] == {"n": 40} for call in diagnosed)
    assert len(first) == 8 and first["world"].tolist()[:4] == ["none", "none", "labels", "labels"]
    (tmp_path / "kept" / "labels-0.json").unlink()
    again = segment.diagnose_worlds(["none", "labels"], **options)
    assert [call[:2] for call in diagnosed[4:]] == [("labels", 0)]
    pd.testing.assert_frame_equal(first, again)
    more = segment.diagnose_worlds(["none", "labels"], **options | {"seeds": [0, 1, 2]})
    assert len(diagnosed) == 7 and len(more) == 12


def test_unknown_worlds_and_a_folder_that_is_none_are_refused(diagnosed, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match=r"worlds: hides unknown"):
        segment.diagnose_worlds(["none", "hides"], seeds=[0], keep=tmp_path, progress=False)
    with pytest.raises(InputError, match="cannot be written"):
        segment.diagnose_worlds(["none"], seeds=[0], keep=tmp_path / "file" / "kept", progress=False)
    assert diagnosed == []


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Verdicts of 4 and 3 studies of two worlds, read in two ways."""
    verdicts = {
        ("ours", "labels"): ["labels", "labels", "labels", "cannot tell"],
        ("ours", "none"): ["none", "images", "labels; images: cannot tell"],
        ("paper", "labels"): ["share", "labels", "share", "share"],
        ("paper", "none"): ["labels", "labels", "labels"],
    }
    flat = [(reading, truth, v) for (reading, truth), found in verdicts.items() for v in found]
    return pd.DataFrame(flat, columns=["reading", "truth", "verdict"]).sample(frac=1, random_state=0)


def test_confusion_gives_the_share_of_each_verdict(rows):
    table = segment.confusion(rows)
    assert sorted(table.index) == [("ours", "labels"), ("ours", "none"), ("paper", "labels"), ("paper", "none")]
    assert [reading for reading, _ in table.index] == ["ours", "ours", "paper", "paper"]
    expected = {
        ("ours", "labels"): {"labels": 0.75, "cannot tell": 0.25, "n": 4},
        ("ours", "none"): {"none": 1 / 3, "images": 1 / 3, "in part: cannot tell": 1 / 3, "n": 3},
        ("paper", "labels"): {"share": 0.75, "labels": 0.25, "n": 4},
        ("paper", "none"): {"labels": 1.0, "n": 3},
    }
    for key, row in expected.items():
        found = table.loc[key]
        assert found[found > 0].to_dict() == pytest.approx(row)


def test_right_is_the_share_of_true_causes_with_wilsons_interval(rows):
    table = segment.right(rows)
    assert list(table) == ["rate", "low", "high", "n"]
    expected = {"labels, ours": (3, 4), "none, ours": (1, 3), "labels, paper": (1, 4), "none, paper": (0, 3)}
    assert set(table.index) == set(expected)
    for name, (hits, n) in expected.items():
        row = table.loc[name]
        assert (row["rate"], row["n"]) == (pytest.approx(hits / n), n)
        assert (row["low"], row["high"]) == pytest.approx(by_formula(hits, n), abs=1e-12)
        assert segment.wilson(hits, n) == (row["low"], row["high"])


def by_formula(hits: int, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson 1927: the roots of (p - share)^2 = z^2 p (1 - p) / n."""
    share = hits / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return middle - half, middle + half


# --- views


@pytest.fixture(scope="module")
def ruler() -> audit.Ruler:
    rng = np.random.default_rng(0)
    groups = np.repeat(["Young", "Older"], [20, 30])
    gold = np.clip(rng.normal(0.8, 0.05, 50), 0, 1)
    silver = gold - 0.1 * (groups == "Young") + rng.normal(0, 0.01, 50)
    return audit.ruler(silver, gold, groups=groups, a="Young", b="Older", n_boot=200, n_permutations=50)


def test_a_ruler_is_shown_as_three_lines_with_sizes(ruler):
    table, own = segment.ruler_table(ruler), ruler.table()
    assert list(table) == ["gold", "silver", "change", "low", "high", "n_a", "n_b", "verdict"]
    assert list(table.index) == ["mean Older - Young", "rate Older - Young", "rate Young / Older"]
    mean = table.iloc[0]
    assert mean["silver"] - mean["gold"] == pytest.approx(mean["change"])
    assert mean["low"] < mean["change"] < mean["high"]
    assert (table["low"] == own["change_low"]).all() and (table["high"] == own["change_high"]).all()
    assert (mean["n_a"], mean["n_b"]) == (20, 30)


def test_gaps_of_rulers_are_three_rows_each(ruler):
    table = segment.gap_rows({"x": ruler, "y": ruler})
    assert list(table.index) == [f"{k}: {part}" for k in "xy" for part in ("gold", "silver", "silver − gold")]
    for part, interval in zip(table.index, (ruler.mean.first, ruler.mean.second, ruler.mean.change), strict=False):
        assert table.loc[part].tolist() == [interval.estimate, interval.low, interval.high, 50]


def test_changes_between_experiments_are_a_row_each():
    scores = segment.run(Fake(), cohort(), **RUN | {"seeds": [0, 1, 2]})
    between = audit.change_between(scores, first="baseline", second="biased_input", a="Young", b="Older")
    table = segment.change_rows({"biased input": between})
    assert list(table) == ["first", "second", "change", "low", "high", "n", "n_a", "n_b"]
    row, change = table.loc["biased input"], between.change
    assert row.tolist() == [
        *(between.first.estimate, between.second.estimate, change.estimate, change.low, change.high),
        *(between.n_a + between.n_b, between.n_a, between.n_b),
    ]
    assert (between.n_a, between.n_b) == (10, 20)


def test_values_of_a_ruler_for_a_page(ruler):
    values = segment.ruler_values(ruler)
    gold, change = ruler.mean.first, ruler.mean.change
    assert (values["gold"], values["gold_low"], values["gold_high"]) == (gold.estimate, gold.low, gold.high)
    assert (values["change"], values["low"], values["high"]) == (change.estimate, change.low, change.high)
    assert values["silver"] == ruler.mean.second.estimate
    assert (values["n_young"], values["n_older"], values["verdict"]) == (20, 30, ruler.verdict)
    nothing = segment.ruler_values(None)
    assert nothing.pop("verdict") == "no images"
    assert set(nothing) == set(values) - {"verdict", "n_young", "n_older"} and set(nothing.values()) == {None}
