"""Claims of papers that records of real data judge otherwise, entered as artefacts of the living review.

A claim that is *impossible as printed*, or that *differs* by digits on the paper's data, becomes a `print_error`; one
that *differs* or is *contradicted* by interval on real data becomes `not_replicated`. A verdict from a simulated run is
no artefact of a paper, so simulated records are not read. Evidence names the claims file and the id, as
``notebooks/claims/<file>.yaml#<id>``; a claim that several files hold is one artefact with evidence of each.

What a reader has set by hand stays: severity, the days, and evidence of other places. An artefact is *disputed* if some
records judge its claim otherwise, *resolved* if all do, from the day of the newest of them, and removed if no record
can judge it any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import pandas as pd

from helpers import paths
from helpers.book.rejudging import claims_of
from helpers.datasets.review.checking import Tables, checked
from helpers.datasets.review.layout import OURS, TABLES
from helpers.datasets.review.loader import load_review, review_folder, save_review
from helpers.errors import InputError
from helpers.report import claims as claims_
from helpers.report import recording, tables

IMPOSSIBLE = "impossible as printed"
WORDS = {IMPOSSIBLE: "cannot be right", "differs": "differs from ours", "contradicted": "has the other sign than ours"}
PLACE = "notebooks/claims/"
FIRST = "claim-"  # of the names of these artefacts
SAME = ["reference", "statement", "statistic", "published"]  # of two files: the same claim
SEVERITY = "misleads"  # until somebody sets another


def artefacts() -> dict[str, str]:
    """Match the locator of each claim, in the evidence of the book's review, to the artefact that rests on it."""
    if not review_folder().is_dir():
        return {}
    evidence = load_review()["evidence"]
    made = evidence[evidence["locator"].str.startswith(PLACE)]
    return dict(zip(made["locator"], made["artifact_id"], strict=True))


def locator(known: Mapping[str, Any], claim: str) -> str:
    """Name a claim of a run, whose provenance is `known`, as ``notebooks/claims/<file>.yaml#<id>``."""
    return f"{PLACE}{claims_of(known['study'], known['parameters'])}.yaml#{claim}"


def judged() -> pd.DataFrame:
    """Collect the claims that records of real data have judged.

    Returns
    -------
    DataFrame
        A row for each claim and record, with the columns of `claims.COLUMNS`, and: `locator` of the claim; `record`,
        the name of the record; `day` on which its run started.
    """
    rows: list[dict[str, Any]] = []
    for file in sorted(paths.recorded().glob(f"[!.]*/[!.]*/{recording.RESULTS}")):
        results = recording.read(file.parent)
        known = results["provenance"]
        if known["source"] != "real" or not results["claims"]:
            continue
        of = {"record": "/".join(file.parts[-3:-1]), "day": known["started"][:10]}
        tested = [row for row in results["claims"] if row["source"] == "real" and row["verdict"] != claims_.UNTESTABLE]
        rows += [{**row, **of, "locator": locator(known, row["id"])} for row in tested]
    return pd.DataFrame(rows, columns=[*claims_.COLUMNS, "locator", "record", "day"])


def entered(review: Tables, claims: pd.DataFrame) -> Tables:
    """Insert judged claims into a review, and update or remove those that it holds.

    Parameters
    ----------
    review : dict of str to DataFrame
        From `helpers.datasets.load_review`.
    claims : DataFrame
        As `judged` returns it.

    Returns
    -------
    dict of str to DataFrame
        The review with other rows in ``artifact`` and ``evidence``, checked.

    Raises
    ------
    InputError
        A claim is of a work that the review does not have, or the review then breaks a rule of its layout.
    """
    works = set(review["work"]["work_id"])
    held = {row["artifact_id"]: row for row in review["artifact"].to_dict("records")}
    evidence = review["evidence"].to_dict("records")
    made = [row for row in evidence if _is_made(row)]
    names = {row["locator"]: row["artifact_id"] for row in made}
    new, proof = {}, [row for row in evidence if not _is_made(row)]
    for _, group in claims.groupby(SAME, sort=False):
        rows = list(group.sort_values(["locator", "record"]).itertuples())
        known = (names[row.locator] for row in rows if row.locator in names)
        name = next((name for name in known if name not in new), _name(rows[0].locator))
        if name not in held and not any(row.verdict in WORDS for row in rows):
            continue
        if rows[0].reference not in works:
            problem = f"there is no work {rows[0].reference}, of which {rows[0].locator} is a claim"
            raise InputError("work.csv", problem, "Add its line, with a title and the day on which it came out")
        new[name] = _artifact(name, rows, held.get(name, {}))
        proof += [_evidence(name, place, list(of)) for place, of in groupby(rows, key=lambda row: row.locator)]
    gone = {row["artifact_id"] for row in made} - set(new)
    kept = [row for name, row in held.items() if name not in gone and name not in new]
    proof = [row for row in proof if row["artifact_id"] not in gone]
    return checked(
        {**review, "artifact": _table("artifact", [*kept, *new.values()]), "evidence": _table("evidence", proof)}
    )


def told() -> Iterator[str]:
    """Insert the claims of the book's records into its review, and report each artefact that changes.

    Raises
    ------
    InputError
        As in `entered`, or the review breaks a rule of its layout.
    """
    before = load_review()
    after = entered(before, judged())
    old, new = (_by_name(tables_of) for tables_of in (before, after))
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"{name}: {'removed' if name not in new else new[name][0]['status'] if name in old else 'entered'}"
    save_review(after, review_folder())


def _is_made(evidence: dict[str, str]) -> bool:
    return evidence["artifact_id"].startswith(FIRST) and evidence["locator"].startswith(PLACE)


def _name(locator: str) -> str:
    """Return the name of a new artefact: ``claim-01-label-audit-age-gap`` of ``01_label_audit.yaml#age-gap``."""
    file, _, key = locator.removeprefix(PLACE).partition(".yaml#")
    return f"{FIRST}{file}-{key}".replace("_", "-").replace(".", "-").lower()


def _artifact(name: str, rows: list[Any], held: dict[str, str]) -> dict[str, str]:
    """Return the row of an artefact; `held` is the one that the review has, or empty."""
    differing = [row for row in rows if row.verdict in WORDS]
    about = {"artifact_id": name, "subject_type": "paper", "subject_id": rows[0].reference}
    if not differing:
        end = held["valid_to"] if held["status"] == "resolved" else max(held["valid_from"], *(row.day for row in rows))
        return {**held, **about, "status": "resolved", "valid_to": end}
    first = next((row for row in differing if row.verdict == IMPOSSIBLE), differing[0])
    by_digits = first.verdict == IMPOSSIBLE or pd.isna(first.kind)  # a claim by digits has no kind
    day = min(row.day for row in differing)
    set_by_hand = {"severity": SEVERITY, "reported_by": OURS, "reported_on": day, "valid_from": day, "supersedes": ""}
    words = f"The printed {first.published} {WORDS[first.verdict]} ({first.statistic})."
    return {
        **about,
        "type": "print_error" if by_digits else "not_replicated",
        "statement": f"Claimed: {first.statement}. {words}",
        **{column: held.get(column, value) for column, value in set_by_hand.items()},
        "valid_to": "",
        "status": "verified" if len(differing) == len(rows) else "disputed",
    }


def _evidence(name: str, place: str, rows: list[Any]) -> dict[str, str]:
    """Return the row of evidence of a claim in one file: what each record gives, equal words once."""
    found: dict[str, list[str]] = {}
    for row in rows:
        why = row.why if row.verdict == IMPOSSIBLE else f"ours {tables.ours(row)} ({row.why})"
        found.setdefault(f"{row.verdict}, {why}", []).append(row.record)
    value = "; ".join(f"{', '.join(records)}: {words}" for words, records in found.items())
    day = max(row.day for row in rows)
    return {"artifact_id": name, "kind": "recomputed", "locator": place, "value": value, "accessed": day}


def _table(name: str, rows: list[dict[str, str]]) -> pd.DataFrame:
    rules = TABLES[name]
    table = pd.DataFrame(rows, columns=list(rules.columns), dtype=object).sort_values(list(rules.key))
    return table.set_axis(range(2, len(table) + 2))


def _by_name(review: Tables) -> dict[str, list[dict[str, str]]]:
    """Group what `entered` may change by the name of an artefact: its row first, then its evidence."""
    found: dict[str, list[dict[str, str]]] = {}
    for table in ("artifact", "evidence"):
        for row in review[table].to_dict("records"):
            found.setdefault(row["artifact_id"], []).append(row)
    return found
