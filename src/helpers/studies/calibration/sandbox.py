"""The bias sandbox: plant effects, draw a cohort, and see at once the gap by each reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from helpers import figures, stats
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError
from helpers.report.tables import show
from helpers.studies.calibration import sandbox_readings, scored
from helpers.widgets.showing import explorer, figure_html, table_html

if TYPE_CHECKING:
    from ipywidgets import Widget
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Range of the sliders: name -> (least, most, step, label). Values of a set-up must be within it.
SLIDERS: dict[str, tuple[float, float, float, str]] = {
    "n_a": (0, 1000, 10, "patients in A"),
    "n_b": (0, 1000, 10, "patients in B"),
    "difficulty": (-0.1, 0.3, 0.01, "difficulty of B"),
    "spread": (0.5, 4, 0.5, "spread of B"),
    "label_bias": (-1, 1, 0.05, "label bias in B"),
    "hospital_effect": (-0.2, 0.2, 0.01, "hospital effect"),
    "second_a": (0, 1, 0.05, "A at hospital 2"),
    "second_b": (0, 1, 0.05, "B at hospital 2"),
    "opposite": (-0.15, 0.15, 0.01, "opposite gaps"),
    "threshold": (0, 1, 0.05, "success over"),
    "attributes": (0, 20, 1, "other attributes"),
    "seed": (0, 50, 1, "another cohort"),
}
START = {"n_a": 300, "n_b": 300, "threshold": 0.8, "attributes": 0, "seed": 0}
START |= {name: default for name, (default, _, _) in scored.SCORED_EFFECTS.items()}


def sandbox_view(
    *, threshold: float = 0.8, seed: int = 0, n_boot: int = 500, n_permutations: int = 500, **planted: float
) -> tuple[pd.DataFrame, Figure]:
    """Simulate one cohort and read it by every ruler, as a table and a figure.

    Parameters
    ----------
    threshold : float
        A case is a success if its score is above the threshold.
    seed : int
        Seed of the cohort; another seed gives another cohort with the same effects.
    n_boot, n_permutations : int
        Replicates for the intervals, and permutations for the p values of the largest gap.
    **planted : float
        Sizes and effects, see `calibration.scored_cohort`.

    Returns
    -------
    table : DataFrame
        B - A with 95% interval and n by each reading, and the largest gap over the other attributes with its two p
        values. A reading without enough cases has a note. Impossible arguments give one row with the reason.
    figure : matplotlib.figure.Figure
        The readings; the groups with quartiles and the threshold; the null of the largest gap if there are other
        attributes.
    """
    import matplotlib.pyplot as plt

    try:
        frame, _ = scored.scored_cohort(threshold=threshold, seed=seed, **planted)
    except InputError as error:
        figure, ax = plt.subplots(figsize=(9, 2))
        _say(ax, "no such cohort: see the table")
        plt.close(figure)
        return pd.DataFrame({"note": [str(error)]}, index=["no such cohort"]), figure
    ruler = {"group": "group", "a": "A", "b": "B", "source": "hospital", "gold": "gold", "threshold": threshold}
    table = sandbox_readings.readings(frame, **ruler, smallest_cell=SMALLEST_CELL, n_boot=n_boot, seed=seed)
    others = frame.filter(like="attribute")
    rows = [["readings", "groups"], ["readings", "largest"]] if others.shape[1] else [["readings", "groups"]]
    # Placed by hand: a computed layout takes as long as the audit.
    figure, axes = plt.subplot_mosaic(rows, figsize=(9, 2 + 2 * len(rows)), layout="none", width_ratios=[1, 1.2])
    figure.subplots_adjust(left=0.2, right=0.98, top=0.97, bottom=0.12, wspace=0.25, hspace=0.4)
    _readings(table, axes["readings"])
    _groups(frame, threshold, axes["groups"])
    shown = show(table, estimate="estimate").rename(columns={"estimate [95% interval]": "B − A [95% interval]"})
    if "largest" in axes:
        shown = pd.concat([shown, _largest(frame, others, axes["largest"], n_permutations, seed)]).fillna("–")
    plt.close(figure)
    return shown, figure


def explore_sandbox() -> Widget:
    """Build sliders for `sandbox_view`, and a button for each set-up of `SET_UPS`.

    Sliders that a set-up does not name return to `START`, where nothing is planted.
    """
    import ipywidgets

    def slider(name: str) -> Widget:
        low, high, step, label = SLIDERS[name]
        whole = isinstance(START[name], int)
        kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
        look = {"style": {"description_width": "8em"}, "continuous_update": False}
        return kind(START[name], min=low, max=high, step=step, description=label, **look)

    sliders = {name: slider(name) for name in SLIDERS}
    chosen = ipywidgets.ToggleButtons(options=["nothing planted", *scored.SET_UPS], value=None)

    def draw() -> tuple[str, str]:
        if chosen.value is not None:
            for name, value in {**START, **scored.SET_UPS.get(chosen.value, {})}.items():
                sliders[name].value = value
            chosen.value = None  # so that it can be pressed again
        table, figure = sandbox_view(**{name: control.value for name, control in sliders.items()})
        return table_html(table), figure_html(figure, "Readings of the gap, the groups, and what chance gives.")

    return explorer([chosen, *sliders.values()], draw)


def _readings(table: pd.DataFrame, ax: Axes) -> None:
    """Draw the readings that have numbers, with a line at no difference; intervals that exclude it are emphasised."""
    known = table[table["estimate"].notna()]
    if known.empty:
        _say(ax, f"no reading has {SMALLEST_CELL} cases in both groups")
        return
    apart = known.index[(known["low"] > 0) | (known["high"] < 0)]
    known = known.assign(n=known["n_a"] + known["n_b"])
    figures.forest(known, ax=ax, emphasise=apart, xlabel="B − A, 95% interval")
    reach = max(0.25, 1.1 * known[["low", "high"]].abs().to_numpy().max())  # else a slider would only move the axis
    ax.set_xlim(-reach, reach)


def _groups(frame: pd.DataFrame, threshold: float, ax: Axes) -> None:
    """Draw means and quartiles of both groups by both kinds of label, and the threshold."""
    sizes = frame["group"].value_counts()
    large = frame[frame["group"].map(sizes).astype(int) >= SMALLEST_CELL]
    if large.empty:
        _say(ax, f"no group has {SMALLEST_CELL} cases")
        return
    tables = {
        name: stats.by_group(large[labels], groups=large["group"].astype(object))
        for name, labels in (("given labels", "score"), ("gold labels", "gold"))
    }
    figures.means(tables, ax=ax)
    ax.axhline(threshold, color=figures.GREY, ls=":")
    ax.set(ylabel="score", ylim=(0, 1.02))


def _largest(frame: pd.DataFrame, others: pd.DataFrame, ax: Axes, n: int, seed: int) -> pd.DataFrame:
    """Test the largest gap over the other attributes: draw its null, and return its row of the table."""
    name = f"largest of {others.shape[1]} gaps"
    try:
        found = sandbox_readings.largest_gap(
            frame["score"], attributes=others, smallest_cell=SMALLEST_CELL, n=n, seed=seed
        )
    except InputError as error:
        _say(ax, "no attribute has two levels that are large enough")
        return pd.DataFrame({"note": str(error)}, index=[name])
    figures.null(found.null, found.gap, ax=ax, xlabel=name)
    ax.set_ylim(top=1.6 * ax.get_ylim()[1])  # room for the legend
    note = f"{found.attribute}, n = {len(frame)}: max − min {found.gap:.3f}; "
    note += f"p = {found.p_alone:.3f} if it had been the only one, {found.p:.3f} as the largest"
    return pd.DataFrame({"note": note}, index=[name])


def _say(ax: Axes, words: str) -> None:
    ax.set_axis_off()
    ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", va="center", wrap=True)
