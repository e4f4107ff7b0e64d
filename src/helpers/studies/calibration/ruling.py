"""Calibration of the rule of verdicts: how often it gives each verdict to studies whose true effect is known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.stats import t

from helpers import stats
from helpers.errors import InputError, check_choice
from helpers.report import verdicts
from helpers.stats.intervals import wilson

SKEWED = (8, 2)  # parameters of a beta distribution that has the shape of Dice: most are high, and a tail is low
INTERVALS = ("bootstrap", "student")
LEVELS = {"null": 0.05, "effect": 0.025}  # largest share of false verdicts


def verdict_rates(
    *,
    sizes: Sequence[int] = (20, 80, 320),
    n_studies: int = 2000,
    margin: float = 0.8,
    printed: float = 0.5,
    interval: str = "bootstrap",
    n_boot: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Judge many simulated studies by the rule of verdicts, and count its verdicts.

    A study compares the mean score of two groups of patients. Scores are skewed like Dice, and are given in units of
    their SD. Its true effect, second minus first group, is 0, half the margin, the margin, twice the margin, the
    printed effect, or the opposite of it.

    Parameters
    ----------
    sizes : sequence of int
        Patients in each group, 10 or more.
    n_studies : int
        Simulated studies of each size. Those of one size have the same patients under each true effect, which is a
        shift of the second group.
    margin : float
        Margin of the claims of no effect, in SD.
    printed : float
        Printed value of the claim of an effect, in SD.
    interval : {"bootstrap", "student"}
        Intervals by percentiles of the bootstrap, that of an effect widened by `verdicts.widened`, or Student's
        (Welch's degrees of freedom).
    n_boot, seed : int
        Bootstrap replicates of a study, and seed.

    Returns
    -------
    pandas.DataFrame
        One row for each claim ("effect", with the printed value; "side", an effect above 0; "none"; "not_worse", where
        higher is worse), true effect (in words) and size: ``claim, truth, effect`` (in SD), ``n``, the share of each
        verdict that can occur, and ``false``, the share of false verdicts, with Wilson's 95% interval ``low, high``;
        ``level`` is the largest share that the rule allows. False is *reproduced*, of a claim of no effect, where the
        true effect is the margin or more; and *reproduced* or *direction*, of a claim of an effect, where it is 0 or
        opposite. The other rows have no false verdict, and NaN.

    Raises
    ------
    InputError
        A size is below 10, or the kind of interval is unknown.
    """
    check_choice("interval", interval, INTERVALS)
    if few := [n for n in sizes if n < 10]:
        raise InputError("sizes", f"{few[0]} patients in a group", "Give 10 or more: smaller groups are suppressed")
    effects = {"zero": 0.0, "half the margin": margin / 2, "the margin": margin, "twice the margin": 2 * margin}
    effects |= {"as printed": printed, "opposite": -printed}
    asked = {"effect": verdicts.Asked("effect", printed), "side": verdicts.Asked("effect", math.inf, comparable=False)}
    asked |= {"none": verdicts.Asked("none", 0.0, margin=margin)}
    asked |= {"not_worse": verdicts.Asked("not_worse", 0.0, margin=margin, worse="higher")}
    rows = []
    for n in sizes:
        found = list(_studies(n, n_studies, interval, n_boot, seed))
        for claim, question in asked.items():
            for truth, effect in effects.items():
                given = [_verdict(question, _shifted(ours, effect), interval) for ours in found]
                rows.append(
                    {"claim": claim, "truth": truth, "effect": effect, "n": n} | _shares(claim, effect, margin, given)
                )
    return pd.DataFrame(rows)


def _studies(n: int, n_studies: int, interval: str, n_boot: int, seed: int) -> Iterator[verdicts.Ours]:
    """Draw studies without a true effect, with their intervals."""
    rng = np.random.default_rng([seed, n])
    a, b = SKEWED
    sd = math.sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))
    groups = np.repeat(["first", "second"], n)
    for study in range(n_studies):
        scores = rng.beta(a, b, 2 * n) / sd
        if interval == "bootstrap":
            found = stats.bootstrap(scores, groups=groups, a="first", b="second", n_boot=n_boot, seed=seed + study)
            yield verdicts.Ours(found.estimate, found.low, found.high, *found.null_ends(), 2 * n)
        else:
            yield _student(scores[:n], scores[n:])


def _student(first: np.ndarray, second: np.ndarray) -> verdicts.Ours:
    """Compute the difference of two means with Welch's intervals."""
    variances, counts = np.array([part.var(ddof=1) / len(part) for part in (first, second)]), len(first)
    value, error = float(second.mean() - first.mean()), math.sqrt(variances.sum())
    df = variances.sum() ** 2 / (variances**2 / (counts - 1)).sum()
    ends = value + error * t.ppf([0.025, 0.975, 0.05, 0.95], df)
    return verdicts.Ours(value, *map(float, ends), 2 * counts)


def _shifted(ours: verdicts.Ours, effect: float) -> verdicts.Ours:
    return verdicts.Ours(*(part + effect for part in ours[:5]), ours.n)


def _verdict(asked: verdicts.Asked, ours: verdicts.Ours, interval: str) -> str:
    return verdicts.rule(asked, verdicts.widened(ours) if interval == "bootstrap" else ours)[0]


def _shares(claim: str, effect: float, margin: float, given: list[str]) -> dict[str, float]:
    shares = {word: given.count(word) / len(given) for word in verdicts.VERDICTS[:5]}
    null = claim in ("none", "not_worse")
    wrong = effect >= margin or (claim == "none" and effect <= -margin) if null else effect <= 0
    row = {
        **shares,
        "false": math.nan,
        "low": math.nan,
        "high": math.nan,
        "level": LEVELS["null" if null else "effect"],
    }
    if wrong:
        count = given.count("reproduced") + (0 if null else given.count("direction"))
        low, high = wilson(count, len(given))
        row |= {"false": count / len(given), "low": float(low), "high": float(high)}
    return row
