"""Deletion curves of a world's maps, by what replaces the pixels: a score of maps makes the choice that they make."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from helpers import figures, learn, stats
from helpers.errors import check_choice
from helpers.learn.deleting import SHARES
from helpers.studies.explanations.comparing import interval
from helpers.studies.explanations.experiment import Explained
from helpers.studies.explanations.explaining import contrasts, controls

FILLS = ("zero", "mean", "blur", "white")
CONTROLS = ("image", "random")
MARKERS = "os^DvPX"
PAIRS = (("IG zero", "IG mean"), ("occlusion zero", "occlusion mean"))


def deleted(found: Explained, name: str, *, fill: str, target: int = 1) -> np.ndarray:
    """Compute what the logit loses as the highest pixels of an explanation, or of a control, are replaced.

    Parameters
    ----------
    found : Explained
    name : str
        An explanation among the maps, or ``image`` or ``random``.
    fill : {"zero", "mean", "blur", "white"}
    target : int

    Returns
    -------
    ndarray of shape (2, n, shares)
        Of two seeds; the shares are those of `helpers.learn.deletion_curve`.

    Raises
    ------
    InputError
        There is no such explanation or fill.
    """
    check_choice("fill", fill, FILLS)
    check_choice("explanation", name, [*found.before[0], *CONTROLS])
    plain = controls(found.explained)
    (baseline,) = contrasts(fill, found.training.images, found.explained.images, 0)
    asked = found.explained.images
    return np.stack(
        [
            learn.deletion_curve(network, asked, {**plain, **maps}[name], target, baseline=baseline)
            for network, maps in zip(found.networks[:2], found.before[:2], strict=True)
        ]
    )


def draw_deletion(found: Explained, names: Sequence[str], *, fill: str, ax: Axes) -> None:
    """Draw the deletion curves of some explanations: the mean over images and two seeds.

    Parameters
    ----------
    found, fill
        As in `deleted`.
    names : sequence of str
    ax : matplotlib.axes.Axes
    """
    for name, colour, marker in zip(names, figures.PALETTE, MARKERS, strict=False):
        lost = np.nanmean(deleted(found, name, fill=fill), axis=(0, 1))
        ax.plot(100 * np.array(SHARES), lost, color=colour, marker=marker, label=name)
    ax.set(xlabel=f"% of pixels replaced by {fill}", ylabel="logit lost")


def deletion_contrasts(found: Explained, *, n_boot: int = 500, seed: int = 0) -> pd.DataFrame:
    """Tabulate which of two maps loses more by deletion, by what replaces the pixels.

    Returns
    -------
    DataFrame
        Index: pair of explanations and fill. ``estimate, low, high, n`` of the logit lost by the first less that by
        the second, the mean over shares of the pixels, over images and networks.
    """
    rows = {}
    for first, second in PAIRS:
        for fill in FILLS:
            one, other = (deleted(found, name, fill=fill).mean(2) for name in (first, second))
            place = f"{first} less {second.split()[-1]}", fill
            rows[place] = stats.estimate(interval(one - other, n_boot=n_boot, seed=seed))
    return pd.DataFrame.from_dict(rows, orient="index")
