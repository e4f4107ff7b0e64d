"""Values of runs over their seeds: means, changes, and what single runs would have concluded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from helpers.errors import InputError
from helpers.stats.inputs import need_columns
from helpers.stats.intervals import half_width_of
from helpers.stats.pairs import adjust_p

SEED = "SEED"  # column of the seed in a table of runs


def over_seeds(table: pd.DataFrame, value: str, *, configuration: Sequence[str], level: float = 0.95) -> pd.DataFrame:
    """Compute the mean of a value over seeds in each configuration, with Student's t interval.

    Parameters
    ----------
    table : DataFrame
        One row per run; several runs of one configuration and seed count as their mean.
    configuration : sequence of str
        Columns that together name a configuration; empty if there is only one.

    Returns
    -------
    DataFrame
        One row per configuration, in order of first occurrence: its columns, ``seeds``, ``mean``, ``sd``, and the
        interval ``low, high`` (NaN with one seed); ``left_out``, the number of runs without a value.
    """
    keys, wide, left_out = _by_seed(table, value, configuration)
    rows = [_student(row[np.isfinite(row)], level) for row in wide]
    found = pd.DataFrame(rows, columns=["seeds", "mean", "sd", "low", "high", "p"]).drop(columns="p")
    return pd.concat([keys, found.assign(left_out=left_out)], axis=1)


def change_over_seeds(
    table: pd.DataFrame,
    value: str,
    *,
    configuration: Sequence[str],
    reference: Sequence[object] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compute the difference of each configuration from a reference, paired over the seeds that both have.

    A seed effect that both share cancels, so the interval can be far narrower than the intervals of the two means.

    Parameters
    ----------
    reference : sequence, optional
        A value for each column of `configuration`; by default the first configuration of the table.

    Returns
    -------
    DataFrame
        One row per configuration except the reference: its columns, ``seeds`` shared with the reference, ``change``,
        ``sd`` of the differences, Student's interval ``low, high``, ``p`` and ``p_holm`` (corrected over the table).
        With fewer than two shared seeds the interval and p are NaN, and no test is made.

    Raises
    ------
    InputError
        A column is missing, the value is no number, or the reference has no run.
    """
    keys, wide, _ = _by_seed(table, value, configuration)
    at = 0
    if reference is not None:
        same = (keys == list(reference)).all(axis=1) if len(keys) else pd.Series(dtype=bool)
        if not same.any():
            raise InputError("reference", f"no run is of {list(reference)}", "Name a configuration of the table.")
        at = int(same.to_numpy().argmax())
    rows = [_student((row - wide[at])[np.isfinite(row - wide[at])], level) for k, row in enumerate(wide) if k != at]
    found = pd.DataFrame(rows, columns=["seeds", "change", "sd", "low", "high", "p"]).assign(p_holm=np.nan)
    if (made := found["p"].notna()).any():
        found.loc[made, "p_holm"] = adjust_p(found.loc[made, "p"])["holm"]
    return pd.concat([keys.drop(index=keys.index[at : at + 1]).reset_index(drop=True), found], axis=1)


def single_runs(
    table: pd.DataFrame,
    value: str,
    *,
    configuration: Sequence[str],
    low: str | None = None,
    high: str | None = None,
) -> pd.DataFrame:
    """Compare the conclusion of each single run with the mean over the seeds of its configuration.

    Parameters
    ----------
    low, high : str, optional
        As in `variance_components`. Without these columns the results on intervals are NaN.

    Returns
    -------
    DataFrame
        One row per configuration: its columns; ``runs``; ``same_sign``, the share of runs with a value of the same sign
        as the mean; ``above``, ``below`` and ``open``, the shares of runs with an interval entirely above 0, entirely
        below 0, or containing 0; ``missed``, the share of runs with an interval that misses the mean over seeds.

    Notes
    -----
    A run is part of the mean that it is compared with, and so is too close to it. For `n` runs, the distance of the
    mean from the run is multiplied by ``sqrt(n / (n - 1))``. It then varies as much as the distance between a run and
    the true mean. A 95% interval that covers the variation of reruns misses one time in twenty. Where the data are
    fixed, the interval describes other patients, not reruns, and should miss less often.
    """
    need_columns(table, [value, SEED, *configuration])
    low, high = low or f"{value} low", high or f"{value} high"
    numbers = numbers_of_runs(table, value)
    part = table[numbers.notna()].assign(**{value: numbers})
    if not {low, high} <= set(part):
        part = part.assign(**{low: np.nan, high: np.nan})
    codes, rows = configurations(part, configuration), []
    for code in dict.fromkeys(codes):
        own = part[codes == code]
        y, ends, n = own[value].to_numpy(float), own[[low, high]].to_numpy(float), len(own)
        row = {name: own[name].iloc[0] for name in configuration} | {"runs": n}
        row["same_sign"] = (np.sign(y) == np.sign(y.mean())).mean()
        has = np.isfinite(ends).all(axis=1)
        row |= dict.fromkeys(["above", "below", "open", "missed"], np.nan)
        if has.any():
            above, below = ends[has, 0] > 0, ends[has, 1] < 0
            row |= {"above": above.mean(), "below": below.mean(), "open": (~above & ~below).mean()}
        if has.any() and n > 1:
            mean = y + (y.mean() - y) * np.sqrt(n / (n - 1))
            row["missed"] = ((mean < ends[:, 0]) | (mean > ends[:, 1]))[has].mean()
        rows.append(row)
    columns = [*configuration, "runs", "same_sign", "above", "below", "open", "missed"]
    return pd.DataFrame(rows, columns=columns)


def seeds_needed(sd: float, half_width: float, *, level: float = 0.95, most: int = 100_000) -> int | None:
    """Find the smallest number of seeds for which Student's interval of a mean has at most this expected half width.

    It is the smallest `n` with ``t(n - 1) * sd / sqrt(n) <= half_width``: a prediction, which treats `sd` as known.

    Parameters
    ----------
    sd : float
        SD of one run: ``sqrt(seed + rest)`` (variances) for the mean of a configuration; ``sqrt(2 * rest)`` for the
        difference of two configurations on the same seeds.
    most : int
        Largest number of seeds tried. None is returned if more are needed.
    """
    if not (sd >= 0 and half_width > 0):
        raise InputError(
            "half_width", f"{half_width} for an SD of {sd}", "Give an SD of 0 or more and a width above 0."
        )
    n = np.arange(2, most + 1)
    enough = half_width_of(sd, n, level=level) <= half_width
    return int(n[enough.argmax()]) if enough.any() else None


def numbers_of_runs(table: pd.DataFrame, value: str) -> pd.Series:
    """Return the column as floats, NaN where a value is missing or infinite."""
    try:
        found = table[value].astype(float)
    except (TypeError, ValueError) as error:
        raise InputError(f"column {value}", f"not numbers ({error})", "Give one number a run.") from None
    return found.where(np.isfinite(found))


def configurations(table: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Number the combinations of the columns, in order of first occurrence; return the number of each row."""
    if not columns:
        return np.zeros(len(table), int)
    return table.groupby(list(columns), dropna=False, sort=False).ngroup().to_numpy()


def _by_seed(
    table: pd.DataFrame, value: str, configuration: Sequence[str]
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return the configurations, their values (one column per seed, NaN without a run), and how many runs have none."""
    need_columns(table, [value, SEED, *configuration])
    numbers, row, column = (
        numbers_of_runs(table, value),
        configurations(table, configuration),
        configurations(table, [SEED]),
    )
    frame = pd.DataFrame({"row": row, "column": column, "value": numbers.to_numpy()})
    wide = frame.groupby(["row", "column"])["value"].mean().unstack()
    keys = table[list(configuration)].iloc[np.unique(row, return_index=True)[1]].reset_index(drop=True)
    return keys, wide.to_numpy(float), frame["value"].isna().groupby(row).sum().to_numpy(int)


def _student(values: np.ndarray, level: float) -> tuple[float, ...]:
    """Return n, mean, SD, the ends of Student's interval and the p of a t test against 0."""
    n = len(values)
    if n < 2:
        return n, values.mean() if n else np.nan, np.nan, np.nan, np.nan, np.nan
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    half = half_width_of(sd, n, level=level)
    if sd == 0:
        return n, mean, sd, mean, mean, float(mean == 0)
    return n, mean, sd, mean - half, mean + half, float(2 * stats.t.sf(abs(mean) / sd * np.sqrt(n), n - 1))
