"""A user's table of images with masks in the study of the biased ruler: read whole, or refused before training."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers import datasets, metrics, stats
from helpers.errors import InputError
from helpers.studies import biased_ruler
from helpers.studies.biased_ruler import second_masks, slices

PATIENTS, EACH = 36, 2
IMAGES = PATIENTS * EACH
PLAN = {"size": 32, "folds": 2, "seed": 0, "progress": False}
MANY = {"n_boot": 100, "seed": 0}


def frame(**changed):
    """Two pictures of each patient; sex and lesions are unrelated."""
    k = np.arange(IMAGES) // EACH
    table = {"image": [f"{i}.png" for i in range(IMAGES)], "mask": [f"m{i}.png" for i in range(IMAGES)], "patient": k}
    table |= {"sex": np.where(k % 2, "x", "y"), "ward": np.array(["1", "2", "3"])[np.minimum(k // 14, 2)]}
    return pd.DataFrame(table | changed)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Noise with a bright box and its mask; second masks are the left half, and `none.png` is empty."""
    place = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for i in range(IMAGES):
        picture, mask = rng.integers(0, 99, (64, 64), dtype=np.uint8), np.zeros((64, 64), np.uint8)
        x, y, side = *rng.integers(4, 30, 2), rng.integers(12, 28)
        mask[y : y + side, x : x + side] = 255
        half = mask.copy()
        half[:, x + side // 2 :] = 0
        for name, values in ((f"{i}", picture + mask // 2), (f"m{i}", mask), (f"s{i}", half)):
            Image.fromarray(values).save(place / f"{name}.png")
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(place / "none.png")
    return place


def load(folder, table, **columns):
    table.to_csv(folder / "my.csv", index=False)
    return datasets.load_image_table(folder / "my.csv", columns)


def read(folder, table, *, second="degraded", network=None, **columns):
    return biased_ruler.read(load(folder, table, **columns), second=second, network=network, **PLAN)


def second():
    return [f"s{i}.png" for i in range(IMAGES)]


def test_dice_of_a_patient_is_over_all_pixels_of_the_images():
    gold, predicted = np.zeros((2, 4, 4, 4), bool)
    gold[0, 0, :3] = predicted[0, 0, 1:4] = True  # 2 of 3 and 3
    predicted[1, 0, :2] = True  # an image without a lesion: 2 wrong
    gold[2, 1, :2] = predicted[2, 1, :2] = True
    found = biased_ruler.patient_dice(gold, predicted, np.array([0, 0, 1, 2]), 3)
    np.testing.assert_allclose(found, [2 * 2 / (3 + 3 + 2), 1.0, 0.0])


def test_degraded_outlines_move_by_one_share_of_the_depth_a_patient():
    y, x = np.mgrid[:128, :128] - 64
    discs = np.stack([np.hypot(x, y) < radius for radius in (20, 30)] * 8 + [np.zeros((128, 128), bool)])
    owner = np.append(np.arange(16) // 2, 8)
    made = second_masks.degraded(discs, owner, seed=3)
    assert not made[-1].any() and made[:-1].any(axis=(1, 2)).all()
    ratio = np.sqrt(made[:-1].sum(axis=(1, 2)) / discs[:-1].sum(axis=(1, 2))).reshape(8, 2)
    assert np.abs(np.diff(ratio)).max() < 0.06 and (np.abs(ratio - 1) < second_masks.SHIFT + 0.05).all()
    assert ratio.min() < 0.9 and ratio.max() > 1.1


def test_two_groups_of_patients_are_read_with_their_masks(folder):
    table = frame()
    table.loc[0, "sex"] = "x"  # patient 0 is of both
    table.loc[2:3, "mask"] = "none.png"  # nothing is outlined
    table.loc[4, "mask"] = None
    table.loc[6:7, "sex"] = "z"
    table.loc[8:9, "sex"] = None
    found = read(folder, table, GROUPS="sex", SITE="ward")
    assert (found.group, found.a, found.b) == ("sex", "x", "y")
    assert "degraded" in str(found) and "y less x" in str(found)
    truth = frame().drop_duplicates("patient").astype({"patient": str}).set_index("patient")
    cases = found.cases.set_index("patient_id")
    assert set(truth.index) - set(cases.index) == {"0", "1", "3", "4"}
    pd.testing.assert_series_equal(
        cases["sex"], truth["sex"].reindex(cases.index), check_names=False, check_dtype=False
    )
    assert cases["images"].tolist() == [1] + [2] * 31 and len(found.owner) == len(found.slices.image) == 63
    assert found.experiments[0] == "baseline" and "biased_input" in found.experiments
    reasons = " ".join(found.dropped["reason"])
    for words in ("sex varies", "no pixel is inside", "mask is not named", "neither x nor y", "sex is unknown"):
        assert words in reasons


def test_second_masks_of_the_table_are_silver(folder):
    found = read(folder, frame(second_mask=second()), GROUPS="sex")
    assert found.second == "the second masks of the table"
    pairs = zip(found.slices.expert, found.slices.automatic, strict=True)
    assert all((gold >= silver).all() and 0 < silver.sum() < gold.sum() for gold, silver in pairs)
    assert found.cases["silver_dice"].between(0.5, 0.8).all()  # a half has Dice 2/3


def test_no_network_outlines_a_patient_that_it_was_trained_on(folder, monkeypatch):
    seen = []
    monkeypatch.setattr(slices, "fit", lambda image, target, **options: seen.append((image, options["steps"])) or image)

    def predict(model, image):
        assert not {one.tobytes() for one in model} & {one.tobytes() for one in image}
        return np.ones((len(image), 32, 32), bool)

    monkeypatch.setattr(slices, "predict", predict)
    found = read(folder, frame(), second="network", network={"steps": 7}, GROUPS="sex")
    assert len(seen) == 2 and seen[0][1] == 7 and found.slices.automatic.all() and "network" in found.second


def test_networks_score_held_out_patients_by_both_masks(folder, monkeypatch):
    found = read(folder, frame(second_mask=second()), GROUPS="sex")
    monkeypatch.setattr(slices, "fit", lambda image, target, **options: target)
    trained, held_out = {}, np.arange(PATIENTS) % 3 == 0
    monkeypatch.setattr(slices, "predict", lambda model, image: trained.update(on=model) or np.ones((24, 32, 32), bool))
    score = biased_ruler.patient_scorer(found.slices, found.owner, steps=1)
    dice = score(~held_out, np.arange(PATIENTS) % 2 == 0, held_out, 0, "name")
    silver = (found.owner % 2 == 0)[:, None, None]
    expected = np.where(silver, found.slices.automatic, found.slices.expert)[~held_out[found.owner]]
    np.testing.assert_array_equal(trained["on"], expected)
    pooled = [np.concatenate(found.slices.expert[found.owner == k]) for k in np.flatnonzero(held_out)]
    np.testing.assert_allclose(dice[:, 0], [metrics.dice(mask, np.ones_like(mask)) for mask in pooled])
    assert (dice[:, 1] < dice[:, 0]).all()


def test_changes_by_one_sided_rulers_add_up():
    rng = np.random.default_rng(0)
    gold, silver = (pd.Series(rng.uniform(size=40)) for _ in range(2))
    who = {"groups": np.array(["x", "y"] * 20), "a": "x", "b": "y", "n_permutations": 50, **MANY}
    whole = biased_ruler.ruler(silver, gold, **who).mean.change.estimate
    parts = [one.mean.change.estimate for one in biased_ruler.one_sided(silver, gold, **who).values()]
    np.testing.assert_allclose(sum(parts), whole)


def test_masks_in_colour_pictures_are_cropped_like_these(folder):
    mask, picture = np.zeros((40, 80), np.uint8), np.zeros((40, 80, 3), np.uint8)
    mask[10:30, 30:50] = picture[10:30, 30:50, 0] = 255
    Image.fromarray(mask).save(folder / "wide_mask.png")
    Image.fromarray(picture).save(folder / "wide.png")
    table = load(folder, frame(image=["wide.png", *frame()["image"][1:]], mask=["wide_mask.png"] * IMAGES).head(1))
    _, colour = datasets.table_pictures(table, 32, colour=True)
    found = datasets.table_masks(table, 32, colour=True)
    assert ((colour[0, 0] > 0.5) == found[0, 0]).mean() > 0.98 and found.mean() == pytest.approx(0.25, abs=0.03)


LOPSIDED = [
    ("no masks", {"mask": None}, {"GROUPS": "sex"}, "MASK: no row names a mask"),
    ("no groups", {"sex": None}, {}, "GROUPS: no column of groups is named or recognised"),
    ("a small group", {"sex": ["x"] * 18 + ["y"] * 54}, {"GROUPS": "sex"}, "sex: x has 9 patients with masks"),
    ("masks of one group", {"mask": [f"m{i}.png" if i // 2 % 2 else "none.png" for i in range(72)]}, {"GROUPS": "sex"},
     "sex: y has 0 patients with masks, expected 10"),
    ("no pixel", {"mask": "none.png"}, {"GROUPS": "sex"}, "sex: x has 0 patients with masks"),
    ("empty second masks", {"second_mask": "none.png"}, {"GROUPS": "sex"}, "SECOND_MASK: all masks are empty"),
    ("a name of this study", {"tier": ["x", "y"] * 36}, {"GROUPS": "tier"}, "column tier: this name has another"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "columns", "expected"), [c[1:] for c in LOPSIDED], ids=[c[0] for c in LOPSIDED])
def test_a_lopsided_table_is_refused_before_training(folder, changed, columns, expected):
    with pytest.raises(InputError) as refused:
        read(folder, frame(**changed), **columns)
    assert expected in str(refused.value) and "\n" not in str(refused.value)


ACCEPTED = [
    ("a group of ten patients", {"sex": ["x"] * 20 + ["y"] * 52}, {}),
    ("silver is gold", {"second_mask": frame()["mask"]}, {}),
    ("silver is bad", {"second_mask": ["none.png"] * 71 + ["s71.png"], "blind": True}, {}),
    ("masks of one size", {"mask": "m0.png", "second_mask": "m0.png"}, {}),
    ("each row a patient", {"patient": None, "blind": True}, {}),
    ("three groups", {"sex": np.array(["<=40", "41-60", ">60"])[np.arange(72) // 2 % 3]}, {}),
    ("parts of a split", {"split": ["train"] * 40 + ["test"] * 32}, {"COMPARE": "sex: y | x"}),
]


@pytest.mark.parametrize(("changed", "columns"), [c[1:] for c in ACCEPTED], ids=[c[0] for c in ACCEPTED])
def test_an_accepted_table_goes_through_every_step(folder, changed, columns):
    table = frame(**changed)
    table = table.drop(columns="patient") if table["patient"].isna().all() else table
    found = read(folder, table, GROUPS="sex", **columns)
    names = {"group": found.group, "a": found.a, "b": found.b}
    rng = np.random.default_rng(0)

    def score(include, silver, held_out, seed, name):
        assert found.cases.loc[include, "sex"].value_counts().min() >= 2
        return rng.uniform(size=(held_out.sum(), 2)) * ("blind" not in changed)

    plan = {"folds": 2, "seed": 0, "group": found.group, "experiments": found.experiments, "progress": False}
    results = biased_ruler.run(score, found.cases, seeds=range(3), **plan)
    assert set(results["experiment"]) == set(found.experiments)
    both = results.query("experiment == 'baseline' and train_seed == 0")
    both = both.pivot(index="patient_id", columns="reference", values="dice").loc[found.cases["patient_id"]]
    who = {"groups": found.cases[found.group].to_numpy(), "a": found.a, "b": found.b}
    rulers = biased_ruler.one_sided(both["silver"], both["gold"], **who, **MANY, n_permutations=50)
    rulers["today"] = biased_ruler.ruler(both["silver"], both["gold"], **who, **MANY, n_permutations=50)
    assert len(biased_ruler.gap_rows(rulers)) == 9
    values = biased_ruler.ruler_values(rulers["today"])
    assert values[f"n_{found.a.lower()}"] == (found.cases[found.group] == found.a).sum()
    changes = [stats.change_between(results, second=e, **names, **MANY) for e in found.experiments[1:]]
    assert all(np.isfinite(one.change.estimate) for one in changes)
    for version in ("ours", "paper"):
        told = biased_ruler.diagnose(results, found.cases, version=version, difficulty=None, **names, **MANY)
        assert list(told.causes.index) == ["labels", "images", "share"]
    biased_ruler.ratio_table(found.cases[["area_pixels"]], **who, **MANY)


def test_experiments_without_enough_patients_are_left_out_with_a_reason():
    easy = np.arange(40) < 20
    cases = pd.DataFrame({"sex": np.where(easy, "x", "y"), "easy": easy, "tier": np.where(easy, 1.0, 2.0)})
    names, left = biased_ruler.possible(cases, group="sex", a="x", b="y", folds=2, seed=0)
    assert names == ["baseline", "swap_x", "biased_input"]
    reasons = [one["reason"] for one in left]
    assert "no second mask of the group has tier 1" in reasons[0] and "0 patients of x, expected 2" in reasons[1]


def test_real_slices_are_read(real):
    table = datasets.load_image_table(real("lgg_flair") / "images.csv", {"GROUPS": "sex", "SITE": "site"})
    found = biased_ruler.read(table, **PLAN)
    assert found.cases["sex"].value_counts().to_dict() == {"female": 56, "male": 53}
    assert found.cases["images"].sum() == len(found.owner) and found.cases["area_pixels"].min() > 0
