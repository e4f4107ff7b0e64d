"""Tables that summarise a comparison of methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from helpers import stats
from helpers.disclosure import SMALLEST_CELL
from helpers.metrics.rates import SMALLEST
from helpers.stats import drawing
from helpers.stats.intervals import half_width_of, wilson
from helpers.studies.mitigation import comparing
from helpers.studies.mitigation.protocol import BASELINE, METHODS, START, THRESHOLDS, Compared
from helpers.studies.mitigation.tasks import PARTS, Study

CHANGE = ("change", "change_low", "change_high")  # columns of a change from plain fine-tuning
CHOSEN_BY = ("auroc", "worst_auroc", "eodd")


def cohort(study: Study) -> pd.DataFrame:
    """Count the cases and patients, and compute the share of positives, of each group in each part.

    Returns
    -------
    pandas.DataFrame
        Index part and group, columns ``n`` (cases), ``n_patients`` and ``positive`` (share, by the recorded label).
    """
    rows = study.rows.drop_duplicates(["part", "case"])
    grouped = rows.groupby(["part", study.attribute])
    table = pd.DataFrame({"n": grouped.size(), "n_patients": grouped["patient_id"].nunique()})
    table["positive"] = grouped["label"].mean()
    return table.reindex([part for part in PARTS if part in table.index.levels[0]], level=0)


def beside_small(table: pd.DataFrame) -> list[tuple[str, object]]:
    """List the rows to hide next to a single small group of a part (complementary suppression).

    The size of a part may be known, and would give away the one group of fewer than ten patients or cases.

    Parameters
    ----------
    table : pandas.DataFrame
        From `cohort`.

    Returns
    -------
    list of tuple
        (part, group): the smallest other group of each such part.
    """
    small = (table[["n", "n_patients"]] < SMALLEST_CELL).any(axis=1)
    lone = small.groupby(level=0).transform("sum").eq(1)
    return [of.idxmin() for _, of in table.loc[lone & ~small, "n"].groupby(level=0)]


def comparison(
    found: Compared,
    attribute: str,
    *,
    rule: str,
    part: str = "test",
    minimum: int = SMALLEST,
    n_boot: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare every method with plain fine-tuning; return the table of `helpers.studies.mitigation.compare_methods`.

    Parameters
    ----------
    found : Compared
    attribute : str
        Attribute that defines the compared groups.
    rule : {"worst", "mean"}
        Rule by which candidates were chosen.
    part : {"test", "shifted"}
    """
    cases = found.cases[part]
    return comparing.compare_methods(
        cases["label"],
        found.probabilities[rule][part],
        found.decisions[rule][part],
        groups=cases[attribute],
        patient=cases["patient_id"],
        baseline=BASELINE,
        minimum=minimum,
        n_boot=n_boot,
        seed=seed,
    )


def sensitivity(candidates: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the validation measures of every strength that was tried: means over seeds, with t intervals.

    Returns
    -------
    pandas.DataFrame
        Columns ``method, strength, metric, value, low, high`` (NaN with one seed) and ``seeds``.
    """
    rows = []
    for (method, strength), part in candidates[candidates["method"] != START].groupby(
        ["method", "strength"], sort=False
    ):
        for metric in CHOSEN_BY:
            value, half = _mean(part[metric].dropna().to_numpy())
            ends = {"value": value, "low": value - half, "high": value + half}
            rows.append({"method": method, "strength": strength, "metric": metric} | ends | {"seeds": len(part)})
    return pd.DataFrame(rows)


def costs(candidates: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the cost of each method: training time of all its candidates, and number of cases it learns from.

    Returns
    -------
    pandas.DataFrame
        Index method; columns ``seconds`` (mean over seeds, of all candidates), ``relative`` (to plain fine-tuning, a
        mean over seeds), ``learns_from`` (cases) and ``needs`` (where group labels are needed).
    """
    total = candidates.groupby(["method", "seed"], sort=False)["seconds"].sum().unstack("seed")
    table = pd.DataFrame({"seconds": total.mean(axis=1), "relative": (total / total.loc[BASELINE]).mean(axis=1)})
    table["learns_from"] = candidates.groupby("method")["cases"].max()
    table.loc[THRESHOLDS] = [*table.loc[BASELINE, ["seconds", "relative"]], table.loc[BASELINE, "learns_from"]]
    needs = {BASELINE: "nowhere", START: "nowhere", THRESHOLDS: "validation, and wherever it is used"}
    table["needs"] = [needs.get(name, "training") for name in table.index]
    return table.astype({"learns_from": int})


def image_quality(found: Compared, *, rule: str, n_boot: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Compute the PSNR of the tested images by method: mean over seeds, with an interval over patients and seeds.

    Returns
    -------
    pandas.DataFrame
        Index method; columns ``psnr, low, high`` in dB, ``change, change_low, change_high`` from plain fine-tuning, its
        90% interval ``change_low90, change_high90``, ``seeds`` and ``seeds_share``, their share of the variance of the
        change, and ``n`` patients; empty for a classification. Intervals are those of `comparing.over_seeds`.
    """
    codes, patients = pd.factorize(found.cases["test"]["patient_id"])
    drawn = drawing.multinomial(len(patients), n_boot=n_boot, seed=seed)[:, codes]
    by_seed = {
        method: (values.mean(axis=1), drawn @ values.T / drawn.sum(axis=1, keepdims=True))
        for method, values in found.psnr.get(rule, {}).items()
    }
    rows = {}
    for method, (values, draws) in by_seed.items():
        weights = comparing.seed_weights(len(values), n_boot=n_boot, seed=seed + 1)
        base, base_draws = by_seed[BASELINE]
        own = comparing.over_seeds(values, draws, weights, n=len(patients))
        moved = comparing.over_seeds(values - base, draws - base_draws, weights, n=len(patients))
        low90, high90 = moved.null_ends()
        rows[method] = {"psnr": own.estimate, "low": own.low, "high": own.high, "change": moved.estimate}
        rows[method] |= {"change_low": moved.low, "change_high": moved.high}
        rows[method] |= {"change_low90": low90, "change_high90": high90}
        rows[method] |= {"seeds": len(values), "seeds_share": moved.seeds_share, "n": len(patients)}
    return pd.DataFrame.from_dict(rows, orient="index")


def quoted(
    table: pd.DataFrame, shifted: pd.DataFrame, quality: pd.DataFrame, candidates: pd.DataFrame
) -> dict[str, object]:
    """Collect the numbers of a comparison that the text and its claims quote.

    Parameters
    ----------
    table, shifted : DataFrame
        From `comparison`, on the tested and the shifted cases.
    quality : DataFrame
        From `image_quality`.
    candidates : DataFrame
        From `Compared`.

    Returns
    -------
    dict
        Estimates by `stats.estimate`: ``value, change, shifted`` (by method and metric), ``psnr`` (change by method)
        and ``slope`` (by method: validation AUROC at the largest strength minus that at the smallest). Also ``n`` and
        ``seeds``, and ``helped``: number of methods that raise the AUROC of the worst group with q below 0.05, and the
        number of all methods tested.
    """
    values: dict[str, object] = {
        "value": _nested(table, "value", "low", "high"),
        "change": _nested(table, *CHANGE, null=True),
        "shifted": _nested(shifted, *CHANGE),
        "psnr": {row: _known(quality.loc[row], *CHANGE, null=True) for row in quality.index},
        "slope": {method: _slope(candidates[candidates["method"] == method]) for method in METHODS},
    }
    worst = table[(table["metric"] == "worst_auroc") & table["q"].notna()]
    named = worst[(worst["q"] < 0.05) & (worst["change"] > 0)]
    values["helped"] = {"of": float(len(worst)), "methods": float(len(named))}
    first = table.iloc[0]
    return values | {"n": int(first["n"]), "seeds": float(first["seeds"])}


def changes(table: pd.DataFrame, *metrics: str) -> pd.DataFrame:
    """Select the rows of `comparison` with a change from plain fine-tuning, given as ``change, low, high``."""
    rows = table[table["metric"].isin(metrics or table["metric"].unique()) & table["change"].notna()]
    kept = ["method", "metric", "change", "change_low", "change_high", "p", "q", "n_smallest", "n_patients"]
    return rows[kept].rename(columns={"change_low": "low", "change_high": "high"}).reset_index(drop=True)


def who_gains(found: Compared, attribute: str, *, rule: str = "worst", part: str = "test") -> pd.DataFrame:
    """Compare the change of AUROC from plain fine-tuning between groups, by `helpers.stats.harm_in_auroc`.

    Probabilities are means over training seeds, so that the intervals cover variation between patients only.
    """
    return _signed(found, found.cases[part][[attribute]], rule, part)


def shuffled(found: Compared, attribute: str, *, method: str, n: int = 200, seed: int = 0) -> dict[str, Any]:
    """Estimate how often `who_gains` finds that a method treats permuted groups differently (negative control).

    Returns
    -------
    dict
        The share of p below 0.05 by `stats.estimate`, with its Wilson interval; n is the number of tests.
    """
    cases, rng = found.cases["test"], np.random.default_rng(seed)
    own = cases.drop_duplicates("patient_id").set_index("patient_id")[attribute]
    lots = {f"lot {k}": cases["patient_id"].map(pd.Series(rng.permutation(own), own.index)) for k in range(n)}
    table = _signed(found, pd.DataFrame(lots), "worst", "test", (BASELINE, method))
    hits = int((table["p"] < 0.05).groupby(table["attribute"]).any().sum())
    low, high = wilson(hits, n)
    return stats.estimate({"estimate": hits / n, "low": low, "high": high}, units=n)


def _signed(
    found: Compared, attributes: pd.DataFrame, rule: str, part: str, names: tuple[str, ...] = ()
) -> pd.DataFrame:
    cases = found.cases[part]
    given = {
        name: pd.DataFrame({"label": values.mean(axis=0)})
        for name, values in found.probabilities[rule][part].items()
        if name != THRESHOLDS and (not names or name in names)
    }
    whose = {"attributes": attributes, "patient": cases["patient_id"], "baseline": BASELINE}
    return stats.harm_in_auroc(cases[["label"]], given, **whose).rename(columns={"arm": "method"})


def probe_table(
    truth: np.ndarray, told: dict[str, np.ndarray], patient: pd.Series, *, n_boot: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Tabulate the AUROC of linear probes on several networks, and its change from the first network.

    Parameters
    ----------
    truth, told
        From `helpers.studies.mitigation.linear_probe`: the true group, and the probe's probability by network name.
    patient : Series
        Patient of each case.

    Returns
    -------
    pandas.DataFrame
        Index network; columns ``auroc, low, high, change, change_low, change_high, p`` and ``n`` cases.
    """
    first = next(iter(told))
    given = {name: values[None] for name, values in told.items()}
    decided = {name: (values >= 0.5).astype(int) for name, values in given.items()}
    asked = {"groups": np.zeros(len(truth)), "patient": patient, "baseline": first, "n_boot": n_boot, "seed": seed}
    table = comparing.compare_methods(truth, given, decided, **asked)
    rows = table[table["metric"] == "auroc"].set_index("method").rename(columns={"value": "auroc"})
    return rows[["auroc", "low", "high", "change", "change_low", "change_high", "p", "n"]]


def _nested(table: pd.DataFrame, *columns: str, null: bool = False) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for row in table.to_dict("records"):
        found.setdefault(row["method"], {})[row["metric"]] = _known(row, *columns, null=null)
    return found


def _known(row: Mapping[str, Any] | pd.Series, *columns: str, null: bool = False) -> dict[str, object] | None:
    return None if np.isnan(row[columns[0]]) else stats.estimate(row, *columns, null=null)


def _slope(own: pd.DataFrame) -> dict[str, object] | None:
    """Compute the AUROC at the largest strength minus that at the smallest, paired by seed (n is that of seeds)."""
    if own.empty:
        return None
    wide = own.pivot(index="seed", columns="strength", values="auroc")
    rises = (wide[wide.columns.max()] - wide[wide.columns.min()]).to_numpy()
    (value, half), (_, half90) = _mean(rises), _mean(rises, level=0.9)
    ends = {"estimate": value, "low": value - half, "high": value + half}
    ends |= {"low90": value - half90, "high90": value + half90}
    return stats.estimate(ends, units=len(wide), null=True) if np.isfinite(half) else None


def _mean(values: np.ndarray, *, level: float = 0.95) -> tuple[float, float]:
    """Compute the mean and the half-width of its t interval; the half-width is NaN with fewer than two values."""
    n = len(values)
    half = half_width_of(values.std(ddof=1), n, level=level) if n > 1 else float("nan")
    return (float(values.mean()) if n else float("nan")), float(half)
