"""A table of images in the skin-tone study: two groups, conditions, patients, and parts that are left out."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers import datasets, report, stats
from helpers.errors import InputError
from helpers.studies import skin_tone

ROWS = 72


def frame(**changed):
    """72 images of 36 patients: two groups of 15 patients, and one of 6."""
    patient = np.arange(ROWS) // 2
    table = {
        "image": [f"{i}.png" for i in range(ROWS)],
        "patient": [f"p{k}" for k in patient],
        "hand": np.select([patient < 15, patient < 30], ["right", "left"], "both"),
        "finding": np.array(["wart", "mole", "scar"])[np.arange(ROWS) % 3],
    }
    return pd.DataFrame(table | changed)


@pytest.fixture
def made(tmp_path):
    """A function that writes a table and its images, and reads it as the study does."""
    rng = np.random.default_rng(0)

    def read(plain=(), columns=None, **changed):
        for i in range(ROWS):
            pixels = np.full((8, 8, 3), (200, 90, 60), np.uint8) if i in plain else rng.integers(0, 255, (8, 8, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"{i}.png")
        table = pd.DataFrame({name: values for name, values in frame(**changed).items() if values[0] != "-"})
        table.to_csv(tmp_path / "my.csv", index=False)
        columns = {"GROUPS": "hand"} | (columns or {})
        return skin_tone.read(datasets.load_image_table(tmp_path / "my.csv", columns), size=8, seed=1)

    return read


def test_the_two_largest_groups_are_compared_and_the_others_are_counted(made):
    found = made()
    assert (found.a, found.b) == ("left", "right")
    assert found.chosen["group"].value_counts().to_dict() == {"left": 30, "right": 30}
    assert found.dropped.set_index("reason")["n"].to_dict() == {
        "hand is neither left nor right, or is not recorded": 12
    }
    named = made(columns={"COMPARE": "hand: right | left, both"})
    assert (named.a, named.b) == ("right", "left, both") and len(named.chosen) == ROWS
    assert found.images.shape == (60, 3, 8, 8) and found.images.dtype == np.uint8


def test_a_picture_of_one_colour_is_left_out_before_training(made):
    found = made(plain=(3, 5))
    assert len(found.chosen) == 58
    assert found.dropped.set_index("reason")["n"]["all pixels are equal: left out"] == 2


def test_conditions_are_the_classes_of_one_column(made):
    found = made()
    assert found.levels == ["finding"]
    expected = np.array(["wart", "mole", "scar"])[np.arange(60) % 3]
    assert (found.chosen["label"] == expected).all()
    labels = pd.DataFrame({"old": [1.0, 0, np.nan, 0], "kind=a": [1.0, 0, 0, np.nan], "kind=b": [0.0, 1, 0, np.nan]})
    assert skin_tone.joined_classes(labels).fillna("?").tolist() == ["a", "b", "other", "?"]
    assert skin_tone.joined_classes(labels[["old"]]).fillna("?").tolist() == ["old", "not old", "?", "not old"]
    assert skin_tone.joined_classes(labels[[]]) is None


def test_of_each_patient_one_picture_is_tested_and_none_is_trained_on(made):
    found = made()
    patient = found.chosen["cluster"].to_numpy()
    for run in range(20):
        split = skin_tone.split(
            found.chosen, test_size=10, train_size=20, sampling="replace", seed=0, run=run, a="left", b="right"
        )
        assert len(set(patient[split.test])) == 20
        assert not any(set(patient[split.test]) & set(patient[rows]) for rows in split.train.values())
        assert set(split.pool) == set(np.flatnonzero(~np.isin(patient, patient[split.test])))
    assert len(found.labels) == 30
    alone = made(patient=["-"] * ROWS)
    assert alone.chosen["may_be_tested"].all() and len(alone.labels) == 60


@pytest.mark.parametrize(
    ("changed", "levels", "reason"),
    [
        ({"finding": ["wart"] * ROWS}, [], "finding: not compared, since all known rows are"),
        ({"finding": ["-"] * ROWS}, [], "there is no column of classes"),
        ({"finding": [""] * 36 + ["wart", "scar"] * 18}, [], "finding: not compared, since no row of right is known"),
        ({"centre": ["x", "y"] * 36}, ["finding", "centre"], ""),
    ],
)
def test_a_column_that_cannot_be_compared_is_left_out_by_name(made, changed, levels, reason):
    columns = {} if "centre" not in changed else {"SITE": "centre", "TARGETS": "finding"}
    found = made(columns=columns | ({"TARGETS": "finding"} if changed.get("finding", "+")[0] != "-" else {}), **changed)
    assert found.levels == [{"centre": "site"}.get(name, name) for name in levels]
    assert any(text.startswith(reason) for text in found.dropped["reason"])
    shift = skin_tone.prevalence_shift(found.labels, levels=found.levels, a=found.a, b=found.b, n_permutations=50)
    assert len(shift) == len(levels) and "total_variation" in shift


def test_a_table_that_cannot_be_compared_is_refused_in_one_line(made):
    cases = {
        "no column of groups": {"columns": {"GROUPS": ""}, "hand": ["-"] * ROWS},
        "fewer than 10 patients": {"hand": ["right"] * 60 + ["left"] * 12},
    }
    for words, options in cases.items():
        with pytest.raises(InputError, match=words) as error:
            made(**options)
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="15 images of left that may be tested, one a patient, but 16"):
        skin_tone.split(made().chosen, test_size=16, train_size=20, sampling="replace", seed=0, a="left", b="right")


def errors(condition):
    """Errors of 24 images by three trainings in three runs; `condition` has one value an image."""
    rng = np.random.default_rng(0)
    rows = [
        {"run": run, "training": training, "image": f"i{k}", "group": "<=60" if k % 2 else ">60", "label": condition[k]}
        for run in range(3)
        for training in "ABC"
        for k in range(24)
    ]
    return pd.DataFrame(rows).assign(mse=rng.random(216), latent_sd=1.0)


@pytest.mark.parametrize(
    ("part", "condition"),
    [
        ("equal", [None] * 24),  # no label
        ("equal", ["wart"] * 2 + ["scar"] * 2 + [None] * 20),  # few of each
        ("equal", ["wart" if k % 2 else "scar" for k in range(24)]),  # no image of a condition in one group
        ("mixed", ["wart"] * 24),  # one class
        ("mixed", [None] * 24),
        ("each", ["wart"] * 24),  # 12 images in each group, 13 are expected
        ("sign", ["wart"] * 24),  # a constant column
    ],
)
def test_a_part_that_the_table_does_not_permit_is_left_out_with_its_reason(part, condition):
    rows, pair = errors(condition), {"a": "<=60", "b": ">60"}
    possible = report.Parts(24)
    calls = {
        "equal": lambda: possible.compute(part, skin_tone.gap_causes, rows, score="mse", n_boot=120, **pair),
        "mixed": lambda: possible.compute(part, skin_tone.mixed_gap, rows.dropna(), score="mse", **pair),
        "each": lambda: possible.compute(part, skin_tone.by_condition, rows, score="mse", at_least=13, **pair),
        "sign": lambda: possible.compute(part, stats.compare_signs, rows, ["latent_sd"], error="mse", **pair),
    }
    assert calls[part]().empty
    assert possible.dropped["table"].tolist() == [part] and possible.dropped["n"].tolist() == [24]
    assert possible.note(part).data.startswith(f"Left out ({part}): ")
    assert possible.note("another") is None


def test_one_condition_in_both_groups_gives_a_gap_and_no_effect_of_the_mix():
    parts = skin_tone.at_equal_conditions(errors(["wart"] * 24), score="mse", a="<=60", b=">60", n_boot=120)
    assert parts["estimate"].iloc[0] == parts["estimate"].iloc[1] and parts["estimate"].iloc[2] == 0
    assert parts["p"].iloc[2] == 1


def test_real_photographs_are_shared_out_by_patient(real):
    columns = {"COMPARE": "skin_type: 1,2 | 3,4", "TARGETS": "diagnosis"}
    table = datasets.load_image_table(real("pad_ufes_20") / "images.csv", columns)
    found = skin_tone.read(table, size=16, seed=0)
    assert (found.a, found.b) == ("1, 2", "3, 4")
    assert len(found.chosen) == 428 and found.levels == ["diagnosis"]
    patient = found.chosen["cluster"].to_numpy()
    split = skin_tone.split(
        found.chosen, test_size=60, train_size=130, sampling="replace", seed=0, a=found.a, b=found.b
    )
    assert not any(set(patient[split.test]) & set(patient[rows]) for rows in split.train.values())
    pair = {"a": found.a, "b": found.b}
    assert (
        skin_tone.prevalence_shift(found.labels, levels=found.levels, n_permutations=50, **pair)["pearson"]
        .notna()
        .all()
    )
