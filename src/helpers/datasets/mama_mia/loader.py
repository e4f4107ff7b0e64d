"""Loader of a MAMA-MIA download, real or simulated, as one documented data frame.

Layout and values follow Garrucho et al., Sci Data 12:453 (2025), Synapse syn60868042.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.mama_mia import layout
from helpers.datasets.mama_mia.folders import check_folder
from helpers.datasets.shared.files import (
    Notes,
    dropped_frame,
    find,
    one_line,
    patient_ids,
    read_csv,
    read_sheet,
    refuse_first,
)
from helpers.errors import InputError

_ALIASES = {"menopausal_status": "menopause"}
_REQUIRED = (
    "patient_id",
    "dataset",
    "age",
    "menopause",
    "ethnicity",
    "pcr",
    "tumor_subtype",
    "num_phases",
    "field_strength",
    "image_rows",
    "image_columns",
    "num_slices",
    "pixel_spacing",
    "slice_thickness",
    "site",
    "manufacturer",
)
_RATING = pd.CategoricalDtype(layout.QUALITY_LEVELS, ordered=True)
_CORRECT = "Correct the cell, or leave it empty where unknown"


def load_mama_mia(root: str | Path, *, young: float = 40, old: float = 55) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Load the cohort of a MAMA-MIA download, one row for each patient.

    The file ``clinical_and_imaging_info.xlsx`` (49 or 50 columns) is required. If they exist, these files are read too:
    ``train_test_splits.csv``, the quality ratings and, for breast density, ``patient_info_files``. Names of files and
    folders may be in upper or lower case.

    Parameters
    ----------
    root : str or Path
        Folder that holds the spreadsheet.
    young, old : float
        Age groups in years: Young is age <= `young`, Middle is `young` < age <= `old`, Older is age > `old`.

    Returns
    -------
    cohort : pandas.DataFrame
        ``patient_id``; ``dataset``; ``site`` and ``dataset_site`` (site codes of two collections can be equal by
        accident, so group by ``dataset_site``); ``age`` in years, missing if unknown; ``age_group``; ``ethnicity``
        with ``Missing`` as a separate level; ``menopause``; ``breast_density``; ``tumor_subtype``; ``pcr`` (0/1);
        ``manufacturer``; ``field_strength`` in tesla; ``num_phases``; ``pixel_spacing_mm`` (along rows);
        ``slice_thickness_mm``; ``image_diagonal_mm`` (of the whole volume); ``split``; ``expert_1_qs`` and
        ``expert_2_qs`` (two experts' ratings of the automatic mask, missing if there is none).
    dropped : pandas.DataFrame
        ``table, reason, n``: counts of values and rows that are missing, were replaced or were left out.

    Raises
    ------
    InputError
        A file is missing or unreadable, or a cell holds an invalid value. The error names file, row and column.
    """
    if not all(isinstance(edge, int | float) for edge in (young, old)) or not 0 < young <= old:
        raise InputError("young, old", f"{young!r} and {old!r} are not 0 < young <= old", "Give ages such as 40 and 55")
    folder = check_folder(root)
    path = find(folder, layout.SPREADSHEET)
    if path is None:
        raise InputError(
            folder, f"there is no {layout.SPREADSHEET}", "Give the folder of the download; see data/README.md"
        )
    sheet = _sheet(path)
    notes: Notes = []
    from helpers.datasets.shared.schema import validate  # pandera takes a second to import

    cohort = validate(_cohort(sheet, path, young, old), path)
    mismatch = cohort["patient_id"].str.split("_").str[0] != cohort["dataset"].astype("str")
    refuse_first(mismatch, sheet["dataset"], path, "dataset", "the collection that patient_id begins with", _CORRECT)
    for column, reason in (("age", "age missing: left out of analyses by age"), ("pcr", "pcr missing")):
        notes.append((path.name, reason, int(cohort[column].isna().sum())))
    notes.append((path.name, "ethnicity missing: level 'Missing'", int((cohort["ethnicity"] == "Missing").sum())))
    notes.append((path.name, "menopause missing: level 'unknown'", int((cohort["menopause"] == "unknown").sum())))
    if layout.DENSITY_COLUMN not in sheet:
        cohort["breast_density"] = _density_from_json(folder, cohort["patient_id"], notes)
    cohort["split"] = _split(folder, cohort["patient_id"], notes)
    for column, ratings in _quality(folder, cohort["patient_id"], notes).items():
        cohort[column] = ratings
    return cohort.reset_index(drop=True), dropped_frame(notes)


def _sheet(path: Path) -> pd.DataFrame:
    sheet = read_sheet(path, layout.SHEET).rename(columns=_ALIASES)
    doubled = sheet.columns[sheet.columns.duplicated()]
    if len(doubled):
        raise InputError(f"{path.name}, column {doubled[0]}", "occurs twice", "Keep one column of each name")
    missing = [name for name in _REQUIRED if name not in sheet]
    if missing:
        problem = f"the sheet '{layout.SHEET}' has no such column"
        raise InputError(f"{path.name}, column {', '.join(missing)}", problem, "Give the spreadsheet of the download")
    if sheet.empty:
        problem = f"the sheet '{layout.SHEET}' has a header and no patients"
        raise InputError(path, problem, "Give the spreadsheet of the download")
    return sheet


def _cohort(sheet: pd.DataFrame, path: Path, young: float, old: float) -> pd.DataFrame:
    def numbers(name: str) -> pd.Series:
        values = pd.to_numeric(sheet[name], errors="coerce").astype(float)
        refuse_first(values.isna() & sheet[name].notna(), sheet[name], path, name, "a number", _CORRECT)
        return values

    def whole(name: str) -> pd.Series:
        values = numbers(name)
        bad = ~((values % 1 == 0) & (values > 0))
        refuse_first(bad, sheet[name], path, name, "a whole number above 0", "Correct the cell")
        return values.astype("int64")

    def texts(name: str, empty: str) -> pd.Series:
        return sheet[name].where(sheet[name].notna(), empty).astype("str").str.strip()

    def levels(name: str, known: dict[str, str], order: tuple[str, ...], empty: str) -> pd.Series:
        keys = sheet[name].where(sheet[name].notna(), "").astype("str").str.strip().str.lower()
        found = keys.map(known | ({"": empty} if empty else {}))
        refuse_first(found.isna(), sheet[name], path, name, f"one of {', '.join(known)}", _CORRECT)
        return found.astype(pd.CategoricalDtype(order))

    refuse_first(sheet["patient_id"].isna(), sheet["patient_id"], path, "patient_id", "an id", "Fill the cell")
    age = numbers("age")
    groups = pd.cut(age, [-np.inf, young, old, np.inf], labels=list(layout.AGE_GROUPS))
    dataset = levels("dataset", {name.lower(): name for name in layout.DATASETS}, layout.DATASETS, "")
    site = texts("site", "unknown").str.replace(r"^Site\s+", "", regex=True)
    site = site.str.replace(r"\.0$", "", regex=True).replace("", "unknown")
    rows, columns = _pixel_spacing(sheet["pixel_spacing"], path)
    thickness = numbers("slice_thickness")
    extents = (whole("image_rows") * rows, whole("image_columns") * columns, whole("num_slices") * thickness)
    density = "unknown"
    if layout.DENSITY_COLUMN in sheet:
        density = levels(layout.DENSITY_COLUMN, {d: d for d in layout.DENSITY}, layout.DENSITY, "unknown")
    return pd.DataFrame(
        {
            "patient_id": patient_ids(sheet["patient_id"]),
            "dataset": dataset,
            "site": site,
            "dataset_site": dataset.astype("str") + "/" + site,
            "age": age,
            "age_group": groups,
            "ethnicity": levels("ethnicity", layout.ETHNICITY_STRINGS, layout.ETHNICITIES, "Missing"),
            "menopause": _menopause(sheet["menopause"], path),
            "breast_density": density,
            "tumor_subtype": texts("tumor_subtype", "unknown"),
            "pcr": numbers("pcr"),
            "manufacturer": texts("manufacturer", "unknown"),
            "field_strength": numbers("field_strength"),
            "num_phases": whole("num_phases"),
            "pixel_spacing_mm": rows,
            "slice_thickness_mm": thickness,
            "image_diagonal_mm": np.sqrt(sum(extent**2 for extent in extents)),
            "split": pd.Categorical(["unassigned"] * len(sheet), categories=layout.SPLIT),
            "expert_1_qs": pd.Series(np.nan, sheet.index, dtype=_RATING),
            "expert_2_qs": pd.Series(np.nan, sheet.index, dtype=_RATING),
        },
        index=sheet.index,
    )


def _menopause(raw: pd.Series, path: Path) -> pd.Series:
    """Extract the menopausal status from texts that begin with it and continue with its definition."""
    text = raw.where(raw.notna(), "unknown").astype("str").str.strip().str.lower()
    levels = text.str.extract(r"^(pre|peri|post|unknown)(?:\s*\(.*\)|-?menopausal)?$", expand=False)
    expected = "pre, peri or post, with or without its definition in brackets"
    refuse_first(levels.isna(), raw, path, "menopause", expected, _CORRECT)
    return levels.astype(pd.CategoricalDtype(layout.MENOPAUSE))


def _pixel_spacing(raw: pd.Series, path: Path) -> tuple[pd.Series, pd.Series]:
    """Parse the spacing in mm along rows and along columns from texts with a list of two numbers."""

    def pair(cell: object) -> tuple[float, float] | None:
        try:
            first, second = ast.literal_eval(str(cell))
            return float(first), float(second)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return None

    pairs = raw.map(pair)
    expected = "a list of two numbers in mm such as [0.7, 0.7]"
    refuse_first(pairs.isna(), raw, path, "pixel_spacing", expected, "Correct the cell")
    return pairs.str[0].astype(float), pairs.str[1].astype(float)


def _density_from_json(folder: Path, ids: pd.Series, notes: Notes) -> pd.Series:
    """Read breast density from the patients' JSON files, the only place of it in the first release."""
    found: dict[str, str] = {}
    where = find(folder, "patient_info_files")
    known = set(ids)
    extra = 0
    for path in sorted(where.iterdir()) if where is not None and where.is_dir() else []:
        name = path.stem.upper()
        if path.suffix.lower() != ".json" or path.name.startswith("."):
            continue
        if name not in known:
            extra += 1
            continue
        found[name] = _json_density(path)
    density = ids.map(lambda name: found.get(name, "unknown"))
    odd = ~density.isin(layout.DENSITY)
    notes.append(("patient_info_files", "breast density not a, b, c or d: level 'unknown'", int(odd.sum())))
    notes.append(("patient_info_files", "patient not in the spreadsheet: file left out", extra))
    return density.mask(odd, "unknown").astype(pd.CategoricalDtype(layout.DENSITY))


def _json_density(path: Path) -> str:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        density = record["clinical_data"].get("breast_density")
    except (OSError, UnicodeError, json.JSONDecodeError) as error:
        raise InputError(path, f"cannot be read as JSON ({one_line(error)})", "Download the file again") from error
    except (KeyError, TypeError, AttributeError) as error:
        problem = "there is no such object"
        raise InputError(f"{path}, field clinical_data", problem, "Download the file again") from error
    return "unknown" if density is None or density != density else str(density).strip().lower()


def _split(folder: Path, ids: pd.Series, notes: Notes) -> pd.Series:
    """Read the split (train, test or unassigned) from a file with two columns of different length."""
    kind = pd.CategoricalDtype(layout.SPLIT)
    path = find(folder, layout.SPLITS)
    if path is None:
        notes.append((layout.SPLITS, "no such file: split is 'unassigned'", len(ids)))
        return pd.Series("unassigned", index=ids.index).astype(kind)
    table = read_csv(path)
    table.index = table.index + 2
    table.columns = table.columns.str.lower()
    known = set(ids)
    level: dict[str, str] = {}
    for column in ("train_split", "test_split"):
        if column not in table:
            raise InputError(f"{path.name}, column {column}", "there is no such column", "Download the file again")
        names = patient_ids(table[column]).dropna()
        refuse_first(~names.isin(known), names, path, column, "a patient of the spreadsheet", "Correct the id")
        twice = names.duplicated() | names.isin(level)
        refuse_first(twice, names, path, column, "each patient once, in one split", "Keep one of the two")
        level |= dict.fromkeys(names, column.removesuffix("_split"))
    split = ids.map(level).fillna("unassigned").astype(kind)
    notes.append((path.name, "patient in neither column: split is 'unassigned'", int((split == "unassigned").sum())))
    return split


def _quality(folder: Path, ids: pd.Series, notes: Notes) -> pd.DataFrame:
    """Read the ratings of two experts. Columns of metrics are not read, because their names vary."""
    ratings = pd.DataFrame({f"expert_{k}_qs": pd.Series(np.nan, ids.index, dtype=_RATING) for k in (1, 2)})
    path = quality_file(folder)
    if path is None:
        notes.append((layout.QUALITY, "no such file: expert ratings missing", len(ids)))
        return ratings
    table = read_csv(path)
    table.index = table.index + 2
    columns = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in table}
    for key in ("patientid", "expert1qs", "expert2qs"):
        if key not in columns:
            where = f"{path.name}, column {key.replace('id', '_id').replace('1', '_1_').replace('2', '_2_')}"
            raise InputError(where, "there is no such column", "Download the file again")
    names = patient_ids(table[columns["patientid"]])
    refuse_first(names.isna(), names, path, columns["patientid"], "an id", "Fill the cell")
    refuse_first(names.duplicated(), names, path, columns["patientid"], "each patient once", "Keep one row each")
    for k in (1, 2):
        raw = table[columns[f"expert{k}qs"]]
        level = raw.str.strip().str.capitalize()
        bad = raw.notna() & ~level.isin(layout.QUALITY_LEVELS)
        refuse_first(bad, raw, path, columns[f"expert{k}qs"], f"one of {', '.join(layout.QUALITY_LEVELS)}", _CORRECT)
        ratings[f"expert_{k}_qs"] = ids.map(dict(zip(names, level, strict=True))).astype(_RATING)
    notes.append((path.name, "patient not in the spreadsheet: row left out", int((~names.isin(set(ids))).sum())))
    notes.append((path.name, "patient without a row: ratings missing", int((~ids.isin(set(names))).sum())))
    return ratings


def quality_file(folder: Path) -> Path | None:
    """Find the file of expert ratings under either of its two names."""
    return find(folder, layout.QUALITY) or find(folder, layout.QUALITY.removeprefix("preliminary_"))
