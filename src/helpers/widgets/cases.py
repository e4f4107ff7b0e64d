"""Worst cases of a group: their scores and their pictures, slice by slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from helpers import figures
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError
from helpers.figures.withholding import sentence
from helpers.report.tables import show
from helpers.widgets import selecting
from helpers.widgets.loading import Load, Pictures
from helpers.widgets.showing import NOTHING, asking, choice, chosen, explorer, figure_html, message, table_html

if TYPE_CHECKING:
    from ipywidgets import Widget

MOST = 20  # most cases to step through
ROWS = 10  # most of them that the table lists
SIDE = 160  # pixels; width and height of a picture
OUTLINES = ((213, 94, 0), (86, 180, 233))  # of the first and the second mask: the book's vermilion and light blue
KEPT = 8  # number of cases with their pictures kept in memory
REAL = "These are real people: this view puts neither their rows nor their pictures on a page."


class Worst(NamedTuple):
    """Cases of a selection, the worst first: their positions in the frame, their score and groups, and a name."""

    places: np.ndarray
    table: pd.DataFrame
    name: str


def worst_cases(
    frame: pd.DataFrame,
    *,
    score: str,
    groups: Sequence[str] = (),
    level: object = None,
    only: tuple[str, object] | None = None,
    highest: bool = False,
) -> Worst:
    """Rank the cases of a group, the worst score first; cases without a score are left out.

    Parameters
    ----------
    groups : sequence of str
        Attributes of the frame; a group is a level of a single attribute, or an intersection of levels of several.
    level : object
        Name of the group, as in `group_view`; None for all cases.
    only : tuple, optional
        A column and a value: only cases with this value are used.
    highest : bool
        True if a high score is bad, as for an error.

    Raises
    ------
    InputError
        A column is missing or occurs twice, or no case is left.
    """
    numbered = selecting.of_source(frame.reset_index(drop=True), only)
    known = selecting.scored(numbered, score)
    shown = {name: selecting.column(numbered, name) for name in (score, *groups)}
    if level is not None:
        known &= selecting.crossed(numbered, groups) == level
        if not known.any():
            raise InputError(str(level), "no case of this group has a score", "Pick another group or score")
    order = shown[score][known].sort_values(ascending=not highest, kind="stable").index
    table = pd.DataFrame({name: values[order].to_numpy() for name, values in shown.items()})
    table.index = pd.Index([f"case {k + 1}" for k in range(len(table))])
    return Worst(order.to_numpy(), table, "all cases" if level is None else str(level))


def cases_view(
    frame: pd.DataFrame,
    load: Load,
    *,
    score: str,
    groups: Sequence[str] = (),
    level: object = None,
    only: tuple[str, object] | None = None,
    highest: bool = False,
    ranks: Sequence[int] = (1, 2, 3),
    at: int | None = None,
    real: bool = False,
) -> tuple[pd.DataFrame, Figure]:
    """Show the worst cases of a group: their scores as a table, and the pictures of some of them as a figure.

    Parameters
    ----------
    frame : DataFrame
        One row per case.
    load : callable
        Converts a row to `Pictures`, as the loader that `breast_pictures` makes.
    score, groups, level, only, highest
        As `worst_cases` takes them; cases are numbered by rank, and no columns but score and groups are shown.
    ranks : sequence of int
        Ranks of the cases to show in the figure, one row each; 1 is the worst.
    at : int, optional
        Slice to show, counted from 0; default the one with the largest mask area, see `Pictures.first`.
    real : bool
        True if the cases are real people: a sentence is then shown in place of rows and pictures.

    Returns
    -------
    table : DataFrame
    figure : matplotlib.figure.Figure
    """
    if real:
        return pd.DataFrame({"": [REAL]}), sentence(f"{REAL}\nThe controls below show them on your own screen.")
    worst = worst_cases(frame, score=score, groups=groups, level=level, only=only, highest=highest)
    rows = {rank: frame.iloc[worst.places[rank - 1]] for rank in ranks if 1 <= rank <= len(worst.places)}
    return show(worst.table.head(ROWS)), _figure({rank: _loaded(load, row) for rank, row in rows.items()}, at)


def explore_cases(
    frame: pd.DataFrame,
    load: Load,
    *,
    groups: Sequence[str],
    scores: Sequence[str],
    errors: Sequence[str] = (),
    real: bool = False,
) -> Widget:
    """Explore the worst cases of a chosen group or intersection: step through the cases and scroll their slices.

    Parameters
    ----------
    frame, load
        As `cases_view` takes them. The source can be chosen if a column ``dataset`` or ``source`` has several values.
    groups, scores : sequence of str
        Columns to choose from.
    errors : sequence of str
        The scores for which a high value is bad.
    real : bool
        True if the cases are real people: then no case is drawn, or saved with the notebook, until a reader asks for
        it.
    """
    import ipywidgets

    group, cross = choice("group", groups), choice("cross with", groups, none=True)
    where, levels = selecting.sources(frame)
    source, score = choice("source", levels, none=True), choice("score", scores)
    level = choice("cases of", [], none=True)
    rank, at = (ipywidgets.IntSlider(1, 1, 2, description=name) for name in ("case", "slice"))
    asked = asking("show real people")
    seen: dict[str, object] = {}  # the selection and the case for which the sliders were last set

    @lru_cache(KEPT)
    def loaded(place: int) -> Pictures | str:
        return _loaded(load, frame.iloc[place])

    def draw() -> tuple[str, str]:
        if real and not asked.value:
            return message(f"{REAL} Do not save the state of widgets with this notebook."), ""
        if group.value is None or score.value is None:
            raise InputError("groups, scores", "there is no column to choose from", "Name a column of each")
        only = (where, source.value) if chosen(source) is not None else None
        picked = {"groups": list(dict.fromkeys(filter(None, (group.value, chosen(cross))))), "only": only}
        _set_options(level, _levels(frame, score.value, **picked))
        picked |= {"score": score.value, "level": chosen(level), "highest": score.value in errors}
        worst = worst_cases(frame, **picked)
        _set_slider(rank, min(len(worst.places), MOST), 1 if _changed(seen, "selection", picked) else rank.value)
        place = int(worst.places[rank.value - 1])
        pictures = loaded(place)
        if isinstance(pictures, Pictures):
            _set_slider(at, pictures.slices(), pictures.first() + 1 if _changed(seen, "case", place) else at.value)
        note = f"{worst.name}: {len(worst.places):,} cases with a score, the worst first."
        alt = f"Case {rank.value} of {worst.name}, slice {at.value}: {score.value} and pictures."
        figure = _figure({rank.value: pictures}, at.value - 1)
        return table_html(show(worst.table.head(ROWS)), note), figure_html(figure, alt)

    controls = [group, cross, level, *([source] if levels else []), score, rank, at, *([asked] if real else [])]
    return explorer(controls, draw)


def _levels(
    frame: pd.DataFrame, score: str, *, groups: Sequence[str], only: tuple[str, object] | None
) -> list[tuple[str, object]]:
    """List the groups and intersections with the number of cases that have a score; counts under 10 are suppressed."""
    part = selecting.of_source(frame, only)
    sizes = selecting.crossed(part, groups)[selecting.scored(part, score).to_numpy()].value_counts(sort=False)
    told = {name: f"n = {n}" if n >= SMALLEST_CELL else f"n < {SMALLEST_CELL}" for name, n in sizes.items() if n}
    return [("all", NOTHING), *((f"{name} ({n})", name) for name, n in told.items())]


def _changed(seen: dict[str, object], name: str, value: object) -> bool:
    """Return True if a value differs from the last call's, and keep it for the next call."""
    before, seen[name] = seen.get(name), value
    return before != value


def _set_options(control: Widget, options: list[tuple[str, object]]) -> None:
    """Set the options of a drop-down; its choice is kept if it is still one of them."""
    if list(control.options) != options:
        before = control.value
        control.options = options
        control.value = before if before in [value for _, value in options] else NOTHING


def _set_slider(slider: Widget, last: int, value: int) -> None:
    """Set a slider's range to 1 to `last` and its value; it is hidden if there is only one value."""
    slider.max, slider.value = max(last, 2), min(value, last)
    slider.layout.display = "none" if last < 2 else None


def _loaded(load: Load, row: pd.Series) -> Pictures | str:
    """Load the pictures of a case, or return advice if they cannot be read.

    The error message itself is not shown, because it would name the case and its file.
    """
    try:
        return load(row)
    except InputError as error:
        return f"The pictures of this case cannot be read. {error.fix}"


def _figure(shown: Mapping[int, Pictures | str], at: int | None) -> Figure:
    """Draw the pictures of cases by rank, one row each."""
    found = {rank: pictures for rank, pictures in shown.items() if isinstance(pictures, Pictures)}
    if not found:
        return sentence(next(iter(shown.values()), "There are no cases of these ranks."))
    at_slice = {rank: p.first() if at is None else min(max(at, 0), p.slices() - 1) for rank, p in found.items()}
    grid = [_row(pictures, at_slice[rank]) for rank, pictures in found.items()]
    many = {rank: f"\nslice {at_slice[rank] + 1}/{p.slices()}" for rank, p in found.items() if p.slices() > 1}
    names = [f"case {rank}{many.get(rank, '')}" for rank in found]
    columns = list(next(iter(found.values())).images)
    figure = Figure(figsize=(7, 5.6 / len(columns) * len(grid) + 0.4), layout="constrained")
    figures.pictures(grid, rows=names, columns=columns, ax=figure.subplots())
    return figure


def _row(pictures: Pictures, k: int) -> list[np.ndarray]:
    """Return slice k of each picture with its mask outlined, uint8 (3, SIDE, SIDE)."""
    from scipy import ndimage

    tiles = []
    colours = dict(zip(pictures.masks, OUTLINES, strict=False))
    for name, image in pictures.images.items():
        tile = _square(image[k])
        tile = np.repeat(tile[..., None], 3, axis=2) if tile.ndim == 2 else tile
        if name in pictures.masks:
            mask = _square(pictures.masks[name][k])
            tile[mask & ~ndimage.binary_erosion(mask, iterations=2)] = colours[name]
        tiles.append(tile.transpose(2, 0, 1))
    return tiles


def _square(image: np.ndarray) -> np.ndarray:
    """Resize a picture (h, w, ...) to SIDE x SIDE pixels: pad it to a square, then take the nearest pixels."""
    spare = max(image.shape[:2]) - np.array(image.shape[:2])
    pads = [(n // 2, n - n // 2) for n in spare] + [(0, 0)] * (image.ndim - 2)
    square = np.pad(image, pads)
    nearest = (np.arange(SIDE) + 0.5) * len(square) / SIDE
    return square[np.ix_(nearest.astype(int), nearest.astype(int))]
