"""Summary of the content of a data set's folder, next to the content that the studies expect."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.datasets.mama_mia import layout
from helpers.datasets.mama_mia.folders import check_folder, masks
from helpers.datasets.mama_mia.loader import load_mama_mia, quality_file
from helpers.datasets.mama_mia.score_tables import find_scores, read_scores
from helpers.datasets.shared.files import find
from helpers.errors import InputError


def check_data(root: str | Path) -> pd.DataFrame:
    """Summarise a MAMA-MIA folder: the files that are there and those that are missing.

    Returns
    -------
    pandas.DataFrame
        ``item, found, expected, note``. A file that cannot be read is reported in ``note`` and does not stop the check.

    Raises
    ------
    InputError
        `root` is not a folder.
    """
    folder = check_folder(root)
    rows: list[tuple[str, str, str, str]] = []
    patients = "one for each patient"
    sheet = find(folder, layout.SPREADSHEET)
    cohort = None
    try:
        cohort, dropped = load_mama_mia(folder)
        counts = ", ".join(f"{name} {n}" for name, n in cohort["dataset"].value_counts(sort=False).items() if n)
        rows.append((layout.SPREADSHEET, f"{len(cohort)} patients", "1506 in the real release", counts))
        rows += [(table, str(n), "", reason) for table, reason, n in dropped.itertuples(index=False)]
        patients = str(len(cohort))
    except InputError as error:
        found = "missing" if sheet is None else "unusable"
        rows.append((layout.SPREADSHEET, found, "1506 in the real release", str(error)))

    for item, path, note in (
        (layout.SPLITS, find(folder, layout.SPLITS), "train and test split"),
        (layout.QUALITY, quality_file(folder), "expert ratings; needed for tiers of label quality"),
    ):
        rows.append((item, "missing" if path is None else "there", "one file", note))
    for item, suffix, note in (
        ("images", "", "not needed for scores"),
        ("segmentations/expert", ".gz", "needed to score masks"),
        ("segmentations/automatic", ".gz", "needed to score masks"),
        ("patient_info_files", ".json", "breast density, where the spreadsheet has no such column"),
    ):
        path = find(folder, *item.split("/"))
        entries = path.iterdir() if path is not None and path.is_dir() else None
        found = "missing" if entries is None else str(sum(e.name.lower().endswith(suffix) for e in entries))
        rows.append((item, found, patients, note))

    rows += _score_rows(folder, patients)
    if cohort is not None and masks(folder) is None and not any(r[0].startswith("scores: ") for r in rows):
        rows.append(("scores", "missing", "masks or a table", "there is nothing to audit; give a table by SCORES"))
    return pd.DataFrame(rows, columns=["item", "found", "expected", "note"])


def _score_rows(folder: Path, patients: str) -> list[tuple[str, str, str, str]]:
    rows = []
    try:
        tables = find_scores(folder)
    except InputError as error:
        return [("score tables", "unusable", patients, str(error))]
    for kind, path in tables.items():
        try:
            scores, _ = read_scores(path)
            columns = ", ".join(scores.columns[1:])
            rows.append((f"scores: {kind}", str(len(scores)), patients, f"{path.name}: {columns}"))
        except InputError as error:
            rows.append((f"scores: {kind}", "unusable", patients, str(error)))
    return rows
