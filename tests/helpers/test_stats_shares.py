"""Rates of what holds in rows of a table, against a library and by hand."""

import pandas as pd
import pytest
import scipy.stats
from statsmodels.stats.proportion import proportion_confint

from helpers import report, stats
from helpers.errors import InputError

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


def test_the_interval_is_as_wide_as_its_level_asks():
    narrow, wide = (stats.rates_by(ROWS, HOLDS, by=["world"], level=level) for level in (0.8, 0.99))
    assert (wide["high"] - wide["low"] > narrow["high"] - narrow["low"]).all()
    for end, expected in zip(("low", "high"), proportion_confint([3, 1], [4, 3], 0.01, "wilson"), strict=True):
        assert wide[end].tolist() == pytest.approx(list(expected))


def test_the_index_of_the_rows_does_not_matter():
    shuffled = ROWS.set_axis([3, 3, 1, 0, 9, 9, 2])
    pd.testing.assert_frame_equal(
        stats.rates_by(shuffled, HOLDS, by=["world", "reading"]), stats.rates_by(ROWS, HOLDS, by=["world", "reading"])
    )


@pytest.mark.parametrize(
    ("rows", "holds", "words"),
    [
        (ROWS, [float("nan"), *HOLDS[1:]], "holds: 1 of 7 values are NaN"),
        (ROWS, HOLDS[1:], "6 values for 7 rows"),
        (ROWS.assign(world=[None, *"bbbaaa"]), HOLDS, "column world: a value is missing"),
    ],
)
def test_what_is_missing_is_refused(rows, holds, words):
    with pytest.raises(InputError, match=words):
        stats.rates_by(rows, holds, by=["world"])


def test_worlds_have_rates_and_means_over_data_sets():
    rows = pd.DataFrame(
        [
            {"world": world, "statistic": name, "seed": seed, "estimate": mean + 0.1 * seed}
            for world, mean in (("planted", 0.5), ("null", 0.0))
            for name in ("gap", "share")
            for seed in range(3)
        ]
    )
    above = (rows["estimate"] > 0.55).astype(object).where(rows["statistic"] == "gap")
    found = stats.world_rates(rows.set_axis(range(9, 21)), above)
    assert found[["world", "statistic"]].to_numpy().tolist() == [
        [w, s] for w in ("planted", "null") for s in ("gap", "share")
    ]
    assert (
        found["rate"].tolist()[::2] == pytest.approx([2 / 3, 0]) and found["rate"].isna().tolist()[1::2] == [True] * 2
    )
    assert found["mean"].tolist() == pytest.approx([0.6, 0.6, 0.1, 0.1]) and (found["seeds"] == 3).all()
    half = scipy.stats.t.ppf(0.975, 2) * 0.1 / 3**0.5
    assert (found["mean_high"] - found["mean"]).tolist() == pytest.approx([half] * 4)
    values = stats.world_values(found)
    assert set(values["null"]["share"]) == {"mean"} and set(values["null"]["gap"]) == {"holds", "mean"}
    low, high = proportion_confint(2, 3, method="wilson")
    assert values["planted"]["gap"]["holds"] == pytest.approx({"estimate": 2 / 3, "low": low, "high": high, "n": 3})
    table = report.world_table(values)
    assert table["data sets"].tolist() == [3, 3] and table["mean"].tolist() == ["0.60", "0.10"]
    assert list(table.index) == [("planted", "gap"), ("null", "gap")] and "0.67 [0.21" in table.iloc[0, 0]
    assert report.world_table({}).empty


def test_each_row_of_worlds_needs_a_value():
    rows = pd.DataFrame({"world": "a", "statistic": "b", "seed": [0, 1], "estimate": 0.0})
    with pytest.raises(InputError, match="1 values for 2 rows"):
        stats.world_rates(rows, [True])
    with pytest.raises(InputError, match="holds"):
        stats.world_rates(rows, [None, None])
