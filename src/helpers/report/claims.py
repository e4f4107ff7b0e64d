"""Published claims as rows with their verdicts: by arithmetic, by printed digits, or by the rule of intervals."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from helpers.errors import InputError
from helpers.report import verdicts

COLUMNS = ["id", "statement", "reference", "statistic", "scope", "kind", "published", "margin", "ours", "low", "high"]
COLUMNS += ["low90", "high90", "n", "source", "verdict", "where", "why", "detectable", "needed", "short", "given"]
SCOPES = ("cohort", "effect")
SIMULATED = "simulated data: the claim is about the paper's data"
OTHER = "other data: the claim is about the paper's data"
IN_SIMULATION = "in simulation"
PLACES = (IN_SIMULATION, "on other data", "on the paper's data")  # where a claim was judged
UNTESTABLE = "not testable here"


def same_digits(ours: float, published: str) -> bool:
    """Return True if `ours`, rounded to the printed digits of `published`, equals the published number.

    Parameters
    ----------
    ours : float
        Our value.
    published : str
        The number as printed: `.0530`, `7.46`, `1.6e-8`, `6.2%` (ours is then a share).
    """
    text = published.strip().rstrip("%").lower()
    value = ours * 100 if published.strip().endswith("%") else ours
    if not math.isfinite(value):
        return False
    mantissa, _, exponent = text.partition("e")
    decimals = len(mantissa.partition(".")[2])
    if exponent:
        return float(f"{value:.{decimals}e}") == float(text)
    # Within half a unit of the last printed digit; a tie may be rounded either way.
    return abs(value - float(text)) <= 0.5 * 10**-decimals * (1 + 1e-9)


def number(published: str) -> float:
    """Convert a printed number to a float.

    A percentage becomes a share. "> 0" becomes infinity and "< 0" minus infinity: only the direction is known.
    """
    text = published.strip()
    if text[0] in "<>":
        return math.inf if text[0] == ">" else -math.inf
    return float(text.rstrip("%")) / (100 if text.endswith("%") else 1)


def claim(
    id: str,
    statement: str,
    *,
    reference: str,
    statistic: str,
    scope: str,
    published: str,
    source: str,
    same_data: bool = False,
    reduced: str = "",
    by: str = "interval",
    kind: str | None = None,
    no_effect: float = 0.0,
    margin: float | None = None,
    unit: str | None = None,
    because: str = "",
    worse: str | None = None,
    comparable: bool = True,
    resampled: bool = False,
    published_low: float | None = None,
    published_high: float | None = None,
    published_se: float | None = None,
    published_n: float | None = None,
    ours: float | None = None,
    low: float | None = None,
    high: float | None = None,
    low90: float | None = None,
    high90: float | None = None,
    n: int | None = None,
    seeds: float | None = None,
    seeds_share: float | None = None,
    impossible: str = "",
    missing: str = "",
    unjudged: str = "",
    note: str = "",
) -> dict[str, Any]:
    """Judge one claim and return it with its verdict.

    Parameters
    ----------
    id, statement, reference, statistic : str
        Short name, the claim in a sentence, a BibTeX key, and a description of the number.
    scope : {"cohort", "effect"}
        A claim about the publication's cohort is judged on its data alone. A claim about an effect may be judged on
        other data or in simulation.
    published : str
        The number as printed; "> 0" or "< 0" if the publication shows only the direction.
    source : str
        `simulated` or `real`.
    same_data : bool
        True if the real data are the publication's, False if they are others.
    reduced : str
        The training that is less than the claim needs, such as "EFFORT 0.1 is below 0.5".
    by : {"digits", "interval"}
        With "digits", our value is computed on the publication's data and must equal the printed digits. With
        "interval", our value is judged by its interval.
    kind : {"effect", "none", "not_worse"}
        By interval: the claim is that there is an effect, that there is none, or that something is not worse.
    no_effect : float
        The value of no effect (0 for a difference, 1 for a ratio).
    margin, unit : float and str, optional
        Of a claim of no effect: the largest difference that does not matter, and its unit, a word of `statistic`.
    because : str
        The reason of the margin, or of a value of no effect that is not 0 or 1.
    worse : {"lower", "higher"}, optional
        Of `not_worse`: the values that are worse.
    comparable : bool
        True if the size of the effect, and not only its direction, can be compared.
    resampled : bool
        True if our interval of an effect has the percentiles of a bootstrap: `verdicts.widened` then decides.
    published_low, published_high, published_se, published_n : float, optional
        The printed 95% interval of an effect, or its standard error, or the number of cases behind it.
    ours, low, high, low90, high90 : float, optional
        Our value, its 95% interval and, for a claim of no effect, its 90% interval.
    n : int, optional
        Number of patients that our value is computed from; a float if it is a number of seeds.
    seeds, seeds_share : float, optional
        Number of training seeds that our value is a mean over, and their share of its variance.
    impossible : str
        The arithmetic that shows that the printed number cannot be right.
    missing : str
        The data or results that are missing to test the claim here.
    unjudged : str
        A word of the statement, such as "strongly", that claims a size and is not judged.
    note : str
        Further remark for the reader, added after the reason; not where the data or the training cannot test the claim.

    Returns
    -------
    dict
        One row with the columns of `COLUMNS`: also ``where`` the claim was judged (one of `PLACES`), and its power:
        ``detectable`` (`verdicts.detectable`), and of an inconclusive claim ``needed`` (`verdicts.needed`), the number
        of what is ``short``, patients or seeds ("neither" if there were enough).

    Raises
    ------
    InputError
        A value that the rule needs is not given, or parts of the claim do not fit each other.

    Notes
    -----
    The verdict is the first of these that applies: *impossible as printed* (arithmetic rules the printed number out);
    *not testable here* (something is missing, the claim is about other data, or the training was reduced);
    by digits, *reproduced* (equal to the printed digits) or else *differs*; by interval, that of `verdicts.rule`.
    """
    name = f"claim {id}"
    check_scope(name, scope, by)
    found = verdicts.Ours(ours, low, high, low90, high90, n if isinstance(n, int | float) else None)
    asked = verdicts.Asked(kind, number(published), no_effect, margin, worse, comparable)
    _check_kind(name, asked, by=by, published=published, statistic=statistic, unit=unit, resampled=resampled)
    where, power = "", dict.fromkeys(("detectable", "needed", "short"))
    if impossible:
        verdict, why = "impossible as printed", impossible
    elif missing:
        verdict, why = UNTESTABLE, f"missing: {missing}"
    elif lacks := barred(scope, source, same_data, reduced):
        verdict, why, note = UNTESTABLE, lacks, ""
    elif ours is None:
        raise InputError(name, "neither a value nor a reason is given", "Give ours, impossible or missing")
    else:
        where = IN_SIMULATION if source == "simulated" else PLACES[1 + same_data]
        if by == "digits":
            same = same_digits(ours, published)
            verdict, why = ("reproduced", "equal to the printed digits") if same else ("differs", "other digits")
        else:
            verdicts.check_ours(name, kind, found)
            ends = {"low": published_low, "high": published_high, "se": published_se, "n": published_n}
            asked = asked._replace(**_printed(name, asked, found, **ends))
            decides = verdicts.widened(found) if resampled else found
            verdict, why = verdicts.rule(asked, decides)
            if (verdict, why) != verdicts.rule(asked, found):
                why += f", once widened for {n} patients: {decides.low:.3g} to {decides.high:.3g}"
            power = _power(verdict, asked, decides, seeds=seeds, seeds_share=seeds_share)
            why += f", {margin:g} {unit}" if margin is not None else ""
            why += f" ({because})" if because else ""
        note = "; ".join(filter(None, (f'"{unjudged}" is not judged' if unjudged else "", note)))
    why = "; ".join(filter(None, (why, note)))
    row = (id, statement, reference, statistic, scope, kind, published, margin, ours, low, high, low90, high90, n)
    row += (source, verdict, where, why, *power.values(), {})
    return dict(zip(COLUMNS, row, strict=True))


def check_scope(where: str, scope: str | None, by: str) -> None:
    """Refuse a claim without a scope, and one about an effect by digits."""
    if scope not in SCOPES:
        problem = "it has no scope" if scope is None else f"its scope is {scope!r}"
        raise InputError(where, problem, "Write scope: cohort or scope: effect")
    if (scope, by) == ("effect", "digits"):
        raise InputError(where, "an effect on other data has other digits", "Write scope: cohort, or by: interval")


def barred(scope: str, source: str, same_data: bool, reduced: str) -> str:
    """Return the reason why the data or the training of a run cannot test a claim; empty if they can."""
    if scope == "cohort" and source != "real":
        return SIMULATED
    if scope == "cohort" and not same_data:
        return OTHER
    return f"reduced training: {reduced}" if reduced else ""


def _check_kind(
    where: str, asked: verdicts.Asked, *, by: str, published: str, statistic: str, unit: str | None, resampled: bool
) -> None:
    """Check a claim by interval with `verdicts.check`, and the unit and the side that it prints."""
    if resampled and asked.kind != "effect":
        raise InputError(where, "resampled widens the interval of an effect alone", "Leave it out")
    if by == "digits":
        if asked.kind is not None or asked.margin is not None:
            raise InputError(where, "a claim by digits has no kind and no margin", "Leave them out, or by: interval")
        return
    verdicts.check(where, asked)
    if (unit is None) != (asked.margin is None):
        problem = "the margin has no unit" if unit is None else f"a unit, {unit}, without a margin"
        raise InputError(where, problem, "Give margin and unit together")
    if unit is not None and unit.lower() not in statistic.lower():
        problem = f"the margin is in {unit}, which the statistic is not: {statistic}"
        raise InputError(f"{where}, unit", problem, "Give the margin in the unit of the statistic, by its word there")
    if math.isinf(asked.printed) and float(published.strip()[1:]) != asked.no_effect:
        problem = f"{published} is published, and no effect is {asked.no_effect:g}"
        raise InputError(where, problem, "Write the same number in both")


def _printed(where: str, asked: verdicts.Asked, found: verdicts.Ours, **given: float | None) -> dict[str, float | None]:
    """Return the ends of the printed interval of an effect; refuse a printed uncertainty of another kind of claim."""
    if asked.kind != "effect" and any(value is not None for value in given.values()):
        raise InputError(where, "a printed uncertainty is used for an effect alone", "Leave it out")
    low, high = verdicts.printed_interval(where, asked.printed, found, **given)
    return {"low": low, "high": high}


def _power(
    verdict: str, asked: verdicts.Asked, found: verdicts.Ours, *, seeds: float | None, seeds_share: float | None
) -> dict[str, Any]:
    power = {"detectable": verdicts.detectable(asked, found), "needed": None, "short": None}
    if verdict != "inconclusive" or found.n is None:
        return power
    by_seed = seeds_share > 0.5 if seeds_share is not None else not isinstance(found.n, int)
    count = seeds if by_seed and seeds is not None else found.n
    power["needed"] = verdicts.needed(asked, found._replace(n=count))
    enough = power["needed"] is not None and power["needed"] <= count
    return power | {"short": "neither" if enough else "seeds" if by_seed else "patients"}


def table(claims: list[dict[str, Any]]) -> pd.DataFrame:
    """Convert claims to a frame with the columns of `COLUMNS`."""
    return pd.DataFrame(claims, columns=COLUMNS)
