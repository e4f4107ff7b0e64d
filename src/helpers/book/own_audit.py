"""Preparation of `make audit`, which runs the study of the user's scores: its words, and the time that it will take."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from helpers import paths
from helpers.datasets.own.asking import names_of, take_name
from helpers.datasets.shared.tables import read_table
from helpers.errors import InputError
from helpers.report.private import FILES
from helpers.stats.drawing import LARGE
from helpers.stats.resampled_means import MANY

STUDY = "07_your_own_scores"
REPLICATES = {"n_boot": "N_BOOTSTRAP", "n_permutations": "N_PERMUTATIONS"}
# Costs in units of one permuted number, measured from 1,000 to 300,000 rows: of a run, of an attribute, of reading a
# row, of a row of an attribute without and with a source, of one more model in a row of an attribute, and of a
# replicate.
RUN, ATTRIBUTE, READ, ROW, ROW_IN_SOURCE, MODEL, REPLICATE = 5e8, 1.5e8, 1.8e3, 1e3, 1.3e3, 2e2, 1e2
CELLS = 500_000  # numbers that the calibration permutes


def unit_seconds(rows: int) -> float:
    """Measure how long this machine takes now to permute one number of a column of `rows`: the unit of all costs.

    NumPy permutes alone, because `helpers.stats`, which tests, imports SciPy for longer than most audits are awaited.
    """
    rng, n, found = np.random.default_rng(0), max(2, CELLS // rows), []
    scores = rng.random((n, rows))
    for _ in range(3):
        start = time.perf_counter()
        rng.permuted(scores, axis=1)
        found.append(time.perf_counter() - start)
    return median(found) / (n * rows)


def expected_seconds(
    rows: int,
    attributes: int,
    *,
    ordered: int = 0,
    source: bool = False,
    truth: bool = False,
    repeated: bool = False,
    models: int = 1,
    n_boot: int = 10_000,
    n_permutations: int = 5_000,
    unit: float | None = None,
) -> float:
    """Estimate how long an audit takes, in seconds, from a calibration on this machine.

    Parameters
    ----------
    rows : int
        Cases, or patients.
    attributes, ordered : int
        Attributes, and those of them that have an order.
    source, truth : bool
        The audit adjusts for a source; it is of a classifier.
    repeated : bool
        Patients have several rows, or rows have weights: those of a classifier are then drawn one by one.
    models : int
        Models that are compared.
    n_boot, n_permutations : int
    unit : float, optional
        Result of `unit_seconds`; measured if left out.
    """
    rows, questions = max(rows, 10), attributes * (attributes + 1) / 2  # attributes and their crossings
    drawn = truth and (repeated or rows < MANY)  # each row of a classifier
    of_truth = questions * (6 * n_permutations + 1.4 * n_boot) if drawn else 0.0
    of_order = ordered * (3.7 * n_boot if rows < LARGE else ROW)
    of_row = (ROW_IN_SOURCE if source else ROW) + MODEL * (models - 1)
    replicates = REPLICATE * questions * (n_boot + n_permutations)
    per_row = READ + attributes * of_row + of_truth + of_order
    return (unit or unit_seconds(rows)) * (RUN + ATTRIBUTE * attributes + replicates + rows * per_row)


def duration_words(seconds: float, rows: int, attributes: int) -> str:
    """Word the time of an audit, as "about 4 minutes: 50,000 rows, 3 attributes"; "under a minute" if it is that."""
    minutes = round(seconds / 60)
    if seconds < 60:
        return "under a minute"
    spent = f"{minutes} minute{'s' * (minutes > 1)}" if minutes < 90 else f"{seconds / 3600:.0f} hours"
    return f"about {spent}: {rows:,} rows, {attributes} attribute{'s' * (attributes > 1)}"


def time_ahead(values: Mapping[str, Any]) -> str:
    """Word the time that an audit with these parameters will take, from the rows and columns of its table.

    Raises
    ------
    InputError
        The table cannot be read.
    """
    asked = {"GROUPS": "", "MODEL": "", "PATIENT": "", "CASE": "", "BINS": "", **values}
    table, _ = read_table(Path(asked.get("DATA_ROOT", ""), asked["SCORES"]), "SCORES")
    column, *_ = take_name(asked["MODEL"], table.columns, ":")
    unit = asked["PATIENT"] or (asked["CASE"] if column else "")
    rows = table[unit].nunique() if unit in table else len(table)
    attributes = len(names_of(asked["GROUPS"], table.columns))
    about = {
        "ordered": min(asked["BINS"].count(":"), attributes),
        "models": table[column].nunique() if column in table else 1,
    }
    about |= {"source": bool(asked.get("SOURCE_COLUMN")), "truth": bool(asked.get("TRUTH"))}
    about["repeated"] = rows < len(table) or bool(asked.get("WEIGHT"))
    about |= {n: asked[name] for n, name in REPLICATES.items() if name in asked}
    said = duration_words(expected_seconds(rows, attributes, **about), rows, attributes)
    return f"{said}, after the masks are scored, about a second a pair" if asked.get("EXPERT") else said


def settled(words: list[str]) -> tuple[list[str], Path]:
    """Return the words with absolute paths, since the run has another working directory, and a new folder for the run.

    Raises
    ------
    InputError
        No table of scores is named, so there is nothing to audit.
    """
    values = dict(word.partition("=")[::2] for word in words)
    if not values.get("SCORES"):
        fix = "Name a CSV and its columns: make audit SCORES=my.csv SCORE=dice GROUPS=sex,age_group"
        raise InputError("SCORES", "no table is named", fix)
    root = Path(values.get("DATA_ROOT", "")).expanduser().resolve()
    if values.get("DATA_ROOT"):
        values["DATA_ROOT"] = str(root)
    for name in FILES:
        column = name == "PREDICTED" and not values.get("EXPERT")
        if values.get(name) and not column:
            values[name] = str((root / Path(values[name]).expanduser()).resolve())
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    return [f"{name}={value}" for name, value in values.items()], paths.runs() / "audits" / STUDY / stamp
