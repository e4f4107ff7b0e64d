"""Experiment on representation: training and test images, and the reconstruction error of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import learn, stats
from helpers.errors import InputError, check_choice
from helpers.keep.plans import grid, repeat
from helpers.learn import vae_fitting, vae_measuring
from helpers.learn.vae_settings import network_seed
from helpers.learn.vae_weights import save
from helpers.stats.inputs import need_columns

SAMPLING = ("replace", "distinct", "matched")


def features(weights: str, network: str) -> learn.Features:
    """Build the network behind the feature loss: VGG19 with weights from a file, or one with fixed random weights.

    Parameters
    ----------
    weights : str
        File of VGG19's weights; empty for random features, which are named as such.
    network : str
        A key of `NETWORKS`; the small one has narrow random features.
    """
    return learn.vgg19_features(weights) if weights else learn.random_features(channels=4 if network == "small" else 16)


class Split(NamedTuple):
    """Rows of one run: test rows of both groups, rows of each training, repeated as often as they are drawn, and the
    rows from which trainings were drawn.
    """

    test: np.ndarray
    train: dict[str, np.ndarray]
    pool: np.ndarray


def split(
    cases: pd.DataFrame,
    *,
    test_size: int,
    train_size: int,
    sampling: str,
    seed: int,
    run: int = 0,
    a: str = "light",
    b: str = "dark",
) -> Split:
    """Draw test sets of both groups, and three training sets from the rest: A of `a`, B half of each, C of `b`.

    Parameters
    ----------
    cases : pandas.DataFrame
        Column ``group``, and ``cluster`` if patients or near-duplicates are known: images in the cluster of a tested
        image are not trained on. If there is a column ``may_be_tested``, other images are not tested.
    test_size, train_size : int
        Number of tested images of each group, and size of each training set.
    sampling : {"replace", "distinct", "matched"}
        "replace": training sets are drawn with replacement, as published. "distinct": they are drawn without
        replacement. "matched": all three sets have equally many distinct images, the number expected when drawing with
        replacement from the smallest pool; each occurs at least once, and repeats fill the set up to its size.
    seed, run : int
        Every run has different test sets and training sets.

    Raises
    ------
    InputError
        There are too few images of a group, the sampling is unknown, a size is below 1, or a column is missing.
    """
    need_columns(cases, ["group"])
    check_choice("sampling", sampling, SAMPLING)
    for name, size in (("test_size", test_size), ("train_size", train_size)):
        if size < 1:
            raise InputError(f"{name} = {size}", "expected 1 or more", "Test and train on some images")
    rng = np.random.default_rng((seed, run))
    pools = {name: np.flatnonzero(cases["group"] == name) for name in (a, b)}
    may = cases["may_be_tested"].to_numpy(bool) if "may_be_tested" in cases else np.ones(len(cases), bool)
    for name, pool in pools.items():
        if len(pool) <= test_size or may[pool].sum() < test_size:
            which = " that may be tested, one a patient" if "may_be_tested" in cases else ""
            problem = f"{may[pool].sum()} images of {name}{which}, but {test_size} are to be tested"
            raise InputError("cases", problem, "Test fewer, or give more images")
    tested = {name: rng.choice(pool[may[pool]], test_size, replace=False) for name, pool in pools.items()}
    test = np.concatenate([tested[a], tested[b]])
    seen = np.isin(np.arange(len(cases)), test)
    if "cluster" in cases:
        clusters = cases["cluster"]
        seen |= (clusters.notna() & clusters.isin(clusters[seen])).to_numpy()
    rest = {name: pool[~seen[pool]] for name, pool in pools.items()}
    for name, pool in rest.items():
        if len(pool) < 2:
            problem = f"{len(pool)} images of {name} are left to train on, at least 2 are needed"
            raise InputError("cases", problem, "Test fewer, or give more images")
    distinct = min(_expected_distinct(len(pool), train_size) for pool in rest.values())
    sizes, least = ({"A": {a: n}, "B": {a: n // 2, b: n - n // 2}, "C": {b: n}} for n in (train_size, distinct))
    train = {}
    for name, part in sizes.items():
        drawn = []
        for group, size in part.items():
            wanted = size if sampling == "distinct" else least[name][group]
            if sampling != "replace" and len(rest[group]) < wanted:
                problem = f"{len(rest[group])} images of {group} are left to train on, {wanted} are needed"
                raise InputError("cases", problem, "Train on fewer, or draw with replacement")
            drawn.append(_draw(rng, rest[group], size, wanted, sampling))
        train[name] = np.concatenate(drawn)
    return Split(test, train, np.sort(np.concatenate(list(rest.values()))))


def _expected_distinct(pool: int, draws: int) -> int:
    """Compute the expected number of distinct images among draws with replacement, rounded."""
    return round(pool * (1 - (1 - 1 / pool) ** draws))


def _draw(rng: np.random.Generator, pool: np.ndarray, size: int, wanted: int, sampling: str) -> np.ndarray:
    if sampling == "replace":
        return rng.choice(pool, size)
    chosen = rng.choice(pool, wanted, replace=False)
    return np.concatenate([chosen, rng.choice(chosen, size - wanted)]) if size > wanted else chosen


def run(
    score: Callable[[np.ndarray, np.ndarray, int, str], pd.DataFrame],
    cases: pd.DataFrame,
    *,
    runs: int,
    test_size: int,
    train_size: int,
    sampling: str,
    seed: int,
    condition: str = "label",
    a: str = "light",
    b: str = "dark",
    keep: Path | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Repeat the experiment: split, train on A, B and C, and measure the tested images by each network.

    The three networks of a run have the same initial weights, so that common effects cancel in their differences.

    Parameters
    ----------
    score : callable
        ``score(train_rows, test_rows, seed, name) -> frame``, one row per tested image; `scorer` makes such a function.
        `name` is the name of the network, such as "run0-A".
    cases : pandas.DataFrame
        Columns ``image, group``, `condition`, one row per image, in the order of the images. All runs are split before
        the first network is trained, so that too few images are refused at once.
    runs, test_size, train_size, sampling, seed, a, b
        Number of runs; for the others see `split`.
    keep : Path, optional
        Folder for finished parts, for example from `helpers.keep.cache.folder`; a second call continues from there.

    Returns
    -------
    pandas.DataFrame
        ``run, training, image, group, label, distinct`` (number of different training images of this network) and the
        columns that `score` gives.
    """
    need_columns(cases, ["image", condition])
    if runs < 1:
        raise InputError(f"runs = {runs}", "expected 1 or more", "Repeat the experiment at least once")
    options = {"test_size": test_size, "train_size": train_size, "sampling": sampling, "seed": seed, "a": a, "b": b}

    splits = [split(cases, run=run, **options) for run in range(runs)]

    def measured(run: int, training: str) -> list[dict[str, object]]:
        rows = splits[run]
        trained_on = rows.train[training]
        found = score(trained_on, rows.test, network_seed(seed, run), f"run{run}-{training}").to_dict("records")
        distinct = len(np.unique(trained_on))
        return [{"case": int(k), "distinct": distinct} | own for k, own in zip(rows.test, found, strict=True)]

    plan = grid(run=range(runs), training=stats.TRAININGS)
    found = repeat(measured, plan, keep=keep, unit="network", progress=progress)
    tested = cases.iloc[found.pop("case")]
    who = {"image": tested["image"], "group": tested["group"].astype("str"), "label": tested[condition]}
    for place, (name, values) in enumerate(who.items(), start=2):
        found.insert(place, name, np.asarray(values))
    return found


def scorer(images: np.ndarray, *, weights: Path | None = None, **options: object) -> Callable[..., pd.DataFrame]:
    """Make the function that `run` calls for each network: it trains one and measures the test images.

    Parameters
    ----------
    images : uint8 ndarray of shape (n, c, s, s)
        Images in the order of the cases.
    weights : Path, optional
        Folder in which each network's weights are saved, for `load`.
    **options
        Options of `fit`.
    """

    def score(train_rows: np.ndarray, test_rows: np.ndarray, seed: int, name: str) -> pd.DataFrame:
        model = vae_fitting.fit(images[train_rows], seed=seed, **options).model
        if weights is not None:
            save(model, weights / f"{name}.pt")
        return vae_measuring.measures(model, images[test_rows])

    return score
