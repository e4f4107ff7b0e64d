"""Rates of what holds in rows of a table, against a library and by hand."""

import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from helpers import stats

ROWS = pd.DataFrame(
    {"world": list("bbbbaaa"), "reading": ["x", "x", "y", "x", "y", "y", "y"], "seed": [0, 0, 0, 1, 0, 1, 1]}
)
HOLDS = [True, False, True, True, False, False, True]


def test_each_combination_has_its_rate_and_interval_in_the_order_of_the_rows():
    found = stats.rates_by(ROWS, HOLDS, by=["world", "reading"])
    assert found[["world", "reading"]].to_numpy().tolist() == [["b", "x"], ["b", "y"], ["a", "y"]]
    assert found["rate"].tolist() == pytest.approx([2 / 3, 1, 1 / 3]) and found["n"].tolist() == [3, 1, 3]
    for row, count in zip(found.itertuples(), (2, 1, 1), strict=True):
        assert (row.low, row.high) == pytest.approx(proportion_confint(count, row.n, method="wilson"))


def test_rows_that_share_a_unit_count_as_one_for_the_interval():
    found = stats.rates_by(ROWS, HOLDS, by=["world"], unit="seed")
    assert found["n"].tolist() == [2, 2] and found["rate"].tolist() == pytest.approx([0.75, 1 / 3])
    low, high = proportion_confint(1.5, 2, method="wilson")
    assert (found.loc[0, "low"], found.loc[0, "high"]) == pytest.approx((low, high))
    rows = stats.rates_by(ROWS, HOLDS, by=["world"])
    assert (found["high"] - found["low"] > rows["high"] - rows["low"]).all()
