"""Splits keep a patient whole and do not depend on how the rows stand."""

import numpy as np
import pandas as pd
import pytest

from helpers.datasets import split_patients
from helpers.errors import InputError

ROWS = np.random.default_rng(0).integers(0, 200, 900)
PATIENTS = np.array([f"patient{90000 + i}" for i in ROWS])


def test_patients_are_whole_and_shares_are_kept():
    split = split_patients(PATIENTS, seed=1)
    table = pd.DataFrame({"patient": PATIENTS, "split": split})
    one = table.groupby("patient")["split"].agg(["nunique", "first"])
    assert (one["nunique"] == 1).all()
    n = len(one)
    assert one["first"].value_counts().to_dict() == {
        "train": round(0.7 * n),
        "test": n - round(0.8 * n),
        "validation": round(0.8 * n) - round(0.7 * n),
    }


def test_order_and_number_of_rows_play_no_part():
    split = split_patients(PATIENTS, seed=1)
    order = np.random.default_rng(3).permutation(len(PATIENTS))
    assert (split_patients(PATIENTS[order], seed=1) == split[order]).all()
    first = np.unique(PATIENTS, return_index=True)[1]
    assert (split_patients(pd.Series(PATIENTS[first], index=first), seed=1) == split[first]).all()


def test_another_seed_is_another_split():
    one, two = (split_patients(PATIENTS, seed=seed) for seed in (1, 2))
    assert 0.2 < (one != two).mean() < 0.8


def test_shares_can_be_chosen():
    split = split_patients(range(100), shares=(0.2, 0.3, 0.5), seed=0)
    assert [int((split == name).sum()) for name in ("train", "validation", "test")] == [20, 30, 50]


@pytest.mark.parametrize(
    ("patients", "options", "word"),
    [
        (["a", None, "b"] * 20, {}, "row 1"),
        (["a", "b", "c"], {}, "validation without a patient"),
        ([], {}, "0 patients"),
        (range(100), {"shares": (0.5, 0.5)}, "shares"),
        (range(100), {"shares": (0.9, 0.0, 0.1)}, "shares"),
        (range(100), {"shares": (0.9, 0.3, 0.1)}, "shares"),
        (range(100), {"shares": "all"}, "shares"),
        (range(100), {"seed": -1}, "seed"),
        (range(100), {"seed": 1.5}, "seed"),
    ],
)
def test_bad_input_is_one_line(patients, options, word):
    with pytest.raises(InputError, match=word) as caught:
        split_patients(patients, **options)
    assert "\n" not in str(caught.value)
