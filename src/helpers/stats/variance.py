"""How much of a value's variance between runs is the configuration's, the seed's and the rest's; means over seeds."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from helpers.errors import InputError
from helpers.stats.experiments import FEWEST_SEEDS
from helpers.stats.inputs import need_columns
from helpers.stats.pairs import adjust_p

SHARES = ["variance", "sd", "sd_low", "sd_high", "share", "low", "high", "levels"]
TOGETHER = "seed and rest"
Z = 1.96  # half the width of a 95% interval, in standard errors


def variance_components(
    table: pd.DataFrame,
    value: str,
    *,
    configuration: Sequence[str],
    seed_column: str = "SEED",
    low: str | None = None,
    high: str | None = None,
    level: float = 0.95,
    n_draws: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Variance of a value between runs, split into what goes with the configuration, with the seed, and the rest.

    The model is ``y = mu + configuration + seed + rest``, the first two random and crossed, by restricted maximum
    likelihood (statsmodels). In a balanced design these are the estimators of the analysis of variance, wherever those
    are not below 0.

    Parameters
    ----------
    table : DataFrame
        One row a run. Runs may be missing. A row without the value is left out and counted.
    value : str
        Column of the value.
    configuration : sequence of str
        Columns that together name a configuration; none, where there is only one.
    seed_column : str
        Column of the seed.
    low, high : str, optional
        Columns of each run's own 95% interval; default ``<value> low`` and ``<value> high``, where the table has them.
    level : float
        Coverage of the intervals.
    n_draws, seed : int
        Draws behind the intervals of the shares, and their seed.

    Returns
    -------
    DataFrame
        Index ``configuration, seed, rest``; ``variance``; ``sd`` with its interval ``sd_low, sd_high``; ``share`` of
        the sum of all variances with its interval ``low, high``; ``levels`` (of the rest: its degrees of freedom).
        Without several configurations there is no such row. Where every seed has one run, or none is shared, the last
        two cannot be told apart and stand in one row ``seed and rest``. Where the value does not vary, shares are NaN.

        ``attrs`` has ``runs``; ``left_out``; ``samples``, the mean squared standard error that the runs' own intervals
        imply, ``((high - low) / 3.92)^2``, NaN without such intervals; ``samples_share``, the same over the variance of
        seed and rest; ``note``, what the fit warned of.

    Raises
    ------
    InputError
        A column is missing, the value is no number, a run has no seed, or there are fewer than three seeds.

    Notes
    -----
    What ``samples`` is: the variance to be expected from which cases happened to be tested. It is not a fourth
    component. **In simulated sweeps a seed draws new patients too**, and configurations of one seed share them: the
    luck of the patients then lies within ``seed``, and as far as configurations feel it differently within ``rest``.
    Where the data are fixed, every run tests the same patients: their luck is then in neither of the two, and no
    number of seeds shows it.

    Configurations are those that somebody chose: their variance, and with it every share, is of this choice.
    An effect of the seed that differs between configurations is in the rest.

    Intervals are generalised confidence intervals (Weerahandi 1993, https://doi.org/10.1080/01621459.1993.10476355).
    The sums of squares of the rest, of seeds beyond configurations and of configurations beyond seeds are, over the
    variances they come from, chi-squared; each draw of the three is solved for the three variances, those below 0
    being 0. So an interval may begin at 0, and with few seeds it is honestly wide, where a bootstrap of the fitted
    model takes the few seeds' variance for known. Without missing runs the three are independent; otherwise the last
    two are slightly dependent, which is ignored.

    Measured in 500 grids each of five kinds (3 to 25 configurations, 5 or 10 seeds, up to 4 runs missing, one without
    variance of configurations), 95% intervals hold the true share in 94 to 97%.
    """
    need_columns(table, [value, seed_column, *configuration])
    numbers = _numbers(table, value)
    if unknown := int(table.loc[numbers.notna(), seed_column].isna().sum()):
        raise InputError(f"column {seed_column}", f"{unknown} runs have none", "Leave them out and count them.")
    part = table[numbers.notna()]
    y = numbers[numbers.notna()].to_numpy()
    codes = {"configuration": _codes(part, configuration), "seed": _codes(part, [seed_column])}
    levels = {name: int(code.max(initial=-1)) + 1 for name, code in codes.items()}
    if levels["seed"] < FEWEST_SEEDS:
        problem = f"{levels['seed']} seed(s) have a value, at least {FEWEST_SEEDS} are needed"
        raise InputError(f"column {value}", problem, "Run more seeds: two show that runs differ, not by how much.")
    codes, rest = _told_apart(codes, levels, len(y))
    scale = y.std()
    if scale <= 1e-12 * np.abs(y).max():
        variances, note = dict.fromkeys([*codes, rest], 0.0), "the value does not vary"
        draws = dict.fromkeys([*codes, rest], np.zeros(1))
    else:
        variances, note = _reml(y / scale, codes, rest)
        draws = _draws(y / scale, codes, rest, np.random.default_rng(seed), n_draws)
    found = pd.DataFrame(index=list(variances), columns=SHARES, dtype=float)
    found["variance"] = [v * scale**2 for v in variances.values()]
    found["sd"] = np.sqrt(found["variance"])
    ends = [(1 - level) / 2, (1 + level) / 2]
    total = sum(draws.values())
    for name, drawn in draws.items():
        found.loc[name, ["sd_low", "sd_high"]] = np.sqrt(np.quantile(drawn, ends)) * scale
        if len(draws) > 1 and total.min() > 0:
            found.loc[name, ["low", "high"]] = np.quantile(drawn / total, ends)
    if (whole := found["variance"].sum()) > 0:
        found["share"] = found["variance"] / whole
    freedom = len(y) - 1 - sum(levels[name] - 1 for name in codes)
    found["levels"] = [levels.get(name, freedom) for name in found.index]
    if rest == TOGETHER:
        found.loc[rest, "levels"] = levels["seed"]
    samples = _samples(part, value, low, high)
    luck = found["variance"].drop("configuration", errors="ignore").sum()
    found.attrs = {"runs": len(y), "left_out": len(table) - len(y), "note": note, "samples": samples}
    found.attrs["samples_share"] = samples / luck if luck > 0 else float("nan")
    return found


def variance_shares(
    table: pd.DataFrame, values: Sequence[str], *, configuration: Sequence[str], seed_column: str = "SEED", **options
) -> pd.DataFrame:
    """`variance_components` of several values in one long table; a value that cannot be split says why.

    Returns
    -------
    DataFrame
        ``value, component`` and the columns of `variance_components`; ``runs``, ``left_out``, ``samples_share`` and
        ``note``. A value with too few seeds has one row, with no component.
    """
    columns = ["value", "component", *SHARES, "runs", "left_out", "samples_share", "note"]
    need_columns(table, [*values, seed_column, *configuration])
    parts = []
    for value in values:
        has = _numbers(table, value).notna()
        if (seeds := table.loc[has, seed_column].nunique()) < FEWEST_SEEDS:
            row = {"value": value, "runs": int(has.sum()), "left_out": int((~has).sum())}
            parts.append(pd.DataFrame([row | {"note": f"{seeds} seed(s), {FEWEST_SEEDS} are needed"}]))
            continue
        found = variance_components(table, value, configuration=configuration, seed_column=seed_column, **options)
        kept = {name: found.attrs[name] for name in columns[-4:]}
        found.attrs = {}
        parts.append(found.rename_axis("component").reset_index().assign(value=value, **kept))
    return pd.concat(parts, ignore_index=True).reindex(columns=columns) if parts else pd.DataFrame(columns=columns)


def over_seeds(
    table: pd.DataFrame, value: str, *, configuration: Sequence[str], seed_column: str = "SEED", level: float = 0.95
) -> pd.DataFrame:
    """Mean of a value over seeds in each configuration, with Student's t interval.

    Parameters
    ----------
    table : DataFrame
        One row a run; several runs of one configuration and seed count as their mean.
    configuration : sequence of str
        Columns that together name a configuration; none, where there is only one.

    Returns
    -------
    DataFrame
        One row a configuration, in the order in which they occur: its columns, ``seeds``, ``mean``, ``sd``, and the
        interval ``low, high`` (NaN with one seed); ``left_out`` runs without a value. Of an empty table, no row.
    """
    keys, wide, left_out = _by_seed(table, value, configuration, seed_column)
    rows = [_student(row[np.isfinite(row)], level) for row in wide]
    found = pd.DataFrame(rows, columns=["seeds", "mean", "sd", "low", "high", "p"]).drop(columns="p")
    return pd.concat([keys, found.assign(left_out=left_out)], axis=1)


def change_over_seeds(
    table: pd.DataFrame,
    value: str,
    *,
    configuration: Sequence[str],
    reference: Sequence[object] | None = None,
    seed_column: str = "SEED",
    level: float = 0.95,
) -> pd.DataFrame:
    """Difference of each configuration from a reference, paired over the seeds that both have.

    What a seed does to both cancels, so that the interval can be far narrower than those of the two means.

    Parameters
    ----------
    reference : sequence, optional
        A value for each column of `configuration`; default the configuration that comes first.

    Returns
    -------
    DataFrame
        One row a configuration but the reference: its columns, ``seeds`` shared with it, ``change``, ``sd`` of the
        differences, Student's interval ``low, high``, ``p`` and ``p_holm`` over the table. With fewer than two shared
        seeds the interval and p are NaN, and no test is made.

    Raises
    ------
    InputError
        A column is missing, the value is no number, or no run is of the reference.
    """
    keys, wide, _ = _by_seed(table, value, configuration, seed_column)
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
    seed_column: str = "SEED",
    low: str | None = None,
    high: str | None = None,
) -> pd.DataFrame:
    """What each run would have said by itself, against the mean over the seeds of its configuration.

    Parameters
    ----------
    low, high : str, optional
        As in `variance_components`. Without them nothing is said of intervals.

    Returns
    -------
    DataFrame
        One row a configuration: its columns; ``runs``; ``same_sign``, the share of runs whose value has the sign of the
        mean; ``above``, ``below`` and ``open``, the share whose own interval lies above 0, below 0, or holds it;
        ``missed``, the share whose own interval misses the mean over seeds.

    Notes
    -----
    A run is part of the mean that it is held against, and so lies too near to it. The mean is moved away from the run
    by ``sqrt(n / (n - 1))`` for `n` runs, which makes their distance as variable as that of a run and the true mean.
    An interval that is honest about reruns misses one time in twenty. Where the data are fixed it speaks of
    other patients, not of reruns, and should miss less often.
    """
    need_columns(table, [value, seed_column, *configuration])
    low, high = low or f"{value} low", high or f"{value} high"
    numbers = _numbers(table, value)
    part = table[numbers.notna()].assign(**{value: numbers})
    if not {low, high} <= set(part):
        part = part.assign(**{low: np.nan, high: np.nan})
    codes, rows = _codes(part, configuration), []
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
    """Fewest seeds for which Student's interval of a mean is expected to reach so far to either side, and no farther.

    The smallest `n` with ``t(n - 1) * sd / sqrt(n) <= half_width``: a prediction, which takes `sd` for known.

    Parameters
    ----------
    sd : float
        Of one run: ``sqrt(seed + rest)`` for the mean of a configuration; ``sqrt(2 * rest)`` for the difference of two
        on the same seeds.
    most : int
        None is returned where more are needed.
    """
    if not (sd >= 0 and half_width > 0):
        raise InputError(
            "half_width", f"{half_width} for an SD of {sd}", "Give an SD of 0 or more and a width above 0."
        )
    n = np.arange(2, most + 1)
    enough = half_width_of(sd, n, level=level) <= half_width
    return int(n[enough.argmax()]) if enough.any() else None


def half_width_of(sd: float, n: int | np.ndarray, *, level: float = 0.95) -> float | np.ndarray:
    """How far Student's interval of a mean over `n` seeds is expected to reach to either side, for one run's `sd`."""
    return stats.t.ppf((1 + level) / 2, np.asarray(n) - 1) * sd / np.sqrt(n)


def _numbers(table: pd.DataFrame, value: str) -> pd.Series:
    """The column as floats, NaN where there is none."""
    try:
        found = table[value].astype(float)
    except (TypeError, ValueError) as error:
        raise InputError(f"column {value}", f"not numbers ({error})", "Give one number a run.") from None
    return found.where(np.isfinite(found))


def _codes(table: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """A number for each combination of the columns, in the order in which they occur."""
    if not columns:
        return np.zeros(len(table), int)
    return table.groupby(list(columns), dropna=False, sort=False).ngroup().to_numpy()


def _samples(table: pd.DataFrame, value: str, low: str | None, high: str | None) -> float:
    low, high = low or f"{value} low", high or f"{value} high"
    if not {low, high} <= set(table):
        return float("nan")
    return float((((table[high] - table[low]) / (2 * Z)) ** 2).mean())


def _span(codes: Sequence[np.ndarray], n: int) -> np.ndarray:
    """Orthonormal columns that span the mean and the indicators of every factor."""
    x = np.concatenate([np.ones((n, 1)), *(_indicators(code) for code in codes)], axis=1)
    left, size, _ = np.linalg.svd(x, full_matrices=False)
    return left[:, size > 1e-9 * size[0]]


def _indicators(code: np.ndarray) -> np.ndarray:
    return (code[:, None] == np.arange(code.max() + 1)).astype(float)


def _told_apart(codes: dict[str, np.ndarray], levels: dict[str, int], n: int) -> tuple[dict[str, np.ndarray], str]:
    """Factors that have a component of their own, and the name of what is left."""
    codes = {name: code for name, code in codes.items() if levels[name] > 1}
    whole = _span(list(codes.values()), n).shape[1]
    beyond = [whole - _span([c for other, c in codes.items() if other != name], n).shape[1] for name in codes]
    if whole < n and min(beyond) > 0:
        return codes, "rest"
    codes = {name: code for name, code in codes.items() if name != "seed" and levels[name] < n}
    return codes, TOGETHER


def _reml(y: np.ndarray, codes: dict[str, np.ndarray], rest: str) -> tuple[dict[str, float], str]:
    """Variances by restricted maximum likelihood, and what the fit warned of."""
    if not codes:
        return {rest: float(y.var(ddof=1))}, ""
    import statsmodels.formula.api as smf

    frame = pd.DataFrame({"y": y, **codes})
    random = {name: f"0 + C({name})" for name in codes}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", "Argument .tol not used")  # the optimiser does use them
        model = smf.mixedlm("y ~ 1", frame, groups=np.ones(len(y)), vc_formula=random)
        # gradients stop short where a variance is near 0
        fit = model.fit(method="nm", xtol=1e-8, ftol=1e-12, maxiter=4000)
    found = dict(zip(fit.model.exog_vc.names, np.maximum(fit.vcomp, 0.0), strict=True))
    note = "; ".join(dict.fromkeys(str(w.message).split(".")[0] for w in caught))
    return {name: float(found[name]) for name in codes} | {rest: float(fit.scale)}, note


def _draws(
    y: np.ndarray, codes: dict[str, np.ndarray], rest: str, rng: np.random.Generator, n_draws: int
) -> dict[str, np.ndarray]:
    """Variances that go with draws of the chi-squared sums of squares, (n_draws,) each."""
    whole = _span(list(codes.values()), len(y))
    left = y - whole @ (whole.T @ y)
    found = {rest: left @ left / rng.chisquare(len(y) - whole.shape[1], n_draws)}
    for name, code in codes.items():
        others = _span([c for other, c in codes.items() if other != name], len(y))
        own = _indicators(code)
        own -= others @ (others.T @ own)
        size, turn = np.linalg.eigh(own.T @ own)
        kept = size > 1e-9 * size[-1]
        size, squares = size[kept], ((own @ turn[:, kept]).T @ y) ** 2 / size[kept]
        found[name] = _root(squares, size, found[rest], rng.chisquare(len(size), n_draws))
    return {name: found[name] for name in [*codes, rest]}


def _root(squares: np.ndarray, size: np.ndarray, rest: np.ndarray, chi2: np.ndarray) -> np.ndarray:
    """The variance `v` with ``sum(squares / (size * v + rest)) = chi2``, or 0 where none is above it, by bisection."""
    if np.ptp(size) <= 1e-9 * size[-1]:  # no run is missing
        return np.maximum(squares.sum() / chi2 - rest, 0.0) / size[0]
    low, high = np.zeros(len(rest)), (squares / size).sum() / chi2
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(50):
            middle = (low + high) / 2
            above = (squares / (size * middle[:, None] + rest[:, None])).sum(axis=1) > chi2
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        return np.where((squares / rest[:, None]).sum(axis=1) <= chi2, 0.0, (low + high) / 2)


def _by_seed(
    table: pd.DataFrame, value: str, configuration: Sequence[str], seed_column: str
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """The configurations, one row each; their values, one column a seed, NaN where no run is; and runs without one."""
    need_columns(table, [value, seed_column, *configuration])
    numbers, row, column = _numbers(table, value), _codes(table, configuration), _codes(table, [seed_column])
    frame = pd.DataFrame({"row": row, "column": column, "value": numbers.to_numpy()})
    wide = frame.groupby(["row", "column"])["value"].mean().unstack()
    keys = table[list(configuration)].iloc[np.unique(row, return_index=True)[1]].reset_index(drop=True)
    return keys, wide.to_numpy(float), frame["value"].isna().groupby(row).sum().to_numpy(int)


def _student(values: np.ndarray, level: float) -> tuple[float, ...]:
    """n, mean, SD, ends of Student's interval and p against 0."""
    n = len(values)
    if n < 2:
        return n, values.mean() if n else np.nan, np.nan, np.nan, np.nan, np.nan
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    half = half_width_of(sd, n, level=level)
    if sd == 0:
        return n, mean, sd, mean, mean, float(mean == 0)
    return n, mean, sd, mean - half, mean + half, float(2 * stats.t.sf(abs(mean) / sd * np.sqrt(n), n - 1))
