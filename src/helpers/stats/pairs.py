"""Pairwise comparisons after the overall test, effect sizes, tests of rates, and correction for multiple testing."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from statsmodels.stats.multitest import multipletests

from helpers.errors import InputError
from helpers.stats.hypothesis import Test, testable
from helpers.stats.inputs import check_groups, check_success, group_scores
from helpers.stats.weighted import auroc


def posthoc(
    score: ArrayLike,
    *,
    groups: ArrayLike,
    method: Literal["games-howell", "tukey", "dunn"] = "games-howell",
    adjust: str = "holm",
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare all pairs of groups after an overall test (post hoc tests).

    Parameters
    ----------
    method : {"games-howell", "tukey", "dunn"}
        Games-Howell after Welch; Tukey-Kramer after ANOVA (both already correct for the number of pairs); Dunn on ranks
        after Kruskal-Wallis, with p corrected by `adjust` (Holm, Bonferroni, ... as named in scikit-posthocs).

    Returns
    -------
    pandas.DataFrame
        Columns ``a, b, difference`` (mean of b minus mean of a), ``low, high`` (simultaneous intervals; NaN for
        Dunn, which has none), ``p``.
    """
    data, _ = testable(score, groups)
    parts = data.split()
    a, b = np.triu_indices(len(parts), 1)
    low = high = np.full(len(a), np.nan)
    if method == "dunn":
        import scikit_posthocs  # slow to import, and used only here

        p = scikit_posthocs.posthoc_dunn(parts, p_adjust=adjust).to_numpy()[a, b]
    elif method in ("tukey", "games-howell"):
        low, high, p = _by_studentized_range(parts, a, b, equal_var=method == "tukey", level=level)
    else:
        raise InputError("method", f"must be games-howell, tukey or dunn, got {method!r}", "Give one of these")
    rows = [
        (data.levels[i], data.levels[j], parts[j].mean() - parts[i].mean(), low[pair], high[pair], p[pair])
        for pair, (i, j) in enumerate(zip(a, b, strict=True))
    ]
    return pd.DataFrame(rows, columns=["a", "b", "difference", "low", "high", "p"])


def _by_studentized_range(
    parts: list[np.ndarray], a: np.ndarray, b: np.ndarray, *, equal_var: bool, level: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute interval ends of ``mean(b) - mean(a)`` and p of pairs of groups, each (pairs,).

    The root of half the variance of a difference is the unit of the studentized range of all groups. The variance is
    pooled (Tukey 1953; Kramer 1956), or each group's with Welch's degrees of freedom (Games and Howell 1976).
    `scipy.stats.tukey_hsd` computes the same, but for each pair in both orders and for each group with itself.
    """
    means, variances = (np.array([of(part) for part in parts]) for of in (np.mean, lambda x: np.var(x, ddof=1)))
    n, k = np.array([len(part) for part in parts]), len(parts)
    if equal_var:
        df = n.sum() - k
        unit = np.sqrt((1 / n[a] + 1 / n[b]) * ((variances * (n - 1)).sum() / df) / 2)
    else:
        each = variances / n
        unit = np.sqrt(each[a] + each[b]) / 2**0.5
        df = (each[a] + each[b]) ** 2 / (each[a] ** 2 / (n[a] - 1) + each[b] ** 2 / (n[b] - 1))
    difference, radius = means[b] - means[a], stats.studentized_range.ppf(level, k, df) * unit
    p = stats.studentized_range.sf(np.abs(difference) / unit, k, df)
    return difference - radius, difference + radius, p


def rank_biserial(score: ArrayLike, *, groups: ArrayLike, a: object, b: object) -> float:
    """Compute the rank-biserial correlation of two groups: P(b > a) - P(b < a), from -1 to 1. Source: Kerby 2014."""
    data = group_scores(score, groups)
    first, second = (data.values[data.codes == data.code(level)] for level in (a, b))
    positive = np.repeat([False, True], [len(first), len(second)])
    return float(2 * auroc(np.concatenate([first, second]), positive) - 1)


def rank_biserial_interval(
    score: ArrayLike, *, groups: ArrayLike, a: object, b: object, level: float = 0.95
) -> tuple[float, float, float]:
    """Compute the rank-biserial correlation with its large-sample interval: ``(estimate, low, high)``.

    It equals 2 AUC - 1. The variance of the AUC comes from placement values (DeLong et al. 1988). The ends are limited
    to -1 and 1.
    """
    estimate = rank_biserial(score, groups=groups, a=a, b=b)
    data = group_scores(score, groups)
    first, second = (np.sort(data.values[data.codes == data.code(level_)]) for level_ in (a, b))
    if min(len(first), len(second)) < 2:
        raise InputError("groups", f"{a!r} or {b!r} has fewer than two cases", "An interval needs two of each.")

    variance = sum(placements(x, y).var(ddof=1) / len(x) for x, y in ((first, second), (second, first)))
    half = stats.norm.ppf(0.5 + level / 2) * 2 * np.sqrt(variance)
    return estimate, float(max(-1, estimate - half)), float(min(1, estimate + half))


def placements(of: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Compute placement values: for each value of one sample the share of another below it; ties count half."""
    among = np.sort(among)
    below, upto = (np.searchsorted(among, of, side=side) for side in ("left", "right"))
    return (below + upto) / (2 * len(among))


def chi_square(outcome: ArrayLike, *, groups: ArrayLike) -> Test:
    """Test by chi-square that a categorical outcome (success, a rating) does not depend on the group.

    Effect: Cramer's V. The note warns if an expected count is under 5, where the test is approximate at best.
    Cases without an outcome or a group are left out and counted in the note.
    """
    outcome = outcome if isinstance(outcome, pd.Series) else pd.Series(outcome)
    rows, outcomes = check_groups(outcome, len(outcome), "outcome")
    columns, levels = check_groups(groups, len(outcome))
    if len(outcomes) < 2 or len(levels) < 2:
        problem = f"{len(outcomes)} outcome level(s) and {len(levels)} group(s), two of each are needed"
        raise InputError("outcome, groups", problem, "Compare an outcome and an attribute that vary.")
    kept = (rows >= 0) & (columns >= 0)
    table = pd.crosstab(rows[kept], columns[kept]).to_numpy()
    result, n = stats.chi2_contingency(table, correction=False), int(table.sum())
    notes = [f"{int((~kept).sum())} cases without outcome or group left out"] if not kept.all() else []
    notes += ["an expected count is under 5"] if result.expected_freq.min() < 5 else []
    v = float(np.sqrt(result.statistic / n / (min(table.shape) - 1)))
    return Test("chi-square", float(result.statistic), float(result.pvalue), n, result.dof, effect=v,
                effect_name="Cramer's V", note="; ".join(notes))  # fmt: skip


def two_rate_test(success: ArrayLike, *, groups: ArrayLike, a: object, b: object) -> Test:
    """Compare two success rates by Fisher's exact test, for tables too small for chi-square.

    Effect: odds ratio of b to a.
    """
    check_success(success)
    data = group_scores(success, groups)
    first, second = (data.values[data.codes == data.code(level)] for level in (a, b))
    table = [[second.sum(), (1 - second).sum()], [first.sum(), (1 - first).sum()]]
    result = stats.fisher_exact(table)
    n, odds = len(first) + len(second), float(result.statistic)
    return Test("Fisher", odds, float(result.pvalue), n, effect=odds, effect_name="odds ratio")


def adjust_p(p: Sequence[float] | pd.Series, *, alpha: float = 0.05) -> pd.DataFrame:
    """Correct p values by Holm (family-wise error) and Benjamini-Hochberg (false discovery rate), next to the raw p.

    Returns
    -------
    pandas.DataFrame
        Columns ``p, holm, bh, reject_holm, reject_bh``; the index of `p` is kept.

    Raises
    ------
    InputError
        A p is NaN or outside 0 to 1, or there is none: leave out tests that were not made, and report this.
    """
    series = pd.Series(p, dtype=float)
    if not len(series) or series.isna().any() or not series.between(0, 1).all():
        raise InputError("p", "values missing or outside 0 to 1", "Give the p values of the tests that were made.")
    gc.freeze()  # statsmodels runs the garbage collector for Holm; frozen objects cost it no time
    try:
        reject_holm, holm, *_ = multipletests(series, alpha, "holm")
    finally:
        gc.unfreeze()
    reject_bh, bh, *_ = multipletests(series, alpha, "fdr_bh")
    columns = {"p": series, "holm": holm, "bh": bh, "reject_holm": reject_holm, "reject_bh": reject_bh}
    return pd.DataFrame(columns, index=series.index)
