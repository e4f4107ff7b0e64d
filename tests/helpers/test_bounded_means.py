"""Intervals of means of bounded measures: within their bounds, symmetric on the logit scale, and near Student's."""

import numpy as np
import pytest
from scipy.special import logit

from helpers import stats
from helpers.errors import InputError


def test_ends_are_symmetric_on_the_logit_scale_and_within_the_bounds():
    low, high = stats.logit_ends(0.82, 0.23)
    assert 0 < low < 0.82 < high < 1 < 0.82 + 0.23
    assert logit(high) - logit(0.82) == pytest.approx(logit(0.82) - logit(low))
    assert stats.logit_ends(0.18, 0.23) == pytest.approx((1 - high, 1 - low))


def test_a_short_interval_is_nearly_the_plain_one():
    low, high = stats.logit_ends(0.7, 0.001)
    assert (low, high) == pytest.approx((0.699, 0.701), abs=2e-6)


def test_a_difference_has_other_bounds():
    low, high = stats.logit_ends(-0.684, 0.97, least=-1, most=1)
    assert -1 < low < -0.684 < high < 1
    assert stats.logit_ends(0.0, 0.2, least=-1, most=1)[0] == pytest.approx(
        -stats.logit_ends(0.0, 0.2, least=-1, most=1)[1]
    )


def test_no_width_and_no_interval_stay_so():
    assert stats.logit_ends(1.0, 0.0) == (1, 1)
    assert np.isnan(stats.logit_ends(0.4, np.nan)).all()


@pytest.mark.parametrize(("mean", "half"), [(1.2, 0.1), (-0.1, 0.1), (1.0, 0.1)])
def test_means_that_cannot_be_are_refused(mean, half):
    with pytest.raises(InputError, match="cannot be a mean of values from 0 to 1"):
        stats.logit_ends(mean, half)


def test_the_interval_covers_as_often_as_it_names():
    """Means of three areas that are Beta: the interval covers the mean about as often as Student's does."""
    rng = np.random.default_rng(0)
    drawn = rng.beta(16, 4, (4000, 3))
    half = stats.half_width_of(drawn.std(1, ddof=1), 3)
    ends = np.array([stats.logit_ends(m, h) for m, h in zip(drawn.mean(1), half, strict=True)])
    covered = ((ends[:, 0] <= 0.8) & (ends[:, 1] >= 0.8)).mean()
    assert 0.93 < covered < 0.99 and ends.max() <= 1 and ends.min() >= 0
