"""The biased ruler: one fixed set of predictions, scored against two references."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.errors import InputError
from helpers.stats import gaps
from helpers.stats.crossed import resample_cells
from helpers.stats.inputs import Grouped, check_scores, group_scores
from helpers.stats.judging import judge
from helpers.stats.permute import permutation
from helpers.stats.resample import Change, bootstrap_change, percentile_interval

STEADY = 0.95  # share of resamples that need the same extreme groups for a gap to act as a contrast


@dataclass(frozen=True)
class Ruler:
    """Effect of the reference on the gap of one set of predictions.

    In every `Change`, the first value is by gold, the second by silver, and the change is silver minus gold.

    Attributes
    ----------
    mean, rate : Change
        Signed contrasts ``b - a`` of mean score and of the rate of success.
    ratio : Change or None
        Rate of `a` over rate of `b`; None if it is 0/0.
    gaps : pandas.DataFrame
        Max-min over all groups, index ``mean, rate``; columns ``gold, p_gold, silver, p_silver`` (permutation),
        ``change, low, high, note``. If the groups with the highest and lowest value differ between resamples, there is
        no interval and the note gives the reason: the gap is then not a contrast of two fixed groups, and a percentile
        interval of its change would not have its coverage.
    spread : pandas.DataFrame
        SD of the scores, index ``all``, `a`, `b`; columns ``n, gold, silver, ratio`` (silver over gold), ``low,
        high``.
    saturation : str
        The rates that are too near 0 or 1 to change much, in words; empty if there are none.
    verdict, why : str
        Verdict of `judge` on the mean contrast, and its reason.
    """

    a: object
    b: object
    threshold: float
    n_a: int
    n_b: int
    mean: Change
    rate: Change
    ratio: Change | None
    gaps: pd.DataFrame
    spread: pd.DataFrame
    saturation: str
    verdict: str
    why: str

    def table(self) -> pd.DataFrame:
        """Tabulate mean, rate and ratio, one row each, with intervals, sizes and verdicts."""
        rows = {f"mean {self.b} - {self.a}": (self.mean, 0.0), f"rate {self.b} - {self.a}": (self.rate, 0.0)}
        if self.ratio is not None:
            rows[f"rate {self.a} / {self.b}"] = (self.ratio, 1.0)
        found = {}
        for name, (change, null) in rows.items():
            row: dict[str, object] = {}
            for part, interval in (("gold", change.first), ("silver", change.second), ("change", change.change)):
                row |= {part: interval.estimate, f"{part}_low": interval.low, f"{part}_high": interval.high}
            verdict, _ = judge(change, null=null)
            note = "" if change is self.mean else self.saturation
            found[name] = row | {"n_a": self.n_a, "n_b": self.n_b, "verdict": verdict, "note": note}
        return pd.DataFrame.from_dict(found, orient="index").rename_axis("statistic")


def ruler(
    pred_vs_silver: ArrayLike,
    pred_vs_gold: ArrayLike,
    *,
    groups: ArrayLike,
    a: object,
    b: object,
    threshold: float = 0.8,
    n_boot: int = 10_000,
    n_permutations: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Ruler:
    """Judge one fixed set of predictions by two references, and compare the gaps between groups.

    Parameters
    ----------
    pred_vs_silver, pred_vs_gold : array_like of shape (n,)
        Score of each case's prediction against the silver and against the gold reference; higher is better.
    groups : array_like of shape (n,)
        Labels; a case without a label is resampled, but is in no mean.
    a, b : object
        Groups of the signed contrasts ``b - a``.
    threshold : float
        Success is ``score > threshold``.
    n_boot, n_permutations, seed, level
        Replicates of the paired bootstrap over patients, permutations for the gaps, seed, coverage of the intervals.

    Returns
    -------
    Ruler

    Raises
    ------
    InputError
        The scores are not paired or not finite numbers, or a group has no case.
    """
    data, silver = group_scores(pred_vs_gold, groups), check_scores(pred_vs_silver, "pred_vs_silver")
    same = not isinstance(pred_vs_silver, pd.Series) or not isinstance(pred_vs_gold, pd.Series)
    if len(silver) != len(data.values) or not (same or pred_vs_silver.index.equals(pred_vs_gold.index)):
        problem = f"{len(silver)} and {len(data.values)} cases, or another order of cases"
        raise InputError("pred_vs_silver, pred_vs_gold", problem, "Give both scores of the same cases, in one order.")
    gold, labels = data.values, np.array([*data.levels, None], dtype=object)[data.codes]
    options = {"groups": labels, "a": a, "b": b, "n_boot": n_boot, "seed": seed, "level": level}
    mean = bootstrap_change(gold, silver, **options)
    good = [gaps.success(values, threshold=threshold)[0] for values in (gold, silver)]
    rate = bootstrap_change(*good, **options)
    try:
        ratio = bootstrap_change(*good, **options, statistic="ratio")
    except InputError:  # 0/0 under a reference: reported by the saturation note
        ratio = None
    verdict, why = judge(mean)
    boot, shuffle = {"n_boot": n_boot, "seed": seed}, {"n": n_permutations, "seed": seed}
    by_gap = {
        name: _gap_row(np.stack(pair, axis=1).astype(float), data, boot, shuffle, level)
        for name, pair in {"mean": (gold, silver), "rate": good}.items()
    }
    sizes = [int((data.codes == data.code(name)).sum()) for name in (a, b)]
    max_min = pd.DataFrame.from_dict(by_gap, orient="index").rename_axis("of")
    spread = _spread(np.stack([gold, silver], axis=1), data, a, b, boot, level)
    saturation = _saturation(gold, silver, labels, a, b, threshold)
    return Ruler(a, b, threshold, *sizes, mean, rate, ratio, max_min, spread, saturation, verdict, why)


def one_sided(
    pred_vs_silver: pd.Series, pred_vs_gold: pd.Series, *, groups: ArrayLike, a: object, b: object, **options
) -> dict[str, Ruler]:
    """Judge one group by silver and the other by gold: the two changes of the gap of means add up to that of `ruler`.

    Parameters
    ----------
    pred_vs_silver, pred_vs_gold, groups, a, b, **options
        As in `ruler`.

    Returns
    -------
    dict of str to Ruler
        Keys such as ``silver for female alone``.
    """
    found = {}
    for name in (a, b):
        mixed = pred_vs_silver.where(np.asarray(groups, object) == name, pred_vs_gold)
        found[f"silver for {name} alone"] = ruler(mixed, pred_vs_gold, groups=groups, a=a, b=b, **options)
    return found


def _gap_row(
    both: np.ndarray, data: Grouped, boot: dict[str, int], shuffle: dict[str, int], level: float
) -> dict[str, object]:
    cells = resample_cells(both, data.codes, len(data.levels), **boot)
    groups = np.where(data.codes < 0, None, data.codes)
    gold, silver = (permutation(values, groups=groups, **shuffle) for values in both.T)
    change = silver.statistic - gold.statistic
    row: dict[str, object] = {"gold": gold.statistic, "p_gold": gold.p, "silver": silver.statistic}
    row |= {"p_silver": silver.p, "change": change, "low": np.nan, "high": np.nan, "note": ""}
    drawn = cells.drawn_means[np.isfinite(cells.drawn_means).all(axis=(1, 2))]
    extremes = [(m.argmax(axis=-2), m.argmin(axis=-2)) for m in (drawn, cells.means)]
    steady = [(each == observed).mean(axis=0).min() for each, observed in zip(*extremes, strict=True)]
    if min(steady) < STEADY:
        return row | {"note": "no interval: which groups are at the extremes differs between resamples"}
    span = np.ptp(drawn, axis=1)
    interval = percentile_interval(change, span[:, 1] - span[:, 0], len(both), level)
    return row | {"low": interval.low, "high": interval.high}


def _spread(both: np.ndarray, data: Grouped, a: object, b: object, boot: dict[str, int], level: float) -> pd.DataFrame:
    both = both - both[data.codes >= 0].mean(axis=0)  # small squares keep the digits of a variance
    parts = {"all": data.codes >= 0, a: data.codes == data.code(a), b: data.codes == data.code(b)}
    rows = {}
    for name, inside in parts.items():
        cell = np.where(inside, 0, -1)
        cells = resample_cells(np.concatenate([both, both**2], axis=1), cell, 1, **boot)
        observed, drawn = (_sd(m[..., 0, :], n) for m, n in ((cells.means, cells.counts), cells[2:]))
        row: dict[str, object] = {"n": int(cells.counts[0]), "gold": observed[0], "silver": observed[1]}
        row |= {"ratio": np.nan, "low": np.nan, "high": np.nan}
        if row["n"] > 1 and observed[0] > 0:
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = percentile_interval(observed[1] / observed[0], drawn[:, 1] / drawn[:, 0], row["n"], level)
            row |= {"ratio": ratio.estimate, "low": ratio.low, "high": ratio.high}
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")


def _sd(moments: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Compute SDs (ddof 1) of two columns from their means and mean squares, shape (..., 2)."""
    variance = moments[..., 2:] - moments[..., :2] ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(np.maximum(variance, 0) * counts / (counts - 1))


def _saturation(
    gold: np.ndarray, silver: np.ndarray, labels: np.ndarray, a: object, b: object, threshold: float
) -> str:
    said = []
    for name, values in (("gold", gold), ("silver", silver)):
        row = gaps.threshold_sweep(values, groups=labels, a=a, b=b, thresholds=[threshold]).iloc[0]
        if row["saturated"] or row["note"]:
            rates = f"rates {row['rate_a']:.3f} and {row['rate_b']:.3f}"
            said.append(f"{name}: {row['note']} above {threshold:g} ({rates}), rate and ratio can hardly move")
    return "; ".join(said)
