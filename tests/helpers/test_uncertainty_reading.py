"""A table of images in the study of uncertainty: shares of a group without parting a patient, and signs that vary."""

import numpy as np
import pandas as pd
import pytest

from helpers import datasets, stats
from helpers.errors import InputError
from helpers.studies import uncertainty

PAIR = {"a": "under 60", "b": "60 or more"}


def cases(first: int = 60, second: int = 40) -> pd.DataFrame:
    """Images of two groups, two a patient, of which the first may be tested."""
    n = first + second
    group = np.repeat(list(PAIR.values()), [first, second])
    patient = [f"p{k // 2}" for k in range(n)]
    return pd.DataFrame({"group": group, "cluster": patient, "may_be_tested": np.arange(n) % 2 == 0})


def test_a_share_of_a_group_parts_no_patient():
    table = cases()
    for run in range(20):
        sets = [
            uncertainty.mixed(table, share, test_size=10, train_size=20, seed=0, run=run, **PAIR)
            for share in (0.5, 0.1)
        ]
        assert (sets[0][1] == sets[1][1]).all()
        for share, (train, test) in zip((0.5, 0.1), sets, strict=True):
            patient = table["cluster"].to_numpy()
            assert len(set(patient[test])) == 20 and not set(patient[test]) & set(patient[train])
            assert (table["group"].iloc[train] == PAIR["b"]).sum() == share * 20
            assert (table["group"].iloc[test] == PAIR["b"]).sum() == 10


@pytest.mark.parametrize(("second", "test_size", "words"), [(30, 16, "of 15 patients"), (22, 10, "and 10 trained on")])
def test_too_few_patients_are_refused_before_training(second, test_size, words):
    images = np.zeros((60 + second, 3, 8, 8), np.uint8)
    table = cases(second=second).assign(image="row")
    options = {"shares": [0.5, 0.1], "runs": 2, "test_size": test_size, "train_size": 20, "seed": 0}
    with pytest.raises(InputError, match=words):
        uncertainty.run(images, table, **options, **PAIR)


def test_a_sign_that_is_constant_in_a_group_is_left_out_by_name():
    keys = pd.MultiIndex.from_product([["x", "y"], [0, 1], PAIR.values(), range(4)]).to_frame(index=False)
    rows = keys.set_axis(["training", "run", "group", "image"], axis=1)
    rows["good"] = np.arange(len(rows), dtype=float)
    there = (rows["training"] == "y") & (rows["run"] == 1) & (rows["group"] == PAIR["b"])
    rows["stuck"], rows["broken"] = rows["good"].mask(there, 2.0), rows["good"].where(rows.index != 5, np.nan)
    varying, constant = stats.varying_signs(rows, ["stuck", "good", "broken"])
    assert varying == ["good"] and list(constant) == ["broken", "stuck"]
    assert constant["stuck"] == "no number, or constant, in the images of 60 or more in run 1 of y"
    with pytest.raises(InputError, match="stuck"):
        stats.varying_signs(rows, ["stuck"])


def test_real_photographs_are_read_by_patient(real):
    table = datasets.load_image_table(
        real("pad_ufes_20") / "images.csv", {"COMPARE": "skin_type: 1,2 | 3,4", "TARGETS": "diagnosis"}
    )
    found = uncertainty.read(table, size=16, seed=0)
    assert (found.a, found.b) == ("1, 2", "3, 4") and found.images.shape == (428, 3, 16, 16)
    assert found.cases["cluster"].nunique() == found.cases["may_be_tested"].sum()
