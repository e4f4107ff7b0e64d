"""The study's third experiment: the counterfactual gap between sexes along a path, by the order that is believed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from helpers import learn, stats
from helpers.datasets import draw_factors
from helpers.errors import InputError
from helpers.studies.causal_ordering.ordering import SEX

OUTCOME, THROUGH = "finding", "heart size"
TRUE_ORDER = (SEX, THROUGH, OUTCOME, "brightness")
ORDERS = {
    "true": TRUE_ORDER,
    "sex after heart size": (THROUGH, SEX, OUTCOME, "brightness"),
    "reversed": TRUE_ORDER[::-1],
}
KNOTS = 6  # of the splines


def counterfactual_gap(
    values: pd.DataFrame, order: Sequence[str], *, outcome: str = OUTCOME, through: str = THROUGH
) -> tuple[float, float]:
    """Compute the mean outcome had all cases been of sex 1, less that had all been of sex 0, as an order has it.

    Each variable after sex is regressed on all variables before it: a sum of a cubic spline of each (six knots at
    quantiles) and of sex times a number, with additive noise. The noise of each case is kept. Sex is set, and every
    later variable follows from its regression; variables before sex stay as they are.

    Parameters
    ----------
    values : DataFrame
        Columns of `order`; sex is 0 or 1.
    order : sequence of str
        All columns, causes first.
    outcome, through : str
        Columns of the outcome, and of what is on the path.

    Returns
    -------
    whole : float
        The gap; 0 where the outcome comes before sex.
    along : float
        Its part along the path: only the regression of `through` sees the sex that is set, and all others see the sex
        that the case has.

    Raises
    ------
    InputError
        A column is missing, has a value that is NaN or infinite, or does not vary; the order does not list the columns;
        sex has other values; or as in `helpers.stats.check_factors`.
    """
    for name, column in (("sex", SEX), ("outcome", outcome), ("through", through)):
        if column not in values:
            fix = f"Give it, or another; there are {', '.join(map(str, values.columns))}"
            raise InputError(name, f"the table has no column {column!r}", fix)
    if sorted(order) != sorted(values.columns):
        raise InputError("order", f"{', '.join(order)} are not the columns of the table", "List each column once")
    if not set(values[SEX].unique()) <= {0, 1}:
        raise InputError(f"column {SEX}", "values other than 0 and 1", "Write 0 and 1")
    if values[SEX].nunique() < 2:
        raise InputError(f"column {SEX}", f"all cases are of sex {values[SEX].iloc[0]:g}", "Give cases of both sexes")
    stats.check_factors(values)
    later = list(order[list(order).index(SEX) + 1 :])
    models = {name: _regression(values, list(order[: list(order).index(name)]), name) for name in later}
    whole, along = (_gap(values, models, outcome, sees) for sees in ({*later}, {through}))
    return whole, along


def _gap(values: pd.DataFrame, models: dict[str, Any], outcome: str, sees: set[str]) -> float:
    """Compute the gap in which the regressions of `sees` see the sex that is set."""
    ends = []
    for value in (1.0, 0.0):
        changed = values.copy()
        for name, (model, before) in models.items():
            seen = changed.assign(**{SEX: value}) if name in sees else changed
            changed[name] = values[name] + model.predict(seen[before]) - model.predict(values[before])
        ends.append(changed[outcome].mean())
    return float(ends[0] - ends[1])


def _regression(values: pd.DataFrame, before: list[str], name: str) -> tuple[Any, list[str]]:
    """Fit the regression of a column on those before it."""
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import SplineTransformer

    smooth = [column for column in before if column != SEX]
    spline = SplineTransformer(KNOTS, knots="quantile", extrapolation="linear", include_bias=False)
    columns = make_column_transformer((spline, smooth), ("passthrough", [SEX]))
    return make_pipeline(columns, LinearRegression()).fit(values[before], values[name]), before


def gap_job(seed: int, *, n: int = 400, share: float = 0.5, eta: float = 0.01) -> list[dict[str, Any]]:
    """Draw the world *group*, learn the order with sex conditioned on, and compute the gap with each order.

    Returns
    -------
    list of dict
        A row an order, ``order``: ``truth`` (the whole gap, which is that along the path), ``gap`` and ``error``,
        ``along`` and ``error along`` of the path through heart size, and ``right`` (1.0 if heart size comes after sex
        and before the finding).
    """
    drawn = draw_factors("group", n, share=share, seed=seed)
    names = [name for name in drawn.values if name != SEX]
    learned = learn.score_order(drawn.values[names], groups=drawn.values[SEX], eta=eta).order
    rows = []
    for name, order in {**ORDERS, "learned": (SEX, *(names[k] for k in learned))}.items():
        whole, along = counterfactual_gap(drawn.values, order)
        place = {column: k for k, column in enumerate(order)}
        right = float(place[SEX] < place[THROUGH] < place[OUTCOME])
        found = {"truth": drawn.gap, "gap": whole, "error": whole - drawn.gap}
        rows.append({"order": name, **found, "along": along, "error along": along - drawn.gap, "right": right})
    return rows


def path_gaps(rows: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the mean error of the gap along the path by order, over data sets, with Student's interval.

    Parameters
    ----------
    rows : DataFrame
        Rows of `gap_job` with ``seed``.

    Returns
    -------
    DataFrame
        Indexed by order: ``estimate, low, high`` of the error along the path, ``data sets``, ``whole error``, and
        ``right``, the share of data sets in which the order is right about the path.
    """
    table = stats.over_seeds(rows.assign(SEED=rows["seed"]), "error along", configuration=["order"])
    table = table.rename(columns={"mean": "estimate", "seeds": "data sets"}).set_index("order")
    means = rows.groupby("order")[["error", "right"]].mean().rename(columns={"error": "whole error"})
    return table[["estimate", "low", "high", "data sets"]].join(means)
