"""Tables of an audit, over all attributes: pairs of groups, gaps within sources, the leading contrast, and the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from helpers import stats
from helpers.book.own_audit import duration_words, expected_seconds
from helpers.datasets.own.loader import OwnScores
from helpers.errors import InputError
from helpers.studies.own_scores.suppression import SUPPRESSED, small_sources


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
        Index ``attribute, a, b``; columns ``n_a, n_b, difference, low, high, p``. The difference is `b` less `a`, where
        the largest group is `a`, as the reference of the contrasts.
    """
    pairs = {}
    for name, of in groups.items():
        method = "dunn" if tests[name] == "Kruskal-Wallis" else "games-howell"
        found = stats.posthoc(score, groups=stats.comparable(of), method=method)
        found = _less_reference(found, stats.reference_group(of))
        n = {f"n_{side}": found[side].map(sizes[name]["n"]) for side in "ab"}
        pairs[name] = found.assign(**n).set_index(["a", "b"])
    return pd.concat(pairs)[["n_a", "n_b", "difference", "low", "high", "p"]]


def _less_reference(pairs: pd.DataFrame, reference: object) -> pd.DataFrame:
    """Turn round the pairs whose `b` is the reference, so that every difference is a group less the reference."""
    turned = pairs.assign(a=pairs["b"], b=pairs["a"], difference=-pairs["difference"], low=-pairs["high"])
    return turned.assign(high=-pairs["low"]).where(pairs["b"] == reference, pairs)


def given_sources(score: pd.Series, *, groups: Mapping[str, pd.Series], sources: pd.Series) -> dict[str, pd.DataFrame]:
    """Estimate the contrasts of each attribute alone and given the source, of the cases that have a source.

    Returns
    -------
    dict of str to DataFrame
        Tables of `stats.given_source`, with the ``reference``. An attribute without two groups of ten such cases is
        left out.
    """
    known, found = sources.notna(), {}
    for name, of in _within(groups, known).items():
        table = stats.given_source(score[known], groups=of, sources=sources[known])
        table.insert(0, "reference", str(stats.reference_group(of)))
        found[name] = table
    return found


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

    Cases without a source are left out. So is an attribute without two groups of ten cases with one.

    Returns
    -------
    within : DataFrame
        Tables of `stats.within_source`, index ``attribute, source``; with two groups, of their one contrast, which is
        that of the smaller group `b` less the largest `a`. The sizes of the sources of `small_sources` are
        "suppressed".
    hidden : DataFrame
        ``n`` and the results of `stats.hidden_gap`, index ``attribute``.
    """
    within, hidden, known = {}, {}, sources.notna()
    few = list(map(str, small_sources({name: of[known] for name, of in groups.items()}, sources[known])))
    for name, of in _within(groups, known).items():
        levels = list(of.cat.categories)
        if stats.reference_group(groups[name]) == levels[-1]:
            levels.reverse()
        two = dict(zip("ab", levels, strict=True)) if len(levels) == 2 else {}
        options = {"groups": of, "sources": sources[known], "seed": seed}
        table = stats.within_source(score[known], **options, **two, n_permutations=n_permutations, n_boot=n_boot)
        sizes = ["n", "n_a", "n_b"]
        within[name] = table.astype(dict.fromkeys(sizes, object))
        within[name].loc[table.index.isin(few), sizes] = SUPPRESSED
        found = stats.hidden_gap(score[known], **options, n=n_permutations)
        hidden[name] = {"n": int(of.notna().sum()), **found}
    if not within:
        return pd.DataFrame(), pd.DataFrame()
    return pd.concat(within), pd.DataFrame(hidden).T.infer_objects()


def _within(groups: Mapping[str, pd.Series], known: pd.Series) -> dict[str, pd.Series]:
    """Return the groups of ten known cases of each attribute; attributes without two of them are left out."""
    found = {}
    for name, of in groups.items():
        try:
            found[name] = stats.comparable(of[known])
        except InputError:
            continue
    return found


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
    about["repeated"] = own.weights is not None or (own.rows is not None and len(own.rows) > rows)
    seconds = expected_seconds(rows, attributes, **about, n_boot=n_boot, n_permutations=n_permutations)
    return duration_words(seconds, rows, attributes) if seconds >= 60 else ""
