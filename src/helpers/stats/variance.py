"""Variance components of a value between runs: configuration, seed and rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.stats.experiments import FEWEST_SEEDS
from helpers.stats.inputs import need_columns
from helpers.stats.random_intercept import fit_crossed_intercepts
from helpers.stats.seeds import SEED, configurations, numbers_of_runs

SHARES = ["variance", "sd", "sd_low", "sd_high", "share", "low", "high", "levels"]
TOGETHER = "seed and rest"
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
    fitted by restricted maximum likelihood (REML). In a balanced design the estimates equal those of the
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
        by the variance of seed and rest; ``note``, which names components estimated as 0.

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
    numbers = numbers_of_runs(table, value)
    if unknown := int(table.loc[numbers.notna(), SEED].isna().sum()):
        raise InputError(f"column {SEED}", f"{unknown} runs have no seed", "Leave them out and count them.")
    part = table[numbers.notna()]
    y = numbers[numbers.notna()].to_numpy()
    codes = {"configuration": configurations(part, configuration), "seed": configurations(part, [SEED])}
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
        has = numbers_of_runs(table, value).notna()
        if (seeds := table.loc[has, SEED].nunique()) < FEWEST_SEEDS:
            row = {"value": value, "runs": int(has.sum()), "left_out": int((~has).sum())}
            parts.append(pd.DataFrame([row | {"note": f"{seeds} seed(s), {FEWEST_SEEDS} are needed"}]))
            continue
        found = variance_components(table, value, configuration=configuration, **options)
        kept = {name: found.attrs[name] for name in columns[-4:]}
        found.attrs = {}
        parts.append(found.rename_axis("component").reset_index().assign(value=value, **kept))
    return pd.concat(parts, ignore_index=True).reindex(columns=columns) if parts else pd.DataFrame(columns=columns)


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
    """Estimate the variances by restricted maximum likelihood; also return a note."""
    if not codes:
        return {rest: float(y.var(ddof=1))}, ""
    fit = fit_crossed_intercepts(y, np.ones((len(y), 1)), list(codes.values()))
    found = dict(zip(codes, fit.between, strict=True))
    note = "; ".join(f"no variance of {name}: the estimate is at the boundary" for name in found if found[name] == 0)
    return {name: float(v) for name, v in found.items()} | {rest: fit.within}, note


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
