"""The gap of a mixed model of repeated runs."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from helpers.studies import skin_tone
from tests.helpers.repeats import USUAL, balanced


def test_mixed_gap_of_a_balanced_design_is_that_of_its_analysis_of_variance():
    """There, restricted maximum likelihood gives what the mean squares give, where these are above 0."""
    rows = balanced()
    other = rows.assign(training="C", nmse=rows["nmse"] + 5 * (rows["group"] == "dark"))
    found = skin_tone.mixed_gap(pd.concat([rows, other, rows.assign(group="unknown", nmse=9.0)]), **USUAL)
    squares = anova_lm(ols("nmse ~ C(run) + C(label) + C(group)", rows).fit())["mean_sq"]
    rest, means = squares["Residual"], rows.groupby("group")["nmse"].mean()
    half = stats.norm.ppf(0.975) * np.sqrt(rest * 4 / len(rows))
    gap = means["dark"] - means["light"]
    assert (found["estimate"], found["low"], found["high"]) == pytest.approx((gap, gap - half, gap + half), rel=1e-3)
    assert found["p"] == pytest.approx(2 * stats.norm.sf(gap / half * stats.norm.ppf(0.975)), rel=0.01)
    assert found["sd_rest"] == pytest.approx(np.sqrt(rest), rel=1e-3)
    assert found["sd_run"] == pytest.approx(np.sqrt((squares["C(run)"] - rest) / 30), rel=1e-3)
    assert found["sd_condition"] == pytest.approx(np.sqrt((squares["C(label)"] - rest) / 36), rel=1e-3)
    assert (found["n"], found["note"]) == (180, "")
    scaled = skin_tone.mixed_gap(rows.assign(nmse=1000 * rows["nmse"]), **USUAL)
    assert scaled["low"] == pytest.approx(1000 * found["low"], rel=1e-3)
    turned = skin_tone.mixed_gap(rows, score="nmse", a="dark", b="light")
    assert turned["estimate"] == pytest.approx(-found["estimate"], rel=1e-3)


def test_mixed_gap_notes_that_runs_do_not_vary():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = skin_tone.mixed_gap(balanced(1, run_sd=0.0), **USUAL)
    assert "boundary" in found["note"] and "failed to converge" not in found["note"]
    assert found["sd_run"] < 0.01 and found["sd_condition"] > 0.1
