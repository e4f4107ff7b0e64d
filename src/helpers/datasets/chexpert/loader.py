"""Loader of a CheXpert download, real or simulated, as one documented data frame.

Labels are those of Irvin et al., AAAI 2019 (arXiv 1901.07031). The rules for labels, race and age are those of the
study of reconstruction and fairness by Wohlrapp et al. (arXiv 2604.10904), as far as its code shows them.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.chexpert import layout
from helpers.datasets.shared.files import Notes, dropped_frame, find, one_line, read_csv, refuse_first
from helpers.datasets.shared.splits import split_patients
from helpers.errors import InputError, check_choice

FINDINGS = layout.FINDINGS
_CORRECT = "Correct the cell"
_PLACE = re.compile(r"(?:[^/]+/)*?((?:train|valid)/(patient\d{5})/study\d+/view\d+_(frontal|lateral)\.(?:jpe?g|png))")
_UNCERTAIN = {"missing": np.nan, "positive": 1.0, "negative": 0.0}
_SEXES = {"f": "F", "female": "F", "m": "M", "male": "M", "unknown": None}
# Words that identify a race in a text; the first match counts. "Other" occurs in names of other groups, so it is last.
_RACE_WORDS = (
    (r"\b(?:hawaiian|pacific islander)\b", "Native Hawaiian or Other Pacific Islander"),
    (r"\b(?:american indian|alaska native|native american)\b", "American Indian or Alaska Native"),
    (r"\b(?:white|caucasian)\b", "White"),
    (r"\b(?:black|african american)\b", "Black"),
    (r"\basian\b", "Asian"),
    (r"\b(?:unknown|refused|declines?|declined)\b", None),
    (r"\b(?:other|two or more)\b", "Other"),
    # An ethnicity without a race.
    (r"\bhispanic\b", None),
)


def load_chexpert(
    root: str | Path,
    *,
    age_cut: int = layout.AGE_CUT,
    views: str = "all",
    uncertain: str = "missing",
    no_finding: bool = True,
    seed: int = 0,
    shares: tuple[float, float, float] = (0.7, 0.1, 0.2),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Load the images of a CheXpert download, one row for each.

    Parameters
    ----------
    root : str or Path
        Folder that holds ``CheXpert-v1.0-small`` or ``CheXpert-v1.0`` (the small one is used if both exist), or that
        folder itself. The demographics, ``CHEXPERT DEMO.xlsx``, are inside that folder or next to it.
    age_cut : int
        Cut between the two age groups in years; the older group is above it.
    views : {"all", "frontal"}
        Views to keep.
    uncertain : {"missing", "positive", "negative"}
        Treatment of an uncertain label (-1).
    no_finding : bool
        If the label ``No Finding`` is 1, set all findings to absent, also blank ones. ``Support Devices`` is not a
        finding.
    seed, shares
        Seed and shares of the split of patients; see `split_patients`.

    Returns
    -------
    cases : pandas.DataFrame
        ``image`` (path in the table); ``file``; ``patient_id``; ``sex`` (``F``, ``M``); ``age`` in years; ``age_group``
        (such as ``<=62`` and ``>62``); ``race`` (see `mapped_race`); ``view`` (``frontal``, ``lateral``); the twelve
        `FINDINGS`, 1 or 0; ``split`` (``train``, ``validation``, ``test``). Unknown values are missing. A blank label
        is missing too: the report does not mention the finding.
    dropped : pandas.DataFrame
        ``table, reason, n``: counts of values and rows that are missing, were left out or are odd.

    Raises
    ------
    InputError
        There is no table or no image, a file cannot be read, or a cell holds an invalid value. The error names file,
        row and column.

    Notes
    -----
    As in the published study, all rows come from ``train.csv``, and its patients are split anew. The few patients of
    ``valid.csv`` were labelled in another way; they are counted and left out. A patient's split depends only on the
    patients in the table, not on `views` or on the images that exist.
    """
    _check_options(age_cut, views, uncertain)
    folder = _find_folder(Path(root).expanduser())
    path = find(folder, layout.TRAIN)
    notes: Notes = []
    table = _read(path)
    places = _places(table, path)
    cases = pd.DataFrame({"image": table[layout.PATH], "file": [str(folder / place) for place in places["place"]]})
    cases.index = table.index
    cases["patient_id"] = places["patient"]
    cases["sex"] = _sex(table, path, notes)
    cases["age"] = _age(table, path, notes)
    groups = np.where(cases["age"] <= age_cut, f"<={age_cut}", f">{age_cut}")
    cases["age_group"] = pd.Series(groups, index=cases.index, dtype="str").where(cases["age"].notna())
    cases["race"] = _race(cases["patient_id"], folder, notes)
    cases["view"] = places["view"]
    cases[list(FINDINGS)] = _findings(table, path, uncertain, no_finding, notes)
    cases["split"] = pd.Series(split_patients(cases["patient_id"], shares=shares, seed=seed), cases.index, dtype="str")
    cases = _kept(cases, views, folder, notes)
    valid = find(folder, layout.VALID)
    if valid is not None:
        notes.append((valid.name, "row of another way of labelling: left out", len(read_csv(valid))))
    return cases[list(layout.CASE_COLUMNS)].reset_index(drop=True), dropped_frame(notes)


def mapped_race(text: object) -> str | None:
    """Map a text of the demographics to one of six groups of race. Return None if race is unknown or was refused.

    The groups are White, Black, Asian, Other, American Indian or Alaska Native, and Native Hawaiian or Other Pacific
    Islander. Key words decide, so ``White, non-Hispanic`` is White. A text with an ethnicity but no race is unknown.

    Raises
    ------
    InputError
        The text names no known group and contains no word such as unknown or refused.
    """
    if pd.isna(text) or not str(text).strip():
        return None
    for words, race in _RACE_WORDS:
        if re.search(words, str(text), re.IGNORECASE):
            return race
    raise InputError("race", f"{str(text)[:60]!r} is not a known group", f"Use one of {', '.join(layout.RACES)}")


def _check_options(age_cut: int, views: str, uncertain: str) -> None:
    if isinstance(age_cut, bool) or not isinstance(age_cut, int | np.integer) or not 0 < age_cut < 120:
        raise InputError("age_cut", f"{age_cut!r} is not a whole number of years", "Give years such as 62")
    check_choice("views", views, ("all", "frontal"))
    check_choice("uncertain", uncertain, _UNCERTAIN)


def _find_folder(root: Path) -> Path:
    """Find the folder that holds the table of labels."""
    for folder in (root, *(find(root, name) for name in layout.FOLDERS)):
        if folder is not None and (path := find(folder, layout.TRAIN)) is not None and path.is_file():
            return folder
    problem = f"there is no {layout.TRAIN}" if root.is_dir() else "there is no such folder"
    raise InputError(root, problem, f"Give the folder that holds {' or '.join(layout.FOLDERS)}")


def _read(path: Path) -> pd.DataFrame:
    table = read_csv(path)
    table.index = table.index + 2
    known = {name.lower(): name for name in layout.COLUMNS}
    table = table.rename(columns=lambda name: known.get(name.lower(), name))
    for name in (layout.PATH, layout.SEX, layout.AGE, layout.VIEW, layout.NO_FINDING, *FINDINGS):
        if name not in table:
            raise InputError(f"{path.name}, column {name}", "there is no such column", "Give the table of the download")
    if table.empty:
        raise InputError(path, "has a header and no rows", "Give the table of the download")
    twice = table[layout.PATH].duplicated()
    refuse_first(twice, table[layout.PATH], path, layout.PATH, "each image once", "Keep one row each")
    return table


def _places(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Extract the path of each image below the table's folder, and the patient and view in that path."""
    values = table[layout.PATH]
    parts = values.str.extract(f"^{_PLACE.pattern}$").set_axis(["place", "patient", "view"], axis=1)
    expected = "a path such as train/patient00000/study1/view1_frontal.jpg"
    refuse_first(parts["place"].isna(), values, path, layout.PATH, expected, _CORRECT)
    view = table[layout.VIEW].str.strip().str.lower()
    expected = "the view that the path names"
    refuse_first(view != parts["view"], table[layout.VIEW], path, layout.VIEW, expected, _CORRECT)
    return parts


def _sex(table: pd.DataFrame, path: Path, notes: Notes) -> pd.Series:
    text = table[layout.SEX].str.strip().str.lower()
    refuse_first(~text.isin(_SEXES) & text.notna(), table[layout.SEX], path, layout.SEX, "Female or Male", _CORRECT)
    sex = text.map(_SEXES).astype("str")
    notes.append((path.name, "sex missing", int(sex.isna().sum())))
    return sex


def _age(table: pd.DataFrame, path: Path, notes: Notes) -> pd.Series:
    age = pd.to_numeric(table[layout.AGE], errors="coerce").astype(float)
    wrong = ~age.between(0, 120) & table[layout.AGE].notna()
    refuse_first(wrong, table[layout.AGE], path, layout.AGE, "an age in years from 0 to 120", _CORRECT)
    # The patients are adults; the few ages of 0 in the real table are missing values.
    age = age.where(age > 0)
    notes.append((path.name, "age missing", int(age.isna().sum())))
    return age


def _race(patients: pd.Series, folder: Path, notes: Notes) -> pd.Series:
    """Read the race of each row's patient from the sheet of demographics, in the folder or next to it."""
    path = find(folder, layout.DEMOGRAPHICS) or find(folder.parent, layout.DEMOGRAPHICS)
    if path is None:
        notes.append((layout.DEMOGRAPHICS, "no such file: race missing", len(patients)))
        return pd.Series(None, index=patients.index, dtype="str")
    sheet = _read_sheet(path)
    known = sheet["race"].notna()
    one = sheet[known].drop_duplicates("patient").set_index("patient")["race"]
    first = sheet["patient"].map(one)
    refuse_first(
        known & (sheet["race"] != first),
        sheet["PRIMARY_RACE"],
        path,
        "PRIMARY_RACE",
        "the race of an earlier row of the same patient",
        "Keep one row for each patient",
    )
    race = patients.map(one).astype("str")
    absent = ~patients.isin(sheet["patient"])
    notes.append((path.name, "patient in no row: race missing", int(patients[absent].nunique())))
    notes.append((path.name, "race unknown or refused: image without it", int((race.isna() & ~absent).sum())))
    return race


def _read_sheet(path: Path) -> pd.DataFrame:
    try:
        sheet = pd.read_excel(path, dtype=object, engine="openpyxl")
    except Exception as error:
        # openpyxl has no common error class: the error that a broken file raises depends on where it is broken.
        problem = f"cannot be read as an xlsx spreadsheet ({one_line(error)})"
        raise InputError(path, problem, "Download the file again") from error
    sheet.columns = [str(name).strip().upper() for name in sheet.columns]
    sheet.index = sheet.index + 2
    for name in ("PATIENT", "PRIMARY_RACE"):
        if name not in sheet:
            raise InputError(f"{path.name}, column {name}", "there is no such column", "Give the file of the download")
    races = {}
    for row, text in sheet["PRIMARY_RACE"].drop_duplicates().items():
        try:
            races[text] = mapped_race(text)
        except InputError as error:
            raise InputError(f"{path.name}, row {row}, column PRIMARY_RACE", error.problem, error.fix) from None
    patient = sheet["PATIENT"].astype("str").str.strip().str.lower()
    return sheet.assign(patient=patient, race=sheet["PRIMARY_RACE"].map(races))


def _findings(table: pd.DataFrame, path: Path, uncertain: str, no_finding: bool, notes: Notes) -> pd.DataFrame:
    def numbers(name: str) -> pd.Series:
        values = pd.to_numeric(table[name], errors="coerce")
        wrong = ~values.isin([1, 0, -1]) & table[name].notna()
        refuse_first(wrong, table[name], path, name, "1, 0, -1 or nothing", _CORRECT)
        return values.astype(float)

    labels = pd.DataFrame({name: numbers(name) for name in FINDINGS})
    unsure = labels == -1
    notes.append((path.name, f"label uncertain (-1): taken as {uncertain}", int(unsure.to_numpy().sum())))
    labels = labels.mask(unsure, _UNCERTAIN[uncertain])
    nothing = numbers(layout.NO_FINDING) == 1
    if no_finding:
        odd = int((labels[nothing] == 1).to_numpy().sum())
        notes.append((path.name, "finding of 1 beside No Finding: set to 0", odd))
        labels.loc[nothing] = 0.0
    notes.append((path.name, "label missing", int(labels.isna().to_numpy().sum())))
    return labels


def _kept(cases: pd.DataFrame, views: str, folder: Path, notes: Notes) -> pd.DataFrame:
    """Keep the images of the chosen views that have a file."""
    if views == "frontal":
        chosen = cases["view"] == "frontal"
        notes.append((layout.TRAIN, "view from the side: left out", int((~chosen).sum())))
        cases = cases[chosen]
    there = np.array([Path(file).is_file() for file in cases["file"]], bool)
    if not there.any():
        problem = f"holds no image of the {len(cases)} rows"
        raise InputError(folder, problem, "Put the folders train and valid of the download next to the table")
    notes.append(("images", "no such file: row left out", int((~there).sum())))
    return cases[there]
