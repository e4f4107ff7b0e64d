"""Position prior: the place of a finding as predicted from where other patients have it, without the image."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.datasets.nih_labels import layout
from helpers.datasets.shared.checks import check_count, check_seed
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError
from helpers.stats.resample import percentile_interval

_GRID = 64  # cells of a side


def position_prior(
    boxes: pd.DataFrame, *, images: pd.DataFrame, seed: int = 0, n_boot: int = 1_000, repeats: int = 20
) -> pd.DataFrame:
    """Measure how well the mean box of one half of the patients predicts the boxes of the other half.

    A map from a model that shows a finding in an image must be better than this map, which is the same for all images.

    Parameters
    ----------
    boxes, images : DataFrame
        From `load_nih_labels`.
    seed : int
        Seed of the halves and of the bootstrap.
    n_boot : int
        Replicates.
    repeats : int
        Random halves; the area is averaged over them.

    Returns
    -------
    DataFrame
        One row a finding, by name: ``finding``; ``auroc``, the mean over images of the area under the ROC curve over
        the cells of an image, in a box or not, ranked by the share of the other half's images with a box there;
        ``low`` and ``high``, its 95% interval from resampled patients, with the maps held fixed; ``n`` images,
        ``patients`` and ``boxes``. A finding of fewer than ten patients has counts of 0 and the others missing.

    Raises
    ------
    InputError
        There is no box, a box is of an image that is not in `images`, or a number is out of range.

    Notes
    -----
    Both halves serve as the map, each for the other half, so every image counts once in each repeat. Ties count one
    half. The grid has 64 x 64 cells. A cell is in a box if its centre is, and the cell with the centre of a box always
    is.
    """
    seed, n_boot, repeats = check_seed(seed), check_count(n_boot, "n_boot"), check_count(repeats, "repeats")
    if boxes.empty:
        raise InputError("boxes", "there is no box", "Give the boxes of the NIH tables")
    rows = boxes.merge(images[["image", "patient"]], on="image", how="left")
    if (lost := int(rows["patient"].isna().sum())) > 0:
        raise InputError("boxes", f"{lost} are of no image in the table of images", "Give tables of one release")
    found = [
        {"finding": finding, **_measured(part, np.random.default_rng((seed, k)), n_boot, repeats)}
        for k, (finding, part) in enumerate(rows.groupby("finding"))
    ]
    return pd.DataFrame(found)


def _measured(boxes: pd.DataFrame, rng: np.random.Generator, n_boot: int, repeats: int) -> dict[str, float]:
    """Measure one finding."""
    image, owner = pd.factorize(boxes["image"])[0], pd.factorize(boxes["patient"])[0]
    patients = owner.max() + 1
    if patients < SMALLEST_CELL:
        return {"auroc": np.nan, "low": np.nan, "high": np.nan, "n": 0, "patients": 0, "boxes": 0}
    masks = np.zeros((image.max() + 1, _GRID * _GRID))
    np.maximum.at(masks, image, _drawn(boxes[["x", "y", "width", "height"]].to_numpy()))
    patient = np.empty(len(masks), int)
    patient[image] = owner
    score = np.zeros(len(masks))
    for _ in range(repeats):
        half = rng.permutation(patients) % 2
        for here in (half[patient] == 0, half[patient] == 1):
            score[here] += _auroc(masks[~here].mean(axis=0), masks[here]) / repeats
    total, count = (np.bincount(patient, values) for values in (score, np.ones(len(score))))
    drawn = rng.multinomial(patients, np.full(patients, 1 / patients), n_boot)
    found = percentile_interval(score.mean(), (drawn @ total) / (drawn @ count), patients, 0.95)
    counts = {"n": len(score), "patients": patients, "boxes": len(boxes)}
    return {"auroc": found.estimate, "low": found.low, "high": found.high, **counts}


def _drawn(boxes: np.ndarray) -> np.ndarray:
    """Draw boxes (n, 4) on the grid, as booleans of shape (n, cells)."""
    x, y, width, height = boxes.T[:, :, None] * _GRID / layout.SIDE
    cells = np.arange(_GRID)

    def inside(start: np.ndarray, length: np.ndarray) -> np.ndarray:
        middle = cells + 0.5
        return ((middle >= start) & (middle < start + length)) | (cells == np.floor(start + length / 2))

    return (inside(y, height)[:, :, None] & inside(x, width)[:, None, :]).reshape(len(boxes), -1)


def _auroc(score: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Compute the area under the ROC curve of one map for each mask, from ranks (Mann and Whitney 1947)."""
    from scipy.stats import rankdata

    inside = masks.sum(axis=1)
    above = masks @ rankdata(score) - inside * (inside + 1) / 2
    return above / (inside * (masks.shape[1] - inside))
