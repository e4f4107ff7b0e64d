"""Consistency checks of printed numbers: tests and counts recomputed from the table of a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd
from scipy import stats

from helpers.errors import InputError
from helpers.stats.hypothesis import Test


def anova_from_summary(means: Sequence[float], sds: Sequence[float], ns: Sequence[int]) -> Test:
    """Compute one-way ANOVA from group means, SDs (ddof 1) and sizes; F is exactly that of the single cases."""
    mean, sd, n = _summary(means, sds, ns)
    k, total = len(mean), n.sum()
    between = (n * (mean - (n * mean).sum() / total) ** 2).sum() / (k - 1)
    within = ((n - 1) * sd**2).sum() / (total - k)
    f = (0.0 if between == 0 else float("inf")) if within == 0 else float(between / within)
    p = float(stats.f.sf(f, k - 1, total - k))
    ssb = between * (k - 1)
    eta2 = float(ssb / (ssb + within * (total - k))) if ssb else 0.0
    return Test("ANOVA from summary", f, p, int(total), k - 1, float(total - k), eta2, "eta2")


def contrast_from_summary(
    means: Sequence[float], sds: Sequence[float], ns: Sequence[int], *, level: float = 0.95
) -> tuple[float, float, float]:
    """Compute the second minus the first of two means, with Welch's interval: ``(difference, low, high)``."""
    mean, sd, n = _summary(means, sds, ns)
    if len(mean) != 2:
        raise InputError("means", f"{len(mean)} groups", "Give the two groups of the contrast.")
    variance = sd**2 / n
    error = np.sqrt(variance.sum())
    df = variance.sum() ** 2 / (variance**2 / (n - 1)).sum() if error else n.sum() - 2
    difference, half = mean[1] - mean[0], stats.t.ppf(0.5 + level / 2, df) * error
    return float(difference), float(difference - half), float(difference + half)


def counts_behind(dpd: float, dir_: float, n_a: int, n_b: int, *, decimals: int = 4) -> pd.DataFrame:
    """Find the success counts of two groups that reproduce a printed DPD and DIR.

    Parameters
    ----------
    dpd, dir_ : float
        Printed difference (demographic parity difference) and ratio, smaller over larger (disparate impact ratio), of
        the two rates.
    n_a, n_b : int
        Group sizes, up to some 10,000.
    decimals : int
        Digits printed; half a unit of the last one is allowed each way.

    Returns
    -------
    pandas.DataFrame
        Columns ``count_a, count_b, dpd, dir``, one row per matching pair, whichever group has the larger rate. No row
        means that no counts of these groups give the printed pair. Similar to the GRIM test (Brown and Heathers 2017).
    """
    if min(n_a, n_b) < 1 or not 0 <= dpd <= 1 or not 0 <= dir_ <= 1:
        problem = f"dpd {dpd}, dir {dir_}, sizes {n_a} and {n_b}"
        raise InputError("printed numbers", problem, "Give a DPD and a DIR between 0 and 1, and sizes over 0.")
    a, b = np.arange(n_a + 1) / n_a, np.arange(n_b + 1) / n_b
    larger = np.maximum(a[:, None], b[None])
    difference = np.abs(a[:, None] - b[None])
    ratio = np.divide(np.minimum(a[:, None], b[None]), larger, out=np.full(larger.shape, np.nan), where=larger > 0)
    half = _half(decimals)
    rows = np.argwhere((np.abs(difference - dpd) <= half) & (np.abs(ratio - dir_) <= half))
    columns = {"count_a": rows[:, 0], "count_b": rows[:, 1]}
    return pd.DataFrame(columns | {"dpd": difference[tuple(rows.T)], "dir": ratio[tuple(rows.T)]})


def mean_of_means(means: Sequence[float], ns: Sequence[int] | None = None) -> float:
    """Compute the mean over all cases from group means and sizes (equal sizes if none are given)."""
    weights = np.ones(len(means)) if ns is None else np.asarray(ns, dtype=float)
    return float(np.average(np.asarray(means, dtype=float), weights=weights))


def check_table(
    table: pd.DataFrame,
    *,
    groups: Sequence[str],
    n: int | Mapping[str, int],
    a: str,
    b: str,
    decimals: int = 4,
) -> pd.DataFrame:
    """Check the statistics of a printed table against those recomputed from its group means.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per experiment, indexed by its name. Columns ``mean_<group>, sd_<group>`` for every group, and any of
        ``average, gap, p, dpd, dir`` as printed.
    groups : sequence of str
        Names of the groups, as in the columns.
    n : int or mapping of str to int
        Cases per group, the same for every experiment.
    a, b : str
        Groups of the signed contrast, and of DPD and DIR.
    decimals : int
        Number of digits printed, the same throughout the table.

    Returns
    -------
    pandas.DataFrame
        One row per experiment: ``gap`` (max - min of the printed means), ``gap_ok``; ``difference, low, high`` (b - a,
        Welch interval); ``average, average_ok``; ``p``, ``p_low, p_high`` (over every rounding of means and SDs),
        ``p_ok``; ``counts`` (pairs ``count_a/count_b`` that fit, joined by spaces, or "none"), ``counts_ok``;
        ``problems`` in words. A number that was not printed is not checked: its ``_ok`` column is NA.

    Notes
    -----
    A failed check means that the numbers and these group sizes cannot all be right. It does not show which is wrong.
    """
    sizes = {group: int(n[group] if isinstance(n, Mapping) else n) for group in groups}
    needed = [f"{kind}_{group}" for group in groups for kind in ("mean", "sd")]
    absent = [column for column in needed if column not in table]
    if absent:
        raise InputError(f"column {absent[0]}", "not in the printed table", f"Give columns {', '.join(needed)}.")
    rows = [_check_row(row, list(groups), sizes, a, b, decimals) for _, row in table.iterrows()]
    return pd.DataFrame(rows, index=table.index)


def _check_row(row: pd.Series, groups: list[str], sizes: dict[str, int], a: str, b: str, decimals: int) -> dict:
    means, sds = ([float(row[f"{kind}_{g}"]) for g in groups] for kind in ("mean", "sd"))
    ns, half, problems = [sizes[g] for g in groups], _half(decimals), []
    pair = [groups.index(a), groups.index(b)]
    difference, low, high = contrast_from_summary(*([v[i] for i in pair] for v in (means, sds, ns)))
    gap, average = max(means) - min(means), mean_of_means(means, ns)
    p = anova_from_summary(means, sds, ns).p
    p_low, p_high = _p_range(means, sds, ns, half)
    printed = {key: row.get(key, np.nan) for key in ("gap", "average", "p", "dpd", "dir")}
    ok: dict[str, object] = dict.fromkeys(("gap", "average", "p", "counts"), pd.NA)
    if pd.notna(printed["gap"]):
        ok["gap"] = abs(printed["gap"] - gap) <= 3 * half
        if not ok["gap"]:
            is_signed = abs(printed["gap"] - abs(difference)) <= 3 * half
            which = f"; it is |{b} - {a}|" if is_signed else ""
            problems.append(f"printed gap {printed['gap']:.{decimals}f} is not max - min {gap:.{decimals}f}{which}")
    if pd.notna(printed["average"]):
        ok["average"] = abs(printed["average"] - average) <= 2 * half
        if not ok["average"]:
            problems.append(f"average {printed['average']:.{decimals}f}, group means give {average:.{decimals}f}")
    if pd.notna(printed["p"]):
        ok["p"] = p_low - half <= printed["p"] <= p_high + half
        if not ok["p"]:
            problems.append(f"p {printed['p']:.{decimals}f}, means and SDs give {p:.{decimals}f}")
    counts = ""
    if pd.notna(printed["dpd"]) and pd.notna(printed["dir"]):
        found = counts_behind(printed["dpd"], printed["dir"], sizes[a], sizes[b], decimals=decimals)
        found = found[(found["count_b"] / sizes[b] - found["count_a"] / sizes[a]) * difference >= 0]
        counts = " ".join(f"{x}/{y}" for x, y in zip(found["count_a"], found["count_b"], strict=True)) or "none"
        ok["counts"] = len(found) > 0
        if not ok["counts"]:
            problems.append(f"no counts of {sizes[a]} and {sizes[b]} give DPD and DIR")
    values = {"gap": gap, "gap_ok": ok["gap"], "difference": difference, "low": low, "high": high}
    values |= {"average": average, "average_ok": ok["average"], "p": p, "p_low": p_low, "p_high": p_high}
    return values | {"p_ok": ok["p"], "counts": counts, "counts_ok": ok["counts"], "problems": "; ".join(problems)}


def _p_range(means: list[float], sds: list[float], ns: list[int], half: float) -> tuple[float, float]:
    """Return the smallest and largest p within the rounding of the printed numbers.

    Each mean is at its lower end, printed value or upper end; the SDs are all at their lower or all at their upper end.
    """
    found = [
        anova_from_summary(np.add(means, shift), np.maximum(np.add(sds, sd_shift), 0), ns).p
        for shift in product((-half, 0.0, half), repeat=len(means))
        for sd_shift in (-half, half)
    ]
    return min(found), max(found)


def _summary(means: Sequence[float], sds: Sequence[float], ns: Sequence[int]) -> tuple[np.ndarray, ...]:
    mean, sd, n = (np.asarray(v, dtype=float) for v in (means, sds, ns))
    if not (len(mean) == len(sd) == len(n) >= 2):
        raise InputError(
            "means, sds, ns", f"{len(mean)}, {len(sd)} and {len(n)} of them", "Give one of each per group."
        )
    if not np.isfinite([*mean, *sd]).all() or (sd < 0).any() or (n < 2).any():
        raise InputError("means, sds, ns", "not finite, an SD under 0 or an n under 2", "Check the printed row.")
    return mean, sd, n


def _half(decimals: int) -> float:
    return 0.5 * 10.0**-decimals + 1e-9
