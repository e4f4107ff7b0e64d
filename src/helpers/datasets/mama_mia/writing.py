"""Writer of the tables, masks and images of a simulated MAMA-MIA download."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.mama_mia import layout, records
from helpers.datasets.shared.folder import save


def write_tables(
    root: Path, drawn: dict[str, np.ndarray], *, seed: int, shape: tuple[int, int, int], density: bool
) -> list[dict[str, object]]:
    """Make the folders and write the spreadsheet and the split file; return the rows of the spreadsheet."""
    for name in ("segmentations/expert", "patient_info_files"):
        (root / name).mkdir(parents=True)
    sheet, legend = records.spreadsheet(drawn, seed=seed, shape=shape, density=density)
    with pd.ExcelWriter(root / layout.SPREADSHEET, engine="openpyxl") as book:
        sheet.to_excel(book, sheet_name=layout.SHEET, index=False)
        legend.to_excel(book, sheet_name="legend", index=False)
    records.splits(drawn).to_csv(root / layout.SPLITS, index=False)
    return sheet.astype(object).to_dict("records")


def write_case(
    root: Path,
    row: dict[str, object],
    *,
    density: int,
    spacing: tuple[float, float, float],
    expert: np.ndarray,
    phases: Sequence[np.ndarray] = (),
) -> None:
    """Write the expert mask, JSON record and images of one patient (no images if `phases` is empty)."""
    # Releases differ in the case of file names. Here automatic masks have upper-case names, and other files lower-case.
    name = str(row["patient_id"])
    save(expert.astype(np.uint8), spacing, root / "segmentations" / "expert" / f"{name.lower()}.nii.gz")
    corners = np.argwhere(expert)
    box = tuple(slice(*ends) for ends in zip(corners.min(axis=0), corners.max(axis=0) + 1, strict=True))
    record = records.patient_json(row, density, box)
    (root / "patient_info_files" / f"{name.lower()}.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
    if len(phases):
        (root / "images" / name).mkdir(parents=True)
    for k, image in enumerate(phases):
        save(image, spacing, root / "images" / name / f"{name.lower()}_{k:04d}.nii.gz")


def write_automatic(root: Path, row: dict[str, object], mask: np.ndarray, spacing: tuple[float, float, float]) -> None:
    """Write the automatic mask of one patient."""
    folder = root / "segmentations" / "automatic"
    folder.mkdir(exist_ok=True)
    save(mask.astype(np.uint8), spacing, folder / f"{row['patient_id']}.nii.gz")
