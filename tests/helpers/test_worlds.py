"""Simulated worlds: the cause of an age gap is where the world says, and nowhere else."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from helpers import datasets, metrics, stats
from helpers.datasets.mama_mia import layout, patients, population, worlds
from helpers.errors import InputError

SMALL = (32, 32, 10)
SPACING = (1.7578, 1.7578, 4.0)
YOUNG_AND_OLDER = (0.5, 0.0, 0.5)
SEEDS = (0, 1, 2)
# World -> does age reach the labels, does it reach the study images.
REACHED = {
    "none": (False, False),
    "labels": (True, False),
    "images": (False, True),
    "share": (True, True),
    "all": (True, True),
}


def segment(image: np.ndarray, spacing: tuple, threshold: float) -> np.ndarray:
    """Largest part of the smoothed subtraction image that is above a threshold."""
    uptake = ndimage.gaussian_filter(image[1] - image[0], 2 / np.array(spacing))
    parts, _ = ndimage.label(uptake > threshold)
    sizes = np.bincount(parts.ravel())[1:]
    return parts == (np.argmax(sizes) + 1 if len(sizes) else -1)


@lru_cache(maxsize=1)
def easy_threshold() -> float:
    """The threshold that does best on easy cases of its own."""
    rng = np.random.default_rng(99)
    breasts = [datasets.anatomy(rng, shape=SMALL, spacing=SPACING, cc=11) for _ in range(10)]
    images = [datasets.render(rng, b, difficulty=0.1).astype(np.float32) for b in breasts]

    def score(threshold: float) -> float:
        pairs = zip(breasts, images, strict=True)
        return np.mean([metrics.dice(b.tumour, segment(i, SPACING, threshold)) for b, i in pairs])

    return max((80.0, 120.0, 160.0, 200.0, 240.0), key=score)


def labeller(image: np.ndarray, spacing: tuple) -> np.ndarray:
    assert image.dtype == np.float32 and image.shape[0] == 2
    return segment(image, spacing, easy_threshold())


def load(path: Path) -> np.ndarray:
    return np.asarray(nib.load(path).dataobj)


def mask_path(root: Path, kind: str, name: str) -> Path:
    return root / "segmentations" / kind / f"{name if kind == 'automatic' else name.lower()}.nii.gz"


def study_image(root: Path, name: str) -> np.ndarray:
    return np.stack([load(root / "images" / name / f"{name.lower()}_000{k}.nii.gz") for k in (0, 1)])


def make(world: str, n: int, folder: Path, **options) -> Path:
    options = {"labeller": labeller, "labeller_key": "threshold", "shape": SMALL} | options
    return datasets.simulate_breast_mri_world(world, n, folder=folder, **options)


class Once(dict):
    """What a function gives for a key, made when it is first asked for."""

    def __init__(self, make: Callable) -> None:
        self.make = make

    def __missing__(self, key: tuple[str, int]) -> object:
        self[key] = self.make(*key)
        return self[key]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict[tuple[str, int], Path]:
    """Worlds by name and seed: 60 patients, half of them Young and half Older."""
    folder = tmp_path_factory.mktemp("worlds")
    return Once(lambda world, seed: make(world, 60, folder, seed=seed, age_shares=YOUNG_AND_OLDER))


@pytest.fixture(scope="module")
def scored(made) -> dict[tuple[str, int], pd.DataFrame]:
    """Dice of the silver mask, and of the same segmenter on the study image, both against gold."""

    def score(*key) -> pd.DataFrame:
        root, rows = made[key], []
        for name in pd.read_csv(root / "simulated_cases.csv")["patient_id"]:
            gold, silver = (load(mask_path(root, kind, name)) for kind in ("expert", "automatic"))
            image = nib.load(root / "images" / name / f"{name.lower()}_0000.nii.gz")
            found = labeller(study_image(root, name).astype(np.float32), image.header.get_zooms())
            rows.append((metrics.dice(gold, silver), metrics.dice(gold, found)))
        frame = datasets.load_mama_mia(root)[0]
        return frame.assign(**dict(zip(("silver", "study"), np.array(rows).T, strict=True)))

    return Once(score)


def gap(frame: pd.DataFrame, score: str, level: float = 0.95) -> stats.Interval:
    groups = frame["age_group"].astype(object)
    return stats.bootstrap(frame[score], groups=groups, a="Young", b="Older", n_boot=2000, level=level)


def test_every_world_is_documented_by_what_it_plants():
    assert set(datasets.BREAST_WORLDS) == set(REACHED)
    for world, (labels, images) in REACHED.items():
        difficulty = datasets.world_truth(world)["difficulty"]
        for name, reached in (("labeller", labels), ("image", images)):
            assert (difficulty[name]["older_minus_young"] < 0) == reached, (world, name)
    share = datasets.world_truth("share")
    for name in ("labeller", "image"):
        given = share["difficulty"][name]
        assert given["older_minus_young_given_hard"] == given["older_minus_young_given_easy"] == 0
    assert share["hard_share"] == pytest.approx({"Young": 0.65, "Middle": 0.4, "Older": 0.15})
    assert datasets.world_truth("all", strength=0)["difficulty"] == datasets.world_truth("none")["difficulty"]


@pytest.mark.slow
@pytest.mark.parametrize("world", REACHED)
def test_age_reaches_labels_and_images_only_where_the_world_says(scored, world):
    frames = [scored[world, seed] for seed in SEEDS]
    for score, reached in zip(("silver", "study"), REACHED[world], strict=True):
        pooled = gap(pd.concat(frames), score)
        assert pooled.n == 60 * len(SEEDS)
        if reached:
            assert pooled.low > 0.1, (score, str(pooled))
            assert all(gap(frame, score).low > 0 for frame in frames), score
        else:
            assert pooled.low < 0 < pooled.high, (score, str(pooled))
            assert all((found := gap(frame, score, 0.99)).low < 0 < found.high for frame in frames), score


@pytest.mark.slow
def test_in_world_share_age_adds_nothing_within_easy_and_within_hard(made, scored):
    parts = []
    for seed in SEEDS:
        hard = pd.read_csv(made["share", seed] / "simulated_cases.csv")["hard"]
        parts.append(scored["share", seed].assign(hard=hard))
    frame = pd.concat(parts)
    young = frame["hard"][frame["age_group"] == "Young"].mean()
    assert young > frame["hard"][frame["age_group"] == "Older"].mean() + 0.3
    for hard in (0, 1):
        for score in ("silver", "study"):
            found = gap(frame[frame["hard"] == hard], score)
            assert found.low < 0 < found.high, (hard, score, str(found))


def test_worlds_of_one_seed_differ_by_what_they_plant_alone(made):
    root = {world: made[world, 0] for world in REACHED}
    names = pd.read_csv(root["none"] / "simulated_cases.csv")["patient_id"]
    changed = {(world, part): 0 for world in ("labels", "images") for part in ("silver", "study")}
    for name in names:
        for world in ("labels", "share"):
            gold, other = (load(mask_path(root[w], "expert", name)) for w in ("none", world))
            assert np.array_equal(gold, other)
        for world in ("labels", "images"):
            silver = [load(mask_path(root[w], "automatic", name)) for w in ("none", world)]
            study = [study_image(root[w], name) for w in ("none", world)]
            changed[world, "silver"] += not np.array_equal(*silver)
            changed[world, "study"] += not np.array_equal(*study)
    assert changed["labels", "study"] == 0
    young = (datasets.load_mama_mia(root["none"])[0]["age_group"] == "Young").sum()
    assert changed["images", "study"] >= young and changed["labels", "silver"] >= young - 2


def test_tumours_of_the_young_are_larger_where_the_world_says(made):
    for world, larger in {"labels": False, "share": False, "images": True, "all": True}.items():
        names = pd.read_csv(made[world, 0] / "simulated_cases.csv")["patient_id"]
        roots = (made[world, 0], made["none", 0])
        log_size = [[np.log(load(mask_path(r, "expert", name)).sum()) for r in roots] for name in names]
        change = np.subtract(*np.transpose(log_size))
        young = (datasets.load_mama_mia(roots[0])[0]["age_group"] == "Young").to_numpy()
        expected = datasets.BREAST_WORLDS[world]["size"] / 2
        assert change[young] == pytest.approx(expected, abs=0.02) and (expected > 0) == larger
        assert change[~young] == pytest.approx(-expected, abs=0.02)


def test_layout_is_that_of_the_real_download(made):
    root = made["labels", 0]
    cohort, _ = datasets.load_mama_mia(root)
    cases = pd.read_csv(root / "simulated_cases.csv")
    assert list(cases) == ["patient_id", "hard", "labeller_difficulty", "image_difficulty"]
    assert list(cohort["patient_id"]) == list(cases["patient_id"]) and len(cohort) == 60
    gold, silver = datasets.masks(root)
    assert len(list(gold.iterdir())) == len(list(silver.iterdir())) == 60
    image = nib.load(next((root / "images").rglob("*.nii.gz")))
    assert image.shape == SMALL and image.get_data_dtype() == np.int16
    truth = json.loads((root / "truth.json").read_text())
    assert truth["world"] == "labels" and truth["arguments"]["labeller"] == "threshold"
    assert truth["planted"] == datasets.BREAST_WORLDS["labels"]
    known = cohort["breast_density"] != "unknown"
    codes = np.minimum(4 * cases["image_difficulty"], 3).astype(int)
    assert [layout.DENSITY[c] for c in codes[known]] == list(cohort["breast_density"][known]) != []


def draw(**options) -> pd.DataFrame:
    """Patients of world "all" and their difficulties, with nothing written."""
    arguments = {"n": 20_000, "seed": 1, "age_shares": None} | options
    drawn, cases = worlds._draw(arguments, datasets.BREAST_WORLDS["all"])
    group = np.array(layout.AGE_GROUPS)[population.age_codes(drawn["age"])]
    return cases.assign(age=drawn["age"], log_cc=np.log(drawn["expert_cc"]), age_group=group)


def test_difficulties_are_those_of_the_truth():
    frame, truth = draw(age_shares=(0.4, 0.3, 0.3)), datasets.world_truth("all")
    for group, share in zip(layout.AGE_GROUPS, (0.4, 0.3, 0.3), strict=True):
        part = frame[frame["age_group"] == group]
        expected = {f"{k}_difficulty": truth["difficulty"][k]["by_age_group"][group] for k in ("labeller", "image")}
        for name, value in (expected | {"hard": truth["hard_share"][group]}).items():
            assert abs(part[name].mean() - value) < 3.5 * part[name].std() / np.sqrt(len(part)), (group, name)
            assert part[name].between(0, 1).all()
        assert abs(len(part) / len(frame) - share) < 0.012


def test_log_volume_falls_from_young_to_older_by_what_is_planted():
    frame = draw()
    young, older = (frame.loc[frame["age_group"] == group, "log_cc"] for group in ("Young", "Older"))
    error = np.sqrt(young.var() / len(young) + older.var() / len(older))
    assert abs(young.mean() - older.mean() - datasets.BREAST_WORLDS["all"]["size"]) < 3 * error < 0.05


def test_without_a_labeller_there_are_no_silver_masks(tmp_path):
    root = make("images", 4, tmp_path, labeller=None, labeller_key="", shape=(16, 16, 8))
    assert not (root / "segmentations" / "automatic").exists() and not (root / layout.QUALITY).exists()
    assert datasets.load_mama_mia(root)[0]["expert_1_qs"].isna().all()


@pytest.mark.slow
def test_ratings_follow_the_silver_masks(made, scored):
    ratings = []
    for key in itertools.product(datasets.BREAST_WORLDS, SEEDS):
        table = pd.read_csv(made[key] / layout.QUALITY)
        assert np.allclose(table["DiceCoef"], scored[key]["silver"], atol=1e-4)
        ratings.append(table)
    ratings = pd.concat(ratings)
    by_level = ratings.groupby("expert_1_qs")["DiceCoef"].mean()
    assert by_level["Good"] > by_level["Acceptable"] > by_level["Poor"] > by_level["Missed"] == 0
    assert ((ratings["expert_1_qs"] == "Missed") == (ratings["DiceCoef"] == 0)).all()
    disagree = (ratings["expert_1_qs"] != ratings["expert_2_qs"]).mean()
    assert 0.01 < disagree < 0.4


def test_harder_renderings_score_worse_and_easy_ones_well():
    rng = np.random.default_rng(5)
    breasts = [datasets.anatomy(rng, shape=SMALL, spacing=SPACING, cc=11) for _ in range(25)]
    means = [
        np.mean([metrics.dice(b.tumour, labeller(_float(rng, b, difficulty), SPACING)) for b in breasts])
        for difficulty in (0.0, 0.4, 0.8)
    ]
    assert means[0] > 0.85 and means[0] > means[1] + 0.05 > means[2] + 0.1


def _float(rng: np.random.Generator, breast: datasets.Anatomy, difficulty: float) -> np.ndarray:
    return datasets.render(rng, breast, difficulty=difficulty).astype(np.float32)


def test_a_slice_can_be_rendered_as_well():
    breast = datasets.anatomy(np.random.default_rng(0), shape=SMALL, spacing=SPACING, cc=11)
    middle = int(breast.tumour.sum(axis=(0, 1)).argmax())
    flat = breast._replace(**{k: v[..., middle] for k, v in breast._asdict().items() if isinstance(v, np.ndarray)})
    image = datasets.render(np.random.default_rng(1), flat, difficulty=0.2)
    assert image.shape == (2, *SMALL[:2]) and image.dtype == np.int16
    uptake = (image[1] - image[0]).astype(float)
    assert uptake[flat.tumour].mean() > uptake[~flat.tumour].mean() + 100


def test_physics_is_linear_between_its_documented_ends():
    for name, (easy, hard, _) in datasets.PHYSICS.items():
        assert datasets.physics(0)[name] == easy and datasets.physics(1)[name] == pytest.approx(hard)
        assert datasets.physics(0.5)[name] == pytest.approx((easy + hard) / 2)


def test_same_content_whatever_the_number_of_workers(tmp_path):
    one, two = (make("all", 4, tmp_path / str(k), shape=(16, 16, 8), workers=k) for k in (1, 2))
    assert one.name == two.name
    files = sorted(p.relative_to(one) for p in one.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(two) for p in two.rglob("*") if p.is_file())
    for file in files:
        if file.name.endswith(".nii.gz"):
            assert np.array_equal(load(one / file), load(two / file)), file
        elif file.suffix in (".csv", ".json"):
            assert (one / file).read_bytes() == (two / file).read_bytes(), file


def test_a_changed_labeller_makes_a_new_folder(tmp_path):
    options = {"shape": (16, 16, 8)}
    first = make("labels", 3, tmp_path, **options)
    assert make("labels", 3, tmp_path, **options) == first
    assert len({first, make("labels", 3, tmp_path, labeller_key="other", **options)}) == 2
    assert make("labels", 3, tmp_path, labeller=None, labeller_key="", **options) != first


def test_tables_of_the_planted_cohort_stay_as_they_were():
    frame, _ = datasets.simulate_breast_mri_table(400, seed=0)
    drawn = patients.draw(400, seed=0, planted=population.effects())
    assert np.array_equal(frame["dice"], drawn["dice"])
    assert frame["dice"].head(3).tolist() == pytest.approx(FIRST_DICE, rel=1e-12)
    assert frame["age"].head(8).tolist() == FIRST_AGES


# Ruler -> sign of what age (Older minus Young) does to the labeller's difficulty; that of the image is always below 0.
RULERS = {"inflates": -1, "hides": 1, "reverses": 1}


def test_every_ruler_is_what_its_name_says():
    assert set(datasets.RULERS) == set(RULERS) and not set(RULERS) & set(datasets.BREAST_WORLDS)
    gaps = {}
    for world, sign in RULERS.items():
        truth = datasets.world_truth(world)
        difficulty = truth["difficulty"]
        assert truth["planted"] == datasets.RULERS[world]
        for given in ("", "_given_hard", "_given_easy"):
            assert np.sign(difficulty["labeller"][f"older_minus_young{given}"]) == sign
            assert difficulty["image"][f"older_minus_young{given}"] < 0
        assert len(set(truth["hard_share"].values())) == 1  # who is a hard case plants nothing
        gaps[world] = difficulty["labeller"]["older_minus_young"]
    assert gaps["reverses"] > gaps["hides"] + 0.1


def test_a_share_below_0_moves_the_older_and_leaves_the_young():
    none = datasets.world_truth("none")["difficulty"]["labeller"]["by_age_group"]
    found = datasets.world_truth("hides")["difficulty"]["labeller"]["by_age_group"]
    assert found["Young"] == none["Young"]
    assert found["Older"] == pytest.approx(none["Older"] + 0.4 * (1 - none["Older"]))
    assert found["Middle"] == pytest.approx(none["Middle"] + 0.2 * (1 - none["Middle"]))


@pytest.mark.parametrize("world", [w if w == "hides" else pytest.param(w, marks=pytest.mark.slow) for w in RULERS])
def test_a_ruler_is_a_data_set_whose_silver_masks_are_worse_for_whom_it_says(tmp_path, scored, world):
    root = make(world, 60, tmp_path, seed=1, age_shares=YOUNG_AND_OLDER)
    frame, _ = datasets.load_mama_mia(root)
    cases = pd.read_csv(root / datasets.CASES)
    assert frame["patient_id"].tolist() == cases["patient_id"].tolist() and len(frame) == 60
    assert datasets.world_truth(world)["difficulty"] == json.loads((root / "truth.json").read_text())["difficulty"]
    volume = datasets.load_volume(root, frame["patient_id"].iloc[0])
    assert volume.expert.shape == volume.automatic.shape == SMALL

    groups = frame["age_group"].astype(str)
    by_group = cases.groupby(groups)[["labeller_difficulty", "image_difficulty"]].mean()
    drawn = by_group.loc["Older"] - by_group.loc["Young"]
    assert np.sign(drawn["labeller_difficulty"]) == RULERS[world] and drawn["image_difficulty"] < 0

    # The same patients, breasts and noise as in the world that plants nothing: only the moved group's labels differ.
    pairs = ([load(mask_path(root, kind, name)) for kind in ("expert", "automatic")] for name in cases["patient_id"])
    change = np.array([metrics.dice(*pair) for pair in pairs]) - scored["none", 1]["silver"].to_numpy()
    moved = (groups == ("Young" if RULERS[world] < 0 else "Older")).to_numpy()
    assert not change[~moved].any()
    worse = change[moved]
    assert worse.mean() + 3 * worse.std(ddof=1) / np.sqrt(len(worse)) < 0


FIRST_DICE = [0.877884547953511, 0.8147243367736241, 0.9506074887865062]
FIRST_AGES = [34.0, 47.0, 55.0, 40.0, 66.0, 44.0, 55.0, 46.0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"world": "label"}, ("world", "'label'", "labels")),
        ({"strength": 2}, ("strength", "2")),
        ({"strength": float("nan")}, ("strength", "nan")),
        ({"labeller_key": ""}, ("labeller_key", "a labeller")),
        ({"labeller": None}, ("labeller_key", "no labeller")),
        ({"labeller": lambda image, spacing: image[0]}, ("labeller", "float32")),
        ({"labeller": lambda image, spacing: None}, ("labeller", "NoneType")),
        ({"age_shares": (0.5, 0.5)}, ("age_shares", "(0.5, 0.5)")),
        ({"age_shares": (0.5, 0.5, 0.5)}, ("age_shares", "add to 1")),
        ({"n": 0}, ("n:", "0")),
        ({"shape": (4, 4, 4)}, ("shape",)),
    ],
)
def test_bad_arguments_are_told_in_one_line(tmp_path, options, words):
    arguments = {"world": "labels", "n": 2, "shape": (16, 16, 8)} | options
    with pytest.raises(InputError) as caught:
        make(folder=tmp_path, **arguments)
    assert all(word in str(caught.value) for word in words) and "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_difficulty_is_checked():
    with pytest.raises(InputError, match="difficulty"):
        datasets.physics(1.2)
