"""Verdict on the effect of a second reference on a contrast, by one fixed rule on three intervals."""

from __future__ import annotations

from helpers.stats.resample import Change, Interval


def judge(change: Change, *, null: float = 0.0) -> tuple[str, str]:
    """Judge the effect of a second reference on the contrast seen with the first, by a fixed rule on three intervals.

    A contrast is shown if its interval excludes `null`. The change is shown if its interval excludes 0.

    =======================  ============================================================================
    ``shifts within noise``  the change is not shown
    ``not shown``            the change is shown, but neither contrast is: there is no gap to inflate or to hide
    ``reverses``             both contrasts are shown, on opposite sides
    ``inflates``             the second contrast is further out, on the side of the contrast that is shown
    ``hides``                the second contrast is less far out on that side: part or all of the gap is not seen
    =======================  ============================================================================

    If only one contrast is shown, its side counts. If it is further out with the second reference, the gap is inflated;
    otherwise it is hidden (also if the second contrast points to the other side, but does not exclude `null`).

    Parameters
    ----------
    change : Change
        Contrast with the first reference (gold), with the second (silver), and their paired change.
    null : float
        Value of a contrast without a difference: 0, or 1 for a ratio.

    Returns
    -------
    verdict, why : str
    """
    first, second = (_side(interval, null) for interval in (change.first, change.second))
    if not _side(change.change, 0.0):
        return "shifts within noise", "the interval of the change holds 0"
    if not first and not second:
        return "not shown", "the references differ, but neither shows a gap"
    if first * second < 0:
        return "reverses", "both references show a gap, on opposite sides"
    seen = {(True, True): "both references show", (True, False): "only gold shows", (False, True): "only silver shows"}
    side = first or second
    further = side * change.second.estimate > side * change.first.estimate
    size = "larger by silver" if further else "smaller by silver"
    return "inflates" if further else "hides", f"{seen[bool(first), bool(second)]} the gap, and it is {size}"


def _side(interval: Interval, null: float) -> int:
    """Return 1 or -1 if the interval is entirely above or below `null`, else 0."""
    return int(interval.low > null) - int(interval.high < null)
