"""The published claims of a study, read from their file and judged with the values of a run."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from helpers import paths
from helpers.errors import InputError
from helpers.report import verdicts
from helpers.report.claims import barred, check_scope, claim, number
from helpers.report.values import flatten

# Words that claim a size, which a direction alone does not show.
SIZES = re.compile(
    r"\b(strongly|consistently|significantly|substantially|markedly|noticeably|minimally|slightly|much)\b", re.I
)
NULL_PARTS = ("low90", "high90")
SEED_PARTS = ("seeds", "seeds_share")


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

    An entry there has the arguments of `claims.claim`: a `scope` in any case, a `kind` if it is judged by interval, and
    a reason (`because`) with a margin. It may also name our result: `estimate` is the dotted path of an estimate in
    `values`, from which our value, its intervals and n are taken, or of a bare number for a claim by digits. A bare
    number has the n of the nearest mapping around it that has one; an estimate has the n it holds. An entry with
    `missing` cannot be tested in any run of the study. If a run has no value at the path, the claim is *not testable
    here*. `least` has the smallest values of parameters with which a run can test the claim, such as `{EFFORT: 0.5}`.

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
        Claim id to arguments of `claims.claim` that only the run can supply: `impossible`, `missing`, `note`,
        `same_data`. They are kept in the row as `given`, with which the claim can be judged again.
    missing : str
        The reason why this run can test no claim, except those that arithmetic already rules out.

    Raises
    ------
    InputError
        An entry is incomplete or its parts do not fit, or the run lacks a parameter that an entry has under `least`;
        `extra` names an unknown claim; a path begins with a name that looks mistyped; or a claim has no value or
        interval of ours and no reason why not.
    """
    file = file_of(study)
    published, extra, flat = read(file), extra or {}, flatten(values)
    if odd := set(extra) - set(published):
        raise InputError(file.name, f"no claim is called {', '.join(sorted(odd))}", f"Claims: {', '.join(published)}")
    rows = []
    for key, row in published.items():
        where = f"{file.name}, claim {key}"
        given = {"same_data": same_data} | ({"missing": missing} if missing else {}) | dict(extra.get(key, {}))
        known = {"missing": row.pop("missing", "")} | given
        known["note"] = "; ".join(filter(None, (row.pop("note", ""), given.get("note", ""))))
        known |= {"source": parameters["SOURCE"], "reduced": _reduced(where, row.pop("least", {}), parameters)}
        place = row.pop("estimate", "")
        asked = {"by": row.get("by", "interval"), "kind": row.get("kind")}
        found, absent = _ours(place, values, flat, **asked, where=file.name) if place else ({}, "")
        stopped = barred(row["scope"], *(known[name] for name in ("source", "same_data", "reduced")))
        if absent and not known["missing"] and not stopped:
            known["missing"] = f"{absent}, which this cohort cannot give"
        rows.append(claim(**row, **found, **known) | {"given": given})
    return rows


def file_of(study: str) -> Path:
    """Return the file of a study's published claims."""
    return paths.notebooks() / "claims" / f"{study}.yaml"


def read(file: Path) -> dict[str, dict[str, Any]]:
    """Read the published claims in a file, by id, and check that each is complete.

    Raises
    ------
    InputError
        An entry has no scope, no `kind` though it is judged by interval, no reason of its margin, or a word that claims
        a size where only a direction is printed.
    """
    published = {row["id"]: row for row in yaml.safe_load(file.read_text(encoding="utf-8"))}
    for key, row in published.items():
        where, by = f"{file.name}, claim {key}", row.get("by", "interval")
        check_scope(where, row.get("scope"), by)
        if by == "interval" and row.get("kind") not in verdicts.KINDS:
            problem = f"its kind is {row['kind']!r}" if "kind" in row else "it has no kind"
            raise InputError(where, problem, f"Write kind: {', '.join(verdicts.KINDS[:-1])} or {verdicts.KINDS[-1]}")
        if "margin" in row and not row.get("because"):
            raise InputError(where, "the margin has no reason", "Write because: and what sets it")
        word = SIZES.search(row["statement"]) if row.get("kind") == "effect" else None
        sized = math.isfinite(number(row["published"])) or row.get("because")
        if word and not sized and row.get("unjudged", "").lower() != word[0].lower():
            fix = f"Write unjudged: {word[0]}, or another no_effect with its reason, because:"
            raise InputError(where, f"{word[0]!r} claims a size, and only a direction is printed", fix)
    return published


def _reduced(where: str, least: Mapping[str, float], parameters: Mapping[str, Any]) -> str:
    """List the parameters of a run that are below the least with which a claim can be tested; empty if none is."""
    if odd := [name for name in least if name not in parameters]:
        raise InputError(where, f"least has {odd[0]}, which the study does not have", f"Known: {', '.join(parameters)}")
    below = [f"{name} {parameters[name]:g} is below {low:g}" for name, low in least.items() if parameters[name] < low]
    return ", ".join(below)


def _ours(
    place: str, values: Mapping[str, Any], flat: Mapping[str, Any], *, by: str, kind: str | None, where: str
) -> tuple[dict[str, Any], str]:
    """Find our value, its intervals and n by the path of an estimate; also return the path of what is not there."""
    first = place.partition(".")[0]
    if first not in values and (near := difflib.get_close_matches(first, values, n=1, cutoff=0.8)):
        raise InputError(f"{where}, estimate {place}", f"the run has no value {first}", f"Did you mean {near[0]}?")
    bare = place in flat or (f"{place}.estimate" not in flat and by == "digits")
    parts = {"ours": place} if bare else {"ours": f"{place}.estimate", "low": f"{place}.low", "high": f"{place}.high"}
    if not bare and kind in ("none", "not_worse") and all(f"{place}.{name}" in flat for name in NULL_PARTS):
        parts |= {name: f"{place}.{name}" for name in NULL_PARTS}
    found = {name: flat.get(path) for name, path in parts.items()}
    absent = next((parts[name] for name, value in found.items() if value is None), "")
    inside = place.split(".")
    # A mapping around an estimate counts its units, not those of the estimate: seeds or cells instead of patients.
    around = [".".join([*inside[:k], "n"]) for k in range(len(inside), -1 if bare else len(inside) - 1, -1)]
    found |= {name: flat[f"{place}.{name}"] for name in SEED_PARTS if not bare and f"{place}.{name}" in flat}
    return found | {"n": next((flat[path] for path in around if flat.get(path) is not None), None)}, absent
