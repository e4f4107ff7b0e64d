"""Analysis of a table of labels, before any image is read: prevalence, sampling and agreement of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.proportion import confint_proportions_2indep

from helpers.errors import InputError
from helpers.stats.experiments import two_group_cells
from helpers.stats.inputs import check_groups, need_columns
from helpers.stats.intervals import wilson

# Columns of a comparison at no level at all.
EMPTY = ["n_a", "n_b", "total_variation", "total_variation_chance_low", "total_variation_chance_high"]


def prevalence(condition: ArrayLike, *, groups: ArrayLike, a: object, b: object, level: float = 0.95) -> pd.DataFrame:
    """Compute the share of each condition in two groups (prevalence).

    Parameters
    ----------
    condition : array_like of shape (n,)
        One label per case; cases without a label are left out.
    groups : array_like of shape (n,)
    a, b : object
        The two groups.

    Returns
    -------
    pandas.DataFrame
        Index ``condition``; columns ``count_a, n_a, rate_a, count_b, n_b, rate_b, difference`` (b - a) with
        ``low, high`` (Newcombe, not corrected for the number of conditions); the largest difference first.
    """
    counts = _counts(condition, groups, a, b)
    (n_a, n_b), (count_a, count_b) = counts.sum(), (counts[column] for column in ("a", "b"))
    low, high = confint_proportions_2indep(
        count_b.to_numpy(), n_b, count_a.to_numpy(), n_a, compare="diff", method="newcomb", alpha=1 - level
    )
    columns = {"count_a": count_a, "n_a": n_a, "rate_a": count_a / n_a, "count_b": count_b, "n_b": n_b}
    columns |= {"rate_b": count_b / n_b, "difference": count_b / n_b - count_a / n_a, "low": low, "high": high}
    return pd.DataFrame(columns, index=counts.index).sort_values("difference", ascending=False, kind="stable")


def prevalence_shift(
    frame: pd.DataFrame,
    *,
    levels: Sequence[str],
    group: str = "group",
    a: object = "light",
    b: object = "dark",
    n_permutations: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare the conditions of two groups at several levels of a hierarchy, with the range expected by chance.

    The comparison shows a prevalence shift.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per case.
    levels : sequence of str
        Columns of labels, in any order of fineness; without any, the table has no row.
    group : str
        Column of groups.
    a, b : object
        The two groups.
    n_permutations : int
        Number of random groupings with the same group sizes.
    seed : int
        Seed of `numpy.random.default_rng`.
    level : float
        Coverage of the range under chance.

    Returns
    -------
    pandas.DataFrame
        Index ``level``; columns ``conditions`` (number that occur), ``n_a, n_b``, ``only_a, only_b`` (conditions that
        the other group lacks). Three statistics compare the two groups' shares: ``pearson`` and ``spearman``
        (correlation over conditions) and ``total_variation`` (half the sum of absolute differences, from 0 to 1), each
        with ``_chance_low`` and ``_chance_high``, its range if groups are random. ``p`` is the permutation p of the
        total variation. Correlations are NaN if a group has equal shares of all conditions.

    Notes
    -----
    There is no bootstrap interval on purpose. The more conditions, the more sampling noise lowers a correlation and
    raises the total variation. Resampling adds the same noise a second time, so that with a hundred conditions its
    interval hardly ever covers the true value. Compare with the range under chance instead: it contains that noise
    once. A correlation over three classes is near 1 whenever one class is much more frequent, whatever the groups.
    """
    need_columns(frame, [group, *levels])
    rng = np.random.default_rng(seed)
    rows = {}
    for name in levels:
        counts = _counts(frame[name], frame[group], a, b)
        total, (n_a, n_b) = counts.sum(axis=1).to_numpy(), counts.sum()
        drawn = rng.multivariate_hypergeometric(total, n_a, size=n_permutations, method="marginals")
        chance = _alike(drawn / n_a, (total - drawn) / n_b)
        found = _alike(counts["a"].to_numpy() / n_a, counts["b"].to_numpy() / n_b)
        row = {"conditions": len(total), "n_a": int(n_a), "n_b": int(n_b)}
        row |= {"only_a": int((counts["b"] == 0).sum()), "only_b": int((counts["a"] == 0).sum())}
        for statistic, value in found.items():
            low, high = np.quantile(chance[statistic], [0.5 - level / 2, 0.5 + level / 2])
            row |= {statistic: float(value), f"{statistic}_chance_low": low, f"{statistic}_chance_high": high}
        as_far = (chance["total_variation"] >= found["total_variation"] - 1e-12).sum()
        rows[name] = row | {"p": (as_far + 1) / (n_permutations + 1)}
    found = pd.DataFrame.from_dict(rows, orient="index")
    found = found if levels else pd.DataFrame(columns=EMPTY, dtype=float)
    return found.rename_axis("level")


def beyond_chance(shift: pd.DataFrame, shift_90: pd.DataFrame) -> pd.DataFrame:
    """Compute by how much the total variation is larger than that of random groups.

    Parameters
    ----------
    shift, shift_90 : pandas.DataFrame
        Tables of `prevalence_shift`, with ranges under chance of 95% and of 90%, from the same random groupings.

    Returns
    -------
    pandas.DataFrame
        Index ``level``; columns ``low, high`` and ``low90, high90`` (total variation less the ends of the two ranges),
        ``estimate`` (middle of the first), and ``n`` cases.
    """
    ends = [f"total_variation_chance_{end}" for end in ("high", "low")]
    less = [shift["total_variation"].to_numpy()[:, None] - table[ends] for table in (shift, shift_90)]
    found = pd.concat(less, axis=1).set_axis(["low", "high", "low90", "high90"], axis=1)
    return found.assign(estimate=found[["low", "high"]].mean(axis=1), n=shift["n_a"] + shift["n_b"])


def _counts(condition: ArrayLike, groups: ArrayLike, a: object, b: object) -> pd.DataFrame:
    """Count the cases of each condition that occurs in either group: columns ``a, b``."""
    condition, groups = (pd.Series(values).reset_index(drop=True) for values in (condition, groups))
    if len(condition) != len(groups):
        raise InputError("groups", f"{len(groups)} for {len(condition)} conditions", "Give one group per case")
    codes, names = check_groups(condition, len(condition), "condition")
    cell = np.where(codes >= 0, two_group_cells(groups, a, b), -1)
    columns = {key: np.bincount(codes[cell == k], minlength=len(names)) for k, key in enumerate(("a", "b"))}
    counts = pd.DataFrame(columns, index=pd.Index(names, name="condition"))
    if not counts.sum().all():
        raise InputError("condition", f"no case of {a!r} or {b!r} has a condition", "Give a label for each case")
    return counts[counts.sum(axis=1) > 0]


def _alike(first: np.ndarray, second: np.ndarray) -> dict[str, np.ndarray]:
    """Compute the similarity statistics of two arrays of shares along their last axis."""
    ranks = (stats.rankdata(shares, axis=-1) for shares in (first, second))
    variation = np.abs(first - second).sum(axis=-1) / 2
    return {"pearson": _correlation(first, second), "spearman": _correlation(*ranks), "total_variation": variation}


def _correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    x, y = (values - values.mean(axis=-1, keepdims=True) for values in (first, second))
    norm = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return (x * y).sum(axis=-1) / np.where(norm > 1e-12, norm, np.nan)


def sampling(groups: ArrayLike, *, a: object, b: object, held_out: int, draws: int) -> pd.DataFrame:
    """Check if three training sets of one size can be drawn: of `a` alone, half of each, and of `b` alone.

    Parameters
    ----------
    groups : array_like of shape (n,)
    a, b : object
        The two groups.
    held_out : int
        Test cases that are taken from each group first.
    draws : int
        Size of a training set.

    Returns
    -------
    pandas.DataFrame
        Index ``set``. For each group: ``draws``, ``pool`` (cases left after the test set) and ``distinct``, the
        expected number of different cases among draws with replacement, ``pool * (1 - (1 - 1/pool)^draws)``. For both
        groups together: ``distinct``, and ``without_replacement``, True if the pools are large enough for that.

    Raises
    ------
    InputError
        A group has no case left after the test set, or a number is out of range.
    """
    for name, value, least in (("held_out", held_out, 0), ("draws", draws, 2)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise InputError(name, f"{value!r} is not a whole number of at least {least}", "Give a number of cases")
    cell = two_group_cells(pd.Series(groups), a, b)
    pool = np.bincount(cell[cell >= 0], minlength=2) - held_out
    for name, left in zip((a, b), pool, strict=True):
        if left < 1:
            problem = f"{name!r} has {left + held_out} cases, so a test set of {held_out} leaves no case for training"
            raise InputError("held_out", problem, "Hold out fewer")
    rows, half = {}, draws // 2
    for name, drawn in ((f"{a} only", (draws, 0)), ("half and half", (draws - half, half)), (f"{b} only", (0, draws))):
        distinct = pool * (1 - (1 - 1 / pool) ** drawn)
        row = {}
        for k, key in enumerate(("a", "b")):
            row |= {f"draws_{key}": drawn[k], f"pool_{key}": int(pool[k]), f"distinct_{key}": float(distinct[k])}
        rows[name] = row | {"distinct": float(distinct.sum()), "without_replacement": bool((pool >= drawn).all())}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("set")


def label_agreement(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> pd.DataFrame:
    """Measure the agreement of two labellers on an ordered scale of whole numbers.

    Parameters
    ----------
    first, second : array_like of shape (n,)
        Labels, missing where unknown; cases that lack either are left out.

    Returns
    -------
    pandas.DataFrame
        Rows ``exact`` and ``within one`` (shares, with Wilson intervals) and ``weighted kappa`` (Cohen's, quadratic
        weights, with its large-sample interval); columns ``estimate, low, high, n``. ``attrs["missing"]`` counts the
        cases left out.
    """
    x, y, missing = _both(first, second)
    rows = {}
    for name, hits in (("exact", x == y), ("within one", np.abs(x - y) <= 1)):
        rows[name] = (hits.mean(), *wilson(hits.sum(), len(x), alpha=1 - level), len(x))
    scale = np.arange(min(x.min(), y.min()), max(x.max(), y.max()) + 1)
    if len(scale) < 2:
        raise InputError("labels", "every case has the same label by both", "Compare labels that vary")
    table = np.histogram2d(x, y, bins=[np.append(scale, scale[-1] + 1) - 0.5] * 2)[0]
    kappa = cohens_kappa(table, wt="quadratic")
    half = stats.norm.ppf(0.5 + level / 2) * kappa.std_kappa
    rows["weighted kappa"] = (kappa.kappa, kappa.kappa - half, kappa.kappa + half, len(x))
    found = pd.DataFrame.from_dict(rows, orient="index", columns=["estimate", "low", "high", "n"])
    found.attrs["missing"] = missing
    return found


def band_table(first: ArrayLike, second: ArrayLike, *, bands: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """Tabulate cases by the band of a scale, for two labels of each case.

    Parameters
    ----------
    first, second : array_like of shape (n,)
        Labels, missing where unknown; cases that lack either are left out.
    bands : mapping of str to sequence of int
        The labels of each band, such as ``{"light": (1, 2), "between": (3, 4), "dark": (5, 6)}``.

    Returns
    -------
    pandas.DataFrame
        Counts; rows are bands by the first label, columns by the second. ``attrs["missing"]`` counts the cases left
        out.

    Raises
    ------
    InputError
        A label is in no band.
    """
    band = {label: name for name, labels in bands.items() for label in labels}
    x, y, missing = _both(first, second)
    odd = sorted({int(label) for label in np.concatenate([x, y])} - set(band))
    if odd:
        raise InputError("bands", f"the label {odd[0]} is in no band", "Name a band for each label")
    named = [pd.Categorical([band[int(label)] for label in labels], categories=list(bands)) for labels in (x, y)]
    table = pd.crosstab(*named, rownames=["first"], colnames=["second"], dropna=False)
    table.attrs["missing"] = missing
    return table


def _both(first: ArrayLike, second: ArrayLike) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the labels of the cases that have both, and the number of other cases."""
    labels = []
    for name, values in (("first", first), ("second", second)):
        try:
            labels.append(pd.to_numeric(pd.Series(values).reset_index(drop=True)).astype(float))
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{name} labels", f"not numbers ({error})", "Give whole numbers, missing where unknown"
            ) from None
        if (labels[-1].dropna() % 1 != 0).any():
            raise InputError(f"{name} labels", "not all are whole numbers", "Give whole numbers, missing where unknown")
    x, y = labels
    if len(x) != len(y):
        raise InputError("second labels", f"{len(y)} for {len(x)} first ones", "Give both labels of the same cases")
    known = (x.notna() & y.notna()).to_numpy()
    if not known.any():
        raise InputError("labels", "no case has both labels", "Give two labels of the same cases")
    return x[known].to_numpy(), y[known].to_numpy(), int((~known).sum())
