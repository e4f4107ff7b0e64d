"""Views of the study: tables of AUROC in colour, sample images, and the shares that a threshold flags."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from helpers import metrics
from helpers.errors import check_choice
from helpers.studies.ood_fetal.cohorts import Cohort


def draw_aurocs(table: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw AUROCs of scores (rows) by task (columns) as coloured cells with their numbers.

    Parameters
    ----------
    table : DataFrame
        Rows of `auroc_table` at one shift.
    ax : matplotlib.axes.Axes
        Orange is above one half and purple below; the numbers are written into the cells.
    """
    import seaborn  # slow to import

    wide = table.pivot(index="score", columns="task", values="estimate")
    wide = wide.loc[table["score"].drop_duplicates(), table["task"].drop_duplicates()]
    look = {"cmap": "PuOr_r", "vmin": 0, "vmax": 1, "cbar": False, "annot_kws": {"fontsize": 8}}
    seaborn.heatmap(wide, annot=True, fmt=".2f", ax=ax, **look)
    ax.set(xlabel="", ylabel="")
    ax.tick_params(axis="x", rotation=20)
    ax.tick_params(axis="y", rotation=0)
    return ax


def samples(cohort: Cohort, *, columns: int = 6, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Draw images of each set at random, for `helpers.figures.pictures`.

    Returns
    -------
    grid : uint8 ndarray of shape (sets, columns, 3, size, size)
        A set with fewer images repeats them.
    names : list of str
        Names of the sets, in order.
    """
    rng, names = np.random.default_rng(seed), ["train", *cohort.shifts]
    chosen = [rng.choice(index, columns, replace=len(index) < columns) for index in map(cohort.of, names)]
    grid = np.stack([cohort.images[index] for index in chosen])
    return np.broadcast_to(grid, (*grid.shape[:2], 3, *grid.shape[3:])), names


def flag_view(rows: pd.DataFrame, *, task: str, score: str, kept: float) -> pd.DataFrame:
    """Tabulate how often images of each set and group are flagged, at a threshold that keeps a share of known images.

    Parameters
    ----------
    rows : DataFrame
        From `run`.
    task, score : str
    kept : float
        Share of the images for thresholds, which are known and not tested, that are kept.

    Returns
    -------
    DataFrame
        Index set and group, ``n`` (patients) and ``flagged`` (mean over runs).

    Raises
    ------
    InputError
        There is no such task or score.
    """
    check_choice("task", task, list(rows["task"].unique()))
    check_choice("score", score, [name for name in rows if name not in ("run", "task", "image", "set")])
    part, found = rows[rows["task"] == task], []
    for _, one in part.groupby("run"):
        threshold = metrics.flag_threshold(one[score][one["set"] == "threshold"], share=kept)
        found.append(one[one["set"] != "threshold"].assign(flagged=one[score] > threshold))
    by = pd.concat(found).groupby(["set", "group"], sort=False)
    return by.agg(n=("patient", "nunique"), flagged=("flagged", "mean"))
