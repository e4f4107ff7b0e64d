"""Differences of maps beyond noise, what an audit answers, and agreement of networks, with intervals over images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from helpers import metrics, stats
from helpers.errors import InputError
from helpers.stats import drawing
from helpers.stats.crossed import resample_seeds, seeded_interval
from helpers.stats.resample import Interval, percentile_interval
from helpers.studies.explanations.explaining import EQUAL, SWITCHES

Maps = Mapping[str, np.ndarray]  # of each explanation: (n, size, size)
FEWEST = 10  # images of an interval
CHANCE = 0.5  # localisation of a map that knows nothing of the cue


def interval(
    values: np.ndarray, *, limits: tuple[float, float] = (-np.inf, np.inf), n_boot: int = 500, seed: int = 0
) -> Interval:
    """Compute the mean over images and networks, with both drawn; with one network, images alone are drawn.

    Parameters
    ----------
    values : array_like of shape (networks, n)
        NaN where a map is undefined; such images are left out of the mean.
    limits : pair of float
        Range of the values, which the tails of few networks would leave.
    n_boot, seed : int

    Raises
    ------
    InputError
        There are fewer than ten images, or those of a network are all undefined.
    """
    given = np.atleast_2d(np.asarray(values, float))
    networks, n = given.shape
    if n < FEWEST:
        raise InputError("images", f"{n} are too few for an interval", f"Explain {FEWEST} or more")
    known = ~np.isnan(given)
    if not known.any(1).all():
        raise InputError("maps", "are undefined for all images of a network", "Check that its maps are not constant")
    times = drawing.multinomial(n, n_boot=n_boot, seed=seed)
    with np.errstate(invalid="ignore"):
        drawn = (times @ np.where(known, given, 0).T) / (times @ known.T)
    observed = np.nanmean(given, axis=1)
    if networks == 1:
        return percentile_interval(float(observed[0]), drawn[:, 0], n, 0.95)
    weights = resample_seeds(networks, n_boot=n_boot, seed=seed + 1)
    found = seeded_interval(float(observed.mean()), (drawn * weights).sum(1), [observed], n=n)
    return replace(found, low=max(found.low, limits[0]), high=min(found.high, limits[1]))


def _estimate(values: np.ndarray, **how: Any) -> dict[str, Any]:
    """Estimate as `interval` does; NaN where all maps of a network are undefined, as if no image flips its class."""
    given = np.atleast_2d(values)
    if np.isnan(given).all(1).any():
        return {"estimate": np.nan, "low": np.nan, "high": np.nan, "n": given.shape[1]}
    return stats.estimate(interval(given, **how))


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan


def with_noise(before: Sequence[Maps], again: Sequence[Maps]) -> Iterator[tuple[Maps, Maps]]:
    """Pair the maps of each network with those of the second call; refuse those without."""
    if len(before) != len(again):
        problem = f"has maps of {len(again)} networks, and before those of {len(before)}"
        raise InputError("again", problem, "Run the world with noise=True")
    return zip(before, again, strict=True)


def switch_table(before: Sequence[Maps], again: Sequence[Maps], *, n_boot: int = 500, seed: int = 0) -> pd.DataFrame:
    """Compute how far each switch moves the maps beyond the noise of the method.

    Parameters
    ----------
    before, again : sequence of dict
        Of each network: maps from `explain`, and those of the second call for the noise.
    n_boot, seed : int
        As in `interval`.

    Returns
    -------
    DataFrame
        Index: switches of which both ends are among the maps, and pairs that are equal in theory for a linear network.
        ``kind, moved`` (mean of 1 - Spearman), ``noise`` (the same of the method by itself), ``estimate, low, high, n``
        (moved less noise), ``undefined`` (maps without ranks) and ``found``, whether the interval is wholly above the
        smallest difference of 0.1. It is NaN, and not found, if no map of a network has ranks.

    Raises
    ------
    InputError
        There are no second calls of each network.
    """
    ends = {name: (s.kind, s.before, s.after) for name, s in SWITCHES.items()}
    ends |= {name: ("equal if linear", *pair) for name, pair in EQUAL.items()}
    rows: dict[str, dict[str, Any]] = {}
    for name, (kind, first, second) in ends.items():
        if {first, second} <= set(before[0]):
            pairs = [(maps[first], maps[second], other[first]) for maps, other in with_noise(before, again)]
            rows[name] = {"kind": kind} | _moved(pairs, n_boot=n_boot, seed=seed)
    return pd.DataFrame.from_dict(rows, orient="index")


def network_table(before: Sequence[Maps], again: Sequence[Maps], *, n_boot: int = 500, seed: int = 0) -> pd.DataFrame:
    """Compute how far the switch from one network to another moves the maps beyond the noise of the method.

    Parameters
    ----------
    before, again, n_boot, seed
        As in `switch_table`, of two networks, such as two seeds of one training.

    Returns
    -------
    DataFrame
        Index: explanations; columns as in `switch_table`, without the kind.

    Raises
    ------
    InputError
        The networks are not two, or there are no second calls.
    """
    if len(before) != 2:
        raise InputError("before", f"has maps of {len(before)} networks", "Give those of two")
    (one, other), (two, _) = with_noise(before, again)
    rows = {n: _moved([(one[n], two[n], other[n])], n_boot=n_boot, seed=seed) for n in one}
    return pd.DataFrame.from_dict(rows, orient="index")


def _moved(pairs: Sequence[tuple[np.ndarray, ...]], *, n_boot: int, seed: int) -> dict[str, Any]:
    """Summarise maps before and after a switch, and those before it again, of each network."""
    moved = np.array([1 - metrics.spearman(first, second) for first, second, _ in pairs])
    noise = np.array([1 - metrics.spearman(first, again) for first, _, again in pairs])
    found = _estimate(moved - noise, n_boot=n_boot, seed=seed)
    row = {"moved": _mean(moved), "noise": _mean(noise)} | found
    undefined = int(np.isnan(moved - noise).sum())
    return row | {"undefined": undefined, "found": found["low"] > metrics.SMALLEST_MOVE}


def audit_table(
    maps: Sequence[Maps], place: np.ndarray, *, n_boot: int = 500, seed: int = 0, chance: float = CHANCE
) -> pd.DataFrame:
    """Tabulate by each explanation whether the networks use a cue: its pixels rank above the others in the map.

    Parameters
    ----------
    maps : sequence of dict
        Of each network: maps from `explain`, or from `controls`.
    place : ndarray of bool, shape (n, size, size)
        Pixels of the cue, in images that show it.
    n_boot, seed : int
    chance : float
        Localisation above which the answer is yes.

    Returns
    -------
    DataFrame
        Index: explanations. ``estimate, low, high, n`` (localisation, an AUROC over pixels), ``answer`` (``yes`` if the
        interval is wholly above chance, ``no`` if wholly below, else ``open``) and ``images``, the share of the
        images whose map alone answers yes.
    """
    rows: dict[str, dict[str, Any]] = {}
    for name in maps[0]:
        values = np.array([metrics.localisation(one[name], place) for one in maps])
        found = _estimate(values, limits=(0, 1), n_boot=n_boot, seed=seed)
        answer = "yes" if found["low"] > chance else "no" if found["high"] < chance else "open"
        share = np.where(np.isnan(values), np.nan, values > chance)
        rows[name] = found | {"answer": answer, "images": _mean(share)}
    return pd.DataFrame.from_dict(rows, orient="index")


def gain_table(
    maps: Sequence[Maps], rival: Maps | np.ndarray, place: np.ndarray, *, n_boot: int = 500, seed: int = 0
) -> pd.DataFrame:
    """Tabulate how much better each explanation finds a cue than a map that knows nothing of the networks.

    A bright cue is found by the image itself, so a localisation above chance does not yet show that a network uses it.

    Parameters
    ----------
    maps : sequence of dict
        Of each network, see `audit_table`.
    rival : dict or ndarray of shape (n, size, size)
        Maps of the same explanations, such as of an untrained network; or one map of each image, such as the image.
    place, n_boot, seed
        As in `audit_table`.

    Returns
    -------
    DataFrame
        Index: explanations. ``estimate, low, high, n`` (localisation less the rival's) and ``beats``, whether the
        interval is wholly above 0.
    """
    rows: dict[str, dict[str, Any]] = {}
    for name in maps[0]:
        other = metrics.localisation(rival if isinstance(rival, np.ndarray) else rival[name], place)
        values = np.array([metrics.localisation(one[name], place) - other for one in maps])
        found = _estimate(values, limits=(-1, 1), n_boot=n_boot, seed=seed)
        rows[name] = found | {"beats": found["low"] > 0}
    return pd.DataFrame.from_dict(rows, orient="index")


def turned(maps: Sequence[Maps], place: np.ndarray, *, n_boot: int = 500, seed: int = 0) -> pd.DataFrame:
    """Compute the share of images whose answer, does the map rank the cue above chance, turns under each switch.

    Parameters
    ----------
    maps, place, n_boot, seed
        As in `audit_table`.

    Returns
    -------
    DataFrame
        Index: switches; ``estimate, low, high, n``.
    """
    rows = {}
    for name, switch in SWITCHES.items():
        if {switch.before, switch.after} <= set(maps[0]):
            ends = [[metrics.localisation(one[end], place) for one in maps] for end in (switch.before, switch.after)]
            before, after = np.array(ends)
            differs = np.where(np.isnan(before + after), np.nan, (before > CHANCE) != (after > CHANCE))
            rows[name] = _estimate(differs, limits=(0, 1), n_boot=n_boot, seed=seed)
    return pd.DataFrame.from_dict(rows, orient="index")


def agreement_of(
    first: Maps, second: Maps, twin: Maps | None = None, *, n_boot: int = 500, seed: int = 0
) -> pd.DataFrame:
    """Compute Spearman's correlation of the maps of two networks, less that of two seeds of one where a twin is given.

    Parameters
    ----------
    first, second : dict
        Maps of two networks on the same images, with different draws of the methods.
    twin : dict, optional
        Maps of a network that differs from the first one in its seed alone.
    n_boot, seed : int

    Returns
    -------
    DataFrame
        Index: explanations. ``between``, ``twins`` (if there are any) and ``estimate, low, high, n`` of the difference,
        or else of the first.
    """
    rows = {}
    for name in first:
        between = metrics.spearman(first[name], second[name])
        twins = 0.0 if twin is None else metrics.spearman(first[name], twin[name])
        found = {"between": _mean(between)} | ({} if twin is None else {"twins": _mean(twins)})
        rows[name] = found | _estimate(between - twins, n_boot=n_boot, seed=seed)
    return pd.DataFrame.from_dict(rows, orient="index")


def agreement_by_group(
    first: Maps,
    second: Maps,
    groups: np.ndarray,
    confidence: np.ndarray,
    *,
    n_boot: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Compute how much less two seeds agree in group 1 than in group 0, at equal confidence.

    Images of the two groups are paired so that the differences of confidence are smallest in sum. Each is in one pair
    at most, since pairs that share an image would be too alike for an interval that draws pairs.

    Parameters
    ----------
    first, second : dict
        Maps of two seeds of a network.
    groups : ndarray of int, shape (n,)
    confidence : ndarray of shape (n,)
        Such as the difference of the logits, averaged over the two networks.
    n_boot, seed : int

    Returns
    -------
    DataFrame
        Index: explanations; ``estimate, low, high, n`` (pairs) of group 1 less group 0.

    Raises
    ------
    InputError
        A group is empty; or as in `interval`.
    """
    one, zero = np.flatnonzero(groups == 1), np.flatnonzero(groups == 0)
    if not len(one) or not len(zero):
        raise InputError("groups", f"{len(zero)} images in group 0, {len(one)} in group 1", "Draw more images")
    pairs = linear_sum_assignment(np.abs(confidence[one, None] - confidence[zero]))
    one, zero = one[pairs[0]], zero[pairs[1]]
    rows = {}
    for name in first:
        agree = metrics.spearman(first[name], second[name])
        rows[name] = _estimate(agree[one] - agree[zero], n_boot=n_boot, seed=seed)
    return pd.DataFrame.from_dict(rows, orient="index")
