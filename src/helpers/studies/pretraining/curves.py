"""Few-shot probes of encoders: which tested images each draw of labels gets right, with intervals over all that varies.

Pretrainings, draws of labels and patients are three crossed factors. Each is resampled independently (Owen 2007,
https://doi.org/10.1214/07-AOAS122), and a difference of two encoders is paired over all three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import learn
from helpers.errors import InputError
from helpers.stats import crossed
from helpers.stats.resample import Interval

STRENGTHS = (0.003, 0.03, 0.3)  # of a probe; one is chosen on cases of the pool that a draw leaves unlabelled
NEIGHBOURS = 10
LEAST = 10  # tested patients of a group


class Tested(NamedTuple):
    """Tested images: `classes` (n,), to predict, "" if missing; `patients` (n,); and `groups`, a frame of n rows."""

    classes: np.ndarray
    patients: np.ndarray
    groups: pd.DataFrame


def named(
    pool: np.ndarray, labels: np.ndarray, tested: np.ndarray, *, per_class: int, draws: int, seed: int
) -> np.ndarray:
    """Predict the class of tested images by the probes of each draw of labels: text of shape (draws, n).

    Features are standardised by the mean and SD of the pool, which needs no label. The strength of the probes is the
    one of `STRENGTHS` that is right most often on cases of the pool without a label, over all draws.

    Parameters
    ----------
    pool, labels : ndarray of shape (m, f) and (m,)
        Features and classes of the cases from which labels are drawn.
    tested : ndarray of shape (n, f)
    per_class : int
        Labels of each class.
    draws, seed : int
        Number of draws. With one seed, every encoder gets the same draws.

    Raises
    ------
    InputError
        A class has too few cases; see also `helpers.learn.logistic_probes`.
    """
    rows = learn.draw_labelled(labels, per_class, draws=draws, seed=seed)
    mean, sd = pool.mean(0, dtype=float), pool.std(0, dtype=float)
    pool, tested = ((x - mean) / np.where(sd > 1e-6, sd, 1.0) for x in (pool, tested))
    unseen = np.ones((draws, len(labels)), bool)
    np.put_along_axis(unseen, rows, False, axis=1)
    best, found = -1.0, labels[:0]
    for probes in learn.logistic_probes(pool, labels, rows, strengths=STRENGTHS):
        right = probes.predict(pool) == labels
        score = float(right[unseen].mean()) if unseen.any() else 0.0
        if score > best:
            best, found = score, probes.predict(tested)
    return found


def recall(values: np.ndarray, tested: Tested, *, n_boot: int, seed: int, of: np.ndarray | None = None) -> Interval:
    """Compute the mean over classes of a value's mean in each class, with a 95% interval.

    Of hits this is the accuracy at equal classes; of differences of hits, its difference.

    Parameters
    ----------
    values : ndarray of shape (seeds, draws, n)
        Value of each tested image, by pretraining and draw of labels.
    tested : Tested
    n_boot, seed : int
    of : ndarray of bool, shape (n,), optional
        Images that count, such as those of a group; default all. Those without a class never count.

    Returns
    -------
    Interval
        `n` is the number of patients. With one pretraining the interval covers draws and patients alone.
    """
    of = (tested.classes != "") & (True if of is None else of)
    patient, patients = pd.factorize(tested.patients[of])
    kind, kinds = pd.factorize(tested.classes[of])
    cell = patient * len(kinds) + kind
    seeds, draws, n = values[:, :, of].shape
    shape = (len(patients), len(kinds))
    member = np.zeros((n, shape[0] * shape[1]))
    member[np.arange(n), cell] = 1
    sums = values[:, :, of].reshape(seeds * draws, n) @ member
    counts = member.sum(0).reshape(shape)
    by_seed = (sums.reshape(seeds, draws, *shape).sum((1, 2)) / draws / counts.sum(0)).mean(1)
    some, lots, people = _resampled(seeds, draws, len(patients), n_boot=n_boot, seed=seed)
    weight = (some[:, :, None] * lots[:, None]).reshape(n_boot, -1)
    drawn = np.einsum("bp,bpc->bc", people, (weight @ sums).reshape(n_boot, *shape))
    with np.errstate(invalid="ignore"):
        means = drawn / (people @ counts)
    replicates = np.nanmean(means, axis=1)
    parts = [by_seed] if seeds > 1 else []
    return crossed.seeded_interval(float(by_seed.mean()), replicates, parts, n=len(patients))


def macro_f1(values: np.ndarray, tested: Tested, *, n_boot: int, seed: int) -> Interval:
    """Compute macro F1, the mean over classes of 2 hits / (images of the class + images named so), with its interval.

    It is computed for each pretraining and draw, and then averaged; resamples are those of `recall`.

    Parameters
    ----------
    values : ndarray of text, shape (seeds, draws, n)
        Predicted class of each tested image, as from `named`. Images without a class never count.
    tested : Tested
    n_boot, seed : int

    Returns
    -------
    Interval
        As from `recall`.
    """
    of = tested.classes != ""
    values, truth = values[:, :, of], tested.classes[of]
    patient, patients = pd.factorize(tested.patients[of])
    seeds, draws, n = values.shape
    member = np.zeros((len(patients), n))
    member[patient, np.arange(n)] = 1
    some, lots, people = _resampled(seeds, draws, len(patients), n_boot=n_boot, seed=seed)
    people = np.concatenate([np.ones_like(people[:1]), people]) @ member  # the first are the cases themselves
    every = []
    for kind in np.unique(truth):
        is_kind, as_kind = truth == kind, values == kind
        right = people @ (as_kind & is_kind).reshape(-1, n).T
        asked = people @ (as_kind.reshape(-1, n) + is_kind.astype(float)).T
        every.append(np.divide(2 * right, asked, out=np.full(asked.shape, np.nan), where=asked > 0))
    found = np.nanmean(every, axis=0).reshape(-1, seeds, draws)
    by_seed = found[0].mean(1)
    replicates = np.einsum("bsd,bs,bd->b", found[1:], some, lots)
    parts = [by_seed] if seeds > 1 else []
    return crossed.seeded_interval(float(by_seed.mean()), replicates, parts, n=len(patients))


def f1_curve(found: Mapping[tuple[str, int], np.ndarray], tested: Tested, *, n_boot: int, seed: int) -> pd.DataFrame:
    """Tabulate the macro F1 of each encoder at each number of labels, in the columns of `curve`.

    Parameters
    ----------
    found : mapping from (encoder, labels a class) to ndarray of text, shape (seeds, draws, n)
        As from `named`, stacked over pretrainings.
    """
    return pd.DataFrame(
        {"encoder": name, "labels": labels} | _written(macro_f1(values, tested, n_boot=n_boot, seed=seed), values)
        for (name, labels), values in found.items()
    )


def curve(
    found: Mapping[tuple[str, int], np.ndarray], tested: Tested, *, n_boot: int, seed: int, than: str | None = None
) -> pd.DataFrame:
    """Tabulate the accuracy of each encoder at each number of labels, or its difference from one of them.

    Parameters
    ----------
    found : mapping from (encoder, labels a class) to ndarray of shape (seeds, draws, n)
        Whether `named` is right, stacked over pretrainings. An encoder without training may have one seed.
    than : str, optional
        Encoder that is subtracted, paired by pretraining, draw and image.

    Returns
    -------
    DataFrame
        ``encoder, labels``, and ``estimate, low, high, low90, high90, n, seeds, seeds_share``.
    """
    rows = []
    for (name, labels), values in found.items():
        if name == than:
            continue
        values = values.astype(float)
        if than is not None:
            values, other = np.broadcast_arrays(values[:, None], found[than, labels].astype(float)[:, None])
            values = (values - other)[:, 0]
        rows.append(
            {"encoder": name, "labels": labels} | _written(recall(values, tested, n_boot=n_boot, seed=seed), values)
        )
    return pd.DataFrame(rows)


def gains(
    found: Mapping[tuple[str, int], np.ndarray],
    tested: Tested,
    *,
    attribute: str,
    labels: int,
    first: str = "random",
    second: str = "in-domain",
    n_boot: int,
    seed: int,
) -> pd.DataFrame:
    """Tabulate the accuracy of two encoders and the gain of the second in each group, and the differences of gains.

    Returns
    -------
    DataFrame
        Index: groups with `LEAST` tested patients, by name, and "first less last" where there are two or more. Columns
        ``before, after`` (accuracies), ``estimate, low, high, low90, high90`` (the gain) and ``n`` (patients).

    Raises
    ------
    InputError
        No group has enough patients.
    """
    column = tested.groups[attribute]
    before, after = (found[name, labels].astype(float) for name in (first, second))
    rows, kept = {}, {}
    for group in sorted(column.dropna().unique()):
        of = (column == group).to_numpy() & (tested.classes != "")
        if len(np.unique(tested.patients[of])) < LEAST:
            continue
        options = {"n_boot": n_boot, "seed": seed, "of": of}
        gain = recall(np.broadcast_to(after - before, after.shape), tested, **options)
        means = {"before": recall(before, tested, **options), "after": recall(after, tested, **options)}
        rows[str(group)] = {k: v.estimate for k, v in means.items()} | _written(gain, after)
        kept[str(group)] = gain
    if not rows:
        raise InputError(attribute, f"no group has {LEAST} tested patients", "Look at another attribute")
    if len(kept) > 1:
        (one, a), *_, (two, b) = kept.items()
        low, high, low90, high90 = np.quantile(a.replicates - b.replicates, [0.025, 0.975, 0.05, 0.95])
        both = {"estimate": a.estimate - b.estimate, "low": low, "high": high, "low90": low90, "high90": high90}
        rows[f"{one} less {two}"] = both | {"n": a.n + b.n}
    return pd.DataFrame.from_dict(rows, orient="index")


def by_neighbours(
    features: Sequence[np.ndarray], labels: np.ndarray, tested: Sequence[np.ndarray], truth: np.ndarray
) -> np.ndarray:
    """Compute the accuracy of ten nearest neighbours in the whole pool, at equal classes, for each pretraining."""
    found = []
    for pool, test in zip(features, tested, strict=True):
        right = learn.nearest_neighbours(pool, labels, test, k=min(NEIGHBOURS, len(labels))) == truth
        found.append(np.mean([right[truth == kind].mean() for kind in np.unique(truth) if kind]))
    return np.array(found)


def _written(found: Interval, values: np.ndarray) -> dict[str, float]:
    low90, high90 = found.null_ends()
    ends = {"estimate": found.estimate, "low": found.low, "high": found.high, "low90": low90, "high90": high90}
    return ends | {"n": found.n, "seeds": len(values), "seeds_share": found.seeds_share}


def _resampled(
    seeds: int, draws: int, patients: int, *, n_boot: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw the weights of pretrainings and of draws, and the counts of patients: each has `n_boot` rows."""
    rng = np.random.default_rng((seed, 1))
    some = crossed.resample_seeds(seeds, n_boot=n_boot, seed=seed) if seeds > 1 else np.ones((n_boot, 1))
    lots = rng.multinomial(draws, np.full(draws, 1 / draws), size=n_boot) / draws
    people = rng.multinomial(patients, np.full(patients, 1 / patients), size=n_boot)
    return some, lots, people
