"""Counts of a table of images by group and label, and missing cells, as lines of text."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from helpers.datasets.image_table.loading import ImageTable
from helpers.datasets.shared.missing import not_recorded
from helpers.disclosure import SMALLEST_CELL

HIDDEN = f"<{SMALLEST_CELL}"
MISSING = "(missing)"  # where no group is recorded: no group, so its size is shown
ALPHA = 0.05
LABELS = 6  # labels that a table of the terminal has room for


def aligned(rows: Sequence[Sequence[object]]) -> list[str]:
    """Arrange rows of cells as lines with columns of equal width."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in texts]


def by_group(table: ImageTable) -> list[str]:
    """Tabulate images, patients, and patients with each label, by the groups of each attribute; small cells hidden."""
    lines, patient = [], table.images["patient_id"]
    labels = list(table.labels)[:LABELS]
    for name in table.groups:
        group = table.groups[name].astype(object).where(table.groups[name].notna(), MISSING)
        order = [*pd.Categorical(table.groups[name]).categories, MISSING]
        n = {one: patient[group == one].nunique() for one in order if (group == one).any()}
        rows: list[list[object]] = [[name, "images", "patients", *labels]]
        for one, count in n.items():
            inside = group == one
            if count < SMALLEST_CELL and one != MISSING:
                rows.append([one, "-", HIDDEN, *["-"] * len(labels)])
            else:
                rows.append([one, int(inside.sum()), count, *(_with(table, label, inside) for label in labels)])
        lines += ["", *aligned(rows)]
    if len(table.labels.columns) > LABELS:
        lines += ["", f"Labels not shown: {', '.join(list(table.labels)[LABELS:])}"]
    if not len(table.groups.columns):
        rows = [["label", "patients with it"], *([x, _with(table, x, patient.notna())] for x in labels)]
        lines += ["", "No column of groups.", *aligned(rows)]
    return lines


def _with(table: ImageTable, label: str, inside: pd.Series) -> str:
    """Count the patients with a label among those for whom it is known, as "12 of 40"."""
    known = table.labels[label][inside].dropna()
    positive = known.groupby(table.images["patient_id"][known.index]).max()
    return share_of(int((positive == 1).sum()), len(positive))


def share_of(n: int, of: int) -> str:
    """Write a count among others as "12 of 40", and a small one, or one with a small remainder, without its size."""
    small = [count for count in (n, of - n) if 0 < count < SMALLEST_CELL]
    return "-" if of < SMALLEST_CELL else f"{HIDDEN} and others of {of}" if small else f"{n} of {of}"


def one_class(table: ImageTable) -> list[str]:
    """Report the groups of ten patients or more in which a label has one class."""
    found = []
    for name in table.groups:
        for label in table.labels:
            for one, inside in table.groups[name].groupby(table.groups[name], observed=True).groups.items():
                known = table.labels[label][inside].dropna()
                patients = table.images["patient_id"][known.index].nunique()
                if patients >= SMALLEST_CELL and known.nunique() == 1:
                    value, n = f"{known.iloc[0]:g}", f"{len(known)} images, {patients} patients"
                    found.append(f"{label}: it is {value} in all of {name} {one} ({n}), so no rate can be compared")
    return found


def missing(cells: pd.DataFrame, table: ImageTable) -> tuple[list[str], list[str]]:
    """Tabulate missing cells by column and group, and test whether what is missing is related to a label.

    Parameters
    ----------
    cells : DataFrame, shape (n, columns)
        Cells in the order of the table's rows.
    table : ImageTable

    Returns
    -------
    lines : list of str
    found : list of str
        Columns whose cells are missing more often with a label than without it (Fisher's exact test of patients,
        Holm's correction over all tests at 0.05). Columns with words such as "unknown", which
        count as missing.
    """
    blank = cells.isna() | cells.apply(lambda column: not_recorded(column.astype("str")))
    columns = [name for name in cells if blank[name].any()]
    lead = table.groups.iloc[:, 0] if len(table.groups.columns) else None
    values = [] if lead is None else list(pd.Categorical(lead).categories)
    shares: list[list[object]] = [["column", "cells", "all", *(f"{lead.name} {v}" for v in values)]]
    for name in columns:
        parts = [blank[name][lead == v] for v in values]
        enough = [table.images["patient_id"][part.index].nunique() >= SMALLEST_CELL for part in parts]
        by = [f"{part.mean():.0%}" if ok else HIDDEN for part, ok in zip(parts, enough, strict=True)]
        shares.append([name, int(blank[name].sum()), f"{blank[name].mean():.0%}", *by])
    from helpers.stats import adjust_p  # which takes a second to import

    lines = aligned(shares) if columns else ["No cell is missing."]
    tests, small = _tests(blank[columns], table)
    related = []
    if tests:
        p = adjust_p([test[0] for test in tests])["holm"]
        related = [
            f"{text}, p = {q:.2g} (Fisher, Holm, {n} patients)"
            for (_, text, n), q in zip(tests, p, strict=True)
            if q < ALPHA
        ]
        lines.append(f"Related to a label: {len(related)} of {len(tests)} tests; others may be related all the same.")
    if small:
        lines.append(f"Not tested, since fewer than {SMALLEST_CELL} patients have or lack a cell: {', '.join(small)}")
    return lines, related + _words(cells)


def _tests(blank: pd.DataFrame, table: ImageTable) -> tuple[list[tuple[float, str, int]], list[str]]:
    """Test each column and label by patient; also list the columns with too few patients."""
    from scipy.stats import fisher_exact

    found, small, patient = [], [], table.images["patient_id"]
    for name in blank:
        lacking = blank[name].groupby(patient).max()
        if min(lacking.sum(), (~lacking).sum()) < SMALLEST_CELL:
            small.append(str(name))
            continue
        for label in table.labels:
            if label == name or str(label).startswith((f"{name}=", f"{name}<", f"{name}>")):
                continue
            positive = table.labels[label].groupby(patient).max().dropna() == 1
            lack = lacking[positive.index]
            counts = pd.crosstab(lack, positive).reindex(index=[True, False], columns=[True, False], fill_value=0)
            if (counts.sum() < SMALLEST_CELL).any() or (counts.sum(axis=1) < SMALLEST_CELL).any():
                continue
            rates = f"{lack[positive].mean():.0%} of patients with {label}, {lack[~positive].mean():.0%} of the others"
            p = float(fisher_exact(counts.to_numpy()).pvalue)
            found.append((p, f"{name}: missing in {rates}", len(positive)))
    return found, small


def _words(cells: pd.DataFrame) -> list[str]:
    found = []
    for name in cells:
        words = cells[name][not_recorded(cells[name].astype("str"))]
        if len(words):
            held = "1 cell holds" if len(words) == 1 else f"{len(words)} cells hold"
            found.append(f"{name}: {held} {words.iloc[0]!r} or the like, which counts as missing")
    return found
