"""Views of the study's page: one image before and after a switch, the matrix of agreement, and rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from helpers import metrics
from helpers.errors import InputError, check_choice
from helpers.studies.explanations.comparing import with_noise
from helpers.studies.explanations.experiment import Explained
from helpers.studies.explanations.explaining import SWITCHES
from helpers.studies.explanations.worlds import CUES


def one_image(found: Explained, *, image: int, switch: str, part: str) -> pd.DataFrame:
    """Tabulate two maps of one image, before and after a switch, and what each ranks of a part.

    Parameters
    ----------
    found : Explained
    image : int
        Number of the explained image.
    switch : str
        A name of `SWITCHES` of which both ends are among the maps.
    part : {"A", "B", "mark"}

    Returns
    -------
    DataFrame
        Index: the two explanations. ``localisation`` (of the part), ``top`` (share of the part's pixels among as many
        highest ones of the map), ``correlation`` (Spearman's, with the map before), and ``there``, whether the part is.

    Raises
    ------
    InputError
        There is no such image, switch or part.
    """
    check_choice("switch", switch, SWITCHES)
    check_choice("part", part, CUES)
    n = len(found.explained.labels)
    if not 0 <= image < n:
        raise InputError(f"image = {image}", f"there are {n}", f"Give a number from 0 to {n - 1}")
    ends = (SWITCHES[switch].before, SWITCHES[switch].after)
    for name in ends:
        check_choice("explanation", name, found.before[0])
    place = found.explained.places[part][[image]]
    maps = [found.before[0][name][[image]] for name in ends]
    rows = {
        name: {
            "localisation": metrics.localisation(one, place)[0],
            "top": metrics.top_overlap(one, place, k=int(place.sum()))[0],
            "correlation": metrics.spearman(maps[0], one)[0],
            "there": "yes" if found.explained.shown[part][image] else "no",
        }
        for name, one in zip(ends, maps, strict=True)
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def draw_matrix(found: Explained, *, ax: Axes) -> None:
    """Draw the correlation of every two explanations, and on the diagonal that of each with its second call.

    Maps of two seeds of a network, the mean over images; images whose map has no ranks are left out.

    Parameters
    ----------
    found : Explained
    ax : matplotlib.axes.Axes
    """
    import seaborn  # slow to import

    names = list(found.before[0])
    every = [metrics.map_agreement(np.stack(list(one.values()))) for one in found.before[:2]]
    matrix = np.nanmean(every, axis=(0, 1))
    for place, name in enumerate(names):
        pairs = with_noise(found.before[:2], found.again[:2])
        matrix[place, place] = np.nanmean([metrics.spearman(one[name], other[name]) for one, other in pairs])
    table = pd.DataFrame(matrix.round(1) + 0.0, names, names)  # + 0.0: no zero has a minus
    look = {"cmap": "PuOr_r", "vmin": -1, "vmax": 1, "cbar": False, "square": True, "annot_kws": {"fontsize": 7}}
    seaborn.heatmap(table, annot=True, fmt=".1f", ax=ax, **look)
    ax.tick_params(axis="x", rotation=90)
    ax.tick_params(axis="y", rotation=0)


def rates_view(rates: Mapping[str, Mapping[str, Any]], statistics: Sequence[str]) -> pd.DataFrame:
    """Arrange rates of worlds: a row for each statistic, a column for each world.

    Parameters
    ----------
    rates : dict
        From `helpers.stats.world_values`: by world and statistic ``holds`` with ``estimate, low, high`` and ``n``.
    statistics : sequence of str
        Which to show, in this order; others are left out.

    Returns
    -------
    DataFrame
        Text: the rate, its interval and the number of data sets; empty where a world has no such statistic.
    """
    rows = [
        {"world": world, "statistic": name, **found["holds"]}
        for world, by_name in rates.items()
        for name, found in by_name.items()
        if name in statistics
    ]
    if not rows:
        return pd.DataFrame()
    table = pd.DataFrame(rows)
    spans = zip(table["estimate"], table["low"], table["high"], table["n"], strict=True)
    table["words"] = [f"{rate:.2f} ({low:.2f} to {high:.2f}), n {n:.0f}" for rate, low, high, n in spans]
    wide = table.pivot(index="statistic", columns="world", values="words").fillna("")
    return wide.loc[[name for name in statistics if name in wide.index]]
