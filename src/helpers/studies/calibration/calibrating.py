"""Calibration of intervals (coverage) and tests (rejection rate), by auditing many cohorts with known truth."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from helpers.errors import InputError
from helpers.keep.plans import repeat
from helpers.stats import gaps, hypothesis
from helpers.stats.intervals import wilson
from helpers.stats.permute import permutation
from helpers.stats.resample import bootstrap

Draw = Callable[[int], tuple[pd.DataFrame, dict]]

BATCH = 20  # cohorts per job: enough to outweigh the cost of starting it, few enough to lose little by an interruption
# Kind of contrast -> its name, and its value if there is no effect.
CONTRASTS = {"mean": ("mean difference", 0), "rate": ("rate difference", 0), "ratio": ("rate ratio", 1)}
TRUTHS = {"mean": "older_minus_young", "rate": "older_minus_young_rate", "ratio": "young_over_older_rate"}
TESTS = ("ANOVA", "Welch", "Kruskal-Wallis", "permutation", "regression")


def calibration_cohorts(
    draw: Draw,
    *,
    n_cohorts: int = 2000,
    score: str = "dice",
    group: str = "age_group",
    a: str = "Young",
    b: str = "Older",
    x: str = "age",
    threshold: float = 0.8,
    n_boot: int = 2000,
    n_permutations: int = 1000,
    workers: int = 2,
    seed: int = 0,
    keep: Path | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Audit many drawn cohorts; one row each.

    Parameters
    ----------
    draw : callable
        ``draw(seed) -> (frame, truth)``. The truth has ``older_minus_young`` (mean of b minus mean of a),
        ``older_minus_young_rate`` (the same for the rate of ``score > threshold``) and ``young_over_older_rate`` (rate
        of a over rate of b). `draw` is sent to other processes.
    score, group, x : str
        Columns of the frame: score, groups, and the continuous variable of the regression.
    workers : int
        Number of processes; the rows depend on `seed` alone, not on this number.
    keep : Path, optional
        Folder for finished batches; a second call with the same settings continues from there. The function cannot
        check that `draw` is the same: use one folder per kind of cohort.
    progress : bool
        Show a progress bar over batches of cohorts.

    Returns
    -------
    pandas.DataFrame
        Columns ``cohort, n``; for mean, rate and ratio ``<kind>_truth, <kind>_estimate, <kind>_low, <kind>_high``; and
        one p per test in ``p_<test>`` (missing if a test is undefined on that cohort, such as Welch with a constant
        group).
    """
    names = {"score": score, "group": group, "a": a, "b": b, "x": x, "threshold": threshold}
    options = names | {"n_boot": n_boot, "n_permutations": n_permutations, "seed": seed}
    plan = [{"first": k, "cohorts": min(BATCH, n_cohorts - k), **options} for k in range(0, n_cohorts, BATCH)]
    job = partial(_audit_batch, draw)
    found = repeat(job, plan, keep=keep, workers=workers, unit="part", progress=progress)
    return found.drop(columns=list(plan[0]))


def calibration_summary(cohorts: pd.DataFrame, *, alpha: float = 0.05) -> pd.DataFrame:
    """Summarise the cohorts: coverage, size or power, and estimates, each with a 95% Monte Carlo interval.

    Returns
    -------
    pandas.DataFrame
        Columns ``what, kind, n_cohorts, value, low, high, expected``. Kinds: "coverage" (of the 95% interval; expected
        0.95), "size" (rejection rate if the truth is no difference; expected `alpha`) or "power" (rejection rate
        otherwise; no expected value), "estimate" (mean of the estimates; expected the truth). Rates have Wilson
        intervals. A test that is undefined on some cohorts has a smaller `n_cohorts`. The kind is "size" only if every
        truth is that of no effect: draw the null with every effect on the score switched off.
    """
    rows = []
    for kind, (name, _) in CONTRASTS.items():
        truth, estimate = cohorts[f"{kind}_truth"], cohorts[f"{kind}_estimate"]
        covered = (cohorts[f"{kind}_low"] <= truth) & (truth <= cohorts[f"{kind}_high"])
        rows.append(_rate(name, "coverage", covered, 0.95))
        error = (estimate - truth).std(ddof=1) / np.sqrt(len(cohorts)) if len(cohorts) > 1 else np.nan
        mean, half = estimate.mean(), 1.96 * error
        rows.append((name, "estimate", len(cohorts), mean, mean - half, mean + half, truth.mean()))
    null = all((cohorts[f"{kind}_truth"] == nothing).all() for kind, (_, nothing) in CONTRASTS.items())
    rejects = {test: cohorts[f"p_{test}"].dropna() < alpha for test in TESTS}
    for kind, (name, nothing) in CONTRASTS.items():
        outside = (cohorts[f"{kind}_low"] > nothing) | (cohorts[f"{kind}_high"] < nothing)
        rejects[f"{name}, interval excludes {nothing}"] = outside
    kind, expected = ("size", alpha) if null else ("power", np.nan)
    rows += [_rate(test, kind, hits, expected) for test, hits in rejects.items() if len(hits)]
    return pd.DataFrame(rows, columns=["what", "kind", "n_cohorts", "value", "low", "high", "expected"])


def null_interval_coverage(*, n_cohorts: int = 400, n_boot: int = 500, seed: int = 0) -> pd.DataFrame:
    """Estimate the coverage of the true 0 by a 95% percentile interval if none of three groups of 100 differs.

    A max-min statistic is positive in every resample, so its interval never covers 0. The interval of a signed contrast
    covers 0 in about 95% of cohorts.

    Returns
    -------
    pandas.DataFrame
        Index ``statistic`` ("max - min", "b - a"); columns ``covered, n_cohorts, coverage, low, high`` (Wilson),
        ``mean_estimate``: the mean estimate from noise alone.
    """
    rng = np.random.default_rng(seed)
    covered, estimates = np.zeros((n_cohorts, 2), dtype=bool), np.zeros((n_cohorts, 2))
    for i in range(n_cohorts):
        score = rng.normal(size=(3, 100))
        draws = np.stack([row[rng.integers(0, 100, (n_boot, 100))].mean(axis=1) for row in score])
        estimates[i] = _max_min_and_contrast(score.mean(axis=1))
        low, high = np.quantile(np.stack(_max_min_and_contrast(draws)), [0.025, 0.975], axis=1)
        covered[i] = (low <= 0) & (high >= 0)
    count = covered.sum(axis=0)
    low, high = wilson(count, n_cohorts)
    columns = {"covered": count, "n_cohorts": n_cohorts, "coverage": count / n_cohorts, "low": low, "high": high}
    index = pd.Index(["max - min", "b - a"], name="statistic")
    return pd.DataFrame(columns | {"mean_estimate": estimates.mean(axis=0)}, index=index)


def _audit_batch(draw: Draw, *, first: int, cohorts: int, **options) -> list[dict[str, float]]:
    return [_audit_one(draw, cohort, **options) for cohort in range(first, first + cohorts)]


def _audit_one(
    draw: Draw,
    cohort: int,
    *,
    score: str,
    group: str,
    a: str,
    b: str,
    x: str,
    threshold: float,
    n_boot: int,
    n_permutations: int,
    seed: int,
) -> dict[str, float]:
    draw_seed, *seeds, last_seed = (int(s) for s in np.random.SeedSequence([seed, cohort]).generate_state(5))
    frame, truth = draw(draw_seed)
    absent = [name for name in TRUTHS.values() if name not in truth]
    if absent:
        raise InputError("draw", f"its truth has no {absent[0]!r}, only {list(truth)}", f"Name it {absent[0]}.")
    values, groups = frame[score], frame[group]
    good, _ = gaps.success(values, threshold=threshold)
    row: dict[str, float] = {"cohort": cohort, "n": len(frame)}
    for kind, outcome, boot_seed in zip(TRUTHS, (values, good, good), seeds, strict=True):
        statistic = "ratio" if kind == "ratio" else "difference"
        found = bootstrap(outcome, groups=groups, a=a, b=b, statistic=statistic, n_boot=n_boot, seed=boot_seed)
        row |= {f"{kind}_truth": truth[TRUTHS[kind]], f"{kind}_estimate": found.estimate}
        row |= {f"{kind}_low": found.low, f"{kind}_high": found.high}
    tests = hypothesis.compare(values, groups=groups)["p"].to_dict()
    tests["permutation"] = permutation(values, groups=groups, n=n_permutations, seed=last_seed).p
    known = frame[x].notna()
    tests["regression"] = stats.linregress(frame[x][known], values[known]).pvalue
    return row | {f"p_{test}": p for test, p in tests.items()}


def _max_min_and_contrast(means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return means.max(axis=0) - means.min(axis=0), means[-1] - means[0]


def _rate(what: str, kind: str, hits: pd.Series, expected: float) -> tuple:
    low, high = wilson(int(hits.sum()), len(hits))
    return what, kind, len(hits), float(hits.mean()), float(low), float(high), expected
