"""Loader of a UCSF-PDGM download, real or simulated: its exams as one documented data frame.

The data are those of Calabrese et al., Radiology: Artificial Intelligence 4(6):e220058 (2022), version 5,
doi:10.7937/tcia.bdgf-8v37. The selection follows the published reconstruction study, arXiv 2604.10904.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.shared.files import Notes, at, dropped_frame, find, read_csv, refuse_first
from helpers.datasets.shared.splits import split_patients
from helpers.datasets.ucsf_pdgm import layout
from helpers.errors import InputError, check_choice

_ID, _SEX, _AGE, _GRADE, _DIAGNOSIS = layout.COLUMNS[:5]
_CORRECT = "Correct the cell"


def load_ucsf_pdgm(
    root: str | Path, *, age_cut: float = 58, follow_ups: str = "drop", seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Load the exams of a UCSF-PDGM download that have a FLAIR image, a tumour segmentation and a row in the table.

    Parameters
    ----------
    root : str or Path
        Folder that holds ``UCSF-PDGM-v5``, or that folder itself. The table, ``UCSF-PDGM-metadata_v5.csv``, is in
        either of them or next to ``UCSF-PDGM-v5``.
    age_cut : float
        Cut between the two age groups in years; the younger group includes it. The published study uses 58.
    follow_ups : {"drop", "keep"}
        Leave second exams of a patient out, or keep them. A kept exam is in the split of its patient. A follow-up
        without a separate row gets the row of its patient.
    seed : int
        Seed of the split of patients; see `split_patients`.

    Returns
    -------
    cases : pandas.DataFrame
        One row an exam: ``exam`` (as its files are named), ``patient_id`` (of the first exam), ``flair`` and
        ``segmentation`` (paths), ``sex`` (F or M), ``age`` (years), ``age_group`` (such as ``<=58`` and ``>58``),
        ``grade`` (2, 3 or 4), ``grade4`` (1.0 or 0.0), ``diagnosis``, ``glioblastoma`` (1.0 for "Glioblastoma,
        IDH-wildtype", else 0.0), ``split`` (70% of patients in ``train``, 10% in ``validation``, 20% in ``test``).
        Unknown values are missing. Rows are sorted by exam.
    dropped : pandas.DataFrame
        ``table, reason, n``: counts of exams that were left out and values that are missing. Rows without a folder and
        folders without a row are left out.

    Raises
    ------
    InputError
        There is no table or no folder of an exam, a column or a file is missing, an id occurs twice, or a cell holds an
        invalid value. The error names file, row and column.
    """
    check_choice("follow_ups", follow_ups, ("drop", "keep"))
    if isinstance(age_cut, bool) or not isinstance(age_cut, int | float | np.number) or not 0 < age_cut < 120:
        raise InputError("age_cut", f"{age_cut!r} is not a number of years from 0 to 120", "Give years such as 58")
    folders = _find_exams(Path(root).expanduser())
    path = _find_table(Path(root).expanduser(), next(iter(folders.values())).parent)
    table = _read(path, age_cut)

    # A follow-up without a separate row is described by the row of its patient.
    rows = {exam: exam if exam in table.index else exam.partition("_")[0] for exam in folders}
    known = [exam for exam in folders if rows[exam] in table.index]
    taken = [exam for exam in known if "_" not in exam or follow_ups == "keep"]
    notes: Notes = [
        (path.name, "row without a folder: left out", int((~table.index.isin(list(folders))).sum())),
        (layout.IMAGES, "folder without a row: left out", len(folders) - len(known)),
        (layout.IMAGES, "follow-up exam: left out", len(known) - len(taken)),
    ]
    if not taken:
        problem = f"no folder with images belongs to any of the {len(table)} rows"
        raise InputError(path, problem, f"Put the table next to its folder {layout.IMAGES}")
    cases = table.loc[[rows[exam] for exam in taken]].reset_index(drop=True)
    cases["exam"] = taken
    cases["patient_id"] = [exam.partition("_")[0] for exam in taken]
    cases["flair"] = [str(_file(folders[exam], layout.FLAIR)) for exam in taken]
    cases["segmentation"] = [str(_file(folders[exam], layout.SEGMENTATION)) for exam in taken]
    cases["split"] = split_patients(cases["patient_id"], seed=seed)
    for name, column in (("sex", _SEX), ("age", _AGE), ("grade", _GRADE), ("diagnosis", _DIAGNOSIS)):
        notes.append((path.name, f"{column} missing: kept", int(cases[name].isna().sum())))
    return cases[list(layout.CASE_COLUMNS)], dropped_frame(notes)


def _find_exams(root: Path) -> dict[str, Path]:
    """Find the folders of exams, as a sorted mapping from exam name to folder."""
    if not root.is_dir():
        problem = "is a file, not a folder" if root.exists() else "there is no such folder"
        raise InputError(root, problem, f"Give the folder that holds {layout.IMAGES}")
    for place in (find(root, layout.IMAGES), root):
        inside = sorted(place.iterdir()) if place is not None and place.is_dir() else []
        matches = ((re.fullmatch(layout.FOLDER, p.name, re.IGNORECASE), p) for p in inside if p.is_dir())
        exams = {_exam(match): p for match, p in matches if match}
        if exams:
            return exams
    fix = f"Give the folder that holds {layout.IMAGES}, with a folder for each exam"
    raise InputError(root, "holds no folder such as UCSF-PDGM-0000_nifti", fix)


def _exam(match: re.Match) -> str:
    """Format the name of an exam as in its file names, from the name of a folder or an id of the table."""
    ending = match[3] or ""
    return layout.exam_name(int(match[2]), ending[:3].upper() + ending[3:].lower())


def _find_table(root: Path, images: Path) -> Path:
    for folder in (root, images, images.parent):
        path = find(folder, layout.TABLE)
        if path is not None:
            return path
    raise InputError(root, f"there is no {layout.TABLE}", f"Put the table next to the folder {layout.IMAGES}")


def _read(path: Path, age_cut: float) -> pd.DataFrame:
    """Read the attributes in the table, indexed by exam."""
    table = read_csv(path)
    table.index = table.index + 2
    for name in (_ID, _SEX, _AGE, _GRADE, _DIAGNOSIS):
        if name not in table:
            raise InputError(f"{path.name}, column {name}", "there is no such column", "Give the table of version 5")
    if table.empty:
        raise InputError(path, "has a header and no rows", "Give the table of version 5")
    text = table[[_ID, _SEX, _AGE, _GRADE, _DIAGNOSIS]].apply(lambda column: column.str.strip())
    text = text.mask(text.apply(lambda column: column.str.lower()).isin([layout.UNKNOWN, ""]))

    matches = [re.fullmatch(layout.ID, name, re.IGNORECASE) if isinstance(name, str) else None for name in text[_ID]]
    bad = pd.Series([match is None for match in matches], index=table.index)
    refuse_first(bad, table[_ID], path, _ID, "an id such as UCSF-PDGM-000", _CORRECT)
    exams = pd.Series([_exam(match) for match in matches], index=table.index)
    twice = exams.index[exams.duplicated()]
    if len(twice):
        first = exams.index[exams == exams[twice[0]]][0]
        problem = f"{table.loc[twice[0], _ID]!r} is also in row {first}"
        raise InputError(at(path, twice[0], _ID), problem, "Keep one row each")

    sex = text[_SEX].str.upper().replace({"FEMALE": "F", "MALE": "M"})
    refuse_first(text[_SEX].notna() & ~sex.isin(layout.SEXES), table[_SEX], path, _SEX, "F or M", _CORRECT)
    age = pd.to_numeric(text[_AGE], errors="coerce")
    odd = text[_AGE].notna() & ~age.between(0, 120, inclusive="right")
    refuse_first(odd, table[_AGE], path, _AGE, "an age in years above 0 and at most 120", _CORRECT)
    grade = pd.to_numeric(text[_GRADE], errors="coerce")
    odd = text[_GRADE].notna() & ~grade.isin(layout.GRADES)
    refuse_first(odd, table[_GRADE], path, _GRADE, "a grade from 2 to 4", _CORRECT)
    diagnosis = text[_DIAGNOSIS]
    groups = pd.Series(np.where(age > age_cut, f">{age_cut:g}", f"<={age_cut:g}"), index=table.index, dtype="str")
    cases = pd.DataFrame(
        {
            "sex": sex,
            "age": age.astype(float),
            "age_group": groups.mask(age.isna()),
            "grade": grade.astype(float),
            "grade4": (grade == max(layout.GRADES)).astype(float).mask(grade.isna()),
            "diagnosis": diagnosis,
            "glioblastoma": (diagnosis == layout.GLIOBLASTOMA).astype(float).mask(diagnosis.isna()),
        }
    )
    return cases.set_index(pd.Index(exams, name="exam"))


def _file(folder: Path, part: str) -> Path:
    """Find one image of an exam by the end of its name: ``_FLAIR_bias`` is a different image from ``_FLAIR``."""
    ends = (f"_{part.lower()}.nii.gz", f"_{part.lower()}.nii")
    found = [p for p in sorted(folder.iterdir()) if p.name.lower().endswith(ends) and not p.name.startswith(".")]
    if len(found) != 1:
        problem = f"holds {len(found)} files that end in _{part}.nii.gz" if found else f"has no file _{part}.nii.gz"
        raise InputError(folder, problem, "Download the exam again" if not found else "Keep one of them")
    return found[0]
