"""Readings of one gap by several rulers, and the largest of many gaps."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError
from helpers.stats.gaps import success
from helpers.stats.permute import permutation
from helpers.stats.resample import bootstrap

COLUMNS = ["n_a", "n_b", "estimate", "low", "high", "note"]


def readings(
    frame: pd.DataFrame,
    *,
    group: str,
    a: object,
    b: object,
    source: str,
    score: str = "score",
    gold: str = "",
    threshold: float = 0.8,
    quantile: float = 0.75,
    smallest_cell: int = SMALLEST_CELL,
    n_boot: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Compute the signed difference of two groups, ``b - a``, under several rulers.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per case; a case without a score is left out.
    group, source, score : str
        Columns.
    gold : str, optional
        Column of the score on better labels of the same cases; its mean is an additional reading.
    threshold, quantile : float
        Success is a score above the threshold, or in the top part of all scores (0.75: the top quarter).
    smallest_cell : int
        A reading with fewer cases in a group has no numbers, and its note gives the reason.
    n_boot, seed : int
        Replicates and seed of the bootstrap intervals; the interval given the source is a normal one.

    Returns
    -------
    pandas.DataFrame
        Index ``reading``: "mean", "mean on gold", "share over 0.8", "share in top 25%", "mean, <source>" for each
        source, "mean, given <source>" (by the column's name). Columns ``n_a, n_b, estimate, low, high`` (95%
        interval), ``note``: the reason for an empty reading, or a caution.
    """
    known = frame[frame[score].notna()]
    sources = known[source].cat.categories if hasattr(known[source], "cat") else sorted(known[source].dropna().unique())
    known = known.astype({group: object, source: object})
    boot = {"a": a, "b": b, "n_boot": n_boot, "seed": seed}
    rows: dict[str, dict[str, object]] = {}

    def read(name: str, part: pd.DataFrame, values: np.ndarray | pd.Series, outcome: bool = False) -> None:
        row, enough = _row(int((part[group] == a).sum()), int((part[group] == b).sum()), a, b, smallest_cell)
        if enough:
            values = pd.Series(np.asarray(values), index=part.index)
            either = values[part[group].isin([a, b])]
            interval = bootstrap(values, groups=part[group], **boot)
            row |= {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
            if outcome and either.nunique() == 1:
                row["note"] = f"{'everybody' if either.iloc[0] else 'nobody'} succeeds: this ruler cannot tell"
        rows[name] = row

    read("mean", known, known[score])
    if gold:
        better = known[known[gold].notna()]
        read("mean on gold", better, better[gold])
    read(f"share over {threshold:g}", known, known[score] > threshold, outcome=True)
    name = f"share in top {1 - quantile:.0%}"
    try:
        top = success(known[score], quantile=quantile)[0] if len(known) else np.array([], bool)
    except InputError as error:
        row, _ = _row(*(int((known[group] == level).sum()) for level in (a, b)), a, b, smallest_cell)
        rows[name] = row | {"note": row["note"] or error.problem}
    else:
        read(name, known, top, outcome=True)
    cells = []
    for place in sources:
        part = known[known[source] == place]
        read(f"mean, {place}", part, part[score])
        cells.append([part.loc[part[group] == level, score].to_numpy(float) for level in (a, b)])
    rows[f"mean, given {source}"] = _given_source(cells, a, b, source, smallest_cell)
    return pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS).rename_axis("reading")


def _given_source(
    cells: list[list[np.ndarray]], a: object, b: object, source: str, smallest_cell: int
) -> dict[str, object]:
    """Compute the mean difference over the sources, weighted as in a linear model with a term for the source.

    The estimate is that of `adjusted_contrast`, which is too slow for a slider. Here variances may differ between
    groups.
    """
    # Only a source with both groups is informative about their difference.
    both = [(x, y) for x, y in cells if min(len(x), len(y)) > 1]
    n_a, n_b = (sum(len(pair[k]) for pair in both) for k in (0, 1))
    row, enough = _row(n_a, n_b, a, b, smallest_cell)
    if len(both) < 2:
        row["note"] = f"{len(both)} {source}(s) with both groups: two are needed"
    elif enough:
        weight = np.array([len(x) * len(y) / (len(x) + len(y)) for x, y in both])
        weight /= weight.sum()
        difference = np.array([y.mean() - x.mean() for x, y in both])
        variance = np.array([x.var(ddof=1) / len(x) + y.var(ddof=1) / len(y) for x, y in both])
        estimate, half = weight @ difference, stats.norm.ppf(0.975) * np.sqrt(weight**2 @ variance)
        row |= {"estimate": estimate, "low": estimate - half, "high": estimate + half}
    return row


def _row(n_a: int, n_b: int, a: object, b: object, smallest_cell: int) -> tuple[dict[str, object], bool]:
    """Return a reading without numbers yet, and True if there are enough cases for numbers."""
    enough = min(n_a, n_b) >= smallest_cell
    note = "" if enough else f"under {smallest_cell} cases in {a if n_a < n_b else b}"
    return {"n_a": n_a, "n_b": n_b, "estimate": np.nan, "low": np.nan, "high": np.nan, "note": note}, enough


@dataclass(frozen=True)
class Largest:
    """The largest max-min gap over several attributes.

    `p_alone` is from a permutation test of that attribute, as if it had been the only one. `p` accounts for the choice
    of the largest. `gaps` has each attribute's gap and number of levels, `null` the largest gap of each permutation.
    """

    attribute: str
    gap: float
    p_alone: float
    p: float
    gaps: pd.DataFrame = field(repr=False, compare=False)
    null: np.ndarray = field(repr=False, compare=False)


def largest_gap(
    score: pd.Series, *, attributes: pd.DataFrame, smallest_cell: int = SMALLEST_CELL, n: int = 2000, seed: int = 0
) -> Largest:
    """Find the attribute with the largest gap, and test whether it is larger than the largest of many null gaps.

    Each permutation shuffles the scores among the cases, leaves each case's attributes unchanged, and keeps the largest
    gap over all attributes. So the p value accounts for choosing the largest gap, as in Westfall and Young's
    single-step maxT.

    Parameters
    ----------
    score : Series
        One score per case.
    attributes : DataFrame
        One column per attribute; a level of fewer than `smallest_cell` cases is left out of its gap.
    n, seed : int
        Permutations and seed.

    Raises
    ------
    InputError
        No attribute has two levels of at least `smallest_cell` cases.
    """
    members, names = [], []
    for name, column in attributes.items():
        sizes = column.value_counts()
        kept = sorted(sizes.index[sizes >= smallest_cell])
        if len(kept) > 1:
            members.append(np.stack([(column == level).to_numpy() / sizes[level] for level in kept], axis=1))
            names.append(str(name))
    if not names:
        problem = f"no attribute has two levels of {smallest_cell} cases"
        raise InputError("attributes", problem, "Look at coarser attributes, or at more cases")
    starts = np.cumsum([0, *(m.shape[1] for m in members[:-1])])
    every = np.concatenate(members, axis=1)

    def gaps(values: np.ndarray) -> np.ndarray:
        means = values @ every
        return np.maximum.reduceat(means, starts) - np.minimum.reduceat(means, starts)

    values = score.to_numpy(float)
    found = gaps(values)
    worst = int(found.argmax())
    row = {"groups": np.arange(len(values)), "n": n, "seed": seed}  # every case is a group
    whole = permutation(values, statistic=lambda shuffled, _: float(gaps(shuffled).max()), **row)
    alone = permutation(values, statistic=lambda shuffled, _: float(gaps(shuffled)[worst]), **row)
    table = pd.DataFrame(
        {"gap": found, "levels": [m.shape[1] for m in members]}, index=pd.Index(names, name="attribute")
    )
    return Largest(names[worst], float(found[worst]), alone.p, whole.p, table, whole.null)
