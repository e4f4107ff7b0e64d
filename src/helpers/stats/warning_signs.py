"""Tests of warning signs: is a sign related to the error, within groups and between them?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.stats import drawing, weighted
from helpers.stats.crossed import resample_seeds, seeded_interval
from helpers.stats.inputs import check_scores, need_columns

BADLY = 0.75  # an image counts as badly served if its error is above this quantile of its run
UNDEFINED = 0.05  # no interval is given if more than this share of replicates has no value
COLUMNS = ["training", "sign", "scope", "measure", "estimate", "low", "high", "low90", "high90", "seeds_share"]
COLUMNS += ["runs", "n_images"]


class SignedRun(NamedTuple):
    """Images of one run under one training: index among all images, error, sign, and membership of the second group."""

    code: np.ndarray
    error: np.ndarray
    sign: np.ndarray
    second: np.ndarray


def compare_signs(
    rows: pd.DataFrame,
    signs: Sequence[str],
    *,
    error: str,
    a: str,
    b: str,
    group: str = "group",
    n_boot: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Compute each warning sign's rank correlation with the error and its AUROCs, pooled and within groups.

    A pooled correlation can come from the difference between the groups alone. For example, dark skin has larger errors
    and a sign only separates dark from light skin. That sign correlates with the error, but it does not rank images of
    dark skin.

    Parameters
    ----------
    rows : DataFrame
        One row per image, run and training: ``training, run, image``, `group`, `error` and the signs.
    signs : sequence of str
        Columns that should be larger where the error is larger.
    error : str
        Column of the error.
    a, b : str
        Two groups; rows of other groups are left out.
    group : str
        Column of groups.
    n_boot, seed : int
        Number of bootstrap replicates, and their seed. Images and runs are resampled independently of each other.

    Returns
    -------
    DataFrame
        ``training, sign, scope, measure, estimate, low, high`` (95%), ``low90, high90`` (90%), ``seeds_share`` (share
        of the runs in the variance), ``runs, n_images``, means over runs. Measures are ``rank correlation`` (Spearman;
        0 for a useless sign) and ``AUROC, served badly`` (how well the sign detects the largest quarter of errors of a
        run; 0.5 for a useless sign). Both have the scopes ``pooled``, each of the two groups, and ``within``, the mean
        of the two groups' values. ``AUROC, <b>`` (how well the sign detects group `b`) is pooled only. Within a group,
        the largest quarter is taken of that group's errors.

    Raises
    ------
    InputError
        A column is missing or not finite; a training has fewer than two runs; a run has no image of a group, or all
        its images of a group have the same error or the same sign; an image occurs twice in a run and training.
    """
    scopes: dict[str, Callable[[SignedRun], np.ndarray]] = {
        "pooled": lambda r: np.ones_like(r.second),
        a: lambda r: ~r.second,
        b: lambda r: r.second,
    }
    found = []
    for sign in signs:
        study = SignStudy(rows, error, sign, group, (a, b), n_boot, seed)
        for training in study.trainings:
            for name, measure, most in (("rank correlation", _order, (-1, 1)), ("AUROC, served badly", _badly, (0, 1))):
                values = {
                    scope: study.measured(training, partial(measure, inside=inside)) for scope, inside in scopes.items()
                }
                values["within"] = tuple((x + y) / 2 for x, y in zip(values[a], values[b], strict=True))
                for scope, part in values.items():
                    found.append((training, sign, scope, name, *study.interval(training, *part, most)))
            part = study.measured(training, lambda w, r: weighted.auroc(r.sign, r.second, w))
            found.append((training, sign, "pooled", f"AUROC, {b}", *study.interval(training, *part, (0, 1))))
    return pd.DataFrame(found, columns=COLUMNS)


def varying_signs(
    rows: pd.DataFrame, signs: Sequence[str], *, group: str = "group"
) -> tuple[list[str], dict[str, str]]:
    """Select the signs that vary in each training, run and group; `compare_signs` refuses the others.

    Returns
    -------
    varying : list of str
    constant : dict of str to str
        Reason by sign: the first place in which it is the same for all images, or no number.

    Raises
    ------
    InputError
        No sign varies everywhere, or a column is missing.
    """
    need_columns(rows, ["training", "run", group, *signs])
    constant: dict[str, str] = {}
    for (training, run, name), part in rows.groupby(["training", "run", group], sort=False):
        for sign in signs:
            values = part[sign].to_numpy(float)
            if not np.isfinite(values).all() or np.ptp(values) == 0:
                constant.setdefault(sign, f"no number, or constant, in the images of {name} in run {run} of {training}")
    if len(constant) == len(signs):
        raise InputError("signs", f"{signs[0]} is {constant[signs[0]]}, and so is each other", "Train longer")
    return [sign for sign in signs if sign not in constant], constant


class SignStudy:
    """Checked rows of one sign by training and run, with bootstrap over images and runs.

    The arguments are those of `compare_signs`.
    """

    def __init__(
        self, rows: pd.DataFrame, error: str, sign: str, group: str, groups: tuple[str, str], n_boot: int, seed: int
    ) -> None:
        need_columns(rows, ["training", "run", "image", group, error, sign])
        self.rows = rows[rows[group].isin(groups)]
        for column in (error, sign):
            check_scores(self.rows[column], f"column {column}")
        if self.rows.duplicated(["training", "run", "image"]).any():
            raise InputError("column image", "an image occurs twice in a run and training", "Keep one row of each.")
        codes, ids = pd.factorize(self.rows["image"])
        self.n, self.n_boot, self.seed = len(ids), n_boot, seed
        self.trainings = list(pd.unique(self.rows["training"]))
        self._runs: dict[object, list[SignedRun]] = {}
        for training, part in self.rows.assign(code=codes).groupby("training", sort=False):
            runs = []
            for run, own in part.groupby("run", sort=True):
                made = SignedRun(
                    *(own[c].to_numpy(float) for c in ("code", error, sign)), (own[group] == groups[1]).to_numpy()
                )
                made = made._replace(code=made.code.astype(int))
                for name, inside in zip(groups, (~made.second, made.second), strict=True):
                    if not inside.any() or np.ptp(made.error[inside]) == 0 or np.ptp(made.sign[inside]) == 0:
                        problem = f"run {run} has no image of {name}, or its {error} or {sign} is the same in all"
                        raise InputError(f"training {training}", problem, "Leave that run out, or test more images.")
                runs.append(made)
            if len(runs) < 2:
                problem = "one run cannot show how much runs vary"
                raise InputError(f"training {training}", problem, "Repeat the experiment twice or more.")
            self._runs[training] = runs

    def measured(self, training: object, measure: Callable[[np.ndarray, SignedRun], np.ndarray]):
        """Compute a measure in each run, shape (runs,), and its mean over runs in each replicate, shape (n_boot,)."""
        runs = self._runs[training]
        times = drawing.multinomial(self.n, n_boot=self.n_boot, seed=self.seed).astype(float)
        observed = np.array([measure(np.ones((1, len(r.code))), r)[0] for r in runs])
        drawn = np.stack([measure(times[:, r.code], r) for r in runs], axis=1)
        weights = resample_seeds(len(runs), n_boot=self.n_boot, seed=self.seed + 1)
        return observed, (drawn * weights).sum(1)

    def interval(
        self, training: object, observed: np.ndarray, replicates: np.ndarray, most: tuple[float, float]
    ) -> tuple:
        """Return `COLUMNS` from the estimate on; the 95% and the 90% interval are clipped to the measure's range."""
        n = len(np.unique(np.concatenate([r.code for r in self._runs[training]])))
        if np.isnan(observed).any():
            return (np.nan,) * 6 + (len(observed), n)
        if np.isnan(replicates).mean() > UNDEFINED:
            return observed.mean(), *(np.nan,) * 5, len(observed), n
        found = seeded_interval(float(observed.mean()), replicates, [observed], n=n)
        ends = np.clip((found.low, found.high, *found.null_ends()), *most)  # wide tails can leave the range
        return found.estimate, *ends, found.seeds_share, len(observed), n


def _order(weights: np.ndarray, run: SignedRun, *, inside: Callable[[SignedRun], np.ndarray]) -> np.ndarray:
    return weighted.rank_correlation(run.error, run.sign, weights * inside(run))


def _badly(weights: np.ndarray, run: SignedRun, *, inside: Callable[[SignedRun], np.ndarray]) -> np.ndarray:
    own = inside(run)
    return weighted.auroc(run.sign, run.error > np.quantile(run.error[own], BADLY), weights * own)
