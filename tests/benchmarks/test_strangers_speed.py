"""Distances of features and clustered intervals of an AUROC, against the patterns of published code."""

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from helpers import stats
from helpers.learn import distances
from helpers.stats import drawing
from tests.benchmarks import contest


def test_mahalanobis_of_one_batch_makes_no_square_of_its_images():
    """The peer multiplies a batch by the inverse and by itself, and takes the diagonal: OpenOOD at 3c35632."""
    rng = np.random.default_rng(0)
    known, labels = rng.standard_normal((2000, 64)), np.arange(2000) % 5
    known[:, :5] += 2 * np.eye(5)[labels]
    features = rng.standard_normal((4000, 64))
    classes = distances.fit_classes(known, labels)
    inverse = torch.from_numpy(np.linalg.inv(classes.factor @ classes.factor.T))
    batch, means = torch.from_numpy(features), torch.from_numpy(classes.means)

    def theirs() -> np.ndarray:
        centred = [batch - mean for mean in means]
        return torch.stack([torch.mm(torch.mm(c, inverse), c.T).diag() for c in centred]).min(0).values.numpy()

    turns = contest.take_turns({"ours": lambda: distances.mahalanobis(classes, features), "a batch's square": theirs})
    assert np.allclose(turns["ours"][0]["found"], turns["a batch's square"][0]["found"], rtol=1e-6)
    contest.at_least(10, "Mahalanobis distance of 4,000 images to 5 classes", turns, "a batch's square")


def test_a_clustered_interval_ranks_the_scores_once():
    """2,000 images of 300 patients, 200 replicates, against a loop of scikit-learn over drawn patients."""
    rng = np.random.default_rng(1)
    patient = np.sort(rng.integers(0, 300, 2000))
    stranger = rng.random(2000) < 0.5
    score = rng.standard_normal(2000) + stranger
    n = len(np.unique(patient))

    def theirs() -> list[float]:
        rows = {p: np.flatnonzero(patient == p) for p in np.unique(patient)}
        found = []
        for counts in drawing.multinomial(n, n_boot=200, seed=2):
            drawn = np.concatenate([np.tile(own, k) for own, k in zip(rows.values(), counts, strict=True) if k])
            found.append(roc_auc_score(stranger[drawn], score[drawn]))
        return found

    def ours() -> np.ndarray:
        return stats.auroc_interval(score, stranger, cluster=patient, n_boot=200, seed=2).replicates

    turns = contest.take_turns({"ours": ours, "scikit-learn": theirs})
    assert np.allclose(turns["ours"][0]["found"], turns["scikit-learn"][0]["found"], atol=1e-12)
    work = "interval of an AUROC, 2,000 images of 300 patients, 200 replicates"
    contest.at_least(30, work, turns, "scikit-learn", package="scikit-learn")
