"""Do patients of one group form a cluster in an embedding? Five measures, each with its distribution under chance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.errors import InputError
from helpers.stats.inputs import check_groups
from helpers.stats.permute import permutation

Measure = Callable[[np.ndarray], np.ndarray]  # takes labels; gives one value per run of k-means, or one alone

CLUSTERED = ("cluster purity", "ARI", "NMI")


def latent(
    embedding: ArrayLike,
    *,
    groups: ArrayLike,
    n_clusters: int | None = None,
    n_neighbours: int = 10,
    n_seeds: int = 5,
    n_permutations: int = 200,
    strata: ArrayLike | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure how far groups are apart in an embedding, compared with permuted labels (permutation test).

    Parameters
    ----------
    embedding : array_like of shape (n, dimensions)
        Coordinates. Distances are Euclidean without scaling, so scale columns of different units first. Distances in a
        t-SNE map are not those of the original features.
    groups : array_like of shape (n,)
        Labels; cases without a label are left out and counted.
    n_clusters : int, optional
        Clusters of k-means; by default the number of groups.
    n_neighbours : int
        Neighbours of the neighbour purity.
    n_seeds : int
        Runs of k-means, each from a different single start (the start matters, so the spread over runs is shown).
    n_permutations : int
        Permutations of the labels; the smallest possible p is 1 / (n_permutations + 1).
    strata : array_like of shape (n,), optional
        Strata within which labels are permuted, such as the source.

    Returns
    -------
    pandas.DataFrame
        Index: ``silhouette`` of the groups (-1 to 1); ``neighbour purity``, the share of a case's nearest neighbours
        that are of its group; ``cluster purity``, the share of cases in the commonest group of their k-means
        cluster; ``ARI`` (adjusted Rand index) and ``NMI`` (normalised mutual information) of k-means clusters against
        groups. Columns ``value``, ``sd`` (over k-means seeds; NaN for measures without k-means), ``null_mean, null_low,
        null_high`` (mean and central 95% under permutation), ``p`` (one-sided: groups are more separate than by
        chance), ``n, n_seeds``. ``attrs["missing"]`` counts cases without a label.

    Raises
    ------
    InputError
        The embedding is not a finite table, there are fewer than two groups, or too few cases for neighbours or
        clusters.

    Notes
    -----
    Purity is above 0 by chance, and it increases with the inequality of group sizes: only its distance from the null
    is meaningful. Groups that do not separate in an embedding may still differ in difficulty.
    """
    points, codes, block, missing = _check(embedding, groups, strata)
    n, n_groups = len(points), len(np.unique(codes))
    clusters = n_groups if n_clusters is None else n_clusters
    if n_groups < 2 or not 1 < clusters < n or not 0 < n_neighbours < n or n_seeds < 1:
        problem = f"{n} cases in {n_groups} group(s), {clusters} clusters, {n_neighbours} neighbours, {n_seeds} seeds"
        raise InputError("embedding, groups", problem, "Give two groups, and more cases than clusters and neighbours.")
    measures = _measures(points, n_neighbours, clusters, n_seeds, seed)
    options = {"groups": codes, "n": n_permutations, "seed": seed, "strata": block}
    rows = {}
    for name, measure in measures.items():
        found = measure(codes)
        involved = n_seeds if name in CLUSTERED else 0
        spread = float(found.std(ddof=1)) if involved > 1 else np.nan
        rows[name] = (float(found.mean()), spread, *_null(measure, n, options), n, involved)
    columns = ["value", "sd", "null_mean", "null_low", "null_high", "p", "n", "n_seeds"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("measure")
    table.attrs["missing"] = missing
    return table


def _measures(points: np.ndarray, n_neighbours: int, n_clusters: int, n_seeds: int, seed: int) -> dict[str, Measure]:
    # scikit-learn is slow to import, and only used here
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, pairwise_distances, silhouette_score
    from sklearn.metrics.cluster import contingency_matrix
    from sklearn.neighbors import NearestNeighbors

    distances = pairwise_distances(points)
    np.fill_diagonal(distances, 0)
    nearest = NearestNeighbors(n_neighbors=n_neighbours).fit(points).kneighbors(return_distance=False)
    runs = [KMeans(n_clusters, n_init=1, random_state=seed + i).fit_predict(points) for i in range(n_seeds)]

    def by_run(score: Callable[[np.ndarray, np.ndarray], float]) -> Measure:
        return lambda labels: np.array([score(labels, run) for run in runs])

    return {
        "silhouette": lambda labels: np.array([silhouette_score(distances, labels, metric="precomputed")]),
        "neighbour purity": lambda labels: np.array([(labels[nearest] == labels[:, None]).mean()]),
        "cluster purity": by_run(lambda labels, run: contingency_matrix(labels, run).max(axis=0).sum() / len(labels)),
        "ARI": by_run(adjusted_rand_score),
        "NMI": by_run(normalized_mutual_info_score),
    }


def _null(measure: Measure, n: int, options: dict) -> tuple[float, float, float, float]:
    """Compute mean and central 95% of the measure under permutation, and p; places are permuted, labels stay."""

    def placed(places: np.ndarray, labels: np.ndarray) -> float:
        order = np.empty(n, dtype=int)
        order[places.astype(int)] = labels.astype(int)
        return float(measure(order).mean())

    found = permutation(np.arange(n, dtype=float), statistic=placed, **options)
    low, high = np.quantile(found.null, [0.025, 0.975])
    return float(found.null.mean()), float(low), float(high), found.p


def _check(
    embedding: ArrayLike, groups: ArrayLike, strata: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, int]:
    try:
        points = np.asarray(embedding, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError("embedding", f"not numbers ({error})", "Give one row of numbers per case.") from None
    if points.ndim != 2 or 0 in points.shape or not np.isfinite(points).all():
        problem = f"shape {points.shape}, or values that are NaN or infinite"
        raise InputError("embedding", problem, "Give one row of finite numbers per case, shape (n, dimensions).")
    codes, _ = check_groups(groups, len(points))
    block = None if strata is None else check_groups(strata, len(points), "strata")[0][codes >= 0]
    return points[codes >= 0], codes[codes >= 0], block, int((codes < 0).sum())
