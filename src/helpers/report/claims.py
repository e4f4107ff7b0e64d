"""Published claims and their verdicts, all reached by one rule."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import yaml

from helpers import paths
from helpers.errors import InputError
from helpers.report.values import flatten

COLUMNS = ["id", "statement", "reference", "statistic", "scope", "published", "ours", "low", "high", "n", "source"]
COLUMNS += ["verdict", "why"]
SCOPES = ("cohort", "effect")
SIMULATED = "simulated data: the claim is about the paper's data"
OTHER = "other data: the claim is about the paper's data"
VERDICTS = (
    "reproduced",
    "direction",
    "differs",
    "not supported",
    "impossible as printed",
    "not testable here",
)


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
    no_effect : float or None
        The value of no effect (0 for a difference, 1 for a ratio); `None` if there is none.
    comparable : bool
        True if the size of the effect, and not only its direction, can be compared.
    ours, low, high : float, optional
        Our value and its 95% interval.
    n : int, optional
        Number of cases that our value is computed from.
    impossible : str
        The arithmetic that shows that the printed number cannot be right.
    missing : str
        The data or results that are missing to test the claim here.
    note : str
        Further remark for the reader, added after the reason; not where the data or the training cannot test the claim.

    Returns
    -------
    dict
        One row with the columns of `COLUMNS`.

    Raises
    ------
    InputError
        A value that the rule needs is not given, or the scope does not fit.

    Notes
    -----
    The verdict is the first of these that applies: *impossible as printed* (arithmetic rules the printed number out);
    *not testable here* (something is missing, the claim is about other data, or the training was reduced);
    by digits, *reproduced* (equal to the printed digits) or else *differs*;
    by interval, *not supported* (our interval includes no effect, or our value is in the opposite direction),
    *reproduced* (the published value is inside our interval), *direction* (same direction, size not comparable),
    *differs* (our interval excludes the published value).
    An interval that includes both the published value and no effect is compatible with both, so it counts as
    *not supported*.
    """
    _check_scope(f"claim {id}", scope, by)
    where = ""
    if impossible:
        verdict, why = "impossible as printed", impossible
    elif missing:
        verdict, why = "not testable here", f"missing: {missing}"
    elif barred := _barred(scope, source, same_data, reduced):
        verdict, why, note = "not testable here", barred, ""
    elif ours is None:
        raise InputError(f"claim {id}", "neither a value nor a reason is given", "Give ours, impossible or missing")
    elif by == "digits":
        same = same_digits(ours, published)
        verdict, why = ("reproduced", "equal to the printed digits") if same else ("differs", "other digits")
    else:
        verdict, why = _by_interval(f"claim {id}", ours, low, high, number(published), no_effect, comparable)
        where = "in simulation" if source == "simulated" else "" if same_data else "on other data"
    why = "; ".join(filter(None, (why, where, note)))
    row = (id, statement, reference, statistic, scope, published, ours, low, high, n, source, verdict, why)
    return dict(zip(COLUMNS, row, strict=True))


def _check_scope(where: str, scope: str | None, by: str) -> None:
    if scope not in SCOPES:
        problem = "it has no scope" if scope is None else f"its scope is {scope!r}"
        raise InputError(where, problem, "Write scope: cohort or scope: effect")
    if (scope, by) == ("effect", "digits"):
        raise InputError(where, "an effect on other data has other digits", "Write scope: cohort, or by: interval")


def _barred(scope: str, source: str, same_data: bool, reduced: str) -> str:
    """Return the reason why the data or the training of a run cannot test a claim; empty if they can."""
    if scope == "cohort" and source != "real":
        return SIMULATED
    if scope == "cohort" and not same_data:
        return OTHER
    return f"reduced training: {reduced}" if reduced else ""


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
    parameters: Mapping[str, Any],
    values: Mapping[str, Any],
    *,
    same_data: bool = False,
    extra: Mapping[str, Mapping[str, Any]] | None = None,
    missing: str = "",
) -> list[dict[str, Any]]:
    """Judge the published claims of a study, which are listed in `notebooks/claims/<study>.yaml`.

    An entry there has the arguments of `claim`, and a `scope` in any case. It may also name our result: `estimate` is
    the dotted path of an estimate in `values`, from which our value, its interval and n are taken, or of a bare number
    for a claim by digits. A bare number has the n of the nearest mapping around it that has one; an estimate has the n
    it holds. An entry with `missing` cannot be tested in any run of the study. If a run has no value at the path, the
    claim is *not testable here*. `least` has the smallest values of parameters with which a run can test the claim,
    such as `{EFFORT: 0.5}`.

    Parameters
    ----------
    study : str
    parameters : mapping
        The run's parameters (`Run.parameters`): `SOURCE`, and those that an entry has under `least`.
    values : mapping
        The run's values.
    same_data : bool
        True if the data are the publication's, see `helpers.datasets.is_published`; False for other data, such as a
        user's images. It has no effect in a simulated run.
    extra : mapping, optional
        Claim id to arguments of `claim` that only the run can supply: `impossible`, `missing`, `note`, `same_data`.
    missing : str
        The reason why this run can test no claim, except those that arithmetic already rules out.

    Raises
    ------
    InputError
        An entry has no scope, or the run lacks a parameter that an entry has under `least`; `extra` names an unknown
        claim; a path begins with a name that looks mistyped; or a claim has no value or interval of ours and no reason
        why not.
    """
    file = paths.notebooks() / "claims" / f"{study}.yaml"
    published = {row["id"]: row for row in yaml.safe_load(file.read_text(encoding="utf-8"))}
    extra, flat = extra or {}, flatten(values)
    if odd := set(extra) - set(published):
        raise InputError(file.name, f"no claim is called {', '.join(sorted(odd))}", f"Claims: {', '.join(published)}")
    rows = []
    for key, row in published.items():
        where = f"{file.name}, claim {key}"
        _check_scope(where, row.get("scope"), row.get("by", "interval"))
        known = {"missing": row.pop("missing", missing), "same_data": same_data, **extra.get(key, {})}
        known |= {"source": parameters["SOURCE"], "reduced": _reduced(where, row.pop("least", {}), parameters)}
        place = row.pop("estimate", "")
        found, absent = _ours(place, values, flat, by=row.get("by", "interval"), where=file.name) if place else ({}, "")
        barred = _barred(row["scope"], *(known[name] for name in ("source", "same_data", "reduced")))
        if absent and not known["missing"] and not barred:
            known["missing"] = f"{absent}, which this cohort cannot give"
        rows.append(claim(**row, **found, **known))
    return rows


def _reduced(where: str, least: Mapping[str, float], parameters: Mapping[str, Any]) -> str:
    """List the parameters of a run that are below the least with which a claim can be tested; empty if none is."""
    if odd := [name for name in least if name not in parameters]:
        raise InputError(where, f"least has {odd[0]}, which the study does not have", f"Known: {', '.join(parameters)}")
    below = [f"{name} {parameters[name]:g} is below {low:g}" for name, low in least.items() if parameters[name] < low]
    return ", ".join(below)


def _ours(
    place: str, values: Mapping[str, Any], flat: Mapping[str, Any], *, by: str, where: str
) -> tuple[dict[str, Any], str]:
    """Find our value, its interval and n by the path of an estimate; also return the path of a part without a value."""
    first = place.partition(".")[0]
    if first not in values and (near := difflib.get_close_matches(first, values, n=1, cutoff=0.8)):
        raise InputError(f"{where}, estimate {place}", f"the run has no value {first}", f"Did you mean {near[0]}?")
    bare = place in flat or (f"{place}.estimate" not in flat and by == "digits")
    parts = {"ours": place} if bare else {"ours": f"{place}.estimate", "low": f"{place}.low", "high": f"{place}.high"}
    found = {name: flat.get(path) for name, path in parts.items()}
    absent = next((parts[name] for name, value in found.items() if value is None), "")
    inside = place.split(".")
    # A mapping around an estimate counts its units, not those of the estimate: seeds or cells instead of patients.
    around = [".".join([*inside[:k], "n"]) for k in range(len(inside), -1 if bare else len(inside) - 1, -1)]
    return found | {"n": next((flat[path] for path in around if flat.get(path) is not None), None)}, absent


def table(claims: list[dict[str, Any]]) -> pd.DataFrame:
    """Convert claims to a frame with the columns of `COLUMNS`."""
    return pd.DataFrame(claims, columns=COLUMNS)
