"""Tables, columns, keys and allowed values of the review; the loader, the exports and the simulator all use them.

Every column is text. Days are ISO dates. An empty cell is unknown, or for ``valid_to`` still valid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

OURS = "this project"  # in `reported_by`; another value is a work of the review, or a name

SUBJECTS = ("dataset", "paper", "code", "benchmark")
TYPES = (
    *("annotation", "label_error", "duplicate", "split_leak", "shortcut", "confounder", "missing_metadata"),
    *("availability", "licence", "embedding", "pretrained_model"),
    *("print_error", "not_replicated", "code_defect", "metric_defect"),
)
SEVERITIES = ("none", "misleads", "decides")  # of a result that is computed with it
STATUSES = ("verified", "reported", "disputed", "resolved")
EVIDENCE = ("recomputed", "source_read", "issue", "paper")
READ_BY_US = ("recomputed", "source_read")  # what verifies an artefact
ATTRIBUTES = ("sex", "age", "race", "skin type", "BMI", "operator", "machine")
RECORDED = ("yes", "partly", "no")
USES = ("cited", "mentioned", "both", "declared")
FORMS = {  # of a column, in any table: a pattern, and its description
    "url": (r"https?://\S+$", "an address such as https://example.org/data"),
    "doi": (r"10\.\d+/\S+$", "a DOI without its address, such as 10.1109/CVPR.2017.369"),
    "openalex": (r"(?:https?://openalex\.org/(?:works/)?)?W\d+$", "an id of OpenAlex such as W12"),
}
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Table(NamedTuple):
    """Rules of one table.

    columns : names in the file's order
    key : columns that name a row; rows are sorted by them
    needed : columns that are never empty, with the key
    days : columns of ISO dates
    choices : column -> its allowed values
    refers : column -> table whose key it holds
    order : pairs of columns of days, of which the first is not after the second
    """

    columns: tuple[str, ...]
    key: tuple[str, ...]
    needed: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    refers: Mapping[str, str] = MappingProxyType({})
    order: tuple[tuple[str, str], ...] = ()


def is_day(text: str) -> bool:
    """Return True if a text is an ISO date such as 2026-11-30."""
    try:
        return bool(_ISO.fullmatch(text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _columns(text: str) -> tuple[str, ...]:
    return tuple(text.split())


TABLES = {
    "dataset": Table(
        _columns("dataset_id name modality organ released url doi licence licence_checked"),
        key=("dataset_id",),
        needed=("name", "modality", "organ", "released"),
        days=("released", "licence_checked"),
    ),
    "dataset_version": Table(
        _columns("version_id dataset_id label released note"),
        key=("version_id",),
        needed=("dataset_id", "label", "released"),
        days=("released",),
        refers={"dataset_id": "dataset"},
    ),
    "records": Table(
        _columns("dataset_id attribute recorded missing who_wrote"),
        key=("dataset_id", "attribute"),
        needed=("recorded",),
        choices={"attribute": ATTRIBUTES, "recorded": RECORDED},
        refers={"dataset_id": "dataset"},
    ),
    "work": Table(
        _columns("work_id title published doi arxiv openalex"),
        key=("work_id",),
        needed=("title", "published"),
        days=("published",),
    ),
    "artifact": Table(
        (
            *("artifact_id", "subject_type", "subject_id", "type", "severity", "statement", "reported_by"),
            *("reported_on", "valid_from", "valid_to", "supersedes", "status"),
        ),
        key=("artifact_id",),
        needed=("subject_id", "statement", "reported_by", "reported_on", "valid_from"),
        days=("reported_on", "valid_from", "valid_to"),
        choices={"subject_type": SUBJECTS, "type": TYPES, "severity": SEVERITIES, "status": STATUSES},
        refers={"supersedes": "artifact"},
        order=(("valid_from", "valid_to"),),
    ),
    "evidence": Table(
        _columns("artifact_id kind locator value accessed"),
        key=("artifact_id", "kind", "locator"),
        needed=("accessed",),
        days=("accessed",),
        choices={"kind": EVIDENCE},
        refers={"artifact_id": "artifact"},
    ),
    "usage": Table(
        _columns("work_id dataset_id kind found_by checked"),
        key=("work_id", "dataset_id"),
        needed=("found_by",),
        days=("checked",),
        choices={"kind": USES},
        refers={"work_id": "work", "dataset_id": "dataset"},
    ),
    "citation": Table(
        _columns("citing cited source accessed"),
        key=("citing", "cited"),
        needed=("source", "accessed"),
        days=("accessed",),
        refers={"citing": "work", "cited": "work"},
    ),
}
PAST = tuple((name, day) for name, rules in TABLES.items() for day in rules.days if day != "valid_to")  # days that came
