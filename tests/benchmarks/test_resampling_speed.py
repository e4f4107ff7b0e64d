"""The bootstrap, the permutation test and the model given the source, against scipy and against the plain way before.

Each ratio is the median over runs in turn, in CPU seconds of one process. scipy's samples of 100,000 cases would take
minutes: its time for each replicate is the same, so that a part of them is timed and scaled.
The model given the source is that of commit 4caf0c6, unpacked by ``git archive``; where git does not know the commit,
its test is skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import time
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy
from scipy import stats as peer

from helpers import stats

BEFORE, ROOT = "4caf0c6", Path(__file__).parents[2]
REPLICATES, RUNS = 10_000, 5
SIZES = {1503: (5, REPLICATES), 100_000: (50, 200)}  # cases: least ratio, and replicates of scipy that are timed


def cohort(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    groups = rng.choice(["Young", "Older"], n, p=[0.4, 0.6])
    return rng.beta(5, 1.2, n) * np.where(groups == "Young", 0.98, 1), groups


def difference(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
    return b.mean(axis=axis) - a.mean(axis=axis)


def gap(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.abs(difference(a, b, axis))


def seconds(call) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def ratio(ours, theirs, scale: float, runs: int = RUNS) -> float:
    """Their time over ours, the median of pairs taken in turn."""
    ours(), theirs()  # warm
    return float(np.median([scale * seconds(theirs) / seconds(ours) for _ in range(runs)]))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("n", SIZES)
def test_bootstrap_of_a_contrast(n, record_property):
    score, groups = cohort(n)
    parts = [score[groups == name] for name in ("Young", "Older")]
    least, timed = SIZES[n]
    alike = {
        "method": "percentile",
        "vectorized": True,
        "batch": max(1, 2_000_000 // n),
        "rng": np.random.default_rng(1),
    }

    def ours() -> stats.Interval:
        return stats.bootstrap(score, groups=groups, a="Young", b="Older", n_boot=REPLICATES)

    def theirs(replicates: int = timed):
        return peer.bootstrap(parts, difference, n_resamples=replicates, **alike)

    found, drawn = ours(), theirs(min(REPLICATES, 10 * timed)).bootstrap_distribution
    error = drawn.std() * 2.67 * np.sqrt(1 / REPLICATES + 1 / len(drawn))  # of a 2.5% percentile
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=4 * error)
    faster = ratio(ours, theirs, REPLICATES / timed)
    record_property("ratio", round(faster, 1))
    print(f"\nbootstrap, n = {n:,}: scipy {scipy.__version__} takes {faster:.0f} times as long")
    assert faster >= least


@pytest.mark.timeout(900)
@pytest.mark.parametrize("n", SIZES)
def test_permutation_of_a_gap(n, record_property):
    score, groups = cohort(n)
    parts = [score[groups == name] for name in ("Young", "Older")]
    least, timed = SIZES[n]
    alike = {
        "vectorized": True,
        "batch": max(1, 2_000_000 // n),
        "rng": np.random.default_rng(1),
        "alternative": "greater",
    }

    def ours() -> stats.Permutation:
        return stats.permutation(score, groups=groups, n=REPLICATES)

    def theirs(replicates: int = timed):
        return peer.permutation_test(parts, gap, n_resamples=replicates, **alike)

    found, drawn = ours(), theirs(min(REPLICATES, 10 * timed)).null_distribution
    for share, density in ((0.5, 0.318), (0.95, 0.058 * 2)):  # of half a normal distribution, in its deviations
        deviation = np.sqrt((drawn**2).mean())
        error = deviation * np.sqrt(share * (1 - share) * (1 / REPLICATES + 1 / len(drawn))) / density
        assert np.quantile(found.null, share) == pytest.approx(np.quantile(drawn, share), abs=4 * error)
    faster = ratio(ours, theirs, REPLICATES / timed)
    record_property("ratio", round(faster, 1))
    print(f"\npermutation, n = {n:,}: scipy {scipy.__version__} takes {faster:.0f} times as long")
    assert faster >= least


MODEL = """
import resource, sys
import numpy as np, pandas as pd
from helpers import stats
rng = np.random.default_rng(0)
n = 100_000
source = pd.Series(rng.choice(list("stuv"), n))
group = pd.Series(rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2]))
score = pd.Series(rng.beta(8, 2, n) - 0.05 * (source == "s"))
stats.given_source(score[:500], groups=group[:500], sources=source[:500])  # imports
before = resource.getrusage(resource.RUSAGE_SELF)
found = stats.given_source(score, groups=group, sources=source)
after = resource.getrusage(resource.RUSAGE_SELF)
print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
found.to_json(sys.argv[1], double_precision=15)
"""


def model(source: Path, out: Path) -> tuple[float, pd.DataFrame]:
    """CPU seconds and the table of the model given the source, by the code in a folder."""
    alone = os.environ | {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", MODEL, out], env=alone, capture_output=True, text=True, check=True)
    return float(done.stdout), pd.read_json(out)


@pytest.mark.timeout(900)
def test_the_model_given_the_source(tmp_path, record_property):
    packed = subprocess.run(["git", "archive", BEFORE, "src"], cwd=ROOT, capture_output=True)
    if packed.returncode:
        pytest.skip(f"git does not know commit {BEFORE} here")
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
        archive.extractall(tmp_path, filter="data")
    pairs = [(model(ROOT / "src", tmp_path / "a.json"), model(tmp_path / "src", tmp_path / "b.json")) for _ in range(3)]
    (_, now), (_, then) = pairs[0]
    numbers = now.columns.drop("note")
    np.testing.assert_allclose(now[numbers].astype(float), then[numbers].astype(float), rtol=1e-8)
    faster = float(np.median([old / new for (new, _), (old, _) in pairs]))
    record_property("ratio", round(faster))
    print(f"\ngiven the source, n = 100,000: the code of {BEFORE} takes {faster:.0f} times as long")
    assert faster >= 20
