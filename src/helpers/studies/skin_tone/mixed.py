"""Gap between groups, adjusted for effects of runs and conditions by a mixed model."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.stats.inputs import check_scores, need_columns


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
        ``note`` (warnings of the fit; empty if there are none).

    Raises
    ------
    InputError
        A column or a group is missing, a row has no run or condition, there is only one run or one condition, a score
        is not a number, all scores are equal, or the model cannot be fitted.

    Notes
    -----
    The fit uses restricted maximum likelihood (statsmodels). The model adjusts for random conditions only in part: the
    estimate is between the crude gap and the gap at equal conditions. An image that several runs test counts as several
    images: the interval is then too short, and that of `representation_effects` is better.
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
    frame = pd.DataFrame(
        {
            "y": values / scale,
            "b": (part[group] == b).to_numpy(float),
            "run": part["run"].to_numpy(),
            "condition": part[condition].astype(str).to_numpy(),
        }
    )
    import statsmodels.formula.api as smf

    random = {"run": "0 + C(run)", "condition": "0 + C(condition)"}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = smf.mixedlm("y ~ b", frame, groups=np.ones(len(frame)), vc_formula=random)
        try:
            fit = model.fit(method="nm")  # gradient methods stop too early if a variance is near 0
        except np.linalg.LinAlgError as error:
            fix = "Give more images of each condition"
            raise InputError("mixed model", f"it cannot be fitted ({error})", fix) from None
    low, high = fit.conf_int().loc["b"] * scale
    spread = dict(zip(fit.model.exog_vc.names, np.sqrt(np.maximum(fit.vcomp, 0)) * scale, strict=True))
    found = {"estimate": fit.params["b"] * scale, "low": low, "high": high, "p": fit.pvalues["b"]}
    found |= {"sd_run": spread["run"], "sd_condition": spread["condition"], "sd_rest": np.sqrt(fit.scale) * scale}
    note = "; ".join(dict.fromkeys(str(w.message).split(".")[0] for w in caught))
    return pd.Series(found | {"n": len(frame), "note": note})
