"""Comparison of mitigation methods with plain training: accuracy, worst group and group gaps, over training seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.errors import InputError, check_choice
from helpers.metrics.rates import SMALLEST, check_labels, check_predictions, check_probabilities
from helpers.stats import drawing, weighted
from helpers.stats._cohort import add_q
from helpers.stats.crossed import resample_seeds, seeded_interval, two_sided_p
from helpers.stats.inputs import check_groups
from helpers.stats.resample import Interval

METRICS = ("auroc", "worst_auroc", "auroc_gap", "eodd", "eop", "worst_accuracy")
CHANGE = ("change", "change_low", "change_high", "change_low90", "change_high90", "seeds_share", "p")
BLOCK = 250_000  # weights processed at a time: 2 MB, which fit in a processor's cache


def compare_methods(
    y_true: ArrayLike,
    probabilities: Mapping[str, ArrayLike],
    decisions: Mapping[str, ArrayLike],
    *,
    groups: ArrayLike,
    patient: ArrayLike,
    baseline: str = "plain",
    minimum: int = SMALLEST,
    n_boot: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compute discrimination and fairness of every method, and the change of each from the baseline.

    Every metric is computed for each training seed and then averaged. So it is the expected result of one training, not
    the result of an ensemble.

    Parameters
    ----------
    y_true : array_like of shape (n,)
        0, 1 or NaN (unknown: such a case is left out).
    probabilities : mapping of str to array_like of shape (seeds, n)
        Per method, one row for each training seed, in 0 to 1. Row k of every method belongs to the same seed (the same
        starting network and order of the cases), so that seeds are resampled together.
    decisions : mapping of str to array_like of shape (seeds, n)
        0 or 1, by a threshold chosen on validation cases, which may differ between groups.
    groups : array_like of shape (n,)
        Group labels. A case without one counts in the overall metrics and in no group.
    patient : array_like of shape (n,)
        Patient of each case. Patients are resampled with all their cases (bootstrap over patients).
    baseline : str
        Method that the others are compared with.
    minimum : int
        A group in which fewer patients have a positive, or a negative, is left out of every group metric, and listed
        in ``left_out``.
    n_boot, seed, level
        Bootstrap replicates, their seed, and the coverage of the intervals.

    Returns
    -------
    DataFrame
        One row per method and metric: ``value`` with its interval ``low, high``; ``baseline`` (the baseline's value),
        ``change`` (value minus baseline) with ``change_low, change_high``, its 90% interval ``change_low90,
        change_high90`` and ``seeds_share``, the share of the seeds in its variance (None with one seed), ``p``
        (two-sided) and ``q`` (Benjamini-Hochberg over the whole table); in rows of the baseline, ``change`` to ``q``
        are NaN; ``seeds``;
        ``n`` cases and ``n_patients`` that the metric uses; ``n_smallest``, the number of positives or of
        negatives, whichever is smaller, of the smallest group (for "auroc" of all cases); ``left_out``, the groups that
        are too small; and ``dropped``, the replicates in which a class was not drawn. ``attrs["tests"]`` is the number
        of tests in the table. The metrics are

        - "auroc": area under the ROC curve, of all cases,
        - "worst_auroc", "auroc_gap": the smallest AUROC of a group, and the largest minus the smallest,
        - "eodd": equalized odds difference, half the sum of the gaps in true and in false positive rate, as
          `helpers.metrics.rates.equalized_odds_difference`,
        - "eop": equal opportunity difference, the gap in true positive rate,
        - "worst_accuracy": the smallest balanced accuracy, ``(TPR + 1 - FPR) / 2``, of a group.

        If fewer than two groups are left, group metrics are NaN and are not tested.

    Raises
    ------
    InputError
        A shape, a label, a probability or a decision is not as above, methods differ in their number of seeds, the
        baseline is absent, a class is absent, or a patient has two groups.

    Notes
    -----
    A replicate draws patients and training seeds (crossed bootstrap), the same for every method, so that variation
    shared by the methods cancels in the change. Interval ends and p come from `helpers.stats.crossed.seeded_interval`;
    its t tails account for the small number of seeds. Networks of two seeds err on different patients. This variation
    appears in both draws and is counted once, as in two-way clustering (Cameron, Gelbach and Miller 2011,
    https://doi.org/10.1198/jbes.2010.07136). A plain crossed bootstrap counts it twice, and then a test of two methods
    that differ by chance alone rejects in 1% instead of 5% of studies. Measured in 1000 such studies with three seeds,
    p of the AUROC is below 0.05 in 2 to 5%, and in 7 to 8% if trainings vary more than patients do (6% with five
    seeds). With one seed only patients are drawn: such an interval does not cover the variation between trainings.

    The smallest value of several groups, and the largest minus the smallest, are biased by noise: the worst group looks
    worse, and a gap wider, than it is, the more so the smaller the groups. Read these values with this in mind. The
    change compares two methods on the same patients and seeds, so that most of this bias cancels. Resampling adds the
    bias once more; therefore replicates are shifted to have the estimate as their mean. The change of a gap is a weak
    test if groups are similar to begin with, since a gap of either sign counts as the same: it then hardly ever
    rejects, rightly or wrongly.
    """
    study = _check(y_true, probabilities, decisions, groups, patient, baseline, minimum)
    if n_boot < 1:
        raise InputError("n_boot", f"must be 1 or more, got {n_boot}", "Use 1000.")
    observed, drawn = _metrics(study, np.ones((1, study.n_patients))), _draw(study, n_boot, seed)
    weights = seed_weights(study.seeds, n_boot=n_boot, seed=seed + 1)
    first, rows = study.methods.index(baseline), []
    for i, method in enumerate(study.methods):
        for metric in METRICS:
            values, draws = observed[metric][0], drawn[metric]  # (methods, seeds), (replicates, methods, seeds)
            row = {"method": method, "metric": metric, "baseline": float(values[first].mean())}
            own = _estimate(values[i], draws[:, i], weights, study, level)
            row |= {"value": own[0], "low": np.maximum(own[1], 0.0), "high": np.minimum(own[2], 1.0)}
            change = (np.nan,) * len(CHANGE)
            if i != first:
                change = _estimate(values[i] - values[first], draws[:, i] - draws[:, first], weights, study, level)
            row |= dict(zip(CHANGE, change, strict=True))
            row |= {"seeds": study.seeds} | study.sizes[metric == "auroc"]
            rows.append(row | {"dropped": int(np.isnan(draws[:, i, 0]).sum())})
    columns = ["method", "metric", "value", "low", "high", "baseline", *CHANGE]
    return add_q(pd.DataFrame(rows)[columns + [c for c in rows[0] if c not in columns]])


def seed_weights(seeds: int, *, n_boot: int, seed: int) -> np.ndarray:
    """Draw weights of the training seeds, shape (n_boot, seeds); all 1 with one seed."""
    return resample_seeds(seeds, n_boot=n_boot, seed=seed) if seeds > 1 else np.ones((n_boot, 1))


class _Study(NamedTuple):
    """Cases with a known label. `orders` has, for all cases and for each compared group, one `Sides` for each method
    and seed. `hits` has the decisions, (cases, methods x seeds). `sides` marks the positives and the negatives of each
    group, (2, groups, cases). `sizes` has the counts in a table row, for all cases (True) and the groups (False)."""

    methods: list[str]
    seeds: int
    patient: np.ndarray
    n_patients: int
    orders: list[list[weighted.Sides]]
    hits: np.ndarray
    sides: np.ndarray
    sizes: dict[bool, dict[str, object]]


def _estimate(
    values: np.ndarray, draws: np.ndarray, weights: np.ndarray, study: _Study, level: float
) -> tuple[float | None, ...]:
    """Compute `CHANGE`, or the same of a value, from values (seeds,) and draws (n_boot, seeds); p is against 0."""
    if np.isnan(values.mean()):
        return (np.nan,) * len(CHANGE)
    found = over_seeds(values, draws, weights, n=study.n_patients, level=level)
    return found.estimate, found.low, found.high, *found.null_ends(), found.seeds_share, two_sided_p(found)


def over_seeds(values: np.ndarray, draws: np.ndarray, weights: np.ndarray, *, n: int, level: float = 0.95) -> Interval:
    """Compute the mean over training seeds of a statistic, with its interval over seeds and patients.

    Parameters
    ----------
    values : ndarray of shape (seeds,)
        The statistic of each seed.
    draws : ndarray of shape (n_boot, seeds)
        The same in resampled patients.
    weights : ndarray of shape (n_boot, seeds)
        From `stats.crossed.resample_seeds`; with one seed it is not used.
    n : int
        Patients.
    level : float

    Returns
    -------
    Interval
        See Notes of `compare_methods`.
    """
    value = float(values.mean())
    replicates = _cross(values, draws, weights)
    replicates = np.round(replicates - np.nanmean(replicates) + value, 12)  # rounding errors are no change
    return seeded_interval(value, replicates, [values] if len(values) > 1 else [], n=n, level=level)


def _cross(values: np.ndarray, draws: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute replicates of the mean over seeds when patients and seeds are both resampled, (n_boot,).

    Networks of different seeds err on different patients. This variation is part of both the variance over patients and
    the variance between seeds. The differences between seeds are therefore shrunk by it, so that the replicates'
    variance is that of patients, plus that of seeds, minus the part common to both.
    """
    seeds, means = len(values), draws.mean(axis=1)
    between = values.var(ddof=1) / seeds if seeds > 1 else 0.0
    if not between:
        return means
    apart = draws[~np.isnan(means)]
    apart = apart - apart.mean(axis=1, keepdims=True)
    common = apart.var(axis=0).mean() / (seeds - 1) if len(apart) else 0.0
    return means + np.sqrt(max(0.0, 1 - common / between)) * (weights @ values - values.mean())


def _draw(study: _Study, n_boot: int, seed: int) -> dict[str, np.ndarray]:
    """Compute every metric in resampled cohorts, (n_boot, methods, seeds)."""
    step = max(1, BLOCK // len(study.patient))
    blocks = drawing.blocks(study.n_patients, n_boot=n_boot, seed=seed, step=step)
    parts = [_metrics(study, counts) for counts in blocks]
    return {metric: np.concatenate([part[metric] for part in parts]) for metric in METRICS}


def _metrics(study: _Study, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Compute every metric, (replicates, methods, seeds), from the draws of each patient, (replicates, patients)."""
    weights = np.ascontiguousarray(counts.T[study.patient])  # (cases, replicates)
    shape = (-1, len(counts), len(study.methods), study.seeds)
    areas = np.array([[weighted.area(order, weights) for order in cell] for cell in study.orders])
    areas = np.moveaxis(areas, 2, 1).reshape(shape)  # (cells, replicates, methods, seeds)
    undefined = np.full(areas[0].shape, np.nan)
    found = {"auroc": areas[0]} | dict.fromkeys(METRICS[1:], undefined)
    if len(areas) == 1:
        return found
    rates = [[weighted.rate(study.hits[side], weights[side].T) for side in group] for group in study.sides]
    tpr, fpr = np.reshape(rates, (2, *shape))  # (groups, replicates, methods, seeds) each
    spread = tpr.max(axis=0) - tpr.min(axis=0), fpr.max(axis=0) - fpr.min(axis=0)
    return found | {
        "worst_auroc": areas[1:].min(axis=0),
        "auroc_gap": areas[1:].max(axis=0) - areas[1:].min(axis=0),
        "eodd": (spread[0] + spread[1]) / 2,
        "eop": spread[0],
        "worst_accuracy": ((tpr + 1 - fpr) / 2).min(axis=0),
    }


def _check(
    y_true: ArrayLike,
    probabilities: Mapping[str, ArrayLike],
    decisions: Mapping[str, ArrayLike],
    groups: ArrayLike,
    patient: ArrayLike,
    baseline: str,
    minimum: int,
) -> _Study:
    labels, methods = check_labels(y_true), list(probabilities)
    scores, hits = _check_fits(probabilities, decisions, len(labels), baseline)
    for name, given in (("groups", groups), ("patient", patient)):
        if isinstance(given, pd.Series) and isinstance(y_true, pd.Series) and not given.index.equals(y_true.index):
            raise InputError(name, "its index is not that of the labels", "Take both columns from one frame.")
    codes, levels, owner = _check_people(groups, patient, len(labels))
    judged = ~np.isnan(labels)
    positive, codes = labels[judged] == 1, codes[judged]
    if positive.all() or not positive.any():
        problem = f"{int(positive.sum())} positives and {int((~positive).sum())} negatives"
        raise InputError("y_true", problem, "Both classes are needed: take a finding that some cases have.")
    names, owner = np.unique(owner[judged], return_inverse=True)
    sides = (codes == np.arange(len(levels))[:, None]) & np.stack([positive, ~positive])[:, None]
    people = [[len(np.unique(owner[side])) for side in group] for group in sides]
    kept = np.min(people, axis=0) >= max(minimum, 1)
    left_out = ", ".join(str(level) for level, keep in zip(levels, kept, strict=True) if not keep)
    sides = sides[:, kept & (kept.sum() > 1)]
    inside, smallest = sides.any(axis=(0, 1)), sides.sum(axis=2).min(initial=len(positive))
    about = {"n": int(inside.sum()), "n_patients": len(np.unique(owner[inside]))}
    about |= {"n_smallest": int(smallest) if inside.any() else np.nan, "left_out": left_out}
    overall = {"n": len(positive), "n_patients": len(names)}
    overall |= {"n_smallest": int(min(positive.sum(), (~positive).sum())), "left_out": ""}
    cells = [np.arange(len(positive)), *(np.flatnonzero(group) for group in sides.any(axis=0))]
    orders = [
        [weighted.by_score(score, positive, cases) for rows in scores for score in rows[:, judged]] for cases in cells
    ]
    decided = np.concatenate(hits)[:, judged].T
    return _Study(methods, len(hits[0]), owner, len(names), orders, decided, sides, {True: overall, False: about})


def _check_fits(
    probabilities: Mapping[str, ArrayLike], decisions: Mapping[str, ArrayLike], n: int, baseline: str
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the checked probabilities and decisions of every method, each (seeds, n)."""
    methods = list(probabilities)
    check_choice("baseline", baseline, methods)
    if set(decisions) != set(methods):
        odd = sorted(set(methods) ^ set(decisions), key=str)
        raise InputError("decisions", f"{odd} are in one of the mappings only", "Give both mappings for every method.")
    scores = [_rows(probabilities[m], n, f"probabilities[{m!r}]", check_probabilities) for m in methods]
    hits = [_rows(decisions[m], n, f"decisions[{m!r}]", check_predictions) for m in methods]
    seeds = {len(rows) for rows in (*scores, *hits)}
    if len(seeds) > 1:
        problem = f"some methods have {min(seeds)}, others {max(seeds)}"
        raise InputError("training seeds", problem, "Give every method the same seeds, in one order.")
    return scores, hits


def _check_people(groups: ArrayLike, patient: ArrayLike, n: int) -> tuple[np.ndarray, list[object], np.ndarray]:
    """Return the group code of each case, the group names, and the patient code of each case, all checked."""
    codes, levels = check_groups(groups, n)
    owner, _ = check_groups(patient, n, "patient")
    if (owner < 0).any():
        raise InputError("patient", f"missing in {int((owner < 0).sum())} of {n} cases", "Name the patient of each.")
    pairs = np.unique(np.stack([owner, codes])[:, codes >= 0], axis=1)[0]
    twice = np.unique(pairs[1:][np.diff(pairs) == 0])
    if len(twice):
        problem = f"{len(twice)} patients have more than one, the first in row {np.isin(owner, twice).argmax()}"
        raise InputError("groups", problem, "Give each patient one group, such as the group of the first image.")
    return codes, levels, owner


def _rows(given: ArrayLike, n: int, name: str, check) -> np.ndarray:
    """Return checked values with one row for each training seed; raise InputError for another shape."""
    try:
        rows = np.asarray(given, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(name, f"not numbers ({error})", "Give an array (seeds, n).") from None
    if rows.ndim != 2 or rows.shape[1] != n or not len(rows):
        raise InputError(name, f"shape {rows.shape}, expected (seeds, {n})", "Give one row for each training seed.")
    return check(rows.ravel(), name).reshape(rows.shape)
