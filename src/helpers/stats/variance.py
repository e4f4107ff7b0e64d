"""Variance components of a value between runs (configuration, seed and rest), and means over seeds."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from helpers.errors import InputError
from helpers.stats.experiments import FEWEST_SEEDS
from helpers.stats.inputs import need_columns
from helpers.stats.intervals import half_width_of
from helpers.stats.pairs import adjust_p

SHARES = ["variance", "sd", "sd_low", "sd_high", "share", "low", "high", "levels"]
TOGETHER = "seed and rest"
SEED = "SEED"  # column of the seed in a table of runs
Z = 1.96  # half the width of a 95% interval, in standard errors


def variance_components(
    table: pd.DataFrame,
    value: str,
    *,
    configuration: Sequence[str],
    low: str | None = None,
    high: str | None = None,
    level: float = 0.95,
    n_draws: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Split the variance of a value between runs into components: configuration, seed and rest.

    The model is ``y = mu + configuration + seed + rest``, with crossed random effects for configuration and seed,
    fitted by restricted maximum likelihood (REML, statsmodels). In a balanced design the estimates equal those of the
    analysis of variance, unless the latter are below 0.

    Parameters
    ----------
    table : DataFrame
        One row per run. Runs may be missing. A row without the value is left out and counted.
    value : str
        Column of the value.
    configuration : sequence of str
        Columns that together name a configuration; empty if there is only one.
    low, high : str, optional
        Columns of the 95% interval of each single run; default ``<value> low`` and ``<value> high``, if present.
    level : float
        Coverage of the intervals.
    n_draws, seed : int
        Draws behind the intervals of the shares, and their seed.

    Returns
    -------
    DataFrame
        Index ``configuration, seed, rest``; ``variance``; ``sd`` with its interval ``sd_low, sd_high``; ``share`` of
        the sum of all variances with its interval ``low, high``; ``levels`` (of the rest: its degrees of freedom).
        With a single configuration there is no row ``configuration``. If every seed has one run, or no seed is shared
        between configurations, seed and rest cannot be separated and share one row ``seed and rest``, with the
        number of seeds as ``levels``. If the value does not vary, shares are NaN.

        ``attrs`` has ``runs``; ``left_out``; ``samples``, the mean squared standard error implied by the intervals of
        the single runs, ``((high - low) / 3.92)^2``, NaN without such intervals; ``samples_share``, ``samples`` divided
        by the variance of seed and rest; ``note``, the warnings of the fit.

    Raises
    ------
    InputError
        A column is missing, the value is no number, a run has no seed, or there are fewer than three seeds.

    Notes
    -----
    ``samples`` is the sampling variance: the variance expected from the choice of the cases that are tested. It is not
    a fourth component. **In simulated sweeps a seed draws new patients too**, and configurations of one seed share
    them. Sampling variance of the patients is then part of ``seed``, and part of ``rest`` as far as it differs between
    configurations. Where the data are fixed, every run tests the same patients. Their sampling variance is then in
    neither component, and no number of seeds shows it.

    Configurations are chosen, not sampled: their variance, and with it every share, depends on this choice. An effect
    of the seed that differs between configurations (an interaction) is in the rest.

    Intervals are generalised confidence intervals (Weerahandi 1993, https://doi.org/10.1080/01621459.1993.10476355).
    Three sums of squares are used: of the rest, of seeds given configurations, and of configurations given seeds. Each
    is chi-squared when divided by its variance. Every draw of the three is solved for the three variances, and
    negative solutions become 0. So an interval may begin at 0, and with few seeds it is wide, as it should be. A
    bootstrap of the fitted model would treat the variance of the few seeds as known. Without missing runs the three
    sums are independent; otherwise the last two are slightly dependent, which is ignored.

    In simulations of 500 grids for each of five designs (3 to 25 configurations, 5 or 10 seeds, up to 4 runs missing,
    one design without variance of configurations), 95% intervals contain the true share in 94 to 97% of grids.
    """
    need_columns(table, [value, SEED, *configuration])
    numbers = _numbers(table, value)
    if unknown := int(table.loc[numbers.notna(), SEED].isna().sum()):
        raise InputError(f"column {SEED}", f"{unknown} runs have no seed", "Leave them out and count them.")
    part = table[numbers.notna()]
    y = numbers[numbers.notna()].to_numpy()
    codes = {"configuration": _codes(part, configuration), "seed": _codes(part, [SEED])}
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
    table: pd.DataFrame, values: Sequence[str], *, configuration: Sequence[str], **options
) -> pd.DataFrame:
    """Compute `variance_components` of several values, in one long table.

    Returns
    -------
    DataFrame
        ``value, component`` and the columns of `variance_components`; ``runs``, ``left_out``, ``samples_share`` and
        ``note``. A value with too few seeds has one row without a component, and the reason in ``note``.
    """
    columns = ["value", "component", *SHARES, "runs", "left_out", "samples_share", "note"]
    need_columns(table, [*values, SEED, *configuration])
    parts = []
    for value in values:
        has = _numbers(table, value).notna()
        if (seeds := table.loc[has, SEED].nunique()) < FEWEST_SEEDS:
            row = {"value": value, "runs": int(has.sum()), "left_out": int((~has).sum())}
            parts.append(pd.DataFrame([row | {"note": f"{seeds} seed(s), {FEWEST_SEEDS} are needed"}]))
            continue
        found = variance_components(table, value, configuration=configuration, **options)
        kept = {name: found.attrs[name] for name in columns[-4:]}
        found.attrs = {}
        parts.append(found.rename_axis("component").reset_index().assign(value=value, **kept))
    return pd.concat(parts, ignore_index=True).reindex(columns=columns) if parts else pd.DataFrame(columns=columns)


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


def _numbers(table: pd.DataFrame, value: str) -> pd.Series:
    """Return the column as floats, NaN where a value is missing or infinite."""
    try:
        found = table[value].astype(float)
    except (TypeError, ValueError) as error:
        raise InputError(f"column {value}", f"not numbers ({error})", "Give one number a run.") from None
    return found.where(np.isfinite(found))


def _codes(table: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Number the combinations of the columns, in order of first occurrence; return the number of each row."""
    if not columns:
        return np.zeros(len(table), int)
    return table.groupby(list(columns), dropna=False, sort=False).ngroup().to_numpy()


def _samples(table: pd.DataFrame, value: str, low: str | None, high: str | None) -> float:
    low, high = low or f"{value} low", high or f"{value} high"
    if not {low, high} <= set(table):
        return float("nan")
    return float((((table[high] - table[low]) / (2 * Z)) ** 2).mean())


def _span(codes: Sequence[np.ndarray], n: int) -> np.ndarray:
    """Compute orthonormal columns that span the mean and the indicators of every factor."""
    x = np.concatenate([np.ones((n, 1)), *(_indicators(code) for code in codes)], axis=1)
    left, size, _ = np.linalg.svd(x, full_matrices=False)
    return left[:, size > 1e-9 * size[0]]


def _indicators(code: np.ndarray) -> np.ndarray:
    return (code[:, None] == np.arange(code.max() + 1)).astype(float)


def _told_apart(codes: dict[str, np.ndarray], levels: dict[str, int], n: int) -> tuple[dict[str, np.ndarray], str]:
    """Return the factors with a separable variance component, and the name of the remaining component."""
    codes = {name: code for name, code in codes.items() if levels[name] > 1}
    whole = _span(list(codes.values()), n).shape[1]
    beyond = [whole - _span([c for other, c in codes.items() if other != name], n).shape[1] for name in codes]
    if whole < n and min(beyond) > 0:
        return codes, "rest"
    codes = {name: code for name, code in codes.items() if name != "seed" and levels[name] < n}
    return codes, TOGETHER


def _reml(y: np.ndarray, codes: dict[str, np.ndarray], rest: str) -> tuple[dict[str, float], str]:
    """Estimate the variances by restricted maximum likelihood; also return the warnings of the fit."""
    if not codes:
        return {rest: float(y.var(ddof=1))}, ""
    import statsmodels.formula.api as smf

    frame = pd.DataFrame({"y": y, **codes})
    random = {name: f"0 + C({name})" for name in codes}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", "Argument .tol not used")  # the optimiser does use the tolerances
        model = smf.mixedlm("y ~ 1", frame, groups=np.ones(len(y)), vc_formula=random)
        # Nelder-Mead, because gradient methods stop too early if a variance is near 0
        fit = model.fit(method="nm", xtol=1e-8, ftol=1e-12, maxiter=4000)
    found = dict(zip(fit.model.exog_vc.names, np.maximum(fit.vcomp, 0.0), strict=True))
    note = "; ".join(dict.fromkeys(str(w.message).split(".")[0] for w in caught))
    return {name: float(found[name]) for name in codes} | {rest: float(fit.scale)}, note


def _draws(
    y: np.ndarray, codes: dict[str, np.ndarray], rest: str, rng: np.random.Generator, n_draws: int
) -> dict[str, np.ndarray]:
    """Draw variances by solving draws of the chi-squared sums of squares for them, (n_draws,) each."""
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
    """Solve ``sum(squares / (size * v + rest)) = chi2`` for the variance `v` by bisection; 0 if no `v` > 0 does."""
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
    table: pd.DataFrame, value: str, configuration: Sequence[str]
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return the configurations, their values (one column per seed, NaN without a run), and how many runs have none."""
    need_columns(table, [value, SEED, *configuration])
    numbers, row, column = _numbers(table, value), _codes(table, configuration), _codes(table, [SEED])
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
