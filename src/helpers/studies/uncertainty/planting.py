"""What is drawn over images, looked for on the maps of their uncertainties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from helpers.studies.uncertainty import artefacts
from helpers.studies.uncertainty.methods import Method
from helpers.studies.uncertainty.scoring import Scores, numbers


def planted(known: Mapping[str, Method], images: np.ndarray, *, ids: Sequence[str], seed: int) -> pd.DataFrame:
    """How well each map finds what was drawn over an image, and how the score answers to it.

    Artefacts have their places, and so have maps: one that is always bright at the border finds a ruler at it without
    seeing any. So the same pixels are also looked for on the map of the image as it was.

    Parameters
    ----------
    known : mapping of str to Method
        From `signs`.
    images : uint8 ndarray of shape (n, 3, s, s)
        Images without artefacts.
    ids : sequence of str
        Their names.
    seed : int
        Of `helpers.studies.uncertainty.artefact`.

    Returns
    -------
    DataFrame
        ``kind, sign, image, auroc, before, gain, raised``: the share of pairs of a covered and another pixel in which
        the covered one has the larger value on the map; that of the same pixels on the map of the image as it was;
        their difference (no use 0); and whether the score is larger than it was. Without a map the first three are NaN.
    """
    parts = []
    plain = {sign: method(images) for sign, method in known.items()}
    for kind in artefacts.ARTEFACTS:
        drawn, masks = artefacts.artefact(images, kind, seed=seed)
        for sign, method in known.items():
            found = method(drawn)
            auroc, before = (_found(scores, masks) for scores in (found, plain[sign]))
            keys = {"kind": kind, "sign": sign, "image": list(ids)}
            keys |= {"auroc": auroc, "before": before, "gain": auroc - before}
            parts.append(pd.DataFrame(keys | {"raised": (found.score > plain[sign].score).cpu().numpy()}))
    return pd.concat(parts, ignore_index=True)


def _found(scores: Scores, masks: np.ndarray) -> np.ndarray:
    """AUROC of the pixels of each mask by the map, shape (n,)."""
    if scores.map is None:
        return np.full(len(masks), np.nan)
    ranks = stats.rankdata(numbers(scores.map.sum(1).flatten(1)), axis=1)
    covered = masks.reshape(len(masks), -1)
    n = covered.sum(1)
    return ((ranks * covered).sum(1) - n * (n + 1) / 2) / (n * (covered.shape[1] - n))
