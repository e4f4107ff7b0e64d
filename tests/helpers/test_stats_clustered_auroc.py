"""The interval of an AUROC with whole patients drawn, against a loop with scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from helpers import stats
from helpers.errors import InputError
from helpers.stats import drawing


def drawn(seed: int, patients: int = 40, spread: float = 1.0):
    """Scores of images that are alike within a patient, of whom some have images of both kinds."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), rng.integers(1, 9, patients))
    stranger = rng.random(len(patient)) < 0.4
    score = stranger + spread * rng.standard_normal(patients)[patient] + rng.standard_normal(len(patient))
    return np.round(score, 1), stranger, patient


def test_replicates_are_those_of_a_loop():
    score, stranger, patient = drawn(0)
    found = stats.auroc_interval(score, stranger, cluster=patient, n_boot=20, seed=3)
    assert found.estimate == pytest.approx(roc_auc_score(stranger, score), abs=1e-12) and found.n == 40
    times = drawing.multinomial(40, n_boot=20, seed=3)
    loop = [roc_auc_score(np.repeat(stranger, t), np.repeat(score, t)) for t in times[:, patient]]
    assert np.allclose(found.replicates, loop, atol=1e-12)


def test_images_of_a_patient_are_alike_so_that_the_interval_is_wider():
    score, _, patient = drawn(1, patients=100, spread=3)
    stranger = patient % 2
    wide = stats.auroc_interval(score, stranger, cluster=patient, seed=1)
    naive = stats.auroc_interval(score, stranger, cluster=np.arange(len(patient)), seed=1)
    assert wide.high - wide.low > 1.2 * (naive.high - naive.low)


def test_coverage_of_the_truth_is_near_95_percent():
    """Strangers are normal with mean 1 and known cases with mean 0, in 150 cohorts of 60 patients each."""
    truth, inside = 0.7602, 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        patient = np.repeat(np.arange(60), 4)
        stranger = patient % 2 == 1
        score = stranger + (rng.standard_normal(60)[patient] + rng.standard_normal(240)) / np.sqrt(2)
        found = stats.auroc_interval(score, stranger, cluster=patient, n_boot=300, seed=seed)
        inside += found.low <= truth <= found.high
    assert 0.88 <= inside / 150 <= 0.99


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s, k, p: (np.where(s > 1, np.nan, s), k, p), "score: .* are NaN or infinite"),
        (lambda s, k, p: (0 * s, k, p), "score: is the same for all images"),
        (lambda s, k, p: (s, k & (np.cumsum(k) < 10), p), "9 strangers and"),
        (lambda s, k, p: (s, ~(~k & (np.cumsum(~k) < 10)), p), "and 9 known images"),
        (lambda s, k, p: (s, k, 0 * p), "cluster: all images are of one patient"),
        (lambda s, k, p: (s, 2 * k, p), "stranger: holds other values"),
        (lambda s, k, p: (s[1:], k, p), "score: shapes"),
    ],
)
def test_bad_input_is_refused(change, message):
    score, stranger, patient = change(*drawn(2))
    with pytest.raises(InputError, match=message):
        stats.auroc_interval(score, stranger, cluster=patient)
