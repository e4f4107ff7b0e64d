"""Tiers of label quality, from two experts' ratings of a silver mask and its agreement with the gold mask."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.stats.inputs import need_columns

RATINGS = ("Good", "Acceptable", "Poor", "Missed")
GOOD_DICE, GOOD_HD95 = 0.80, 10.0  # from the paper's Table 1; HD95 in mm
POOR_DICE = 0.50  # ours, for cases without ratings: half of the voxels of both masks do not overlap


def tiers(frame: pd.DataFrame) -> pd.DataFrame:
    """Assign each case's label to a quality tier, and to easy or hard.

    =====  =====================================================================================
    1      both experts say Good, Dice >= 0.80 and HD95 <= 10 mm
    1.5    both say Good, but the scores do not reach these bounds
    2      any Acceptable, or the experts disagree: Good with Poor or Missed is a disagreement
    3      both say Poor; and, our reading, any pair out of Poor and Missed: both experts find the mask useless
    =====  =====================================================================================

    Easy is 1 and 1.5, hard is 2 and 3 (arXiv 2511.00477, Table 1, which does not define the place of Missed).

    If a rating is absent, a proxy from the scores alone is used: tier 1 as above, 3 for Dice < 0.50, else 2. It cannot
    detect tier 1.5 and is not the paper's tier: ``basis`` shows which of the two a row has. Without HD95 the proxy uses
    Dice alone, and the note states it.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per case. Columns ``dice`` (0 to 1) and, if known, ``hd95`` (mm; infinite for an empty mask),
        ``expert_1_qs`` and ``expert_2_qs`` (Good, Acceptable, Poor, Missed; upper or lower case, blanks around are
        removed; empty: absent).

    Returns
    -------
    pandas.DataFrame
        Index of `frame`; columns ``tier`` (1, 1.5, 2, 3), ``easy`` (bool), ``basis`` ("ratings" or "proxy"), ``note``.

    Raises
    ------
    InputError
        A rating is unknown (row and value are named), or a score is out of range or missing although the tier needs it.

    Notes
    -----
    A tier is a property of the label, not of the image: a bad label of an easy image is "hard". So it mixes the
    quality of labels with the difficulty of images, which `diagnose` separates.
    """
    need_columns(frame, ["dice"])
    first, second = (_ratings(frame, column) for column in ("expert_1_qs", "expert_2_qs"))
    overlap, distance = _numbers(frame, "dice", 1.0), _numbers(frame, "hd95", np.inf)
    rated = (first.notna() & second.notna()).to_numpy()
    both_good = rated & first.eq("Good").to_numpy() & second.eq("Good").to_numpy()
    useless = rated & first.isin(["Poor", "Missed"]).to_numpy() & second.isin(["Poor", "Missed"]).to_numpy()
    _need(frame, overlap, both_good | ~rated, "dice")
    _need(frame, distance, both_good, "hd95")
    unmeasured = np.isnan(distance)
    close = (overlap >= GOOD_DICE) & (unmeasured | (distance <= GOOD_HD95))
    by_rating = np.select([both_good & close, both_good, useless], [1.0, 1.5, 3.0], 2.0)
    by_score = np.select([close, overlap < POOR_DICE], [1.0, 3.0], 2.0)
    tier = np.where(rated, by_rating, by_score)
    one = (first.notna() ^ second.notna()).to_numpy()
    notes = [
        "; ".join(["one rating is absent"] * alone + ["Dice alone"] * short)
        for alone, short in zip(one.tolist(), (~rated & unmeasured).tolist(), strict=True)
    ]
    columns = {"tier": tier, "easy": tier < 2, "basis": np.where(rated, "ratings", "proxy"), "note": notes}
    return pd.DataFrame(columns, index=frame.index)


def _ratings(frame: pd.DataFrame, column: str) -> pd.Series:
    if column not in frame:
        return pd.Series(None, index=frame.index, dtype=object)
    raw = frame[column].astype(object)
    words = raw.where(raw.notna(), "").astype(str).str.strip().str.capitalize()
    known = words.isin(["", *RATINGS])
    if not known.all():
        row = known.index[~known.to_numpy()][0]
        problem = f"unknown rating {raw[~known].iloc[0]!r} ({int((~known).sum())} such rows)"
        raise InputError(f"column {column}, row {row}", problem, f"Use {', '.join(RATINGS)}, or leave it empty.")
    return words.where(words != "", None)


def _numbers(frame: pd.DataFrame, column: str, highest: float) -> np.ndarray:
    """Read scores as floats, NaN if absent; all are NaN if the frame has no such column."""
    if column not in frame:
        return np.full(len(frame), np.nan)
    values = pd.to_numeric(frame[column], errors="coerce").to_numpy(float)
    bad = ~((values >= 0) & (values <= highest)) & frame[column].notna().to_numpy()
    if bad.any():
        row, value = frame.index[bad][0], frame[column][bad].iloc[0]
        problem = f"expected a number from 0 to {highest:g}, found {value!r} ({bad.sum()} such rows)"
        raise InputError(f"column {column}, row {row}", problem, "Correct the cell.")
    return values


def _need(frame: pd.DataFrame, values: np.ndarray, where: np.ndarray, column: str) -> None:
    lacking = where & np.isnan(values)
    if lacking.any():
        problem = f"no value, which the tier needs ({lacking.sum()} such rows)"
        raise InputError(f"column {column}, row {frame.index[lacking][0]}", problem, "Give it, or leave the case out.")
