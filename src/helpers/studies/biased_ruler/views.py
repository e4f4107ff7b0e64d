"""Tables of the experiments for notebooks and figures."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from helpers import stats
from helpers.stats import Between, Interval
from helpers.studies.biased_ruler.rulers import Ruler


def ruler_table(ruler: Ruler) -> pd.DataFrame:
    """Tabulate mean, rate and ratio by gold and by silver, the change with its interval, and the verdict."""
    table = ruler.table()
    return table[["gold", "silver", "change", "change_low", "change_high", "n_a", "n_b", "verdict"]].rename(
        columns={"change_low": "low", "change_high": "high"}
    )


def gap_rows(rulers: Mapping[str, Ruler]) -> pd.DataFrame:
    """Tabulate gap by gold, gap by silver and their change, three rows for each ruler: ``estimate, low, high, n``."""
    rows = {}
    for name, ruler in rulers.items():
        parts = {"gold": ruler.mean.first, "silver": ruler.mean.second, "silver − gold": ruler.mean.change}
        for part, interval in parts.items():
            rows[f"{name}: {part}"] = _row(interval, ruler.n_a + ruler.n_b)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["estimate", "low", "high", "n"])


def change_rows(between: Mapping[str, Between]) -> pd.DataFrame:
    """Tabulate the gap of the baseline, that of each experiment, and the change.

    Columns: ``first, second, change, low, high, n, n_a, n_b``.
    """
    rows = {}
    for name, found in between.items():
        change, low, high, n = _row(found.change, found.n_a + found.n_b)
        rows[name] = (found.first.estimate, found.second.estimate, change, low, high, n, found.n_a, found.n_b)
    columns = ["first", "second", "change", "low", "high", "n", "n_a", "n_b"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def ruler_values(ruler: Ruler | None) -> dict[str, object]:
    """Return the estimates of a ruler that a page quotes.

    Keys: the gap by ``gold`` and by ``silver`` and its ``change``, the sizes of both groups, such as ``n_young,
    n_older``, and ``verdict``. Without a ruler all numbers are None, and no n is defined.
    """
    parts = ("gold", "silver", "change")
    if ruler is None:
        nothing = dict.fromkeys(("estimate", "low", "high"))
        return {part: stats.estimate(nothing, n=None) for part in parts} | {"verdict": "no images"}
    intervals = (ruler.mean.first, ruler.mean.second, ruler.mean.change)
    n = ruler.n_a + ruler.n_b
    found = {part: stats.estimate(interval, n=n) for part, interval in zip(parts, intervals, strict=True)}
    sizes = {f"n_{str(name).lower()}": size for name, size in ((ruler.a, ruler.n_a), (ruler.b, ruler.n_b))}
    return {**found, **sizes, "verdict": ruler.verdict}


def _row(interval: Interval, n: int) -> tuple[float, float, float, int]:
    return interval.estimate, interval.low, interval.high, n
