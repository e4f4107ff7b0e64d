"""Wilson's interval by its formula, and Student's against SciPy's."""

import numpy as np
import pytest
import scipy

from helpers import stats
from helpers.stats.intervals import wilson


@pytest.mark.parametrize("alpha", [0.05, 0.1])
def test_wilsons_interval_is_where_the_score_test_just_rejects(alpha):
    count, n = np.array([0, 3, 10, 10]), np.array([10, 10, 10, 400])
    z = scipy.stats.norm.ppf(1 - alpha / 2)
    for end in wilson(count, n, alpha=alpha):
        inside = (end > 1e-12) & (end < 1 - 1e-12)  # at 0 and 1 the test has no error
        away = np.abs(count / n - end)[inside] / np.sqrt(end * (1 - end) / n)[inside]
        np.testing.assert_allclose(away, z)
    low, high = wilson(count, n, alpha=alpha)
    assert low[0] == pytest.approx(0, abs=1e-12) and high[2] == pytest.approx(1) and (low < high).all()


def test_the_half_width_is_that_of_scipys_interval():
    values = np.random.default_rng(0).normal(size=7)
    for level in (0.95, 0.8):
        low, high = scipy.stats.ttest_1samp(values, 0).confidence_interval(level)
        half = stats.half_width_of(values.std(ddof=1), 7, level=level)
        assert (values.mean() - half, values.mean() + half) == pytest.approx((low, high))
