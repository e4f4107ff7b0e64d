"""Structure of groups in an embedding, against permuted labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score, silhouette_score

from helpers.errors import InputError
from helpers.studies import biased_ruler

RNG = np.random.default_rng(0)
GROUPS = np.repeat(["Young", "Middle", "Older"], 40)
CENTRES = np.repeat([[0, 0], [10, 0], [0, 10]], 40, axis=0)
APART = CENTRES + RNG.normal(size=(120, 2))
FAST = {"n_seeds": 3, "n_permutations": 60}


def test_groups_that_lie_apart():
    table = biased_ruler.latent(APART, groups=GROUPS, **FAST)
    assert list(table.index) == ["silhouette", "neighbour purity", "cluster purity", "ARI", "NMI"]
    assert table["p"].to_numpy() == pytest.approx(1 / 61)
    assert table.loc["silhouette", "value"] == pytest.approx(silhouette_score(APART, GROUPS))
    assert table.loc["neighbour purity", "value"] > 0.99
    assert table.loc["ARI", "null_mean"] == pytest.approx(0, abs=0.01)
    assert table.loc["cluster purity", "null_mean"] > 1 / 3  # purity is above its floor by chance
    assert (table["null_low"] <= table["null_mean"]).all() and (table["value"] > table["null_high"]).all()
    assert list(table["n_seeds"]) == [0, 0, 3, 3, 3]


@pytest.mark.slow
def test_clusters_that_are_not_the_groups():
    """Strong clusters, and groups strewn over them: nothing is found, in about 5% of cohorts more."""
    p = []
    for seed in range(25):
        groups = np.random.default_rng(seed).permutation(GROUPS)
        p.append(biased_ruler.latent(APART, groups=groups, n_seeds=1, n_permutations=19, seed=seed)["p"])
    rejected = (np.array(p) <= 0.05).mean(axis=0)
    assert (rejected <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 25)).all()
    assert 0.2 < np.array(p).mean() < 0.8


def test_groups_strewn_over_clusters_are_not_found():
    groups = np.random.default_rng(0).permutation(GROUPS)
    table = biased_ruler.latent(APART, groups=groups, n_seeds=1, n_permutations=19)
    assert (table["p"] > 0.05).all() and (table["value"] < table["null_high"]).all()


def test_k_means_seeds_show():
    cloud = RNG.normal(size=(120, 2))
    table = biased_ruler.latent(cloud, groups=GROUPS, n_clusters=6, n_seeds=4, n_permutations=5)
    assert (table.loc[["cluster purity", "ARI", "NMI"], "sd"] > 0).all()
    assert table.loc[["silhouette", "neighbour purity"], "sd"].isna().all()
    same = biased_ruler.latent(cloud, groups=GROUPS, n_clusters=6, n_seeds=4, n_permutations=5)
    pd.testing.assert_frame_equal(table, same)


def test_purity_and_ari_are_those_of_their_definition():
    points = np.array([[0.0], [0.1], [0.2], [10.0], [10.1], [10.2]])
    groups = ["a", "a", "b", "b", "b", "b"]
    table = biased_ruler.latent(points, groups=groups, n_neighbours=2, n_seeds=3, n_permutations=5)
    assert table.loc["cluster purity", "value"] == pytest.approx(5 / 6)
    assert table.loc["neighbour purity", "value"] == pytest.approx((1 + 1 + 0 + 2 + 2 + 2) / 12)
    assert table.loc["ARI", "value"] == pytest.approx(adjusted_rand_score(groups, [0, 0, 0, 1, 1, 1]))


def test_strata_remove_what_a_source_makes():
    source = np.repeat(["s", "t"], 60)
    points = RNG.normal(size=(120, 2)) + 8 * (source == "s")[:, None]
    groups = np.where(RNG.random(120) < np.where(source == "s", 0.9, 0.1), "Young", "Older")
    options = {"groups": groups, "n_seeds": 1, "n_permutations": 39}
    assert biased_ruler.latent(points, **options).loc["ARI", "p"] == pytest.approx(1 / 40)
    assert biased_ruler.latent(points, **options, strata=source).loc["ARI", "p"] > 0.05


def test_cases_without_a_group_are_left_out_and_counted():
    groups = np.where(np.arange(120) < 7, None, GROUPS)
    table = biased_ruler.latent(APART, groups=groups, n_seeds=1, n_permutations=5)
    assert table.attrs["missing"] == 7
    assert (table["n"] == 113).all()


@pytest.mark.parametrize(
    ("points", "options"),
    [
        (APART[:, 0], {}),
        (np.where(APART > 11, np.nan, APART), {}),
        (APART.astype(str)[:, :1] + np.array([["x"]]), {}),
        (APART, {"n_neighbours": 120}),
        (APART, {"n_clusters": 1}),
        (APART, {"n_seeds": 0}),
        (APART, {"groups": ["Young"] * 120}),
        (APART[:-1], {}),
    ],
)
def test_bad_input_is_said(points, options):
    with pytest.raises(InputError):
        biased_ruler.latent(points, **{"groups": GROUPS, **options})
