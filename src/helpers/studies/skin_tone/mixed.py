"""Gap between groups, adjusted for effects of runs and conditions by a mixed model."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from helpers.errors import InputError
from helpers.stats.inputs import check_scores, need_columns
from helpers.stats.random_intercept import fit_crossed_intercepts


def mixed_gap(
    rows: pd.DataFrame,
    *,
    score: str,
    a: str,
    b: str,
    group: str = "group",
    condition: str = "label",
    training: str = "B",
) -> pd.Series:
    """Estimate the gap of one training by a linear mixed model: group fixed, run and condition random and crossed.

    Parameters
    ----------
    rows : pandas.DataFrame
        Columns ``run, training``, `group`, `condition`, `score`; one row per run and image.
    a, b : str
        The gap is `b` minus `a`.

    Returns
    -------
    pandas.Series
        ``estimate, low, high, p`` (Wald), ``sd_run, sd_condition, sd_rest`` (roots of the variances), ``n`` rows,
        ``note`` (names effects of which the variance is estimated as 0; else empty).

    Raises
    ------
    InputError
        A column or a group is missing, a row has no run or condition, there is only one run or one condition, a score
        is not a number, or all scores are equal.

    Notes
    -----
    The fit uses restricted maximum likelihood; see `stats.random_intercept`. The model adjusts for random conditions
    only in part: the estimate is between the crude gap and the gap at equal conditions. An image that several runs test
    counts as several images: the interval is then too short, and that of `representation_effects` is better.
    """
    need_columns(rows, ["run", "training", group, condition, score])
    part = rows[(rows["training"] == training) & rows[group].isin([a, b])]
    for column, least in (("run", 2), (condition, 2), (group, 2)):
        if part[column].nunique() < least:
            problem = f"{part[column].nunique()} different value(s), {least} are needed"
            raise InputError(f"column {column}, training {training}", problem, "Give more runs, conditions or groups")
        if missing := int(part[column].isna().sum()):
            raise InputError(f"column {column}", f"{missing} rows have no value", "Leave them out and count them")
    values = check_scores(part[score], f"column {score}")
    if (scale := values.std()) == 0:
        raise InputError(f"column {score}", f"all values are {values[0]}", "Give scores that vary")
    design = np.column_stack([np.ones(len(part)), (part[group] == b).to_numpy(float)])
    factors = {"run": part["run"], "condition": part[condition].astype(str)}
    codes = [pd.factorize(column)[0] for column in factors.values()]
    fit = fit_crossed_intercepts(values / scale, design, codes)
    gap, error = fit.params[1] * scale, np.sqrt(fit.covariance[1, 1]) * scale
    low, high = gap - stats.norm.ppf(0.975) * error, gap + stats.norm.ppf(0.975) * error
    spread = dict(zip(factors, np.sqrt(fit.between) * scale, strict=True))
    found = {"estimate": gap, "low": low, "high": high, "p": 2 * stats.norm.sf(abs(gap) / error)}
    found |= {"sd_run": spread["run"], "sd_condition": spread["condition"], "sd_rest": np.sqrt(fit.within) * scale}
    note = "; ".join(f"no variance of {name}: the estimate is at the boundary" for name in spread if spread[name] == 0)
    return pd.Series(found | {"n": len(part), "note": note})
