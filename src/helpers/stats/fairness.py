"""Published fairness measures under the original and under every reconstruction, and their change.

Each measure is the largest minus the smallest group (or the ratio of both). It is never negative, and biased upward
for small groups. Both arms are resampled together, so that most of this bias cancels in the change. Such a change does
not show which group loses. Its test also has little power: if the groups are alike at the start, it is hardly ever
significant, rightly or wrongly, because a gap of either sign counts as the same gap. `helpers.stats.harm_in_rates` and
the related functions compare the groups with a sign.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.errors import InputError
from helpers.metrics.rates import SMALLEST, check_labels, check_predictions
from helpers.stats._cohort import add_q, change_row, check_arms, check_cohort, check_columns, resampled, standard_errors


def prediction_fairness(
    y_true: pd.DataFrame,
    predictions: Mapping[str, pd.DataFrame],
    *,
    attributes: pd.DataFrame,
    patient: ArrayLike,
    baseline: str = "original",
    minimum: int = SMALLEST,
    as_published: bool = False,
    n_boot: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compute equalized odds and equal opportunity differences of every finding, attribute and arm, and their change.

    Parameters
    ----------
    y_true : DataFrame of shape (n, findings)
        0, 1 or NaN (not judged), one row per case.
    predictions : mapping of str to DataFrame of shape (n, findings)
        0 or 1 per arm, after the threshold (see `helpers.stats.predict_at`), with the index of `y_true`.
    attributes : DataFrame of shape (n, attributes)
        Group labels; cases without a label of an attribute are left out of its results.
    patient : array_like of shape (n,)
        Patient of each case: patients are resampled, each with all of their cases (bootstrap over patients).
    baseline : str
        The arm the others are compared with.
    minimum : int
        A group in which fewer patients have a positive (negative) is left out of the true (false) positive rate, and
        named in ``left_out``.
    as_published : bool
        Keep every group instead, and give an empty group a true positive rate of 1 and a false positive rate of 0. To
        resample cases as the publication does, give each case a different patient.
    n_boot, seed, level
        Replicates, their seed, and the coverage of the percentile interval. All rows use the same draws of patients.

    Returns
    -------
    DataFrame
        One row per finding, attribute, arm and metric ("eodd", "eop"): ``baseline, value, change`` (value minus
        baseline), ``se, low, high, low90, high90`` (its 90% interval), ``p`` (two-sided), ``q`` (Benjamini-Hochberg
        over the whole table), ``p_as_published`` (one-sided), ``dropped`` replicates, ``se_baseline, se_value``
        (standard errors of the two values themselves), sizes ``n`` (cases), ``n_patients``, ``n_positive`` and
        ``n_negative`` (of the smallest group compared) and ``left_out``. If fewer than two groups are left, the numbers
        are NaN and no test is made. ``attrs["tests"]`` is the number of tests corrected for.

    Raises
    ------
    InputError
        Lengths or indices differ, a label or a prediction is not 0 or 1, the baseline is absent, an attribute has one
        group only, or a patient has two.
    """
    others = check_arms(predictions, baseline)
    check_columns(y_true, predictions)
    cohort = check_cohort(patient, attributes, y_true.index)
    arms = [baseline, *others]
    blocks, tables = [], []
    for finding in y_true.columns:
        labels = check_labels(y_true[finding], f"y_true[{finding!r}]")
        hits = [check_predictions(predictions[arm][finding], f"{arm}[{finding!r}]") for arm in arms]
        sides = np.stack([labels == 1, labels == 0], axis=1)
        per_case = np.stack([sides] + [sides * hit[:, None] for hit in hits], axis=1)  # (n, 1 + arms, 2)
        per_patient = cohort.total(per_case.reshape(len(labels), -1))
        for attribute in cohort.attributes:
            blocks.append((finding, attribute))
            table = attribute.onehot()[:, :, None] * per_patient[:, None]
            tables.append(table.reshape(len(table), -1).astype(np.float32))
    rows = []
    replicates = resampled(tables, n_boot=n_boot, seed=seed)
    for (finding, attribute), table, sums in zip(blocks, tables, replicates, strict=True):
        shape = (
            -1,
            len(attribute.levels),
            1 + len(arms),
            2,
        )  # replicates, groups, size and arms, positive and negative
        point = table.sum(axis=0, dtype=float).reshape(shape)
        sizes = point[0, :, 0]
        each = table.reshape(len(table), *shape[1:])[:, :, 0]  # (patients, groups, positive and negative)
        kept = (sizes >= 0) if as_published else (each > 0).sum(axis=0) >= max(minimum, 1)
        estimates, draws = (_gaps(counts, kept, as_published) for counts in (point, sums.astype(float).reshape(shape)))
        known = each.any(axis=(1, 2))
        smallest = [float(sizes[k, i].min()) if (k := kept[:, i]).any() else np.nan for i in (0, 1)]
        about = {"n": int(sizes.sum()), "n_patients": int(known.sum())}
        about |= {"n_positive": smallest[0], "n_negative": smallest[1], "left_out": _named(attribute.levels, kept)}
        for j, arm in enumerate(others, start=1):
            for metric in ("eodd", "eop"):
                first, second = (float(estimates[metric][0, k]) for k in (0, j))
                changes = draws[metric][:, j] - draws[metric][:, 0]
                row = {"finding": finding, "attribute": attribute.name, "arm": arm, "metric": metric}
                row |= change_row(first, second, changes, n=about["n_patients"], level=level)
                rows.append(row | standard_errors(draws[metric][:, 0], draws[metric][:, j]) | about)
    return add_q(pd.DataFrame(rows))


def score_fairness(
    scores: pd.DataFrame,
    *,
    attributes: pd.DataFrame,
    patient: ArrayLike,
    baseline: str = "original",
    minimum: int = SMALLEST,
    n_boot: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compute group gaps in the mean of a score such as Dice or PSNR, for every attribute and arm, and their change.

    A patient's score is the mean over the patient's cases with a score. A group's score is the mean over its patients.

    Parameters
    ----------
    scores : DataFrame of shape (n, arms)
        The score of each case under each arm; NaN where it is undefined. A patient without a score under some arm is
        left out of all arms. For PSNR, give the degraded image as `baseline`: the PSNR of the original is infinite.
    attributes, patient, baseline, minimum, n_boot, seed, level
        As in `prediction_fairness`; `minimum` counts patients.

    Returns
    -------
    DataFrame
        One row per attribute, arm and metric, with the columns of `prediction_fairness` and ``n_smallest``, the
        number of patients in the smallest group compared. The metrics are "delta" (largest minus smallest group mean),
        "percent" (delta in percent of the smallest mean) and, if all scores are in 0 to 1, "ser" (skewed error ratio,
        ``(1 - smallest mean) / (1 - largest mean)``).

    Raises
    ------
    InputError
        As in `prediction_fairness`, or a score is infinite or not a number.
    """
    others = check_arms(dict.fromkeys(scores.columns), baseline)
    cohort = check_cohort(patient, attributes, scores.index)
    arms = [baseline, *others]
    means = patient_means(scores[arms], cohort.total)
    known = ~np.isnan(means).any(axis=1)
    metrics = ["delta", "percent"] + (["ser"] if np.nanmin(means) >= 0 and np.nanmax(means) <= 1 else [])
    tables = []
    for attribute in cohort.attributes:
        members = attribute.onehot() * known[:, None]
        valued = members[:, :, None] * np.where(known[:, None], means, 0)[:, None]
        tables.append(np.concatenate([members[:, :, None], valued], axis=2).reshape(len(means), -1))
    rows = []
    replicates = resampled(tables, n_boot=n_boot, seed=seed)
    for attribute, table, sums in zip(cohort.attributes, tables, replicates, strict=True):
        shape = (-1, len(attribute.levels), 1 + len(arms))
        point = table.sum(axis=0).reshape(shape)
        sizes = point[0, :, 0]
        kept = sizes >= max(minimum, 1)
        estimates, draws = (_spreads(values, kept) for values in (point, sums.reshape(shape)))
        about = {"n": int(sizes.sum()), "n_smallest": float(sizes[kept].min()) if kept.any() else np.nan}
        about |= {"left_out": ", ".join(str(x) for x, k in zip(attribute.levels, kept, strict=True) if not k)}
        for j, arm in enumerate(others, start=1):
            for metric in metrics:
                first, second = (float(estimates[metric][0, k]) for k in (0, j))
                with np.errstate(invalid="ignore"):  # a perfect group makes both ratios infinite
                    changes = draws[metric][:, j] - draws[metric][:, 0]
                row = {"attribute": attribute.name, "arm": arm, "metric": metric}
                row |= change_row(first, second, changes, n=about["n"], level=level)
                rows.append(row | standard_errors(draws[metric][:, 0], draws[metric][:, j]) | about)
    return add_q(pd.DataFrame(rows))


def patient_means(scores: pd.DataFrame, total) -> np.ndarray:
    """Compute the mean score of each patient under each arm, over the cases with a score; NaN if no case has one."""
    try:
        values = scores.to_numpy(dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError("scores", f"not numbers ({error})", "Give one number per case and arm.") from None
    if np.isinf(values).any():
        arm = scores.columns[np.isinf(values).any(axis=0)][0]
        problem = f"{int(np.isinf(values).sum())} values are infinite, the first under {arm!r}"
        raise InputError("scores", problem, "Equal images have an infinite PSNR: leave this arm or these cases out.")
    given = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        means = total(np.where(given, values, 0)) / total(given.astype(float))
    if np.isnan(means).any(axis=1).all():
        raise InputError("scores", "no patient has a score under every arm", "Give the arms the same cases.")
    return means


def _gaps(counts: np.ndarray, kept: np.ndarray, as_published: bool) -> dict[str, np.ndarray]:
    """Compute the equalized odds and equal opportunity differences, (replicates, arms).

    `counts` has the shape (replicates, groups, size and arms, positive and negative).
    """
    gaps = []
    for side, empty in ((0, 1.0), (1, 0.0)):
        groups = kept[:, side]
        if groups.sum() < 2:
            gaps.append(np.full((len(counts), counts.shape[2] - 1), np.nan))
            continue
        chosen = counts[..., side][:, groups]
        size, hits = chosen[:, :, :1], chosen[:, :, 1:]
        with np.errstate(invalid="ignore"):
            rates = hits / size
        if as_published:
            rates = np.where(size == 0, empty, rates)
        gaps.append(rates.max(axis=1) - rates.min(axis=1))  # NaN where a group was not drawn
    return {"eodd": (gaps[0] + gaps[1]) / 2, "eop": gaps[0]}


def _spreads(values: np.ndarray, kept: np.ndarray) -> dict[str, np.ndarray]:
    """Compute the metrics of `score_fairness`, (replicates, arms), from sums (replicates, groups, size and arms)."""
    if kept.sum() < 2:
        undefined = np.full((len(values), values.shape[2] - 1), np.nan)
        return {"delta": undefined, "percent": undefined, "ser": undefined}
    with np.errstate(invalid="ignore", divide="ignore"):
        means = values[:, kept, 1:] / values[:, kept, :1]
        low, high = means.min(axis=1), means.max(axis=1)
        return {"delta": high - low, "percent": 100 * (high - low) / low, "ser": (1 - low) / (1 - high)}


def _named(levels: list[object], kept: np.ndarray) -> str:
    """Name the groups left out, with the rates concerned: "Other (tpr), Asian (tpr, fpr)"."""
    out = zip(levels, kept, strict=True)
    named = [(level, [rate for rate, k in zip(("tpr", "fpr"), both, strict=True) if not k]) for level, both in out]
    return ", ".join(f"{level} ({', '.join(rates)})" for level, rates in named if rates)
