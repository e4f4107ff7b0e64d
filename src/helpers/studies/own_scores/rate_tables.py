"""Tables of a classifier's rates by group, for readers and for results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from helpers.disclosure import SMALLEST_CELL
from helpers.report.tables import interval
from helpers.stats.notation import estimate
from helpers.studies.own_scores.classifying import ACCURACY, AUROC, BRIER, CALIBRATION, RATES, SENSITIVITY, GroupRates
from helpers.studies.own_scores.rate_gaps import Gaps
from helpers.studies.own_scores.suppression import SUPPRESSED
from helpers.studies.own_scores.weighing import EFFECTIVE

OF_PROBABILITIES = (AUROC, CALIBRATION, BRIER)


def rate_table(
    gaps: Gaps, *, hidden: Mapping[str, Mapping[str, int | None]], of_probabilities: bool = False
) -> pd.DataFrame:
    """Tabulate the measures of every group with 95% intervals, as text.

    Parameters
    ----------
    gaps : Gaps
    hidden : mapping of str to mapping
        Groups that are suppressed, by attribute, with their size; see `suppressed` and `suppressed_cells`.
    of_probabilities : bool
        AUROC, calibration-in-the-large and Brier score, in place of the rates of predictions.

    Returns
    -------
    DataFrame
        Index (attribute, group); columns ``n`` (rows), ``patients`` if these are fewer, ``positives``, and the
        measures; with weights also Kish's effective number of rows and of positives. Sizes of 1 to 9 are shown as
        "<10", and what they would give away as "suppressed".
    """
    measures = OF_PROBABILITIES if of_probabilities else RATES
    rows = {}
    for name, of in gaps.rates.items():
        for group in of.levels:
            rows[name, str(group)] = _row(of, of.levels.index(group), measures)
        columns = list(next(iter(rows.values())))
        for group, n in hidden.get(name, {}).items():
            size = SUPPRESSED if n is None else f"<{SMALLEST_CELL}"
            rows[name, group] = dict.fromkeys(columns, SUPPRESSED) | {"n": size}
    return pd.DataFrame.from_dict(rows, orient="index")


def rate_intervals(
    gaps: Gaps, measure: str, *, names: Mapping[str, str], levels: Mapping[str, Mapping[object, str]]
) -> pd.DataFrame:
    """Tabulate one rate of each group that is not suppressed, to be drawn.

    Parameters
    ----------
    gaps : Gaps
    measure : str
        Such as "sensitivity".
    names : mapping of str to str
        Labels of attributes.
    levels : mapping of str to mapping
        Attributes that are drawn, and the labels of their groups.

    Returns
    -------
    DataFrame
        Index "attribute: group"; columns ``n`` (rows that the measure counts), ``estimate``, ``low`` and ``high``.
    """
    rows = {}
    for name in levels:
        of = gaps.rates[name]
        k = of.measures.index(measure)
        for group, level in enumerate(of.levels):
            if not np.isnan(of.estimate[k, group]):
                label = f"{names[name]}: {levels[name][level]}"
                rows[label] = of.n[k, group], of.estimate[k, group], *of.interval(k, group)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["n", "estimate", "low", "high"])


def _row(of: GroupRates, group: int, measures: Sequence[str]) -> dict[str, object]:
    everyone, positive = of.measures.index(ACCURACY), of.measures.index(SENSITIVITY)
    n, patients = int(of.n[everyone, group]), int(of.patients[everyone, group])
    weighted, many = of.effective is not None, of.effective
    row: dict[str, object] = {"n": n} | ({EFFECTIVE: f"{many[everyone, group]:.1f}"} if weighted else {})
    row |= {"patients": patients} if of.clustered else {}
    ill, well = (int(of.patients[k, group]) for k in (positive, positive + 1))
    row["positives"] = int(of.n[positive, group])
    if 0 < ill < SMALLEST_CELL or 0 < well < SMALLEST_CELL:
        row["positives"] = f"<{SMALLEST_CELL}" if ill < SMALLEST_CELL else SUPPRESSED
    if weighted:
        shown = isinstance(row["positives"], int)
        row["effective positives"] = f"{many[positive, group]:.1f}" if shown else SUPPRESSED
    for measure in measures:
        k = of.measures.index(measure)
        value = of.estimate[k, group]
        row[measure] = SUPPRESSED if np.isnan(value) else interval(value, *of.interval(k, group))
    return row


def rate_values(gaps: Gaps) -> dict[str, dict[str, object]]:
    """Write the gap of every measure and attribute as results hold it: an estimate, its interval, p and groups."""
    found: dict[str, dict[str, object]] = {}
    for (name, measure), row in gaps.table.iterrows():
        about = {"lowest": str(row["lowest"]), "highest": str(row["highest"])}
        about |= {key: float(row[key]) for key in ("expected", "p", "p_holm", "p_bh")}
        n = int(row["n_lowest"] + row["n_highest"])
        found.setdefault(name, {})[measure] = estimate(row, n=n) | about
    return found


def leading_rate(gaps: Gaps) -> dict[str, object]:
    """Return the measure and attribute of the smallest p, with the groups it is highest and lowest in."""
    (name, measure), row = gaps.table["p"].idxmin(), gaps.table.loc[gaps.table["p"].idxmin()]
    about = {"attribute": name, "score": measure, "group": str(row["highest"]), "reference": str(row["lowest"])}
    return about | {"n_reference": int(row["n_lowest"])} | estimate(row, n=int(row["n_highest"]))
