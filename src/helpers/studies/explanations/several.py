"""One network or the mean of several: a map of this model, or of its training."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers import metrics, stats
from helpers.errors import InputError
from helpers.studies.explanations.comparing import interval
from helpers.studies.explanations.experiment import Explained
from helpers.studies.explanations.explaining import explain
from helpers.studies.explanations.training import train

# Linear in the output, so that a mean of maps is the map of the mean of the outputs.
LINEAR = ("gradient", "IG zero", "IG mean", "occlusion zero", "occlusion mean")


def seeds_of(
    found: Explained, *, n: int = 5, kind: str = "small", epochs: int = 12, seed: int = 0, device: str = "auto"
) -> dict[str, np.ndarray]:
    """Train further networks that differ in their seed alone, and return the maps of all, of `LINEAR` methods.

    Parameters
    ----------
    found : Explained
        From `run_world` with the same seed; its first two networks count.
    n : int
        Networks in all, three or more.
    kind, epochs, seed, device
        As in `run_world`.

    Returns
    -------
    dict
        Name to maps of shape (n, images, size, size).

    Raises
    ------
    InputError
        There are fewer networks.
    """
    if n < 3:
        raise InputError(f"n = {n}", "a mean of the others needs three networks", "Give 3 or more")
    names = [name for name in LINEAR if name in found.before[0]]
    every = [{name: maps[name] for name in names} for maps in found.before[:2]]
    for number in range(2, n):
        network = train(found.training, kind=kind, epochs=epochs, seed=1000 * seed + number, device=device)
        asked = found.training.images, found.explained.images, names
        every.append(explain(network, *asked, seed=1000 * seed + number))
    return {name: np.stack([maps[name] for maps in every]) for name in names}


def mean_table(maps: dict[str, np.ndarray], *, n_boot: int = 500, seed: int = 0) -> pd.DataFrame:
    """Compute how far a network's map is from that of another network, and from the mean of all the others.

    Parameters
    ----------
    maps : dict
        From `seeds_of`.
    n_boot, seed : int

    Returns
    -------
    DataFrame
        Index: explanations. ``another`` and ``mean`` (means of 1 - Spearman), and ``estimate, low, high, n`` of the
        first less the second, over images: each network is compared in turn, so their number is no sample size.
    """
    rows = {}
    for name, every in maps.items():
        apart, near = [], []
        for one, map_of in enumerate(every):
            others = np.delete(every, one, axis=0)
            apart.append(np.mean([1 - metrics.spearman(map_of, other) for other in others], axis=0))
            near.append(1 - metrics.spearman(map_of, others.mean(0)))
        another, mean = np.mean(apart, axis=0), np.mean(near, axis=0)
        shown = {"another": float(np.nanmean(another)), "mean": float(np.nanmean(mean))}
        rows[name] = shown | stats.estimate(interval(another - mean, n_boot=n_boot, seed=seed))
    return pd.DataFrame.from_dict(rows, orient="index")
