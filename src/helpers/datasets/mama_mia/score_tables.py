"""Tables of per-case scores: functions that find and read them, under many column names, and join them to a cohort."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.mama_mia import layout
from helpers.datasets.mama_mia.folders import check_folder
from helpers.datasets.shared.cells import summary_rows, with_points
from helpers.datasets.shared.files import Notes, dropped_frame, find, one_line, patient_ids, read_csv, refuse_first
from helpers.datasets.shared.missing import not_recorded
from helpers.datasets.shared.tables import SUFFIXES, columns_of, read_table
from helpers.errors import InputError

# Names that tools use for each column, reduced to letters and digits in lower case.
ALIASES: dict[str, tuple[str, ...]] = {
    "patient_id": (
        "patientid",
        "patient",
        "caseid",
        "case",
        "id",
        "subject",
        "subjectid",
        "name",
        "filename",
        "file",
        "image",
        "imageid",
    ),
    "dice": ("dice", "dsc", "dicescore", "dicecoefficient", "dicecoef", "dicesimilaritycoefficient"),
    "hd95": ("hd95", "hd95mm", "hausdorff95", "hausdorffdistance95", "hausdorff95mm", "95hd", "hd95percentile"),
    "nsd": ("nsd", "surfacedice", "normalisedsurfacedice", "normalizedsurfacedice", "nsd2mm"),
    "expert_cc": ("expertcc", "expertvolume", "expertvolumecc", "gtcc", "gtvolume", "gtvolumecc", "goldcc", "volumegt"),
    "automatic_cc": (
        "automaticcc",
        "automaticvolume",
        "automaticvolumecc",
        "autocc",
        "predcc",
        "predvolume",
        "predvolumecc",
        "silvercc",
    ),
    "fold": ("fold", "cvfold", "foldid"),
}
_LIMITS = {"dice": 1.0, "nsd": 1.0, "hd95": np.inf, "expert_cc": np.inf, "automatic_cc": np.inf}
_FIX = "Correct the cell"
_ENDLESS = "Write the worst value that is possible, as the diagonal of the image: without misses, a group looks better"
_ROUNDING = 1e-9  # a score this far out of its range is in it, but for the rounding of another program


def read_scores(csv: str | Path, *, patients: Iterable[str] | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read per-case scores from a table, or from the per-fold CSV files in a zip archive.

    Columns have the names below or common aliases (``dsc``, ``case``, ``hausdorff95``, ``gt_cc``, ...), in upper or
    lower case. Ids are put in upper case; a folder before them and ``.nii.gz`` after them are removed. Rows of
    summaries (``mean``, ``std``, ...) are left out. In an archive, members named ``fold_k/...csv`` are read.

    Parameters
    ----------
    csv : str or Path
        Table in any format of `shared.tables.read_table`, or zip archive.
    patients : iterable of str, optional
        Ids to keep, such as those of a cohort. Others are left out and counted. By default all are kept.

    Returns
    -------
    scores : pandas.DataFrame
        ``patient_id``, ``dice`` (0 to 1) and, if the table has them, ``hd95`` (mm; missing or infinite only for an
        empty prediction), ``nsd`` (0 to 1), ``expert_cc``, ``automatic_cc`` (cm^3), ``fold``.
    dropped : pandas.DataFrame
        ``table, reason, n``: counts of the rows that were left out.

    Raises
    ------
    InputError
        The table cannot be read, lacks ids or Dice, or holds a value out of range. The error names file, row and
        column.
    """
    path = Path(csv).expanduser()
    if not path.is_file():
        problem = "is a folder, not a file" if path.is_dir() else "there is no such file"
        raise InputError(path, problem, "Give a CSV file of per-case scores")
    notes: Notes = []
    if path.suffix.lower() == ".zip":
        parts = [_scores(frame, name, notes, fold) for name, fold, frame in _members(path)]
        scores = pd.concat(parts, ignore_index=True)
        notes = [(path.name, reason, n) for _, reason, n in notes]
        again = scores["patient_id"].duplicated()
        if again.any():
            first = scores.loc[again, "patient_id"].iloc[0]
            raise InputError(path.name, f"{first!r} occurs in two folds", "Keep one row each patient")
    else:
        scores = _scores(read_table(path, "SCORES")[0], path.name, notes, None)
    if patients is not None:
        keep = scores["patient_id"].isin(set(patient_ids(pd.Series(list(patients), dtype="str"))))
        notes.append((path.name, "score of a patient not asked for: left out", int((~keep).sum())))
        scores = scores[keep]
    return scores.reset_index(drop=True), dropped_frame(notes)


def _members(path: Path) -> list[tuple[str, int | None, pd.DataFrame]]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = _fold_members(archive)
            tables = []
            for name, fold in names:
                member = f"{path.name}:{name}"
                table = read_csv(Path(member), io.BytesIO(archive.read(name)))
                tables.append((member, fold, table.set_axis(table.index + 2).dropna(how="all")))
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        problem = f"cannot be read as a zip archive ({one_line(error)})"
        raise InputError(path, problem, "Download the archive again") from error
    if not tables:
        raise InputError(path, "holds no fold_k/...csv", "Give an archive with per-fold tables of scores")
    return tables


def _fold_members(archive: zipfile.ZipFile) -> list[tuple[str, int | None]]:
    found = []
    for name in sorted(archive.namelist()):
        match = re.search(r"fold_(\d+)[^/]*/[^/]*\.csv$|fold_(\d+)[^/]*\.csv$", name, flags=re.IGNORECASE)
        if match and "__MACOSX" not in name:
            found.append((name, int(match[1] or match[2])))
    return found


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def _column_names(names: Iterable[str], where: str) -> dict[str, str]:
    """Map each column name of this module to the table's column with that name or an alias of it."""
    found: dict[str, str] = {}
    for name in names:
        key = _key(name)
        for ours, aliases in ALIASES.items():
            if key in aliases:
                if ours in found:
                    problem = f"'{found[ours]}' and '{name}' both mean {ours}"
                    raise InputError(f"{where}, column {name}", problem, "Keep one of the two columns")
                found[ours] = name
    return found


def _scores(table: pd.DataFrame, where: str, notes: Notes, fold: int | None) -> pd.DataFrame:
    columns = _column_names(table.columns, where)
    for ours in ("patient_id", "dice"):
        if ours not in columns:
            problem = f"there is no such column among {', '.join(table.columns)}"
            raise InputError(f"{where}, column {ours}", problem, f"Name it '{ours}'")
    ids = patient_ids(table[columns["patient_id"]])
    refuse_first(ids.isna(), ids, where, columns["patient_id"], "an id", "Fill the cell")
    summary = summary_rows(ids, pd.DataFrame(index=ids.index))
    notes.append((where, "summary row, not a patient: left out", int(summary.sum())))
    table, ids = table[~summary], ids[~summary]
    if table.empty:
        raise InputError(where, "has a header and no scores", "Give one row each patient")
    refuse_first(ids.duplicated(), ids, where, columns["patient_id"], "each patient once", "Keep one row each")

    scores = pd.DataFrame({"patient_id": ids})
    for ours in columns:
        if ours == "patient_id":
            continue
        raw = table[columns[ours]]
        raw = raw.mask(not_recorded(raw))
        try:
            values = pd.to_numeric(with_points(raw)[0], errors="coerce").astype(float)
        except InputError as error:
            raise InputError(f"{where}, {error.where}", error.problem, error.fix) from None
        refuse_first(values.isna() & raw.notna(), raw, where, columns[ours], "a number", _FIX)
        limit = _LIMITS.get(ours, np.inf)
        near = values.between(-_ROUNDING, limit + _ROUNDING)
        scores[ours] = values.mask(near, values.clip(0, limit))
    check_values(scores, where, columns)
    if "fold" in scores:
        scores["fold"] = scores["fold"].astype("int64")
    elif fold is not None:
        scores["fold"] = fold
    return scores[[name for name in ALIASES if name in scores]]


def check_values(scores: pd.DataFrame, where: str, columns: dict[str, str] | None = None) -> None:
    """Raise InputError for missing scores and scores out of range; the index of `scores` holds row numbers."""
    columns = columns or {}
    empty = scores["dice"] == 0
    for ours, limit in _LIMITS.items():
        if ours not in scores:
            continue
        values, name = scores[ours], columns.get(ours, ours)
        expected = f"a number from 0 to {limit:g}" if np.isfinite(limit) else "a number of at least 0"
        # Tools leave the distance to an empty prediction out or write it as infinite.
        excused = empty if ours == "hd95" else pd.Series(False, index=scores.index)
        missing = (values.isna() | np.isinf(values)) & ~excused
        refuse_first(missing & np.isinf(values), values, where, name, expected, _ENDLESS)
        refuse_first(missing | (values < 0) | (values > limit), values, where, name, expected, _FIX)
    if "fold" in scores:
        bad = ~((scores["fold"] % 1 == 0) & (scores["fold"] >= 0))
        refuse_first(bad, scores["fold"], where, columns.get("fold", "fold"), "a whole number from 0", _FIX)


def find_scores(root: str | Path) -> dict[str, Path]:
    """Find the tables of per-case scores in a data set's folder.

    Returns
    -------
    dict
        Paths, if found: ``automatic`` (automatic against expert masks) and ``out_of_fold`` (a table with folds, or else
        the archive of weights if it holds per-fold tables).

    Raises
    ------
    InputError
        Two tables in the folder are of the same kind, or the archive cannot be read.
    """
    folder = check_folder(root)
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES or path.name.startswith(".") or not path.is_file():
            continue
        kind = _kind(path)
        if kind in found:
            problem = f"{found[kind].name} and {path.name} both hold {kind} scores"
            raise InputError(folder, problem, "Keep one of them in the folder, or name one by SCORES")
        if kind:
            found[kind] = path
    weights = find(folder, layout.WEIGHTS)
    if "out_of_fold" not in found and weights is not None and weights.is_dir():
        for path in sorted(weights.glob("*.zip")):
            try:
                with zipfile.ZipFile(path) as archive:
                    if _fold_members(archive):
                        found["out_of_fold"] = path
            except (OSError, zipfile.BadZipFile) as error:
                problem = f"cannot be read as a zip archive ({one_line(error)})"
                raise InputError(path, problem, "Download the archive again") from error
    return found


def _kind(path: Path) -> str | None:
    """Identify the kind of score table by its header. Return None if it is not a score table."""
    try:
        names = columns_of(path, "SCORES")
    except InputError:
        return None  # Not an error here: the folder may hold other files.
    keys = {_key(name) for name in names}
    if "expert1qs" in keys or not keys & set(ALIASES["dice"]) or not keys & set(ALIASES["patient_id"]):
        return None
    columns = _column_names(names, path.name)
    return "out_of_fold" if "fold" in columns else "automatic"


def join_scores(cohort: pd.DataFrame, scores: pd.DataFrame, *, where: str | Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Join a cohort and its scores, one row for each patient that has both.

    An empty prediction gets Dice 0 and, as HD95, the diagonal of the image in mm. Some tools record it with HD95 0, the
    best possible distance, or without HD95. Both are replaced by the diagonal and counted.

    Parameters
    ----------
    cohort : pandas.DataFrame
        From `load_mama_mia`.
    scores : pandas.DataFrame
        From `read_scores` or `helpers.scores.score_folders`.
    where : str or Path
        Name of the score table, for messages and counts.

    Returns
    -------
    frame : pandas.DataFrame
        Cohort columns, then score columns, in the cohort's order.
    dropped : pandas.DataFrame
        ``table, reason, n``: counts of ids in only one of the tables, and of replaced distances.

    Raises
    ------
    InputError
        No id is in both tables, an id occurs twice, or a score is missing or out of range.
    """
    name = Path(where).name or str(where)
    for column in ("patient_id", "dice"):
        if column not in scores:
            raise InputError(f"{name}, column {column}", "there is no such column", "Give a frame of read_scores")
    scores = scores.set_axis(np.arange(2, len(scores) + 2))
    scores["patient_id"] = patient_ids(scores["patient_id"])
    refuse_first(scores["patient_id"].duplicated(), scores["patient_id"], name, "patient_id", "each patient once", _FIX)
    check_values(scores, name)
    extra = [column for column in scores if column == "patient_id" or column not in cohort]
    frame = cohort.merge(scores[extra], on="patient_id", how="inner", validate="one_to_one")
    if frame.empty:
        problem = f"no id of {len(scores)} is among the cohort's {len(cohort)}"
        raise InputError(f"{name}, column patient_id", problem, "Give the scores of this data set")
    notes: Notes = [
        (name, "score without a patient in the cohort: left out", len(scores) - len(frame)),
        (name, "patient without a score: left out", len(cohort) - len(frame)),
    ]
    if "hd95" in frame:
        missed = (frame["dice"] == 0) & ((frame["hd95"] == 0) | ~np.isfinite(frame["hd95"]))
        frame["hd95"] = frame["hd95"].mask(missed, frame["image_diagonal_mm"])
        reason = "empty prediction recorded with HD95 0 or none: HD95 replaced by the image diagonal"
        notes.append((name, reason, int(missed.sum())))
    return frame, dropped_frame(notes)
