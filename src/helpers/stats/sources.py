"""Gaps within each source compared with the pooled gap, and a test of gaps that pooling may hide."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.disclosure import SMALLEST_CELL
from helpers.stats.inputs import check_groups, group_scores
from helpers.stats.pairs import adjust_p
from helpers.stats.permute import compared, permutation
from helpers.stats.permuted_sums import null_sums
from helpers.stats.resample import bootstrap


def within_source(
    score: ArrayLike,
    *,
    groups: ArrayLike,
    sources: ArrayLike,
    a: object = None,
    b: object = None,
    smallest_cell: int = SMALLEST_CELL,
    n_boot: int = 2000,
    n_permutations: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Compute the gap over all groups and one signed contrast, pooled and within each source.

    Parameters
    ----------
    score : array_like of shape (n,)
        A score, or the outcomes of `success` at one threshold for all sources: gaps are then differences of rates.
    a, b : object, optional
        Groups of the signed contrast ``b - a``. By default each row uses the groups with its lowest and highest mean.
        Such a pair is chosen after seeing the scores, so its interval is optimistic; use the `p` of the gap instead.
    smallest_cell : int
        A group of fewer cases is left out of that row's gap and contrast, and named in its note: the mean of three
        cases is too noisy, and would often make the largest gap.

    Returns
    -------
    pandas.DataFrame
        Index ``source``: "pooled", "pooled, permuted within sources" (same gap, but a null that keeps the differences
        between sources), then each source. Columns ``n, gap, expected`` (the mean of its null), ``p`` (permutation of
        the max-min gap), ``p_holm`` (corrected over the sources), ``a, n_a, mean_a, b, n_b, mean_b, contrast, low,
        high`` (bootstrap), ``note``. A source with fewer than two groups to compare, or without `a` or `b`, has NaN and
        the reason in ``note``.
    """
    data = group_scores(score, groups)
    where, levels = check_groups(sources, len(data.values), "sources")
    labels = np.array([*data.levels, None], dtype=object)[data.codes]
    options = {"a": a, "b": b, "smallest_cell": smallest_cell, "n_boot": n_boot, "n": n_permutations, "seed": seed}
    rows = {"pooled": _row(data.values, labels, data.levels, **options)}
    large, _ = _large_groups(labels, data.levels, smallest_cell)
    stratified = rows["pooled"].copy()
    if not np.isnan(stratified["gap"]):
        kept = {"groups": large, "strata": where, "n": n_permutations, "seed": seed}
        stratified["p"] = permutation(data.values, **kept).p
    rows["pooled, permuted within sources"] = stratified
    pooled = list(rows)
    for k, source in enumerate(levels):
        inside = where == k
        rows[str(source)] = _row(data.values[inside], labels[inside], data.levels, **options)
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("source")
    table["p_holm"] = np.nan
    tested = table["p"].drop(index=pooled).dropna()
    if len(tested):
        table.loc[tested.index, "p_holm"] = adjust_p(tested)["holm"]
    table.attrs["missing"] = int((where < 0).sum())
    return table


def _large_groups(labels: np.ndarray, order: list[object], smallest_cell: int) -> tuple[pd.Series, pd.Series]:
    """Return the labels, missing for cases of small groups, and the sizes of all groups in `order`."""
    groups = pd.Series(pd.Categorical(labels, order))
    sizes = groups.value_counts(sort=False)
    return groups.where(groups.map(sizes).astype(float) >= smallest_cell), sizes


def _row(
    values: np.ndarray,
    labels: np.ndarray,
    order: list[object],
    *,
    a: object,
    b: object,
    smallest_cell: int,
    n_boot: int,
    n: int,
    seed: int,
) -> dict[str, object]:
    groups, sizes = _large_groups(labels, order, smallest_cell)
    series = pd.Series(values)
    means = series.groupby(groups, observed=True).mean()
    picked = a is None or b is None
    if picked:
        a, b = (means.idxmin(), means.idxmax()) if len(means) > 1 else (None, None)
    row: dict[str, object] = {"n": int(sizes.sum()), "gap": np.nan, "expected": np.nan, "p": np.nan}
    row |= {"a": a, "n_a": int(sizes.get(a, 0)), "mean_a": means.get(a, np.nan)}
    row |= {"b": b, "n_b": int(sizes.get(b, 0)), "mean_b": means.get(b, np.nan)}
    row |= {"contrast": np.nan, "low": np.nan, "high": np.nan}
    small = [str(group) for group, size in sizes.items() if 0 < size < smallest_cell]
    notes = [f"under {smallest_cell} cases, left out: {', '.join(small)}"] if small else []
    if len(means) < 2:
        return row | {"note": "; ".join([f"{len(means)} group(s) to compare", *notes])}
    result = permutation(series, groups=groups, n=n, seed=seed)
    row |= {"gap": result.statistic, "expected": float(result.null.mean()), "p": result.p}
    if a in means and b in means and a != b:
        interval = bootstrap(series, groups=groups, a=a, b=b, n_boot=n_boot, seed=seed)
        row |= {"contrast": interval.estimate, "low": interval.low, "high": interval.high}
        notes += ["a and b picked after seeing the scores"] * picked + [interval.note] * bool(interval.note)
    else:
        notes.append("no contrast of a and b")
    return row | {"note": "; ".join(notes)}


def hidden_gap(
    score: ArrayLike,
    *,
    groups: ArrayLike,
    sources: ArrayLike,
    smallest_cell: int = SMALLEST_CELL,
    n: int = 10_000,
    seed: int = 0,
) -> dict[str, object]:
    """Test if the largest gap within any source exceeds the gap expected by chance in several small sources.

    The statistic is the largest max-min gap over the sources. Its null permutes scores within every source, so that it
    accounts for the choice of the worst source.

    Parameters
    ----------
    smallest_cell : int
        A group of fewer cases within a source is left out of that source's gap: a rate of 0 in 3 is too noisy, and
        would often make the largest gap.
    n, seed : int
        Permutations and seed.

    Returns
    -------
    dict
        ``source, gap, pooled_gap, p, n_sources, expected`` (mean of the null: the gap to expect from noise alone),
        ``note``. If no source has two groups of that size, the numbers are None and the note gives this reason.
    """
    data = group_scores(score, groups)
    where, levels = check_groups(sources, len(data.values), "sources")
    kept = (data.codes >= 0) & (where >= 0)
    sizes = np.bincount(where[kept] * len(data.levels) + data.codes[kept], minlength=len(levels) * len(data.levels))
    used = (sizes >= smallest_cell).reshape(len(levels), len(data.levels))
    order = np.flatnonzero(kept)[np.argsort(where[kept], kind="stable")]
    values, place, codes = data.values[order], where[order], data.codes[order]
    observed = _gaps_by_source(values, place, codes, used)
    if np.isnan(observed).all():
        nothing = dict.fromkeys(("source", "gap", "pooled_gap", "p", "expected"))
        return nothing | {"n_sources": 0, "note": f"no source has two groups of {smallest_cell} cases"}
    worst = int(np.nanargmax(observed))
    shuffled = null_sums(values, codes, place, n, np.random.default_rng(seed))
    null = np.full(n, -np.inf)
    for source, sums in zip(np.unique(place), shuffled, strict=True):
        if used[source].sum() > 1:
            cells = np.flatnonzero(used[source])
            sizes = np.bincount(codes[place == source])[cells]
            null = np.maximum(null, np.ptp(sums[:, cells] / sizes, axis=1))
    result = compared(float(observed[worst]), null)
    pooled = np.bincount(codes, weights=values) / np.bincount(codes)
    return {
        "source": levels[worst],
        "gap": float(observed[worst]),
        "pooled_gap": float(np.ptp(pooled)),
        "p": result.p,
        "n_sources": int((~np.isnan(observed)).sum()),
        "expected": float(result.null.mean()),
        "note": "",
    }


def _gaps_by_source(values: np.ndarray, where: np.ndarray, codes: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Compute the max-min gap of the means of used cells, per source; NaN for a source with fewer than two of them."""
    cell = where * used.shape[1] + codes
    sizes, sums = (np.bincount(cell, weights=w, minlength=used.size).reshape(used.shape) for w in (None, values))
    means = np.divide(sums, sizes, out=np.full(used.shape, np.nan), where=used)
    several = used.sum(axis=1) > 1
    gaps = np.full(len(used), np.nan)
    gaps[several] = np.nanmax(means[several], axis=1) - np.nanmin(means[several], axis=1)
    return gaps
