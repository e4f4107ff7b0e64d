"""The rule that gives a claim its verdict from intervals, and the power behind a verdict: arithmetic alone.

A claim of an effect is tested by the 95% interval. A claim of no effect is tested by the 90% interval and a margin,
which is two one-sided tests at 5% (Schuirmann 1987, https://doi.org/10.1007/BF01068419).
"""

from __future__ import annotations

import math
from numbers import Real
from typing import NamedTuple

from scipy.special import ndtri  # quantiles; scipy.stats takes several times as long to import

from helpers.errors import InputError
from helpers.stats.quantiles import expanded_quantile

KINDS = ("effect", "none", "not_worse")
WORSE = ("lower", "higher")
VERDICTS = (
    "reproduced",
    "direction",
    "differs",
    "contradicted",
    "inconclusive",
    "impossible as printed",
    "not testable here",
)
ROUNDING = 1e-9  # an interval end may be rounded: it counts as the same up to this share
HALF_95, HALF_90, POWER_80, POWER_90 = (float(ndtri(p)) for p in (0.975, 0.95, 0.8, 0.9))
# Standard errors between a true value and what it is tested against, for a test that succeeds in 80% of studies.
# `none` takes the true value in the middle of its margin, so that each of the two tests may fail in 10%.
STEPS = {"effect": HALF_95 + POWER_80, "none": HALF_90 + POWER_90, "not_worse": HALF_90 + POWER_80}


class Asked(NamedTuple):
    """A claim as the rule needs it: kind, printed value (infinite if only the side is printed), and how it is tested.

    `margin` and `worse` are of claims of no effect. `low` and `high` are a printed 95% interval.
    """

    kind: str
    printed: float
    no_effect: float = 0.0
    margin: float | None = None
    worse: str | None = None
    comparable: bool = True
    low: float | None = None
    high: float | None = None

    @property
    def region(self) -> tuple[float, float]:
        """Return the values that count as no effect, from and to."""
        below = above = self.margin
        if self.kind == "not_worse":
            below, above = (self.margin, math.inf) if self.worse == "lower" else (math.inf, self.margin)
        return self.no_effect - below, self.no_effect + above


class Ours(NamedTuple):
    """Our value with its 95% and 90% interval, and the number of patients or of seeds that it rests on."""

    value: float
    low: float
    high: float
    low90: float | None = None
    high90: float | None = None
    n: float | None = None


def rule(asked: Asked, ours: Ours) -> tuple[str, str]:
    """Return the verdict on a claim, and the reason.

    Parameters
    ----------
    asked : Asked
    ours : Ours
        With a 90% interval if the claim is of no effect.

    Notes
    -----
    `none`: *reproduced* if the 90% interval is inside ``no_effect - margin`` to ``no_effect + margin``, *differs* if it
    is wholly outside, else *inconclusive*. `not_worse`: the same with one end of the margin, since a gain is no loss.
    `effect`: *inconclusive* if the 95% interval includes no effect, *contradicted* if it is on the other side; else by
    size: *reproduced* if the interval includes the printed value, *direction* if sizes cannot be compared, *differs*
    otherwise. With a printed interval, sizes are compared by the interval of the difference (ours less theirs):
    *differs* if it excludes 0, *direction* if it includes a difference as large as the whole printed effect.
    """
    return _effect(asked, ours) if asked.kind == "effect" else _null(asked, ours)


def widened(ours: Ours) -> Ours:
    """Compute the wider 95% interval of a percentile bootstrap that keeps its level with few patients.

    Parameters
    ----------
    ours : Ours
        With n patients, in two groups of about the same size. Without n, or with a number of seeds (a float), the
        interval is returned as it is.

    Notes
    -----
    Both distances from the value to an end are multiplied by the ratio of `expanded_quantile` to the normal quantile:
    1.10 for 20 patients a group, 1.02 for 80.
    """
    if not isinstance(ours.n, int):
        return ours
    factor = expanded_quantile(ours.n, 0.975) / HALF_95
    return ours._replace(
        low=ours.value - factor * (ours.value - ours.low), high=ours.value + factor * (ours.high - ours.value)
    )


def _null(asked: Asked, ours: Ours) -> tuple[str, str]:
    lowest, highest = asked.region
    if lowest <= ours.low90 and ours.high90 <= highest:
        return "reproduced", "our 90% interval is inside the margin"
    if ours.high90 < lowest or ours.low90 > highest:
        return "differs", "our 90% interval is beyond the margin"
    return "inconclusive", "our 90% interval crosses the margin"


def _effect(asked: Asked, ours: Ours) -> tuple[str, str]:
    if ours.low <= asked.no_effect <= ours.high:
        return "inconclusive", "our interval includes no effect"
    if (ours.low > asked.no_effect) != (asked.printed > asked.no_effect):
        return "contradicted", "our interval is on the other side"
    if asked.low is not None:
        return _sizes(asked, ours)
    if ours.low <= asked.printed <= ours.high:
        return "reproduced", "the published value is inside our interval"
    if not asked.comparable:
        return "direction", "same side; the size is not comparable"
    return "differs", "our interval excludes the published value"


def _sizes(asked: Asked, ours: Ours) -> tuple[str, str]:
    low, high = difference(asked, ours)
    whole = abs(asked.printed - asked.no_effect)
    if not low <= 0 <= high:
        return "differs", "the interval of the difference excludes 0"
    if low <= -whole or whole <= high:
        return "direction", "same side; the difference may be as large as the printed effect"
    return "reproduced", "the interval of the difference includes 0"


def difference(asked: Asked, ours: Ours) -> tuple[float, float]:
    """Compute the 95% interval of our value less the printed one, from both intervals.

    Distances from value to end are added as squares, side by side, so that intervals need not be symmetric (Zou and
    Donner 2008, https://doi.org/10.1002/sim.3095). For normal errors it is the prediction interval of
    replications (Patil, Peng and Leek 2016, https://doi.org/10.1177/1745691616646366). Both values count as
    independent.
    """
    centre = ours.value - asked.printed
    below = math.hypot(ours.value - ours.low, asked.high - asked.printed)
    above = math.hypot(ours.high - ours.value, asked.printed - asked.low)
    return centre - below, centre + above


def printed_interval(
    where: str,
    printed: float,
    ours: Ours,
    *,
    low: float | None = None,
    high: float | None = None,
    se: float | None = None,
    n: float | None = None,
) -> tuple[float | None, float | None]:
    """Return the 95% interval of a printed value from what is printed: its ends, its standard error or its n.

    With n alone, the distances of our interval are taken, times the root of our n over theirs. Without any of these,
    return None twice.

    Raises
    ------
    InputError
        More than one of them is given, one is no number or out of range, or the size of the effect is not printed.
    """
    given = {"published_low": low, "published_high": high, "published_se": se, "published_n": n}
    given = {name: value for name, value in given.items() if value is not None}
    if not given:
        return None, None
    for name, value in given.items():
        _check_number(f"{where}, {name}", value)
    if set(given) not in ({"published_low", "published_high"}, {"published_se"}, {"published_n"}):
        fix = "Give published_low and published_high, or published_se, or published_n"
        raise InputError(where, f"{', '.join(given)} are given for one uncertainty", fix)
    if not math.isfinite(printed):
        raise InputError(where, "only the direction is published, so it has no uncertainty", "Leave it out")
    if low is not None:
        if not low <= printed <= high:
            problem = f"the published value {printed:g} is not inside its interval, {low:g} to {high:g}"
            raise InputError(where, problem, "Give the lower end first, in the unit of the value")
        return low, high
    name, value = next(iter(given.items()))
    if not value > 0:
        raise InputError(f"{where}, {name}", f"{value:g} is not above 0", "Give it as printed, or leave it out")
    if se is not None:
        return printed - HALF_95 * se, printed + HALF_95 * se
    if ours.n is None:
        raise InputError(f"{where}, published_n", "our value has no n to compare it with", "Give published_se")
    scale = math.sqrt(ours.n / n)
    return printed - scale * (ours.value - ours.low), printed + scale * (ours.high - ours.value)


def check(where: str, asked: Asked) -> None:
    """Refuse a claim whose kind, margin and printed value do not fit each other.

    Raises
    ------
    InputError
        The kind is unknown; no effect is not a number; a margin is missing, not above 0, smaller than the slight effect
        that is printed, or given for an effect; `worse` is missing or not asked for; or a side is printed where a
        number is needed, or as another value than that of no effect.
    """
    if asked.kind not in KINDS:
        problem = "it has no kind" if asked.kind is None else f"its kind is {asked.kind!r}"
        raise InputError(where, problem, f"Write kind: {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    _check_number(f"{where}, no_effect", asked.no_effect)
    if asked.kind == "effect":
        if asked.margin is not None:
            raise InputError(where, "an effect has no margin", "Write kind: none or not_worse, or leave the margin out")
    else:
        _check_margin(where, asked)
    if (asked.worse is not None) != (asked.kind == "not_worse"):
        problem = f"worse is {asked.worse!r} for kind {asked.kind}"
        raise InputError(where, problem, "Write worse: lower or higher for not_worse, and for no other kind")
    if asked.worse is not None and asked.worse not in WORSE:
        raise InputError(f"{where}, worse", f"must be lower or higher, got {asked.worse!r}", "Write one of these")


def _check_margin(where: str, asked: Asked) -> None:
    if asked.margin is None:
        raise InputError(
            where, "a claim of no effect has no margin", "Give the largest difference that does not matter"
        )
    _check_number(f"{where}, margin", asked.margin)
    if not asked.margin > 0:
        fix = "Give the largest difference that does not matter, above 0"
        raise InputError(f"{where}, margin", f"{asked.margin:g} is not above 0", fix)
    if not math.isfinite(asked.printed):
        raise InputError(where, "a claim of no effect prints a direction", "Give a number, 0 if none is printed")
    lost = asked.printed - asked.no_effect
    lost = {"lower": max(-lost, 0), "higher": max(lost, 0)}.get(asked.worse, abs(lost))
    if lost > asked.margin * (1 + ROUNDING):
        problem = f"{asked.margin:g} is less than the slight effect that is printed, {lost:g}"
        raise InputError(f"{where}, margin", problem, "That effect is the least margin")


def check_ours(where: str, kind: str, ours: Ours) -> None:
    """Refuse a value without the intervals that the rule needs, or with ends that cannot be.

    Raises
    ------
    InputError
        An interval is missing or has NaN, its ends are swapped, or the 90% interval leaves the 95% interval.
    """
    if ours.low is None or ours.high is None:
        raise InputError(where, "the value has no 95% interval", "Give low and high")
    if kind != "effect" and (ours.low90 is None or ours.high90 is None):
        raise InputError(where, "the value has no 90% interval", "Write it by stats.estimate(..., null=True)")
    for name, value in ours._asdict().items():
        if value is not None:
            _check_number(f"{where}, {name}", value)
    for low, high in (("low", "high"), ("low90", "high90")):
        ends = [getattr(ours, name) for name in (low, high)]
        if None not in ends and ends[0] > ends[1]:
            raise InputError(where, f"{low} {ends[0]:g} is above {high} {ends[1]:g}", "Give the lower end first")
    if ours.low90 is not None and ours.high90 is not None:
        slack = ROUNDING * max(abs(ours.low), abs(ours.high))
        if ours.low90 < ours.low - slack or ours.high90 > ours.high + slack:
            problem = f"the 90% interval, {ours.low90:g} to {ours.high90:g}, leaves the 95% interval"
            raise InputError(where, problem, "Compute both from the same resamples")


def _check_number(where: str, value: object) -> None:
    if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
        raise InputError(where, f"must be a number, got {value!r}", "Give a finite number")


def detectable(asked: Asked, ours: Ours) -> float:
    """Compute how small an effect or a margin our interval could settle, in the unit of the statistic.

    For an effect it is the smallest that this run would show with 80% power, 2.80 standard errors. For a claim of no
    effect it is the smallest margin with which our interval would have passed.
    """
    if asked.kind == "effect":
        return STEPS["effect"] * _error(asked, ours)
    beyond = {"lower": asked.no_effect - ours.low90, "higher": ours.high90 - asked.no_effect}
    return max(0.0, *(beyond[side] for side in (WORSE if asked.worse is None else (asked.worse,))))


def needed(asked: Asked, ours: Ours) -> float | None:
    """Compute the n at which 80% of studies would settle the claim, at the printed effect or the margin, never at ours.

    A claim of no effect is taken to be true. None is returned where no size is printed or our n is unknown.

    Notes
    -----
    The standard error is taken to fall with the root of n. The n needed is then our n times
    ``(steps * SE / size)**2``, rounded up, where `steps` is 2.80 for an effect, 2.93 for `none` and 2.49 for
    `not_worse` (Julious 2004, https://doi.org/10.1002/sim.1783).
    """
    size = abs(asked.printed - asked.no_effect) if asked.kind == "effect" else asked.margin
    if ours.n is None or not size or not math.isfinite(size):
        return None
    ratio = STEPS[asked.kind] * _error(asked, ours) / size
    return float(max(2, math.ceil(ours.n * ratio**2 * (1 - ROUNDING))))


def _error(asked: Asked, ours: Ours) -> float:
    """Return the standard error behind the interval that decides."""
    if asked.kind == "effect":
        return (ours.high - ours.low) / (2 * HALF_95)
    return (ours.high90 - ours.low90) / (2 * HALF_90)
