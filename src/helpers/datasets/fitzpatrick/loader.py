"""Loader of a Fitzpatrick17k download, real or simulated, as one documented data frame.

The table is that of Groh et al., CVPR ISIC workshop 2021 (arXiv 2104.09957). The corrected release, Fitzpatrick17k-C,
is that of Abhishek et al., Sci Data 12:196 (2025).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from helpers.datasets.fitzpatrick import layout
from helpers.datasets.shared import formats, raster
from helpers.datasets.shared.files import Notes, dropped_frame, find, read_csv, refuse_first
from helpers.datasets.shared.folder import each_case
from helpers.errors import InputError, check_choice

_SUFFIXES = {".jpg", ".jpeg", ".png"}
_LABELS = {"label": "label", "nine": "nine_partition_label", "three": "three_partition_label"}
_CORRECT = "Correct the cell"
_HASH = r"[0-9a-f]{32}"
_OTHER = "has another MD5 than its row"


def load_fitzpatrick17k(
    root: str | Path,
    *,
    skin_type: str = "scale",
    images: bool = True,
    keep: str | Path | Iterable[str] | None = None,
    workers: int = 1,
    progress: bool = True,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Load the cases of a Fitzpatrick17k download, one row for each image.

    Parameters
    ----------
    root : str or Path
        Folder that holds ``fitzpatrick17k.csv``, or the path of a table: of the first release, a later one, or the
        corrected release (Fitzpatrick17k-C). Images are in the table's folder or anywhere below it. Their names are
        ``<md5hash>.jpg``, or those in the column ``url_alphanum``, or those of the corrected release, which end in the
        first eight digits of the MD5.
    skin_type : {"scale", "centaur"}
        Labels of the skin type that define the groups.
    images : bool
        Look for the images and decode each one. With False, only the table is needed.
    keep : path or iterable of str, optional
        MD5s of the images to keep, such as those of a release without duplicates: a CSV file with a column
        ``md5hash``, a text file with one MD5 on each line, or the MD5s themselves.
    workers : int
        Number of processes that decode images.
    progress : bool
        Show a progress bar.

    Returns
    -------
    cases : pandas.DataFrame
        ``md5hash``; ``skin_type`` (1 to 6 by the chosen labels), ``scale`` and ``centaur`` (both labels; missing if the
        table holds -1 or has no such column); ``group`` (``light`` for types 1 and 2, ``dark`` for 5 and 6, else
        missing); ``label``, ``nine`` and ``three`` (condition and its classes); ``qc``; ``file`` (missing without
        images); ``source`` (host of the image's address, which identifies the atlas; missing if there is none).
    dropped : pandas.DataFrame
        ``table, reason, n``: counts of values and rows that are missing, were left out or are odd. Rows without an
        image that can be decoded are left out. An image with another MD5 than its row is kept and counted: it was
        re-encoded, or it is a different image, and the table does not show which.

    Raises
    ------
    InputError
        There is no table or no image, a file cannot be read, or a cell holds an invalid value. The error names file,
        row and column.
    """
    check_choice("skin_type", skin_type, ("scale", "centaur"))
    path = _find_table(Path(root).expanduser())
    table = _read(path)
    if skin_type == "centaur" and "fitzpatrick_centaur" not in table:
        fix = "Take skin_type='scale', or the table of July 2022 or later"
        raise InputError(f"{path.name}, column fitzpatrick_centaur", "there is no such column", fix)
    from helpers.datasets.shared.schema import SKIN, validate  # pandera takes a second to import

    cases = validate(_cases(table, path, skin_type), path, SKIN)
    _check_nested(cases, path)
    cases["source"] = _hosts(table)
    notes: Notes = [(path.name, "skin type missing: in no group", int(cases["skin_type"].isna().sum()))]
    if images:
        cases["file"] = _files(cases, table, path.parent, notes)
    if keep is not None:
        cases = _kept(cases, keep, notes)
    if images:
        cases = _with_images(cases, workers, progress, notes)
    return cases.reset_index(drop=True), dropped_frame(notes)


def has_pictures(root: str | Path) -> bool:
    """Return True if a folder holds image files at any depth, and not only the table."""
    return any(path.suffix.lower() in _SUFFIXES for path in Path(root).expanduser().rglob("*"))


def _find_table(root: Path) -> Path:
    path = find(root, layout.TABLE) if root.is_dir() else root
    if path is None or not path.is_file():
        problem = f"there is no {layout.TABLE}" if root.is_dir() else "there is no such file or folder"
        raise InputError(root, problem, "Give the folder of the download, or its table")
    return path


def _read(path: Path) -> pd.DataFrame:
    table = read_csv(path)
    table.index = table.index + 2
    table.columns = table.columns.str.lower()
    # The first release and the corrected one have only one label of the skin type, with this name.
    if "fitzpatrick_scale" not in table:
        table = table.rename(columns={"fitzpatrick": "fitzpatrick_scale"})
    for name in ("md5hash", "fitzpatrick_scale", *_LABELS.values()):
        if name not in table:
            raise InputError(f"{path.name}, column {name}", "there is no such column", "Give the table of the download")
    if table.empty:
        raise InputError(path, "has a header and no rows", "Give the table of the download")
    return table


def _cases(table: pd.DataFrame, path: Path, skin_type: str) -> pd.DataFrame:
    def types(name: str) -> pd.Series:
        if name not in table:
            return pd.Series(pd.NA, index=table.index, dtype="Int64")
        values = pd.to_numeric(table[name], errors="coerce")
        known = values.isin([layout.UNKNOWN, *layout.SKIN_TYPES]) | table[name].isna()
        refuse_first(~known, table[name], path, name, "a skin type from 1 to 6, or -1 where unknown", _CORRECT)
        return values.astype("Int64").replace(layout.UNKNOWN, pd.NA)

    hashes = table["md5hash"].str.strip().str.lower()
    refuse_first(~hashes.str.fullmatch(_HASH, na=False), table["md5hash"], path, "md5hash", "32 hex digits", _CORRECT)
    both = {"scale": types("fitzpatrick_scale"), "centaur": types("fitzpatrick_centaur")}
    group = both[skin_type].map(layout.GROUPS).astype(pd.CategoricalDtype(layout.GROUP_NAMES))
    labels = {name: table[column].str.strip() for name, column in _LABELS.items()}
    qc = table["qc"] if "qc" in table else pd.Series(None, index=table.index, dtype="str")
    return pd.DataFrame(
        {"md5hash": hashes, "skin_type": both[skin_type], **both, "group": group, **labels, "qc": qc}
    ).assign(file=pd.Series(None, index=table.index, dtype="str"))


def _hosts(table: pd.DataFrame) -> pd.Series:
    address = table["url"] if "url" in table else pd.Series(None, index=table.index, dtype="str")
    return address.str.extract(r"^\w+://(?:www\.)?([^/:]+)", expand=False).str.lower()


def _check_nested(cases: pd.DataFrame, path: Path) -> None:
    for fine, coarse in (("label", "nine"), ("nine", "three")):
        first = cases.groupby(fine)[coarse].transform("first")
        expected = f"{_LABELS[coarse]} as in the first row of that {_LABELS[fine]}"
        fix = "Give each condition one class"
        refuse_first(cases[coarse] != first, cases[coarse], path, _LABELS[coarse], expected, fix)


def _kept(cases: pd.DataFrame, keep: str | Path | Iterable[str], notes: Notes) -> pd.DataFrame:
    name = "keep"
    if isinstance(keep, str | Path):
        path = Path(keep).expanduser()
        name, keep = path.name, _read_list(path)
    wanted = {str(entry).strip().lower() for entry in keep}
    odd = sorted(entry for entry in wanted if not re.fullmatch(_HASH, entry))
    if odd or not wanted:
        problem = f"holds {odd[0][:60]!r}, expected 32 hex digits" if odd else "holds no MD5"
        raise InputError(name, problem, "Give one MD5 for each image to keep")
    chosen = cases["md5hash"].isin(wanted)
    if not chosen.any():
        raise InputError(name, "names no image of the table", "Give MD5s of this data set")
    notes.append((name, "image not in the list: left out", int((~chosen).sum())))
    notes.append((name, "MD5 of no row of the table", len(wanted) - int(chosen.sum())))
    return cases[chosen]


def _read_list(path: Path) -> list[str]:
    """Read MD5s from the column ``md5hash`` of a CSV file, or from the lines of a file without such a header."""
    table = read_csv(path)
    table.columns = table.columns.str.lower()
    if "md5hash" in table:
        return table["md5hash"].dropna().tolist()
    if table.shape[1] > 1:
        raise InputError(f"{path.name}, column md5hash", "there is no such column", "Name the column of MD5s md5hash")
    return [table.columns[0], *table.iloc[:, 0].dropna()]


def _files(cases: pd.DataFrame, table: pd.DataFrame, folder: Path, notes: Notes) -> pd.Series:
    """Find the path of each case's image; it is missing if there is none."""
    files = _find_images(folder, notes)
    address = table["url_alphanum"] if "url_alphanum" in table else pd.Series("", index=table.index)
    # Look up by the whole MD5, by the name made from the address, and by the first eight digits of the MD5.
    names = zip(cases["md5hash"], address.str.lower(), cases["md5hash"].str[:8], strict=True)
    found = [next((str(files[name]) for name in known if name in files), None) for known in names]
    if not any(found):
        problem = f"holds no image of the {len(cases)} rows"
        raise InputError(folder, problem, "Put the images below the folder of the table, or take images=False")
    notes.append(("images", "file of no row", len(files) - len(set(found) - {None})))
    return pd.Series(found, index=cases.index, dtype="str")


def _with_images(cases: pd.DataFrame, workers: int, progress: bool, notes: Notes) -> pd.DataFrame:
    """Keep the cases with an image file that exists and can be decoded."""
    from tqdm.auto import tqdm

    notes.append(("images", "no such file: row left out", int(cases["file"].isna().sum())))
    cases = cases[cases["file"].notna()]
    todo = list(zip(cases["file"], cases["md5hash"], strict=True))
    bar = tqdm(each_case(_state, todo, workers), desc="images", unit="image", total=len(todo), disable=not progress)
    state = pd.Series(list(bar), index=cases.index, dtype="str")
    for problem, n in Counter(state[state != ""]).items():
        notes.append(("images", f"file {problem}: {'kept' if problem == _OTHER else 'row left out'}", n))
    return cases[state.isin(["", _OTHER])]


def _find_images(folder: Path, notes: Notes) -> dict[str, Path]:
    """Find the images below a folder, as a mapping from MD5, first eight digits of the MD5, or file name to path."""
    files: dict[str, Path] = {}
    twice = 0
    # Nearest to the folder first, in case a name occurs twice.
    for path in sorted(folder.rglob("*"), key=lambda p: (len(p.parts), p)):
        name = path.name.lower()
        if path.suffix.lower() not in _SUFFIXES or name.startswith(".") or not path.is_file():
            continue
        whole, short = re.fullmatch(rf"({_HASH})\.\w+", name), re.search(r"_([0-9a-f]{8})\.\w+$", name)
        key = whole[1] if whole else short[1] if short else name
        twice += key in files
        files.setdefault(key, path)
    notes.append(("images", "image stands twice: the first is taken", twice))
    return files


def _state(file: str, md5hash: str) -> str:
    """Describe the problem with an image file in words. Return an empty text if there is none."""
    try:
        content = Path(file).read_bytes()
        formats.check_bytes(raster.decode(content, file), file)
    except OSError:
        return "cannot be read"
    except InputError as error:
        return error.problem
    return "" if hashlib.md5(content, usedforsecurity=False).hexdigest() == md5hash else _OTHER
