"""A user's table of images in the reconstruction study: judged before training, and measured to its end."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from helpers import datasets, learn, stats
from helpers.errors import InputError
from helpers.report.values import flatten
from helpers.studies import reconstruction

PATIENTS, SIZE = 90, 32
ARMS = ("original", "degraded", "unet")
K = np.arange(2 * PATIENTS)  # two images a patient


def frame(**changed):
    """Two slices of each patient, each with a mask; labels, groups and pictures are unrelated."""
    rng = np.random.default_rng(1)
    table = {"image": [f"{k}.png" for k in K], "mask": [f"m{k}.png" for k in K], "patient": K // 2}
    table |= {"sex": np.where(K // 2 % 2, "F", "M"), "ward": np.array(["a", "b", "c"])[K // 2 % 3]}
    table |= {name: rng.integers(0, 2, len(K)) for name in ("ill", "worse", "died")}
    return pd.DataFrame(table | changed)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    Image.new("L", (SIZE, SIZE)).save(place / "empty.png")
    for k in K:
        Image.fromarray(rng.integers(0, 255, (SIZE, SIZE), dtype=np.uint8)).save(place / f"{k}.png")
        mask = np.zeros((SIZE, SIZE), np.uint8)
        mask[:8, : 4 + k % 8] = 255
        Image.fromarray(mask).save(place / f"m{k}.png")
    return place


def judged(folder, table, *, dataset="ucsf-pdgm", **columns):
    table.to_csv(folder / "my.csv", index=False)
    read = datasets.load_image_table(folder / "my.csv", columns)
    task = learn.load_task(dataset, read, size=SIZE, seed=0, test_share=0.5)
    return reconstruction.judged(task)


def measured(task):
    """What networks would give: noise on the pictures and, of the U-Net, on the probabilities and masks."""
    rng = np.random.default_rng(2)
    held = np.flatnonzero(task.rows["split"] != "train")
    clean, rows = task.images[held], task.rows.iloc[held].reset_index(drop=True)
    images = {arm: np.clip(clean + 0.1 * k * rng.random(clean.shape, np.float32), 0, 1) for k, arm in enumerate(ARMS)}
    probabilities, masks = {}, {}
    for arm in ARMS:
        if task.targets:
            probabilities[arm] = (0.4 * rows[task.targets] + rng.uniform(0, 0.6, (len(rows), 1))).to_numpy(float)
        if task.masks is not None:
            masks[arm] = task.masks[held] | (rng.random(clean.shape) < 0.1).astype(np.uint8)
    drawn = {"masks": masks, "expert": task.masks[held]} if masks else {}
    return learn.measure_restored(rows, images, probabilities=probabilities, targets=task.targets, **drawn)


def tables(task, pair):
    """All that the page computes from what the networks gave."""
    found = measured(task)
    tested = found.part("test")
    who, draws = tested.cases, {"n_boot": 20, "seed": 0}
    chosen = reconstruction.thresholds(found, targets=task.targets, where="validation")
    about = {"arm": "unet", "attribute": pair.attribute, "minimum": 10}
    reconstruction.optimism(found, targets=task.targets, **about, **draws)
    both = {"attributes": who[task.attributes], "patient": who["patient_id"]}
    decided = {arm: stats.predict_at(p, chosen[arm]) for arm, p in tested.probabilities.items()}
    odds = reconstruction.NO_ODDS
    if task.targets:
        odds = stats.prediction_fairness(who[task.targets], decided, **both, **draws)
    gaps = stats.score_fairness(tested.scores["psnr"], **both, **draws, baseline="degraded").assign(score="psnr")
    gaps = gaps[gaps["metric"] == "percent"]
    if "dice" in tested.scores:
        dice = stats.score_fairness(tested.scores["dice"], **both, **draws).assign(score="dice")
        gaps = pd.concat([gaps, dice[dice["metric"] != "percent"]])
    harm = reconstruction.signed_changes(tested, task, pair, arm="unet", minimum=10, **draws)
    lots = {"score": "psnr", "baseline": "degraded", "arm": "unet", "attribute": pair.attribute}
    control = reconstruction.negative_control(reconstruction.among(tested, pair), **lots, n=5, seed=0)
    performance = reconstruction.performance({"middle": found}, targets=task.targets, **draws)
    reconstruction.as_printed(odds, gaps)
    reconstruction.changes_of(odds, "eodd")
    values = reconstruction.quoted(task, pair, performance, odds, gaps, harm, level="middle")
    return tested, harm, values | {"control": control}


TO_THE_END = {
    "labels and masks": ({"GROUPS": "sex"}, {}, "the Dice of the masks"),
    "three groups": ({"GROUPS": "ward, sex"}, {}, "the Dice of the masks"),
    "no label": ({"GROUPS": "sex"}, dict.fromkeys(("ill", "worse", "died"), 1), "the Dice of the masks"),
    "no mask": ({"GROUPS": "ward", "TARGETS": "ill, died"}, {"mask": None}, "the AUROC of ill"),
    "empty masks": ({"GROUPS": "sex"}, {"mask": "empty.png"}, "the mean AUROC of the labels"),
    "no patients": ({"GROUPS": "sex"}, {"patient": None}, "the Dice of the masks"),
    "names of the slides": (
        {"GROUPS": "age, age_group"},
        {"age": K // 2, "age_group": K // 2 % 2},
        "the Dice of the masks",
    ),
    "a rare group": ({"GROUPS": "sex"}, {"sex": np.where(K < 12, "X", frame()["sex"])}, "the Dice of the masks"),
    "an unknown group": ({"GROUPS": "sex"}, {"sex": np.where(K < 90, None, frame()["sex"])}, "the Dice of the masks"),
    "one label": ({"GROUPS": "sex", "TARGETS": "ill"}, {"mask": None}, "the AUROC of ill"),
}


@pytest.mark.parametrize(("columns", "changed", "outcome"), TO_THE_END.values(), ids=TO_THE_END)
def test_every_table_that_is_judged_is_measured_to_the_end(folder, columns, changed, outcome):
    table = frame(**changed)
    table = table.drop(columns=[name for name in ("mask", "patient") if table[name].isna().all()])
    task, pair = judged(folder, table, **columns)
    tested, _, values = tables(task, pair)
    assert values["outcome"] == outcome and values["pair"]["attribute"] == task.attributes[0]
    sizes = tested.cases.drop_duplicates("patient_id")[pair.attribute].value_counts()
    assert sorted(sizes[list(pair[1:])]) == sorted(sizes)[-2:]
    for name in ("change", "harm"):
        assert values["brief"][name]["low"] < values["brief"][name]["estimate"] < values["brief"][name]["high"]
    assert values["brief"]["harm"]["n"] == sizes[list(pair[1:])].sum()
    assert not [name for name, value in flatten(values).items() if isinstance(value, float) and np.isnan(value)]


def test_the_test_of_the_pair_is_of_its_two_groups_alone(folder):
    task, pair = judged(folder, frame(), dataset="chexpert", GROUPS="ward")
    tested, harm, values = tables(task, pair)
    assert task.masks is None and task.dropped["reason"].eq("not segmented in X-rays").any()

    def change(group):
        rows = tested.cases["ward"] == group
        areas = [
            [roc_auc_score(tested.cases[name][rows], tested.probabilities[arm][name][rows]) for name in task.targets]
            for arm in ("unet", "original")
        ]
        return np.mean(areas[0]) - np.mean(areas[1])

    row = harm.iloc[-1]
    assert (row["finding"], row["group"], row["against"]) == ("mean", pair.second, pair.first)
    assert row["difference"] == pytest.approx(change(pair.second) - change(pair.first), abs=1e-12)
    assert values["brief"]["harm"]["estimate"] == row["difference"]
    assert np.isnan(row["q"]) and harm["q"][:-1].notna().any()


def test_dice_of_the_two_largest_of_three_groups_is_that_of_the_two_alone(folder):
    task, pair = judged(folder, frame(), GROUPS="ward")
    tested, harm, _ = tables(task, pair)
    rows = tested.cases["ward"].isin(pair[1:])
    who = tested.cases[rows].reset_index(drop=True)
    alone = stats.harm_in_scores(
        tested.scores["dice"][rows].reset_index(drop=True), attributes=who[["ward"]], patient=who["patient_id"]
    )
    expected = alone[alone["arm"] == "unet"].iloc[0]
    for column in ("difference", "low", "high", "p", "n", "n_against"):
        assert harm.iloc[-1][column] == pytest.approx(expected[column])
    assert set(harm["against"][:-1]) == {"rest"}


def test_a_patient_has_the_group_of_the_first_image_and_this_is_counted(folder):
    sex = frame()["sex"].to_numpy(object)
    sex[[1, 3]] = "F", None  # the first patient is M, then F; the second F, then unknown
    task, _ = judged(folder, frame(sex=sex), GROUPS="sex")
    of = task.rows.set_index("case")["sex"]
    assert of[["row 2", "row 3", "row 4", "row 5"]].tolist() == ["M", "M", "F", "F"]
    counted = task.dropped.set_index("reason")["n"]
    assert counted["sex differs within a patient: the first is used"] == 1


LEFT_OUT = [
    ("one class", {"ill": 1}, "ill: left out, since it has only 1 in"),
    ("a condition in one group", {"ill": (K // 2 % 2) * (K % 2)}, "ill: left out, since no tested case of sex M has 1"),
    ("a small group", {"ward": np.where(K < 20, "a", "b")}, "ward: left out, since fewer than two groups have 10"),
    ("empty masks", {"mask": "empty.png"}, "masks: not segmented, since all are empty in train"),
    (
        "masks in one group",
        {"mask": np.where(K // 2 % 2, frame()["mask"], "empty.png")},
        "masks: not segmented, since fewer than 10 tested patients of sex M have something in them",
    ),
]


@pytest.mark.parametrize(("changed", "reason"), [case[1:] for case in LEFT_OUT], ids=[case[0] for case in LEFT_OUT])
def test_what_cannot_be_judged_is_left_out_by_name(folder, changed, reason):
    task, _ = judged(folder, frame(**changed), GROUPS="sex, ward", TARGETS="ill, died")
    assert task.dropped["reason"].str.startswith(reason).any()
    gone = reason.split(":")[0]
    assert gone not in (*task.targets, *task.attributes) and (gone != "masks" or task.masks is None)


NOTHING = dict.fromkeys(("ill", "worse", "died"), 1)
REFUSED = [
    ("no attribute", {}, {"GROUPS": "", "TARGETS": "ill"}, {"sex": None}, "GROUPS: no column of groups is named"),
    (
        "a group of ten",
        {"sex": np.where(K < 20, "F", "M")},
        {"GROUPS": "sex"},
        {},
        "GROUPS: sex: left out, since",
    ),
    (
        "one class",
        NOTHING | {"mask": "empty.png"},
        {"GROUPS": "sex", "TARGETS": "ill"},
        {},
        "TARGETS: ill: left out, since it has only 1",
    ),
    ("both", {}, {"GROUPS": "ill", "TARGETS": "ill"}, {}, "column ill: it is both a group and a label"),
    ("reserved", {"arm": K % 2}, {"GROUPS": "sex", "TARGETS": "arm"}, {}, "column arm: this name has another meaning"),
    (
        "a mask that is missing",
        {"mask": [None, *frame()["mask"][1:]]},
        {"GROUPS": "sex"},
        {},
        "row 2: no mask is named",
    ),
]


@pytest.mark.parametrize(
    ("changed", "columns", "more", "expected"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_what_leaves_nothing_is_refused_in_one_line(folder, changed, columns, more, expected):
    with pytest.raises(InputError) as refused:
        judged(folder, frame(**changed, **more), **columns)
    assert expected in str(refused.value) and "\n" not in str(refused.value)


def test_sixty_images_of_sixty_people_are_enough_or_refused(folder):
    task, pair = judged(folder, frame().iloc[:120:2], GROUPS="sex")
    assert len(task.rows) == 60 and tables(task, pair)[2]["brief"]["harm"]["n"] == 30
    with pytest.raises(InputError, match="fewer than two groups have 10 tested patients"):
        judged(folder, frame().iloc[:60:2], GROUPS="sex")


REAL = {
    "lgg_flair": ("ucsf-pdgm", {"GROUPS": "sex", "TARGETS": "grade, tumour_pixels>0"}, 110, ["female", "male"]),
    "covid_cxr": ("chexpert", {"GROUPS": "sex, age", "TARGETS": "finding=COVID-19"}, None, ["female", "male"]),
}


@pytest.mark.parametrize("name", REAL)
def test_real_images_can_be_judged(real, name):
    dataset, columns, patients, groups = REAL[name]
    file = real(name) / "images.csv"
    read = datasets.load_image_table(file, columns)
    task, pair = reconstruction.judged(learn.load_task(dataset, read, size=SIZE, seed=0, test_share=0.4))
    truth = pd.read_csv(file)
    assert task.rows["patient_id"].nunique() == (patients or truth["patient"].nunique())
    assert list(pair) == ["sex", *groups] and (task.masks is not None) == (dataset == "ucsf-pdgm")
    assert task.attributes == columns["GROUPS"].split(", ") and len(task.targets) == columns["TARGETS"].count(",") + 1
    assert (task.rows.groupby("patient_id")[["split", *task.attributes]].nunique() <= 1).all(axis=None)
