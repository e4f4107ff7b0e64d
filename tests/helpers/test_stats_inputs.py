"""Scores and groups in the types that users have: the right groups, or one line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from helpers import stats
from helpers.errors import InputError

SCORE = np.linspace(0, 1, 60)
MISSING = {
    "an array of texts, in which NumPy writes a missing value as nan": np.array(["a", "b", np.nan] * 20),
    "an array of bytes": np.array([b"a", b"b", b"nan"] * 20),
    "an array of objects": np.array(["a", "b", np.nan] * 20, dtype=object),
    "a list": ["a", "b", None] * 20,
    "a column": pd.Series(["a", "b", pd.NA] * 20, dtype="string"),
    "categories": pd.Categorical(["a", "b", None] * 20),
    "a masked array": np.ma.masked_equal(np.array([1, 2, 3] * 20), 3),
}


@pytest.mark.parametrize("kind", MISSING)
def test_a_missing_label_is_no_group(kind):
    table = stats.by_group(SCORE, groups=MISSING[kind])
    assert table["n"].tolist() == [20, 20]
    assert table["mean"].to_numpy() == pytest.approx([SCORE[0::3].mean(), SCORE[1::3].mean()])


def test_a_column_may_hold_the_text_nan():
    # pandas tells a text from a missing value, so the text is a name, such as a short form of a place.
    assert stats.by_group(SCORE, groups=pd.Series(["a", "b", "nan"] * 20))["n"].tolist() == [20, 20, 20]


REFUSED = {
    "complex": (SCORE + 0j, ["a", "b"] * 30, "score: complex numbers. Take magnitudes"),
    "masked": (np.ma.masked_less(SCORE, 0.1), ["a", "b"] * 30, "6 of 60 values are"),
    "a tensor that is trained": (torch.linspace(0, 1, 60, requires_grad=True), ["a", "b"] * 30, "score: not numbers"),
    "texts": (["high"] * 60, ["a", "b"] * 30, "score: not numbers"),
    "a frame of groups": (SCORE, pd.DataFrame({"a": ["a", "b"] * 30}), r"groups: shape \(60, 1\)"),
    "two columns of groups": (SCORE, np.array([["a", "b"]] * 60), r"groups: shape \(60, 2\)"),
    "a name of a column": (SCORE, "sex", "groups: 1 labels for 60 scores"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_bad_input_is_refused_in_one_line(kind):
    score, groups, says = REFUSED[kind]
    with pytest.raises(InputError, match=says) as caught:
        stats.by_group(score, groups=groups)
    assert "\n" not in str(caught.value)
