"""The paired bootstrap of changes in equalised odds against fairlearn's, at the size of a chest X-ray test set.

Ours makes a whole table, 12 findings by 3 attributes by 4 arms, in 1,000 replicates; fairlearn makes a metric frame per
replicate of one finding, one attribute and one arm. Its time grows in proportion to the replicates: 3 and 9 are timed,
and the difference gives a replicate. What is compared is a replicate of the whole table with a replicate of one cell.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers import stats
from tests.benchmarks import contest

contest.version("fairlearn")
from fairlearn.metrics import (  # noqa: E402  a skip comes first, if there is none
    MetricFrame,
    equalized_odds_difference,
    false_positive_rate,
    true_positive_rate,
)

N, N_BOOT, FEW, MANY, COMPARED = 20_000, 1000, 3, 9, 60
FINDINGS = [f"finding {k}" for k in range(12)]
ARMS = {"original": 0.0, "degraded": 0.8, "unet": 0.3, "pix2pix": 0.4, "sde": 0.3}


@pytest.fixture(scope="module")
def study() -> dict:
    rng = np.random.default_rng(0)
    race = rng.choice(
        ["White", "Asian", "Black", "Other", "Islander", "Native"], N, p=[0.6, 0.15, 0.1, 0.1, 0.03, 0.02]
    )
    age = rng.choice(["<=62", ">62"], N)
    attributes = pd.DataFrame({"sex": rng.choice(["F", "M"], N), "age_group": age, "race": race})
    y = (rng.random((N, 12)) < 0.2).astype(float)
    score = rng.normal(size=(N, 12)) + 1.5 * y - 0.4 * (age == ">62")[:, None] - 0.75
    predictions = {
        arm: pd.DataFrame((score + noise * rng.normal(size=score.shape) > 0).astype(int), columns=FINDINGS)
        for arm, noise in ARMS.items()
    }
    y_true = pd.DataFrame(y, columns=FINDINGS)
    return {"y_true": y_true, "predictions": predictions, "attributes": attributes, "patient": np.arange(N)}


def ours(study: dict, n_boot: int = N_BOOT) -> pd.DataFrame:
    return stats.prediction_fairness(**study, n_boot=n_boot)


def theirs(study: dict, arm: str, n_boot: int, quantiles: list[float]) -> list:
    """Quantiles of both gaps of one finding, attribute and arm."""
    frame = MetricFrame(
        metrics={"tpr": true_positive_rate, "fpr": false_positive_rate},
        y_true=study["y_true"][FINDINGS[0]],
        y_pred=study["predictions"][arm][FINDINGS[0]],
        sensitive_features=study["attributes"]["age_group"],
        n_boot=n_boot,
        ci_quantiles=quantiles,
        random_state=0,
    )
    return frame.difference_ci()


@pytest.mark.timeout(1800)
def test_a_cell_is_at_least_1000_times_faster(study):
    contenders = {
        "ours": lambda: ours(study),
        "few": lambda: theirs(study, "unet", FEW, [0.5]),
        "many": lambda: theirs(study, "unet", MANY, [0.5]),
    }
    turns, cells = contest.take_turns(contenders, rounds=3), len(FINDINGS) * 3 * (len(ARMS) - 1)
    a_cell = {
        "ours": [{"seconds": turn["seconds"] / N_BOOT / cells} for turn in turns["ours"]],
        "fairlearn": [
            {"seconds": (many["seconds"] - few["seconds"]) / (MANY - FEW)}
            for few, many in zip(turns["few"], turns["many"], strict=True)
        ],
    }
    work = f"a replicate of one change in equalised odds, {N:,} cases; ours of {cells} at once"
    contest.at_least(1000, work, a_cell, "fairlearn", package="fairlearn")


@pytest.mark.timeout(1800)
def test_equal_estimates(study):
    table = ours(study, 10)
    for row in table[(table["metric"] == "eodd") & (table["finding"] == FINDINGS[3])].itertuples():
        for arm, value in ((row.arm, row.value), ("original", row.baseline)):
            reference = equalized_odds_difference(
                study["y_true"][row.finding],
                study["predictions"][arm][row.finding],
                sensitive_features=study["attributes"][row.attribute],
                agg="mean",
            )
            assert value == pytest.approx(reference, abs=1e-12)


@pytest.mark.timeout(1800)
def test_equal_intervals_within_monte_carlo_error(study):
    """The change of one cell, from fairlearn's metric on rows drawn one by one: it has no paired bootstrap itself."""
    finding, attribute, arm = FINDINGS[0], "age_group", "unet"
    columns = study["y_true"][finding].to_numpy(), study["attributes"][attribute].to_numpy()
    first, second = (study["predictions"][name][finding].to_numpy() for name in ("original", arm))
    rng, changes = np.random.default_rng(1), []
    for _ in range(COMPARED):
        rows = rng.integers(0, N, N)
        values = [
            equalized_odds_difference(columns[0][rows], p[rows], sensitive_features=columns[1][rows], agg="mean")
            for p in (first, second)
        ]
        changes.append(values[1] - values[0])
    keys = ["finding", "attribute", "arm", "metric"]
    row = ours(study).set_index(keys).loc[(finding, attribute, arm, "eodd")]
    for q, end in ((0.025, row["low"]), (0.975, row["high"])):
        density = 0.058  # normal density at that quantile
        error = row["se"] * np.sqrt(q * (1 - q) / COMPARED) / density
        assert end == pytest.approx(np.quantile(changes, q), abs=3.5 * error)
    assert row["se"] == pytest.approx(np.std(changes), rel=3.5 / np.sqrt(2 * COMPARED))
