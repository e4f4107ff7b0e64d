"""Score of the MAMA-MIA challenge, exactly as published, and corrected.

As published (Garrucho et al., https://arxiv.org/abs/2603.01250, and the organisers' scripts), per case

    Dice, 0 where both masks are empty;  NormHD = HD95 in voxels / 150, 1 where one mask is empty,

and over all cases

    Perf   = (mean Dice + 1 - mean NormHD) / 2
    Fair_v = 1 - [(max - min of group mean Dice) + (max - min of group mean NormHD)] / 2,  v a group attribute
    Fair   = mean over age, menopausal status and breast density of Fair_v
    Rank   = (Perf + Fair) / 2.

The published script cannot be run to the end on the public tables. It looks for a column under another name, and it
writes the scores next to the rows of the patients, so that every group mean is missing. This module computes the score
that the script states.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.metrics.cropping import Pair, crop
from helpers.metrics.surface import border, percentile_distances

AGE_EDGES = [0, 40, 50, 60, 70, 100]
AGE_LABELS = ["0-40", "41-50", "51-60", "61-70", "71+"]
ATTRIBUTES = ("age", "menopause", "breast_density")


class ChallengeScore(NamedTuple):
    """Score of the challenge, with its components.

    Attributes
    ----------
    performance, fairness, rank : float
        Perf, Fair and Rank.
    by_attribute : dict of str to float
        Fair_v of each attribute.
    groups : DataFrame
        Columns attribute, group, n, dice, norm_hd: the group means behind the score, and the number of cases, which
        the published score does not show.
    """

    performance: float
    fairness: float
    rank: float
    by_attribute: dict[str, float]
    groups: pd.DataFrame


def hd95_voxels(expert: np.ndarray, predicted: np.ndarray) -> float:
    """Compute the 95% Hausdorff distance as the challenge does: in voxel steps, whatever the voxel size.

    It differs from `helpers.metrics.hd95` in three ways. Every voxel counts as a cube of edge 1. The border is that of
    SimpleITK's LabelContour, which does not count the outside of the image as background; so a voxel is not border just
    because it is at the image's edge. One empty border gives infinity, and two empty borders give 0.

    Parameters
    ----------
    expert, predicted : ndarray
        Binary masks of one shape: 0 and one positive value each.

    Returns
    -------
    float
        Distance in voxels.

    Raises
    ------
    InputError
        Shapes differ, or a mask is not binary.
    """
    return contour_hd95(crop(expert, predicted))


def contour_hd95(pair: Pair) -> float:
    """Compute `hd95_voxels` of two masks that are already cropped to their common box."""
    first, second = (border(mask, outside=pair.touches) for mask in (pair.expert, pair.predicted))
    found = int(first.any()) + int(second.any())
    if found < 2:
        return float("inf") if found else 0.0
    return percentile_distances(first, second, np.ones(len(pair.shape)))[0]


def challenge_score(
    frame: pd.DataFrame,
    *,
    corrected: bool = False,
    hd95: str | None = None,
    hd_max: float = 150.0,
    attributes: Sequence[str] = ATTRIBUTES,
) -> ChallengeScore:
    """Score a table of cases as the MAMA-MIA challenge does.

    Parameters
    ----------
    frame : DataFrame
        One row per case: ``dice``, the distance column, and one column per attribute. ``age`` in years is cut into
        (0, 40], (40, 50], (50, 60], (60, 70], (70, 100]; in ``menopause`` peri counts as pre.
    corrected : bool
        False: as published. The distance is in voxels and not clipped, so NormHD can exceed 1. A missing or unknown
        menopausal status counts as a separate group. A missing or unknown breast density is left out.
        True: corrected. The distance is in mm, so that voxel size matters. NormHD is clipped to 1, so that no case
        costs more than a missed one. Unknown is not a group in any attribute.
    hd95 : str, optional
        Column of the distance; default ``hd95_voxels``, or ``hd95`` (mm) if corrected. Infinite gives NormHD 1.
    hd_max : float
        Distance at which NormHD is 1.
    attributes : sequence of str
        Group attributes; name fewer if the table has fewer.

    Returns
    -------
    ChallengeScore

    Raises
    ------
    InputError
        A column is missing, a score is missing or out of range, or an attribute has no known group.

    Notes
    -----
    Neither variant weights groups by their size. So the gap between the best and the worst group mean grows with the
    number of groups and with how small they are, even without any true difference. Age groups without a case are left
    out.
    """
    column = hd95 or ("hd95" if corrected else "hd95_voxels")
    for name in ("dice", column, *attributes):
        if name not in frame.columns:
            raise InputError(
                f"column {name}",
                f"not in the table, which has {', '.join(map(str, frame.columns))}",
                "Join the scores with the cohort's table, or name other columns by hd95= and attributes=",
            )
    if frame.empty or not attributes:
        raise InputError("frame", "holds no case, or no attribute is named", "Give at least one of each")
    dice = _numbers(frame, "dice", 1.0)
    norm = _numbers(frame, column, np.inf) / hd_max
    norm[np.isinf(norm)] = 1.0
    if corrected:
        norm = norm.clip(upper=1.0)

    by_attribute, tables = {}, []
    for name in attributes:
        group = _groups(frame[name], name, unknown_is_group=name == "menopause" and not corrected)
        table = (
            pd.DataFrame({"group": group, "dice": dice, "norm_hd": norm})
            .dropna(subset="group")
            .groupby("group", sort=True)
            .agg(n=("dice", "size"), dice=("dice", "mean"), norm_hd=("norm_hd", "mean"))
            .reset_index()
        )
        if table.empty:
            raise InputError(
                f"column {name}",
                "no case has a known group",
                f"Leave it out: attributes={tuple(a for a in attributes if a != name)}",
            )
        by_attribute[name] = float(1 - 0.5 * (np.ptp(table["dice"]) + np.ptp(table["norm_hd"])))
        table.insert(0, "attribute", name)
        tables.append(table)
    performance = float(0.5 * (dice.mean() + 1 - norm.mean()))
    fairness = float(np.mean(list(by_attribute.values())))
    return ChallengeScore(
        performance, fairness, 0.5 * performance + 0.5 * fairness, by_attribute, pd.concat(tables, ignore_index=True)
    )


def _numbers(frame: pd.DataFrame, name: str, highest: float) -> pd.Series:
    values = pd.to_numeric(frame[name], errors="coerce").astype(float)
    bad = ~values.between(0, highest)
    if bad.any():
        raise InputError(
            f"column {name}, row {frame.index[bad][0]}",
            f"expected a number from 0 to {highest:g}, found {frame.loc[bad, name].iloc[0]} ({bad.sum()} such rows)",
            "An empty prediction is Dice 0 and an infinite distance; correct or drop the others",
        )
    return values


def _groups(values: pd.Series, name: str, *, unknown_is_group: bool) -> pd.Series:
    """Convert an attribute to group labels as text, missing if the case belongs to no group."""
    if name == "age":
        years = pd.to_numeric(values, errors="coerce")
        return pd.cut(years, AGE_EDGES, labels=AGE_LABELS).astype(object)
    text = values.astype(object).where(values.notna(), "unknown").astype(str).str.strip().str.lower()
    if name == "menopause":
        # the spreadsheet's entries are whole sentences; keywords are searched in the published order
        text = text.mask(text.str.contains("peri"), "pre")
        for short in ("post", "pre"):
            text = text.mask(text.str.contains(short), short)
    return text if unknown_is_group else text.mask(text == "unknown", None)
