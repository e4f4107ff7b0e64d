"""The checker of printed numbers, on known counts and on the published table that it was made for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy

from helpers import stats
from helpers.errors import InputError

GROUPS = ["Young", "Middle", "Older"]
# arXiv 2511.00477, Table 2: mean and SD of Dice by age group, and the statistics printed beneath.
TABLE = {
    "observed": (".6941 .2489 .7104 .2399 .7500 .2056", ".7182 .0559 .0049 .1060 .8150"),
    "true": (".7304 .2333 .7333 .2253 .7703 .1899", ".7446 .0399 .0260 .0802 .8710"),
    "swap young": (".7320 .2381 .7379 .2193 .7739 .1922", ".7479 .0419 .0227 .0716 .8853"),
    "swap older": (".7298 .2407 .7316 .2321 .7869 .1755", ".7505 .0571 .0149 .0777 .8755"),
    "balanced difficulty": (".7317 .2314 .7308 .2220 .7678 .1999", ".7435 .0361 .0481 .0762 .8761"),
    "biased input": (".6797 .2463 .7132 .2282 .7458 .1991", ".7129 .0661 .0006 .1146 .7895"),
}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    columns = [f"{kind}_{group}" for group in GROUPS for kind in ("mean", "sd")] + ["average", "gap", "p", "dpd", "dir"]
    rows = {name: [float(x) for x in f"{a} {b}".split()] for name, (a, b) in TABLE.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def test_published_table(table):
    found = stats.check_table(table, groups=GROUPS, n=349, a="Young", b="Older")
    assert found["p"].round(4).tolist() == [0.0049, 0.0258, 0.0227, 0.0005, 0.0385, 0.0006]
    assert found["counts"].tolist() == ["163/200", "189/217", "193/218", "none", "none", "150/190"]
    assert found["p_ok"].tolist() == [True, True, True, False, False, True]
    assert found["counts_ok"].tolist() == [True, True, True, False, False, True]
    assert found["low"].round(3).tolist() == [0.022, 0.008, 0.010, 0.026, 0.004, 0.033]
    assert found["high"].round(3).tolist() == [0.090, 0.072, 0.074, 0.088, 0.068, 0.099]
    assert found["average_ok"].tolist() == [True, True, True, False, True, True]
    assert found.loc["balanced difficulty", "gap"] == pytest.approx(0.0370)
    assert "it is |Older - Young|" in found.loc["balanced difficulty", "problems"]
    assert found.loc["true", "problems"] == ""


def test_what_is_not_printed_is_not_judged(table):
    found = stats.check_table(table[[c for c in table if "_" in c]], groups=GROUPS, n=349, a="Young", b="Older")
    assert found[["gap_ok", "average_ok", "p_ok", "counts_ok"]].isna().all(axis=None)
    assert (found["problems"] == "").all()


def test_anova_from_summary_is_that_of_the_cases():
    rng = np.random.default_rng(0)
    parts = [rng.normal(m, s, n) for m, s, n in ((0, 1, 30), (0.4, 2, 50), (0.1, 1.5, 20))]
    found = stats.anova_from_summary([p.mean() for p in parts], [p.std(ddof=1) for p in parts], [30, 50, 20])
    reference = scipy.stats.f_oneway(*parts)
    assert (found.statistic, found.p) == pytest.approx((reference.statistic, reference.pvalue))
    welch = scipy.stats.ttest_ind(parts[1], parts[0], equal_var=False)
    ends = welch.confidence_interval()
    ours = stats.contrast_from_summary([p.mean() for p in parts[:2]], [p.std(ddof=1) for p in parts[:2]], [30, 50])
    assert ours == pytest.approx((parts[1].mean() - parts[0].mean(), ends.low, ends.high))


def test_summary_edges():
    assert stats.anova_from_summary([1, 1], [0, 0], [5, 5]).p == 1
    assert stats.anova_from_summary([1, 2], [0, 0], [5, 5]).p == 0
    for bad in (([1], [1], [5]), ([1, 2], [1, -1], [5, 5]), ([1, 2], [1, 1], [5, 1]), ([1, np.nan], [1, 1], [5, 5])):
        with pytest.raises(InputError):
            stats.anova_from_summary(*bad)


@pytest.mark.parametrize(("k_a", "k_b", "n_a", "n_b"), [(72, 118, 349, 400), (3, 9, 10, 12), (0, 5, 8, 9)])
def test_counts_are_found_again(k_a, k_b, n_a, n_b):
    a, b = k_a / n_a, k_b / n_b
    found = stats.counts_behind(round(abs(b - a), 4), round(min(a, b) / max(a, b), 4), n_a, n_b)
    assert ((found["count_a"] == k_a) & (found["count_b"] == k_b)).sum() == 1


def test_impossible_counts_are_not_found():
    assert stats.counts_behind(0.0777, 0.8755, 349, 349).empty
    with pytest.raises(InputError):
        stats.counts_behind(1.2, 0.5, 10, 10)


def test_mean_of_means():
    assert stats.mean_of_means([1, 2, 6]) == 3
    assert stats.mean_of_means([1, 2], [3, 1]) == 1.25


def test_missing_column_is_said(table):
    with pytest.raises(InputError, match="sd_Older"):
        stats.check_table(table.drop(columns="sd_Older"), groups=GROUPS, n=349, a="Young", b="Older")
