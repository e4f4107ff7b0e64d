"""Time from the release of a data set to the day a report of its flaw became public, and groups that it records."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.datasets.review.checking import Tables
from helpers.datasets.review.layout import ATTRIBUTES, OURS
from helpers.stats.intervals import wilson

YEAR = 365.25  # days


def time_line(tables: Tables) -> pd.DataFrame:
    """List the artefacts of data sets with the years from the release to the report, ours apart.

    Returns
    -------
    DataFrame
        One row an artefact, by release: ``dataset_id, dataset, artifact_id, type, status, released, reported_on``,
        ``years`` and ``reporter``, "this project" or "others".
    """
    names = tables["dataset"].set_index("dataset_id")
    found = tables["artifact"].query("subject_type == 'dataset'")
    table = pd.DataFrame(
        {
            "dataset_id": found["subject_id"],
            "dataset": found["subject_id"].map(names["name"]),
            **found[["artifact_id", "type", "status"]],
            "released": found["subject_id"].map(names["released"]),
            "reported_on": found["reported_on"],
        }
    )
    days = pd.to_datetime(table["reported_on"]) - pd.to_datetime(table["released"])
    reporter = np.where(found["reported_by"] == OURS, OURS, "others")
    table = table.assign(years=days.dt.days / YEAR, reporter=reporter)
    return table.sort_values(["released", "dataset_id", "reported_on", "artifact_id"], ignore_index=True)


def lags(line: pd.DataFrame, *, n_boot: int = 2_000, seed: int = 0) -> pd.DataFrame:
    """Summarise the years from release to report by reporter.

    Parameters
    ----------
    line : DataFrame
        From `time_line`.
    n_boot, seed : int
        Replicates of the bootstrap, and its seed.

    Returns
    -------
    DataFrame
        Index: "others", "this project", as far as there are any. ``artefacts, datasets``; ``estimate, low, high``, the
        median lag in years with a 95% percentile interval from resampled data sets, missing for under three of them;
        and ``late, late_low, late_high``, the share of artefacts reported more than a year after the release, with
        Wilson's interval.
    """
    rows = {}
    for reporter, part in line.groupby("reporter"):
        groups = [group.to_numpy() for _, group in part.groupby("dataset_id")["years"]]
        rng = np.random.default_rng(seed)
        drawn = rng.integers(len(groups), size=(n_boot, len(groups)))
        medians = [np.median(np.concatenate([groups[k] for k in row])) for row in drawn]
        late, n = int((part["years"] > 1).sum()), len(part)
        low, high = wilson(late, n)
        row = {"artefacts": n, "datasets": len(groups), "estimate": part["years"].median()}
        ends = np.quantile(medians, (0.025, 0.975)) if len(groups) >= 3 else (np.nan, np.nan)
        row |= dict(zip(("low", "high"), ends, strict=True))
        rows[reporter] = row | {"late": late / n, "late_low": low, "late_high": high}
    return pd.DataFrame.from_dict(rows, orient="index")


def coverage(tables: Tables) -> pd.DataFrame:
    """Tabulate which data set records which attribute of a group: yes, partly, no, or "–" where nobody has looked."""
    table = tables["records"].pivot(index="dataset_id", columns="attribute", values="recorded")
    table = table.reindex(index=tables["dataset"]["dataset_id"], columns=list(ATTRIBUTES)).astype(object).fillna("–")
    return table.set_axis(tables["dataset"]["name"].tolist()).rename_axis(None, axis=1)


def subjects(tables: Tables) -> pd.DataFrame:
    """Count artefacts by type (rows, the most frequent first) and kind of subject (columns)."""
    table = pd.crosstab(tables["artifact"]["type"], tables["artifact"]["subject_type"])
    table = table.loc[table.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    return table.rename_axis(None, axis=1).rename(index=lambda name: name.replace("_", " "))
