"""What coordinates of a code tell of attributes: AUROC of all at once, and the lead of the best one."""

import numpy as np
import pytest

from helpers import metrics
from helpers.errors import InputError
from helpers.metrics.coordinates import share_told


def drawn(n: int = 60):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (n, 2))
    scores = np.column_stack([labels[:, 0] + rng.normal(0, 0.5, n), rng.integers(0, 3, n), -labels[:, 1]])
    return scores, labels


def test_auroc_of_all_is_that_of_each():
    scores, labels = drawn()
    found = metrics.auroc_matrix(scores, labels)
    each = [[metrics.auroc(y, s).value for s in scores.T] for y in labels.T]
    np.testing.assert_allclose(found, each, atol=1e-12)


def test_lead_is_that_of_the_best_coordinate_on_the_second():
    scores, labels = drawn()
    found = metrics.auroc_lead(scores, {"one": labels[:, 0], "two": labels[:, 1]})
    sided = np.maximum(metrics.auroc_matrix(scores, labels), 1 - metrics.auroc_matrix(scores, labels))
    ordered = np.sort(sided, axis=1)
    assert found.captured == ["one", "two"] and found.excluded == []
    assert found.total == pytest.approx((ordered[:, -1] - ordered[:, -2]).sum())
    assert found.each["two"] == pytest.approx(1 - ordered[1, -2])


def test_attributes_that_always_agree_leave_the_published_total():
    scores, labels = drawn()
    both = {"one": labels[:, 0], "same": labels[:, 0], "two": labels[:, 1]}
    published, whole = (metrics.auroc_lead(scores, both, published=way) for way in (True, False))
    assert published.excluded == ["one", "same"] and published.total == pytest.approx(published.each["two"])
    assert whole.total > published.total


def test_shares_of_entropy_are_those_of_a_known_table():
    columns = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], [4, 1, 1, 4], axis=0)
    entropy = -(0.8 * np.log(0.8) + 0.2 * np.log(0.2))
    np.testing.assert_allclose(share_told(columns), (1 - entropy / np.log(2)) * (1 - np.eye(2)), atol=1e-12)


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        (np.ones((4, 2)), np.ones((3, 1)), "expected"),
        (np.full((4, 2), np.nan), np.array([[0], [1], [0], [1]]), "NaN"),
        (np.ones((4, 2)), np.ones((4, 1)), "one value"),
    ],
)
def test_bad_input_is_refused(scores, labels, message):
    with pytest.raises(InputError, match=message):
        metrics.auroc_matrix(scores, labels)


def test_one_coordinate_has_no_second():
    with pytest.raises(InputError, match="fewer than two"):
        metrics.auroc_lead(np.arange(4.0)[:, None], {"one": [0, 1, 0, 1]})
