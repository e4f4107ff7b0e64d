"""Comparison of our numbers with those printed on the slides, and the numbers that prose quotes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from helpers import stats
from helpers.learn.restoration_experiment import Outputs
from helpers.learn.restoration_tasks import Task
from helpers.studies.reconstruction.judging import Pair
from helpers.studies.reconstruction.signed import outcome, pair_test

CHANGE = ("change", "change_low", "change_high")  # columns of `reconstruction.performance`
NAMES = {"age_group": "age"}  # our name -> the name on the slides


def examples(task: Task, outputs: Outputs, *, n: int) -> np.ndarray:
    """Pick held-out images under each arm, as uint8 (n, arms, 3, s, s); of brains those with the largest tumours."""
    rows = task.rows.iloc[outputs.rows]
    places = np.flatnonzero(rows["split"] == "test")
    if task.masks is None:
        chosen = places[np.linspace(0, len(places) - 1, n).astype(int)]
    else:
        size = task.masks[outputs.rows[places]].sum((1, 2, 3))
        largest = places[np.argsort(-size, kind="stable")]
        chosen = largest[~rows["case"].iloc[largest].duplicated()][:n]
    grid = np.stack([images[chosen] for images in outputs.images.values()], axis=1)
    return (255 * np.repeat(grid, 3, axis=2)).round().astype(np.uint8)


def as_printed(odds: pd.DataFrame, gaps: pd.DataFrame, *, column: str = "value") -> pd.DataFrame:
    """Arrange fairness measures like the tables on the slides: one row per attribute, target and arm.

    Parameters
    ----------
    odds : pandas.DataFrame
        Table from `stats.prediction_fairness`.
    gaps : pandas.DataFrame
        Table from `stats.score_fairness` for Dice; its rows of the metric "percent" are ignored.
    column : {"value", "se_value", "q"}
        Column to show: the measures, their standard errors, or q, the p of their change
        corrected by Benjamini-Hochberg, which is NaN for the original.

    Returns
    -------
    pandas.DataFrame
        Index ``attribute, target, arm`` (with "original"), columns ``eodd, eop, ser, delta`` if present.
    """
    gaps = gaps[gaps["metric"] != "percent"].assign(finding="segmentation")
    both = pd.concat([odds, gaps], ignore_index=True).rename(columns={"finding": "target"})
    both["attribute"] = both["attribute"].replace(_names(both["attribute"]))
    original = both.drop_duplicates(["attribute", "target", "metric"])
    original = original.assign(arm="original", value=original["baseline"], se_value=original["se_baseline"], q=np.nan)
    index = ["attribute", "target", "arm"]
    wide = pd.concat([original, both]).pivot(index=index, columns="metric", values=column)
    return wide.rename_axis(columns=None).astype(float)  # without labels, the columns came from an empty table


def changes_of(odds: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Select the changes of one metric of `stats.prediction_fairness` without "degraded"; ``row`` names the target."""
    part = odds[(odds["metric"] == metric) & (odds["arm"] != "degraded")]
    part = part.sort_values("attribute", key=lambda a: a.map(list(odds["attribute"].unique()).index), kind="stable")
    return part.assign(row=part["attribute"].replace(_names(odds["attribute"])) + ": " + part["finding"])


def printed_changes(slides: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Compute the slides' changes of a metric from the original: ``row, arm, change``."""
    part = slides[slides["metric"] == metric]
    wide = part.pivot_table(index=["attribute", "target"], columns="arm", values="value")
    change = wide.drop(columns="original").sub(wide["original"], axis=0)
    long = change.rename_axis(columns="arm").stack().rename("change").reset_index()
    return long.assign(row=long["attribute"] + ": " + long["target"])


def quoted(
    task: Task,
    pair: Pair,
    performance: pd.DataFrame,
    odds: pd.DataFrame,
    gaps: pd.DataFrame,
    harm: pd.DataFrame,
    *,
    level: str,
) -> dict[str, Any]:
    """Collect the numbers that prose and claims quote, as nested dicts.

    Returns
    -------
    dict
        ``dataset, level, outcome``; ``pair`` (attribute, first, second); ``brief`` (change of the outcome by the U-Net,
        and its difference between the two groups); ``performance`` (by target and arm); ``noise`` (PSNR of the U-Net at
        the lowest level minus that at the highest, None with one level); ``odds`` (by attribute and metric: the mean
        absolute change over the targets); ``gaps`` (by score, metric and attribute: each value with its change).
        Estimates are by `stats.estimate`; n is the number of patients.
    """
    metric, target, words = outcome(task)
    here = performance[performance["level"].isin(["none", level])]
    unet = here[(here["arm"] == "unet") & (here["metric"] == metric) & (here["target"] == target)].iloc[0]
    two = pair_test(harm, target, pair, arm="unet")
    values = {
        "dataset": task.dataset,
        "level": level,
        "outcome": words,
        "pair": pair._asdict(),
        "brief": {
            "change": stats.estimate(unet, *CHANGE, null=True),
            "harm": stats.estimate(two, "difference", n=two["n"] + two["n_against"]),
        },
        "performance": {
            name: {row["arm"]: stats.estimate(row) for row in part.to_dict("records")}
            for name, part in here.groupby("target")
        },
        "noise": _noise(performance),
        "odds": {},
        "gaps": {},
    }
    names = _names([*odds["attribute"], *gaps["attribute"]])
    for attribute, part in odds.groupby("attribute"):
        size = part["change"].abs().groupby([part["arm"], part["metric"]]).mean().unstack()
        known = size.astype(object).where(size.notna(), None)
        values["odds"][names[attribute]] = known.to_dict()
    for (score, metric, attribute), part in gaps.groupby(["score", "metric", "attribute"]):
        found = {
            row["arm"]: {"value": _number(row["value"])} | stats.estimate(row, "change", null=metric == "delta")
            for row in part.to_dict("records")
        }
        values["gaps"].setdefault(f"{score} {metric}", {})[names[attribute]] = found
    return values


def _names(attributes: Iterable[str]) -> dict[str, str]:
    """Map attributes to their names on the slides, unless two would share one."""
    found = {name: name for name in attributes}
    return {name: NAMES.get(name, name) if NAMES.get(name) not in found else name for name in found}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _noise(performance: pd.DataFrame) -> dict[str, Any] | None:
    """Compare PSNR at low and high noise; the interval is conservative, because both levels have the same patients."""
    psnr = performance[(performance["metric"] == "psnr") & (performance["arm"] == "unet")].set_index("level")
    if not {"low", "high"} <= set(psnr.index):
        return None
    low, high = psnr.loc["low"], psnr.loc["high"]
    parts = {"estimate": low["estimate"] - high["estimate"], "low": low["low"] - high["high"]}
    return stats.estimate(parts | {"high": low["high"] - high["low"]}, n=low["n"])
