"""Users of a data set who do not cite the report of its flaw, counted by day, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.datasets.review.views import LAG
from helpers.errors import InputError
from helpers.stats.intervals import wilson

if TYPE_CHECKING:
    import duckdb

ALL = "all"  # the row of all reports together
NOBODY = "nobody could have"
_QUERY = """
SELECT r.dataset_id, r.report, r.reported_on, COUNT(u.work_id) AS users,
    COUNT(CASE WHEN u.answer = 'unknown' THEN 1 END) AS unknown,
    COUNT(CASE WHEN u.answer = 'silent' THEN 1 END) AS silent
FROM reports r LEFT JOIN users_of_reported u
    ON u.dataset_id = r.dataset_id AND u.report = r.report AND u.days_after >= ?
GROUP BY r.dataset_id, r.report, r.reported_on ORDER BY r.dataset_id, r.report
"""


def silent_users(review: duckdb.DuckDBPyConnection, *, lag: int = LAG, dated: bool = True) -> pd.DataFrame:
    """Count the users of each data set who could have known a report of its flaw, and do not cite it.

    Parameters
    ----------
    review : DuckDBPyConnection
        From `helpers.datasets.connect_review`.
    lag : int
        Days after the report from which a user counts.
    dated : bool
        If False, users of any day count, also those before the report: the error that dates prevent.

    Returns
    -------
    DataFrame
        One row a report, and one of all: ``dataset_id, report, reported_on, users``, ``unknown`` (without a reference
        list), ``n`` (users with one), ``silent``, ``estimate, low, high`` (their share with Wilson's interval) and
        ``answer``, "nobody could have" where no user came after the report; the share is then missing.
    """
    table = review.execute(_QUERY, [lag if dated else -np.inf]).df()
    counts = ["users", "unknown", "silent"]
    table.loc[len(table)] = {"dataset_id": ALL, "report": "", "reported_on": ""} | table[counts].sum().to_dict()
    n = table["users"] - table["unknown"]
    low, high = wilson(table["silent"], n.where(n > 0))
    share = {"n": n, "estimate": table["silent"] / n.where(n > 0), "low": low, "high": high}
    return table.assign(**share, answer=np.where(table["users"] == 0, NOBODY, ""))


def counted_pairs(review: duckdb.DuckDBPyConnection, *, lag: int = LAG, n: int = 200, seed: int = 0) -> pd.DataFrame:
    """Sample the pairs of work and data set to be read, of those that `silent_users` counts.

    Returns
    -------
    DataFrame
        ``work_id, dataset_id`` of `n` pairs, or of all if there are fewer.
    """
    query = "SELECT DISTINCT work_id, dataset_id FROM users_of_reported WHERE days_after >= ? ORDER BY ALL"
    pairs = review.execute(query, [lag]).df()
    return pairs.sample(min(n, len(pairs)), random_state=seed)


def corrected(
    silent: int, users: int, *, unknown: int = 0, right: int, read: int, n_draws: int = 2_000, seed: int = 0
) -> dict[str, float]:
    """Correct a share of silent users for pairs that were found by mistake, whose works cite no report.

    Parameters
    ----------
    silent, users : int
        Silent users, and all with a reference list.
    unknown : int
        Users without a list.
    right, read : int
        Pairs that were read, drawn at random from all users, and how many of these do use the data set.
    n_draws, seed : int
        Draws behind the interval, and their seed.

    Returns
    -------
    dict
        ``estimate, low, high`` and ``n`` (users with a list): a 95% interval that holds if lists are missing at random.
        ``bound_low`` and ``bound_high`` hold in any case: they are the ends of the intervals if all unknown users cite
        the report, and if none does.

    Raises
    ------
    InputError
        There is no user with a list, no pair is right, or the counts do not fit each other.

    Notes
    -----
    With the precision p of a found pair, the share found is s' = p s + (1 - p), so s = 1 - (1 - s') / p. The interval
    has the quantiles of draws with Jeffreys' prior, with nearly nominal coverage at shares near 0 and 1 too (Brown, Cai
    and DasGupta 2001): the number of right pairs among those that were not read, how many of all right ones are of
    users with a list, and the chance with which these cite. A percentile bootstrap of both shares held the truth less
    often.
    """
    if not (0 <= silent <= users and users > 0 and unknown >= 0 and 0 < right <= read <= users + unknown):
        problem = f"{silent} of {users} users are silent, {unknown} unknown, and {right} of {read} pairs are right"
        raise InputError("silent, users, right, read", problem, "Give counts of at least one user and one right pair")
    rng = np.random.default_rng(seed)

    def interval(citing: int, whole: int, others: int) -> np.ndarray:
        every = whole + others
        good = right + rng.binomial(every - read, rng.beta(right + 0.5, read - right + 0.5, n_draws))
        listed = rng.hypergeometric(good, every - good, whole).clip(citing)
        return np.quantile(rng.beta(listed - citing + 0.5, citing + 0.5), (0.025, 0.975))

    low, high = interval(users - silent, users, unknown)
    bounds = low, high
    if unknown:
        every = users + unknown
        bounds = interval(every - silent, every, 0)[0], interval(users - silent, every, 0)[1]
    estimate = min(max(1 - (1 - silent / users) * read / right, 0.0), 1.0)
    ends = dict(zip(("low", "high", "bound_low", "bound_high"), map(float, (low, high, *bounds)), strict=True))
    return {"estimate": estimate, **ends, "n": users}
