"""Claims of the literature and their verdicts, by one rule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import yaml

from helpers import paths
from helpers.errors import InputError
from helpers.report.values import flatten

COLUMNS = ["id", "statement", "reference", "statistic", "published", "ours", "low", "high", "n", "source"]
COLUMNS += ["verdict", "why"]
VERDICTS = (
    "reproduced",
    "direction",
    "differs",
    "not supported",
    "impossible as printed",
    "not testable here",
)


def same_digits(ours: float, published: str) -> bool:
    """Whether `ours`, rounded as `published` is printed, is the published number.

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
    # Half a unit of the last printed digit, either way of rounding a tie.
    return abs(value - float(text)) <= 0.5 * 10**-decimals * (1 + 1e-9)


def number(published: str) -> float:
    """The printed number as a float; a percentage as a share; infinity on the side that alone is printed, as "> 0"."""
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
    published: str,
    source: str,
    by: str = "interval",
    no_effect: float | None = 0.0,
    comparable: bool = True,
    ours: float | None = None,
    low: float | None = None,
    high: float | None = None,
    n: int | None = None,
    impossible: str = "",
    missing: str = "",
    note: str = "",
) -> dict[str, Any]:
    """One claim and its verdict.

    Parameters
    ----------
    id, statement, reference, statistic : str
        Short name, the claim in a sentence, a BibTeX key, what the number is.
    published : str
        The number as printed; "> 0" or "< 0" where a figure shows the side alone.
    source : str
        `simulated` or `real`.
    by : {"digits", "interval"}
        Ours is computed on the very data of the publication and must equal its digits; or it is judged by its interval.
    no_effect : float or None
        The value of no effect (0 for a difference, 1 for a ratio); `None` where there is none.
    comparable : bool
        Whether the size (and not only the side) of the effect can be compared.
    ours, low, high : float, optional
        Our value and its 95% interval.
    n : int, optional
        Cases behind our value.
    impossible : str
        The arithmetic that shows that the printed number cannot be right.
    missing : str
        What is missing to test the claim here.
    note : str
        What else a reader should know; stands behind the reason.

    Returns
    -------
    dict
        One row with the columns of `COLUMNS`.

    Raises
    ------
    InputError
        A value that the rule needs is not given.

    Notes
    -----
    The first that holds: *impossible as printed*, arithmetic rules the printed numbers out;
    *not testable here*, something is missing;
    by digits *reproduced* (equal to the printed digits) or else *differs*;
    by interval *not supported* (the interval includes no effect or lies on the other side),
    *reproduced* (the published value is inside the interval), *direction* (same side, size not comparable),
    *differs* (the interval excludes the published value).
    An interval that holds both the published value and no effect supports neither, so it counts as *not supported*.
    """
    if impossible:
        verdict, why = "impossible as printed", impossible
    elif missing:
        verdict, why = "not testable here", f"missing: {missing}"
    elif ours is None:
        raise InputError(f"claim {id}", "no value of ours and no reason why", "Give ours, impossible or missing")
    elif by == "digits":
        same = same_digits(ours, published)
        verdict, why = ("reproduced", "equal to the printed digits") if same else ("differs", "other digits")
    else:
        verdict, why = _by_interval(f"claim {id}", ours, low, high, number(published), no_effect, comparable)
    why = f"{why}; {note}" if note else why
    row = (id, statement, reference, statistic, published, ours, low, high, n, source, verdict, why)
    return dict(zip(COLUMNS, row, strict=True))


def _by_interval(
    where: str,
    ours: float,
    low: float | None,
    high: float | None,
    target: float,
    no_effect: float | None,
    comparable: bool,
) -> tuple[str, str]:
    if low is None or high is None:
        raise InputError(where, "the value has no 95% interval", "Give low and high")
    if no_effect is not None and low <= no_effect <= high:
        return "not supported", "our interval includes no effect"
    if no_effect is not None and (ours > no_effect) != (target > no_effect):
        return "not supported", "our interval lies on the other side"
    if low <= target <= high:
        return "reproduced", "the published value is inside our interval"
    if not comparable:
        return "direction", "same side; the size is not comparable"
    return "differs", "our interval excludes the published value"


def judge(
    study: str,
    source: str,
    values: Mapping[str, Any],
    *,
    extra: Mapping[str, Mapping[str, Any]] | None = None,
    missing: str = "",
) -> list[dict[str, Any]]:
    """Verdicts on the published claims of a study, which stand in `notebooks/claims/<study>.yaml`.

    Beside the words of `claim` an entry there may name, by dots, where in `values` ours is found:
    `value`, `interval` (a list of two) and `n`; or what is `missing` in every run of the study.

    Parameters
    ----------
    study, source : str
        The study, and `simulated` or `real`.
    values : mapping
        The run's values.
    extra : mapping, optional
        Claim id to what only the run knows: `impossible`, `missing`, `note`.
    missing : str
        What this run lacks to test any claim that arithmetic does not already rule out.

    Raises
    ------
    InputError
        `extra` names an unknown claim, or the claims name a value that the run has not.
    """
    file = paths.notebooks() / "claims" / f"{study}.yaml"
    published = {row["id"]: row for row in yaml.safe_load(file.read_text(encoding="utf-8"))}
    extra, flat = extra or {}, flatten(values)
    if odd := set(extra) - set(published):
        raise InputError(file.name, f"no claim is called {', '.join(sorted(odd))}", f"Claims: {', '.join(published)}")
    rows = []
    for key, row in published.items():
        known = {"missing": row.pop("missing", missing), **extra.get(key, {})}
        places = {"ours": row.pop("value", ""), "n": row.pop("n", ""), "low": row.pop("interval", "")}
        if places["low"]:
            places |= {"low": f"{places['low']}.0", "high": f"{places['low']}.1"}
        found = {k: flat.get(place) for k, place in places.items() if place}
        if absent := [places[k] for k, v in found.items() if v is None and not known["missing"]]:
            known["missing"] = f"{absent[0]}, which this cohort cannot give"
        rows.append(claim(**row, source=source, **found, **known))
    return rows


def table(claims: list[dict[str, Any]]) -> pd.DataFrame:
    """Claims as a frame with the columns of `COLUMNS`."""
    return pd.DataFrame(claims, columns=COLUMNS)
