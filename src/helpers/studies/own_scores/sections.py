"""Tables of an audit, over all attributes: pairs of groups, gaps within sources, the leading contrast, and the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from helpers import stats
from helpers.book.own_audit import duration_words, expected_seconds
from helpers.datasets.own.loader import OwnScores


def pairs_of_groups(
    score: pd.Series, *, groups: Mapping[str, pd.Series], tests: pd.Series, sizes: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Compare all pairs of groups of each attribute, by Dunn after a test on ranks and by Games-Howell after others.

    Parameters
    ----------
    score : Series
    groups : mapping of str to Series
        Attributes.
    tests : Series of str
        Name of the test of each attribute, see `stats.over_attributes`.
    sizes : mapping of str to DataFrame
        Tables of `stats.group_sizes`.

    Returns
    -------
    DataFrame
        Index ``attribute, a, b``; columns ``n_a, n_b, difference, low, high, p``.
    """
    pairs = {}
    for name, of in groups.items():
        method = "dunn" if tests[name] == "Kruskal-Wallis" else "games-howell"
        found = stats.posthoc(score, groups=stats.comparable(of), method=method)
        n = {f"n_{side}": found[side].map(sizes[name]["n"]) for side in "ab"}
        pairs[name] = found.assign(**n).set_index(["a", "b"])
    return pd.concat(pairs)[["n_a", "n_b", "difference", "low", "high", "p"]]


def gaps_in_sources(
    score: pd.Series,
    *,
    groups: Mapping[str, pd.Series],
    sources: pd.Series,
    n_permutations: int = 5000,
    n_boot: int = 10_000,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compute the gap of each attribute within each source, and test for gaps that pooling hides.

    Returns
    -------
    within : DataFrame
        Tables of `stats.within_source`, index ``attribute, source``; with two groups, of their one contrast.
    hidden : DataFrame
        ``n`` and the results of `stats.hidden_gap`, index ``attribute``.
    """
    within, hidden = {}, {}
    for name, of in groups.items():
        kept = stats.comparable(of)
        levels = kept.cat.categories
        two = dict(zip("ab", levels, strict=True)) if len(levels) == 2 else {}
        options = {"groups": kept, "sources": sources, "seed": seed}
        within[name] = stats.within_source(score, **options, **two, n_permutations=n_permutations, n_boot=n_boot)
        found = stats.hidden_gap(score, **options, n=n_permutations)
        hidden[name] = {"n": int(kept.notna().sum()), **found}
    return pd.concat(within), pd.DataFrame(hidden).T.infer_objects()


def leading_contrast(
    score: str, overall: pd.DataFrame, contrasts: Mapping[str, pd.DataFrame], *, names: Sequence[str], binary: bool
) -> dict[str, object]:
    """Return the furthest contrast of the attribute with the smallest p, as results hold it.

    Parameters
    ----------
    score : str
        Name of the score.
    overall : DataFrame
        Table of `stats.over_attributes`.
    contrasts : mapping of str to DataFrame
        Tables of `stats.against_reference`.
    names : sequence of str
        Attributes to choose from.
    binary : bool
        The score is 0 or 1, so that its mean is a rate.
    """
    lead = overall.loc[list(names), "p"].idxmin()
    row = contrasts[lead].loc[contrasts[lead]["estimate"].abs().idxmax()]
    found = {"attribute": lead, "score": ("the rate of " if binary else "mean ") + score, "group": str(row.name)}
    found |= {"reference": str(row["reference"]), "n_reference": row["n_reference"]}
    return found | stats.estimate(row)


def time_ahead(own: OwnScores, *, n_boot: int, n_permutations: int) -> str:
    """Word the time that the rest of the audit will take, by `expected_seconds`; empty if it is under a minute.

    Parameters
    ----------
    own : OwnScores
        The cases.
    n_boot, n_permutations : int
        Replicates of each interval, and permutations of each test.
    """
    ordered = sum(own.cases[name].cat.ordered for name in own.groups)
    about = {"ordered": ordered, "source": bool(own.source), "truth": own.rows is not None}
    about["models"] = 1 if own.models is None else own.models.shape[1]
    rows, attributes = len(own.cases), len(own.groups)
    seconds = expected_seconds(rows, attributes, **about, n_boot=n_boot, n_permutations=n_permutations)
    return duration_words(seconds, rows, attributes) if seconds >= 60 else ""
