"""Audits of simulated cohorts with planted truth: how often each test finds a gap that is or is not there."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.datasets import draw_nih_labels
from helpers.stats import rates_by
from helpers.studies.chest_labels.patients import prevalence_table, prevalences
from helpers.studies.chest_labels.preparing import prepare
from helpers.studies.chest_labels.rating import compare, gap_table
from helpers.studies.chest_labels.resampling import resample
from helpers.studies.chest_labels.weighing import design

FINDING, LABEL = "airspace_opacity", "infiltration"  # with most positives


def audit_cohort(world: str, seed: int, *, n_patients: int, n_boot: int) -> list[dict[str, Any]]:
    """Audit one simulated cohort for a sex gap, by four tests.

    Parameters
    ----------
    world : str
        Name of a world of `helpers.datasets.NIH_WORLDS`.
    seed : int
        Seed of the cohort and of its resampling.
    n_patients, n_boot : int
        Patients and replicates.

    Returns
    -------
    list of dict
        One row a test: ``test, estimate, low, high, p``. "plain" and "weighted" are of the sensitivity for airspace
        opacity, women less men. "images independent" and "patients as clusters" are of the prevalence of infiltration.
    """
    cohort = prepare(draw_nih_labels(world, n_patients, seed=seed))
    comparison = compare(cohort, design(cohort, "sex"), "sex")
    statistics = {"rates": comparison, **prevalences(cohort)}
    draws = resample(statistics, n_patients=cohort.n_patients, n_boot=n_boot, seed=seed)
    gap = gap_table(comparison, draws.pop("rates"), rates=("sensitivity",)).loc[FINDING].iloc[0]
    label = prevalence_table(cohort, draws).loc[LABEL]
    rows = []
    for name in ("plain", "weighted"):
        parts = {key: gap[f"{name}_{key}"] for key in ("low", "high", "p")}
        rows.append({"test": name, "estimate": gap[name], **parts})
    for name, p in (("images independent", "p_naive"), ("patients as clusters", "p_clustered")):
        rows.append({"test": name, **label[["estimate", "low", "high"]], "p": label[p]})
    return rows


def world_rates(rows: pd.DataFrame, *, alpha: float = 0.05) -> pd.DataFrame:
    """Compute the share of cohorts in which each test finds a gap: hits where one is planted, else false alarms.

    In the world "sex" all four tests have something to find: fewer findings of women are mined, so prevalences differ.

    Parameters
    ----------
    rows : DataFrame
        Rows of `audit_cohort` with ``world`` and ``seed``.
    alpha : float
        Level of the tests.

    Returns
    -------
    DataFrame
        Columns ``world, test, kind`` ("hits" or "false alarms"), ``rate, low, high, n`` (cohorts), and ``mean`` (of the
        estimates). A cohort without a defined p counts as one in which nothing is found.
    """
    table = rates_by(rows, rows["p"] < alpha, by=["world", "test"])
    table["mean"] = rows.groupby(["world", "test"], sort=False)["estimate"].mean().to_numpy()
    kind = pd.Series("false alarms", index=table.index).mask(table["world"] == "sex", "hits")
    table.insert(2, "kind", kind)
    return table
