"""Views of the study: a picture with the maps of its phrases, and the area of a map by layer and time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from helpers import figures
from helpers.errors import InputError
from helpers.studies.phrase_grounding.cohorts import Cohort

ENLARGED = 4  # pixels of a cell in a strip


def draw_maps(shown: dict[str, Any], methods: list[str], image: int, *, ax: Axes) -> Axes:
    """Draw a picture and the maps of its phrases, with the boxes as outlines.

    Parameters
    ----------
    shown : dict
        ``cohort`` and ``maps`` of a world, as `run` returns them.
    methods : list of str
        Names of maps.
    image : int
        Number of the picture.
    ax : matplotlib.axes.Axes

    Raises
    ------
    InputError
        There is no such picture or map.
    """
    cohort: Cohort = shown["cohort"]
    rows = np.flatnonzero(cohort.phrases["image"] == image)
    if not len(rows):
        raise InputError(f"image = {image}", f"there are {len(cohort.pictures)}", "Give a number from 0")
    if absent := [name for name in methods if name not in shown["maps"]]:
        raise InputError("methods", f"there is no map {absent[0]!r}", f"Give some of {', '.join(shown['maps'])}")
    grey = np.repeat((255 * (cohort.pictures[image] + 1) / 2).clip(0, 255).astype(np.uint8), 3, 0)
    grid = []
    for row in rows:
        maps = [np.nan_to_num(shown["maps"][name][row]) for name in methods]
        tiles = [grey, *figures.heat(np.stack([of - of.min() for of in maps]))]
        grid.append([_outlined(tile, cohort.masks[row]) for tile in tiles])
    texts = cohort.phrases["text"].iloc[rows].tolist()
    return figures.pictures(np.stack(grid), rows=texts, columns=["picture", *methods], ax=ax)


def _outlined(tile: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Draw the edge of a mask in white into an enlarged tile (3, h, w)."""
    large = tile.repeat(ENLARGED, 1).repeat(ENLARGED, 2).copy()
    inside = mask.repeat(ENLARGED, 0).repeat(ENLARGED, 1)
    core = inside.copy()
    core[1:] &= inside[:-1]
    core[:-1] &= inside[1:]
    core[:, 1:] &= inside[:, :-1]
    core[:, :-1] &= inside[:, 1:]
    large[:, inside & ~core] = 255
    return large


def draw_steps(steps: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw the AUROC of the finding's word by layer and time, as from `run`, with the numbers in the cells."""
    import seaborn

    return seaborn.heatmap(
        steps, annot=True, fmt=".2f", cmap="cividis", vmin=0.3, vmax=1, cbar_kws={"label": "AUROC"}, ax=ax
    )
