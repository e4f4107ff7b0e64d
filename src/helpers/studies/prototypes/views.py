"""Views of the study: strips of pictures, the matrix of effects, and tables for the explorer."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from helpers import figures
from helpers.errors import check_choice
from helpers.studies.prototypes.experiment import Edited
from helpers.studies.prototypes.picking import FIXED, Known
from helpers.studies.prototypes.reading import Drawn
from helpers.studies.prototypes.summary import effects_of
from helpers.studies.prototypes.worlds import ATTRIBUTES


def as_grey(pictures: np.ndarray) -> np.ndarray:
    """Convert pictures of shape (..., 1, h, w) from 0 to 1 to grey bytes of shape (..., 3, h, w)."""
    return np.repeat((255 * np.clip(pictures, 0, 1)).round().astype(np.uint8), 3, axis=-3)


def draw_edits(test: Drawn, edited: Edited, *, ax: Axes, rule: str = FIXED, shown: int = 6) -> Axes:
    """Draw test pictures, their reconstructions, and their edits of each attribute, a column a picture.

    Parameters
    ----------
    test : Drawn
    edited : Edited
    ax : matplotlib.axes.Axes
    rule : str
    shown : int
        Pictures, the first half of them of men.
    """
    n = len(test.labels)
    some = np.unique(np.r_[np.arange(shown // 2), n - 1 - np.arange(shown - shown // 2)])
    rows = {"picture": test.pictures, "reconstruction": edited.again}
    rows |= {f"{name} edited": edited.made[rule, name] for name in ATTRIBUTES}
    grid = np.stack([as_grey(part[some]) for part in rows.values()])
    sexes = np.where(test.labels["sex"].to_numpy()[some] == 1, "woman", "man")
    return figures.pictures(grid, rows=list(rows), columns=list(sexes), ax=ax)


def draw_effects(effects: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw the matrix of mean effects: a row for each edited attribute, a column for each that is read.

    Parameters
    ----------
    effects : DataFrame
        ``edited, read, effect``; rows of one pair are averaged.
    """
    import seaborn

    table = effects.pivot_table(index="edited", columns="read", values="effect")
    table = table.reindex(index=list(ATTRIBUTES), columns=list(ATTRIBUTES)).round(2) + 0.0  # no minus before a 0
    seaborn.heatmap(table, vmin=-1, vmax=1, cmap="RdBu_r", annot=True, fmt=".2f", square=True, cbar=False, ax=ax)
    ax.set(xlabel="read by the oracle", ylabel="edited")
    return ax


def picked_table(known: Known, edited: Edited) -> pd.DataFrame:
    """Tabulate how many prototypes each rule picks for each attribute, and the largest AUROC."""
    sided = np.maximum(known.aurocs, 1 - known.aurocs).max(1)
    rules = list(dict.fromkeys(rule for rule, _ in edited.chosen))
    table = {rule: [float(len(edited.chosen[rule, name])) for name in ATTRIBUTES] for rule in rules}
    return pd.DataFrame(table, index=list(ATTRIBUTES)).assign(**{"largest AUROC": sided})


def edit_view(rows: pd.DataFrame, rule: str, part: str = "all") -> pd.DataFrame:
    """Tabulate the mean effects of a rule over trainings: a row for each edited attribute, a column for each read one.

    Parameters
    ----------
    rows : DataFrame
        Rows of `world_job` of one world.
    rule : str
    part : {"all", "women", "men"}

    Raises
    ------
    InputError
        There is no such rule or part.
    """
    check_choice("part", part, ("all", "women", "men"))
    effects = effects_of(rows) if part == "all" else rows[(rows["kind"] == "effect") & (rows["part"] == part)]
    check_choice("rule", rule, effects["rule"].unique())
    some = effects[effects["rule"] == rule]
    table = some.pivot_table(index="edited", columns="read", values="effect")
    return table.reindex(index=list(ATTRIBUTES), columns=list(ATTRIBUTES))


def rules_table(
    verdicts: pd.DataFrame, rules: list[str], edited: str = "marker", read: str = "finding"
) -> pd.DataFrame:
    """Tabulate one effect by each rule and control, with its interval over trainings and the effect on itself."""
    part = verdicts[(verdicts["edited"] == edited) & (verdicts["read"] == read)].set_index("rule")
    columns = {"self_effect": "on itself", "mean": "mean", "low": "low", "high": "high", "seeds": "seeds"}
    return part.reindex(rules)[[*columns, "verdict"]].rename(columns=columns)
