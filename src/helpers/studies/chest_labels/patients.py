"""Gaps in the prevalence of mined labels: images as independent, patients as clusters, patients weighed equally."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from helpers.disclosure import SMALLEST_CELL
from helpers.stats import adjust_p
from helpers.studies.chest_labels.preparing import ATTRIBUTES, LABELS, Cohort
from helpers.studies.chest_labels.resampling import Draws, Means, interval, means

WEIGHED = ("images", "patients")


def prevalences(cohort: Cohort, by: str = "sex") -> dict[str, Means]:
    """Prepare the prevalences of all labels by group as statistics of `resample`.

    Parameters
    ----------
    cohort : Cohort
    by : str
        "sex", "age" or "view".

    Returns
    -------
    dict of str to Means
        "images": each image counts once. "patients": each patient counts once in a group.
    """
    images = cohort.images
    group = np.asarray(pd.Categorical(images[by], categories=ATTRIBUTES[by]).codes)
    where = {"cells": group, "patient": images["patient"].to_numpy(), "n_patients": cohort.n_patients}
    return {name: means(images[list(LABELS)], **where, by_patient=name == "patients") for name in WEIGHED}


def crowding(many: np.ndarray) -> float:
    """Compute the images of the patient of a mean image, sum of m^2 over sum of m.

    It is the largest design effect that numbers of images alone permit: that of images of a patient that are all equal.
    """
    return float((many**2).sum() / many.sum())


def prevalence_table(cohort: Cohort, draws: dict[str, Draws], by: str = "sex") -> pd.DataFrame:
    """Tabulate the gap of each label with naive and with clustered errors.

    Parameters
    ----------
    cohort : Cohort
    draws : dict of str to Draws
        Of `prevalences`.
    by : str
        The attribute of `draws`.

    Returns
    -------
    DataFrame
        Index: labels. ``n`` and ``n_patients`` (images with the label and their patients), ``estimate, low, high`` of
        the gap with patients as clusters, ``naive`` and ``clustered`` (standard errors) and their ``ratio``,
        ``predicted`` (the ratio by the design effect, see Notes), ``z_naive, z_clustered``, ``p_naive, p_clustered``,
        ``holm_naive, holm_clustered`` (p by Holm over all labels), and ``by_patient, by_patient_low,
        by_patient_high``, with each patient weighed equally.

    Notes
    -----
    The design effect is 1 + (sum of m^2 / sum of m - 1) rho for m images a patient, with rho the correlation of two
    images of a patient within a group (Kish 1965, Survey sampling, chapter 5, for clusters of unequal size).
    """
    images, (first, second), rows = cohort.images, ATTRIBUTES[by], {}
    sides = [(images[by] == level).to_numpy() for level in (first, second)]
    patient = images["patient"].to_numpy()
    for k, label in enumerate(LABELS):
        has = images[label].to_numpy(float)
        sizes = [len(np.unique(patient[side & (has == 1)])) for side in sides]
        gaps = {name: of.of(lambda x, k=k: x[..., 1, k] - x[..., 0, k]) for name, of in draws.items()}
        clustered = interval(gaps["images"], sum(sizes))
        equal = interval(gaps["patients"], sum(sizes))
        naive = np.sqrt(sum(has[side].var() / side.sum() for side in sides))
        row = {key: clustered[key] for key in ("estimate", "low", "high")}
        row |= {"naive": naive, "clustered": clustered["se"], "ratio": clustered["se"] / naive if naive else np.nan}
        row |= {"predicted": _predicted(has, sides, patient)}
        row |= {"z_naive": clustered["estimate"] / naive if naive else np.nan, "z_clustered": clustered["z"]}
        row |= {"p_naive": 2 * stats.norm.sf(abs(row["z_naive"])), "p_clustered": clustered["p"]}
        row |= {"by_patient": equal["estimate"], "by_patient_low": equal["low"], "by_patient_high": equal["high"]}
        row = dict.fromkeys(row, np.nan) if min(sizes) < SMALLEST_CELL else row
        people = len(np.unique(patient[(sides[0] | sides[1]) & (has == 1)]))
        rows[label.replace("_", " ")] = {"n": int(has[sides[0] | sides[1]].sum()), "n_patients": people} | row
    table = pd.DataFrame.from_dict(rows, orient="index")
    for of in ("naive", "clustered"):
        made = table[f"p_{of}"].dropna()
        table[f"holm_{of}"] = adjust_p(made)["holm"] if len(made) else np.nan
    return table


def _predicted(has: np.ndarray, sides: list[np.ndarray], patient: np.ndarray) -> float:
    """Predict the ratio of the standard errors from numbers of images and the correlation within patients."""
    naive = clustered = 0.0
    for side in sides:
        own, values = patient[side], has[side] - has[side].mean()
        many, sums, squares = (np.bincount(own, of) for of in (np.ones(len(own)), values, values**2))
        pairs, spread = (many * (many - 1)).sum(), values.var()
        rho = ((sums**2).sum() - squares.sum()) / pairs / spread if pairs and spread else 0.0
        naive += spread / side.sum()
        clustered += spread / side.sum() * (1 + (crowding(many) - 1) * rho)
    return float(np.sqrt(clustered / naive)) if naive else float("nan")
