"""Bad rows of repeated runs: each gives one clear `InputError`."""

import numpy as np
import pandas as pd
import pytest

from helpers.errors import InputError
from helpers.studies import skin_tone
from tests.helpers.repeats import USUAL, balanced, world


def without(**values):
    """Rows but those that have all the values."""
    return lambda rows: rows[~np.logical_and.reduce([rows[name] == value for name, value in values.items()])]


ROWS = {
    "no column": (lambda rows: rows.drop(columns="image"), "column image: not in the frame"),
    "no group": (without(group="dark"), "column group: no row is 'dark'"),
    "no training": (without(training="B"), "column training: no row is 'B'"),
    "another training": (
        lambda r: r.assign(training=r["training"].where(r.index > 0, "D")),
        "must be one of A, B, C, got 'D'",
    ),
    "a training is missing": (lambda r: r.assign(training=r["training"].where(r.index > 0)), "1 rows have no training"),
    "a run is missing": (lambda r: r.assign(run=r["run"].where(r.index > 1)), "2 rows have no run"),
    "an image is missing": (lambda r: r.assign(image=r["image"].where(r.index > 0)), "1 rows have no image"),
    "NaN": (lambda rows: rows.assign(nmse=rows["nmse"].where(rows.index > 0)), "column nmse: 1 of 540 values are NaN"),
    "text": (lambda rows: rows.assign(nmse="low"), "column nmse: not numbers"),
    "twice": (lambda rows: pd.concat([rows, rows.head(1)]), "an image occurs twice"),
    "two runs": (lambda rows: rows[rows["run"] < 2], r"2 run\(s\), at least 3"),
    "two groups": (
        lambda rows: rows.assign(group=np.where(rows.index == 0, "dark", rows["group"])),
        "an image has two groups",
    ),
    "not finished": (without(run=5, training="C"), "by some of its trainings, not by all three"),
    "one group in a run": (without(run=4, group="light"), "run 4 has no image of one of the groups"),
}


def said(act, words) -> None:
    with pytest.raises(InputError, match=words) as raised:
        act()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("case", ROWS)
@pytest.mark.parametrize("function", [skin_tone.representation_effects, skin_tone.gap_causes])
def test_bad_rows_are_one_clear_error(case, function):
    change, words = ROWS[case]
    said(lambda: function(change(world()), **USUAL, n_boot=20), words)


OTHERS = {
    "group twice": (
        lambda: skin_tone.representation_effects(world(), score="nmse", a="dark", b="dark"),
        "two groups are needed, got 'dark' twice",
    ),
    "too few of all conditions": (
        lambda: skin_tone.at_equal_conditions(world(), **USUAL, at_least=50),
        "column label: no condition has 50 images in both groups",
    ),
    "no such condition": (
        lambda: skin_tone.gap_causes(world(), **USUAL, condition="age"),
        "column age: not in the frame",
    ),
    "no such training": (
        lambda: skin_tone.at_equal_conditions(world(), **USUAL, training="D"),
        "training: must be A, B or C, got 'D'",
    ),
    "two conditions": (
        lambda: skin_tone.at_equal_conditions(
            world().assign(label=world()["label"].where(world()["run"] > 0, "mild")), **USUAL
        ),
        "an image has two groups or conditions",
    ),
    "NaN by condition": (
        lambda: skin_tone.by_condition(world().assign(nmse=np.nan), **USUAL),
        "column nmse: .* values are NaN",
    ),
    "no column by condition": (
        lambda: skin_tone.by_condition(world().drop(columns="run"), **USUAL),
        "column run: not in the frame",
    ),
    "mixed, no column": (
        lambda: skin_tone.mixed_gap(balanced().drop(columns="label"), **USUAL),
        "column label: not in",
    ),
    "mixed, one run": (lambda: skin_tone.mixed_gap(balanced(runs=1), **USUAL), r"column run, training B: 1 different"),
    "mixed, one condition": (
        lambda: skin_tone.mixed_gap(balanced(conditions=1), **USUAL),
        "column label, training B: 1",
    ),
    "mixed, one group": (
        lambda: skin_tone.mixed_gap(balanced().query("group == 'dark'"), **USUAL),
        "column group, training B: 1 different",
    ),
    "mixed, no such training": (
        lambda: skin_tone.mixed_gap(balanced(), **USUAL, training="A"),
        "training A: 0 different",
    ),
    "mixed, NaN": (
        lambda: skin_tone.mixed_gap(balanced().assign(nmse=np.inf), **USUAL),
        "column nmse: 180 of 180 values are NaN or infinite",
    ),
    "mixed, constant": (lambda: skin_tone.mixed_gap(balanced().assign(nmse=0.5), **USUAL), "all values are 0.5"),
    "mixed, no condition": (
        lambda: skin_tone.mixed_gap(balanced().assign(label=balanced()["label"].where(balanced().index > 2)), **USUAL),
        "column label: 3 rows have no value",
    ),
}


@pytest.mark.parametrize("case", OTHERS)
def test_bad_input_is_one_clear_error(case):
    said(*OTHERS[case])
