"""The two parts of a gap add up to it, and each is what its name says."""

import numpy as np
import pytest

from helpers.stats.decompose import kitagawa


def test_the_parts_add_up_to_the_gap_of_means():
    rng = np.random.default_rng(0)
    means, counts = rng.random((7, 2, 5)), rng.integers(1, 20, (7, 2, 5))
    whole = (means * counts).sum(axis=-1) / counts.sum(axis=-1)
    within, mix = kitagawa(means, counts)
    np.testing.assert_allclose(within + mix, whole[:, 1] - whole[:, 0])


def test_equal_means_leave_the_mix_alone_and_an_equal_mix_leaves_the_means_alone():
    within, mix = kitagawa(np.array([[1.0, 3.0], [1.0, 3.0]]), np.array([[1, 1], [1, 3]]))
    assert (within, mix) == (0, pytest.approx(0.5))
    within, mix = kitagawa(np.array([[1.0, 3.0], [2.0, 5.0]]), np.array([[1, 3], [10, 30]]))
    assert (within, mix) == (pytest.approx(0.25 * 1 + 0.75 * 2), 0)
