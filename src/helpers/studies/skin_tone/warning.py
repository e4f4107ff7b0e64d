"""Test of a warning sign: is it related to the error?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from helpers.errors import InputError
from helpers.stats import drawing, weighted
from helpers.stats.crossed import resample_seeds
from helpers.stats.inputs import check_scores, need_columns
from helpers.stats.runs import RunMeans


def warning_sign(
    rows: pd.DataFrame,
    *,
    error: str,
    sign: str,
    a: str,
    b: str,
    group: str = "group",
    n_boot: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Test a warning sign: rank correlation with the error, and AUROC for large errors and for a group.

    Parameters
    ----------
    rows, group, a, b, seed
        See `representation_effects`.
    error, sign : str
        Columns of the error and of the sign, which should be larger for larger errors.
    n_boot : int
        Bootstrap replicates; each ranks all images again.

    Returns
    -------
    pandas.DataFrame
        One row per training and measure: ``training, measure, estimate, low, high, runs, n_images``, means over runs,
        with intervals over images and runs. Measures: ``rank correlation`` (Spearman; 0 for a useless sign), ``AUROC,
        largest quarter of errors`` (of the run) and ``AUROC, <b>`` (both 0.5 for a useless sign).

    Raises
    ------
    InputError
        See `representation_effects`; also if the error or the sign is the same in all images of a run.
    """
    crossed = RunMeans(rows, score=error, group=group, groups=(a, b))
    need_columns(rows, [sign])
    check_scores(crossed.rows[sign], f"column {sign}")
    rng = np.random.default_rng(seed)
    weights = resample_seeds(len(crossed.runs), n_boot=n_boot, seed=seed + 1)
    lowest = {"rank correlation": -1.0, "AUROC, largest quarter of errors": 0.0, f"AUROC, {b}": 0.0}
    found = []
    for training, part in crossed.rows.groupby("training", sort=True):
        runs = [
            (p["code"].to_numpy(), p[error].to_numpy(), p[sign].to_numpy(), (p[group] == b).to_numpy())
            for _, p in part.groupby("run", sort=True)
        ]
        observed = np.array([(*_ranked(e, s), weighted.auroc(s, in_b)) for _, e, s, in_b in runs])
        if np.isnan(observed).any():
            problem = f"a run's {error} or {sign} is the same in all images, or it tests one group alone"
            raise InputError(f"training {training}", problem, "Leave that run out, or test more images.")
        drawn = np.empty((n_boot, len(runs), len(lowest)))
        times = drawing.counts(crossed.n, n_boot, rng, int)
        for r, (code, error_of, sign_of, in_b) in enumerate(runs):
            for k, own in enumerate(times[:, code]):
                drawn[k, r, :2] = _ranked(np.repeat(error_of, own), np.repeat(sign_of, own))
            area = weighted.auroc(sign_of, in_b, times[:, code])
            drawn[:, r, 2] = np.where(np.isnan(drawn[:, r, 0]), np.nan, area)
        replicates = np.einsum("krm,kr->km", drawn, weights)
        for m, (name, least) in enumerate(lowest.items()):
            i = crossed.interval(observed[:, m].mean(), replicates[:, m], observed[:, m])
            low, high = np.clip((i.low, i.high), least, 1)  # wide tails can leave the range of a measure
            found.append((training, name, i.estimate, low, high, len(runs), part["code"].nunique()))
    columns = ["training", "measure", "estimate", "low", "high", "runs", "n_images"]
    return pd.DataFrame(found, columns=columns)


def _ranked(error: np.ndarray, sign: np.ndarray) -> tuple[float, float]:
    """Compute the rank correlation, and the AUROC for the largest quarter of errors; NaN if all values are equal."""
    if not len(error) or np.ptp(error) == 0 or np.ptp(sign) == 0:
        return np.nan, np.nan
    rank = stats.rankdata(sign)
    spearman = np.corrcoef(stats.rankdata(error), rank)[0, 1]
    return spearman, weighted.auroc(rank, error >= np.quantile(error, 0.75))
