"""Image quality of reconstructions and the predictions made from them, averaged by case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import metrics
from helpers.errors import InputError, check_choice


class Measured(NamedTuple):
    """Scores and predictions of each case under each arm; a case, the unit of a decision, is a scan or a single image.

    Attributes
    ----------
    cases : DataFrame
        One row per case: ``case, patient_id, split``, attributes and targets (0, 1 or missing).
    scores : dict of str to DataFrame
        Name of a score to a frame of cases and arms: ``psnr, ssim``, ``lpips`` if it can be computed, and ``dice`` if
        there are masks.
    probabilities : dict of str to DataFrame
        Arm to a frame of cases and targets.
    """

    cases: pd.DataFrame
    scores: dict[str, pd.DataFrame]
    probabilities: dict[str, pd.DataFrame]

    def part(self, split: str) -> Measured:
        """Return the cases of one split."""
        return self.chosen((self.cases["split"] == split).to_numpy())

    def chosen(self, rows: np.ndarray) -> Measured:
        """Return the cases of a mask, bool ndarray of shape (n,)."""
        scores = {name: frame[rows].reset_index(drop=True) for name, frame in self.scores.items()}
        probabilities = {arm: frame[rows].reset_index(drop=True) for arm, frame in self.probabilities.items()}
        return Measured(self.cases[rows].reset_index(drop=True), scores, probabilities)


def measure(
    rows: pd.DataFrame,
    images: Mapping[str, np.ndarray],
    *,
    probabilities: Mapping[str, np.ndarray],
    targets: list[str],
    masks: Mapping[str, np.ndarray] | None = None,
    expert: np.ndarray | None = None,
    baseline: str = "original",
) -> Measured:
    """Compute scores and predictions of each case, as means over its images.

    Parameters
    ----------
    rows : pandas.DataFrame
        One row per image; ``case`` names the case of an image. All other columns but ``file`` and ``slice`` must be
        constant within a case.
    images : mapping of str to float32 ndarray of shape (n, 1, h, w)
        Arm to its images, 0 to 1, in the order of the rows.
    probabilities : mapping of str to ndarray of shape (n, targets)
        Arm to the classifier's probabilities for each image; a case gets the mean over its images.
    targets : list of str
        Names of the targets, which are also columns of `rows`.
    masks : mapping of str to uint8 ndarray of shape (n, 1, h, w), optional
        Arm to the masks predicted by the segmenter.
    expert : uint8 ndarray of shape (n, 1, h, w), optional
        The expert's reference masks. If an image's predicted and reference masks are both empty, it has no Dice.
    baseline : str
        Arm that the other arms are compared with by PSNR, SSIM and LPIPS; it has no such scores itself.

    Raises
    ------
    InputError
        The baseline is absent, lengths differ, an image equals that of the baseline, or images of one case differ in a
        column that must be constant.
    """
    check_choice("baseline", baseline, images)
    for arm, given in (*images.items(), *probabilities.items(), *(masks or {}).items()):
        if len(given) != len(rows):
            raise InputError(arm, f"{len(given)} images for {len(rows)} rows", "Give one for each row")
    code, _ = pd.factorize(rows["case"])
    cases = rows.drop_duplicates("case").reset_index(drop=True)
    told = [c for c in rows if c not in ("file", "slice")]
    if (odd := rows[told].groupby("case", dropna=False).nunique(dropna=False).gt(1)).any(axis=None):
        column = odd.columns[odd.any()][0]
        problem = f"{int(odd[column].sum())} cases have images that differ in it"
        raise InputError(f"column {column}", problem, "Give one value a case")

    def mean(values: np.ndarray) -> np.ndarray:
        known = ~np.isnan(values)
        total = np.bincount(code, np.where(known, values, 0), len(cases))
        with np.errstate(invalid="ignore"):
            return total / np.bincount(code, known, len(cases))

    others = [arm for arm in images if arm != baseline]
    for arm in others:
        if equal := int((images[arm] == images[baseline]).all((1, 2, 3)).sum()):
            problem = f"{equal} images equal those of {baseline!r}, so that their PSNR is infinite"
            raise InputError(f"arm {arm}", problem, "Leave blank images out, or the arm")
    compared = {"psnr": metrics.psnr, "ssim": metrics.ssim}
    if metrics.lpips_available()[0]:
        compared["lpips"] = metrics.lpips
    scores = {
        name: pd.DataFrame({arm: mean(score(images[arm], images[baseline])) for arm in others})
        for name, score in compared.items()
    }
    if masks is not None:
        scores["dice"] = pd.DataFrame({arm: mean(dice_of_each(expert, drawn)) for arm, drawn in masks.items()})
    means = {
        arm: pd.DataFrame({t: mean(given[:, k].astype(float)) for k, t in enumerate(targets)})
        for arm, given in probabilities.items()
    }
    return Measured(cases.drop(columns=["file", "slice"], errors="ignore"), scores, means)


def dice_of_each(expert: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Compute the Dice coefficient of n pairs of binary masks (n, ...); NaN if both masks are empty."""
    first, second = (m.reshape(len(m), -1).astype(bool) for m in (expert, drawn))
    size = first.sum(1) + second.sum(1)
    with np.errstate(invalid="ignore"):
        return 2 * (first & second).sum(1) / np.where(size, size, np.nan)
