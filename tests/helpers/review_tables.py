"""A small review for tests: two data sets, four works, three artefacts."""

import pandas as pd

from helpers.datasets.review.citations import as_table
from helpers.datasets.review.layout import TABLES

CHEST, SKIN, OURS, OLD = ("dataset", "chest"), ("dataset", "skin"), ("this project", "2026-11-02"), ("old-near",)
FROM = ("2019-01-21", "", ""), ("2021-04-20", "2026-11-02", "")  # valid from and to, supersedes
ROWS = {
    "dataset": [
        ("chest", "Chest X-rays", "X-ray", "lung", "2019-01-21", "https://example.org/chest", "10.1/chest", "", ""),
        ("skin", "Skin photographs", "photograph", "skin", "2021-04-20", "", "10.1/skin", "CC BY 4.0", "2026-11-01"),
    ],
    "dataset_version": [("chest-2", "chest", "second release", "2020-06-01", "other site codes")],
    "records": [("chest", "race", "no", "", ""), ("skin", "skin type", "partly", "41 of 90", "two annotators, by eye")],
    "work": [
        ("early", "A model of 2019", "2019-03-01", "", "", "W1"),
        ("late", "A model of 2023, with a citation", "2023-03-01", "10.1/late", "", "W2"),
        ("report", "A drain is a shortcut, it is", "2020-10-01", "10.1/report", "2001.00001", "W3"),
        ("silent", "A model of 2024 with <40 cases", "2024-03-01", "", "", "W4"),
    ],
    "artifact": [
        ("drain", *CHEST, "shortcut", "decides", "drains show it", "report", "2020-10-01", *FROM[0], "reported"),
        ("near", *SKIN, "duplicate", "misleads", 'near, "the same picture"', *OURS, "2021-04-20", "", *OLD, "verified"),
        ("old-near", *SKIN, "duplicate", "none", "a few duplicates", "A. Reader", "2022-01-05", *FROM[1], "disputed"),
    ],
    "evidence": [("near", "recomputed", "notebooks/claims/01_skin.yaml", "-0.012", "2026-11-01")],
    "usage": [(work, "chest", "cited", "by hand", "") for work in ("early", "late", "silent")],
    "citation": [("late", "report", "OpenAlex", "2026-11-01"), ("silent", "early", "OpenAlex", "2026-11-01")],
}


def small(**changes):
    """Tables of the review, with changed cells: a table's name, and per row and column the new value."""
    tables = {}
    for name, rules in TABLES.items():
        tables[name] = as_table(name, pd.DataFrame(ROWS[name], columns=list(rules.columns)))
        for (row, column), value in changes.get(name, {}).items():
            tables[name].loc[row, column] = value
    return tables
