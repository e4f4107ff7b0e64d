"""Population from which simulated patients are drawn, and its exact contrasts.

Source (collection), age in whole years and ethnicity have a discrete joint distribution. Given these, the Dice of the
automatic mask has a mixture distribution: a point mass at 0 (missed tumour), a point mass at 1 (the expert accepted the
automatic mask) and a Beta distribution. Planted effects on mask quality act on the mean of the Beta distribution. So
every expected contrast is a finite sum. Marginal distributions are near the published aggregates of MAMA-MIA (Garrucho
et al., Sci Data 12:453, 2025).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.special import betaincc

from helpers.datasets.mama_mia.layout import AGE_GROUPS, DATASETS, ETHNICITIES
from helpers.errors import InputError, check_choice

AGES = np.arange(21, 78)
YOUNG, OLD = 40, 55
ETHNIC_SOURCE = "ISPY2"

MEAN_AGE, _SD_AGE = 48.5, 10.6
_MEAN_DICE, _PRECISION = 0.843, 3.8
_SOURCE_SHARE = np.array([0.193, 0.114, 0.651, 0.042])
# Rank of each source between the worst (-0.5) and the best (0.5), used for Dice and for age.
_SOURCE_RANK = np.array([0.5, -0.5, 0.32, -0.17])
# Shares of Caucasian, African American, Asian, Other and Missing at each source.
_ETHNIC_SHARE = np.array(
    [
        [0.608, 0.313, 0.024, 0.038, 0.017],
        [0.754, 0.181, 0.041, 0.018, 0.006],
        [0.793, 0.118, 0.069, 0.018, 0.002],
        [0.703, 0.047, 0.063, 0.031, 0.156],
    ]
)

# Planted effects: name -> (default, unit, description). Zero switches an effect off.
EFFECTS: dict[str, tuple[float, str, str]] = {
    "age_slope": (0.002, "Dice per year", "age on the quality of the automatic mask"),
    "source_effect": (0.10, "Dice", "mean Dice of the best source minus the worst"),
    "source_age_shift": (1.0, "years", "mean age at the source with the best Dice minus the worst"),
    "ethnic_effect": (-0.04, "Dice", f"African American minus Caucasian, at {ETHNIC_SOURCE} alone"),
    "size_slope": (-0.013, "log cm^3 per year", "age on the tumour's volume"),
    "accepted_share": (0.014, "share", "gold masks that are the accepted automatic mask (Dice exactly 1), Young"),
    "accepted_older_excess": (0.024, "share", "the same share in Older minus that in Young; Middle lies half-way"),
    "missed_share": (0.013, "share", "tumours that the automatic mask misses (empty mask, Dice 0)"),
}
Effects = tuple[tuple[str, float], ...]


def effects(**given: float) -> Effects:
    """Complete the given effects with the defaults, check them and return all as a sorted, hashable tuple.

    Raises
    ------
    InputError
        A name is unknown, a value is not a finite number, or the effects together lead outside the range of Dice.
    """
    for name, value in given.items():
        check_choice("planted effect", name, EFFECTS)
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not math.isfinite(value):
            raise InputError(name, f"{value!r} is not a finite number", f"Give a number ({EFFECTS[name][1]})")
    every = {name: default for name, (default, _, _) in EFFECTS.items()} | given
    planted = tuple(sorted((name, float(value)) for name, value in every.items()))
    _dice_parts(planted)
    return planted


def age_codes(age: np.ndarray) -> np.ndarray:
    """Return the code of the age group: 0 Young (<= 40), 1 Middle, 2 Older (> 55)."""
    return (age > YOUNG).astype(np.int8) + (age > OLD)


@lru_cache(maxsize=64)
def joint(planted: Effects) -> tuple[np.ndarray, np.ndarray]:
    """Compute P(source, age), shape (4, 57), and P(ethnicity | source), shape (4, 5)."""
    mean = MEAN_AGE + dict(planted)["source_age_shift"] * _centred_rank()
    weight = np.exp(-((AGES - mean[:, None]) ** 2) / (2 * _SD_AGE**2))
    source_age = (_SOURCE_SHARE / _SOURCE_SHARE.sum())[:, None] * weight / weight.sum(axis=1, keepdims=True)
    return source_age, _ETHNIC_SHARE / _ETHNIC_SHARE.sum(axis=1, keepdims=True)


def check_shares(age_shares: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return the shares of Young, Middle and Older as floats; raise InputError unless they are three that add to 1."""
    numbers = isinstance(age_shares, list | tuple) and len(age_shares) == 3
    numbers = numbers and all(isinstance(share, int | float) and 0 <= share <= 1 for share in age_shares)
    if not numbers or abs(sum(age_shares) - 1) > 1e-6:
        problem = f"{age_shares!r} is not three shares that add to 1"
        raise InputError("age_shares", problem, "Give the shares of Young, Middle and Older, such as (0.05, 0.25, 0.7)")
    return tuple(float(share) for share in age_shares)


def reweight(source_age: np.ndarray, age_shares: tuple[float, float, float]) -> np.ndarray:
    """Adjust P(source, age) to these shares of Young, Middle and Older; within an age group nothing changes."""
    codes = age_codes(AGES)
    present = np.bincount(codes, weights=source_age.sum(axis=0))
    return source_age * (np.array(age_shares) / present)[codes]


def _centred_rank() -> np.ndarray:
    return _SOURCE_RANK - np.average(_SOURCE_RANK, weights=_SOURCE_SHARE)


@lru_cache(maxsize=64)
def _dice_parts(planted: Effects) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute the mean of the Beta part, P(Dice = 1) and P(Dice = 0), each of shape (source, age, ethnicity)."""
    e = dict(planted)
    shape = (len(DATASETS), len(AGES), len(ETHNICITIES))
    mean = np.full(shape, _MEAN_DICE)
    mean += e["source_effect"] * _centred_rank()[:, None, None]
    mean += e["age_slope"] * (AGES - MEAN_AGE)[None, :, None]
    mean[DATASETS.index(ETHNIC_SOURCE), :, ETHNICITIES.index("African American")] += e["ethnic_effect"]
    one = e["accepted_share"] + e["accepted_older_excess"] * age_codes(AGES) / 2
    one = np.broadcast_to(one[None, :, None], shape)
    zero = np.full(shape, e["missed_share"])
    if mean.min() < 0.05 or mean.max() > 0.98:
        raise InputError(
            "age_slope, source_effect, ethnic_effect",
            f"together they ask for mean Dice from {mean.min():.2f} to {mean.max():.2f}, outside 0.05 to 0.98",
            "Plant smaller effects",
        )
    if min(one.min(), zero.min()) < 0 or (one + zero).max() > 1:
        raise InputError(
            "accepted_share, accepted_older_excess, missed_share",
            "the shares of accepted and missed masks are below 0 or add to more than 1",
            "Give shares between 0 and 1 that add to at most 1",
        )
    return mean, one, zero


def draw_dice(
    rng: np.random.Generator, planted: Effects, source: np.ndarray, age: np.ndarray, ethnicity: np.ndarray
) -> np.ndarray:
    """Draw the Dice of the automatic mask against the expert mask for each patient, shape (n,)."""
    mean, one, zero = (part[source, age - AGES[0], ethnicity] for part in _dice_parts(planted))
    dice = rng.beta(mean * _PRECISION, (1 - mean) * _PRECISION)
    kind = rng.random(len(source))
    return np.where(kind < zero, 0.0, np.where(kind < zero + one, 1.0, dice))


@lru_cache(maxsize=64)
def _truth(planted: Effects, threshold: float) -> dict[str, object]:
    source_age, ethnic = joint(planted)
    weight = source_age[:, :, None] * ethnic[:, None, :]
    mean, one, zero = _dice_parts(planted)
    beta = 1 - one - zero
    value = {
        "mean": one + beta * mean,
        "rate": one * (threshold < 1) + beta * betaincc(mean * _PRECISION, (1 - mean) * _PRECISION, threshold),
    }
    ages = age_codes(AGES)

    def expected(kind: str, source: int | slice, age: slice | np.ndarray, ethnicity: int | slice) -> float:
        mask = np.zeros(weight.shape, dtype=bool)
        mask[source, :, ethnicity] = True
        if not isinstance(age, slice):
            mask &= age[None, :, None]
        return float((value[kind] * weight)[mask].sum() / weight[mask].sum())

    def contrasts(kind: str) -> dict[str, object]:
        everyone = slice(None)

        def older_minus_young(source: int | slice) -> float:
            older, young = (expected(kind, source, ages == group, everyone) for group in (2, 0))
            return round(older - young, 12) + 0.0

        def ethnic_contrast(source: int | slice) -> float:
            return round(expected(kind, source, everyone, 1) - expected(kind, source, everyone, 0), 12) + 0.0

        sources = dict(enumerate(DATASETS))
        return {
            "by_age_group": {g: expected(kind, everyone, ages == i, everyone) for i, g in enumerate(AGE_GROUPS)},
            "older_minus_young": older_minus_young(everyone),
            "older_minus_young_by_source": {name: older_minus_young(i) for i, name in sources.items()},
            "african_american_minus_caucasian": ethnic_contrast(everyone),
            "african_american_minus_caucasian_by_source": {name: ethnic_contrast(i) for i, name in sources.items()},
        }

    dice, rate = contrasts("mean"), contrasts("rate")
    return {
        "effects": dict(planted),
        "older_minus_young": dice["older_minus_young"],
        "older_minus_young_rate": rate["older_minus_young"],
        "young_over_older_rate": round(rate["by_age_group"]["Young"] / rate["by_age_group"]["Older"], 12),
        "threshold": threshold,
        "dice": dice,
        "rate": rate,
    }


def truth(*, threshold: float = 0.8, **planted: float) -> dict[str, object]:
    """Compute the exact expected contrasts of the population by summation over source, age and ethnicity.

    Parameters
    ----------
    threshold : float
        A mask counts as a success if its Dice is above this.
    **planted : float
        Planted effects, named as in `simulate_breast_mri`. Effects that are not given have its defaults.

    Returns
    -------
    dict
        ``older_minus_young`` (difference in mean Dice), ``older_minus_young_rate`` (difference in the rate of Dice >
        `threshold`) and ``young_over_older_rate`` (ratio of these rates). ``dice`` and ``rate`` hold the expected value
        of each age group, and the contrasts Older minus Young and African American minus Caucasian, pooled and by
        source. A difference is zero if no planted effect influences it.
    """
    return _copy(_truth(effects(**planted), float(threshold)))


def _copy(value: object) -> object:
    return {k: _copy(v) for k, v in value.items()} if isinstance(value, dict) else value
