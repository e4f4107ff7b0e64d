"""Functions that find files of a data set, ignoring the case of names, and read them; bad files raise `InputError`."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pandas as pd

from helpers.errors import InputError

Notes = list[tuple[str, str, int]]
# Endings of the files of masks that `helpers.scores` reads, the longer ones first.
MASK_ENDINGS = (
    ".seg.nrrd",
    ".nii.gz",
    ".nii",
    ".hdr",
    ".mha",
    ".mhd",
    ".nrrd",
    ".nhdr",
    ".dcm",
    ".dicom",
    ".mgz",
    ".mgh",
)
MASK_ENDINGS += (".png", ".tif", ".tiff", ".bmp", ".npy")
_UNSEEN = dict.fromkeys((0x00AD, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF)) | {0x2212: "-"}  # and the sign of minus


def find(root: str | Path, *parts: str) -> Path | None:
    """Find the path below `root` with these `parts`, in any case and by `plain_name`. Return None if there is none."""
    path = Path(root)
    for part in parts:
        if not path.is_dir():
            return None
        exact = path / part
        name = plain_name(part).lower()
        found = [exact] if exact.exists() else sorted(p for p in path.iterdir() if plain_name(p.name).lower() == name)
        if not found:
            return None
        path = found[0]
    return path


def one_line(error: object) -> str:
    """Shorten another library's error message to one line of at most 160 characters, without its final full stop."""
    return re.sub(r"\s+", " ", str(error)).strip().rstrip(".")[:160] or type(error).__name__


def read_csv(path: Path, source: object = None, *, rows: int | None = None, sep: str = ",") -> pd.DataFrame:
    """Read a CSV file, or an open `source` named by `path`, as strings; a blank cell is missing."""
    try:
        frame = pd.read_csv(path if source is None else source, sep=sep, dtype=str, nrows=rows, skipinitialspace=True)
    except pd.errors.EmptyDataError as error:
        raise InputError(path, "the file is empty", "Give a CSV file with a header and rows") from error
    except (OSError, UnicodeError, ValueError) as error:
        raise InputError(path, f"cannot be read as CSV ({one_line(error)})", "Give a CSV file in UTF-8") from error
    if not isinstance(frame.index, pd.RangeIndex):
        raise InputError(path, "rows have more fields than the header", "Give one header name for each field")
    frame.columns = [" ".join(str(name).split()) for name in frame.columns]
    return frame


def read_sheet(path: Path, sheet: str) -> pd.DataFrame:
    """Read a sheet of an xlsx file, leaving its values unchanged.

    Column names are put in lower case. The index is the row number in the spreadsheet. Empty rows are left out.
    """
    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            names = {str(name).strip().lower(): name for name in book.sheet_names}
            found = names.get(sheet.lower())
            frame = None if found is None else pd.read_excel(book, sheet_name=found, dtype=object)
    except Exception as error:
        # openpyxl has no common error class: the error that a broken file raises depends on where it is broken.
        problem = f"cannot be read as an xlsx spreadsheet ({one_line(error)})"
        raise InputError(path, problem, "Download the file again") from error
    if frame is None:
        listed = ", ".join(map(str, names.values()))
        raise InputError(path, f"has no sheet '{sheet}'; it has {listed}", f"Name the patients' sheet '{sheet}'")
    frame.columns = [" ".join(str(name).split()).lower() for name in frame.columns]
    frame.index = frame.index + 2
    return frame.dropna(how="all")


def plain_name(text: object) -> str:
    """Write a name in one way: letters composed (NFC), blanks single, without characters of no width, minus a hyphen.

    Macs decompose the letters of file names, and web pages have blanks and hyphens of no width.
    """
    return " ".join(unicodedata.normalize("NFC", str(text)).translate(_UNSEEN).split())


def case_name(text: str) -> str:
    """Write the name of a case in one way, whether of a file or of a cell: upper case, no folder, no mask's ending."""
    name = re.sub(r"^.*[\\/]", "", text.strip(), flags=re.S)
    ending = next((e for e in MASK_ENDINGS if name.lower().endswith(e) and len(name) > len(e)), "")
    return plain_name(name[: len(name) - len(ending)].upper())


def patient_ids(names: pd.Series) -> pd.Series:
    """Normalise patient ids by `case_name`; a missing id stays missing."""
    return names.astype("str").map(case_name, na_action="ignore").astype("str")


def at(path: Path | str, row: object, column: str) -> str:
    """Name a cell for an error message by its file, row and column."""
    return f"{Path(path).name}, row {row}, column {column}"


def refuse_first(bad: pd.Series, values: pd.Series, path: Path | str, column: str, expected: str, fix: str) -> None:
    """Raise an InputError for the first True in `bad`, if there is one; the index of `bad` holds row numbers."""
    if bad.any():
        row = bad.index[bad.to_numpy()][0]
        value = values.loc[row]
        shown = "is empty" if pd.isna(value) else f"holds {str(value)[:60]!r}"
        raise InputError(at(path, row, column), f"{shown}, expected {expected}", fix)


def dropped_frame(notes: Notes) -> pd.DataFrame:
    """Convert notes to the frame ``table, reason, n``.

    Counts with the same table and reason are added up. Notes with a count of 0 are left out.
    """
    frame = pd.DataFrame([note for note in notes if note[2]], columns=["table", "reason", "n"])
    frame = frame.groupby(["table", "reason"], sort=False, as_index=False).sum()
    return frame.astype({"table": "str", "reason": "str", "n": "int64"})
