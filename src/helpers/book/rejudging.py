"""Rejudging: the rule and the published claims of today, applied to the values that a record keeps.

A verdict follows from values by a rule, so a change of the rule or of a claims file needs no new run. Verdicts, reasons
and power of a record are replaced, and nothing else. A record is left as it is, and named, if the rule asks for a value
that it does not have, such as the 90% interval behind a claim of no effect.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from helpers.book.small_runs import git
from helpers.book.stamping import Record, check_committed, records
from helpers.errors import InputError
from helpers.report import claims, entries, recording, verdicts
from helpers.report.values import plain, write_json

ANEW = "to be recorded anew"
NUMBERS = ("ours", "low", "high", "n")
# In rows without `given`, which hold the reason, the place and the remark in one text: the reasons, the places, and the
# remarks of claims files of that time.
REASONS = ("equal to the printed digits", "other digits", "our interval includes no effect")
REASONS += ("our interval lies on the other side", "the published value is inside our interval")
REASONS += ("same side; the size is not comparable", "our interval excludes the published value")
REMARKS = ("a wide interval holds any small change", "of five causes", "small beside the finest level")
REMARKS += ("read the width of our interval", "where no cell helps", "the abstract has no number")


def told(study: str = "") -> Iterator[str]:
    """Judge the records of a study, or of all, again, and report for each what has changed.

    Yields
    ------
    str
        Name of a record and the findings, which begin with "current", "judged again" or "to be recorded anew".

    Raises
    ------
    InputError
        Nothing is recorded of that study, or there are uncommitted changes; and at the end, if the rule asks for
        values that a record does not have.
    """
    check_committed("rejudge")
    left = []
    for record in records(study):
        about = json.loads(record.file.read_text(encoding="utf-8"))
        if not about.get("claims"):
            continue
        lines = _rejudged(record, about)
        left += [record.name] if lines[0].startswith(ANEW) else []
        yield "\n    ".join([f"{record.name}: {lines[0]}", *lines[1:]])
    if left:
        fix = "Run these studies, then record them: make record STUDY=... LABEL=..."
        raise InputError("rejudge", f"{len(left)} records are {ANEW}: {', '.join(left)}", fix)


def _rejudged(record: Record, about: dict[str, Any]) -> list[str]:
    try:
        rows = judge_again(about)
    except InputError as error:
        return [f"{ANEW}: {error}"]
    if rows == about["claims"]:
        return ["current: the rule of today gives the same"]
    known = about["provenance"]
    stamps = [*known.get("restamped", []), *known.get("rejudged", [])]
    before = stamps[-1]["to"] if stamps else known["git"]["commit"]
    stamp = {"from": before, "to": git("rev-parse", "HEAD")[:12], "on": datetime.now(UTC).strftime("%Y-%m-%d")}
    provenance = {**known, "rejudged": [*known.get("rejudged", []), stamp]}
    write_json(record.file, {**about, "claims": rows, "provenance": provenance})
    pairs = zip(sorted(about["claims"], key=_id), sorted(rows, key=_id), strict=True)
    words = [(new["id"], old["verdict"], new["verdict"]) for old, new in pairs]
    changed = [f"{key}: {old}, now {new}" for key, old, new in words if old != new]
    return [f"judged again: {before} and {stamp['to']}", *(changed or ["no verdict has changed"])]


def _id(row: Mapping[str, Any]) -> str:
    return row["id"]


def judge_again(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Judge the claims of recorded results by the rule and the claims file of today.

    Parameters
    ----------
    results : mapping
        Content of a record's ``results.json``.

    Returns
    -------
    list of dict
        The rows, in the order of the claims file, with small cells suppressed.

    Raises
    ------
    InputError
        The record has other claims than the file, or other numbers in its claims than in its values; or the rule asks
        for a value that the record does not have.
    """
    known, values = results["provenance"], results["values"]
    name = claims_of(known["study"], known["parameters"])
    published, had = entries.read(entries.file_of(name)), {row["id"]: row for row in results["claims"]}
    if odd := sorted(set(published) ^ set(had)):
        raise InputError(f"{name}.yaml", f"it and the record differ in {', '.join(odd)}", "Record the run again")
    extra = {key: row["given"] if row.get("given") is not None else _given(row) for key, row in had.items()}
    judged = entries.judge(name, {**known["parameters"], "SOURCE": known["source"]}, values, extra=extra)
    rows = recording.suppress(plain(judged, "claims"))
    for row in rows:
        if odd := [part for part in NUMBERS if row[part] != had[row["id"]][part]]:
            problem = f"{odd[0]} is {row[odd[0]]!r} by its values, and {had[row['id']][odd[0]]!r} in its claims"
            raise InputError(f"claim {row['id']}", problem, "Record the run again")
    return rows


def claims_of(study: str, parameters: Mapping[str, Any]) -> str:
    """Return the name of a run's claims file: that of its study, or `<study>.<value>` for the value of a parameter."""
    names = [study, *(f"{study}.{value}" for value in parameters.values() if isinstance(value, str) and value)]
    found = [name for name in names if entries.file_of(name).is_file()]
    if not found:
        raise InputError(study, "there is no file of its claims", "Write notebooks/claims/<study>.yaml")
    return found[-1]


def _given(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the run supplied to the judgement of a row of the older layout, from the words of its reason."""
    why, other = row["why"], claims.PLACES[1]
    same = row["source"] == "real" and other not in why and claims.OTHER not in why
    if row["verdict"] == verdicts.VERDICTS[-2]:
        return {"same_data": same, "impossible": why}
    head = next((text for text in REASONS if why.startswith(text)), "")
    if why.startswith("missing: "):
        head = "missing: "
    parts = [part for part in why.removeprefix(head).strip("; ").split("; ") if part]
    parts = parts[: next((k for k, part in enumerate(parts) if part.startswith(REMARKS)), None)]
    said = "; ".join(part for part in parts if part not in claims.PLACES)
    if head == "missing: ":
        return {"same_data": same} | ({} if said.endswith("which this cohort cannot give") else {"missing": said})
    judged = bool(head) and bool(said)
    return {"same_data": same} | ({"note": said} if judged else {})
