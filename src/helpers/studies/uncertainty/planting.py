"""Test of uncertainty maps with planted artefacts: does a map find the drawn pixels?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from helpers.stats import weighted
from helpers.studies.uncertainty import artefacts
from helpers.studies.uncertainty.methods import Method
from helpers.studies.uncertainty.scoring import Scores, numbers


def planted(known: Mapping[str, Method], images: np.ndarray, *, ids: Sequence[str], seed: int) -> pd.DataFrame:
    """Measure how well each map finds an artefact drawn over an image, and whether the score rises with it.

    Artefacts have typical places. A map that is always bright at the border finds a ruler there without detecting it.
    So the same pixels are also evaluated on the map of the original image (negative control).

    Parameters
    ----------
    known : mapping of str to Method
        From `signs`.
    images : uint8 ndarray of shape (n, 3, s, s)
        Images without artefacts.
    ids : sequence of str
        Names of the images.
    seed : int
        Seed of `helpers.studies.uncertainty.artefact`.

    Returns
    -------
    DataFrame
        ``kind, sign, image, auroc, before, gain, raised``. ``auroc`` is the share of pairs of a covered and another
        pixel in which the covered one has the larger value on the map. ``before`` is the same share on the map of the
        original image. ``gain`` is their difference, 0 if the map does not find the artefact. ``raised`` is True if the
        score is larger than that of the original image. Without a map, ``auroc``, ``before`` and ``gain`` are NaN.
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
    """Compute the AUROC of the map for the pixels of each mask, shape (n,)."""
    if scores.map is None:
        return np.full(len(masks), np.nan)
    maps = numbers(scores.map.sum(1).flatten(1))
    return np.array([weighted.auroc(values, mask.ravel()) for values, mask in zip(maps, masks, strict=True)])
