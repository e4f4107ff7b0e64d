"""The bootstrap, the permutation test, the model given the source and pairs of groups, against scipy and before.

scipy's samples of 100,000 cases would take minutes: its time for each replicate is the same, so that a part of them is
timed and scaled. The model given the source is that of commit 4caf0c6, and the measures of a classifier by group are
those of commit 3695d84, each unpacked by ``git archive``; where git does not know the commit, its test is skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as peer

from helpers import stats
from tests.benchmarks import contest

REPLICATES = 10_000
SIZES = {1503: (5, REPLICATES), 100_000: (50, 200)}  # cases: least ratio, and replicates of scipy that are timed


def cohort(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    groups = rng.choice(["Young", "Older"], n, p=[0.4, 0.6])
    return rng.beta(5, 1.2, n) * np.where(groups == "Young", 0.98, 1), groups


def difference(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
    return b.mean(axis=axis) - a.mean(axis=axis)


def gap(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.abs(difference(a, b, axis))


def bootstraps(parts: list[np.ndarray], n: int, **options) -> np.ndarray:
    return peer.bootstrap(parts, difference, n_resamples=n, method="percentile", **options).bootstrap_distribution


def permutations(parts: list[np.ndarray], n: int, **options) -> np.ndarray:
    return peer.permutation_test(parts, gap, n_resamples=n, alternative="greater", **options).null_distribution


# Of each work: ours, scipy's, and the shares at which the replicates are compared.
WORKS = {
    "bootstrap of a contrast": (
        lambda score, groups: stats.bootstrap(score, groups=groups, a="Young", b="Older", n_boot=REPLICATES).replicates,
        bootstraps,
        (0.025, 0.975),
    ),
    "permutation of a gap": (
        lambda score, groups: stats.permutation(score, groups=groups, n=REPLICATES).null,
        permutations,
        (0.5, 0.95),
    ),
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", WORKS)
def test_replicates_against_scipy(name: str, n: int):
    ours, theirs, shares = WORKS[name]
    (score, groups), (least, timed) = cohort(n), SIZES[n]
    parts = [score[groups == of] for of in ("Young", "Older")]
    options = {"vectorized": True, "batch": max(1, 2_000_000 // n), "rng": np.random.default_rng(1)}
    found, drawn = ours(score, groups), theirs(parts, min(REPLICATES, 10 * timed), **options)
    for share in shares:
        error = np.sqrt(share * (1 - share) * (1 / REPLICATES + 1 / len(drawn)))  # of a share below
        assert (found < np.quantile(drawn, share)).mean() == pytest.approx(share, abs=4 * error)
    contenders = {"ours": lambda: ours(score, groups), "scipy": lambda: theirs(parts, timed, **options)}
    turns = contest.take_turns(contenders)
    turns["scipy"] = [{"seconds": turn["seconds"] * REPLICATES / timed} for turn in turns["scipy"]]
    contest.at_least(least, f"{REPLICATES:,} replicates, {name}, {n:,} cases", turns, "scipy", package="scipy")


def test_pairs_of_groups():
    rng = np.random.default_rng(0)
    groups = rng.choice(list("abcd"), 3000)
    score = rng.normal(size=3000) * (1 + (groups == "a"))
    parts = [score[groups == of] for of in "abcd"]

    def theirs() -> np.ndarray:
        found = peer.tukey_hsd(*parts, equal_var=False)
        ends = found.confidence_interval(0.95)
        return np.stack([of[np.triu_indices(4, 1)[::-1]] for of in (ends.low, ends.high, found.pvalue)])

    def ours() -> np.ndarray:
        return stats.posthoc(score, groups=groups)[["low", "high", "p"]].to_numpy().T

    assert np.array_equal(ours(), theirs())
    turns = contest.take_turns({"ours": ours, "scipy": theirs}, rounds=3, warm=False)
    contest.at_least(1.8, "pairs of four groups by Games and Howell, 3,000 cases", turns, "scipy", package="scipy")


MODEL = """
import numpy as np, pandas as pd
from helpers import stats
rng = np.random.default_rng(0)
n = 100_000
source = pd.Series(rng.choice(list("stuv"), n))
group = pd.Series(rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2]))
score = pd.Series(rng.beta(8, 2, n) - 0.05 * (source == "s"))
stats.given_source(score[:500], groups=group[:500], sources=source[:500])  # imports
start = time.process_time()
found = stats.given_source(score, groups=group, sources=source)
numbers = found.drop(columns="note").to_numpy(float)
print(json.dumps({"seconds": time.process_time() - start, "found": numbers.tolist()}))
"""
RATES = """
import numpy as np, pandas as pd
from helpers.studies import own_scores
rng = np.random.default_rng(0)
n = 10_000
truth = rng.random(n) < 0.2
probability = 1 / (1 + np.exp(1 - rng.normal(1.7 * truth)))
rows = pd.DataFrame({"truth": truth * 1.0, "predicted": (probability > 0.5) * 1.0, "probability": probability})
groups = {"age": pd.Series(rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2]), dtype="category")}
found = own_scores.classified(rows, np.arange(n))
own_scores.compare_rates(found, groups=groups, n_boot=10, n_permutations=10)  # imports
start = time.process_time()
table = own_scores.compare_rates(found, groups=groups).table
columns = ["estimate", "low", "high", "expected"]
print(json.dumps({"seconds": time.process_time() - start, "found": table[columns].to_numpy().tolist()}))
"""


def alone(code: str, source: Path) -> Callable[[], dict]:
    """Return a contender: code that is run by the helpers in a folder, and prints its seconds and what it found."""

    def contender() -> dict:
        known = os.environ | {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
        words = [sys.executable, "-W", "ignore", "-c", "import json, time" + code]
        return json.loads(subprocess.run(words, env=known, capture_output=True, text=True, check=True).stdout)

    return contender


def against(commit: str, code: str, folder: Path) -> contest.Turns:
    contenders = {
        "ours": alone(code, contest.ROOT / "src"),
        f"commit {commit}": alone(code, contest.commit(commit, folder) / "src"),
    }
    return contest.take_turns(contenders, rounds=3, warm=False)


@pytest.mark.timeout(900)
def test_the_model_given_the_source(tmp_path: Path):
    turns = against("4caf0c6", MODEL, tmp_path)
    now, then = (rounds[0]["found"] for rounds in turns.values())
    np.testing.assert_allclose(now, then, rtol=1e-8)
    contest.at_least(20, "contrasts given the source, 100,000 cases", turns, "commit 4caf0c6")


@pytest.mark.timeout(900)
def test_measures_of_a_classifier(tmp_path: Path):
    """Estimates are equal, and ends and expected gaps are within Monte-Carlo errors."""
    turns = against("3695d84", RATES, tmp_path)
    now, then = (np.array(rounds[0]["found"]) for rounds in turns.values())
    np.testing.assert_array_equal(now[:, 0], then[:, 0])
    width = (then[:, 2] - then[:, 1])[:, None]
    assert (np.abs(now - then) / width).max() < 0.04
    work = "measures of a classifier by group with intervals and p, 10,000 cases"
    contest.at_least(6, work, turns, "commit 3695d84")
