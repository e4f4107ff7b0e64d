"""The bootstrap of a gap and a ratio against fairlearn's, at the size of the real cohort.

Fairlearn makes a metric frame per replicate, so that its time grows in proportion to their number: 20 and 80 are timed,
and the difference is scaled to 10,000. That the two agree is checked on 400, within Monte-Carlo error.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers import stats
from tests.benchmarks import contest

contest.version("fairlearn")
from fairlearn.metrics import MetricFrame, selection_rate  # noqa: E402  a skip comes first, if there is none

N, N_BOOT, FEW, MANY, COMPARED = 1506, 10_000, 20, 80, 400
GROUPS = ["Young", "Middle", "Older"]


def mean_score(_: np.ndarray, score: np.ndarray) -> float:
    return float(np.mean(score))


@pytest.fixture(scope="module")
def cohort() -> tuple[np.ndarray, np.ndarray, pd.Series]:
    rng = np.random.default_rng(0)
    groups = pd.Series(rng.choice(GROUPS, N, p=[0.232, 0.502, 0.266]))
    score = rng.beta(5, 1.2, N) * groups.map({"Young": 0.88, "Middle": 0.96, "Older": 1.0}).to_numpy()
    return score, score > 0.8, groups


def theirs(score: np.ndarray, good: np.ndarray, groups: pd.Series, n_boot: int) -> pd.DataFrame:
    """Group means and rates per replicate quantile: one frame for both metrics, as fairlearn's users would."""
    frame = MetricFrame(
        metrics={"mean": lambda _, s: float(np.mean(s)), "rate": lambda _, s: float(np.mean(s > 0.8))},
        y_true=good,
        y_pred=score,
        sensitive_features=groups,
        n_boot=n_boot,
        ci_quantiles=[0.025, 0.5, 0.975],
        random_state=0,
    )
    return frame.by_group_ci


def ours(score: np.ndarray, good: np.ndarray, groups: pd.Series) -> tuple[stats.Interval, stats.Interval]:
    options = {"groups": groups, "a": "Young", "b": "Older", "n_boot": N_BOOT}
    return stats.bootstrap(score, **options), stats.bootstrap(good, **options, statistic="ratio")


def test_bootstrap_is_at_least_100_times_faster(cohort):
    contenders = {
        "ours": lambda: ours(*cohort),
        "few": lambda: theirs(*cohort, FEW),
        "many": lambda: theirs(*cohort, MANY),
    }
    turns = contest.take_turns(contenders, rounds=3)
    scaled = [
        {"seconds": (many["seconds"] - few["seconds"]) / (MANY - FEW) * N_BOOT}
        for few, many in zip(turns["few"], turns["many"], strict=True)
    ]
    work = f"{N_BOOT:,} bootstraps of a gap and a ratio, {N:,} cases; the peer's scaled from {MANY}"
    contest.at_least(100, work, {"ours": turns["ours"], "fairlearn": scaled}, "fairlearn", package="fairlearn")


def test_results_equal_within_monte_carlo_error(cohort):
    """Same contrast from both: with two groups, fairlearn's max-min is |Older - Young| and its ratio is ours."""
    score, good, groups = cohort
    outer = groups.isin(["Young", "Older"]).to_numpy()
    score, good, groups = score[outer], good[outer], groups[outer].reset_index(drop=True)
    quantiles = [0.025, 0.5, 0.975]
    options = {"sensitive_features": groups, "n_boot": COMPARED, "ci_quantiles": quantiles, "random_state": 0}
    mean = MetricFrame(metrics=mean_score, y_true=good, y_pred=score, **options).difference_ci()
    rate = MetricFrame(metrics=selection_rate, y_true=good, y_pred=good, **options).ratio_ci()
    gap, ratio = ours(score, good, groups)
    assert gap.replicates.min() > 0  # so that a signed and an absolute difference are one
    assert (ratio.replicates < 1).mean() > 0.99
    for replicates, reference in ((gap.replicates, mean), (ratio.replicates, rate)):
        spread = replicates.std()
        for q, value in zip(quantiles, reference, strict=True):
            density = 0.058 if q != 0.5 else 0.399  # normal density at that quantile
            error = spread * np.sqrt(q * (1 - q) / COMPARED) / density
            assert value == pytest.approx(np.quantile(replicates, q), abs=3.5 * error)
