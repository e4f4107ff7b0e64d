"""Measures of the maps of phrases against their boxes, and contrasts of maps with intervals over patients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from helpers import metrics, stats
from helpers.errors import InputError, check_choice
from helpers.stats import Interval
from helpers.studies.phrase_grounding.cohorts import Cohort, half_masks

MEASURES = ("auroc", "cnr", "miou", "iou", "pointing", "mass_on_side", "side_right", "mass_on_other")
UNBOUNDED = ("cnr",)  # the others are shares or areas, from 0 to 1
TABLED = ("auroc", "cnr", "miou", "pointing", "mass_on_other")
LEVELS = tuple(np.round(np.arange(0.05, 1, 0.05), 2))  # thresholds of which the best is chosen on other pictures


def measured(maps: np.ndarray, cohort: Cohort, *, level: float = 0.5) -> pd.DataFrame:
    """Measure one map of each phrase.

    Parameters
    ----------
    maps : ndarray of shape (phrases, side, side)
        0 or more; NaN for a phrase without this map, which then has no measure.
    cohort : Cohort
    level : float
        Threshold of ``iou``, chosen on other pictures, see `best_level`.

    Returns
    -------
    DataFrame
        One row a phrase: `Cohort.phrases` and ``auroc, cnr, miou, iou, pointing``; ``mass_on_side`` and ``side_right``
        (more than half of the mass is on the named side; missing without a side); and ``mass_on_other``, the share of
        the mass in the boxes of the picture's other phrases. A constant map has an area of 0.5 and otherwise none.
    """
    there = ~np.isnan(maps).any((1, 2))
    found = cohort.phrases.assign(**dict.fromkeys(MEASURES, np.nan))
    if not there.any():
        return found
    used, boxes = maps[there], cohort.masks[there]
    halves = half_masks(cohort.phrases["side"], maps.shape[-1])[there]
    sided = cohort.phrases["side"].notna().to_numpy()[there]
    others = _other_boxes(cohort)[there]
    mass = np.full(len(used), np.nan)
    mass[sided] = metrics.mass_share(used[sided], halves[sided]) if sided.any() else np.nan
    elsewhere, some = np.full(len(used), np.nan), others.any((1, 2))
    elsewhere[some] = metrics.mass_share(used[some], others[some]) if some.any() else np.nan
    found.loc[there, list(MEASURES)] = np.column_stack(
        [
            metrics.localisation(used, boxes),
            metrics.contrast_to_noise(used, boxes),
            metrics.map_overlap(used, boxes).mean(1),
            metrics.map_overlap(used, boxes, thresholds=(level,))[:, 0],
            metrics.pointing(used, boxes),
            mass,
            np.where(np.isnan(mass) | (np.ptp(used, axis=(1, 2)) == 0), np.nan, mass > 0.5),
            elsewhere,
        ]
    )
    return found


def best_level(maps: np.ndarray, cohort: Cohort) -> float:
    """Choose the threshold with the best mean IoU, on pictures that are not tested; 0.5 if no map has one."""
    there = ~np.isnan(maps).any((1, 2))
    if not there.any():
        return 0.5
    overlap = metrics.map_overlap(maps[there], cohort.masks[there], thresholds=LEVELS)
    return 0.5 if np.isnan(overlap).all() else float(LEVELS[int(np.nanmean(overlap, 0).argmax())])


def _other_boxes(cohort: Cohort) -> np.ndarray:
    """Mark the boxes of the other phrases of each picture, without the phrase's boxes."""
    others = np.zeros_like(cohort.masks)
    for rows in cohort.phrases.groupby("image").indices.values():
        for row in rows:
            others[row] = cohort.masks[rows[rows != row]].any(0) & ~cohort.masks[row]
    return others


def over_patients(rows: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Average a measure over the phrases of each patient, for each situation and method; missing ones are left out."""
    check_choice("measure", measure, MEASURES)
    part = rows[rows[measure].notna()]
    return (
        part.groupby(["situation", "method", "patient", "sex"], sort=False, dropna=False)[measure].mean().reset_index()
    )


def map_table(rows: pd.DataFrame, measure: str, *, situation: str) -> pd.DataFrame:
    """Tabulate the mean of a measure of each method, with a 95% interval over patients.

    The interval is Student's, on the logit scale for a measure from 0 to 1, see `helpers.stats.logit_ends`.

    Returns
    -------
    DataFrame
        Index: the methods that have the measure. ``estimate, low, high`` and ``n``, of patients.

    Raises
    ------
    InputError
        There is no such measure, or no row of the situation.
    """
    part = over_patients(rows[rows["situation"] == situation], measure)
    if part.empty:
        raise InputError("situation", f"{situation} has no row with {measure}", "Give one of the run")
    table = stats.by_group(part[measure], groups=part["method"]).rename(columns={"mean": "estimate"})
    if measure not in UNBOUNDED:
        halves = zip(table["estimate"], table["high"] - table["estimate"], strict=True)
        table[["low", "high"]] = [stats.logit_ends(mean, half) for mean, half in halves]
    order = [name for name in rows["method"].unique() if name in table.index]
    return table.loc[order, ["estimate", "low", "high", "n"]]


def map_values(rows: pd.DataFrame, situation: str, measures: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Collect `map_table` of several measures as estimates, by method and measure; without those that have no value."""
    part, values = rows[rows["situation"] == situation], {}
    for measure in measures:
        if part[measure].notna().any():
            for method, row in map_table(part, measure, situation=situation).iterrows():
                values.setdefault(method, {})[measure] = stats.estimate(row)
    return values


def side_table(rows: pd.DataFrame, methods: tuple[str, ...]) -> pd.DataFrame:
    """Tabulate side accuracy in the situation *same*, with 95% intervals over patients, and the AUROC next to it.

    Returns
    -------
    DataFrame
        Index: those of the methods that have it. ``side accuracy, low, high, n`` and ``AUROC``; empty if no phrase of
        the situation names a side.
    """
    found = map_values(rows, "same", ("side_right", "auroc"))
    rated = {name: found[name] for name in methods if "side_right" in found.get(name, {})}
    table = pd.DataFrame({name: of["side_right"] for name, of in rated.items()}).T.astype(float)
    table = table.assign(AUROC=[of["auroc"]["estimate"] for of in rated.values()])
    return table.rename(columns={"estimate": "side accuracy"})


def contrast(
    rows: pd.DataFrame, measure: str, less: str, method: str, *, situation: str, n_boot: int = 2_000, seed: int = 0
) -> Interval | None:
    """Estimate the mean of a measure of one map less that of another, on the same phrases, drawing patients.

    None if fewer than ten patients have both.
    """
    part = rows[(rows["situation"] == situation) & rows["method"].isin([less, method]) & rows[measure].notna()]
    both = part.groupby(["patient", "text"])["method"].transform("nunique") == 2
    part = part[both]
    if part["patient"].nunique() < 10:
        return None
    drawn = {"cluster": part["patient"], "n_boot": n_boot, "seed": seed}
    return stats.bootstrap(part[measure].astype(float), groups=part["method"], a=less, b=method, **drawn)


def gap_by_sex(
    rows: pd.DataFrame, measure: str, method: str, *, situation: str, n_boot: int = 2_000, seed: int = 0
) -> Interval | None:
    """Estimate the mean of a measure in women less that in men, drawing patients; None below ten of either sex."""
    part = over_patients(rows[(rows["situation"] == situation) & (rows["method"] == method)], measure)
    part = part[part["sex"].notna()]
    if part["sex"].value_counts().reindex(["F", "M"], fill_value=0).min() < 10:
        return None
    return stats.bootstrap(part[measure], groups=part["sex"], a="M", b="F", n_boot=n_boot, seed=seed)


def sex_table(rows: pd.DataFrame, measures: tuple[str, ...], *, method: str = "finding word") -> pd.DataFrame:
    """Tabulate measures of one map by sex, in the situation *different*, with 95% intervals over patients.

    Returns
    -------
    DataFrame
        Index: measure and sex, or "unknown". ``estimate, low, high`` and ``n``, of patients.
    """
    part = rows[rows["method"] == method]
    known = part.assign(method=part["sex"].fillna("unknown"))
    return pd.concat([map_table(known, name, situation="different") for name in measures], keys=measures)


GAPS = ("gap", "gap of pointing")
# Statistic: measure, the map that is subtracted, the map, and the situation.
CONTRASTS = {
    "aligned": ("auroc", "brightness", "finding word", "different"),
    "other": ("auroc", "other phrase", "finding word", "different"),
    "prior": ("auroc", "position prior", "finding word", "different"),
    "selection": ("auroc", "finding word, all layers and times", "finding word", "different"),
    "selection of CNR": ("cnr", "finding word, all layers and times", "finding word", "different"),
    "refined": ("auroc", "finding word", "finding word, refined", "different"),
    "refined, overlap": ("miou", "finding word", "finding word, refined", "different"),
    "inverted": ("auroc", "finding word", "finding word, inverted", "different"),
    "pointing": ("pointing", "brightness", "finding word", "different"),
    "pointing over prior": ("pointing", "position prior", "finding word", "different"),
    "leak": ("auroc", "whole phrase", "whole phrase, sides swapped", "different"),
    "swapped sides": ("auroc", "whole phrase, sides swapped", "whole phrase", "same"),
    "follows side": ("side_right", "whole phrase, sides swapped", "whole phrase", "same"),
    "tuning": ("side_right", "finding word", "tuned", "same"),
    "tuning with random sides": ("side_right", "finding word", "tuned, random sides", "same"),
    "tuning without sides": ("side_right", "finding word", "tuned, no sides", "same"),
    "tuning, kept": ("side_right", "finding word", "tuned, kept", "same"),
    "cost of tuning": ("auroc", "finding word", "tuned", "same"),
    "cost of tuning, kept": ("auroc", "finding word", "tuned, kept", "same"),
    "tuning, other scanner": ("side_right", "finding word", "tuned", "same, other scanner"),
    "aligned, other scanner": ("auroc", "brightness", "finding word", "other scanner"),
}


def statistics(rows: pd.DataFrame, *, n_boot: int = 2_000, seed: int = 0) -> dict[str, dict[str, Any]]:
    """Estimate every contrast of `CONTRASTS` that the rows have, and the gaps of women less men.

    Returns
    -------
    dict
        Name to ``estimate, low, high, low90, high90`` and ``n``, of patients. ``gap`` and ``gap of pointing`` are of
        the finding's word in *different*, of the contrast to noise and the pointing game.
    """
    values = {}
    draws = {"n_boot": n_boot, "seed": seed}
    for name, (measure, less, method, situation) in CONTRASTS.items():
        found = contrast(rows, measure, less, method, situation=situation, **draws)
        if found is not None:
            values[name] = stats.estimate(found, null=True)
    for name, measure in zip(GAPS, ("cnr", "pointing"), strict=True):
        found = gap_by_sex(rows, measure, "finding word", situation="different", **draws)
        if found is not None:
            values[name] = stats.estimate(found, null=True)
    return values


def absence(peaks: pd.DataFrame, *, n_boot: int = 1_000, seed: int = 0) -> dict[str, Any] | None:
    """Estimate how often the peak of a map is higher for a finding that is there than for one that is not: an AUROC.

    Parameters
    ----------
    peaks : DataFrame
        ``patient, present`` (1 or 0) and ``peak``.

    Returns
    -------
    dict or None
        ``estimate, low, high, n`` (patients); None below ten of either kind.
    """
    if peaks["present"].value_counts().reindex([0, 1], fill_value=0).min() < 10 or peaks["peak"].nunique() < 2:
        return None
    draws = {"cluster": peaks["patient"], "n_boot": n_boot, "seed": seed}
    return stats.estimate(stats.auroc_interval(peaks["peak"], peaks["present"], **draws))
