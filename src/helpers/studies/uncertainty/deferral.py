"""Selective prediction by a warning sign: if the images with the largest sign are handed to a person, what remains?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.stats import weighted
from helpers.stats.seeds import over_seeds
from helpers.stats.warning_signs import COLUMNS, SignedRun, SignStudy


def hand_over(
    rows: pd.DataFrame,
    signs: Sequence[str],
    *,
    error: str,
    a: str,
    b: str,
    shares: Sequence[float] = (0.0, 0.1, 0.2, 0.3, 0.5),
    group: str = "group",
    n_boot: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Compute error and gap of the kept images if those with the largest sign are handed to a person.

    This is selective prediction, or deferral to an expert.

    Parameters
    ----------
    shares : sequence of float
        Shares of images handed over, 0 to below 1.
    rows, signs, error, a, b, group, n_boot, seed
        See `helpers.stats.compare_signs`.

    Returns
    -------
    DataFrame
        ``training, sign, share, measure, estimate, low, high, low90, high90, seeds_share, runs, n_images``. Measures:
        ``error``, the mean error of the kept images; ``gap``, the mean error of `b` minus that of `a` among the kept
        images, NaN if a run keeps no image of a group; ``handed over, <b>``, the share of `b` that is handed over. Each
        replicate finds the largest signs again. If more than a twentieth of the replicates have no value, no interval
        is given: an interval from the remaining replicates would answer another question.

    Raises
    ------
    InputError
        See `helpers.stats.compare_signs`; also if a share is out of range.
    """
    if wrong := [s for s in shares if not 0 <= s < 1]:
        raise InputError(f"shares = {wrong[0]}", "expected 0 to below 1", "Keep some images")
    found = []
    for sign in signs:
        study = SignStudy(rows, error, sign, group, (a, b), n_boot, seed)
        for training in study.trainings:
            for share in shares:

                def kept(w: np.ndarray, r: SignedRun, share: float = share) -> np.ndarray:
                    # An image goes to a person if its midrank is among the largest.
                    return w * (weighted.midranks(r.sign, w) <= (1 - share) * w.sum(1, keepdims=True))

                def gap(w: np.ndarray, r: SignedRun, kept: Callable = kept) -> np.ndarray:
                    return weighted.gap(r.error, kept(w, r), second=r.second)

                def handed(w: np.ndarray, r: SignedRun, kept: Callable = kept) -> np.ndarray:
                    return 1 - (kept(w, r) * r.second).sum(1) / (w * r.second).sum(1)

                def mean(w: np.ndarray, r: SignedRun, kept: Callable = kept) -> np.ndarray:
                    return weighted.mean(r.error, kept(w, r))

                measures = {"error": mean, "gap": gap, f"handed over, {b}": handed}
                for name, measure in measures.items():
                    part = study.measured(training, measure)
                    most = {"error": (0, np.inf), "gap": (-np.inf, np.inf)}.get(name, (0, 1))
                    found.append((training, sign, share, name, *study.interval(training, *part, most)))
    return pd.DataFrame(found, columns=["training", "sign", "share", *COLUMNS[3:]])


def calibration(
    rows: pd.DataFrame, sign: str, *, error: str, a: str, b: str, group: str = "group", bins: int = 5
) -> pd.DataFrame:
    """Compute mean sign and mean error of images binned by the sign in each run, averaged over runs (calibration).

    Parameters
    ----------
    bins : int
        Quantile bins of a run's images, 2 or more.
    rows, sign, error, a, b, group
        See `helpers.stats.compare_signs`; the sign must be in units of the error.

    Returns
    -------
    DataFrame
        ``training, bin, sign, error, low, high, ratio, ratio_low, ratio_high, share <b>, n``. ``low, high`` is
        Student's interval of the mean error over runs. ``ratio`` is sign divided by error, with the same kind of
        interval; it is 1 if the sign is calibrated. ``n`` counts a bin's images; an image counts once for each run.

    Raises
    ------
    InputError
        See `helpers.stats.compare_signs`; also if there are fewer than 2 bins, or more bins than images in a run.
    """
    study = SignStudy(rows, error, sign, group, (a, b), 1, 0)
    runs = study.rows.groupby(["training", "run"], sort=False)
    if not 2 <= bins <= runs.size().min():
        raise InputError(
            f"bins = {bins}", f"expected 2 to {runs.size().min()}, the images of a run", "Use 5 if in doubt"
        )
    order = runs[sign].rank(method="first").groupby([study.rows["training"], study.rows["run"]])
    binned = study.rows.assign(
        bin=order.transform(lambda ranks: pd.qcut(ranks, bins, labels=False)) + 1, second=study.rows[group] == b
    )
    keys = ["training", "bin"]
    each = binned.groupby(["training", "run", "bin"], sort=False)[[sign, error, "second"]].mean().reset_index()
    each = each.rename(columns={"run": "SEED"}).assign(ratio=each[sign] / each[error]).sort_values("bin", kind="stable")
    found, ratio = (over_seeds(each, value, configuration=keys).set_index(keys) for value in (error, "ratio"))
    found = found.rename(columns={"mean": "error"})[["error", "low", "high"]]
    found[["ratio", "ratio_low", "ratio_high"]] = ratio[["mean", "low", "high"]]
    found.insert(0, "sign", each.groupby(keys)[sign].mean())
    found[f"share {b}"] = each.groupby(keys)["second"].mean()
    found["n"] = binned.groupby(keys).size()
    return found.loc[study.trainings].reset_index()
