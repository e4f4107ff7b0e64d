"""Every method in simulated worlds with a known cause: it helps against this cause, does nothing, or harms.

The rule was fixed before any world was made. The effect of a method against a cause is the AUROC of the worst group
among tested cases, minus that of plain fine-tuning from the same start in the same world; the worlds of one cause are
the sample. If the 95% interval is within `MARGIN` of 0 (equivalence margin), the method does nothing. Otherwise it
helps or harms if q, after Benjamini and Hochberg over the whole table, is below 0.05. Otherwise no effect is shown.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import scipy

from helpers import metrics, stats
from helpers.errors import InputError, check_choice
from helpers.stats.intervals import half_width_of, wilson
from helpers.studies.mitigation.causes import CAUSES
from helpers.studies.mitigation.protocol import BASELINE, METHODS, RULES, START, THRESHOLDS, Compared, compare
from helpers.studies.mitigation.reading import ATTRIBUTES
from helpers.studies.mitigation.tasks import load, simulated, starter

SIZE = 32
MARGIN = 0.02
ALPHA = 0.05
VERDICTS = ("helps", "does nothing", "harms", "not shown")
# Whether a higher value of a measure is better.
HIGHER = {"auroc": True, "worst_auroc": True, "auroc_gap": False, "eodd": False}


def read_world(
    task: str,
    cause: str,
    *,
    n: int,
    seed: int,
    start_steps: int,
    steps: int,
    batch_size: int = 64,
    lr: float = 1e-3,
    names: Sequence[str] = tuple(METHODS),
    device: str = "auto",
) -> list[dict[str, object]]:
    """Make one world, apply every method in it, and measure each on the tested cases.

    Parameters
    ----------
    task : {"chest", "skin"}
    cause : str
        A key of `helpers.studies.mitigation.CAUSES`.
    n : int
        Number of patients; for skin, of images.
    seed : int
        Seed of data, split, cause, networks and order. Worlds with the same seed have the same people.
    start_steps, steps : int
        Training steps of the network that all methods start from, and of every candidate of every method.
    batch_size, lr, names, device
        See `helpers.studies.mitigation.compare`; the start has three times the learning rate.

    Returns
    -------
    list of dict
        One row per selection rule and method: ``n_group`` (tested cases of the group that the cause is planted in),
        ``rule, method, strength``, the measures ``auroc, worst_auroc, auroc_gap, eodd`` on tested cases and
        ``shifted_worst_auroc`` on another device, and ``seconds``.

    Raises
    ------
    InputError
        The task, the cause or a method is not known.
    """
    check_choice("task", task, ATTRIBUTES)
    check_choice("cause", cause, CAUSES)
    for name in names:
        check_choice("method", name, METHODS)
    root = simulated(task, n, size=SIZE, seed=seed)
    study = load(task, root, size=SIZE, seed=seed, cause=cause)
    start = starter(study, network="small", steps=start_steps, batch_size=batch_size, lr=3 * lr, device=device)
    options = {"steps": steps, "batch_size": batch_size, "lr": lr, "device": device, "names": names}
    found = compare(study, start, seeds=[seed], progress=False, **options)
    groups = found.cases["test"][study.attribute]
    planted = int((groups == sorted(groups.dropna().unique())[0]).sum())
    return [{"n_group": planted} | row for row in measures(found, study.attribute)]


def measures(found: Compared, attribute: str) -> list[dict[str, object]]:
    """Measure each rule and method on tested cases, and its worst AUROC on shifted cases, at the first seed."""
    rows = []
    for rule in RULES:
        for method, given in found.probabilities[rule]["test"].items():
            cases = found.cases["test"]
            areas = _areas(cases, given[0], attribute)
            other = _areas(found.cases["shifted"], found.probabilities[rule]["shifted"][method][0], attribute)
            decided, labels = found.decisions[rule]["test"][method][0], cases["label"]
            chosen = found.candidates[(found.candidates["method"] == method) & found.candidates[f"chosen_{rule}"]]
            rows.append(
                {
                    "rule": rule,
                    "method": method,
                    "strength": float(chosen["strength"].iloc[0]) if len(chosen) else float("nan"),
                    "auroc": metrics.auroc(labels, given[0]).value,
                    "worst_auroc": min(areas),
                    "auroc_gap": max(areas) - min(areas),
                    "eodd": metrics.equalized_odds_difference(labels, decided, groups=cases[attribute]),
                    "shifted_worst_auroc": min(other),
                    "seconds": float(found.candidates.loc[found.candidates["method"] == method, "seconds"].sum()),
                }
            )
    return rows


def _areas(cases: pd.DataFrame, probability: np.ndarray, attribute: str) -> list[float]:
    groups = cases[attribute]
    rows = [(groups == name).to_numpy() for name in groups.dropna().unique()]
    return [metrics.auroc(cases["label"][own], probability[own]).value for own in rows]


def gaps(rows: pd.DataFrame, *, rule: str = "worst") -> pd.DataFrame:
    """Tabulate the measures of plain fine-tuning under each cause: means over worlds, with t intervals.

    Returns
    -------
    pandas.DataFrame
        Columns ``task, cause, metric, estimate, low, high`` (95%) and ``n`` worlds.
    """
    own = rows[(rows["method"] == BASELINE) & (rows["rule"] == rule)]
    found = [
        {"task": task, "cause": cause, "metric": metric} | _mean(part[metric].to_numpy(float))
        for (task, cause), part in own.groupby(["task", "cause"], sort=False)
        for metric in HIGHER
    ]
    return pd.DataFrame(found).drop(columns="p")


def effects(
    rows: pd.DataFrame, *, metric: str = "worst_auroc", rule: str = "worst", by_task: bool = False
) -> pd.DataFrame:
    """Estimate the effect of each method against each cause, compared with plain fine-tuning in the same worlds.

    Parameters
    ----------
    rows : DataFrame
        One row per world, rule and method: ``task, cause, seed``, and the columns of `read_world`.
    metric : str
        A measure of `HIGHER`. Group thresholds change no AUROC, so they are only in the table of "eodd".
    rule : {"worst", "mean"}
        Rule by which candidates were chosen.
    by_task : bool
        Whether tasks have separate rows. Otherwise their worlds are one sample, and the interval includes the variation
        between tasks.

    Returns
    -------
    pandas.DataFrame
        Columns ``task`` ("all" if tasks have no separate rows), ``cause, method, change`` (mean over worlds), ``low,
        high`` (95%, t), ``p, q`` (Benjamini-Hochberg over the table), ``verdict`` ("helps", "does nothing", "harms",
        "not shown") by the rule of this module, and ``n`` worlds. ``attrs["tests"]`` is the number of tests.

    Raises
    ------
    InputError
        There is no such measure, or fewer than three worlds of a cause.
    """
    check_choice("metric", metric, HIGHER)
    own = rows[(rows["rule"] == rule) & (rows["method"] != START)]
    if "auroc" in metric:
        own = own[own["method"] != THRESHOLDS]
    own = own.assign(part=own["task"] if by_task else "all")
    found = []
    for (task, cause), part in own.groupby(["part", "cause"], sort=False):
        wide = part.pivot(index=["task", "seed"], columns="method", values=metric)
        if len(wide) < 3:
            raise InputError(
                f"{task}, {cause}",
                f"{len(wide)} worlds, at least 3 are needed",
                "Make three or more: their spread is the yardstick",
            )
        for method in dict.fromkeys(part["method"]):
            if method != BASELINE:
                change = _mean((wide[method] - wide[BASELINE]).to_numpy(float))
                change["change"] = change.pop("estimate")
                found.append({"task": task, "cause": cause, "method": method} | change)
    table = pd.DataFrame(found)
    table["q"] = np.nan
    made = table["p"].notna()
    table.loc[made, "q"] = stats.adjust_p(table.loc[made, "p"])["bh"].to_numpy()
    table["verdict"] = [_verdict(row, HIGHER[metric]) for row in table.to_dict("records")]
    table.attrs["tests"] = int(made.sum())
    return table[["task", "cause", "method", "change", "low", "high", "p", "q", "verdict", "n"]]


def headline(table: pd.DataFrame) -> dict[str, object]:
    """Count the cells of `effects` with each verdict, and the causes against which at least one method helps.

    Returns
    -------
    dict
        ``cells`` (their number), and for each verdict and for ``causes`` a share with its 95% and 90% Wilson intervals,
        by `stats.estimate`; n is the number of cells or of causes. Cells share worlds, so the interval is too narrow.
        The world without a cause is left out, since there is no gap to reduce.
    """
    rows = table[table["cause"] != "none"]
    helped = (rows["verdict"] == "helps").groupby(rows["cause"]).any()
    counts = {verdict: (int((rows["verdict"] == verdict).sum()), len(rows)) for verdict in VERDICTS}
    counts["causes"] = int(helped.sum()), len(helped)
    found: dict[str, object] = {"cells": float(len(rows))}
    for name, (count, n) in counts.items():
        ends = dict(zip(("low", "high"), wilson(count, n), strict=True))
        ends |= dict(zip(("low90", "high90"), wilson(count, n, alpha=0.1), strict=True))
        found[name] = stats.estimate({"estimate": count / n, **ends}, units=n, null=True)
    return found


def _mean(values: np.ndarray) -> dict[str, float]:
    """Compute the mean with its t interval and p against 0; if all values are equal, the interval has zero width."""
    n, middle = len(values), float(values.mean())
    spread = float(values.std(ddof=1)) if n > 1 else float("nan")
    if np.ptp(values) < 1e-12:
        return {"estimate": middle, "low": middle, "high": middle, "p": 1.0 if middle == 0 else float("nan"), "n": n}
    half = float(half_width_of(spread, n, level=1 - ALPHA))
    p = float(2 * scipy.stats.t.sf(abs(middle) / (spread / np.sqrt(n)), n - 1))
    return {"estimate": middle, "low": middle - half, "high": middle + half, "p": p, "n": n}


def _verdict(row: dict[str, float], higher: bool) -> str:
    if max(abs(row["low"]), abs(row["high"])) < MARGIN:
        return "does nothing"
    if not row["q"] < ALPHA:
        return "not shown"
    return "helps" if (row["change"] > 0) == higher else "harms"
